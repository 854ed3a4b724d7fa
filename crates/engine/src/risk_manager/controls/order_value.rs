//! C02: the value of one order.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an order whose value at its worst price is over the limit.
#[derive(Debug)]
pub(super) struct OrderValue;

impl Control for OrderValue {
    fn id(&self) -> ControlId {
        ControlId(2)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let Some(limit) = books.limits_of(proposal.strategy).order_value(books.day().equity) else {
            return Ok(());
        };
        match proposal.worst_price.notional(proposal.quantity) {
            Some(value) if value <= limit => Ok(()),
            value => {
                let value = value.map_or(f64::MAX, |value| value.to_f64());
                Err(Rejection::new(RejectCode::OrderValue, limit.to_f64(), value))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal, with_limits};
    use super::*;
    use crate::risk_manager::Limits;

    /// The limit of 20,000 USD to the tick on both sides; a value beyond the range is refused.
    #[test]
    fn boundary() {
        let check = |shares, limit| {
            refusal("C02", &proposal(shares, limit), &WorstCase::default(), &books()).is_none()
        };
        assert!(check(1_000, "20.00") && !check(1_000, "20.01"));
        assert!(!check(9_000_000_000, "9000000000"));
        let off = with_limits(Limits::unlimited());
        let order = proposal(1_000, "20.01");
        assert_eq!(refusal("C02", &order, &WorstCase::default(), &off), None);
    }
}
