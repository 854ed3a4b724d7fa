//! Reads delimited text: bars, and splits and dividends where they are asked for.
//!
//! Columns are found by name (contract.md section 4), any case and punctuation; `--columns`
//! names them for files without a header. Other columns are ignored and listed.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use model::Symbol;

use super::lines::{Fields, Lines};
use super::number::{self, Rounded};
use super::rows::{ActionRow, FileBatch, Reason, Values};
use super::settle::SessionCursor;
use super::ticks::{self, TradeValues};
use super::time::{Stamp, StampFault, StampReader};
use crate::error::{CatalogError, FileError};
use crate::{ActionKind, ImportOptions};

/// Bytes of a short row of bars: a file of shorter ones is not trusted to know its rows.
const SHORT_ROW: u64 = 30;

/// Reads one file of rows.
pub(crate) fn read(
    path: &Path,
    name: Arc<str>,
    options: &ImportOptions,
    stamps: &StampReader,
    sessions: &mut SessionCursor<'_>,
) -> Result<FileBatch, FileError> {
    let file = File::open(path)?;
    let size = file.metadata().map_or(0, |data| data.len());
    let reader = BufReader::with_capacity(1 << 18, file);
    read_text(reader, size, name, options, stamps, sessions)
}

/// Reads rows of a text of about `size` bytes.
fn read_text(
    reader: impl BufRead,
    size: u64,
    name: Arc<str>,
    options: &ImportOptions,
    stamps: &StampReader,
    sessions: &mut SessionCursor<'_>,
) -> Result<FileBatch, FileError> {
    let mut lines = Lines::new(reader);
    let mut batch = FileBatch::new(name, options.skip_empty);
    let mut fields = Fields::default();
    let Some((number, line)) = lines.next_line()? else { return Err(FileError::Empty) };
    let delimiter = options.delimiter.unwrap_or_else(|| sniff(line));
    if !fields.split(line, delimiter) {
        return Err(FileError::MissingColumn { column: "ts", found: clip(line) });
    }
    let names: Vec<String> = (0..fields.len()).map(|i| text(fields.get(line, i))).collect();
    let stated = options.columns.as_ref();
    let header = stated.is_none() || looks_like_a_header(&names);
    let layout = Layout::find(stated.unwrap_or(&names), options)?;
    batch.ignored_columns.clone_from(&layout.ignored);
    let mut reader = RowReader::new(layout, delimiter, options, stamps);
    if !header {
        reader.row(&mut batch, number, line, sessions)?;
    }
    let mut sized = false;
    while let Some((number, line)) = lines.next_line()? {
        if !sized && matches!(reader.layout.content, Content::Bars(_)) {
            batch.expect_rows(size / (line.len() as u64 + 1).max(SHORT_ROW));
        }
        sized = true;
        reader.row(&mut batch, number, line, sessions)?;
    }
    Ok(batch)
}

/// Picks the delimiter of a first line that has no comma.
fn sniff(line: &[u8]) -> u8 {
    if line.contains(&b',') {
        return b',';
    }
    [b';', b'\t', b'|'].into_iter().find(|byte| line.contains(byte)).unwrap_or(b',')
}

fn looks_like_a_header(names: &[String]) -> bool {
    let known = [
        "ts",
        "time",
        "timestamp",
        "date",
        "datetime",
        "open",
        "high",
        "low",
        "close",
        "price",
        "size",
        "bid",
        "ask",
    ];
    names.iter().filter(|name| known.contains(&normal(name).as_str())).count() >= 2
}

fn text(field: Option<&[u8]>) -> String {
    String::from_utf8_lossy(field.unwrap_or_default()).into_owned()
}

fn clip(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().take(80).collect()
}

/// Lower case without spaces and punctuation: `Ex-Dividend` and `ex_dividend` are one name.
pub(crate) fn normal(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Names of a time column, in the order in which one is preferred over another.
pub(crate) const TIME_NAMES: [&str; 5] = ["ts", "timestamp", "datetime", "time", "date"];
/// Names of a symbol column; the second is what the WIKI tables say.
pub(crate) const SYMBOL_NAMES: [&str; 2] = ["symbol", "ticker"];
/// The columns of numbers, in the order of [`Values`].
pub(crate) const VALUE_NAMES: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// The columns of a quote, in the order of the store.
pub(crate) const QUOTE_NAMES: [&str; 4] = ["bid", "ask", "bidsize", "asksize"];

/// What rows of a file are.
enum Content {
    /// Bars, with the columns of [`VALUE_NAMES`].
    Bars([usize; 5]),
    /// Prints: price, size and, where there is one, the side of the aggressor.
    Trades([usize; 2], Option<usize>),
    /// Quotes, with the columns of [`QUOTE_NAMES`].
    Quotes([usize; 4]),
    /// Splits and dividends: kind and value.
    Actions([usize; 2]),
}

impl Content {
    /// Says which ticks the rows are, in words.
    const fn ticks(&self) -> Option<&'static str> {
        match self {
            Self::Trades(..) => Some("trades"),
            Self::Quotes(_) => Some("quotes"),
            Self::Bars(_) | Self::Actions(_) => None,
        }
    }
}

