//! Loads a run's market data from a store: the sessions asked for, and before them as many as
//! reference data looks back on (TB7, design.md 6).

use std::path::Path;

use backtest::{Action, DailyBar, MarketData, SymbolData};
use catalog::{ActionKind, OpenData, Resolution, Store, TickKind, open_data};
use model::exchange::{Calendar, Segment, new_york_date};
use model::{Bar, Cash, Date, Symbol, Timestamp};
use tracing::{debug, info, warn};

use crate::commands::data::reporter;
use crate::exit::Failure;
use crate::progress::Progress;

/// Sessions loaded before the first one: the daily ATR looks back on 300 (TI4), so that its value
/// does not depend on where a run begins.
const WARM_UP_SESSIONS: usize = 320;
/// Sessions that baselines and ADV need (TI16, TI17, half days skipped). Where the window above
/// holds fewer, the store has holes, and everything before the run is loaded.
const NEEDED_SESSIONS: usize = 28;

/// What to load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// The symbols; all that have minute bars when empty.
    pub(crate) symbols: Vec<Symbol>,
    /// First session; the first there is when `None`.
    pub(crate) from: Option<Date>,
    /// Last session; the last there is when `None`.
    pub(crate) to: Option<Date>,
}

/// Data of a run with the range it covers.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The data.
    pub(crate) data: MarketData,
    /// First session with a bar in the range.
    pub(crate) from: Date,
    /// Last session with a bar in the range.
    pub(crate) to: Date,
}

/// What the data of a run covers.
#[derive(Clone, Debug)]
pub(crate) struct Covered {
    /// Its symbols; their ids are their places.
    pub(crate) symbols: Vec<Symbol>,
    /// First session with a bar in the range.
    pub(crate) from: Date,
    /// Last session with a bar in the range.
    pub(crate) to: Date,
}

impl Loaded {
    /// Returns what the data covers.
    pub(crate) fn covered(&self) -> Covered {
        let symbols = self.data.symbols().iter().map(|data| data.symbol).collect();
        Covered { symbols, from: self.from, to: self.to }
    }
}

/// Opens a store, or a LEAN folder through a temporary store; what that import refused is told.
pub(crate) fn open(path: &Path, calendar: &Calendar) -> Result<OpenData, Failure> {
    let mut progress = Progress::new("reading", "bytes");
    let opened = open_data(path, calendar, &mut reporter(&mut progress))?;
    drop(progress);
    if let Some(report) = &opened.imported {
        info!(
            folder = %path.display(),
            rows = report.rows,
            stored = report.stored,
            rejected = report.rejected_total(),
            "imported a LEAN folder to a temporary store"
        );
        for broken in &report.broken_files {
            warn!(file = %broken.file, error = broken.error, "nothing of this file was imported");
        }
    }
    Ok(opened)
}

/// Loads from a store.
pub(crate) fn load(
    store: &Store,
    calendar: &Calendar,
    selection: &Selection,
) -> Result<Loaded, Failure> {
    let first = Date::from_ymd(calendar.first_year(), 1, 1).unwrap_or_default();
    let last = Date::from_ymd(calendar.last_year(), 12, 31).unwrap_or_default();
    let (from, to) = (selection.from.unwrap_or(first), selection.to.unwrap_or(last));
    if to < from {
        return Err(Failure::usage(format_args!("--to {to} is before --from {from}")));
    }
    // Years that the calendar does not know have no sessions to run (TC9).
    calendar
        .sessions(from, from)
        .and_then(|_| calendar.sessions(to, to))
        .map_err(Failure::missing)?;
    let symbols = symbols_of(store, &selection.symbols)?;
    let loader = Loader { store, calendar, from, to, first };
    let mut all = Vec::with_capacity(symbols.len());
    for &symbol in &symbols {
        all.push(loader.symbol(symbol)?);
    }
    let ranges = all.iter().filter_map(|data| loader.range(data));
    let range = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let Some((from, to)) = range else {
        let names: Vec<&str> = symbols.iter().map(Symbol::as_str).take(12).collect();
        let message = format!(
            "no 1min bars or trades of {} from {from} to {to} in {}",
            names.join(", "),
            store.root().display()
        );
        return Err(Failure::missing(message).hint("`bellwether data list` shows what is there"));
    };
    debug!(symbols = all.len(), %from, %to, "loaded market data");
    let data = MarketData::new(all).map_err(Failure::corrupt)?;
    Ok(Loaded { data, from, to })
}

/// Returns the last session with a regular bar, of the symbols given or of all.
pub(crate) fn last_session(
    store: &Store,
    calendar: &Calendar,
    symbols: &[Symbol],
) -> Result<Date, Failure> {
    let mut newest: Option<Date> = None;
    for symbol in symbols_of(store, symbols)? {
        for date in store.sessions(symbol, Resolution::Minute1)?.into_iter().rev() {
            if newest.is_some_and(|newest| date <= newest) {
                break;
            }
            let Ok(Some(session)) = calendar.session(date) else { continue };
            let bars = store.load_minutes(symbol, date, date)?;
            if bars.iter().any(|bar| session.segment(bar.start) == Some(Segment::Rth)) {
                newest = Some(date);
                break;
            }
        }
    }
    newest.ok_or_else(|| {
        Failure::missing(format_args!("no regular session in {}", store.root().display()))
            .hint("`bellwether data list` shows what is there")
    })
}

