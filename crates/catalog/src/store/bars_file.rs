//! One year of bars of one symbol and resolution as a Parquet file.
//!
//! Invariant: what is read is what was written: symbol, resolution, order and a checksum over all
//! rows are compared, so that a swapped or damaged file is an error and never wrong data.

use std::fs::File;
use std::path::Path;

use model::{Bar, Price, Symbol, Timestamp, Volume};
use parquet::errors::{ParquetError, Result};

use crate::columns::{
    self, Column, KEY_PRICE_TYPE, KEY_PRICE_UNIT, KEY_RESOLUTION, KEY_SCHEMA, KEY_SYMBOL, KEY_TIME,
    OwnFile, PRICE_TYPE, PRICE_UNIT, TIME,
};
use crate::{CatalogError, Resolution};

const SCHEMA: &str = "message bars {
    REQUIRED INT64 ts (TIMESTAMP(NANOS,true));
    REQUIRED INT64 open; REQUIRED INT64 high; REQUIRED INT64 low; REQUIRED INT64 close;
    REQUIRED INT64 volume;
}";
const LAYOUT: &str = "bars.1";
/// Metadata: CRC-32C over the rows, each as six little-endian 64-bit integers.
const KEY_CRC: &str = "bellwether.rows_crc32c";
const NAMES: [&str; 6] = ["ts", "open", "high", "low", "close", "volume"];

/// Returns the six integers of a bar in the order of the columns.
fn integers(bar: &Bar) -> [i64; 6] {
    let volume = i64::try_from(bar.volume.0).unwrap_or(i64::MAX);
    [bar.start.nanos(), bar.open.raw(), bar.high.raw(), bar.low.raw(), bar.close.raw(), volume]
}

fn rows_crc(bars: &[Bar]) -> u32 {
    let mut crc = 0;
    let mut block = Vec::with_capacity(48 * 1024);
    for part in bars.chunks(1024) {
        block.clear();
        for bar in part {
            for value in integers(bar) {
                block.extend_from_slice(&value.to_le_bytes());
            }
        }
        crc = crc32c::crc32c_append(crc, &block);
    }
    crc
}

/// Encodes bars, ascending by start, as the store's Parquet file.
pub(crate) fn encode(
    path: &Path,
    symbol: Symbol,
    resolution: Resolution,
    bars: &[Bar],
) -> std::result::Result<Vec<u8>, CatalogError> {
    let mut table: [Vec<i64>; 6] = std::array::from_fn(|_| Vec::with_capacity(bars.len()));
    for bar in bars {
        for (column, value) in table.iter_mut().zip(integers(bar)) {
            column.push(value);
        }
    }
    let metadata = [
        (KEY_SCHEMA, LAYOUT.to_owned()),
        (KEY_SYMBOL, symbol.to_string()),
        (KEY_RESOLUTION, resolution.to_string()),
        (KEY_PRICE_UNIT, PRICE_UNIT.to_owned()),
        (KEY_PRICE_TYPE, PRICE_TYPE.to_owned()),
        (KEY_TIME, TIME.to_owned()),
        (KEY_CRC, format!("{:08x}", rows_crc(bars))),
    ];
    let columns: Vec<_> = table.iter().map(|column| Column::Int64(column)).collect();
    columns::encode(SCHEMA, &metadata, &columns)
        .map_err(|source| CatalogError::Encode { path: path.into(), source })
}

/// Reads and checks a file of the store.
pub(crate) fn read(
    path: &Path,
    file: File,
    symbol: Symbol,
    resolution: Resolution,
) -> std::result::Result<Vec<Bar>, CatalogError> {
    columns::guarded(|| read_checked(file, symbol, resolution))
        .map_err(|error| CatalogError::Corrupt { path: path.into(), why: error.to_string() })
}

fn read_checked(file: File, symbol: Symbol, resolution: Resolution) -> Result<Vec<Bar>> {
    let file = OwnFile::open(file)?;
    let expect = |key: &str, wanted: &str| match file.metadata(key) {
        Some(found) if found == wanted => Ok(()),
        found => {
            let found = found.unwrap_or("nothing");
            Err(ParquetError::General(format!("{key} is {found}, expected {wanted}")))
        }
    };
    expect(KEY_SCHEMA, LAYOUT)?;
    expect(KEY_SYMBOL, symbol.as_str())?;
    expect(KEY_RESOLUTION, resolution.name())?;
    let mut table: [Vec<i64>; 6] = Default::default();
    for (column, name) in table.iter_mut().zip(NAMES) {
        *column = file.int64(name)?;
    }
    let [ts, open, high, low, close, volume] = &table;
    if table.iter().any(|column| column.len() != ts.len()) {
        return Err(ParquetError::General("columns differ in length".into()));
    }
    let bars: Vec<Bar> = (0..ts.len())
        .map(|at| Bar {
            start: Timestamp::from_nanos(ts[at]),
            open: Price::from_raw(open[at]),
            high: Price::from_raw(high[at]),
            low: Price::from_raw(low[at]),
            close: Price::from_raw(close[at]),
            volume: Volume(volume[at].unsigned_abs()),
        })
        .collect();
    expect(KEY_CRC, &format!("{:08x}", rows_crc(&bars)))?;
    if !bars.is_sorted_by(|a, b| a.start < b.start) {
        return Err(ParquetError::General("rows are not in ascending order".into()));
    }
    Ok(bars)
}
