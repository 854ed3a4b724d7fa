//! C01: an order is positive, whole and complete.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{Proposal, RejectCode, Rejection, WorstCase};

/// Checks quantity and prices. Types already exclude NaN, unknown sides and unknown symbols.
#[derive(Debug)]
pub(super) struct OrderValid;

impl Control for OrderValid {
    fn id(&self) -> &'static str {
        "C01"
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
    use super::super::testing::{books, proposal};
    use super::*;
    use model::{OrderKind, Price, Quantity};

    #[test]
    fn wrong_numbers_are_refused() {
        let check = |p: Proposal| OrderValid.check(&p, &WorstCase::default(), &books()).is_ok();
        assert!(check(proposal(1, "10.00")));
        let good = proposal(1, "10.00");
        assert!(!check(Proposal { quantity: Quantity::from_raw(-1), ..good }));
        assert!(!check(Proposal { quantity: Quantity::from_raw(500_000_000), ..good }));
        assert!(!check(Proposal { worst_price: Price::ZERO, ..good }));
        let limit = Price::from_raw(-10_000_000);
        assert!(!check(Proposal { kind: OrderKind::Limit { limit }, ..good }));
    }
}
