//! A benchmark's daily returns from the store, splits and dividends included (TP9).

use std::collections::BTreeMap;

use analytics::metrics::Benchmark;
use backtest::{MarketData, SymbolData};
use catalog::Store;
use model::exchange::{Calendar, Segment, new_york_date};
use model::{Date, Price, Symbol};

use crate::exit::Failure;
use crate::market::{Loaded, Selection, load};

/// Loads the returns of `symbol` over the run's range.
pub(crate) fn load_benchmark(
    store: &Store,
    calendar: &Calendar,
    symbol: Symbol,
    run: &Loaded,
) -> Result<Benchmark, Failure> {
    let selection = Selection { symbols: vec![symbol], from: Some(run.from), to: Some(run.to) };
    let loaded = load(store, calendar, &selection)?;
    Ok(of(&loaded.data, calendar, run.from))
}

fn of(data: &MarketData, calendar: &Calendar, from: Date) -> Benchmark {
    let Some(data) = data.symbols().first() else { return Benchmark::default() };
    let closes = closes(data, calendar);
    let mut returns = BTreeMap::new();
    for ((_, before), (date, close)) in closes.iter().zip(closes.iter().skip(1)) {
        let (mut shares, mut cash) = (1.0, 0.0);
        for action in data.actions.iter().filter(|action| action.date == *date) {
            shares *= action.split_ratio;
            cash += action.cash_dividend.to_f64();
        }
        if *date >= from && before.is_positive() {
            returns.insert(*date, (close.to_f64() + cash) * shares / before.to_f64() - 1.0);
        }
    }
    Benchmark { name: data.symbol.to_string(), returns }
}

/// Returns the close of each session: the official one, else the last regular bar's.
fn closes(data: &SymbolData, calendar: &Calendar) -> BTreeMap<Date, Price> {
    let mut closes = BTreeMap::new();
    for bar in &data.bars {
        let date = new_york_date(bar.start);
        let Ok(Some(session)) = calendar.session(date) else { continue };
        if session.segment(bar.start) == Some(Segment::Rth) {
            closes.insert(date, bar.close);
        }
    }
    closes.extend(data.daily.iter().map(|bar| (bar.date, bar.close)));
    closes
}

#[cfg(test)]
mod tests {
    use super::*;
    use backtest::{Action, DailyBar};
    use model::Cash;

    /// TP9: a split changes no return, a dividend belongs to it.
    #[test]
    fn returns_know_splits_and_dividends() {
        let day = |date: &str, close: &str| {
            let price: Price = close.parse().unwrap();
            let date = date.parse().unwrap();
            DailyBar { date, open: price, high: price, low: price, close: price, volume: 1 }
        };
        let action = |date: &str, split_ratio, cash: &str| Action {
            date: date.parse().unwrap(),
            split_ratio,
            cash_dividend: cash.parse::<Cash>().unwrap(),
        };
        let data = SymbolData {
            daily: vec![day("2025-06-02", "100"), day("2025-06-03", "50"), day("2025-06-04", "49")],
            actions: vec![action("2025-06-03", 2.0, "0"), action("2025-06-04", 1.0, "1.00")],
            ..SymbolData::new("X".parse().unwrap())
        };
        let data = MarketData::new(vec![data]).unwrap();
        let returns = of(&data, &Calendar::nyse(), "2025-06-02".parse().unwrap()).returns;
        assert_eq!(returns.values().copied().collect::<Vec<f64>>(), [0.0, 0.0]);
    }
}
