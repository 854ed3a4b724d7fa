//! C27: only symbols that are allowed, liquid, in their price range, and without an event today.

use model::Price;

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses entries in symbols that are restricted or not fit to be traded. The universe of a run
/// is itself an allow-list: no other symbol has an id.
#[derive(Debug)]
pub(super) struct Universe;

impl Control for Universe {
    fn id(&self) -> ControlId {
        ControlId(27)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let (limits, market) = (books.gate().limits(), &proposal.market);
        let named = |list: &[model::Symbol]| market.ticker.is_some_and(|t| list.contains(&t));
        if named(&limits.restricted) || !(limits.allowed.is_empty() || named(&limits.allowed)) {
            return Err(Rejection::new(RejectCode::NotAllowed, 0.0, 1.0));
        }
        let price = proposal.kind.stop().unwrap_or(proposal.worst_price);
        let refuse = |limit: Price| {
            Err(Rejection::new(RejectCode::PriceRange, limit.to_f64(), price.to_f64()))
        };
        match (limits.min_price, limits.max_price) {
            (Some(least), _) if price < least => return refuse(least),
            (_, Some(most)) if price > most => return refuse(most),
            _ => {}
        }
        if let Some(least) = limits.min_adv {
            match market.adv20 {
                Some(adv) if adv >= least as f64 => {}
                None if !limits.require_reference => {}
                adv => {
                    let (limit, value) = (least as f64, adv.unwrap_or(0.0));
                    return Err(Rejection::new(RejectCode::ThinlyTraded, limit, value));
                }
            }
        }
        if market.event_pending {
            return Err(Rejection::new(RejectCode::EventPending, 0.0, 1.0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{proposal, refusal, with_limits};
    use super::*;
    use crate::risk_manager::{Limits, MarketView};

    fn strict() -> Limits {
        Limits { require_reference: false, ..Limits::for_real_orders() }
    }

    fn check(limits: Limits, at: &str, market: MarketView) -> Option<RejectCode> {
        let market = MarketView { ticker: Some("AAPL".parse().unwrap()), ..market };
        let proposal = Proposal { market, ..proposal(1, at) };
        refusal("C27", &proposal, &WorstCase::default(), &with_limits(limits))
    }

    /// 2 to 1,000 USD, to the tick.
    #[test]
    fn price_range() {
        let at = |at| check(strict(), at, MarketView::default());
        let refused = Some(RejectCode::PriceRange);
        assert_eq!([at("1.99"), at("2.00")], [refused, None]);
        assert_eq!([at("1000.00"), at("1000.01")], [None, refused]);
    }

    /// 500,000 shares a day; an unknown volume refuses where reference data is required.
    #[test]
    fn volume() {
        let with = |adv20, require_reference| {
            let limits = Limits { require_reference, ..strict() };
            check(limits, "10.00", MarketView { adv20, ..MarketView::default() })
        };
        let refused = Some(RejectCode::ThinlyTraded);
        assert_eq!([with(Some(499_999.0), false), with(Some(500_000.0), false)], [refused, None]);
        assert_eq!([with(None, true), with(None, false)], [refused, None]);
    }

    /// Lists and pending corporate actions.
    #[test]
    fn lists_and_events() {
        let list = |text: &str| vec![text.parse().unwrap()];
        let view = MarketView::default();
        let refused = Some(RejectCode::NotAllowed);
        let restricted = |on| Limits { restricted: list(on), ..strict() };
        assert_eq!(check(restricted("AAPL"), "10.00", view), refused);
        assert_eq!(check(restricted("MSFT"), "10.00", view), None);
        let allowed = |on| Limits { allowed: list(on), ..strict() };
        assert_eq!(check(allowed("MSFT"), "10.00", view), refused);
        assert_eq!(check(allowed("AAPL"), "10.00", view), None);
        let pending = MarketView { event_pending: true, ..view };
        assert_eq!(check(strict(), "10.00", pending), Some(RejectCode::EventPending));
    }
}
