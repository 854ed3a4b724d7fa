//! What is blocked for opening orders, and why: the kill switch and every other doubt (C31, I12).
//!
//! Reducing orders and cancels never ask here (I14). Invariant: a block holds until somebody who
//! may lift it does; it lives in the books, so it survives a restart (I8).

use model::{BrokerId, StrategyId, SymbolId, record, record_enum};

use super::control_id::ControlId;
use crate::fact::SlotKey;

/// What a block covers: the levels of the kill switch (C31).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Scope {
    /// Every opening order.
    #[default]
    All,
    /// Opening orders at one broker.
    Broker(BrokerId),
    /// Opening orders of one strategy instance.
    Strategy(StrategyId),
    /// Opening orders in one symbol, at every broker.
    Symbol(SymbolId),
}

impl Scope {
    /// Returns true when what a strategy has in a symbol at a broker is within the scope.
    #[inline]
    pub fn holds(self, slot: SlotKey, broker: BrokerId) -> bool {
        match self {
            Self::All => true,
            Self::Broker(of) => of == broker,
            Self::Strategy(of) => of == slot.strategy,
            Self::Symbol(of) => of == slot.symbol,
        }
    }
}

/// Why opening orders are blocked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum BlockReason {
    /// The kill switch (C31).
    #[default]
    Kill,
    /// An operator paused or disabled it.
    Operator,
    /// A strategy panicked, ran over its budget or flooded its queue (F43).
    Fault,
    /// A strategy entered the same symbol and side too often (C14).
    Repeated,
    /// A strategy lost too often in a row (C11).
    LosingStreak,
    /// Equity fell too far from its peak (C11).
    Drawdown,
    /// An order of the symbol may exist at a broker without evidence of its fate (I10).
    Unknown,
    /// A report that cannot be explained: wrong side, over-fill, unknown order (F19).
    Suspense,
    /// Our books and the broker's differ (C34).
    Difference,
    /// The books are not compared with the broker's yet (C33, C34).
    Reconciling,
    /// A broker or a feed is not connected (F14, F15).
    Disconnected,
    /// Market data of the symbol is missing until it is back-filled (F24).
    Gap,
    /// A split, a share distribution or a change of name does not add up (F27).
    CorporateAction,
    /// The journal is slow, full or dead (J6, J16).
    Journal,
    /// The clocks disagree (C30).
    Clock,
    /// A queue that may drop nothing is full (F42).
    Queue,
    /// A market-data source is silent, or a symbol that should trade (C28).
    Stale,
    /// Two market-data sources disagree on a price (R11).
    Disagreement,
    /// The strategy is no longer in the configuration: what it holds is seen through.
    Retired,
}

impl BlockReason {
    /// All reasons, in the order of their definition.
    pub const ALL: [Self; 19] = [
        Self::Kill,
        Self::Operator,
        Self::Fault,
        Self::Repeated,
        Self::LosingStreak,
        Self::Drawdown,
        Self::Unknown,
        Self::Suspense,
        Self::Difference,
        Self::Reconciling,
        Self::Disconnected,
        Self::Gap,
        Self::CorporateAction,
        Self::Journal,
        Self::Clock,
        Self::Queue,
        Self::Stale,
        Self::Disagreement,
        Self::Retired,
    ];

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Operator => "operator",
            Self::Fault => "fault",
            Self::Repeated => "repeated",
            Self::LosingStreak => "losing_streak",
            Self::Drawdown => "drawdown",
            Self::Unknown => "unknown",
            Self::Suspense => "suspense",
            Self::Difference => "difference",
            Self::Reconciling => "reconciling",
            Self::Disconnected => "disconnected",
            Self::Gap => "gap",
            Self::CorporateAction => "corporate_action",
            Self::Journal => "journal",
            Self::Clock => "clock",
            Self::Queue => "queue",
            Self::Stale => "stale",
            Self::Disagreement => "disagreement",
            Self::Retired => "retired",
        }
    }

    /// Returns the control that refuses an order for this reason; the kill switch's own where no
    /// other has it.
    pub const fn control(self) -> ControlId {
        match self {
            Self::LosingStreak | Self::Drawdown => ControlId(11),
            Self::Repeated => ControlId(14),
            Self::Clock => ControlId(30),
            _ => ControlId(31),
        }
    }

    /// Returns true when a person lifts it by a resume; the others need evidence: a report, a
    /// comparison, data, a working disk.
    pub const fn is_lifted_by_operator(self) -> bool {
        matches!(
            self,
            Self::Kill
                | Self::Operator
                | Self::Fault
                | Self::Repeated
                | Self::LosingStreak
                | Self::Drawdown
                | Self::Suspense
                | Self::CorporateAction
        )
    }
}

