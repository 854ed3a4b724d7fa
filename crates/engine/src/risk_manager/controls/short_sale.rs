//! C19: a sale beyond what is held is a short sale, marked as one, of shares that can be borrowed
//! (Reg SHO rules 200(g), 203).

use model::{Quantity, Side};

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses short sales unless they are allowed and the broker lends the shares today.
#[derive(Debug)]
pub(super) struct ShortSale;

/// Returns how a sale must be marked: long only as far as what is held is not already being sold.
pub fn mark_sale(quantity: Quantity, held: Quantity, open_sells: Quantity) -> Side {
    if quantity <= held.minus(open_sells) { Side::Sell } else { Side::SellShort }
}

impl Control for ShortSale {
    fn id(&self) -> ControlId {
        ControlId(19)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        if proposal.side == Side::Buy {
            return Ok(());
        }
        if !limits.allow_shorts {
            return Err(Rejection::new(RejectCode::ShortsOff, 0.0, 1.0));
        }
        match proposal.market.shortable {
            Some(true) => Ok(()),
            // The flag comes with the facts of a session and is forgotten with them: it is never
            // older than a day.
            None if !limits.require_reference => Ok(()),
            flag => Err(Rejection::new(RejectCode::NotShortable, 1.0, f64::from(flag.is_some()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{proposal, refusal, with_limits};
    use super::*;
    use crate::risk_manager::{Limits, MarketView};

    /// One share more than what is held and not yet being sold is a short sale.
    #[test]
    fn marking_boundary() {
        let shares = |n| Quantity::from_shares(n).unwrap();
        let mark = |quantity, held, sells| mark_sale(shares(quantity), shares(held), shares(sells));
        assert_eq!([mark(100, 100, 0), mark(101, 100, 0)], [Side::Sell, Side::SellShort]);
        assert_eq!([mark(60, 100, 40), mark(61, 100, 40)], [Side::Sell, Side::SellShort]);
        assert_eq!(mark(1, -10, 0), Side::SellShort);
    }

    /// Shorts are off in paper and live; where they are on, the flag decides, and no flag refuses
    /// where reference data is required.
    #[test]
    fn the_flag_decides() {
        let check = |allow_shorts, require_reference, shortable| {
            let limits = Limits { allow_shorts, require_reference, ..Limits::default() };
            let market = MarketView { shortable, ..MarketView::default() };
            let proposal = Proposal { side: Side::SellShort, market, ..proposal(1, "10.00") };
            refusal("C19", &proposal, &WorstCase::default(), &with_limits(limits))
        };
        assert_eq!(check(false, false, Some(true)), Some(RejectCode::ShortsOff));
        assert_eq!(check(true, true, Some(true)), None);
        assert_eq!(check(true, false, Some(false)), Some(RejectCode::NotShortable));
        assert_eq!(check(true, true, None), Some(RejectCode::NotShortable));
        assert_eq!(check(true, false, None), None, "not checked in a backtest without the flag");
        assert!(!Limits::for_real_orders().allow_shorts);
    }
}
