//! Prints and quotes on their way into the store (contract.md section 4).
//!
//! Ticks have no key: two equal prints at one instant are two prints. What one file says twice
//! counts twice; what several files, or a file and the store, both say counts once. An import
//! repeated therefore changes nothing, and there are no conflicts.
//!
//! Invariant: the ticks of an instant keep the order of the store and of the files.

use std::collections::BTreeMap;

use model::{Conditions, Date, Price, Quantity, Quote, Symbol, Timestamp, Trade};

use super::rows::{FileBatch, Reason};
use super::settle::SessionCursor;
use super::time::Stamp;
use crate::error::FileError;
use crate::store::{Store, Transaction, encode_ticks, ticks_path};
use crate::tick::Tick;
use crate::{CatalogError, ImportOptions, ImportReport, StampSide};

/// One file of the store: symbol and session.
pub(crate) type SymbolSession = (Symbol, Date);

/// Ticks by the store's file they belong to.
#[derive(Debug, Default)]
pub(crate) struct TickGroups {
    trades: BTreeMap<SymbolSession, Vec<Vec<Trade>>>,
    quotes: BTreeMap<SymbolSession, Vec<Vec<Quote>>>,
}

/// The ticks of one file being read.
#[derive(Debug, Default)]
pub(crate) struct TickBatch {
    trades: BTreeMap<SymbolSession, Vec<Trade>>,
    quotes: BTreeMap<SymbolSession, Vec<Quote>>,
}

impl TickBatch {
    /// Takes a good print in.
    pub(crate) fn add_trade(&mut self, key: SymbolSession, trade: Trade) {
        self.trades.entry(key).or_default().push(trade);
    }

    /// Takes a good quote in.
    pub(crate) fn add_quote(&mut self, key: SymbolSession, quote: Quote) {
        self.quotes.entry(key).or_default().push(quote);
    }
}

impl TickGroups {
    /// Takes the ticks of a file over.
    pub(crate) fn absorb(&mut self, batch: TickBatch) {
        for (key, ticks) in batch.trades {
            self.trades.entry(key).or_default().push(ticks);
        }
        for (key, ticks) in batch.quotes {
            self.quotes.entry(key).or_default().push(ticks);
        }
    }

    /// Merges everything with the store and stages the new files.
    pub(crate) fn write(
        self,
        store: &Store,
        transaction: &mut Transaction,
        report: &mut ImportReport,
    ) -> Result<(), CatalogError> {
        write_all(self.trades, store, transaction, report)?;
        write_all(self.quotes, store, transaction, report)
    }
}

fn write_all<T: Tick>(
    groups: BTreeMap<SymbolSession, Vec<Vec<T>>>,
    store: &Store,
    transaction: &mut Transaction,
    report: &mut ImportReport,
) -> Result<(), CatalogError> {
    for ((symbol, date), files) in groups {
        let rows: usize = files.iter().map(Vec::len).sum();
        let existing: Vec<T> = store.load_stored_ticks(symbol, date)?;
        let before = existing.len();
        let merged = files.into_iter().fold(existing, merge);
        let stored = (merged.len() - before) as u64;
        if stored > 0 {
            let target = ticks_path(symbol, T::KIND, date);
            let bytes = encode_ticks(&target, symbol, date, &merged)?;
            transaction.stage(target, &bytes)?;
        }
        report.stored += stored;
        report.duplicates += rows as u64 - stored;
        if report.ticks_touched.last() != Some(&(symbol, T::KIND)) {
            report.ticks_touched.push((symbol, T::KIND));
        }
    }
    Ok(())
}

/// Merges the ticks of one file into those that are there.
fn merge<T: Tick>(there: Vec<T>, mut new: Vec<T>) -> Vec<T> {
    if !new.is_sorted_by_key(Tick::time) {
        // Stable: ticks of one instant stay in the order of their lines.
        new.sort_by_key(Tick::time);
    }
    if there.is_empty() {
        return new;
    }
    if there == new {
        return there;
    }
    let mut merged = Vec::with_capacity(there.len() + new.len());
    let mut rest = there.as_slice();
    for same in new.chunk_by(|a, b| a.time() == b.time()) {
        let Some(time) = same.first().map(Tick::time) else { continue };
        let (before, after) = rest.split_at(rest.partition_point(|tick| tick.time() < time));
        let (at, after) = after.split_at(after.partition_point(|tick| tick.time() == time));
        merged.extend_from_slice(before);
        merged.extend_from_slice(at);
        if at != same {
            // Each tick that is there answers for one of the file's.
            let mut left = at.to_vec();
            for tick in same {
                match left.iter().position(|known| known == tick) {
                    Some(place) => drop(left.swap_remove(place)),
                    None => merged.push(*tick),
                }
            }
        }
        rest = after;
    }
    merged.extend_from_slice(rest);
    merged
}

