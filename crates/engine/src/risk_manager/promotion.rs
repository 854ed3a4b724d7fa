//! Promotion of strategies (C38): backtest, paper, live-small, live, one step at a time.
//!
//! A person moves a strategy one step up or any number down. Only the last step is not a person's:
//! after five live sessions under small limits ([`Limits::small`](super::Limits::small)) the next
//! session begins under the full ones. What a run needs follows from its mode. Like positions, a
//! stage belongs to a strategy's number.
//!
//! Invariant: a stage only touches opening orders (I13, I14).

use model::{StrategyId, record, record_enum};

use super::block::{Blocks, Scope};

/// Live sessions under small limits (C38).
pub const SMALL_SESSIONS: u32 = 5;

/// How far a strategy has come, lowest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Stage {
    /// Backtests and demos only.
    #[default]
    Backtest,
    /// Simulated money.
    Paper,
    /// Real money under small limits.
    LiveSmall,
    /// Real money under the full limits.
    Live,
}

impl Stage {
    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backtest => "backtest",
            Self::Paper => "paper",
            Self::LiveSmall => "live_small",
            Self::Live => "live",
        }
    }

    /// Returns the stage that opening needs in a mode; `None` where it needs none. A mode that
    /// nobody knows counts as live.
    pub fn needed(mode: &str) -> Option<Self> {
        match mode {
            "backtest" | "demo" => None,
            "paper" | "rehearsal" => Some(Self::Paper),
            _ => Some(Self::LiveSmall),
        }
    }
}

/// Where a strategy stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Promotion {
    /// Its stage.
    pub stage: Stage,
    /// Live sessions begun under small limits; zero in every other stage.
    pub sessions: u32,
}

impl Promotion {
    /// Returns what a person's command makes of it: one step up or any down; the stage it is in
    /// changes nothing. `None` for two steps up, and for live, which comes with the sessions alone.
    pub fn after(self, to: Stage) -> Option<Self> {
        use Stage as S;
        match (self.stage, to) {
            (from, to) if from == to => Some(self),
            (S::Backtest, S::Paper) | (S::Paper, S::LiveSmall) => Some(Self::begin(to)),
            (from, to) if to < from => Some(Self::begin(to)),
            _ => None,
        }
    }

    /// Returns what the begin of a live session makes of it.
    pub fn after_session_begin(self) -> Self {
        match self.stage {
            Stage::LiveSmall if self.sessions >= SMALL_SESSIONS => Self::begin(Stage::Live),
            Stage::LiveSmall => Self { sessions: self.sessions + 1, ..self },
            Stage::Backtest | Stage::Paper | Stage::Live => self,
        }
    }

    const fn begin(stage: Stage) -> Self {
        Self { stage, sessions: 0 }
    }
}

/// A person moved a strategy.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Promoted {
    /// Which one.
    pub strategy: StrategyId,
    /// Where it stands from now on.
    pub promotion: Promotion,
}

/// Where all strategies stand, and what the run needs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Promotions {
    needed: Option<Stage>,
    list: Vec<Promotion>,
}

impl Promotions {
    /// Returns the stage that opening needs in this run; `None` when it needs none.
    pub fn needed(&self) -> Option<Stage> {
        self.needed
    }

    /// Returns where a strategy stands; one that nobody moved is in backtest.
    #[inline]
    pub fn of(&self, strategy: StrategyId) -> Promotion {
        self.list.get(strategy.index()).copied().unwrap_or_default()
    }

    pub(crate) fn note_mode(&mut self, mode: &str) {
        self.needed = Stage::needed(mode);
    }

    pub(crate) fn note(&mut self, promoted: &Promoted) {
        let index = promoted.strategy.index();
        if self.list.len() <= index {
            self.list.resize(index + 1, Promotion::default());
        }
        if let Some(promotion) = self.list.get_mut(index) {
            *promotion = promoted.promotion;
        }
    }

