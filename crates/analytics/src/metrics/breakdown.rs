//! Closed trades by strategy, symbol, side, time, exit and circumstances (TP19).
//!
//! Hour and weekday are those of the entry, the month that of the exit, all in New York.

use std::collections::BTreeMap;

use model::exchange::{new_york_date, new_york_time};
use model::{Cash, ClosedTrade};
use serde::{Deserialize, Serialize};

use super::TradeMetrics;

/// Names of the days of the week, Monday first.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Upper bounds of the price buckets in US dollars.
const PRICE_BOUNDS: [f64; 6] = [2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
/// Upper bounds of the gap buckets in percent.
const GAP_BOUNDS: [f64; 7] = [-4.0, 0.0, 2.0, 4.0, 8.0, 15.0, 30.0];
/// Upper bounds of the relative-volume buckets.
const RVOL_BOUNDS: [f64; 5] = [1.0, 2.0, 3.0, 5.0, 10.0];

/// What was known when a trade was entered, where the strategy looked at it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct TradeContext {
    /// The gap as a fraction (TI15).
    pub gap: Option<f64>,
    /// Relative volume (TI16).
    pub rvol: Option<f64>,
}

/// One row of a breakdown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BreakdownRow {
    /// What the trades of the row share.
    pub key: String,
    /// Closed trades.
    pub trades: u64,
    /// Wins over all trades.
    pub win_rate: Option<f64>,
    /// Sum of the nets.
    pub net_pnl: Cash,
    /// Mean net.
    pub expectancy: Option<Cash>,
    /// Mean R multiple.
    pub expectancy_r: Option<f64>,
    /// Wins over losses in money.
    pub profit_factor: Option<f64>,
}

/// All breakdowns; rows in the natural order of their keys, and only where there are trades.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Breakdowns {
    /// By strategy.
    pub strategy: Vec<BreakdownRow>,
    /// By symbol.
    pub symbol: Vec<BreakdownRow>,
    /// Long or short.
    pub side: Vec<BreakdownRow>,
    /// By hour of the entry, New York.
    pub hour: Vec<BreakdownRow>,
    /// By weekday of the entry.
    pub weekday: Vec<BreakdownRow>,
    /// By month of the exit.
    pub month: Vec<BreakdownRow>,
    /// By reason of the exit.
    pub exit_reason: Vec<BreakdownRow>,
    /// By gap; empty when no trade knew it.
    pub gap: Vec<BreakdownRow>,
    /// By relative volume; empty when no trade knew it.
    pub rvol: Vec<BreakdownRow>,
    /// By average entry price.
    pub price: Vec<BreakdownRow>,
}

/// Names and circumstances of trades.
pub struct Labels<'a> {
    /// Returns the name of a trade's strategy.
    pub strategy: &'a dyn Fn(&ClosedTrade) -> String,
    /// Returns the name of a trade's symbol.
    pub symbol: &'a dyn Fn(&ClosedTrade) -> String,
    /// Circumstances by trade id.
    pub contexts: &'a BTreeMap<u64, TradeContext>,
}

impl Breakdowns {
    /// Sorts trades, which are in order of exit, into the breakdowns.
    pub fn of(trades: &[&ClosedTrade], labels: &Labels<'_>) -> Self {
        let context = |trade: &ClosedTrade| labels.contexts.get(&trade.id).copied();
        Self {
            strategy: rows(trades, |t| Some((0, (labels.strategy)(t)))),
            symbol: rows(trades, |t| Some((0, (labels.symbol)(t)))),
            side: rows(trades, |t| Some((0, if t.long { "long" } else { "short" }.to_owned()))),
            hour: rows(trades, |t| {
                Some((0, format!("{:02}:00", new_york_time(t.entry_time).hour)))
            }),
            weekday: rows(trades, |t| {
                let day = usize::from(new_york_date(t.entry_time).weekday());
                Some((day, WEEKDAYS.get(day)?.to_string()))
            }),
            month: rows(trades, |t| {
                let (year, month, _) = new_york_date(t.exit_time).ymd();
                Some((0, format!("{year:04}-{month:02}")))
            }),
            exit_reason: rows(trades, |t| Some((0, t.exit_reason.name().to_owned()))),
            gap: rows(trades, |t| Some(bucket(context(t)?.gap? * 100.0, &GAP_BOUNDS, "%"))),
            rvol: rows(trades, |t| Some(bucket(context(t)?.rvol?, &RVOL_BOUNDS, "x"))),
            price: rows(trades, |t| Some(bucket(t.entry_price.to_f64(), &PRICE_BOUNDS, " USD"))),
        }
    }
}

