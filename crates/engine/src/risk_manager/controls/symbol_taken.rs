//! C18: one strategy per symbol, so that no two of our orders can meet.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry while another strategy has a position or an entry in the symbol.
#[derive(Debug)]
pub(super) struct SymbolTaken {
    pub(super) exclusive: bool,
}

impl Control for SymbolTaken {
    fn id(&self) -> &'static str {
        "C18"
    }

    fn check(&self, _: &Proposal, worst: &WorstCase, _: &Books) -> Result<(), Rejection> {
        if self.exclusive && worst.taken {
            return Err(Rejection::new(RejectCode::SymbolTaken, 1.0, 2.0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal};
    use super::*;

    #[test]
    fn a_taken_symbol_is_refused() {
        let check = |exclusive, taken| {
            let worst = WorstCase { taken, ..WorstCase::default() };
            SymbolTaken { exclusive }.check(&proposal(1, "10.00"), &worst, &books()).is_ok()
        };
        assert!(check(true, false) && !check(true, true));
        assert!(check(false, true), "comparisons run several instances in one symbol");
    }
}
