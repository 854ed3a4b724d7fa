//! Export: bars of the store as one CSV or Parquet file for other programs.
//!
//! Invariant: importing the file again gives the same bars.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use model::{Bar, Date, Symbol};
use parquet::data_type::ByteArray;

use crate::columns::{
    self, Column, KEY_PRICE_TYPE, KEY_PRICE_UNIT, KEY_RESOLUTION, KEY_SCHEMA, KEY_TIME, PRICE_TYPE,
    PRICE_UNIT, TIME,
};
use crate::import::{OnProgress, Progress, Stage};
use crate::store::write_whole;
use crate::{CatalogError, Resolution, Store};

const SCHEMA: &str = "message bars {
    REQUIRED INT64 ts (TIMESTAMP(NANOS,true));
    REQUIRED BYTE_ARRAY symbol (STRING);
    REQUIRED INT64 open; REQUIRED INT64 high; REQUIRED INT64 low; REQUIRED INT64 close;
    REQUIRED INT64 volume;
}";
const LAYOUT: &str = "export.1";

/// The format of the file written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportFormat {
    /// `ts,symbol,open,high,low,close,volume`; times in ISO 8601 UTC, prices in dollars.
    Csv,
    /// The same columns; prices INT64 in units of 1e-9 as in the store.
    Parquet,
}

impl ExportFormat {
    /// Tells the format from a file's ending.
    pub fn told_by(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// What to export.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The symbols; all of the store at this resolution when empty.
    pub symbols: Vec<Symbol>,
    /// The resolution.
    pub resolution: Resolution,
    /// First session; the first there is when `None`.
    pub from: Option<Date>,
    /// Last session; the last there is when `None`.
    pub to: Option<Date>,
    /// The format.
    pub format: ExportFormat,
    /// The file to write; one that is there is replaced.
    pub out: PathBuf,
}

/// What was exported.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ExportReport {
    /// The file.
    pub file: PathBuf,
    /// Symbols with bars in the range.
    pub symbols: Vec<Symbol>,
    /// Bars written.
    pub bars: u64,
}

/// Writes bars to a file, by symbol and time.
pub fn export(
    store: &Store,
    options: &ExportOptions,
    progress: OnProgress<'_>,
) -> Result<ExportReport, CatalogError> {
    let first = Date::from_ymd(1, 1, 1).unwrap_or_default();
    let last = Date::from_ymd(9999, 12, 31).unwrap_or_default();
    let (from, to) = (options.from.unwrap_or(first), options.to.unwrap_or(last));
    let symbols = symbols_of(store, options)?;
    let mut target = Target::new(options.format);
    let mut written = Vec::new();
    let total = symbols.len() as u64;
    for (done, symbol) in symbols.into_iter().enumerate() {
        progress(Progress { stage: Stage::Scanning, done: done as u64, total });
        let bars = store.load(symbol, options.resolution, from, to)?;
        if !bars.is_empty() {
            target.add(symbol, &bars);
            written.push(symbol);
        }
    }
    progress(Progress { stage: Stage::Scanning, done: total, total });
    if written.is_empty() {
        let (resolution, root) = (options.resolution, store.root().into());
        return Err(CatalogError::NoData { resolution, from, to, root });
    }
    let (bytes, bars) = target.finish(&options.out, options.resolution)?;
    write_whole(&options.out, &bytes)?;
    Ok(ExportReport { file: options.out.clone(), symbols: written, bars })
}

/// Returns the symbols named, or those the store has at the resolution.
fn symbols_of(store: &Store, options: &ExportOptions) -> Result<Vec<Symbol>, CatalogError> {
    if !options.symbols.is_empty() {
        let mut symbols = options.symbols.clone();
        symbols.sort();
        symbols.dedup();
        return Ok(symbols);
    }
    let mut symbols = Vec::new();
    for symbol in store.symbols()? {
        if !store.years(symbol, options.resolution)?.is_empty() {
            symbols.push(symbol);
        }
    }
    Ok(symbols)
}

/// The file under way.
enum Target {
    Csv { text: String, bars: u64 },
    Parquet { columns: [Vec<i64>; 6], symbols: Vec<ByteArray> },
}

impl Target {
    fn new(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => {
                Self::Csv { text: "ts,symbol,open,high,low,close,volume\n".into(), bars: 0 }
            }
            ExportFormat::Parquet => {
                Self::Parquet { columns: Default::default(), symbols: Vec::new() }
            }
        }
    }

    fn add(&mut self, symbol: Symbol, bars: &[Bar]) {
        match self {
            Self::Csv { text, bars: count } => {
                for Bar { start, open, high, low, close, volume } in bars {
                    // Writing to a String cannot fail.
                    let _ =
                        writeln!(text, "{start},{symbol},{open},{high},{low},{close},{}", volume.0);
                }
                *count += bars.len() as u64;
            }
            Self::Parquet { columns, symbols } => {
                let name = ByteArray::from(symbol.as_str());
                for bar in bars {
                    let volume = i64::try_from(bar.volume.0).unwrap_or(i64::MAX);
                    let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.raw());
                    let [open, high, low, close] = prices;
                    let row = [bar.start.nanos(), open, high, low, close, volume];
                    for (column, value) in columns.iter_mut().zip(row) {
                        column.push(value);
                    }
                    symbols.push(name.clone());
                }
            }
        }
    }

    /// Returns the file's bytes and how many bars it holds.
    fn finish(self, path: &Path, resolution: Resolution) -> Result<(Vec<u8>, u64), CatalogError> {
        let (columns, symbols) = match self {
            Self::Csv { text, bars } => return Ok((text.into_bytes(), bars)),
            Self::Parquet { columns, symbols } => (columns, symbols),
        };
        let metadata = [
            (KEY_SCHEMA, LAYOUT.to_owned()),
            (KEY_RESOLUTION, resolution.to_string()),
            (KEY_PRICE_UNIT, PRICE_UNIT.to_owned()),
            (KEY_PRICE_TYPE, PRICE_TYPE.to_owned()),
            (KEY_TIME, TIME.to_owned()),
        ];
        let mut table: Vec<Column<'_>> =
            columns.iter().map(|column| Column::Int64(column)).collect();
        table.insert(1, Column::Text(&symbols));
        let bytes = columns::encode(SCHEMA, &metadata, &table)
            .map_err(|source| CatalogError::Encode { path: path.into(), source })?;
        Ok((bytes, symbols.len() as u64))
    }
}
