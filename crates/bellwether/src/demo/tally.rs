//! Why nothing (more) was traded: per strategy and symbol, the first failing rule of each
//! evaluation, counted, with its first numbers and the nearest it came to passing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::Engine;
use engine::strategy_engine::{Decision, Outcome, Rule};
use model::exchange::new_york_time;
use model::{StrategyId, Symbol, SymbolId, Timestamp};
use serde_json::{Value, json};

use runtime::view::Explained;

use crate::decisions::explain;
use crate::terminal::{self, FAINT, TITLE};

/// One rule of one strategy in one symbol.
#[derive(Clone, PartialEq, Debug)]
struct Row {
    explained: Explained,
    outcome: Outcome,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    /// Smallest distance from passing, where the rule has bounds.
    nearest: Option<Miss>,
}

/// By how much a value misses its bound.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Miss {
    value: f64,
    bound: f64,
    below: bool,
}

impl Miss {
    fn distance(&self) -> f64 {
        (self.value - self.bound).abs()
    }
}

/// Counts by strategy, symbol and rule.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    rows: BTreeMap<(StrategyId, SymbolId), Vec<(Rule, Row)>>,
}

impl Tally {
    /// Takes an evaluation that did not lead to an order.
    pub(crate) fn take(&mut self, engine: &Engine, decision: &Decision) {
        if decision.outcome == Outcome::Order {
            return;
        }
        let rows = self.rows.entry((decision.strategy, decision.symbol)).or_default();
        let found = rows.iter_mut().find(|(rule, _)| *rule == decision.rule);
        let explained = explain(engine, decision);
        let miss = miss(&explained);
        match found {
            Some((_, row)) => {
                row.count += 1;
                row.last = decision.time;
                let nearer = match (&miss, &row.nearest) {
                    (Some(new), Some(old)) => new.distance() < old.distance(),
                    (new, old) => new.is_some() && old.is_none(),
                };
                if nearer {
                    row.nearest = miss;
                }
            }
            None => {
                let row = Row {
                    explained,
                    outcome: decision.outcome,
                    count: 1,
                    first: decision.time,
                    last: decision.time,
                    nearest: miss,
                };
                rows.push((decision.rule, row));
            }
        }
    }

    /// Returns the rows as JSON, in order of their first occurrence.
    pub(crate) fn to_json(&self, strategies: &[String], symbols: &[Symbol]) -> Value {
        let mut list = Vec::new();
        for ((strategy, symbol), rows) in &self.rows {
            for (_, row) in rows {
                let values: serde_json::Map<String, Value> = row
                    .explained
                    .values
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect();
                list.push(json!({
                    "strategy": strategies.get(strategy.index()),
                    "symbol": symbols.get(symbol.index()),
                    "outcome": row.outcome.name(),
                    "rule": row.explained.rule,
                    "text": row.explained.text,
                    "count": row.count,
                    "first": row.first,
                    "last": row.last,
                    "values": values,
                    "nearest": row.nearest.map(|miss| {
                        json!({ "value": miss.value, "bound": miss.bound, "missing": miss.distance() })
                    }),
                }));
            }
        }
        Value::Array(list)
    }

    /// Returns the rows as text: per strategy and symbol the rules in order of first occurrence.
    pub(crate) fn to_text(&self, strategies: &[String], symbols: &[Symbol]) -> String {
        let mut text = String::new();
        for (index, name) in strategies.iter().enumerate() {
            let header =
                ["symbol", "first", "last", "times", "rule", "", "first numbers", "nearest"];
            let mut table = terminal::table(header, &[3]);
            let of_strategy = self.rows.iter().filter(|((id, _), _)| id.index() == index);
            for ((_, symbol), rows) in of_strategy {
                let mut symbol = symbols.get(symbol.index()).map_or("?", Symbol::as_str);
                for (_, row) in rows {
                    table.add_row([
                        std::mem::take(&mut symbol).to_owned(),
                        clock(row.first),
                        clock(row.last),
                        row.count.to_string(),
                        row.explained.rule.to_owned(),
                        row.explained.text.to_owned(),
                        numbers(&row.explained),
                        row.nearest.map(|miss| miss_text(&miss)).unwrap_or_default(),
                    ]);
                }
            }
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{TITLE}{name}{TITLE:#}");
            if table.is_empty() {
                let _ = writeln!(text, " {FAINT}evaluated nothing{FAINT:#}");
            } else {
                text.push_str(&terminal::text_of(&table));
            }
        }
        text
    }
}

/// Returns by how much the first value misses `min` or `max`, or the gate's `limit`.
fn miss(explained: &Explained) -> Option<Miss> {
    let number = |name: &str| {
        let found = explained.values.iter().find(|(other, _)| *other == name);
        found.and_then(|(_, value)| value.as_f64())
    };
    let (first, value) = explained.values.first().map(|(name, value)| (*name, value.as_f64()))?;
    let value = value.filter(|_| !matches!(first, "limit" | "min" | "max"))?;
    let below = number("min").filter(|&min| value < min);
    let above = number("max").filter(|&max| value > max);
    match (below, above) {
        (Some(bound), _) => Some(Miss { value, bound, below: true }),
        (None, Some(bound)) => Some(Miss { value, bound, below: false }),
        (None, None) => None,
    }
}

fn miss_text(miss: &Miss) -> String {
    let side = if miss.below { "below" } else { "above" };
    let name = if miss.below { "min" } else { "max" };
    format!(
        "{} is {} {side} {name} {}",
        terminal::number(miss.value),
        terminal::number(miss.distance()),
        terminal::number(miss.bound)
    )
}

/// Returns the numbers of a rule by name.
pub(crate) fn numbers(explained: &Explained) -> String {
    let parts = explained.values.iter().map(|(name, value)| match value.as_f64() {
        Some(number) => format!("{name} {}", terminal::number(number)),
        None => format!("{name} {}", value.as_str().unwrap_or_default()),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Returns the time of day in New York.
pub(crate) fn clock(time: Timestamp) -> String {
    let local = new_york_time(time);
    format!("{:02}:{:02}:{:02}", local.hour, local.minute, local.second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(values: &[(&'static str, f64)]) -> Explained {
        let values = values.iter().map(|&(name, value)| (name, json!(value))).collect();
        Explained { rule: "TG2", text: "gap", values }
    }

    #[test]
    fn tells_by_how_much() {
        let low = miss(&explained(&[("gap_percent", -2.5), ("min", 4.0), ("max", 40.0)])).unwrap();
        assert_eq!(miss_text(&low), "-2.5 is 6.5 below min 4");
        let high = miss(&explained(&[("gap_percent", 41.0), ("min", 4.0), ("max", 40.0)])).unwrap();
        assert_eq!(miss_text(&high), "41 is 1 above max 40");
        assert_eq!(miss(&explained(&[("close", 5.0), ("vwap", 6.0)])), None);
        assert_eq!(miss(&explained(&[])), None);
    }
}