/// Returns the symbols named, or those with minute bars or trades; one that is not there is an error.
pub(crate) fn symbols_of(store: &Store, named: &[Symbol]) -> Result<Vec<Symbol>, Failure> {
    if !named.is_empty() {
        let mut symbols = named.to_vec();
        symbols.sort();
        symbols.dedup();
        return Ok(symbols);
    }
    let mut symbols = store.tick_symbols(TickKind::Trades)?;
    for symbol in store.symbols()? {
        if store.resolutions(symbol)?.contains(&Resolution::Minute1) {
            symbols.push(symbol);
        }
    }
    symbols.sort();
    symbols.dedup();
    if symbols.is_empty() {
        let message = format!("no symbol with 1min bars or trades in {}", store.root().display());
        return Err(Failure::missing(message).hint("`bellwether data list` shows what is there"));
    }
    Ok(symbols)
}

struct Loader<'a> {
    store: &'a Store,
    calendar: &'a Calendar,
    from: Date,
    to: Date,
    /// First date of the calendar.
    first: Date,
}

impl Loader<'_> {
    fn symbol(&self, symbol: Symbol) -> Result<SymbolData, Failure> {
        let window = self.window();
        let mut data = SymbolData::new(symbol);
        let has_bars = self.store.resolutions(symbol)?.contains(&Resolution::Minute1);
        let has_trades = !self.store.tick_sessions(symbol, TickKind::Trades)?.is_empty();
        if has_trades && !has_bars {
            // Bars come first where there are both: a run takes one of them (TB1).
            data.trades = self.store.load_trades(symbol, window, self.to)?;
            data.quotes = self.store.load_quotes(symbol, window, self.to)?;
        } else {
            data.bars = self.minutes(symbol, window)?;
        }
        if self.store.resolutions(symbol)?.contains(&Resolution::Day1) {
            let daily = self.store.load_daily(symbol, window, self.to)?;
            data.daily = daily.iter().map(daily_bar).collect();
        }
        data.actions = self.store.actions(symbol)?.iter().map(action).collect();
        Ok(data)
    }

    /// Loads minute bars, with as many sessions before the run as reference data looks back on.
    fn minutes(&self, symbol: Symbol, window: Date) -> Result<Vec<Bar>, Failure> {
        let mut bars = self.store.load_minutes(symbol, window, self.to)?;
        if window > self.first && self.sessions_before(&bars) < NEEDED_SESSIONS {
            bars = self.store.load_minutes(symbol, self.first, self.to)?;
        }
        Ok(bars)
    }

    /// Returns the first date to load.
    fn window(&self) -> Date {
        let mut date = self.from;
        for _ in 0..WARM_UP_SESSIONS {
            match self.calendar.previous_session(date) {
                Some(session) => date = session.date,
                None => return self.first,
            }
        }
        date
    }

    /// Counts the dates with bars before the run, up to the number that is needed.
    fn sessions_before(&self, bars: &[Bar]) -> usize {
        let mut count = 0;
        let mut rest = bars;
        while let Some(bar) = rest.first() {
            let date = new_york_date(bar.start);
            if date >= self.from || count == NEEDED_SESSIONS {
                break;
            }
            count += 1;
            rest = &rest[rest.partition_point(|bar| new_york_date(bar.start) <= date)..];
        }
        count
    }

    /// Returns the first and the last date with bars or prints inside the range.
    fn range(&self, data: &SymbolData) -> Option<(Date, Date)> {
        if !data.trades.is_empty() {
            return self.dates(&data.trades, |trade| trade.time);
        }
        self.dates(&data.bars, |bar| bar.start)
    }

    fn dates<T>(&self, rows: &[T], time: impl Fn(&T) -> Timestamp) -> Option<(Date, Date)> {
        let first = rows.partition_point(|row| new_york_date(time(row)) < self.from);
        let inside = rows.get(first..)?;
        Some((new_york_date(time(inside.first()?)), new_york_date(time(inside.last()?))))
    }
}

/// Returns a daily bar of the store, which starts at 00:00 UTC of its session's date.
fn daily_bar(bar: &Bar) -> DailyBar {
    DailyBar {
        date: bar.start.utc_date(),
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume.0,
    }
}

fn action(action: &catalog::Action) -> Action {
    let (split_ratio, cash_dividend) = match action.kind {
        ActionKind::Split => (Cash::from_raw(action.value).to_f64(), Cash::ZERO),
        ActionKind::Dividend => (1.0, Cash::from_raw(action.value)),
    };
    Action { date: action.date, split_ratio, cash_dividend }
}
