//! C06: the value held in one symbol, with every open order filled (I5).

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry that would make the symbol's worst case too large.
#[derive(Debug)]
pub(super) struct PositionSize;

impl Control for PositionSize {
    fn id(&self) -> ControlId {
        ControlId(6)
    }

    fn check(
        &self,
        proposal: &Proposal,
        worst: &WorstCase,
        books: &Books,
    ) -> Result<(), Rejection> {
        let Some(limit) = books.limits_of(proposal.strategy).position_value(books.day().equity)
        else {
            return Ok(());
        };
        let value = proposal.worst_price.notional(proposal.quantity);
        match value.map(|value| value.plus(worst.in_symbol)) {
            Some(value) if value <= limit => Ok(()),
            value => {
                let value = value.map_or(f64::MAX, |value| value.to_f64());
                Err(Rejection::new(RejectCode::PositionSize, limit.to_f64(), value))
            }
        }
    }

    fn usage(&self, worst: &WorstCase, books: &Books, _: model::Timestamp) -> Option<f64> {
        let limit = books.gate().limits().position_value(books.day().equity)?;
        super::part(worst.largest, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use model::Cash;

    /// 20 % of 100,000 USD, what is already held or ordered counted in.
    #[test]
    fn boundary_on_the_worst_case() {
        let check = |shares, held| {
            let in_symbol = Cash::from_dollars(held).unwrap();
            let worst = WorstCase { in_symbol, ..WorstCase::default() };
            refusal("C06", &proposal(shares, "10.00"), &worst, &books()).is_none()
        };
        assert!(check(2_000, 0) && !check(2_001, 0));
        assert!(check(1_000, 10_000) && !check(1_000, 10_001));
    }
}