/// Returns the place and the name of the bucket of `value`: bounds belong to the bucket above.
fn bucket(value: f64, bounds: &[f64], unit: &str) -> (usize, String) {
    let place = bounds.iter().take_while(|bound| value >= **bound).count();
    let name = match (place.checked_sub(1).and_then(|i| bounds.get(i)), bounds.get(place)) {
        (None, Some(high)) => format!("below {high}{unit}"),
        (Some(low), Some(high)) => format!("{low} to {high}{unit}"),
        (Some(low), None) => format!("{low}{unit} and more"),
        (None, None) => "all".to_owned(),
    };
    (place, name)
}

/// Groups trades by an ordered key; trades without a key are left out.
fn rows(
    trades: &[&ClosedTrade],
    key: impl Fn(&ClosedTrade) -> Option<(usize, String)>,
) -> Vec<BreakdownRow> {
    let mut groups: BTreeMap<(usize, String), Vec<&ClosedTrade>> = BTreeMap::new();
    for trade in trades {
        if let Some(key) = key(trade) {
            groups.entry(key).or_default().push(trade);
        }
    }
    groups
        .into_iter()
        .map(|((_, key), members)| {
            let metrics = TradeMetrics::of(&members);
            BreakdownRow {
                key,
                trades: metrics.trades,
                win_rate: metrics.win_rate,
                net_pnl: metrics.net_pnl,
                expectancy: metrics.expectancy,
                expectancy_r: metrics.expectancy_r,
                profit_factor: metrics.profit_factor,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TP19: a bound opens its bucket.
    #[test]
    fn buckets_are_half_open() {
        assert_eq!(bucket(1.99, &PRICE_BOUNDS, " USD"), (0, "below 2 USD".to_owned()));
        assert_eq!(bucket(2.0, &PRICE_BOUNDS, " USD"), (1, "2 to 5 USD".to_owned()));
        assert_eq!(bucket(100.0, &PRICE_BOUNDS, " USD"), (6, "100 USD and more".to_owned()));
        assert_eq!(bucket(-5.0, &GAP_BOUNDS, "%"), (0, "below -4%".to_owned()));
    }

    /// TP19: hours are New York's, weekdays run from Monday; unknown circumstances are left out.
    #[test]
    fn trades_fall_into_their_rows() {
        let at = |text: &str| ClosedTrade {
            entry_time: text.parse().unwrap(),
            exit_time: text.parse().unwrap(),
            ..ClosedTrade::default()
        };
        let trades =
            [at("2025-06-06T13:31:00Z"), at("2025-06-02T14:31:00Z"), at("2025-01-06T14:31:00Z")];
        let ordered: Vec<&ClosedTrade> = trades.iter().collect();
        let name = |_: &ClosedTrade| "x".to_owned();
        let contexts = BTreeMap::from([(0, TradeContext { gap: None, rvol: None })]);
        let labels = Labels { strategy: &name, symbol: &name, contexts: &contexts };
        let found = Breakdowns::of(&ordered, &labels);
        let keys = |rows: &[BreakdownRow]| {
            rows.iter()
                .map(|row| format!("{}={}", row.key, row.trades))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(keys(&found.hour), "09:00=2 10:00=1");
        assert_eq!(keys(&found.weekday), "mon=2 fri=1");
        assert_eq!(keys(&found.month), "2025-01=1 2025-06=2");
        assert!(found.gap.is_empty() && found.rvol.is_empty());
    }
}
