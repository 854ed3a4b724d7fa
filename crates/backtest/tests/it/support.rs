//! Shared scenery: days of bars, runs, and where test data lies.

use std::path::PathBuf;
use std::sync::Arc;

use backtest::{MarketData, NoSink, RunConfig, RunResult, Sink, SymbolData, run};
use engine::Instance;
use engine::risk_manager::Limits;
use model::exchange::{Calendar, CommissionPlan, TickTable, from_new_york};
use model::{Bar, Cash, Date, Price, Symbol, Timestamp, Volume};
use simulator::{ExchangeConfig, FillMode};
use strategies::Registry;

/// Returns the folder of the oracles: `ORACLES_DIR`, else the repository's copy.
pub(crate) fn oracles() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/oracles");
    std::env::var_os("ORACLES_DIR").map_or_else(|| default.into(), PathBuf::from)
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Makes an instance of a strategy, `NAME` or `NAME:key=value,key=value`.
pub(crate) fn strategy(text: &str) -> Instance {
    let (name, parameters) = text.split_once(':').unwrap_or((text, ""));
    let parameters: Vec<(String, String)> = parameters
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let strategy = Registry::builtin().make(name, &parameters).unwrap();
    Instance { name: text.to_owned(), strategy }
}

pub(crate) fn config(from: Date, to: Date) -> RunConfig {
    RunConfig {
        from,
        to,
        cash: Cash::from_dollars(100_000).unwrap(),
        limits: Limits::default(),
        exchange: ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None),
        calendar: Arc::new(Calendar::nyse()),
        ticks: TickTable::us(),
        record_all: false,
    }
}

pub(crate) fn symbol_data(symbol: &str, bars: Vec<Bar>) -> SymbolData {
    SymbolData {
        symbol: symbol.parse::<Symbol>().unwrap(),
        bars,
        daily: Vec::new(),
        halts: Vec::new(),
        actions: Vec::new(),
        float_shares: None,
    }
}

pub(crate) fn run_with(
    data: Vec<SymbolData>,
    strategies: &[&str],
    config: &RunConfig,
    sink: &mut dyn Sink,
) -> RunResult {
    let data = MarketData::new(data).unwrap();
    let strategies = strategies.iter().map(|text| strategy(text)).collect();
    run(&data, strategies, config, sink).unwrap()
}

pub(crate) fn run_quietly(
    data: Vec<SymbolData>,
    strategies: &[&str],
    config: &RunConfig,
) -> RunResult {
    run_with(data, strategies, config, &mut NoSink)
}

/// Returns a New York time of a date, `HH:MM`.
pub(crate) fn at(date: Date, clock: &str) -> Timestamp {
    let (hour, minute) = clock.split_once(':').unwrap();
    from_new_york(date, hour.parse().unwrap(), minute.parse().unwrap(), 0)
}

/// Makes a bar from `open high low close` and a volume.
pub(crate) fn bar(date: Date, clock: &str, prices: [&str; 4], volume: u64) -> Bar {
    let [open, high, low, close] = prices.map(price);
    Bar { start: at(date, clock), open, high, low, close, volume: Volume(volume) }
}

/// Reads a worked example's bars (`start_ny,open,high,low,close,volume`) onto a date.
pub(crate) fn worked_bars(file: &str, date: Date) -> Vec<Bar> {
    let path = oracles().join("worked").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let volume = fields[5].parse().unwrap();
            bar(date, fields[0], [fields[1], fields[2], fields[3], fields[4]], volume)
        })
        .collect()
}

/// Reads a worked example's expectations.
pub(crate) fn worked_json(file: &str) -> serde_json::Value {
    let path = oracles().join("worked").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}
