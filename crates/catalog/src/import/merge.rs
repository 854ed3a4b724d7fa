//! Merges the rows of one import with each other and with what the store holds.
//!
//! Equal bars are duplicates. Different values for one bar are a conflict: within an import all
//! of its rows are refused with their places; against the store the option decides. The result
//! does not depend on the order of files or rows.

use std::sync::Arc;

use model::Bar;

use super::rows::{LIST_MAX, Reason, Rejections};
use super::settle::{Row, SeriesYear, place};
use crate::OnConflict;

/// A bar that differs from the one in the store.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct StoreConflict {
    /// The file.
    pub file: Arc<str>,
    /// The line, or the row in Parquet.
    pub line: u64,
    /// The bar in the store, in words.
    pub stored: String,
    /// The bar in the file, in words.
    pub imported: String,
    /// True when the import's bar took the stored one's place (`--on-conflict replace`).
    pub replaced: bool,
}

/// What became of the rows of one group.
#[derive(Default)]
pub(crate) struct Merged {
    /// All bars of the store's file afterwards, ascending by start.
    pub(crate) bars: Vec<Bar>,
    pub(crate) stored: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
    pub(crate) conflicts_within: u64,
    pub(crate) replaced: u64,
    pub(crate) store_conflicts: Vec<StoreConflict>,
}

impl Merged {
    /// Returns true when the store's file has to be written.
    pub(crate) const fn changed(&self) -> bool {
        self.stored + self.replaced > 0
    }
}

/// Merges `rows` into `existing`, both of one symbol, resolution and year.
pub(crate) fn merge(
    key: SeriesYear,
    existing: &[Bar],
    mut rows: Vec<Row>,
    on_conflict: OnConflict,
    files: &[Arc<str>],
    rejected: &mut Rejections,
) -> Merged {
    // Stable: rows of one bar stay in the order of their files and lines.
    if !rows.is_sorted_by_key(|row| row.bar.start) {
        rows.sort_by_key(|row| row.bar.start);
    }
    let mut merged =
        Merged { bars: Vec::with_capacity(existing.len() + rows.len()), ..Merged::default() };
    let mut stored = existing.iter().copied().peekable();
    for same in rows.chunk_by(|a, b| a.bar.start == b.bar.start) {
        let first = &same[0];
        while let Some(bar) = stored.next_if(|bar| bar.start < first.bar.start) {
            merged.bars.push(bar);
        }
        if same.iter().any(|row| row.bar != first.bar) {
            refuse(key, same, files, rejected);
            merged.conflicts += same.len() as u64;
            merged.conflicts_within += same.len() as u64;
            continue;
        }
        merged.duplicates += same.len() as u64 - 1;
        match stored.next_if(|bar| bar.start == first.bar.start) {
            None => {
                merged.stored += 1;
                merged.bars.push(first.bar);
            }
            Some(bar) if bar == first.bar => {
                merged.duplicates += 1;
                merged.bars.push(bar);
            }
            Some(bar) => {
                let replaced = on_conflict == OnConflict::Replace;
                merged.conflicts += 1;
                merged.replaced += u64::from(replaced);
                merged.bars.push(if replaced { first.bar } else { bar });
                if merged.store_conflicts.len() < LIST_MAX {
                    let imported = words(&first.bar);
                    merged.store_conflicts.push(StoreConflict {
                        file: Arc::clone(&files[first.file as usize]),
                        line: u64::from(first.line),
                        stored: words(&bar),
                        imported,
                        replaced,
                    });
                }
            }
        }
    }
    merged.bars.extend(stored);
    merged
}

fn words(bar: &Bar) -> String {
    let Bar { start, open, high, low, close, volume } = bar;
    format!("{start} open {open} high {high} low {low} close {close} volume {}", volume.0)
}

