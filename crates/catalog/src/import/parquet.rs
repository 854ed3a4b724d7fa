//! Reads foreign Parquet files by the column names of CSV (contract.md section 4).
//!
//! `ts` is INT64 (unit by magnitude), TIMESTAMP, DATE, INT96 or text; prices are DOUBLE, FLOAT,
//! DECIMAL, or INT64 with our metadata; volume is any number. Rows are numbered from 1.

mod cells;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use model::{Conditions, Date, SECOND_NS, Symbol};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::schema::types::ColumnDescriptor;

use self::cells::{Cell, Cells};
use super::csv::{QUOTE_NAMES, SYMBOL_NAMES, TIME_NAMES, VALUE_NAMES, normal};
use super::rows::{FileBatch, Reason, Values};
use super::settle::SessionCursor;
use super::ticks::{self, TradeValues};
use super::time::{self, Stamp, StampFault, StampReader};
use crate::ImportOptions;
use crate::columns::{
    KEY_PRICE_UNIT, KEY_RESOLUTION, KEY_SIZE_UNIT, KEY_SYMBOL, PRICE_UNIT, SIZE_UNIT, guarded,
    metadata_value,
};
use crate::error::{CatalogError, FileError};

/// Rows read at once from each column.
const CHUNK: usize = 16_384;

/// Reads one file.
pub(crate) fn read(
    path: &Path,
    name: Arc<str>,
    options: &ImportOptions,
    stamps: &StampReader,
    sessions: &mut SessionCursor<'_>,
) -> Result<FileBatch, FileError> {
    let file = File::open(path)?;
    let mut outcome = Err(FileError::ParquetContent);
    guarded(|| {
        outcome = read_file(file, name, options, stamps, sessions);
        Ok(())
    })?;
    outcome
}

fn read_file(
    file: File,
    name: Arc<str>,
    options: &ImportOptions,
    stamps: &StampReader,
    sessions: &mut SessionCursor<'_>,
) -> Result<FileBatch, FileError> {
    let reader = SerializedFileReader::new(file)?;
    let layout = Layout::find(&reader)?;
    super::ticks::check_flags(layout.content.ticks(), options)?;
    let mut batch = FileBatch::new(name, options.skip_empty);
    batch.ignored_columns.clone_from(&layout.ignored);
    batch.resolution = metadata_value(&reader, KEY_RESOLUTION).and_then(|text| text.parse().ok());
    let from_file: Option<Symbol> =
        metadata_value(&reader, KEY_SYMBOL).and_then(|text| text.parse().ok());
    let whole_file = match layout.symbol {
        Some(_) => None,
        None => match from_file.or(options.symbol) {
            Some(symbol) => Some(symbol),
            None => return Err(CatalogError::NoSymbol { file: batch.file.to_string() }.into()),
        },
    };
    let mut rows = RowReader {
        kinds: &layout,
        stamps,
        stated: options.symbol,
        whole_file,
        last_symbol: None,
        any_time: false,
        row: 0,
        sessions,
    };
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let open = |column: &Placed| -> Result<Cells, FileError> {
            Ok(Cells::new(group.get_column_reader(column.index)?, column.max_level))
        };
        let mut time = open(&layout.time)?;
        let mut symbol = layout.symbol.as_ref().map(open).transpose()?;
        let mut values = layout.values.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        while left > 0 {
            let count = left.min(CHUNK);
            for cells in [&mut time].into_iter().chain(symbol.as_mut()).chain(values.iter_mut()) {
                cells.fill(count)?;
            }
            for _ in 0..count {
                rows.row(&mut batch, &mut time, symbol.as_mut(), &mut values)?;
            }
            left -= count;
        }
    }
    Ok(batch)
}

/// What the values of a column mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A time whose unit shows in its magnitude.
    Magnitude,
    /// A time in units of so many nanoseconds; true when it is UTC, false when it is local.
    Unit(i64, bool),
    /// Days since the epoch.
    Days,
    /// Spark's and Impala's old time stamp.
    Int96,
    /// Text.
    Text,
    /// A float.
    Float,
    /// An integer with so many decimal places.
    Scaled(u32),
}

/// A column that is needed.
struct Placed {
    index: usize,
    max_level: i16,
    kind: Kind,
}

/// What the rows are: the columns of numbers follow from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    Bars,
    /// Price, size and, when true, the side of the aggressor.
    Trades(bool),
    Quotes,
}

impl Content {
    const fn ticks(self) -> Option<&'static str> {
        match self {
            Self::Bars => None,
            Self::Trades(_) => Some("trades"),
            Self::Quotes => Some("quotes"),
        }
    }

    /// Returns the names of the columns of numbers.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Bars => &VALUE_NAMES,
            Self::Trades(true) => &["price", "size", "side"],
            Self::Trades(false) => &["price", "size"],
            Self::Quotes => &QUOTE_NAMES,
        }
    }
}

