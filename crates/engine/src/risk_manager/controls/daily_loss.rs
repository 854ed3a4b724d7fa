//! C10: from the reduce-only line of the day's loss on nothing is opened.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, LossLevel, Proposal, RejectCode, Rejection, WorstCase};

/// Reads the level that the engine keeps from realised and unrealised result and fees.
#[derive(Debug)]
pub(super) struct DailyLoss;

impl Control for DailyLoss {
    fn id(&self) -> ControlId {
        ControlId(10)
    }

    fn check(&self, _: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let level = books.day().loss;
        if level >= LossLevel::ReduceOnly {
            let limit = f64::from(LossLevel::ReduceOnly as u8);
            return Err(Rejection::new(RejectCode::DailyLoss, limit, f64::from(level as u8)));
        }
        Ok(())
    }

    fn usage(&self, _: &WorstCase, books: &Books, _: model::Timestamp) -> Option<f64> {
        let lines = books.gate().limits().loss_lines(books.day().equity)?;
        super::part(books.realised_today().negated().max(model::Cash::ZERO), lines.halt)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::fact::{Fact, GateChange};

    #[test]
    fn reduce_only_and_halt_refuse() {
        for (level, passes) in [
            (LossLevel::None, true),
            (LossLevel::Warn, true),
            (LossLevel::ReduceOnly, false),
            (LossLevel::Halt, false),
        ] {
            let mut books = books();
            books.fold(&Fact::Gate(GateChange::Loss(level)));
            let check = refusal("C10", &proposal(1, "10.00"), &WorstCase::default(), &books);
            assert_eq!(check.is_none(), passes, "{level:?}");
        }
    }
}
