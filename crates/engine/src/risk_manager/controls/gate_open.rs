//! I12, C31: nothing is opened unless the system runs and no block covers the order.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{
    Block, BlockReason, ControlId, Proposal, RejectCode, Rejection, WorstCase,
};

/// Lets entries pass in the state running only, and where nothing is blocked.
#[derive(Debug)]
pub(super) struct GateOpen;

impl Control for GateOpen {
    fn id(&self) -> ControlId {
        ControlId(31)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        if !books.lifecycle().may_open() {
            let state = f64::from(books.lifecycle() as u8);
            return Err(Rejection::new(RejectCode::GateClosed, 1.0, state));
        }
        // Reasons that belong to a control of their own are that control's to refuse.
        let mine = |block: &&Block| block.reason.control() == self.id();
        let covers = |block: &&Block| block.scope.holds(proposal.slot(), proposal.broker);
        let covering = books.blocks().list().iter().filter(mine).find(covers);
        match covering.map(|block| block.reason) {
            None => Ok(()),
            Some(BlockReason::Kill) => Err(Rejection::new(RejectCode::Killed, 0.0, 1.0)),
            Some(reason) => Err(Rejection::new(RejectCode::Blocked, 0.0, f64::from(reason as u8))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::fact::{Fact, GateChange};
    use crate::lifecycle::State;
    use crate::risk_manager::Scope;

    #[test]
    fn only_a_running_system_opens() {
        let check = |books: &Books| {
            refusal("C31", &proposal(1, "10.00"), &WorstCase::default(), books).is_none()
        };
        let mut books = books();
        for state in State::ALL {
            books.fold(&Fact::Gate(GateChange::Lifecycle(state)));
            assert_eq!(check(&books), state == State::Running, "{state:?}");
        }
        books.fold(&Fact::Gate(GateChange::Lifecycle(State::Running)));
        let own = |reason: &BlockReason| reason.control() == ControlId(31);
        for reason in BlockReason::ALL.into_iter().filter(own) {
            let block = Block::new(Scope::All, reason);
            books.fold(&Fact::Gate(GateChange::Block(block)));
            assert!(!check(&books), "{reason:?} blocks");
            books.fold(&Fact::Gate(GateChange::Lift(block)));
            assert!(check(&books));
        }
    }

    /// C31: a kill of a strategy, a symbol or a broker stops that one alone.
    #[test]
    fn each_level_stops_its_part() {
        use model::{BrokerId, StrategyId, SymbolId};
        for (scope, code) in [
            (Scope::All, Some(RejectCode::Killed)),
            (Scope::Strategy(StrategyId(0)), Some(RejectCode::Killed)),
            (Scope::Strategy(StrategyId(1)), None),
            (Scope::Symbol(SymbolId(0)), Some(RejectCode::Killed)),
            (Scope::Symbol(SymbolId(1)), None),
            (Scope::Broker(BrokerId(0)), Some(RejectCode::Killed)),
            (Scope::Broker(BrokerId(1)), None),
        ] {
            let mut books = books();
            books.fold(&Fact::Gate(GateChange::Block(Block::new(scope, BlockReason::Kill))));
            let check = refusal("C31", &proposal(1, "10.00"), &WorstCase::default(), &books);
            assert_eq!(check, code, "{scope:?}");
        }
    }
}