/// Names every row of a conflict with the places of the others. The rows are counted as
/// conflicts, not by reason.
fn refuse(key: SeriesYear, rows: &[Row], files: &[Arc<str>], rejected: &mut Rejections) {
    let (symbol, ..) = key;
    for (at, row) in rows.iter().enumerate() {
        let others = || {
            let others = rows.iter().enumerate().filter(|&(other, _)| other != at).take(3);
            let places: Vec<_> = others.map(|(_, row)| place(files, row)).collect();
            format!("{symbol} {} differs from {}", words(&row.bar), places.join(", "))
        };
        let file = &files[row.file as usize];
        rejected.list_only(file, u64::from(row.line), Reason::Conflict, others);
    }
}

#[cfg(test)]
mod tests {
    use model::{Price, Timestamp, Volume};

    use super::*;
    use crate::Resolution;

    fn bar(minute: i64, close: i64) -> Bar {
        let price = Price::from_raw(close);
        let start = Timestamp::from_nanos(minute * 60_000_000_000);
        Bar { start, open: price, high: price, low: price, close: price, volume: Volume(1) }
    }

    fn run(existing: &[Bar], rows: &[(u32, i64, i64)], option: OnConflict) -> (Merged, Rejections) {
        let key = ("SPY".parse().unwrap(), Resolution::Minute1, 2020);
        let files = ["a.csv".into(), "b.csv".into()];
        let rows = rows.iter().enumerate().map(|(at, &(file, minute, close))| Row {
            bar: bar(minute, close),
            file,
            line: at as u32 + 1,
        });
        let mut rejected = Rejections::default();
        let merged = merge(key, existing, rows.collect(), option, &files, &mut rejected);
        (merged, rejected)
    }

    /// contract.md section 4: duplicates, conflicts within the import, conflicts with the store.
    #[test]
    fn every_row_is_counted_once() {
        let existing = [bar(1, 10), bar(3, 30), bar(9, 90)];
        let rows =
            [(0, 1, 10), (0, 2, 20), (1, 2, 20), (0, 3, 31), (0, 4, 40), (1, 4, 41), (1, 5, 50)];
        for (option, third) in [(OnConflict::Keep, 30), (OnConflict::Replace, 31)] {
            let (merged, rejected) = run(&existing, &rows, option);
            let counts = (merged.stored, merged.duplicates, merged.conflicts);
            assert_eq!(counts, (2, 2, 3));
            assert_eq!(merged.stored + merged.duplicates + merged.conflicts, rows.len() as u64);
            assert_eq!(merged.replaced, u64::from(option == OnConflict::Replace));
            let expected = [bar(1, 10), bar(2, 20), bar(3, third), bar(5, 50), bar(9, 90)];
            assert_eq!(merged.bars, expected);
            assert_eq!(rejected.total(), 0);
            let places: Vec<_> = rejected.list.iter().map(|r| (&*r.file, r.line)).collect();
            assert_eq!(places, [("a.csv", 5), ("b.csv", 6)]);
            assert!(rejected.list[0].value.contains("b.csv:6"), "{}", rejected.list[0].value);
            assert!(rejected.list[1].value.contains("a.csv:5"));
            assert_eq!(merged.store_conflicts.len(), 1);
        }
    }

    /// The order of files and rows does not matter, also with three rows for one bar.
    #[test]
    fn order_does_not_matter() {
        let rows = [(0, 2, 20), (1, 1, 10), (0, 2, 20), (1, 2, 21), (0, 1, 10)];
        let (forward, _) = run(&[], &rows, OnConflict::Keep);
        let mut turned = rows;
        turned.reverse();
        let (backward, _) = run(&[], &turned, OnConflict::Keep);
        assert_eq!(forward.bars, [bar(1, 10)]);
        assert_eq!(forward.bars, backward.bars);
        assert_eq!((forward.conflicts, backward.conflicts), (3, 3));
        assert_eq!((forward.duplicates, backward.duplicates), (1, 1));
    }
}
