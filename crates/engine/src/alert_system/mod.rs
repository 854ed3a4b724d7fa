//! Alerts: what an operator should know, with a severity, raised once while it lasts.
//!
//! Delivery (mail, webhook, desktop) and escalation of unacknowledged alerts belong to the shell.
//! Invariant: a repeated alert of the same kind and subject within the quiet time is counted, not
//! raised again.

use model::{MINUTE_NS, StrategyId, SymbolId, Timestamp, record, record_enum};

/// How urgent an alert is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Severity {
    /// Worth reading.
    #[default]
    Info,
    /// Needs a look today.
    Warning,
    /// Needs a person now.
    Critical,
}

impl Severity {
    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum AlertKind {
    /// The day's loss reached a level of C10.
    DailyLoss,
    /// The kill switch was set or lifted.
    Kill,
    /// A broker refused an order.
    BrokerReject,
    /// A report that the order's state does not allow (I9).
    IllegalTransition,
    /// A report on an order that is not ours (F19).
    UnknownOrder,
    /// More was filled than ordered (I4).
    OverFill,
    /// A fill came after the order was done (F09).
    LateFill,
    /// A position has no working protective stop although its plan has one.
    Unprotected,
    /// Market data was refused (F24, F25).
    BadData,
    /// Opening orders of a part are blocked (I12).
    Blocked,
    /// Market data came too late to be used (TB8).
    LateData,
    /// Market data is old while a position or an order is there (C28, F23).
    StaleData,
    /// Market data of a symbol comes from another source (R11).
    SourceSwitched,
    /// A queue has no room for what came (F42).
    QueueFull,
    /// An execution was corrected or cancelled by the broker (F12).
    Restated,
    /// An order's fate is not known after 5 s, or an id declared dead appeared (I10, R7).
    UnknownOutcome,
    /// A broker's word contradicts what it said before.
    Contradiction,
    /// New entries go to another broker (R6).
    FailOver,
    /// A broker or a feed lost its connection (F14, F15).
    Disconnected,
    /// The books could not be compared with a broker's (F17).
    Reconciliation,
    /// A fill that no report told was found by comparison (F13).
    MissedFill,
    /// Orders or positions that are not ours are at a broker (F18).
    Foreign,
    /// Another process writes under our tag (I16).
    OtherWriter,
    /// An order would have exceeded its parent and was stopped (C16).
    ParentExceeded,
    /// A corporate action changed what is held or ordered (F27).
    CorporateAction,
    /// A strategy was not moved to the stage that a person wants (C38).
    Promotion,
    /// Attempts at the API were refused (S8).
    AuthFailures,
    /// A computation left its range; the value was not used.
    #[default]
    Arithmetic,
}

impl AlertKind {
    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DailyLoss => "daily_loss",
            Self::Kill => "kill",
            Self::BrokerReject => "broker_reject",
            Self::IllegalTransition => "illegal_transition",
            Self::UnknownOrder => "unknown_order",
            Self::OverFill => "over_fill",
            Self::LateFill => "late_fill",
            Self::Unprotected => "unprotected",
            Self::BadData => "bad_data",
            Self::Blocked => "blocked",
            Self::LateData => "late_data",
            Self::StaleData => "stale_data",
            Self::SourceSwitched => "source_switched",
            Self::QueueFull => "queue_full",
            Self::Restated => "restated",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Contradiction => "contradiction",
            Self::FailOver => "fail_over",
            Self::Disconnected => "disconnected",
            Self::Reconciliation => "reconciliation",
            Self::MissedFill => "missed_fill",
            Self::Foreign => "foreign",
            Self::OtherWriter => "other_writer",
            Self::ParentExceeded => "parent_exceeded",
            Self::CorporateAction => "corporate_action",
            Self::Promotion => "promotion",
            Self::AuthFailures => "auth_failures",
            Self::Arithmetic => "arithmetic",
        }
    }

    /// Returns how urgent alerts of this kind are.
    pub const fn severity(self) -> Severity {
        match self {
            Self::ParentExceeded
            | Self::DailyLoss
            | Self::Kill
            | Self::OverFill
            | Self::Unprotected
            | Self::UnknownOutcome
            | Self::Contradiction
            | Self::OtherWriter => Severity::Critical,
            Self::BrokerReject
            | Self::IllegalTransition
            | Self::UnknownOrder
            | Self::LateFill
            | Self::Blocked
            | Self::StaleData
            | Self::SourceSwitched
            | Self::QueueFull
            | Self::Restated
            | Self::FailOver
            | Self::Disconnected
            | Self::Reconciliation
            | Self::MissedFill
            | Self::Foreign
            | Self::CorporateAction
            | Self::Promotion
            | Self::AuthFailures
            | Self::Arithmetic => Severity::Warning,
            Self::BadData | Self::LateData => Severity::Info,
        }
    }
}

