//! What a deliverer gets.

use engine::alert_system::{Alert, Severity};
use engine::queues::{Keyed, TakesUp, Urgent};
use model::{StrategyId, Symbol, SymbolId, Timestamp};

use crate::view::{Name, Run};

/// An alert on its way to people.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// Its place in the journal, by which it is acknowledged; none of one that needed no core.
    pub id: Option<u64>,
    /// When it was raised.
    pub time: Timestamp,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about.
    pub kind: &'static str,
    /// The symbol concerned.
    pub symbol: Option<Symbol>,
    /// The strategy concerned.
    pub strategy: Option<Name>,
    /// What happened, in a sentence.
    pub message: String,
    /// How often it happened since it was told before, this time included.
    pub count: u32,
    /// It was told before and nobody has acknowledged it (C35).
    pub escalated: bool,
    key: Key,
}

/// What makes two alerts the same one.
pub(super) type Key = (&'static str, Option<SymbolId>, Option<StrategyId>);

impl Notice {
    /// An alert of the core, at its place in the journal.
    pub(super) fn of(id: u64, alert: &Alert, run: &Run) -> Self {
        Self {
            id: Some(id),
            time: alert.time,
            severity: alert.severity,
            kind: alert.kind.name(),
            symbol: alert.symbol.and_then(|symbol| run.symbol(symbol)),
            strategy: alert.strategy.and_then(|strategy| run.strategy(strategy)),
            message: alert.message.clone(),
            count: alert.repeated.saturating_add(1),
            escalated: false,
            key: (alert.kind.name(), alert.symbol, alert.strategy),
        }
    }

    /// An alert that needs no core.
    pub(super) fn outside(
        severity: Severity,
        kind: &'static str,
        message: String,
        count: u32,
    ) -> Self {
        Self {
            id: None,
            time: crate::clock::wall(),
            severity,
            kind,
            symbol: None,
            strategy: None,
            message,
            count,
            escalated: false,
            key: (kind, None, None),
        }
    }

    pub(super) fn is_critical(&self) -> bool {
        self.severity == Severity::Critical
    }
}

impl Keyed for Notice {
    type Key = Key;

    fn key(&self) -> Key {
        self.key
    }
}

impl Urgent for Notice {
    fn is_urgent(&self) -> bool {
        self.is_critical()
    }
}

impl TakesUp for Notice {
    fn take_up(&mut self, later: Self) {
        let count = self.count.saturating_add(later.count);
        *self = Self { count, ..later };
    }
}