/// Where the columns are and what they mean.
struct Layout {
    content: Content,
    time: Placed,
    symbol: Option<Placed>,
    values: Vec<Placed>,
    ignored: Vec<String>,
}

impl Layout {
    fn find(reader: &SerializedFileReader<File>) -> Result<Self, FileError> {
        let schema = reader.metadata().file_metadata().schema_descr();
        let ours = metadata_value(reader, KEY_PRICE_UNIT) == Some(PRICE_UNIT);
        let columns: Vec<(usize, String, &ColumnDescriptor)> = schema
            .columns()
            .iter()
            .enumerate()
            .filter(|(_, column)| column.path().parts().len() == 1)
            .map(|(index, column)| (index, normal(column.name()), column.as_ref()))
            .collect();
        let find = |wanted: &str| columns.iter().find(|(_, name, _)| name == wanted);
        let found = || columns.iter().map(|column| column.2.name()).collect::<Vec<_>>().join(",");
        let missing = |column| FileError::MissingColumn {
            column,
            found: found().chars().take(200).collect(),
        };
        let no_bars = VALUE_NAMES[..4].iter().all(|name| find(name).is_none());
        let content = match (find("price"), find("bid")) {
            (Some(_), _) if no_bars => Content::Trades(find("side").is_some()),
            (None, Some(_)) if no_bars => Content::Quotes,
            _ => Content::Bars,
        };
        let our_sizes = metadata_value(reader, KEY_SIZE_UNIT) == Some(SIZE_UNIT);
        let (index, _, column) =
            TIME_NAMES.iter().find_map(|name| find(name)).ok_or_else(|| missing("ts"))?;
        let time = placed(*index, column, time_kind(column), "INT64, TIMESTAMP, DATE or text")?;
        let symbol = match SYMBOL_NAMES.iter().find_map(|name| find(name)) {
            Some((index, _, column)) => {
                let text = (column.physical_type() == Physical::BYTE_ARRAY).then_some(Kind::Text);
                Some(placed(*index, column, text, "text")?)
            }
            None => None,
        };
        let mut values = Vec::new();
        for &name in content.names() {
            let (index, _, column) = find(name).ok_or_else(|| missing(name))?;
            let (integer, expected) = match name {
                "volume" => (Some(0), "a number"),
                "size" | "bidsize" | "asksize" if our_sizes => (Some(9), "a number"),
                "size" | "bidsize" | "asksize" => (Some(0), "a number"),
                "side" => (Some(0), "0 or 1, or text"),
                _ => (ours.then_some(9), "DOUBLE, DECIMAL, or INT64 with our metadata"),
            };
            let kind = match number_kind(column, integer) {
                None if name == "side" && column.physical_type() == Physical::BYTE_ARRAY => {
                    Some(Kind::Text)
                }
                kind => kind,
            };
            values.push(placed(*index, column, kind, expected)?);
        }
        let used = |index: &usize| {
            *index == time.index
                || symbol.as_ref().is_some_and(|column| column.index == *index)
                || values.iter().any(|column| column.index == *index)
        };
        let all = schema.columns().iter().enumerate();
        let ignored = all
            .filter(|(index, _)| !used(index))
            .map(|(_, column)| column.path().string())
            .collect();
        Ok(Self { content, time, symbol, values, ignored })
    }
}

fn placed(
    index: usize,
    column: &ColumnDescriptor,
    kind: Option<Kind>,
    expected: &'static str,
) -> Result<Placed, FileError> {
    match kind {
        Some(kind) if column.max_rep_level() == 0 => {
            Ok(Placed { index, max_level: column.max_def_level(), kind })
        }
        _ => {
            let logical = column.logical_type_ref().map(|logical| format!(" ({logical:?})"));
            Err(FileError::ColumnType {
                column: column.name().into(),
                found: format!("{}{}", column.physical_type(), logical.unwrap_or_default()),
                expected,
            })
        }
    }
}

