//! C20: after a fall of 10 % from the previous close no short sale for that day and the next
//! (Rule 201).

use model::Side;

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses short sales while they are restricted: the rule would allow them above the best bid,
/// we sell none.
#[derive(Debug)]
pub(super) struct ShortRestriction;

impl Control for ShortRestriction {
    fn id(&self) -> ControlId {
        ControlId(20)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        if proposal.side == Side::Buy || !limits.short_sale_restriction {
            return Ok(());
        }
        match proposal.market.short_restricted {
            Some(false) => Ok(()),
            None if !limits.require_reference => Ok(()),
            Some(true) => Err(Rejection::new(RejectCode::ShortRestricted, 0.0, 1.0)),
            None => Err(Rejection::new(RejectCode::NoReference, 0.0, 1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{proposal, refusal, with_limits};
    use super::*;
    use crate::risk_manager::{Limits, MarketView};

    /// Restricted refuses shorts, never a purchase; unknown refuses where reference data is
    /// required.
    #[test]
    fn restricted_sells_nothing_short() {
        let check = |side, short_restricted, require_reference| {
            let market = MarketView { short_restricted, ..MarketView::default() };
            let books = with_limits(Limits { require_reference, ..Limits::default() });
            let proposal = Proposal { side, market, ..proposal(1, "10.00") };
            refusal("C20", &proposal, &WorstCase::default(), &books)
        };
        let short = Side::SellShort;
        assert_eq!(check(short, Some(true), false), Some(RejectCode::ShortRestricted));
        assert_eq!(check(short, Some(false), true), None);
        assert_eq!(check(short, None, true), Some(RejectCode::NoReference));
        assert_eq!(check(short, None, false), None);
        assert_eq!(check(Side::Buy, Some(true), true), None);
    }
}
