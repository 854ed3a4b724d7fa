//! C03: the number of shares of one order, absolute and against the symbol's volumes.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an order that is large in itself, or large for what trades in the symbol.
#[derive(Debug)]
pub(super) struct OrderQuantity;

impl Control for OrderQuantity {
    fn id(&self) -> ControlId {
        ControlId(3)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let (market, limits) = (&proposal.market, books.limits_of(proposal.strategy));
        match limits.order_quantity(market.recent_volume, market.adv20) {
            Some(limit) if proposal.quantity.shares() > limit => {
                let value = proposal.quantity.to_f64();
                Err(Rejection::new(RejectCode::OrderQuantity, limit as f64, value))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::risk_manager::MarketView;

    /// One share beside each of the three limits: 5,000 shares, 1 % of ADV20, 10 % of the last
    /// five minutes.
    #[test]
    fn boundary() {
        let check = |shares, recent_volume, adv20| {
            let market = MarketView { recent_volume, adv20, ..proposal(1, "4.00").market };
            let proposal = Proposal { market, ..proposal(shares, "4.00") };
            refusal("C03", &proposal, &WorstCase::default(), &books())
        };
        let refused = Some(RejectCode::OrderQuantity);
        assert_eq!([check(5_000, 900_000, None), check(5_001, 900_000, None)], [None, refused]);
        let (adv, thin) = (Some(400_000.0), 20_000);
        assert_eq!([check(4_000, 900_000, adv), check(4_001, 900_000, adv)], [None, refused]);
        assert_eq!([check(2_000, thin, None), check(2_001, thin, None)], [None, refused]);
    }
}
