//! Faults on request: what a stand-in does wrong, when, and how often (contract.md 3 `venue`).
//!
//! A rule counts the events of its place; it begins after some of them, ends after some, and may be
//! drawn. Invariant: equal rules, seeds and events give equal faults.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where a fault happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A new order.
    Submit,
    /// A cancellation.
    Cancel,
    /// A replacement.
    Replace,
    /// A question.
    Query,
    /// A report on its way out.
    Stream,
    /// A new connection.
    Connect,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The request never arrives; a connection is closed before it is used.
    Drop,
    /// It arrives late by `seconds`.
    Delay,
    /// The request is carried out twice; the report is sent twice.
    Duplicate,
    /// It is carried out, and the connection breaks before the answer.
    Reset,
    /// It is carried out, half of the answer is sent, and the connection breaks.
    Truncate,
    /// It is carried out, and the answer is an error.
    Error,
    /// A list is answered with its first half.
    HalfPage,
    /// Lists also have an order, or shares, of somebody else in the first symbol.
    ForeignOrder,
    /// The report is never sent; the connection stays.
    LostFrame,
    /// The report is sent late by `seconds`, behind later ones.
    LateFrame,
    /// It is carried out and never answered.
    NeverAnswer,
}

/// The faults with where each may happen and what it does.
pub const FAULTS: [(Fault, &str, &[On], &str); 11] = {
    use {Fault as F, On as O};
    const REQUESTS: &[On] = &[O::Submit, O::Cancel, O::Replace, O::Query];
    [
        (
            F::Drop,
            "drop",
            &[O::Submit, O::Cancel, O::Replace, O::Query, O::Connect],
            "never arrives",
        ),
        (
            F::Delay,
            "delay",
            &[O::Submit, O::Cancel, O::Replace, O::Query, O::Connect],
            "arrives late by `seconds`",
        ),
        (
            F::Duplicate,
            "duplicate",
            &[O::Submit, O::Cancel, O::Replace, O::Stream],
            "carried out or sent twice",
        ),
        (
            F::Reset,
            "reset",
            &[O::Submit, O::Cancel, O::Replace, O::Query, O::Stream],
            "carried out, then the connection breaks",
        ),
        (
            F::Truncate,
            "truncate",
            &[O::Submit, O::Cancel, O::Replace, O::Query, O::Stream],
            "half of it is sent, then the connection breaks",
        ),
        (F::Error, "error", REQUESTS, "carried out and answered by an error"),
        (F::HalfPage, "half_page", &[O::Query], "half of the rows are missing"),
        (F::ForeignOrder, "foreign_order", &[O::Query], "lists also show what is not ours"),
        (F::LostFrame, "lost_frame", &[O::Stream], "never sent"),
        (F::LateFrame, "late_frame", &[O::Stream], "sent late by `seconds`"),
        (F::NeverAnswer, "never_answer", REQUESTS, "carried out and never answered"),
    ]
};

/// A fault file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultFile {
    /// The rules.
    pub faults: Vec<FaultRule>,
}

/// One rule.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The stand-in: `paper`.
    pub venue: String,
    /// Where.
    pub on: On,
    /// What.
    #[serde(rename = "do")]
    pub fault: Fault,
    /// How often; as often as it matches where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How many events pass before the first.
    #[serde(default)]
    pub after: u64,
    /// For faults that are about time.
    #[serde(default = "one")]
    pub seconds: f64,
    /// The chance of each event.
    #[serde(default = "one")]
    pub probability: f64,
    /// Seed of the draws.
    #[serde(default)]
    pub seed: u64,
}

fn one() -> f64 {
    1.0
}

/// Why rules are refused.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum FaultError {
    /// The stand-in is another one.
    #[error("fault {place}: there is no venue {venue:?} here, only \"paper\"")]
    Venue {
        /// The rule's place, from 0.
        place: usize,
        /// The name.
        venue: String,
    },
    /// The fault does not happen there.
    #[error("fault {place}: {fault:?} does not happen on {on:?}; `venue --list-faults` says where")]
    Place {
        /// The rule's place, from 0.
        place: usize,
        /// The fault.
        fault: Fault,
        /// Where it was wanted.
        on: On,
    },
    /// A number is out of range.
    #[error("fault {place}: {key} is {value}, allowed {allowed}")]
    Range {
        /// The rule's place, from 0.
        place: usize,
        /// The key.
        key: &'static str,
        /// The value.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// A fault that happens now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Struck {
    pub(crate) fault: Fault,
    pub(crate) pause: Duration,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Counted>>);

