//! Rows on their way from a file to the store, and the reasons to refuse one.
//!
//! A row is counted once: stored, duplicate, conflict, rejected or skipped. Readers put rows
//! into a [`FileBatch`]; [`settle`](super::settle) names their resolution and their session.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Bar, Date, Price, Symbol, Timestamp, Volume};

use super::ticks::TickBatch;
use super::time::Stamp;
use crate::{ActionKind, Resolution};

/// Rejected rows kept by name; beyond it they are only counted (contract.md section 4).
pub(crate) const LIST_MAX: usize = 1_000;

/// Why a row was refused; the name is the code in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// The row has no such field or it is empty.
    MissingField,
    /// A double quote is not closed on its line.
    UnclosedQuote,
    /// A price or the volume is no number, or out of range.
    NotANumber,
    /// The time cannot be read, or the local clock skipped or repeated it.
    BadTime,
    /// The symbol is no ticker.
    BadSymbol,
    /// The row's symbol is not the one stated by `--symbol`.
    OtherSymbol,
    /// The volume is below zero.
    NegativeVolume,
    /// The size of a print is zero or negative, or one of a quote negative.
    SizeNotPositive,
    /// The side of a print is neither buy nor sell.
    BadSide,
    /// A price is zero or negative.
    PriceNotPositive,
    /// Not low <= open, close <= high.
    OhlcOrder,
    /// The bar does not start on a whole minute.
    NotOnMinute,
    /// The bar does not start on a multiple of its resolution.
    NotOnGrid,
    /// The calendar has no data for the year (TC9).
    NoCalendar,
    /// Outside 04:00-20:00 New York, or a day without a session (TB3).
    OffCalendar,
    /// Another row of the same import has other values for the same bar.
    Conflict,
    /// A split or dividend of an unknown kind.
    UnknownKind,
}

impl Reason {
    /// Returns the code used in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingField => "missing_field",
            Self::UnclosedQuote => "unclosed_quote",
            Self::NotANumber => "not_a_number",
            Self::BadTime => "bad_time",
            Self::BadSymbol => "bad_symbol",
            Self::OtherSymbol => "other_symbol",
            Self::NegativeVolume => "negative_volume",
            Self::SizeNotPositive => "size_not_positive",
            Self::BadSide => "bad_side",
            Self::PriceNotPositive => "price_not_positive",
            Self::OhlcOrder => "ohlc_order",
            Self::NotOnMinute => "not_on_minute",
            Self::NotOnGrid => "not_on_grid",
            Self::NoCalendar => "no_calendar",
            Self::OffCalendar => "off_calendar",
            Self::Conflict => "conflict",
            Self::UnknownKind => "unknown_kind",
        }
    }
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// One refused row.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Rejection {
    /// The file.
    pub file: Arc<str>,
    /// The line counted from 1, or the row counted from 1 in Parquet.
    pub line: u64,
    /// Why.
    pub reason: Reason,
    /// The value, or for a conflict the other places.
    pub value: String,
}

/// Refused rows: all counted, the first ones named.
#[derive(Clone, Default, Debug)]
pub(crate) struct Rejections {
    pub(crate) list: Vec<Rejection>,
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

impl Rejections {
    /// Counts a row and names it while the list has room.
    pub(crate) fn add(
        &mut self,
        file: &Arc<str>,
        line: u64,
        reason: Reason,
        value: impl FnOnce() -> String,
    ) {
        *self.counts.entry(reason.code()).or_default() += 1;
        self.list_only(file, line, reason, value);
    }

    /// Names a row that is counted elsewhere.
    pub(crate) fn list_only(
        &mut self,
        file: &Arc<str>,
        line: u64,
        reason: Reason,
        value: impl FnOnce() -> String,
    ) {
        if self.list.len() < LIST_MAX {
            let value = value().chars().take(200).collect();
            self.list.push(Rejection { file: Arc::clone(file), line, reason, value });
        }
    }

    /// Takes over the refused rows of one file.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (code, count) in other.counts {
            *self.counts.entry(code).or_default() += count;
        }
        let room = LIST_MAX - self.list.len();
        self.list.extend(other.list.into_iter().take(room));
    }

    /// Returns how many rows were refused.
    #[cfg(test)]
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// A row with good numbers whose resolution and session are not known yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawRow {
    pub(crate) stamp: Stamp,
    /// Index into [`FileBatch::symbols`].
    pub(crate) symbol: u32,
    pub(crate) line: u32,
    /// Open, high, low, close in units of 1e-9.
    pub(crate) prices: [i64; 4],
    pub(crate) volume: u64,
}

impl RawRow {
    /// Makes the bar once its start is known.
    pub(crate) fn bar(&self, start: Timestamp) -> Bar {
        let [open, high, low, close] = self.prices.map(Price::from_raw);
        Bar { start, open, high, low, close, volume: Volume(self.volume) }
    }
}

/// A split or dividend as read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActionRow {
    pub(crate) symbol: Symbol,
    pub(crate) date: Date,
    pub(crate) kind: ActionKind,
    /// Units of 1e-9.
    pub(crate) value: i64,
    pub(crate) line: u64,
}

