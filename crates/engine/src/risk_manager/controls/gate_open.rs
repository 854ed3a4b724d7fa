//! I12, C31: nothing is opened unless the system runs and no block covers the order.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{BlockReason, Proposal, RejectCode, Rejection, WorstCase};

/// Lets entries pass in the state running only, and where nothing is blocked.
#[derive(Debug)]
pub(super) struct GateOpen;

impl Control for GateOpen {
    fn id(&self) -> &'static str {
        "C31"
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        if !books.lifecycle().may_open() {
            let state = f64::from(books.lifecycle() as u8);
            return Err(Rejection::new(RejectCode::GateClosed, 1.0, state));
        }
        let covering = books.blocks().covering(proposal.slot(), proposal.broker);
        match covering.map(|block| block.reason) {
            None => Ok(()),
            Some(BlockReason::Kill) => Err(Rejection::new(RejectCode::Killed, 0.0, 1.0)),
            Some(reason) => Err(Rejection::new(RejectCode::Blocked, 0.0, f64::from(reason as u8))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal};
    use super::*;
    use crate::fact::{Fact, GateChange};
    use crate::lifecycle::State;
    use crate::risk_manager::{Block, Scope};

    #[test]
    fn only_a_running_system_opens() {
        let check = |books: &Books| {
            GateOpen.check(&proposal(1, "10.00"), &WorstCase::default(), books).is_ok()
        };
        let mut books = books();
        for state in State::ALL {
            books.fold(&Fact::Gate(GateChange::Lifecycle(state)));
            assert_eq!(check(&books), state == State::Running, "{state:?}");
        }
        books.fold(&Fact::Gate(GateChange::Lifecycle(State::Running)));
        for reason in BlockReason::ALL {
            let block = Block::new(Scope::All, reason);
            books.fold(&Fact::Gate(GateChange::Block(block)));
            assert!(!check(&books), "{reason:?} blocks");
            books.fold(&Fact::Gate(GateChange::Lift(block)));
            assert!(check(&books));
        }
    }
}
