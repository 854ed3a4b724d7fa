//! The store: bars as Parquet by symbol, resolution and year, with a compact cache beside them.
//!
//! ```text
//! ROOT/bars/SYMBOL/1min/YYYY.parquet    YYYY is the New York year of the session
//! ROOT/trades/SYMBOL/YYYY-MM-DD.parquet prints of a session; quotes/ alike
//! ROOT/actions/SYMBOL.parquet           splits and cash dividends
//! ROOT/cache/SYMBOL/1min/YYYY.cache     the same bars for fast loading; may be deleted
//! ```
//!
//! Invariant: what is loaded is what an import stored, or an error. A cache counts only while it
//! agrees with its Parquet file.

mod actions;
mod bars_file;
mod cache;
mod tick_cache;
mod ticks;
mod ticks_file;
mod transaction;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use model::exchange::{from_new_york, new_york_date};
use model::{Bar, Date, Symbol, Timestamp};

pub(crate) use actions::encode as encode_actions;
pub use actions::{Action, ActionKind};
pub(crate) use bars_file::encode as encode_bars;
pub use ticks::TickSeries;
pub(crate) use ticks::ticks_path;
pub(crate) use ticks_file::encode as encode_ticks;
pub(crate) use transaction::{Fault, Transaction, make_folder, write_whole};

use crate::{CatalogError, Resolution};

/// A store that is open for reading.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    use_cache: bool,
}

/// What the store holds of one symbol at one resolution.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Series {
    /// The symbol.
    pub symbol: Symbol,
    /// The resolution.
    pub resolution: Resolution,
    /// First session with a bar.
    pub from: Date,
    /// Last session with a bar.
    pub to: Date,
    /// Sessions with a bar.
    pub sessions: u64,
    /// Bars.
    pub bars: u64,
}

/// The answer of `data list`.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Listing {
    /// Bars, by symbol, then resolution.
    pub symbols: Vec<Series>,
    /// Prints and quotes, by kind, then symbol.
    pub ticks: Vec<TickSeries>,
}

/// What a cache file is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheState {
    /// There is none.
    Absent,
    /// It agrees with its Parquet file.
    Fresh,
    /// It belongs to other data or is damaged.
    Stale,
}

impl Store {
    /// Opens the store at `root` (the folder that holds `bars/`), finishing what an interrupted
    /// import left.
    pub fn open(root: &Path) -> Result<Self, CatalogError> {
        if !root.is_dir() {
            let hint = "name the folder that holds `bars/`; `data import --into` makes one";
            return Err(CatalogError::NotFound { path: root.into(), hint });
        }
        transaction::recover(root)?;
        if !root.join("bars").is_dir() {
            return Err(CatalogError::NotAStore { path: root.into() });
        }
        Ok(Self { root: root.into(), use_cache: true })
    }

    /// Makes a handle on a folder that need not hold anything yet.
    pub(crate) fn at(root: &Path, use_cache: bool) -> Self {
        Self { root: root.into(), use_cache }
    }

    /// Returns the store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the symbols with bars of any resolution, ascending.
    pub fn symbols(&self) -> Result<Vec<Symbol>, CatalogError> {
        let mut symbols = Vec::new();
        for name in names_in(&self.root.join("bars"))? {
            if let Some(symbol) = symbol_of_folder(&name) {
                symbols.push(symbol);
            }
        }
        symbols.sort();
        Ok(symbols)
    }

    /// Returns the resolutions the store holds of a symbol, shortest first.
    pub fn resolutions(&self, symbol: Symbol) -> Result<Vec<Resolution>, CatalogError> {
        let mut found = Vec::new();
        for resolution in Resolution::ALL {
            if !self.years(symbol, resolution)?.is_empty() {
                found.push(resolution);
            }
        }
        Ok(found)
    }

