//! Shared scenery: days of bars, runs, and where test data lies.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use backtest::{Action, DailyBar, MarketData, NoSink, RunConfig, RunResult, Sink, SymbolData, run};
use catalog::{ActionKind, Resolution, Store, open_data};
use engine::risk_manager::Limits;
use engine::{Fact, Instance};
use model::exchange::{Calendar, CommissionPlan, TickTable, from_new_york};
use model::{Bar, Cash, Date, Price, SCALE, Symbol, Timestamp, Volume};
use simulator::generator::{GeneratorConfig, generate};
use simulator::{ExchangeConfig, FillMode};
use strategies::Registry;

macro_rules! gap_relaxed {
    () => {
        "gap_and_go:min_gap_percent=1,max_gap_percent=500,\
     min_pm_volume=0,min_pm_dollar_volume=0,min_rvol_pm=0,price_min=0.5,price_max=2000,\
     max_float=none,max_pullback_in_range=1,min_gap_retained=0,min_rvol_first_bar=0,\
     require_green_first_bar=false,above_vwap=false,entry_end=open+180m,min_stop_percent=0.05,\
     max_stop_percent=20,max_entries=5,cool_down_bars=0"
    };
}

macro_rules! reclaim_relaxed {
    () => {
        "vwap_reclaim:price_min=0.5,price_max=100000,min_adv=0,\
     min_atr=0,in_play=false,min_bars_below=2,min_depth_percent=0,max_depth_percent=50,\
     min_volume_ratio=0,upper_half=false,hold_bars=0,min_stop_percent=0.01,max_stop_percent=20,\
     max_entries=10"
    };
}

/// `gap_and_go` with every filter as wide as its range allows, so that it trades on most gaps.
pub(crate) const GAP_RELAXED: &str = gap_relaxed!();

/// The same on gaps down as well (TG39).
pub(crate) const GAP_BOTH: &str = concat!(gap_relaxed!(), ",side=both");

/// `vwap_reclaim` with every filter as wide as its range allows.
pub(crate) const RECLAIM_RELAXED: &str = reclaim_relaxed!();

/// The same on the short side (TV21).
pub(crate) const RECLAIM_SHORT: &str = concat!(reclaim_relaxed!(), ",side=short");

/// Returns the folder of the oracles: `ORACLES_DIR`, else the repository's copy.
pub(crate) fn oracles() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/oracles");
    std::env::var_os("ORACLES_DIR").map_or_else(|| default.into(), PathBuf::from)
}

/// The calendar takes a while to build in debug mode: once for all tests.
pub(crate) fn calendar() -> Arc<Calendar> {
    static CALENDAR: OnceLock<Arc<Calendar>> = OnceLock::new();
    Arc::clone(CALENDAR.get_or_init(|| Arc::new(Calendar::nyse())))
}

/// Seeded random numbers (splitmix64): a test that fails prints its seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.bits() % (high - low + 1) as u64) as i64
    }

    /// Returns true once in `n` on average.
    pub(crate) fn once_in(&mut self, n: i64) -> bool {
        self.between(1, n) == 1
    }
}

/// Generates a market of `days` days from a date on, with `history` sessions before it.
pub(crate) fn generated(
    seed: u64,
    date: Date,
    [days, symbols, history]: [usize; 3],
) -> Vec<SymbolData> {
    let config = GeneratorConfig {
        days,
        symbols,
        history_sessions: history,
        ..GeneratorConfig::new(seed, date)
    };
    let market = generate(&config, &calendar()).unwrap();
    let data = market.into_iter().map(|stock| SymbolData {
        bars: stock.bars,
        halts: stock.halts,
        float_shares: Some(stock.float_shares),
        ..SymbolData::new(stock.symbol)
    });
    data.collect()
}

/// Returns the recorded minutes under `LEAN_DATA_DIR`, read once for all tests; `None` when the
/// default folder is not there.
pub(crate) fn recorded(test: &str) -> Option<&'static [SymbolData]> {
    static DATA: OnceLock<Option<Vec<SymbolData>>> = OnceLock::new();
    let data = DATA.get_or_init(|| {
        let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/lean");
        let named = std::env::var_os("LEAN_DATA_DIR").map(PathBuf::from);
        let folder = named.clone().unwrap_or_else(|| default.into());
        if named.is_none() && !folder.exists() {
            return None;
        }
        let opened = open_data(&folder, &calendar(), &mut |_| {}).unwrap();
        let symbols = opened.store.symbols().unwrap();
        let data = symbols.iter().filter_map(|&symbol| stored(&opened.store, symbol));
        let data: Vec<SymbolData> = data.collect();
        assert!(!data.is_empty(), "no minute bars in {}", folder.display());
        Some(data)
    });
    if data.is_none() {
        eprintln!("SKIPPED: {test}: data absent");
    }
    data.as_deref()
}

/// Loads all of a symbol, or `None` when the store has no minutes of it.
fn stored(store: &Store, symbol: Symbol) -> Option<SymbolData> {
    let minutes = store.series(symbol, Resolution::Minute1).unwrap()?;
    let daily = match store.series(symbol, Resolution::Day1).unwrap() {
        Some(series) => store.load_daily(symbol, series.from, series.to).unwrap(),
        None => Vec::new(),
    };
    let daily = daily.iter().map(|bar| DailyBar {
        date: bar.start.utc_date(),
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume.0,
    });
    let actions = store.actions(symbol).unwrap().into_iter().map(|action| match action.kind {
        ActionKind::Split => Action {
            date: action.date,
            split_ratio: action.value as f64 / SCALE as f64,
            cash_dividend: Cash::ZERO,
        },
        ActionKind::Dividend => Action {
            date: action.date,
            split_ratio: 1.0,
            cash_dividend: Cash::from_raw(action.value),
        },
    });
    Some(SymbolData {
        bars: store.load_minutes(symbol, minutes.from, minutes.to).unwrap(),
        daily: daily.collect(),
        actions: actions.collect(),
        ..symbol_data(symbol.as_str(), Vec::new())
    })
}

/// Returns the sessions of which any symbol has bars, ascending.
pub(crate) fn sessions_of(data: &[SymbolData]) -> Vec<Date> {
    let bars = data.iter().flat_map(|symbol| &symbol.bars);
    let mut dates: Vec<Date> = bars.map(|b| model::exchange::new_york_date(b.start)).collect();
    dates.sort_unstable();
    dates.dedup();
    dates
}

/// Returns a fact as bytes.
pub(crate) fn encoded(fact: &Fact) -> Vec<u8> {
    let mut writer = model::record::Writer::new();
    writer.field(1, fact);
    writer.bytes().to_vec()
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
        calendar: calendar(),
        ticks: TickTable::us(),
        record_all: false,
    }
}

pub(crate) fn symbol_data(symbol: &str, bars: Vec<Bar>) -> SymbolData {
    SymbolData { bars, ..SymbolData::new(symbol.parse::<Symbol>().unwrap()) }
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
