//! C18: no two of our orders may meet in the market (FINRA 5210), over strategies and brokers.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry while another strategy has a position or an entry in the symbol, and where
/// strategies share symbols, while another one's order works on the opposite side. The exits of
/// the entry's own plan are exempt.
#[derive(Debug)]
pub(super) struct SelfTrade;

impl Control for SelfTrade {
    fn id(&self) -> ControlId {
        ControlId(18)
    }

    fn check(&self, _: &Proposal, worst: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        if limits.exclusive_symbols && worst.taken {
            return Err(Rejection::new(RejectCode::SymbolTaken, 1.0, 2.0));
        }
        if limits.self_trade_prevention && worst.opposed {
            return Err(Rejection::new(RejectCode::SelfTrade, 0.0, 1.0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{proposal, refusal, with_limits};
    use super::*;
    use crate::risk_manager::Limits;

    #[test]
    fn a_taken_symbol_is_refused() {
        let check = |exclusive_symbols, taken, opposed| {
            let worst = WorstCase { taken, opposed, ..WorstCase::default() };
            let books = with_limits(Limits { exclusive_symbols, ..Limits::default() });
            refusal("C18", &proposal(1, "10.00"), &worst, &books)
        };
        assert_eq!(check(true, false, false), None);
        assert_eq!(check(true, true, false), Some(RejectCode::SymbolTaken));
        assert_eq!(check(false, true, false), None, "strategies may share a symbol");
        assert_eq!(check(false, true, true), Some(RejectCode::SelfTrade));
    }
}
