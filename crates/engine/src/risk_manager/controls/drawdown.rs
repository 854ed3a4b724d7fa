//! C11: the fall from the equity's peak, and losing streaks; both stop until a person resumes.

use model::{Cash, StrategyId};

use super::Control;
use crate::books::Books;
use crate::desk::Desk;
use crate::risk_manager::{
    Block, BlockReason, ControlId, Proposal, RejectCode, Rejection, Scope, WorstCase,
};

/// Refuses entries while a drawdown or a losing streak blocks them.
#[derive(Debug)]
pub(super) struct Drawdown;

impl Control for Drawdown {
    fn id(&self) -> ControlId {
        ControlId(11)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        let blocked = |reason| {
            let mut list = books.blocks().list().iter();
            list.any(|b| b.reason == reason && b.scope.holds(proposal.slot(), proposal.broker))
        };
        if blocked(BlockReason::Drawdown) {
            let limit = limits.max_drawdown_pct.unwrap_or_default().to_fraction();
            return Err(Rejection::new(RejectCode::Drawdown, limit, books.risk().peak().to_f64()));
        }
        if blocked(BlockReason::LosingStreak) {
            let limit = f64::from(limits.max_losing_streak.unwrap_or_default());
            let streak = f64::from(books.risk().losing_streak(proposal.strategy));
            return Err(Rejection::new(RejectCode::LosingStreak, limit, streak));
        }
        Ok(())
    }
}

/// Blocks everything once the equity fell too far from its peak.
pub(crate) fn judge_equity(desk: &mut Desk<'_>, equity: Cash) {
    let books = desk.books();
    let peak = books.risk().peak();
    let Some(part) = books.gate().limits().max_drawdown_pct else { return };
    let most = peak.times_ppm(part.0);
    let fall = peak.minus(equity);
    let block = Block::new(Scope::All, BlockReason::Drawdown);
    if fall >= most && most > Cash::ZERO && !books.blocks().holds(block) {
        desk.note_trigger(ControlId(11), None, None, most.to_f64(), fall.to_f64());
        desk.block(block, || {
            format!("equity {equity} is {fall} under its peak {peak}, the limit is {most} (C11)")
        });
    }
}

/// Pauses a strategy that lost too often in a row.
pub(crate) fn judge_streak(desk: &mut Desk<'_>, strategy: StrategyId) {
    let books = desk.books();
    let Some(most) = books.gate().limits().max_losing_streak else { return };
    let streak = books.risk().losing_streak(strategy);
    let block = Block::new(Scope::Strategy(strategy), BlockReason::LosingStreak);
    if streak >= most && !books.blocks().holds(block) {
        let (limit, value) = (f64::from(most), f64::from(streak));
        desk.note_trigger(ControlId(11), Some(strategy), None, limit, value);
        desk.block(block, || format!("the strategy lost {streak} times in a row (C11)"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{books, proposal, refusal};
    use super::*;
    use crate::fact::{Fact, GateChange};

    /// Each block stops what it covers, and a lift lets it go on.
    #[test]
    fn blocks_stop_their_scope() {
        for (scope, reason, code) in [
            (Scope::All, BlockReason::Drawdown, Some(RejectCode::Drawdown)),
            (
                Scope::Strategy(StrategyId(0)),
                BlockReason::LosingStreak,
                Some(RejectCode::LosingStreak),
            ),
            (Scope::Strategy(StrategyId(1)), BlockReason::LosingStreak, None),
        ] {
            let mut books = books();
            let block = Block::new(scope, reason);
            let check =
                |books: &Books| refusal("C11", &proposal(1, "10.00"), &WorstCase::default(), books);
            books.fold(&Fact::Gate(GateChange::Block(block)));
            assert_eq!(check(&books), code);
            books.fold(&Fact::Gate(GateChange::Lift(block)));
            assert_eq!(check(&books), None);
        }
    }
}
