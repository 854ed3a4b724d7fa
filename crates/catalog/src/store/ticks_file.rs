//! One session of prints or quotes of one symbol as a Parquet file.
//!
//! Invariant: as for bars, a swapped or damaged file is an error and never wrong data. Rows of
//! one instant keep their order.

use std::fs::File;
use std::path::Path;

use model::{Date, Symbol, Timestamp};
use parquet::errors::{ParquetError, Result};

use crate::CatalogError;
use crate::columns::{
    self, Column, KEY_PRICE_TYPE, KEY_PRICE_UNIT, KEY_SCHEMA, KEY_SIZE_UNIT, KEY_SYMBOL, KEY_TIME,
    OwnFile, PRICE_TYPE, PRICE_UNIT, SIZE_UNIT,
};
use crate::tick::Tick;

/// Metadata: the session's date.
const KEY_SESSION: &str = "bellwether.session";
/// Metadata: CRC-32C over the rows, each as its little-endian 64-bit integers.
const KEY_CRC: &str = "bellwether.rows_crc32c";
const TIME: &str = "when it happened, UTC nanoseconds";

fn layout<T: Tick>() -> String {
    format!("{}.1", T::KIND.name())
}

fn rows_crc<T: Tick>(ticks: &[T]) -> u32 {
    let mut crc = 0;
    let mut block = Vec::with_capacity(40 * 1024);
    for part in ticks.chunks(1024) {
        block.clear();
        for tick in part {
            block.extend_from_slice(&tick.time().nanos().to_le_bytes());
            for value in tick.integers().iter().take(T::COLUMNS.len()) {
                block.extend_from_slice(&value.to_le_bytes());
            }
        }
        crc = crc32c::crc32c_append(crc, &block);
    }
    crc
}

/// Encodes ticks, ascending by time, as the store's Parquet file.
pub(crate) fn encode<T: Tick>(
    path: &Path,
    symbol: Symbol,
    session: Date,
    ticks: &[T],
) -> std::result::Result<Vec<u8>, CatalogError> {
    let mut schema =
        format!("message {} {{ REQUIRED INT64 ts (TIMESTAMP(NANOS,true));", T::KIND.name());
    for name in T::COLUMNS {
        schema.push_str(&format!(" REQUIRED INT64 {name};"));
    }
    schema.push('}');
    let mut table: Vec<Vec<i64>> = vec![ticks.iter().map(|t| t.time().nanos()).collect()];
    for at in 0..T::COLUMNS.len() {
        table.push(ticks.iter().map(|tick| tick.integers()[at]).collect());
    }
    let metadata = [
        (KEY_SCHEMA, layout::<T>()),
        (KEY_SYMBOL, symbol.to_string()),
        (KEY_SESSION, session.to_string()),
        (KEY_PRICE_UNIT, PRICE_UNIT.to_owned()),
        (KEY_PRICE_TYPE, PRICE_TYPE.to_owned()),
        (KEY_SIZE_UNIT, SIZE_UNIT.to_owned()),
        (KEY_TIME, TIME.to_owned()),
        (KEY_CRC, format!("{:08x}", rows_crc(ticks))),
    ];
    let columns: Vec<_> = table.iter().map(|column| Column::Int64(column)).collect();
    columns::encode(&schema, &metadata, &columns)
        .map_err(|source| CatalogError::Encode { path: path.into(), source })
}

/// Reads and checks a file of the store.
pub(crate) fn read<T: Tick>(
    path: &Path,
    file: File,
    symbol: Symbol,
    session: Date,
) -> std::result::Result<Vec<T>, CatalogError> {
    columns::guarded(|| read_checked(file, symbol, session))
        .map_err(|error| CatalogError::Corrupt { path: path.into(), why: error.to_string() })
}

/// Returns how many rows a file of the store says it has.
pub(crate) fn count(path: &Path) -> std::result::Result<u64, CatalogError> {
    let file = File::open(path).map_err(|error| CatalogError::io("open", path, error))?;
    columns::guarded(|| OwnFile::open(file).map(|file| file.rows()))
        .map_err(|error| CatalogError::Corrupt { path: path.into(), why: error.to_string() })
}

fn read_checked<T: Tick>(file: File, symbol: Symbol, session: Date) -> Result<Vec<T>> {
    let file = OwnFile::open(file)?;
    let expect = |key: &str, wanted: &str| match file.metadata(key) {
        Some(found) if found == wanted => Ok(()),
        found => {
            let found = found.unwrap_or("nothing");
            Err(ParquetError::General(format!("{key} is {found}, expected {wanted}")))
        }
    };
    expect(KEY_SCHEMA, &layout::<T>())?;
    expect(KEY_SYMBOL, symbol.as_str())?;
    expect(KEY_SESSION, &session.to_string())?;
    let ts = file.int64("ts")?;
    let mut table = Vec::with_capacity(4);
    for name in T::COLUMNS {
        let column = file.int64(name)?;
        if column.len() != ts.len() {
            return Err(ParquetError::General("columns differ in length".into()));
        }
        table.push(column);
    }
    let tick = |(at, &time): (usize, &i64)| {
        let value = |column: usize| table.get(column).map_or(0, |column: &Vec<i64>| column[at]);
        T::from_integers(Timestamp::from_nanos(time), std::array::from_fn(value))
    };
    let ticks: Vec<T> = ts.iter().enumerate().map(tick).collect();
    expect(KEY_CRC, &format!("{:08x}", rows_crc(&ticks)))?;
    if !ts.is_sorted() {
        return Err(ParquetError::General("rows are not in ascending order".into()));
    }
    Ok(ticks)
}
