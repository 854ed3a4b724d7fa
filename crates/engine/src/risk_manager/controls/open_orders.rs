//! C17: how many orders are at work, in all and in one symbol.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry that would be one order too many; a replacement adds none.
#[derive(Debug)]
pub(super) struct OpenOrders;

impl Control for OpenOrders {
    fn id(&self) -> ControlId {
        ControlId(17)
    }

    fn check(&self, _: &Proposal, worst: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        let counts = [
            (worst.orders, limits.max_open_orders),
            (worst.symbol_orders, limits.max_symbol_orders),
        ];
        for (count, limit) in counts {
            if let Some(limit) = limit.filter(|&limit| count >= limit) {
                let (limit, value) = (f64::from(limit), f64::from(count) + 1.0);
                return Err(Rejection::new(RejectCode::OpenOrders, limit, value));
            }
        }
        Ok(())
    }

    fn usage(&self, worst: &WorstCase, books: &Books, _: model::Timestamp) -> Option<f64> {
        let most = books.gate().limits().max_open_orders?;
        Some(f64::from(worst.orders) / f64::from(most.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;

    /// The twentieth order passes, the twenty-first does not; in one symbol the third and fourth.
    #[test]
    fn boundary() {
        let check = |orders, symbol_orders| {
            let worst = WorstCase { orders, symbol_orders, ..WorstCase::default() };
            refusal("C17", &proposal(1, "10.00"), &worst, &books())
        };
        let refused = Some(RejectCode::OpenOrders);
        assert_eq!((check(19, 0), check(20, 0)), (None, refused));
        assert_eq!((check(5, 2), check(5, 3)), (None, refused));
    }
}
