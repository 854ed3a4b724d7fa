//! Prints and quotes in the store: one file for each symbol and session.
//!
//! ```text
//! ROOT/trades/SYMBOL/YYYY-MM-DD.parquet         prints of a session, ascending
//! ROOT/quotes/SYMBOL/YYYY-MM-DD.parquet         quotes alike
//! ROOT/cache/SYMBOL/trades/YYYY-MM-DD.cache     the same for fast loading; may be deleted
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use model::{Date, Quote, Symbol, Trade};

use super::{
    CacheState, Store, folder_of, make_folder, names_in, source_of, symbol_of_folder, tick_cache,
    ticks_file, write_whole,
};
use crate::CatalogError;
use crate::tick::{Tick, TickKind};

/// What the store holds of a symbol's prints or quotes.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct TickSeries {
    /// The symbol.
    pub symbol: Symbol,
    /// Prints or quotes.
    pub kind: TickKind,
    /// First session.
    pub from: Date,
    /// Last session.
    pub to: Date,
    /// Sessions.
    pub sessions: u64,
    /// Prints or quotes.
    pub ticks: u64,
}

impl Store {
    /// Returns the symbols of which the store holds ticks of a kind, ascending.
    pub fn tick_symbols(&self, kind: TickKind) -> Result<Vec<Symbol>, CatalogError> {
        let names = names_in(&self.root().join(kind.name()))?;
        let mut symbols: Vec<Symbol> =
            names.iter().filter_map(|name| symbol_of_folder(name)).collect();
        symbols.sort();
        Ok(symbols)
    }

    /// Returns the symbols of which the store holds anything, ascending.
    pub fn all_symbols(&self) -> Result<Vec<Symbol>, CatalogError> {
        let mut symbols = self.symbols()?;
        for kind in TickKind::ALL {
            symbols.extend(self.tick_symbols(kind)?);
        }
        symbols.sort();
        symbols.dedup();
        Ok(symbols)
    }

    /// Returns true when the store holds prints or quotes of a symbol.
    pub(crate) fn has_ticks(&self, symbol: Symbol) -> Result<bool, CatalogError> {
        let any = |kind| Ok(!self.tick_sessions(symbol, kind)?.is_empty());
        Ok(any(TickKind::Trades)? || any(TickKind::Quotes)?)
    }

    /// Returns the sessions of which the store holds ticks of a symbol, ascending.
    pub fn tick_sessions(&self, symbol: Symbol, kind: TickKind) -> Result<Vec<Date>, CatalogError> {
        let folder = self.root().join(kind.name()).join(folder_of(symbol));
        let mut dates: Vec<Date> = names_in(&folder)?
            .iter()
            .filter_map(|name| name.strip_suffix(".parquet")?.parse().ok())
            .collect();
        dates.sort_unstable();
        Ok(dates)
    }

    /// Returns the prints of the sessions `from` to `to`, both included, ascending; empty when
    /// there are none.
    pub fn load_trades(
        &self,
        symbol: Symbol,
        from: Date,
        to: Date,
    ) -> Result<Vec<Trade>, CatalogError> {
        self.load_ticks(symbol, from, to)
    }

    /// Returns the quotes of the sessions `from` to `to`, both included, ascending.
    pub fn load_quotes(
        &self,
        symbol: Symbol,
        from: Date,
        to: Date,
    ) -> Result<Vec<Quote>, CatalogError> {
        self.load_ticks(symbol, from, to)
    }

    fn load_ticks<T: Tick>(
        &self,
        symbol: Symbol,
        from: Date,
        to: Date,
    ) -> Result<Vec<T>, CatalogError> {
        let mut ticks = Vec::new();
        for date in self.tick_sessions(symbol, T::KIND)? {
            if from <= date && date <= to {
                let loaded = self.load_tick_session(symbol, date)?;
                if ticks.is_empty() {
                    ticks = loaded;
                } else {
                    ticks.extend_from_slice(&loaded);
                }
            }
        }
        Ok(ticks)
    }

