//! C02: the value of one order.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{Limits, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an order whose value at its worst price is over the limit.
#[derive(Debug)]
pub(super) struct OrderValue {
    pub(super) limits: Limits,
}

impl Control for OrderValue {
    fn id(&self) -> &'static str {
        "C02"
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let Some(limit) = self.limits.order_value(books.day().equity) else { return Ok(()) };
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
    use super::super::testing::{books, proposal};
    use super::*;

    /// The limit of 20,000 USD to the tick on both sides; a value beyond the range is refused.
    #[test]
    fn boundary() {
        let control = OrderValue { limits: Limits::default() };
        let check = |shares, limit| {
            control.check(&proposal(shares, limit), &WorstCase::default(), &books()).is_ok()
        };
        assert!(check(1_000, "20.00") && !check(1_000, "20.01"));
        assert!(!check(9_000_000_000, "9000000000"));
        let off = OrderValue { limits: Limits::unlimited() };
        assert!(off.check(&proposal(1_000, "20.01"), &WorstCase::default(), &books()).is_ok());
    }
}