/// Refuses flags that say something of bars only where rows are ticks.
pub(crate) fn check_flags(
    ticks: Option<&'static str>,
    options: &ImportOptions,
) -> Result<(), FileError> {
    let Some(found) = ticks else { return Ok(()) };
    if options.resolution.is_some() {
        return Err(FileError::TickFlag { found, flag: "--resolution" });
    }
    if options.timestamp == StampSide::Close {
        return Err(FileError::TickFlag { found, flag: "--timestamp close" });
    }
    Ok(())
}

/// Numbers of a print as read: price and size in units of 1e-9.
pub(crate) struct TradeValues {
    pub(crate) price: i64,
    pub(crate) size: i64,
    pub(crate) conditions: Conditions,
}

impl FileBatch {
    /// Takes a print with readable numbers in, or refuses it.
    pub(crate) fn take_trade(
        &mut self,
        stamp: Stamp,
        symbol: Symbol,
        line: u64,
        values: &TradeValues,
        sessions: &mut SessionCursor<'_>,
    ) {
        if values.size == 0 && self.skips_empty() {
            self.skipped += 1;
            return;
        }
        if values.size <= 0 {
            return self.reject(line, Reason::SizeNotPositive, || values.size.to_string());
        }
        if values.price <= 0 {
            return self.reject(line, Reason::PriceNotPositive, || values.price.to_string());
        }
        let Some((time, date)) = self.session_of(stamp, line, sessions) else { return };
        let trade = Trade {
            time,
            price: Price::from_raw(values.price),
            size: Quantity::from_raw(values.size),
            sequence: 0,
            conditions: values.conditions,
        };
        self.ticks.add_trade((symbol, date), trade);
    }

    /// Takes a quote with readable numbers in (bid, ask, bid size, ask size), or refuses it. A
    /// side that is not there has price and size 0; crossed and locked quotes are facts, too.
    pub(crate) fn take_quote(
        &mut self,
        stamp: Stamp,
        symbol: Symbol,
        line: u64,
        values: [i64; 4],
        sessions: &mut SessionCursor<'_>,
    ) {
        let [bid, ask, bid_size, ask_size] = values;
        if bid < 0 || ask < 0 {
            return self.reject(line, Reason::PriceNotPositive, || bid.min(ask).to_string());
        }
        if bid_size < 0 || ask_size < 0 {
            let size = bid_size.min(ask_size);
            return self.reject(line, Reason::SizeNotPositive, || size.to_string());
        }
        let Some((time, date)) = self.session_of(stamp, line, sessions) else { return };
        self.ticks.add_quote((symbol, date), Quote::from_integers(time, values));
    }

    fn session_of(
        &mut self,
        stamp: Stamp,
        line: u64,
        sessions: &mut SessionCursor<'_>,
    ) -> Option<(Timestamp, Date)> {
        let Stamp::Instant(nanos) = stamp else {
            self.reject(line, Reason::BadTime, || "a time of day is needed".into());
            return None;
        };
        let time = Timestamp::from_nanos(nanos);
        match sessions.at(time) {
            Ok(date) => Some((time, date)),
            Err(reason) => {
                self.reject(line, reason, || time.to_string());
                None
            }
        }
    }
}

/// Reads who was the aggressor; `None` for text that says nothing known.
pub(crate) fn side(text: &[u8]) -> Option<Conditions> {
    match text.to_ascii_lowercase().as_slice() {
        b"" => Some(Conditions::REGULAR),
        b"0" | b"b" | b"buy" | b"buyer" => Some(Conditions::BUYER),
        b"1" | b"s" | b"sell" | b"seller" => Some(Conditions::SELLER),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trades(rows: &[(i64, i64)]) -> Vec<Trade> {
        let trade = |&(time, price): &(i64, i64)| Trade {
            time: Timestamp::from_nanos(time),
            price: Price::from_raw(price),
            size: Quantity::from_raw(1),
            ..Trade::default()
        };
        rows.iter().map(trade).collect()
    }

    /// What one file says twice counts twice, what two files say counts once; order is kept.
    #[test]
    fn merging_counts_each_tick_once() {
        let first = trades(&[(1, 10), (2, 20), (2, 20), (2, 21), (5, 50)]);
        assert_eq!(merge(Vec::new(), first.clone()), first);
        assert_eq!(merge(first.clone(), first.clone()), first, "again: nothing new");
        let second = trades(&[(9, 90), (2, 21), (2, 20), (2, 20), (2, 20), (3, 30)]);
        let merged = merge(first.clone(), second.clone());
        let expected =
            trades(&[(1, 10), (2, 20), (2, 20), (2, 21), (2, 20), (3, 30), (5, 50), (9, 90)]);
        assert_eq!(merged, expected);
        assert_eq!(merge(merged.clone(), second), merged);
    }

    #[test]
    fn sides() {
        assert_eq!(side(b"Buy"), Some(Conditions::BUYER));
        assert_eq!(side(b"1"), Some(Conditions::SELLER));
        assert_eq!(side(b""), Some(Conditions::REGULAR));
        assert_eq!(side(b"2"), None);
    }
}
