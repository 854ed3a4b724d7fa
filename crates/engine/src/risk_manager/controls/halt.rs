//! C21, TG37: nothing opens in a halt, in a limit state, or within 60 s of the end of either.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses entries while trading in the symbol is halted and shortly after. Exits stay queued.
#[derive(Debug)]
pub(super) struct Halt;

impl Control for Halt {
    fn id(&self) -> ControlId {
        ControlId(21)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, _: &Books) -> Result<(), Rejection> {
        if proposal.market.halted {
            return Err(Rejection::new(RejectCode::Halted, 0.0, 1.0));
        }
        if proposal.market.limit_state {
            return Err(Rejection::new(RejectCode::LimitState, 0.0, 1.0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::data_manager::DataManager;
    use crate::data_manager::Needs;
    use crate::risk_manager::MarketView;
    use model::{SECOND_NS, SymbolId, Timestamp};

    #[test]
    fn nothing_opens_in_a_halt() {
        let check = |halted, limit_state| {
            let market = MarketView { halted, limit_state, ..MarketView::default() };
            let proposal = Proposal { market, ..proposal(1, "10.00") };
            refusal("C21", &proposal, &WorstCase::default(), &books())
        };
        assert_eq!(check(false, false), None);
        assert_eq!(check(true, false), Some(RejectCode::Halted));
        assert_eq!(check(false, true), Some(RejectCode::LimitState));
    }

    /// The boundary: 59.999999999 s after the re-open is too early, 60 s is not.
    #[test]
    fn a_halt_lasts_until_a_minute_after_its_end() {
        let mut data = DataManager::new(1, Needs::NONE);
        let at = |seconds: i64| Timestamp::from_nanos(seconds * SECOND_NS);
        for (seconds, halted) in [(100, true), (400, false)] {
            data.accept_halt(SymbolId(0), &model::Halt { time: at(seconds), halted });
            let state = data.symbol(SymbolId(0)).unwrap();
            assert!(state.is_halted_at(at(seconds)), "halted {halted}");
        }
        let state = data.symbol(SymbolId(0)).unwrap();
        assert!(state.is_halted_at(at(460).plus_nanos(-1)) && !state.is_halted_at(at(460)));
    }
}
