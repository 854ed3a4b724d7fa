//! Parquet by columns: writing whole columns and reading INT64 columns back.
//!
//! Used for the store's own files and for exports; foreign files are read by
//! [`import`](crate::import). Files are ZSTD with delta-packed integers, which pandas, polars,
//! DuckDB and Arrow read.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// Metadata: layout of the file, with its version.
pub(crate) const KEY_SCHEMA: &str = "bellwether.schema";
/// Metadata: says that INT64 prices are billionths.
pub(crate) const KEY_PRICE_UNIT: &str = "bellwether.price_unit";
/// The value of [`KEY_PRICE_UNIT`].
pub(crate) const PRICE_UNIT: &str = "1e-9";
/// Metadata: the logical type of prices, for people and other programs.
pub(crate) const KEY_PRICE_TYPE: &str = "bellwether.price_logical_type";
/// The value of [`KEY_PRICE_TYPE`].
pub(crate) const PRICE_TYPE: &str = "decimal(19,9) stored as int64: dollars = value / 1e9";
/// Metadata: what `ts` means.
pub(crate) const KEY_TIME: &str = "bellwether.ts";
/// The value of [`KEY_TIME`].
pub(crate) const TIME: &str =
    "start of the bar, UTC nanoseconds; daily bars: 00:00 UTC of the session date";
/// Metadata: the symbol of a file without a symbol column.
pub(crate) const KEY_SYMBOL: &str = "bellwether.symbol";
/// Metadata: the resolution of all rows.
pub(crate) const KEY_RESOLUTION: &str = "bellwether.resolution";

/// Metadata: says that INT64 sizes of prints and quotes are billionths of a share.
pub(crate) const KEY_SIZE_UNIT: &str = "bellwether.size_unit";
/// The value of [`KEY_SIZE_UNIT`].
pub(crate) const SIZE_UNIT: &str = "1e-9 shares";

/// One column to write.
pub(crate) enum Column<'a> {
    /// Integers.
    Int64(&'a [i64]),
    /// Text.
    Text(&'a [ByteArray]),
}

/// Encodes one row group.
pub(crate) fn encode(
    schema: &str,
    metadata: &[(&str, String)],
    columns: &[Column<'_>],
) -> Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(schema)?);
    let metadata =
        metadata.iter().map(|(key, value)| KeyValue::new((*key).into(), value.clone())).collect();
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by("bellwether catalog".into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_key_value_metadata(Some(metadata));
    for (column, field) in columns.iter().zip(schema.get_fields()) {
        // Prices hardly repeat: a dictionary costs more than it saves; deltas are small.
        if matches!(column, Column::Int64(_)) {
            let path = parquet::schema::types::ColumnPath::from(field.name());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build()))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(mut target) = group.next_column()? else {
            return Err(ParquetError::General("more columns than the schema names".into()));
        };
        match column {
            Column::Int64(values) => {
                target.typed::<Int64Type>().write_batch(values, None, None)?;
            }
            Column::Text(values) => {
                target.typed::<ByteArrayType>().write_batch(values, None, None)?;
            }
        }
        target.close()?;
    }
    group.close()?;
    writer.into_inner()
}

/// Opens a Parquet file; a file whose content makes the reader panic is an error like any other.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::General("the content is damaged".into())))
}

/// A Parquet file of our own with its metadata.
pub(crate) struct OwnFile {
    reader: SerializedFileReader<File>,
}

impl OwnFile {
    pub(crate) fn open(file: File) -> Result<Self> {
        Ok(Self { reader: SerializedFileReader::new(file)? })
    }

    /// Returns a value of the file's metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        metadata_value(&self.reader, key)
    }

    /// Returns how many rows the file has.
    pub(crate) fn rows(&self) -> u64 {
        self.reader.metadata().file_metadata().num_rows().unsigned_abs()
    }

    /// Reads a required INT64 column of all row groups.
    pub(crate) fn int64(&self, name: &str) -> Result<Vec<i64>> {
        let mut values = Vec::new();
        self.each_group(name, |reader, rows| match reader {
            ColumnReader::Int64ColumnReader(mut reader) => {
                reader.read_records(rows, None, None, &mut values).map(|_| ())
            }
            _ => Err(ParquetError::General(format!("column {name} is not INT64"))),
        })?;
        Ok(values)
    }

    /// Reads a required column of text of all row groups.
    pub(crate) fn text(&self, name: &str) -> Result<Vec<ByteArray>> {
        let mut values = Vec::new();
        self.each_group(name, |reader, rows| match reader {
            ColumnReader::ByteArrayColumnReader(mut reader) => {
                reader.read_records(rows, None, None, &mut values).map(|_| ())
            }
            _ => Err(ParquetError::General(format!("column {name} is no text"))),
        })?;
        Ok(values)
    }

    fn each_group(
        &self,
        name: &str,
        mut read: impl FnMut(ColumnReader, usize) -> Result<()>,
    ) -> Result<()> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let found = schema.columns().iter().position(|column| column.name() == name);
        let missing = || ParquetError::General(format!("column {name} is missing"));
        let index = found.ok_or_else(missing)?;
        if schema.column(index).max_def_level() > 0 {
            return Err(ParquetError::General(format!("column {name} is not required")));
        }
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group)?;
            let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            read(group.get_column_reader(index)?, rows)?;
        }
        Ok(())
    }
}

/// Returns a value of a Parquet file's metadata.
pub(crate) fn metadata_value<'a>(
    reader: &'a SerializedFileReader<File>,
    key: &str,
) -> Option<&'a str> {
    let pairs = reader.metadata().file_metadata().key_value_metadata()?;
    pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
}
