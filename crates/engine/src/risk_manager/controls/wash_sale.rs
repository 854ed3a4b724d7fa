//! C26: no re-entry that would wash a loss of the last 30 days, for accounts that want it.
//!
//! Off by default: losses are tagged in the tax lots and reported, and an exit is never asked.

use model::Side;

use super::Control;
use crate::books::Books;
use crate::risk_manager::{ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// Refuses an entry in the direction in which the symbol has a loss that it would wash.
#[derive(Debug)]
pub(super) struct WashSale;

impl Control for WashSale {
    fn id(&self) -> ControlId {
        ControlId(26)
    }

    fn check(
        &self,
        proposal: &Proposal,
        _worst: &WorstCase,
        books: &Books,
    ) -> Result<(), Rejection> {
        if !books.gate().limits().block_wash_sale_reentry {
            return Ok(());
        }
        let long = proposal.side != Side::SellShort;
        let today = books.day().session;
        let lots = books.ledger().lots().symbol(proposal.symbol);
        if lots.is_some_and(|lots| lots.would_wash(long, today)) {
            return Err(Rejection::new(
                RejectCode::WashSale,
                f64::from(crate::ledger::WASH_DAYS),
                0.0,
            ));
        }
        Ok(())
    }
}
