//! C30: opening stops while the clocks disagree.

use super::Control;
use crate::books::Books;
use crate::risk_manager::{BlockReason, ControlId, Proposal, RejectCode, Rejection, WorstCase};

/// What a difference between two clocks means.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ClockVerdict {
    /// Small enough.
    Good,
    /// An alert is raised.
    Warn,
    /// Opening is blocked: the supervisor sends
    /// [`Control::Block`](crate::Control::Block) with [`BlockReason::Clock`].
    Block,
}

const WARN_NS: i64 = 250_000_000;
const BLOCK_NS: i64 = 1_000_000_000;

/// Judges the difference of two clocks in nanoseconds, in either direction.
pub fn judge_clock(difference_ns: i64) -> ClockVerdict {
    match difference_ns.saturating_abs() {
        ns if ns >= BLOCK_NS => ClockVerdict::Block,
        ns if ns >= WARN_NS => ClockVerdict::Warn,
        _ => ClockVerdict::Good,
    }
}

/// Refuses entries while a supervisor says that the clocks disagree.
#[derive(Debug)]
pub(super) struct Clock;

impl Control for Clock {
    fn id(&self) -> ControlId {
        ControlId(30)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let mut blocks = books.blocks().list().iter();
        let covers = |b: &crate::risk_manager::Block| {
            b.reason == BlockReason::Clock && b.scope.holds(proposal.slot(), proposal.broker)
        };
        if blocks.any(covers) {
            return Err(Rejection::new(RejectCode::ClockSkew, BLOCK_NS as f64 / 1e9, 1.0));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::fact::{Fact, GateChange};
    use crate::risk_manager::{Block, Scope};

    /// 250 ms warns and 1 s blocks, to the nanosecond, in both directions.
    #[test]
    fn boundary() {
        for sign in [1, -1] {
            let judge = |ns: i64| judge_clock(sign * ns);
            assert_eq!(
                [judge(WARN_NS - 1), judge(WARN_NS)],
                [ClockVerdict::Good, ClockVerdict::Warn]
            );
            assert_eq!(
                [judge(BLOCK_NS - 1), judge(BLOCK_NS)],
                [ClockVerdict::Warn, ClockVerdict::Block]
            );
        }
        assert_eq!(judge_clock(i64::MIN), ClockVerdict::Block);
    }

    #[test]
    fn a_skewed_clock_opens_nothing() {
        let mut books = books();
        let check =
            |books: &Books| refusal("C30", &proposal(1, "10.00"), &WorstCase::default(), books);
        let block = Block::new(Scope::All, BlockReason::Clock);
        books.fold(&Fact::Gate(GateChange::Block(block)));
        assert_eq!(check(&books), Some(RejectCode::ClockSkew));
        books.fold(&Fact::Gate(GateChange::Lift(block)));
        assert_eq!(check(&books), None);
    }
}
