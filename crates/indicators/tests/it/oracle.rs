//! Reads oracle files and compares with their tolerances (oracles/README.md).

use std::path::PathBuf;

use model::{Bar, Price, Timestamp, Volume};

/// A CSV file: its header and its rows.
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    columns: &'a [String],
    fields: &'a [String],
}

/// The folder of the oracles: `ORACLES_DIR`, or the copy in the repository.
#[expect(clippy::disallowed_methods, reason = "tests read files")]
pub(crate) fn folder() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/oracles");
    std::env::var("ORACLES_DIR").unwrap_or_else(|_| default.to_owned()).into()
}

/// The names of the oracle files that begin with `prefix` and end in `.csv`, sorted.
pub(crate) fn files(prefix: &str) -> Vec<String> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        names.filter(|name| name.starts_with(prefix) && name.ends_with(".csv")).collect();
    names.sort();
    assert!(!names.is_empty(), "no {prefix}*.csv in {folder:?}");
    names
}

pub(crate) fn table(name: &str) -> Table {
    let path = folder().join(name);
    let mut reader = csv::Reader::from_path(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let owned = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let columns = owned(reader.headers().unwrap());
    let rows: Vec<_> = reader.records().map(|record| owned(&record.unwrap())).collect();
    assert!(!rows.is_empty(), "{name} has no rows");
    Table { columns, rows }
}

impl Table {
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|fields| Row { columns: &self.columns, fields })
    }
}

impl<'a> Row<'a> {
    pub(crate) fn text(self, column: &str) -> &'a str {
        let at = self.columns.iter().position(|name| name == column);
        &self.fields[at.unwrap_or_else(|| panic!("no column {column}"))]
    }

    /// The column as a number; empty is none.
    pub(crate) fn number(self, column: &str) -> Option<f64> {
        let text = self.text(column);
        (!text.is_empty()).then(|| text.parse().unwrap_or_else(|e| panic!("{column} {text}: {e}")))
    }

    /// The row's bar, starting at `start`.
    pub(crate) fn bar(self, start: Timestamp) -> Bar {
        let price = |column| self.text(column).parse::<Price>().unwrap();
        let volume = Volume(self.text("volume").parse().unwrap());
        Bar {
            start,
            open: price("open"),
            high: price("high"),
            low: price("low"),
            close: price("close"),
            volume,
        }
    }
}

/// Relative tolerance of a column: 1e-6 for ADX, DI, STOCH, CCI and MFI, else 1e-9.
pub(crate) fn tolerance(column: &str) -> f64 {
    let loose = ["adx", "plus_di", "minus_di", "stoch", "cci", "mfi"];
    if loose.iter().any(|name| column.starts_with(name)) { 1e-6 } else { 1e-9 }
}

/// Compares within the tolerance; none only equals none.
pub(crate) fn agree(ours: Option<f64>, expected: Option<f64>, relative: f64) -> bool {
    match (ours, expected) {
        (None, None) => true,
        (Some(a), Some(b)) => (a - b).abs() <= f64::max(1e-12, relative * b.abs()),
        _ => false,
    }
}