fn time_kind(column: &ColumnDescriptor) -> Option<Kind> {
    let physical = column.physical_type();
    match (physical, column.logical_type_ref(), column.converted_type()) {
        (Physical::INT64, Some(LogicalType::Timestamp(stamp)), _) => {
            let unit = match stamp.unit {
                TimeUnit::MILLIS => 1_000_000,
                TimeUnit::MICROS => 1_000,
                TimeUnit::NANOS => 1,
            };
            Some(Kind::Unit(unit, stamp.is_adjusted_to_u_t_c))
        }
        (Physical::INT64, None, ConvertedType::TIMESTAMP_MILLIS) => {
            Some(Kind::Unit(1_000_000, true))
        }
        (Physical::INT64, None, ConvertedType::TIMESTAMP_MICROS) => Some(Kind::Unit(1_000, true)),
        (Physical::INT64, None | Some(LogicalType::Integer(_)), _) => Some(Kind::Magnitude),
        (Physical::INT32, _, ConvertedType::DATE)
        | (Physical::INT32, Some(LogicalType::Date), _) => Some(Kind::Days),
        (Physical::INT96, ..) => Some(Kind::Int96),
        (Physical::BYTE_ARRAY, ..) => Some(Kind::Text),
        _ => None,
    }
}

/// Returns what a number column means; plain integers have `integer` decimal places.
fn number_kind(column: &ColumnDescriptor, integer: Option<u32>) -> Option<Kind> {
    let decimal = matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)))
        || column.converted_type() == ConvertedType::DECIMAL;
    match column.physical_type() {
        Physical::FLOAT | Physical::DOUBLE => Some(Kind::Float),
        _ if decimal => u32::try_from(column.type_scale()).ok().map(Kind::Scaled),
        Physical::INT32 | Physical::INT64 => integer.map(Kind::Scaled),
        _ => None,
    }
}

/// The numbers of a row.
enum Numbers {
    Bar((Values, u64, u64)),
    Trade(TradeValues),
    Quote([i64; 4]),
}

/// Turns the cells of a row into a row of the batch.
struct RowReader<'a, 'c> {
    kinds: &'a Layout,
    sessions: &'a mut SessionCursor<'c>,
    stamps: &'a StampReader,
    stated: Option<Symbol>,
    /// The symbol of a file without a symbol column.
    whole_file: Option<Symbol>,
    last_symbol: Option<(Vec<u8>, u32)>,
    any_time: bool,
    row: u64,
}

impl RowReader<'_, '_> {
    fn row(
        &mut self,
        batch: &mut FileBatch,
        time: &mut Cells,
        symbol: Option<&mut Cells>,
        values: &mut [Cells],
    ) -> Result<(), FileError> {
        self.row += 1;
        batch.rows += 1;
        // Every column moves on by one, whatever the row is worth.
        let time = time.next();
        let symbol = symbol.map(Cells::next);
        let numbers = match self.kinds.content {
            Content::Bars => self.numbers(values).map(Numbers::Bar),
            Content::Trades(_) => self.trade(values).map(Numbers::Trade),
            Content::Quotes => self.scaled(values).map(Numbers::Quote),
        };
        let stamp = match self.stamp(time) {
            Ok(stamp) => stamp,
            Err(StampFault::NoZone) if !self.any_time => {
                let (file, value) = (batch.file.to_string(), time.text());
                return Err(CatalogError::NoZone { file, line: self.row, value }.into());
            }
            Err(_) => {
                let null = matches!(time, Cell::Null);
                let reason = if null { Reason::MissingField } else { Reason::BadTime };
                batch.reject(self.row, reason, || time.text());
                return Ok(());
            }
        };
        self.any_time |= matches!(stamp, Stamp::Instant(_));
        let index = match self.symbol(batch, symbol) {
            Ok(index) => index,
            Err((reason, value)) => {
                batch.reject(self.row, reason, || value);
                return Ok(());
            }
        };
        match numbers {
            Ok(Numbers::Bar((values, prices, volumes))) => {
                batch.prices_rounded += prices;
                batch.volumes_rounded += volumes;
                batch.take(stamp, index, self.row, values);
            }
            Ok(Numbers::Trade(values)) => {
                let symbol = batch.symbols[index as usize];
                batch.take_trade(stamp, symbol, self.row, &values, self.sessions);
            }
            Ok(Numbers::Quote(values)) => {
                let symbol = batch.symbols[index as usize];
                batch.take_quote(stamp, symbol, self.row, values, self.sessions);
            }
            Err((reason, value)) => batch.reject(self.row, reason, || value),
        }
        Ok(())
    }

    /// Returns a print; its numbers have nine decimal places.
    fn trade(&self, cells: &mut [Cells]) -> Result<TradeValues, (Reason, String)> {
        let (numbers, side) = cells.split_at_mut(2);
        let values = self.scaled(numbers);
        let conditions =
            side.first_mut().map_or(Some(Conditions::REGULAR), |cells| match cells.next() {
                Cell::Null => Some(Conditions::REGULAR),
                Cell::Bytes(text) => ticks::side(text),
                cell => ticks::side(cell.text().as_bytes()),
            });
        let [price, size, ..] = values?;
        let conditions = conditions.ok_or((Reason::BadSide, "side".to_owned()))?;
        Ok(TradeValues { price, size, conditions })
    }