/// Where the columns are.
struct Layout {
    time: usize,
    /// A second column with the time of day, where `date` and `time` are apart.
    time_of_day: Option<usize>,
    symbol: Option<usize>,
    content: Content,
    dividend: Option<usize>,
    split: Option<usize>,
    ignored: Vec<String>,
}

impl Layout {
    fn find(names: &[String], options: &ImportOptions) -> Result<Self, FileError> {
        let normal: Vec<String> = names.iter().map(|name| normal(name)).collect();
        let find = |wanted: &str| normal.iter().position(|name| name == wanted);
        let found = || names.join(",").chars().take(200).collect::<String>();
        let missing = |column| FileError::MissingColumn { column, found: found() };
        for name in VALUE_NAMES.iter().chain(&TIME_NAMES).chain(&SYMBOL_NAMES) {
            if normal.iter().filter(|other| other == name).count() > 1 {
                return Err(FileError::ColumnTwice { column: (*name).into() });
            }
        }
        let content = match VALUE_NAMES.map(find) {
            [Some(o), Some(h), Some(l), Some(c), Some(v)] => Content::Bars([o, h, l, c, v]),
            [None, None, None, None, _] if find("price").is_some() => {
                let size = find("size").ok_or_else(|| missing("size"))?;
                Content::Trades([find("price").unwrap_or(size), size], find("side"))
            }
            [None, None, None, None, _] if find("bid").is_some() => match QUOTE_NAMES.map(find) {
                [Some(bid), Some(ask), Some(bids), Some(asks)] => {
                    Content::Quotes([bid, ask, bids, asks])
                }
                columns => {
                    let at = columns.iter().position(Option::is_none).unwrap_or(0);
                    return Err(missing(QUOTE_NAMES[at]));
                }
            },
            columns => match (find("kind"), find("value")) {
                (Some(kind), Some(value)) if options.actions => Content::Actions([kind, value]),
                (Some(_), Some(_)) => return Err(FileError::Actions),
                _ => {
                    let at = columns.iter().position(Option::is_none).unwrap_or(0);
                    return Err(missing(VALUE_NAMES[at]));
                }
            },
        };
        super::ticks::check_flags(content.ticks(), options)?;
        let mut time =
            TIME_NAMES.iter().find_map(|name| find(name)).ok_or_else(|| missing("ts"))?;
        let mut time_of_day = None;
        if let (Some(date), Some(clock)) = (find("date"), find("time"))
            && time == clock
        {
            (time, time_of_day) = (date, Some(clock));
        }
        let symbol = SYMBOL_NAMES.iter().find_map(|name| find(name));
        let action = |name| if options.actions { find(name) } else { None };
        let (dividend, split) = (action("exdividend"), action("splitratio"));
        let mut used = vec![time];
        used.extend([time_of_day, symbol, dividend, split].into_iter().flatten());
        match content {
            Content::Bars(columns) => used.extend(columns),
            Content::Trades(columns, side) => used.extend(columns.into_iter().chain(side)),
            Content::Quotes(columns) => used.extend(columns),
            Content::Actions(columns) => used.extend(columns),
        }
        let ignored =
            (0..names.len()).filter(|at| !used.contains(at)).map(|at| names[at].clone()).collect();
        Ok(Self { time, time_of_day, symbol, content, dividend, split, ignored })
    }
}

/// Why a row is refused, and the value.
type Fault = (Reason, String);

/// Reads row after row of one file.
struct RowReader<'a> {
    layout: Layout,
    delimiter: u8,
    stamps: &'a StampReader,
    stated_symbol: Option<Symbol>,
    fields: Fields,
    /// The symbol of the last row as text, with its index: rows of a symbol come in runs.
    seen_symbols: Vec<(Vec<u8>, u32, Symbol)>,
    last_symbol: usize,
    joined: Vec<u8>,
    any_time: bool,
}

impl<'a> RowReader<'a> {
    fn new(
        layout: Layout,
        delimiter: u8,
        options: &ImportOptions,
        stamps: &'a StampReader,
    ) -> Self {
        Self {
            layout,
            delimiter,
            stamps,
            stated_symbol: options.symbol,
            fields: Fields::default(),
            seen_symbols: Vec::new(),
            last_symbol: 0,
            joined: Vec::new(),
            any_time: false,
        }
    }

