//! C21, TG37: nothing opens in a halt or within 60 s of its end.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{Proposal, RejectCode, Rejection, WorstCase};

/// Refuses entries while trading in the symbol is halted and shortly after. Exits stay queued.
#[derive(Debug)]
pub(super) struct Halt;

impl Control for Halt {
    fn id(&self) -> &'static str {
        "C21"
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, _: &Books) -> Result<(), Rejection> {
        if proposal.halted {
            return Err(Rejection::new(RejectCode::Halted, 0.0, 1.0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal};
    use super::*;
    use crate::data_manager::DataManager;
    use crate::data_manager::Needs;
    use model::{SECOND_NS, SymbolId, Timestamp};

    #[test]
    fn nothing_opens_in_a_halt() {
        let check = |halted| {
            let proposal = Proposal { halted, ..proposal(1, "10.00") };
            Halt.check(&proposal, &WorstCase::default(), &books()).is_ok()
        };
        assert!(check(false) && !check(true));
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
