//! Parquet files of other programs, written here column by column.

use std::sync::Arc;

use catalog::{ImportOptions, Resolution};
use parquet::basic::Compression;
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::support::{Bench, rejections};

/// A column to write, with a definition level for each row when it is optional.
enum Data {
    I32(Vec<i32>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Optional(Vec<f64>, Vec<i16>),
    Text(Vec<&'static str>),
    Fixed(Vec<Vec<u8>>),
}

/// Writes the columns as one or more row groups of the same rows.
fn file(schema: &str, groups: usize, columns: &[Data]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        for data in columns {
            let mut column = group.next_column().unwrap().unwrap();
            let written = match data {
                Data::I32(v) => column.typed::<Int32Type>().write_batch(v, None, None),
                Data::I64(v) => column.typed::<Int64Type>().write_batch(v, None, None),
                Data::F32(v) => column.typed::<FloatType>().write_batch(v, None, None),
                Data::F64(v) => column.typed::<DoubleType>().write_batch(v, None, None),
                Data::Optional(v, levels) => {
                    column.typed::<DoubleType>().write_batch(v, Some(levels), None)
                }
                Data::Text(v) => {
                    let v: Vec<_> = v.iter().map(|text| ByteArray::from(*text)).collect();
                    column.typed::<ByteArrayType>().write_batch(&v, None, None)
                }
                Data::Fixed(v) => {
                    let v: Vec<_> = v.iter().cloned().map(FixedLenByteArray::from).collect();
                    column.typed::<FixedLenByteArrayType>().write_batch(&v, None, None)
                }
            };
            written.unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

const START: i64 = 1_300_195_800; // 2011-03-15 09:30 New York
const CSV: &str = "ts,symbol,open,high,low,close,volume\n\
    1300195800,SPY,126.1,127.25,126,126.5,100\n1300195860,SPY,126.2,127.25,126,126.5,200\n";

fn times(unit: i64) -> Vec<i64> {
    vec![START * unit, (START + 60) * unit]
}

const DOUBLES: &str =
    "required double open; required double high; required double low; required double close;";

fn doubles() -> Vec<Data> {
    let columns = [[126.1, 126.2], [127.25, 127.25], [126.0, 126.0], [126.5, 126.5]];
    columns.map(|column| Data::F64(column.to_vec())).into()
}

fn rows(time: Data, prices: Vec<Data>, volume: Data) -> Vec<Data> {
    let mut columns = vec![time, Data::Text(vec!["SPY", "SPY"])];
    columns.extend(prices);
    columns.push(volume);
    columns
}

/// contract.md section 4: every allowed type of time, price and volume gives the same bars.
#[test]
fn all_types_give_the_same_bars() {
    let expected = Bench::new();
    expected.csv(CSV);
    let expected = expected.bars("SPY", Resolution::Minute1);
    let volume = || Data::I64(vec![100, 200]);
    let raw = [126_100_i64, 126_200, 127_250, 127_250, 126_000, 126_000, 126_500, 126_500];
    let decimal64 = raw.chunks(2).map(|pair| Data::I64(pair.to_vec())).collect();
    let decimal32 = raw.chunks(2).map(|pair| Data::I32(pair.iter().map(|&v| v as i32).collect()));
    let fixed = raw.chunks(2).map(|pair| {
        Data::Fixed(pair.iter().map(|&v| (i128::from(v)).to_be_bytes()[8..].to_vec()).collect())
    });
    let singles = [[126.1_f32, 126.2], [127.25, 127.25], [126.0, 126.0], [126.5, 126.5]]
        .map(|column| Data::F32(column.to_vec()));
    let each =
        |kind: &str| ["open", "high", "low", "close"].map(|name| kind.replace('?', name)).join(" ");
    let symbol = "required binary symbol (STRING);";
    let cases = [
        (
            "required int64 ts;",
            Data::I64(times(1_000_000_000)),
            DOUBLES.to_owned(),
            doubles(),
            "required int64 volume;",
            volume(),
        ),
        (
            "required int64 TS (TIMESTAMP(NANOS,true));",
            Data::I64(times(1_000_000_000)),
            DOUBLES.to_owned(),
            doubles(),
            "required double Volume;",
            Data::F64(vec![100.0, 200.0]),
        ),
        (
            "required int64 timestamp (TIMESTAMP(MICROS,true));",
            Data::I64(times(1_000_000)),
            each("required int64 ? (DECIMAL(18,3));"),
            decimal64,
            "required int32 volume;",
            Data::I32(vec![100, 200]),
        ),
        (
            "required int64 time (TIMESTAMP(MILLIS,true));",
            Data::I64(times(1_000)),
            each("required int32 ? (DECIMAL(9,3));"),
            decimal32.collect(),
            "required int64 volume;",
            volume(),
        ),
        (
            "required int64 date;",
            Data::I64(times(1)),
            each("required fixed_len_byte_array(8) ? (DECIMAL(18,3));"),
            fixed.collect(),
            "required int64 volume;",
            volume(),
        ),
        (
            "required binary ts (STRING);",
            Data::Text(vec!["2011-03-15T13:30:00Z", "2011-03-15 13:31:00+00:00"]),
            each("required float ?;"),
            singles.into(),
            "required int64 volume;",
            volume(),
        ),
    ];
    for (time_type, time, price_type, prices, volume_type, volume) in cases {
        let schema = format!("{time_type} {symbol} {price_type} {volume_type}");
        let bench = Bench::new();
        let path = bench.file("x.parquet", file(&schema, 1, &rows(time, prices, volume)));
        let report = bench.import(&bench.options(&[path]));
        assert_eq!((report.stored, report.exit_code()), (2, 0), "{schema} {report:?}");
        assert_eq!(bench.bars("SPY", Resolution::Minute1), expected, "{schema}");
    }
}

/// Nulls and NaN are refused by row number; several row groups are one file.
#[test]
fn nulls_and_groups() {
    let schema = "required int64 ts; required binary symbol (STRING); optional double open; \
        required double high; required double low; required double close; required int64 volume;";
    let columns = vec![
        Data::I64(vec![START, START + 60, START + 120]),
        Data::Text(vec!["SPY", "SPY", "SPY"]),
        Data::Optional(vec![1.0, f64::NAN], vec![1, 0, 1]),
        Data::F64(vec![1.0; 3]),
        Data::F64(vec![1.0; 3]),
        Data::F64(vec![1.0; 3]),
        Data::I64(vec![5; 3]),
    ];
    let bench = Bench::new();
    let path = bench.file("x.parquet", file(schema, 2, &columns));
    let resolution = Some(Resolution::Minute1);
    let report = bench.import(&ImportOptions { resolution, ..bench.options(&[path]) });
    assert_eq!((report.rows, report.stored, report.duplicates), (6, 1, 1));
    let expected =
        [(2, "missing_field"), (3, "not_a_number"), (5, "missing_field"), (6, "not_a_number")];
    assert_eq!(rejections(&report), expected);
}

/// A wrong schema, a missing column, a cut or damaged file: nothing of it is stored, exit 65.
#[test]
fn broken_files_store_nothing() {
    let good_schema = format!(
        "required int64 ts; required binary symbol (STRING); {DOUBLES} required int64 volume;"
    );
    let good = || rows(Data::I64(times(1)), doubles(), Data::I64(vec![100, 200]));
    let whole = file(&good_schema, 1, &good());
    let no_close = good_schema.replace("close", "last");
    let integers = good_schema.replace("double", "int64");
    let prices = || (0..4).map(|_| Data::I64(vec![126, 126])).collect();
    let plain = rows(Data::I64(times(1)), prices(), Data::I64(vec![100, 200]));
    let bench = Bench::new();
    let paths = [
        bench.file("a.parquet", file(&no_close, 1, &good())),
        bench.file("b.parquet", file(&integers, 1, &plain)),
        bench.file("c.parquet", &whole[..whole.len() - 20]),
        bench.file("d.parquet", "PAR1 no"),
        bench.file("e.parquet", &whole),
    ];
    let report = bench.import(&bench.options(&paths));
    assert_eq!((report.files, report.rows, report.stored), (5, 2, 2));
    let errors: Vec<_> = report.broken_files.iter().map(|file| file.error.as_str()).collect();
    assert_eq!((errors.len(), report.exit_code()), (4, 65), "{errors:?}");
    assert!(errors[0].contains("column close is missing"), "{errors:?}");
    assert!(errors[1].contains("open has type INT64"), "{errors:?}");
    for at in (4..whole.len()).step_by(5) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x81;
        let path = bench.file("f.parquet", damaged);
        bench.import(&bench.options(&[path]));
    }
}

/// A TIMESTAMP that is not UTC is a local time and needs `--tz`; without a symbol column the
/// symbol is stated.
#[test]
fn local_stamps_and_stated_symbols() {
    let schema =
        format!("required int64 ts (TIMESTAMP(NANOS,false)); {DOUBLES} required int64 volume;");
    let local = (START - 4 * 3600) * 1_000_000_000;
    let mut columns = vec![Data::I64(vec![local, local + 60_000_000_000])];
    columns.extend(doubles());
    columns.push(Data::I64(vec![100, 200]));
    let bench = Bench::new();
    let path = bench.file("x.parquet", file(&schema, 1, &columns));
    let symbol = Some("SPY".parse().unwrap());
    let options = ImportOptions { symbol, ..bench.options(&[path]) };
    let error = catalog::import(&options, &bench.calendar, &mut |_| {}).unwrap_err();
    assert_eq!(error.exit_code(), 64, "{error}");
    let tz = Some("America/New_York".to_owned());
    let unnamed = ImportOptions { tz: tz.clone(), symbol: None, ..options.clone() };
    let error = catalog::import(&unnamed, &bench.calendar, &mut |_| {}).unwrap_err();
    assert_eq!(error.exit_code(), 64, "{error}");
    bench.import(&ImportOptions { tz, ..options });
    let expected = Bench::new();
    expected.csv(CSV);
    assert_eq!(bench.bars("SPY", Resolution::Minute1), expected.bars("SPY", Resolution::Minute1));
}
