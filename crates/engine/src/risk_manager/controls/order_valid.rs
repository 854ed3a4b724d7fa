//! C01: an order is positive, whole and complete.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Checks quantity and prices. Types already exclude NaN, unknown sides and unknown symbols.
#[derive(Debug)]
pub(super) struct OrderValid;

impl Control for OrderValid {
    fn id(&self) -> ControlId {
        ControlId(1)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, _: &Books) -> Result<(), Rejection> {
        let refuse = |value: f64| Err(Rejection::new(RejectCode::OrderInvalid, 0.0, value));
        let quantity = proposal.quantity;
        // Zero means that no size was found: sizing gives the reason then.
        if quantity.raw() < 0 || !quantity.is_whole() {
            return refuse(quantity.to_f64());
        }
        let prices = [Some(proposal.worst_price), proposal.kind.stop(), proposal.kind.limit()];
        match prices.into_iter().flatten().find(|price| !price.is_positive()) {
            Some(price) => refuse(price.to_f64()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use model::{OrderKind, Price, Quantity};

    #[test]
    fn wrong_numbers_are_refused() {
        assert!(check(proposal(1, "10.00")));
        let good = proposal(1, "10.00");
        assert!(!check(Proposal { quantity: Quantity::from_raw(-1), ..good }));
        assert!(!check(Proposal { quantity: Quantity::from_raw(500_000_000), ..good }));
        assert!(!check(Proposal { worst_price: Price::ZERO, ..good }));
        let limit = Price::from_raw(-10_000_000);
        assert!(!check(Proposal { kind: OrderKind::Limit { limit }, ..good }));
    }

    /// Whatever numbers come, only whole positive ones with positive prices pass.
    #[test]
    fn random_numbers() {
        let mut seed = 11_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            [0, 1, -1, i64::MIN, i64::MAX, (seed >> 20) as i64, -((seed >> 20) as i64)]
                [(seed >> 60) as usize % 7]
        };
        for _ in 0..2_000 {
            let (quantity, limit) = (Quantity::from_raw(next()), Price::from_raw(next()));
            let kind = OrderKind::Limit { limit };
            let proposal = Proposal { quantity, worst_price: limit, kind, ..proposal(1, "10.00") };
            let valid = quantity.raw() >= 0 && quantity.is_whole() && limit.is_positive();
            assert_eq!(check(proposal), valid, "{quantity:?} {limit:?}");
        }
    }

    fn check(p: Proposal) -> bool {
        refusal("C01", &p, &WorstCase::default(), &books()).is_none()
    }
}