    /// Returns the years the store holds of a symbol at a resolution, ascending.
    pub(crate) fn years(
        &self,
        symbol: Symbol,
        resolution: Resolution,
    ) -> Result<Vec<i16>, CatalogError> {
        let folder = self.root.join("bars").join(folder_of(symbol)).join(resolution.name());
        let mut years: Vec<i16> = names_in(&folder)?
            .iter()
            .filter_map(|name| name.strip_suffix(".parquet")?.parse().ok())
            .collect();
        years.sort_unstable();
        Ok(years)
    }

    /// Returns what the store holds.
    pub fn list(&self) -> Result<Listing, CatalogError> {
        let mut symbols = Vec::new();
        for symbol in self.symbols()? {
            for resolution in self.resolutions(symbol)? {
                symbols.extend(self.series(symbol, resolution)?);
            }
        }
        Ok(Listing { symbols, ticks: self.list_ticks()? })
    }

    /// Returns what the store holds of a symbol at a resolution; `None` when that is nothing.
    pub fn series(
        &self,
        symbol: Symbol,
        resolution: Resolution,
    ) -> Result<Option<Series>, CatalogError> {
        let mut dates = BTreeSet::new();
        let mut bars = 0;
        for year in self.years(symbol, resolution)? {
            let loaded = self.load_year(symbol, resolution, year)?;
            bars += loaded.len() as u64;
            dates.extend(session_dates(resolution, &loaded));
        }
        let (Some(&from), Some(&to)) = (dates.first(), dates.last()) else { return Ok(None) };
        Ok(Some(Series { symbol, resolution, from, to, sessions: dates.len() as u64, bars }))
    }

    /// Returns the sessions of which the store holds bars, ascending.
    pub fn sessions(
        &self,
        symbol: Symbol,
        resolution: Resolution,
    ) -> Result<Vec<Date>, CatalogError> {
        let mut dates = BTreeSet::new();
        for year in self.years(symbol, resolution)? {
            let bars = self.load_year(symbol, resolution, year)?;
            dates.extend(session_dates(resolution, &bars));
        }
        Ok(dates.into_iter().collect())
    }

    /// Returns the bars of the sessions `from` to `to`, both included, ascending; empty when the
    /// symbol has none in the range, an error when the store does not hold the symbol.
    pub fn load(
        &self,
        symbol: Symbol,
        resolution: Resolution,
        from: Date,
        to: Date,
    ) -> Result<Vec<Bar>, CatalogError> {
        let years = self.years(symbol, resolution)?;
        if years.is_empty() {
            return Err(self.not_found(symbol, resolution));
        }
        let (begin, end) = bounds(resolution, from, to);
        let mut bars = Vec::new();
        let within: Vec<i16> =
            years.into_iter().filter(|year| (from.ymd().0..=to.ymd().0).contains(year)).collect();
        for (at, &year) in within.iter().enumerate() {
            let later = within.iter().skip(at + 1);
            let spare = if bars.is_empty() {
                later.map(|&year| self.about_bars_of(symbol, resolution, year)).sum()
            } else {
                0
            };
            let loaded = self.load_year_with(symbol, resolution, year, spare)?;
            let first = loaded.partition_point(|bar| bar.start < begin);
            let last = loaded.partition_point(|bar| bar.start < end);
            if bars.is_empty() && first == 0 && last == loaded.len() {
                bars = loaded;
            } else if first < last {
                bars.extend_from_slice(&loaded[first..last]);
            }
        }
        Ok(bars)
    }

    /// Returns the 1-minute bars of the sessions `from` to `to`, both included.
    pub fn load_minutes(
        &self,
        symbol: Symbol,
        from: Date,
        to: Date,
    ) -> Result<Vec<Bar>, CatalogError> {
        self.load(symbol, Resolution::Minute1, from, to)
    }

    /// Returns the daily bars of the sessions `from` to `to`, both included; a bar starts at
    /// 00:00 UTC of its session's date.
    pub fn load_daily(
        &self,
        symbol: Symbol,
        from: Date,
        to: Date,
    ) -> Result<Vec<Bar>, CatalogError> {
        self.load(symbol, Resolution::Day1, from, to)
    }