    fn row(
        &mut self,
        batch: &mut FileBatch,
        number: u64,
        line: &[u8],
        sessions: &mut SessionCursor<'_>,
    ) -> Result<(), FileError> {
        let bars = !matches!(self.layout.content, Content::Actions(_));
        if bars {
            batch.rows += 1;
        } else {
            batch.action_rows += 1;
        }
        let read = self.place(batch, number, line)?;
        let (stamp, index, symbol) = match read {
            Ok(read) => read,
            Err((reason, value)) if bars => {
                batch.reject(number, reason, || value);
                return Ok(());
            }
            Err((reason, value)) => {
                batch.reject_action(number, reason, || value);
                return Ok(());
            }
        };
        self.actions(batch, number, line, stamp, symbol);
        let taken = match self.layout.content {
            Content::Bars(columns) => self
                .values(batch, line, columns)
                .map(|values| batch.take(stamp, index, number, values)),
            Content::Trades(columns, side) => self
                .trade(batch, line, columns, side)
                .map(|values| batch.take_trade(stamp, symbol, number, &values, sessions)),
            Content::Quotes(columns) => self
                .numbers(batch, line, columns, QUOTE_NAMES)
                .map(|values| batch.take_quote(stamp, symbol, number, values, sessions)),
            Content::Actions(_) => Ok(()),
        };
        if let Err((reason, value)) = taken {
            batch.reject(number, reason, || value);
        }
        Ok(())
    }

