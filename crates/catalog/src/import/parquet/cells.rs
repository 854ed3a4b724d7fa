//! The columns of a Parquet file, read in chunks of rows and then value by value.

use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};

use super::Kind;
use crate::error::FileError;
use crate::import::number::{self, Rounded};

/// The values of a column in one chunk of rows.
enum Buffer {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

/// One value.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    Int96(&'a Int96),
    Float(f32),
    Double(f64),
    Bytes(&'a [u8]),
}

/// A column read chunk by chunk and then value by value.
pub(super) struct Cells {
    reader: ColumnReader,
    max_level: i16,
    levels: Vec<i16>,
    buffer: Buffer,
    row: usize,
    value: usize,
}

impl Cells {
    pub(super) fn new(reader: ColumnReader, max_level: i16) -> Self {
        let buffer = match reader {
            ColumnReader::Int32ColumnReader(_) => Buffer::Int32(Vec::new()),
            ColumnReader::Int96ColumnReader(_) => Buffer::Int96(Vec::new()),
            ColumnReader::FloatColumnReader(_) => Buffer::Float(Vec::new()),
            ColumnReader::DoubleColumnReader(_) => Buffer::Double(Vec::new()),
            ColumnReader::ByteArrayColumnReader(_) => Buffer::Bytes(Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(_) => Buffer::Fixed(Vec::new()),
            ColumnReader::Int64ColumnReader(_) | ColumnReader::BoolColumnReader(_) => {
                Buffer::Int64(Vec::new())
            }
        };
        Self { reader, max_level, levels: Vec::new(), buffer, row: 0, value: 0 }
    }

    /// Reads exactly `count` rows.
    pub(super) fn fill(&mut self, count: usize) -> Result<(), FileError> {
        self.levels.clear();
        (self.row, self.value) = (0, 0);
        let levels = (self.max_level > 0).then_some(&mut self.levels);
        macro_rules! read {
            ($($reader:ident, $buffer:ident;)*) => {
                match (&mut self.reader, &mut self.buffer) {
                    $((ColumnReader::$reader(reader), Buffer::$buffer(values)) => {
                        values.clear();
                        reader.read_records(count, levels, None, values)?.0
                    })*
                    _ => 0,
                }
            };
        }
        let rows = read! {
            Int32ColumnReader, Int32;
            Int64ColumnReader, Int64;
            Int96ColumnReader, Int96;
            FloatColumnReader, Float;
            DoubleColumnReader, Double;
            ByteArrayColumnReader, Bytes;
            FixedLenByteArrayColumnReader, Fixed;
        };
        if rows == count { Ok(()) } else { Err(FileError::ParquetContent) }
    }

    pub(super) fn next(&mut self) -> Cell<'_> {
        let row = self.row;
        self.row += 1;
        if self.max_level > 0 && self.levels.get(row) != Some(&self.max_level) {
            return Cell::Null;
        }
        let at = self.value;
        self.value += 1;
        let cell = match &self.buffer {
            Buffer::Int32(values) => values.get(at).map(|&value| Cell::Int(i64::from(value))),
            Buffer::Int64(values) => values.get(at).map(|&value| Cell::Int(value)),
            Buffer::Int96(values) => values.get(at).map(Cell::Int96),
            Buffer::Float(values) => values.get(at).map(|&value| Cell::Float(value)),
            Buffer::Double(values) => values.get(at).map(|&value| Cell::Double(value)),
            Buffer::Bytes(values) => values.get(at).map(|value| Cell::Bytes(value.data())),
            Buffer::Fixed(values) => values.get(at).map(|value| Cell::Bytes(value.data())),
        };
        cell.unwrap_or(Cell::Null)
    }
}

impl Cell<'_> {
    pub(super) fn text(self) -> String {
        let text = match self {
            Self::Null => "null".into(),
            Self::Int(value) => value.to_string(),
            Self::Int96(value) => format!("{:?}", value.data()),
            Self::Float(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        };
        text.chars().take(60).collect()
    }

    /// Reads the integer of a DECIMAL: two's complement, most significant byte first.
    fn integer(self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(i128::from(value)),
            Self::Bytes(bytes) if (1..=16).contains(&bytes.len()) => {
                let sign = if bytes[0] & 0x80 == 0 { 0_i128 } else { -1 };
                Some(bytes.iter().fold(sign, |sum, &byte| (sum << 8) | i128::from(byte)))
            }
            _ => None,
        }
    }

    pub(super) fn number(self, kind: Kind, volume: bool) -> Option<Rounded> {
        match (self, kind) {
            (Self::Double(value), _) if volume => number::volume_from_f64(value),
            (Self::Double(value), _) => number::price_from_f64(value),
            // The shortest text of a single is what was meant: 126.35, not 126.34999847.
            (Self::Float(value), _) if volume => number::volume(value.to_string().as_bytes()),
            (Self::Float(value), _) => number::price(value.to_string().as_bytes()),
            (_, Kind::Scaled(scale)) if volume => {
                number::volume_from_scaled(self.integer()?, scale)
            }
            (_, Kind::Scaled(scale)) => number::price_from_scaled(self.integer()?, scale),
            _ => None,
        }
    }
}