    /// Returns the splits and cash dividends of a symbol, ascending by date; empty without any.
    pub fn actions(&self, symbol: Symbol) -> Result<Vec<Action>, CatalogError> {
        let path = self.root.join(actions_path(symbol));
        match File::open(&path) {
            Ok(file) => actions::read(&path, file, symbol),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(CatalogError::io("open", path, error)),
        }
    }

    /// Loads one file, from the cache when it agrees with the Parquet file, and makes the cache
    /// again when it does not.
    pub(crate) fn load_year(
        &self,
        symbol: Symbol,
        resolution: Resolution,
        year: i16,
    ) -> Result<Vec<Bar>, CatalogError> {
        self.load_year_with(symbol, resolution, year, 0)
    }

    /// Returns about how many bars the cache of a year holds; 0 where there is none.
    fn about_bars_of(&self, symbol: Symbol, resolution: Resolution, year: i16) -> usize {
        let size = fs::metadata(self.cache_path(symbol, resolution, year));
        let bars = size.map_or(0, |size| cache::bars_in(size.len()));
        usize::try_from(bars).unwrap_or(0)
    }

    /// The same, with room for `spare` more bars where they come from the cache.
    fn load_year_with(
        &self,
        symbol: Symbol,
        resolution: Resolution,
        year: i16,
        spare: usize,
    ) -> Result<Vec<Bar>, CatalogError> {
        let path = self.root.join(bars_path(symbol, resolution, year));
        let cache_path = self.cache_path(symbol, resolution, year);
        if !self.use_cache {
            return read_parquet(&path, symbol, resolution);
        }
        let source = source_of(&path)?;
        if let Ok(bytes) = fs::read(&cache_path)
            && let Some(bars) = cache::decode(&bytes, source, spare)
        {
            return Ok(bars);
        }
        let bars = read_parquet(&path, symbol, resolution)?;
        // The file may have been replaced between the two readings: then leave the cache alone.
        // A cache that cannot be written (a read-only store) costs time and nothing else.
        if source_of(&path)? == source
            && let Some(bytes) = cache::encode(source, &bars)
            && let Some(folder) = cache_path.parent()
            && make_folder(folder).is_ok()
        {
            let _ = write_whole(&cache_path, &bytes);
        }
        Ok(bars)
    }

    /// Loads one file from Parquet, whatever the cache says; empty when there is none.
    pub(crate) fn load_stored(
        &self,
        symbol: Symbol,
        resolution: Resolution,
        year: i16,
    ) -> Result<Vec<Bar>, CatalogError> {
        let path = self.root.join(bars_path(symbol, resolution, year));
        if path.exists() { read_parquet(&path, symbol, resolution) } else { Ok(Vec::new()) }
    }

    /// Tells what the cache of a file is worth.
    pub(crate) fn cache_state(
        &self,
        symbol: Symbol,
        resolution: Resolution,
        year: i16,
    ) -> Result<CacheState, CatalogError> {
        let Ok(bytes) = fs::read(self.cache_path(symbol, resolution, year)) else {
            return Ok(CacheState::Absent);
        };
        let source = source_of(&self.root.join(bars_path(symbol, resolution, year)))?;
        let fresh = cache::decode(&bytes, source, 0).is_some();
        Ok(if fresh { CacheState::Fresh } else { CacheState::Stale })
    }

    /// Returns where the cache of a file lies.
    pub fn cache_path(&self, symbol: Symbol, resolution: Resolution, year: i16) -> PathBuf {
        let folder = self.root.join("cache").join(folder_of(symbol)).join(resolution.name());
        folder.join(format!("{year}.cache"))
    }

