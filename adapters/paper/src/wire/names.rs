//! Names of states, reasons and tickers on the wire.

use std::collections::HashMap;

use model::{
    ChargeKind, OrderRole, OrderState, RejectReason, SendOutcome, Side, Symbol, SymbolId,
    TimeInForce, UnknownCause,
};

/// The tickers of one end, by number and by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tickers {
    names: Vec<Symbol>,
    ids: HashMap<Symbol, SymbolId>,
}

impl Tickers {
    pub(crate) fn new(names: &[Symbol]) -> Self {
        let number = |place| SymbolId(u32::try_from(place).unwrap_or(u32::MAX));
        let ids = names.iter().enumerate().map(|(place, name)| (*name, number(place))).collect();
        Self { names: names.to_vec(), ids }
    }

    pub(crate) fn name(&self, id: SymbolId) -> Option<Symbol> {
        self.names.get(id.index()).copied()
    }

    pub(crate) fn id(&self, name: Symbol) -> Option<SymbolId> {
        self.ids.get(&name).copied()
    }
}

fn by_name<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Option<T> {
    all.iter().copied().find(|item| name(*item) == text)
}

pub(super) fn side(text: &str) -> Option<Side> {
    by_name(&[Side::Buy, Side::Sell, Side::SellShort], Side::name, text)
}

pub(super) fn role(text: &str) -> Option<OrderRole> {
    let all = [OrderRole::Entry, OrderRole::Stop, OrderRole::Target, OrderRole::Close];
    by_name(&all, OrderRole::name, text)
}

pub(super) fn state(text: &str) -> Option<OrderState> {
    by_name(&OrderState::ALL, OrderState::name, text)
}

pub(super) fn reason(text: &str) -> Option<RejectReason> {
    by_name(&RejectReason::ALL, RejectReason::name, text)
}

/// Reads a kind of charge; a new one is a charge all the same.
pub(crate) fn charge(text: &str) -> ChargeKind {
    by_name(&ChargeKind::ALL, ChargeKind::name, text).unwrap_or(ChargeKind::Other)
}

const TIMES: [TimeInForce; 6] = [
    TimeInForce::Day,
    TimeInForce::Gtc,
    TimeInForce::Ioc,
    TimeInForce::Fok,
    TimeInForce::Opg,
    TimeInForce::Cls,
];

pub(super) fn time_name(time: TimeInForce) -> &'static str {
    match time {
        TimeInForce::Day => "day",
        TimeInForce::Gtc => "gtc",
        TimeInForce::Ioc => "ioc",
        TimeInForce::Fok => "fok",
        TimeInForce::Opg => "opg",
        TimeInForce::Cls => "cls",
    }
}

pub(super) fn time(text: &str) -> Option<TimeInForce> {
    by_name(&TIMES, time_name, text)
}

/// Returns the words for an outcome.
pub(crate) fn outcome_to(outcome: SendOutcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        SendOutcome::Accepted => ("accepted", None),
        SendOutcome::Rejected(reason) => ("rejected", Some(reason.name())),
        // The book's thread is busy beyond its room: nothing was taken.
        SendOutcome::NotSent(_) => ("rejected", Some(RejectReason::BrokerUnavailable.name())),
        SendOutcome::Unknown(cause) => ("unknown", Some(cause.name())),
    }
}

/// Reads an outcome; words that nobody knows leave it unknown (I10).
pub(crate) fn outcome_from(outcome: &str, why: Option<&str>) -> SendOutcome {
    match (outcome, why) {
        ("accepted", None) => SendOutcome::Accepted,
        ("rejected", Some(why)) => reason(why)
            .filter(|reason| *reason != RejectReason::NotSent)
            .map_or(SendOutcome::Unknown(UnknownCause::Unmapped), SendOutcome::Rejected),
        ("unknown", Some(why)) => SendOutcome::Unknown(
            by_name(&UnknownCause::ALL, UnknownCause::name, why).unwrap_or(UnknownCause::Unmapped),
        ),
        _ => SendOutcome::Unknown(UnknownCause::Unmapped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::NotSentReason;

    /// F49, I10: every outcome reads back, a word that nobody knows is unknown, and nothing from
    /// the wire says that it was not sent.
    #[test]
    fn outcomes_read_back() {
        let mut all = vec![SendOutcome::Accepted];
        all.extend(UnknownCause::ALL.map(SendOutcome::Unknown));
        let reasons = RejectReason::ALL.into_iter().filter(|r| *r != RejectReason::NotSent);
        all.extend(reasons.map(SendOutcome::Rejected));
        for outcome in all {
            let (word, why) = outcome_to(outcome);
            assert_eq!(outcome_from(word, why), outcome);
        }
        let unmapped = SendOutcome::Unknown(UnknownCause::Unmapped);
        for (word, why) in [
            ("accepted", Some("perhaps")),
            ("rejected", None),
            ("rejected", Some("bad mood")),
            ("rejected", Some("not sent")),
            ("fine", None),
        ] {
            assert_eq!(outcome_from(word, why), unmapped, "{word} {why:?}");
        }
        let busy = outcome_to(SendOutcome::NotSent(NotSentReason::NotConnected));
        assert_eq!(
            outcome_from(busy.0, busy.1),
            SendOutcome::Rejected(RejectReason::BrokerUnavailable)
        );
    }

    #[test]
    fn names_read_back() {
        assert!(TIMES.iter().all(|t| time(time_name(*t)) == Some(*t)));
        assert!(OrderState::ALL.iter().all(|s| state(s.name()) == Some(*s)));
        assert_eq!(
            (side("sell_short"), role("stop")),
            (Some(Side::SellShort), Some(OrderRole::Stop))
        );
        assert_eq!(side("Buy"), None);
    }
}
