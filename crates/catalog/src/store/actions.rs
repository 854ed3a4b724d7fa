//! Splits and cash dividends of a symbol: `actions/SYMBOL.parquet` with date, kind and value.

use std::fs::File;
use std::path::Path;

use model::{Cash, Date, SCALE, Symbol};
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};

use crate::CatalogError;
use crate::columns::{self, Column, KEY_PRICE_UNIT, KEY_SCHEMA, KEY_SYMBOL, OwnFile, PRICE_UNIT};

const SCHEMA: &str = "message actions {
    REQUIRED BYTE_ARRAY date (STRING);
    REQUIRED BYTE_ARRAY kind (STRING);
    REQUIRED INT64 value;
}";
const LAYOUT: &str = "actions.1";

/// The kind of a corporate action.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ActionKind {
    /// New shares for one old share on the ex-date.
    Split,
    /// Dollars of cash per share on the ex-date.
    Dividend,
}

impl ActionKind {
    /// Returns the name used in files and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Dividend => "dividend",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Split, Self::Dividend].into_iter().find(|kind| kind.name() == name)
    }
}

impl serde::Serialize for ActionKind {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A split or a cash dividend.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Action {
    /// The ex-date.
    pub date: Date,
    /// The kind.
    pub kind: ActionKind,
    /// Units of 1e-9: new shares per old share, or dollars per share; above zero.
    pub value: i64,
}

impl Action {
    /// Returns new shares per old share, for a split.
    pub fn split_ratio(&self) -> Option<f64> {
        (self.kind == ActionKind::Split).then(|| self.value as f64 / SCALE as f64)
    }

    /// Returns the cash per share, for a dividend.
    pub fn cash_dividend(&self) -> Option<Cash> {
        (self.kind == ActionKind::Dividend).then(|| Cash::from_raw(self.value))
    }
}

/// Encodes a symbol's actions, ascending by date and kind.
pub(crate) fn encode(
    path: &Path,
    symbol: Symbol,
    actions: &[Action],
) -> std::result::Result<Vec<u8>, CatalogError> {
    let dates: Vec<_> =
        actions.iter().map(|a| ByteArray::from(a.date.to_string().as_str())).collect();
    let kinds: Vec<_> = actions.iter().map(|a| ByteArray::from(a.kind.name())).collect();
    let values: Vec<i64> = actions.iter().map(|a| a.value).collect();
    let metadata = [
        (KEY_SCHEMA, LAYOUT.to_owned()),
        (KEY_SYMBOL, symbol.to_string()),
        (KEY_PRICE_UNIT, PRICE_UNIT.to_owned()),
    ];
    let columns = [Column::Text(&dates), Column::Text(&kinds), Column::Int64(&values)];
    columns::encode(SCHEMA, &metadata, &columns)
        .map_err(|source| CatalogError::Encode { path: path.into(), source })
}

/// Reads and checks a symbol's actions.
pub(crate) fn read(
    path: &Path,
    file: File,
    symbol: Symbol,
) -> std::result::Result<Vec<Action>, CatalogError> {
    columns::guarded(|| read_checked(file, symbol))
        .map_err(|error| CatalogError::Corrupt { path: path.into(), why: error.to_string() })
}

fn read_checked(file: File, symbol: Symbol) -> Result<Vec<Action>> {
    let wrong = |what: &str| ParquetError::General(format!("{what} is not as expected"));
    let file = OwnFile::open(file)?;
    if file.metadata(KEY_SCHEMA) != Some(LAYOUT) {
        return Err(wrong(KEY_SCHEMA));
    }
    if file.metadata(KEY_SYMBOL) != Some(symbol.as_str()) {
        return Err(wrong(KEY_SYMBOL));
    }
    let (dates, kinds, values) = (file.text("date")?, file.text("kind")?, file.int64("value")?);
    if dates.len() != kinds.len() || dates.len() != values.len() {
        return Err(wrong("the length of the columns"));
    }
    let mut actions = Vec::with_capacity(dates.len());
    for ((date, kind), value) in dates.iter().zip(&kinds).zip(values) {
        let date = date.as_utf8()?.parse().map_err(|_| wrong("a date"))?;
        let kind = ActionKind::from_name(kind.as_utf8()?).ok_or_else(|| wrong("a kind"))?;
        if value <= 0 {
            return Err(wrong("a value"));
        }
        actions.push(Action { date, kind, value });
    }
    if !actions.is_sorted_by(|a, b| (a.date, a.kind) < (b.date, b.kind)) {
        return Err(wrong("the order of rows"));
    }
    Ok(actions)
}