#[derive(Debug)]
struct Counted {
    rule: FaultRule,
    seen: u64,
    struck: u64,
}

impl Faults {
    /// Puts rules in force beside those that are.
    ///
    /// # Errors
    /// A rule that cannot happen; then none of them is in force.
    pub fn add(&self, file: FaultFile) -> Result<(), FaultError> {
        file.faults.iter().enumerate().try_for_each(|(place, rule)| check(place, rule))?;
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = file.faults.into_iter().map(|rule| Counted { rule, seen: 0, struck: 0 });
        rules.extend(new);
        Ok(())
    }

    /// Takes all rules out of force.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// An event happens: returns the fault of the first rule that strikes.
    pub(crate) fn strike(&self, on: On) -> Option<Struck> {
        let mut rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = None;
        for counted in rules.iter_mut().filter(|counted| counted.rule.on == on) {
            counted.seen += 1;
            let rule = &counted.rule;
            let due = counted.seen > rule.after
                && rule.count.is_none_or(|count| counted.struck < count)
                && draw(rule.seed, counted.seen) < rule.probability;
            if due && first.is_none() {
                counted.struck += 1;
                let pause = Duration::from_secs_f64(rule.seconds);
                first = Some(Struck { fault: rule.fault, pause });
            }
        }
        first
    }
}

fn check(place: usize, rule: &FaultRule) -> Result<(), FaultError> {
    if rule.venue != "paper" {
        return Err(FaultError::Venue { place, venue: rule.venue.chars().take(40).collect() });
    }
    let (fault, on) = (rule.fault, rule.on);
    let known = FAULTS.iter().any(|(of, _, places, _)| *of == fault && places.contains(&on));
    if !known {
        return Err(FaultError::Place { place, fault, on });
    }
    let range = |key, value: f64, most: f64, allowed| {
        let inside = (0.0..=most).contains(&value);
        if inside { Ok(()) } else { Err(FaultError::Range { place, key, value, allowed }) }
    };
    range("seconds", rule.seconds, 86_400.0, "0 to 86400")?;
    range("probability", rule.probability, 1.0, "0 to 1")
}

/// Returns a number in [0, 1) that depends on the seed and the event alone (splitmix64).
fn draw(seed: u64, event: u64) -> f64 {
    let mut z = seed.wrapping_add(event.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Result<Faults, FaultError> {
        let faults = Faults::default();
        faults.add(serde_json::from_str(text).unwrap()).map(|()| faults)
    }

    /// A rule begins after some events, ends after some, and others do not count for it.
    #[test]
    fn rules_count_their_own_events() {
        let faults = rules(
            r#"{"faults":[{"venue":"paper","on":"submit","do":"drop","after":1,"count":2}]}"#,
        )
        .unwrap();
        let struck: Vec<bool> = (0..5)
            .map(|_| {
                assert_eq!(faults.strike(On::Cancel), None);
                faults.strike(On::Submit).is_some()
            })
            .collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn draws_are_seeded() {
        let text = |seed| {
            format!(
                r#"{{"faults":[{{"venue":"paper","on":"stream","do":"lost_frame","probability":0.3,
                    "seed":{seed}}}]}}"#
            )
        };
        let run = |seed| -> Vec<bool> {
            let faults = rules(&text(seed)).unwrap();
            (0..1_000).map(|_| faults.strike(On::Stream).is_some()).collect()
        };
        let struck = run(7).iter().filter(|struck| **struck).count();
        assert!((200..400).contains(&struck), "{struck}");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn what_cannot_happen_is_refused() {
        for (rule, error) in [
            (r#""venue":"alpaca","on":"submit","do":"drop""#, "no venue"),
            (r#""venue":"paper","on":"submit","do":"half_page""#, "does not happen"),
            (r#""venue":"paper","on":"submit","do":"delay","seconds":-1"#, "seconds is -1"),
        ] {
            let refused = rules(&format!(r#"{{"faults":[{{{rule}}}]}}"#)).unwrap_err();
            assert!(refused.to_string().contains(error), "{refused}");
        }
        // Every name in the list reads as its fault.
        for (fault, name, places, _) in FAULTS {
            assert_eq!(serde_json::to_value(fault).unwrap(), *name);
            assert!(!places.is_empty());
        }
    }
}