    /// Reads what names the row: its time and its symbol.
    fn place(
        &mut self,
        batch: &mut FileBatch,
        number: u64,
        line: &[u8],
    ) -> Result<Result<(Stamp, u32, Symbol), Fault>, FileError> {
        if !self.fields.split(line, self.delimiter) {
            return Ok(Err((Reason::UnclosedQuote, clip(line))));
        }
        let stamp = match self.stamp(batch, number, line)? {
            Ok(stamp) => stamp,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(self.symbol(batch, line)?.map(|(index, symbol)| (stamp, index, symbol)))
    }

    /// Reads the time column; a first row without a zone ends the import (exit 64).
    fn stamp(
        &mut self,
        batch: &FileBatch,
        number: u64,
        line: &[u8],
    ) -> Result<Result<Stamp, Fault>, FileError> {
        let mut field = self.fields.get(line, self.layout.time).unwrap_or_default();
        if let Some(clock) = self.layout.time_of_day {
            self.joined.clear();
            self.joined.extend_from_slice(field);
            self.joined.push(b' ');
            self.joined.extend_from_slice(self.fields.get(line, clock).unwrap_or_default());
            field = &self.joined;
        }
        if field.is_empty() {
            return Ok(Err((Reason::MissingField, "time".into())));
        }
        match self.stamps.read(field) {
            Ok(stamp) => {
                self.any_time |= matches!(stamp, Stamp::Instant(_));
                Ok(Ok(stamp))
            }
            Err(StampFault::NoZone) if !self.any_time => Err(CatalogError::NoZone {
                file: batch.file.to_string(),
                line: number,
                value: clip(field),
            }
            .into()),
            Err(_) => Ok(Err((Reason::BadTime, clip(field)))),
        }
    }

    fn symbol(
        &mut self,
        batch: &mut FileBatch,
        line: &[u8],
    ) -> Result<Result<(u32, Symbol), Fault>, FileError> {
        let Some(column) = self.layout.symbol else {
            let Some(symbol) = self.stated_symbol else {
                return Err(CatalogError::NoSymbol { file: batch.file.to_string() }.into());
            };
            return Ok(Ok((batch.symbol_index(symbol), symbol)));
        };
        let field = self.fields.get(line, column).unwrap_or_default();
        if let Some((text, index, symbol)) = self.seen_symbols.get(self.last_symbol)
            && text == field
        {
            return Ok(Ok((*index, *symbol)));
        }
        if let Some(at) = self.seen_symbols.iter().position(|(text, ..)| text == field) {
            self.last_symbol = at;
            let (_, index, symbol) = &self.seen_symbols[at];
            return Ok(Ok((*index, *symbol)));
        }
        if field.is_empty() {
            return Ok(Err((Reason::MissingField, "symbol".into())));
        }
        let parsed = std::str::from_utf8(field).ok().and_then(|text| text.parse::<Symbol>().ok());
        let Some(symbol) = parsed else { return Ok(Err((Reason::BadSymbol, clip(field)))) };
        if self.stated_symbol.is_some_and(|stated| stated != symbol) {
            return Ok(Err((Reason::OtherSymbol, clip(field))));
        }
        let index = batch.symbol_index(symbol);
        self.last_symbol = self.seen_symbols.len();
        self.seen_symbols.push((field.to_vec(), index, symbol));
        Ok(Ok((index, symbol)))
    }

    fn values(
        &self,
        batch: &mut FileBatch,
        line: &[u8],
        columns: [usize; 5],
    ) -> Result<Values, Fault> {
        let mut numbers = [0_i64; 5];
        for (at, column) in columns.into_iter().enumerate() {
            let field = self.fields.get(line, column).unwrap_or_default();
            if field.is_empty() {
                return Err((Reason::MissingField, VALUE_NAMES[at].into()));
            }
            let volume = at == 4;
            let read = if volume { number::volume(field) } else { number::price(field) };
            let Some(Rounded { value, rounded }) = read else {
                let value = format!("{} {}", VALUE_NAMES[at], clip(field));
                return Err((Reason::NotANumber, value));
            };
            numbers[at] = value;
            if volume {
                batch.volumes_rounded += u64::from(rounded);
            } else {
                batch.prices_rounded += u64::from(rounded);
            }
        }
        let [open, high, low, close, volume] = numbers;
        Ok(Values { prices: [open, high, low, close], volume })
    }

    /// Reads a print: price and size in units of 1e-9, and the side.
    fn trade(
        &self,
        batch: &mut FileBatch,
        line: &[u8],
        columns: [usize; 2],
        side: Option<usize>,
    ) -> Result<TradeValues, Fault> {
        let [price, size] = self.numbers(batch, line, columns, ["price", "size"])?;
        let text = side.and_then(|column| self.fields.get(line, column)).unwrap_or_default();
        let Some(conditions) = ticks::side(text) else {
            return Err((Reason::BadSide, format!("side {}", clip(text))));
        };
        Ok(TradeValues { price, size, conditions })
    }

    /// Reads numbers with nine decimal places.
    fn numbers<const N: usize>(
        &self,
        batch: &mut FileBatch,
        line: &[u8],
        columns: [usize; N],
        names: [&str; N],
    ) -> Result<[i64; N], Fault> {
        let mut numbers = [0; N];
        for ((number, column), name) in numbers.iter_mut().zip(columns).zip(names) {
            let field = self.fields.get(line, column).unwrap_or_default();
            if field.is_empty() {
                return Err((Reason::MissingField, name.into()));
            }
            let Some(Rounded { value, rounded }) = number::price(field) else {
                return Err((Reason::NotANumber, format!("{name} {}", clip(field))));
            };
            *number = value;
            batch.prices_rounded += u64::from(rounded);
        }
        Ok(numbers)
    }

    /// Takes the splits and dividends of a row: its own columns, or those of a WIKI table.
    fn actions(
        &self,
        batch: &mut FileBatch,
        number: u64,
        line: &[u8],
        stamp: Stamp,
        symbol: Symbol,
    ) {
        let field = |column| self.fields.get(line, column).unwrap_or_default();
        let mut found = Vec::new();
        match self.layout.content {
            Content::Actions([kind, value]) => {
                let kind = text(Some(field(kind)));
                match ActionKind::from_name(&kind.to_ascii_lowercase()) {
                    Some(kind) => found.push((kind, field(value))),
                    None => return batch.reject_action(number, Reason::UnknownKind, || kind),
                }
            }
            Content::Trades(..) | Content::Quotes(_) => {}
            Content::Bars(_) => {
                let columns = [
                    (ActionKind::Dividend, self.layout.dividend),
                    (ActionKind::Split, self.layout.split),
                ];
                for (kind, column) in columns {
                    // WIKI writes 0.0 where there is no dividend and 1.0 where there is no split.
                    let none = if kind == ActionKind::Split { 1_000_000_000 } else { 0 };
                    if let Some(value) = column.map(field).filter(|field| !field.is_empty())
                        && number::price(value).is_none_or(|read| read.value != none)
                    {
                        batch.action_rows += 1;
                        found.push((kind, value));
                    }
                }
            }
        }
        for (kind, value) in found {
            let date = match stamp {
                Stamp::Day(date) => date,
                Stamp::Instant(_) => {
                    batch.reject_action(number, Reason::BadTime, || "a date is needed".into());
                    continue;
                }
            };
            match number::price(value) {
                Some(read) if read.value > 0 => {
                    let value = read.value;
                    batch.actions.push(ActionRow { symbol, date, kind, value, line: number });
                }
                _ => batch.reject_action(number, Reason::NotANumber, || clip(value)),
            }
        }
    }
}
