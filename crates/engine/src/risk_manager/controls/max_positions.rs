//! C07: the number of symbols with a position, an opening order or an unknown one.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry in a further symbol. Exits never come here (I14).
#[derive(Debug)]
pub(super) struct MaxPositions;

impl Control for MaxPositions {
    fn id(&self) -> ControlId {
        ControlId(7)
    }

    fn check(&self, _: &Proposal, worst: &WorstCase, books: &Books) -> Result<(), Rejection> {
        match books.gate().limits().max_positions {
            Some(limit) if worst.other_symbols >= limit => {
                let value = f64::from(worst.other_symbols) + 1.0;
                Err(Rejection::new(RejectCode::MaxPositions, f64::from(limit), value))
            }
            _ => Ok(()),
        }
    }

    fn usage(&self, worst: &WorstCase, books: &Books, _: model::Timestamp) -> Option<f64> {
        let most = books.gate().limits().max_positions?;
        Some(f64::from(worst.other_symbols) / f64::from(most.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{proposal, refusal, with_limits};
    use super::*;
    use crate::risk_manager::Limits;

    #[test]
    fn the_limit_is_the_number_of_symbols() {
        let check = |max_positions, other_symbols| {
            let worst = WorstCase { other_symbols, ..WorstCase::default() };
            let books = with_limits(Limits { max_positions, ..Limits::default() });
            refusal("C07", &proposal(1, "10.00"), &worst, &books).is_none()
        };
        assert!(check(Some(5), 4) && !check(Some(5), 5) && check(None, 500));
    }
}