/// An alert as raised.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Alert {
    /// Ascending from 1.
    pub id: u64,
    /// When it was raised.
    pub time: Timestamp,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about.
    pub kind: AlertKind,
    /// The symbol concerned.
    pub symbol: Option<SymbolId>,
    /// The strategy concerned.
    pub strategy: Option<StrategyId>,
    /// What happened, in a sentence.
    pub message: String,
    /// How often the same alert was held back since it was last raised.
    pub repeated: u32,
}

/// Decides which alerts are raised.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AlertSystem {
    recent: Vec<Recent>,
    raised: u64,
}

#[derive(Clone, PartialEq, Debug, Default)]
struct Recent {
    kind: AlertKind,
    symbol: Option<SymbolId>,
    strategy: Option<StrategyId>,
    raised_at: Timestamp,
    held_back: u32,
}

/// The quiet time after an alert, within which the same one is counted only.
const QUIET_NS: i64 = 5 * MINUTE_NS;

impl AlertSystem {
    /// Returns the alert to raise, or `None` while the same one is quiet; `message` is called
    /// only when it is needed.
    pub fn raise(
        &mut self,
        time: Timestamp,
        kind: AlertKind,
        symbol: Option<SymbolId>,
        strategy: Option<StrategyId>,
        message: impl FnOnce() -> String,
    ) -> Option<Alert> {
        let same = |r: &&mut Recent| r.kind == kind && r.symbol == symbol && r.strategy == strategy;
        let mut repeated = 0;
        match self.recent.iter_mut().find(same) {
            Some(recent) if time.since(recent.raised_at) < QUIET_NS => {
                recent.held_back = recent.held_back.saturating_add(1);
                return None;
            }
            Some(recent) => {
                repeated = std::mem::take(&mut recent.held_back);
                recent.raised_at = time;
            }
            None => {
                // What has been quiet for long needs no memory: the list stays short (I15).
                self.recent.retain(|r| r.held_back > 0 || time.since(r.raised_at) < QUIET_NS);
                self.recent.push(Recent { kind, symbol, strategy, raised_at: time, held_back: 0 });
            }
        }
        self.raised += 1;
        let severity = kind.severity();
        let message = message();
        Some(Alert { id: self.raised, time, severity, kind, symbol, strategy, message, repeated })
    }

    /// Returns how many alerts were raised.
    pub fn raised(&self) -> u64 {
        self.raised
    }
}

record_enum!(Severity { 0: Info, 1: Warning, 2: Critical });
record_enum!(AlertKind {
    0: DailyLoss,
    1: Kill,
    2: BrokerReject,
    3: IllegalTransition,
    4: UnknownOrder,
    5: OverFill,
    6: LateFill,
    7: Unprotected,
    8: BadData,
    9: Arithmetic,
    10: Blocked,
    11: QueueFull,
    12: Restated,
    13: UnknownOutcome,
    14: Contradiction,
    15: FailOver,
    16: Disconnected,
    17: Reconciliation,
    18: MissedFill,
    19: Foreign,
    20: OtherWriter,
    21: LateData,
    22: StaleData,
    23: SourceSwitched,
    24: ParentExceeded,
    25: CorporateAction,
    26: Promotion,
    27: AuthFailures,
});
record!(Alert {
    1: id,
    2: time,
    3: severity,
    4: kind,
    5: symbol,
    6: strategy,
    7: message,
    8: repeated,
});
record!(Recent { 1: kind, 2: symbol, 3: strategy, 4: raised_at, 5: held_back });
record!(AlertSystem { 1: recent, 2: raised });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted_not_raised() {
        let mut alerts = AlertSystem::default();
        let mut raise = |minute: i64, symbol| {
            let time = Timestamp::from_nanos(minute * MINUTE_NS);
            alerts.raise(time, AlertKind::BadData, Some(SymbolId(symbol)), None, String::new)
        };
        assert_eq!(raise(0, 1).map(|a| (a.id, a.repeated)), Some((1, 0)));
        assert_eq!(raise(1, 1), None);
        assert_eq!(raise(4, 1), None);
        assert_eq!(raise(4, 2).map(|a| a.id), Some(2), "another subject is another alert");
        assert_eq!(raise(5, 1).map(|a| (a.id, a.repeated)), Some((3, 2)));
    }
}
