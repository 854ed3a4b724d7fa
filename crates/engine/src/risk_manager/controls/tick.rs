//! C05: every price of an order is on its tick (Reg NMS 612).

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses off-tick prices; strategies round before they ask (TB11).
#[derive(Debug)]
pub(super) struct OnTick;

impl Control for OnTick {
    fn id(&self) -> ControlId {
        ControlId(5)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, _: &Books) -> Result<(), Rejection> {
        let prices = [proposal.kind.stop(), proposal.kind.limit()];
        match prices.into_iter().flatten().find(|price| !price.is_on(proposal.tick)) {
            Some(price) => {
                Err(Rejection::new(RejectCode::OffTick, proposal.tick.to_f64(), price.to_f64()))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, price, proposal, refusal};
    use super::*;

    #[test]
    fn prices_are_on_their_tick() {
        let check = |limit, tick| {
            let proposal = Proposal { tick: price(tick), ..proposal(1, limit) };
            refusal("C05", &proposal, &WorstCase::default(), &books()).is_none()
        };
        assert!(check("10.01", "0.01") && !check("10.005", "0.01"));
        assert!(check("1.005", "0.005") && check("0.9999", "0.0001"));
        assert!(!check("0.99995", "0.0001"));
    }
}
