//! LEAN folders of our own making.

use std::path::PathBuf;

use catalog::{ActionKind, ImportOptions, Resolution, open_data};
use model::exchange::Calendar;

use crate::support::{Bench, lean_options, zip_of};

const MINUTES: &str = "34200000,1263500,1263900,1263500,1263900,1579\n\
    34260000,1264500,1264500,1264500,1264500,300\n";
const DAYS: &str = "20140606 00:00,6499000,6512600,6444700,6455700,12497800\n\
    20140609 00:00,927000,938800,917500,937000,75414997\n";

/// A small LEAN folder; returns its root.
fn folder(bench: &Bench) -> PathBuf {
    let usa = "lean/equity/usa";
    let minute = zip_of(&[("20110315_spy_minute_trade.csv", MINUTES)]);
    bench.file(&format!("{usa}/minute/spy/20110315_trade.zip"), minute);
    bench.file(&format!("{usa}/minute/spy/20110315_quote.zip"), "unread");
    bench.file(&format!("{usa}/hour/spy.zip"), "unread");
    bench.file(&format!("{usa}/daily/aapl.zip"), zip_of(&[("aapl.csv", DAYS)]));
    let factors = "20140507,0.9944456637,0.1428571429,592.33\n20140606,1,0.1428571429,645.57\n\
        20501231,1,1,0\n";
    bench.file(&format!("{usa}/factor_files/aapl.csv"), factors);
    bench.file(&format!("{usa}/map_files/meta.csv"), "20120518,fb\n20220608,fb\n20501231,meta\n");
    bench.path("lean")
}

/// LEAN's scale and clock; factor files become splits and dividends; the rest is counted.
#[test]
fn reads_a_folder() {
    let bench = Bench::new();
    let root = folder(&bench);
    let report = bench.import(&lean_options(&root, &bench.root()));
    assert_eq!((report.rows, report.stored, report.exit_code()), (4, 4, 0));
    let bars = bench.bars("SPY", Resolution::Minute1);
    assert_eq!(bars[0].start.to_string(), "2011-03-15T13:30:00Z");
    assert_eq!(bars[0].high.to_string(), "126.39");
    let daily = bench.bars("AAPL", Resolution::Day1);
    assert_eq!(daily[0].close.to_string(), "645.57");
    let actions = bench.store().actions("AAPL".parse().unwrap()).unwrap();
    let seen: Vec<_> = actions.iter().map(|a| (a.date.to_string(), a.kind, a.value)).collect();
    let expected = [
        ("2014-05-08".to_owned(), ActionKind::Dividend, 3_290_000_000),
        ("2014-06-09".to_owned(), ActionKind::Split, 7_000_000_000),
    ];
    assert_eq!(seen, expected);
    assert_eq!(report.renames.len(), 1);
    assert_eq!(report.renames[0].last.to_string(), "2022-06-08");
    let reasons: Vec<_> =
        report.skipped_files.iter().map(|s| (s.reason.as_str(), s.count)).collect();
    assert_eq!(reasons, [("hour data is not stored", 1), ("quotes are not stored", 1)]);
}

/// A place inside the folder or one zip is enough; `--resolution` picks.
#[test]
fn reads_a_part_of_a_folder() {
    let bench = Bench::new();
    let root = folder(&bench);
    for (part, rows) in [
        ("equity/usa", 4),
        ("equity/usa/minute", 2),
        ("equity/usa/minute/spy/20110315_trade.zip", 2),
        ("equity/usa/daily", 2),
    ] {
        let bench = Bench::new();
        let report = bench.import(&lean_options(&root.join(part), &bench.root()));
        assert_eq!((report.rows, report.stored), (rows, rows), "{part}");
    }
    let daily =
        ImportOptions { resolution: Some(Resolution::Day1), ..lean_options(&root, &bench.root()) };
    let report = bench.import(&daily);
    assert_eq!(report.stored, 2);
    let alone =
        bench.file("20110315_trade.zip", zip_of(&[("20110315_qqq_minute_trade.csv", MINUTES)]));
    bench.import(&lean_options(&alone, &bench.root()));
    assert_eq!(bench.bars("QQQ", Resolution::Minute1).len(), 2);
}

/// Broken zips store nothing, the others go on; bad lines are named.
#[test]
fn broken_zips_and_bad_lines() {
    let bench = Bench::new();
    let root = folder(&bench);
    let minute = |day: &str| format!("lean/equity/usa/minute/spy/{day}_trade.zip");
    let whole = zip_of(&[("20110316_spy_minute_trade.csv", &MINUTES.repeat(50))]);
    bench.file(&minute("20110316"), &whole[..whole.len() / 2]);
    let mut flipped = zip_of(&[("20110317_spy_minute_trade.csv", MINUTES)]);
    flipped[60] ^= 0x55;
    bench.file(&minute("20110317"), flipped);
    bench.file(&minute("20110318"), zip_of(&[("20110317_spy_minute_trade.csv", MINUTES)]));
    bench.file(&minute("20110321"), zip_of(&[("a.csv", ""), ("b.csv", "")]));
    bench.file(&minute("notadate"), zip_of(&[("a.csv", "")]));
    let lines = "34200000,1,2,1\n86400000,1,2,1,2,5\n100000,1,2,1,2,5\n34200000,x,2,1,2,5\n";
    bench.file(&minute("20110322"), zip_of(&[("20110322_spy_minute_trade.csv", lines)]));
    let report = bench.import(&lean_options(&root, &bench.root()));
    assert_eq!(
        (report.broken_files.len(), report.exit_code()),
        (5, 65),
        "{:?}",
        report.broken_files
    );
    assert_eq!((report.rows, report.stored), (8, 4));
    let reasons: Vec<_> = report.rejected.iter().map(|r| (r.line, r.reason.code())).collect();
    let expected =
        [(1, "missing_field"), (2, "bad_time"), (4, "not_a_number"), (3, "not_on_minute")];
    assert_eq!(reasons, expected);
}

/// `--data` takes a LEAN folder: a temporary store that goes away again.
#[test]
fn opens_a_lean_folder_as_data() {
    let bench = Bench::new();
    let root = folder(&bench);
    let calendar = Calendar::nyse();
    let data = open_data(&root, &calendar, &mut |_| {}).unwrap();
    assert_eq!(data.store.symbols().unwrap().len(), 2);
    assert_eq!(data.imported.as_ref().unwrap().stored, 4);
    let place = data.store.root().to_path_buf();
    drop(data);
    assert!(!place.exists());
    bench.import(&lean_options(&root, &bench.root()));
    let data = open_data(&bench.root(), &calendar, &mut |_| {}).unwrap();
    assert!(data.imported.is_none());
    let nothing = open_data(bench.folder.path(), &calendar, &mut |_| {}).unwrap_err();
    assert_eq!(nothing.exit_code(), 66);
    assert_eq!(open_data(&bench.path("none"), &calendar, &mut |_| {}).unwrap_err().exit_code(), 66);
}