    /// Returns what the store holds of a symbol's ticks; `None` when that is nothing.
    pub fn tick_series(
        &self,
        symbol: Symbol,
        kind: TickKind,
    ) -> Result<Option<TickSeries>, CatalogError> {
        let dates = self.tick_sessions(symbol, kind)?;
        let (Some(&from), Some(&to)) = (dates.first(), dates.last()) else { return Ok(None) };
        let mut ticks = 0;
        for &date in &dates {
            let path = self.root().join(ticks_path(symbol, kind, date));
            ticks += ticks_file::count(&path)?;
        }
        Ok(Some(TickSeries { symbol, kind, from, to, sessions: dates.len() as u64, ticks }))
    }

    /// Returns all series of ticks, by kind and symbol.
    pub(super) fn list_ticks(&self) -> Result<Vec<TickSeries>, CatalogError> {
        let mut series = Vec::new();
        for kind in TickKind::ALL {
            for symbol in self.tick_symbols(kind)? {
                series.extend(self.tick_series(symbol, kind)?);
            }
        }
        Ok(series)
    }

    /// Loads one session, from the cache when it agrees with the Parquet file, and makes the
    /// cache again when it does not.
    pub(crate) fn load_tick_session<T: Tick>(
        &self,
        symbol: Symbol,
        date: Date,
    ) -> Result<Vec<T>, CatalogError> {
        let path = self.root().join(ticks_path(symbol, T::KIND, date));
        if !self.use_cache {
            return read_parquet(&path, symbol, date);
        }
        let source = source_of(&path)?;
        let cache_path = self.tick_cache_path(symbol, T::KIND, date);
        if let Ok(bytes) = fs::read(&cache_path)
            && let Some(ticks) = tick_cache::decode(&bytes, source)
        {
            return Ok(ticks);
        }
        let ticks = read_parquet(&path, symbol, date)?;
        // As for bars: leave the cache alone when the file was replaced meanwhile.
        if source_of(&path)? == source
            && let Some(folder) = cache_path.parent()
            && make_folder(folder).is_ok()
        {
            let _ = write_whole(&cache_path, &tick_cache::encode(source, &ticks));
        }
        Ok(ticks)
    }

    /// Loads one session from Parquet, whatever the cache says; empty when there is none.
    pub(crate) fn load_stored_ticks<T: Tick>(
        &self,
        symbol: Symbol,
        date: Date,
    ) -> Result<Vec<T>, CatalogError> {
        let path = self.root().join(ticks_path(symbol, T::KIND, date));
        if path.exists() { read_parquet(&path, symbol, date) } else { Ok(Vec::new()) }
    }

    /// Tells what the cache of a session is worth.
    pub(crate) fn tick_cache_state<T: Tick>(
        &self,
        symbol: Symbol,
        date: Date,
    ) -> Result<CacheState, CatalogError> {
        let Ok(bytes) = fs::read(self.tick_cache_path(symbol, T::KIND, date)) else {
            return Ok(CacheState::Absent);
        };
        let source = source_of(&self.root().join(ticks_path(symbol, T::KIND, date)))?;
        let fresh = tick_cache::decode::<T>(&bytes, source).is_some();
        Ok(if fresh { CacheState::Fresh } else { CacheState::Stale })
    }

    /// Returns where the cache of a session lies.
    pub fn tick_cache_path(&self, symbol: Symbol, kind: TickKind, date: Date) -> PathBuf {
        let folder = self.root().join("cache").join(folder_of(symbol)).join(kind.name());
        folder.join(format!("{date}.cache"))
    }
}

/// Returns the path of a session's ticks relative to the root.
pub(crate) fn ticks_path(symbol: Symbol, kind: TickKind, date: Date) -> PathBuf {
    Path::new(kind.name()).join(folder_of(symbol)).join(format!("{date}.parquet"))
}

fn read_parquet<T: Tick>(path: &Path, symbol: Symbol, date: Date) -> Result<Vec<T>, CatalogError> {
    let file = File::open(path).map_err(|error| CatalogError::io("open", path, error))?;
    ticks_file::read(path, file, symbol, date)
}