    fn not_found(&self, symbol: Symbol, resolution: Resolution) -> CatalogError {
        let symbols = self.symbols().unwrap_or_default();
        let mut known: Vec<String> = symbols.iter().take(12).map(Symbol::to_string).collect();
        if symbols.len() > known.len() {
            known.push(format!("and {} more", symbols.len() - known.len()));
        }
        let known = if known.is_empty() { "nothing".into() } else { known.join(", ") };
        CatalogError::SymbolNotFound { symbol, resolution, root: self.root.clone(), known }
    }
}

/// Returns the session date of a bar.
pub(crate) fn session_date(resolution: Resolution, bar: &Bar) -> Date {
    if resolution.is_intraday() { new_york_date(bar.start) } else { bar.start.utc_date() }
}

/// Returns the session dates of bars in ascending order, each once.
pub(crate) fn session_dates(resolution: Resolution, bars: &[Bar]) -> Vec<Date> {
    let mut dates = Vec::new();
    let mut rest = bars;
    while let Some(bar) = rest.first() {
        let date = session_date(resolution, bar);
        dates.push(date);
        let (_, end) = bounds(resolution, date, date);
        rest = &rest[rest.partition_point(|bar| bar.start < end)..];
    }
    dates
}

/// First and last day that instants of bars can name: 1700 to 2250, within 64-bit nanoseconds.
const DAYS: (i32, i32) = (-98_615, 102_268);

/// Returns the instants that bound the bars of a range of sessions: first included, last not.
pub(crate) fn bounds(resolution: Resolution, from: Date, to: Date) -> (Timestamp, Timestamp) {
    let within = |date: Date| Date::from_days(date.days().clamp(DAYS.0, DAYS.1));
    let (from, after) = (within(from), within(to.plus_days(1)));
    if resolution.is_intraday() {
        (from_new_york(from, 0, 0, 0), from_new_york(after, 0, 0, 0))
    } else {
        (from.utc_midnight(), after.utc_midnight())
    }
}

/// Returns the path of a bars file relative to the root.
pub(crate) fn bars_path(symbol: Symbol, resolution: Resolution, year: i16) -> PathBuf {
    let folder = Path::new("bars").join(folder_of(symbol)).join(resolution.name());
    folder.join(format!("{year}.parquet"))
}

/// Returns the path of a symbol's actions relative to the root.
pub(crate) fn actions_path(symbol: Symbol) -> PathBuf {
    Path::new("actions").join(format!("{}.parquet", folder_of(symbol)))
}

/// A ticker may hold `/` and begin with `.`, which mean something in paths.
fn folder_of(symbol: Symbol) -> String {
    let text = symbol.as_str().replace('/', "%2F");
    match text.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => text,
    }
}

fn symbol_of_folder(name: &str) -> Option<Symbol> {
    name.replace("%2F", "/").replace("%2E", ".").parse().ok()
}

fn read_parquet(
    path: &Path,
    symbol: Symbol,
    resolution: Resolution,
) -> Result<Vec<Bar>, CatalogError> {
    let file = File::open(path).map_err(|error| CatalogError::io("open", path, error))?;
    bars_file::read(path, file, symbol, resolution)
}

fn source_of(path: &Path) -> Result<cache::Source, CatalogError> {
    let bytes = fs::read(path).map_err(|error| CatalogError::io("read", path, error))?;
    Ok(cache::Source::of(&bytes))
}

/// Returns the names in a folder; none when the folder is not there.
fn names_in(folder: &Path) -> Result<Vec<String>, CatalogError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(CatalogError::io("read folder", folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| CatalogError::io("read folder", folder, error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ticker_is_one_folder_below_the_store() {
        for ticker in ["SPY", "BRK.B", "BRK/B", ".", "..", "../X", "A-B", "/ETC"] {
            let symbol: Symbol = ticker.parse().unwrap();
            let folder = folder_of(symbol);
            assert!(!folder.contains('/') && !folder.starts_with('.'), "{folder}");
            assert_eq!(symbol_of_folder(&folder), Some(symbol));
        }
    }
}