/// One block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Block {
    /// What it covers.
    pub scope: Scope,
    /// Why.
    pub reason: BlockReason,
}

impl Block {
    /// Makes a block.
    pub const fn new(scope: Scope, reason: BlockReason) -> Self {
        Self { scope, reason }
    }
}

/// The blocks that hold, each once, in ascending order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Blocks {
    list: Vec<Block>,
}

impl Blocks {
    /// Returns the blocks that hold.
    pub fn list(&self) -> &[Block] {
        &self.list
    }

    /// Returns true when the block holds.
    pub fn holds(&self, block: Block) -> bool {
        self.list.binary_search(&block).is_ok()
    }

    /// Returns the first block that covers an opening order of a slot at a broker.
    #[inline]
    pub fn covering(&self, slot: SlotKey, broker: BrokerId) -> Option<Block> {
        self.list.iter().copied().find(|block| block.scope.holds(slot, broker))
    }

    /// Returns true while the kill switch is set for everything.
    pub fn is_killed(&self) -> bool {
        self.holds(Block::new(Scope::All, BlockReason::Kill))
    }

    pub(crate) fn set(&mut self, block: Block) {
        if let Err(place) = self.list.binary_search(&block) {
            self.list.insert(place, block);
        }
    }

    pub(crate) fn lift(&mut self, block: Block) {
        if let Ok(place) = self.list.binary_search(&block) {
            self.list.remove(place);
        }
    }
}

record_enum!(Scope { 0: All, 1: Broker(BrokerId), 2: Strategy(StrategyId), 3: Symbol(SymbolId) });
record_enum!(BlockReason {
    0: Kill,
    1: Operator,
    2: Fault,
    3: Repeated,
    4: LosingStreak,
    5: Drawdown,
    6: Unknown,
    7: Suspense,
    8: Difference,
    9: Reconciling,
    10: Disconnected,
    11: Gap,
    12: CorporateAction,
    13: Journal,
    14: Clock,
    15: Queue,
    16: Stale,
    17: Disagreement,
    18: Retired,
});
record!(Block { 1: scope, 2: reason });
record!(Blocks { 1: list });

#[cfg(test)]
mod tests {
    use super::*;

    /// C31: each level blocks what it names and nothing else.
    #[test]
    fn levels_cover_what_they_name() {
        let (strategy, symbol, broker) = (StrategyId(1), SymbolId(2), BrokerId(0));
        for (scope, covered) in [
            (Scope::All, true),
            (Scope::Broker(broker), true),
            (Scope::Broker(BrokerId(1)), false),
            (Scope::Strategy(strategy), true),
            (Scope::Strategy(StrategyId(0)), false),
            (Scope::Symbol(symbol), true),
            (Scope::Symbol(SymbolId(0)), false),
        ] {
            let mut blocks = Blocks::default();
            let block = Block::new(scope, BlockReason::Kill);
            blocks.set(block);
            blocks.set(block);
            assert_eq!(
                blocks.covering(SlotKey { strategy, symbol }, broker).is_some(),
                covered,
                "{scope:?}"
            );
            assert_eq!(blocks.list().len(), 1, "set twice is set once");
            blocks.lift(block);
            assert!(blocks.list().is_empty());
        }
    }
}