    /// Counts a session of a live run for every strategy that is not stopped by a block of its own.
    pub(super) fn begin_session(&mut self, blocks: &Blocks) {
        if self.needed != Some(Stage::LiveSmall) {
            return;
        }
        for (index, promotion) in self.list.iter_mut().enumerate() {
            let stopped = |scope| matches!(scope, Scope::Strategy(of) if of.index() == index);
            if !blocks.list().iter().any(|block| stopped(block.scope)) {
                *promotion = promotion.after_session_begin();
            }
        }
    }
}

record_enum!(Stage { 0: Backtest, 1: Paper, 2: LiveSmall, 3: Live });
record!(Promotion { 1: stage, 2: sessions });
record!(Promoted { 1: strategy, 2: promotion });
record!(Promotions { 1: needed, 2: list });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk_manager::{Block, BlockReason};

    const ALL: [Stage; 4] = [Stage::Backtest, Stage::Paper, Stage::LiveSmall, Stage::Live];

    /// C38: every stage under every command.
    #[test]
    fn one_step_up_or_any_down() {
        use Stage as S;
        let grid = ALL.map(|stage| {
            ALL.map(|to| Promotion { stage, sessions: 0 }.after(to).map(|after| after.stage))
        });
        let expected = [
            [Some(S::Backtest), Some(S::Paper), None, None],
            [Some(S::Backtest), Some(S::Paper), Some(S::LiveSmall), None],
            [Some(S::Backtest), Some(S::Paper), Some(S::LiveSmall), None],
            [Some(S::Backtest), Some(S::Paper), Some(S::LiveSmall), Some(S::Live)],
        ];
        assert_eq!(grid, expected);
    }

    /// C38: the command that repeats the stage keeps the count, one that comes back starts anew.
    #[test]
    fn the_count_belongs_to_the_stage() {
        let third = Promotion { stage: Stage::LiveSmall, sessions: 3 };
        assert_eq!(third.after(Stage::LiveSmall), Some(third));
        let back = third.after(Stage::Paper).and_then(|paper| paper.after(Stage::LiveSmall));
        assert_eq!(back, Some(Promotion { stage: Stage::LiveSmall, sessions: 0 }));
    }

    /// C38: five sessions are small, the sixth is not; the other stages stay what they are.
    #[test]
    fn the_sixth_session_is_live() {
        let mut promotion = Promotion { stage: Stage::LiveSmall, sessions: 0 };
        for session in 1..=SMALL_SESSIONS {
            promotion = promotion.after_session_begin();
            assert_eq!(promotion, Promotion { stage: Stage::LiveSmall, sessions: session });
        }
        assert_eq!(promotion.after_session_begin(), Promotion { stage: Stage::Live, sessions: 0 });
        for stage in [Stage::Backtest, Stage::Paper, Stage::Live] {
            let promotion = Promotion { stage, sessions: 0 };
            assert_eq!(promotion.after_session_begin(), promotion);
        }
    }

    /// C38: sessions count in live runs only, and not for a strategy that is stopped.
    #[test]
    fn sessions_in_force_count() {
        let promotion = Promotion { stage: Stage::LiveSmall, sessions: 0 };
        let count = |mode: &str, blocked: &[StrategyId]| {
            let (mut all, mut blocks) = (Promotions::default(), Blocks::default());
            all.note_mode(mode);
            all.note(&Promoted { strategy: StrategyId(1), promotion });
            for &strategy in blocked {
                blocks.set(Block::new(Scope::Strategy(strategy), BlockReason::Operator));
            }
            all.begin_session(&blocks);
            all.of(StrategyId(1)).sessions
        };
        assert_eq!(["live", "paper", "backtest"].map(|mode| count(mode, &[])), [1, 0, 0]);
        assert_eq!([count("live", &[StrategyId(0)]), count("live", &[StrategyId(1)])], [1, 0]);
    }
}
