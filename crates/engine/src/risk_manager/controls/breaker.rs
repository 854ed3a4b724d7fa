//! C22: nothing opens while the whole market is paused or within 60 s of its end.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses entries in every symbol while a market-wide breaker holds. The levels and their times
/// are in [`MarketRules`](crate::risk_manager::MarketRules).
#[derive(Debug)]
pub(super) struct Breaker;

impl Control for Breaker {
    fn id(&self) -> ControlId {
        ControlId(22)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, _: &Books) -> Result<(), Rejection> {
        if proposal.market.paused {
            return Err(Rejection::new(RejectCode::MarketPaused, 0.0, 1.0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::risk_manager::MarketView;

    #[test]
    fn nothing_opens_in_a_paused_market() {
        let check = |paused| {
            let market = MarketView { paused, ..MarketView::default() };
            let proposal = Proposal { market, ..proposal(1, "10.00") };
            refusal("C22", &proposal, &WorstCase::default(), &books())
        };
        assert_eq!((check(false), check(true)), (None, Some(RejectCode::MarketPaused)));
    }
}
