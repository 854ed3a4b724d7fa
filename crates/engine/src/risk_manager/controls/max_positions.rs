//! C07: the number of symbols with a position, an opening order or an unknown one.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry in a further symbol. Exits never come here (I14).
#[derive(Debug)]
pub(super) struct MaxPositions {
    pub(super) limit: Option<u32>,
}

impl Control for MaxPositions {
    fn id(&self) -> &'static str {
        "C07"
    }

    fn check(&self, _: &Proposal, worst: &WorstCase, _: &Books) -> Result<(), Rejection> {
        match self.limit {
            Some(limit) if worst.other_symbols >= limit => {
                let value = f64::from(worst.other_symbols) + 1.0;
                Err(Rejection::new(RejectCode::MaxPositions, f64::from(limit), value))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal};
    use super::*;

    #[test]
    fn the_limit_is_the_number_of_symbols() {
        let check = |limit, other_symbols| {
            let worst = WorstCase { other_symbols, ..WorstCase::default() };
            MaxPositions { limit }.check(&proposal(1, "10.00"), &worst, &books()).is_ok()
        };
        assert!(check(Some(5), 4) && !check(Some(5), 5) && check(None, 500));
    }
}
