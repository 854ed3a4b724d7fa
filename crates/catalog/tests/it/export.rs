//! Export, and import of what was exported.

use catalog::{ExportFormat, ExportOptions, Resolution, Store, export};

use crate::support::{Bench, date, snapshot};

fn bench() -> Bench {
    let bench = Bench::new();
    let mut text = String::from("ts,symbol,open,high,low,close,volume\n");
    for symbol in ["AAPL", "SPY"] {
        for minute in 10..40 {
            let row = format!(
                "2023-05-25T14:{minute}:00Z,{symbol},1.{minute},2.123456789,1,1.5,{minute}"
            );
            text.push_str(&row);
            text.push('\n');
        }
    }
    bench.csv(&text);
    let daily = "date,symbol,open,high,low,close,volume\n2023-05-24,SPY,1,2,1,2,5\n2023-05-25,SPY,2,3,2,3,5000000000\n";
    bench.csv(daily);
    bench
}

fn options(bench: &Bench, resolution: Resolution, format: ExportFormat) -> ExportOptions {
    let name = match format {
        ExportFormat::Csv => "out.csv",
        ExportFormat::Parquet => "out.parquet",
    };
    ExportOptions {
        symbols: Vec::new(),
        resolution,
        from: None,
        to: None,
        format,
        out: bench.path(name),
    }
}

/// Export and import give the same store, byte for byte.
#[test]
fn a_round_trip_is_identical() {
    let bench = bench();
    for format in [ExportFormat::Csv, ExportFormat::Parquet] {
        let other = Bench::new();
        for resolution in [Resolution::Minute1, Resolution::Day1] {
            let options = options(&bench, resolution, format);
            let report = export(&bench.store(), &options, &mut |_| {}).unwrap();
            let imported = other.import(&other.options(&[options.out]));
            assert_eq!(imported.stored, report.bars);
        }
        assert_eq!(snapshot(&other.root()), snapshot(&bench.root()));
    }
}

/// A file of the store itself can be imported elsewhere: it names symbol and resolution.
#[test]
fn a_file_of_the_store_imports_as_it_is() {
    let bench = bench();
    let other = Bench::new();
    let report = other.import(&other.options(&[bench.path("store/bars/AAPL/1min/2023.parquet")]));
    assert_eq!(report.stored, 30);
    assert_eq!(other.bars("AAPL", Resolution::Minute1), bench.bars("AAPL", Resolution::Minute1));
}

#[test]
fn picks_symbols_and_sessions_and_says_when_there_is_nothing() {
    let bench = bench();
    let store = bench.store();
    let mut options = options(&bench, Resolution::Minute1, ExportFormat::Csv);
    options.symbols = vec!["SPY".parse().unwrap()];
    assert_eq!(export(&store, &options, &mut |_| {}).unwrap().bars, 30);
    let text = std::fs::read_to_string(&options.out).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("ts,symbol,open,high,low,close,volume"));
    assert_eq!(lines.next(), Some("2023-05-25T14:10:00Z,SPY,1.10,2.123456789,1.00,1.50,10"));
    options.from = Some(date("2023-05-26"));
    assert_eq!(export(&store, &options, &mut |_| {}).unwrap_err().exit_code(), 66);
    options.symbols = vec!["QQQ".parse().unwrap()];
    assert_eq!(export(&store, &options, &mut |_| {}).unwrap_err().exit_code(), 66);
    assert_eq!(Store::open(&bench.path("none")).unwrap_err().exit_code(), 66);
}