/// All that was read from one file; nothing of it counts until the whole file was readable.
#[derive(Debug)]
pub(crate) struct FileBatch {
    pub(crate) file: Arc<str>,
    pub(crate) rows: u64,
    pub(crate) skipped: u64,
    pub(crate) good: Vec<RawRow>,
    /// Good prints and quotes.
    pub(crate) ticks: TickBatch,
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) rejected: Rejections,
    pub(crate) prices_rounded: u64,
    pub(crate) volumes_rounded: u64,
    pub(crate) ignored_columns: Vec<String>,
    /// Set where the format itself says it.
    pub(crate) resolution: Option<Resolution>,
    pub(crate) action_rows: u64,
    pub(crate) actions: Vec<ActionRow>,
    pub(crate) actions_rejected: Rejections,
    skip_empty: bool,
}

impl FileBatch {
    pub(crate) fn new(file: Arc<str>, skip_empty: bool) -> Self {
        Self {
            file,
            rows: 0,
            skipped: 0,
            good: Vec::new(),
            ticks: TickBatch::default(),
            symbols: Vec::new(),
            rejected: Rejections::default(),
            prices_rounded: 0,
            volumes_rounded: 0,
            ignored_columns: Vec::new(),
            resolution: None,
            action_rows: 0,
            actions: Vec::new(),
            actions_rejected: Rejections::default(),
            skip_empty,
        }
    }

    /// Makes room for about so many rows at once: growing a list of a million rows step by step
    /// costs more than reading them. Memory that is not used is not touched.
    pub(crate) fn expect_rows(&mut self, rows: u64) {
        // Where there is no such room the list grows as it must.
        let _ = self.good.try_reserve(usize::try_from(rows).unwrap_or(0));
    }

    /// Returns true when rows without volume are left out (`--skip-empty`).
    pub(crate) const fn skips_empty(&self) -> bool {
        self.skip_empty
    }

    /// Refuses the current row.
    pub(crate) fn reject(&mut self, line: u64, reason: Reason, value: impl FnOnce() -> String) {
        self.rejected.add(&self.file, line, reason, value);
    }

    /// Refuses a split or dividend.
    pub(crate) fn reject_action(
        &mut self,
        line: u64,
        reason: Reason,
        value: impl FnOnce() -> String,
    ) {
        self.actions_rejected.add(&self.file, line, reason, value);
    }

    /// Returns the index of a symbol, adding it when it is new.
    pub(crate) fn symbol_index(&mut self, symbol: Symbol) -> u32 {
        let known = self.symbols.iter().position(|&other| other == symbol);
        let index = known.unwrap_or_else(|| {
            self.symbols.push(symbol);
            self.symbols.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Takes a row whose fields could all be read, and checks its values (F25).
    pub(crate) fn take(&mut self, stamp: Stamp, symbol: u32, line: u64, values: Values) {
        let Values { prices, volume } = values;
        if volume < 0 {
            return self.reject(line, Reason::NegativeVolume, || volume.to_string());
        }
        if volume == 0 && self.skip_empty {
            self.skipped += 1;
            return;
        }
        let [open, high, low, close] = prices.map(Price::from_raw);
        if let Some(price) = [open, high, low, close].into_iter().find(|price| price.raw() <= 0) {
            return self.reject(line, Reason::PriceNotPositive, || price.to_string());
        }
        if low > open.min(close) || high < open.max(close) {
            let value = || format!("open {open} high {high} low {low} close {close}");
            return self.reject(line, Reason::OhlcOrder, value);
        }
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        self.good.push(RawRow { stamp, symbol, line, prices, volume: volume.unsigned_abs() });
    }
}

/// The numbers of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    /// Open, high, low, close in units of 1e-9.
    pub(crate) prices: [i64; 4],
    /// Whole shares.
    pub(crate) volume: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(skip_empty: bool) -> FileBatch {
        FileBatch::new("x.csv".into(), skip_empty)
    }

    /// F25: each fault has its own code; every row is counted once.
    #[test]
    fn refuses_bad_values_by_name() {
        let mut batch = batch(true);
        let stamp = Stamp::Instant(0);
        for (line, prices, volume) in [
            (1, [2, 3, 1, 2], 5),
            (2, [2, 3, 1, 2], 0),
            (3, [2, 3, 1, 2], -1),
            (4, [2, 3, 0, 2], 5),
            (5, [2, 3, 1, 4], 5),
            (6, [2, 3, 2, 1], 5),
        ] {
            batch.rows += 1;
            batch.take(stamp, 0, line, Values { prices, volume });
        }
        assert_eq!((batch.good.len(), batch.skipped), (1, 1));
        let reasons: Vec<_> = batch.rejected.list.iter().map(|r| (r.line, r.reason)).collect();
        let expected = [
            (3, Reason::NegativeVolume),
            (4, Reason::PriceNotPositive),
            (5, Reason::OhlcOrder),
            (6, Reason::OhlcOrder),
        ];
        assert_eq!(reasons, expected);
        assert_eq!(batch.rows, 1 + batch.skipped + batch.rejected.total());
    }

    /// contract.md section 4: the list is cut at 1,000, the counts never.
    #[test]
    fn counts_beyond_the_list() {
        let mut batch = batch(false);
        for line in 0..1_500 {
            batch.reject(line, Reason::BadTime, String::new);
        }
        let mut all = Rejections::default();
        all.absorb(batch.rejected.clone());
        all.absorb(batch.rejected);
        assert_eq!((all.list.len(), all.total()), (1_000, 3_000));
    }
}