    /// Returns up to four numbers with nine decimal places.
    fn scaled(&self, cells: &mut [Cells]) -> Result<[i64; 4], (Reason, String)> {
        let mut numbers = [0_i64; 4];
        let mut fault = None;
        let columns = self.kinds.values.iter().zip(self.kinds.content.names());
        for ((number, cells), (column, name)) in numbers.iter_mut().zip(cells).zip(columns) {
            let cell = cells.next();
            match cell.number(column.kind, false) {
                Some(read) => *number = read.value,
                None => {
                    let null = matches!(cell, Cell::Null);
                    let reason = if null { Reason::MissingField } else { Reason::NotANumber };
                    fault.get_or_insert((reason, format!("{name} {}", cell.text())));
                }
            }
        }
        fault.map_or(Ok(numbers), Err)
    }

    /// Returns the numbers of a row and how many prices and volumes were rounded.
    fn numbers(&self, cells: &mut [Cells]) -> Result<(Values, u64, u64), (Reason, String)> {
        let mut numbers = [0_i64; 5];
        let (mut prices, mut volumes) = (0, 0);
        let mut fault = None;
        for (at, (cells, column)) in cells.iter_mut().zip(&self.kinds.values).enumerate() {
            let cell = cells.next();
            let volume = at == 4;
            match cell.number(column.kind, volume) {
                Some(read) => {
                    numbers[at] = read.value;
                    *(if volume { &mut volumes } else { &mut prices }) += u64::from(read.rounded);
                }
                None => {
                    let null = matches!(cell, Cell::Null);
                    let reason = if null { Reason::MissingField } else { Reason::NotANumber };
                    let text = format!("{} {}", VALUE_NAMES[at], cell.text());
                    fault.get_or_insert((reason, text));
                }
            }
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        let [open, high, low, close, volume] = numbers;
        Ok((Values { prices: [open, high, low, close], volume }, prices, volumes))
    }

    fn stamp(&self, cell: Cell<'_>) -> Result<Stamp, StampFault> {
        let instant = |nanos: Option<i64>| nanos.map(Stamp::Instant).ok_or(StampFault::Bad);
        match (self.kinds.time.kind, cell) {
            (Kind::Magnitude, Cell::Int(value)) => {
                time::integer_stamp(value, value.to_string().len()).ok_or(StampFault::Bad)
            }
            (Kind::Unit(unit, true), Cell::Int(value)) => instant(value.checked_mul(unit)),
            (Kind::Unit(unit, false), Cell::Int(value)) => {
                let nanos = value.checked_mul(unit).ok_or(StampFault::Bad)?;
                self.local(nanos)
            }
            (Kind::Days, Cell::Int(days)) => {
                let days = i32::try_from(days).map_err(|_| StampFault::Bad)?;
                Ok(Stamp::Day(Date::from_days(days)))
            }
            (Kind::Int96, Cell::Int96(value)) => instant(Some(value.to_nanos())),
            (Kind::Text, Cell::Bytes(text)) => self.stamps.read(text.trim_ascii()),
            _ => Err(StampFault::Bad),
        }
    }

    /// Reads a TIMESTAMP that says it is not UTC: a local time, as in text.
    fn local(&self, nanos: i64) -> Result<Stamp, StampFault> {
        let second = nanos.div_euclid(SECOND_NS);
        let rest = i32::try_from(nanos.rem_euclid(SECOND_NS)).map_err(|_| StampFault::Bad)?;
        let wall = jiff::Timestamp::new(second, rest).map_err(|_| StampFault::Bad)?;
        self.stamps.local(jiff::tz::Offset::UTC.to_datetime(wall))
    }

    fn symbol(
        &mut self,
        batch: &mut FileBatch,
        cell: Option<Cell<'_>>,
    ) -> Result<u32, (Reason, String)> {
        let text = match cell {
            None => &[],
            Some(Cell::Bytes(text)) => text,
            Some(_) => return Err((Reason::MissingField, "symbol".into())),
        };
        if let Some((last, index)) = &self.last_symbol
            && last == text
        {
            return Ok(*index);
        }
        let symbol = match self.whole_file {
            Some(symbol) => symbol,
            None => std::str::from_utf8(text.trim_ascii())
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| {
                    let empty = text.is_empty();
                    let reason = if empty { Reason::MissingField } else { Reason::BadSymbol };
                    (reason, format!("symbol {}", String::from_utf8_lossy(text)))
                })?,
        };
        if self.stated.is_some_and(|stated| stated != symbol) {
            return Err((Reason::OtherSymbol, symbol.to_string()));
        }
        let index = batch.symbol_index(symbol);
        self.last_symbol = Some((text.to_vec(), index));
        Ok(index)
    }
}
