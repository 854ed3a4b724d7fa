//! CSV import (contract.md section 4), on small files of our own.

use catalog::{
    CatalogError, ImportOptions, OnConflict, Reason, Resolution, Stage, StampSide, import,
};

use crate::support::{Bench, assert_identity, rejections, snapshot};

const HEADER: &str = "ts,symbol,open,high,low,close,volume\n";

/// Rows of SPY from 09:30 New York of 2011-03-15 on, one a minute.
fn minutes(count: i64) -> String {
    (0..count)
        .map(|at| {
            let ts = 1_300_195_800 + at * 60;
            format!("{ts},SPY,126.{:02},127,126,126.5,{}\n", 10 + at, 100 + at)
        })
        .collect()
}

#[test]
fn good_rows_are_stored_and_listed() {
    let bench = Bench::new();
    let report = bench.csv(&format!("{HEADER}{}", minutes(5)));
    assert_eq!((report.files, report.rows, report.stored, report.exit_code()), (1, 5, 5, 0));
    let series = &report.symbols[0];
    assert_eq!((series.resolution, series.sessions, series.bars), (Resolution::Minute1, 1, 5));
    assert_eq!(series.from.to_string(), "2011-03-15");
    let bars = bench.bars("SPY", Resolution::Minute1);
    assert_eq!(bars.len(), 5);
    assert_eq!(bars[0].start.to_string(), "2011-03-15T13:30:00Z");
    assert_eq!(bars[0].open.to_string(), "126.10");
    assert_eq!(bars[4].volume.0, 104);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["symbols"][0]["from"], "2011-03-15");
    assert_eq!(json["symbols"][0]["resolution"], "1min");
    let listing = serde_json::to_value(bench.store().list().unwrap()).unwrap();
    assert_eq!(listing["symbols"], json["symbols"]);
}

/// CRLF, byte-order mark, quotes, any case of names, other columns listed, `;` told by itself.
#[test]
fn reads_the_dialects_of_csv() {
    let plain = Bench::new();
    plain.csv(&format!("{HEADER}{}", minutes(5)));
    let expected = plain.bars("SPY", Resolution::Minute1);
    let header = "\"TS\",Symbol,OPEN,High,low,Close,\"Volume\",vwap,Note\n";
    let body = minutes(5).replace('\n', ",126.4,\"a, \"\"b\"\"\"\n").replace("SPY", "\"spy\"");
    let text = format!("\u{feff}{header}{body}");
    let semicolons = format!("{HEADER}{}", minutes(5)).replace(',', ";");
    for text in [text.clone(), text.replace('\n', "\r\n"), format!("{text}\n\n"), semicolons] {
        let bench = Bench::new();
        let report = bench.csv(&text);
        assert_eq!((report.rows, report.stored), (5, 5), "{text}");
        assert_eq!(bench.bars("SPY", Resolution::Minute1), expected);
        let ignored: Vec<_> = report.ignored_columns.iter().map(|c| c.column.as_str()).collect();
        assert!(ignored.is_empty() || ignored == ["Note", "vwap"], "{ignored:?}");
    }
}

/// Each bad row is refused with its line, reason and value; the good ones go in.
#[test]
fn bad_rows_are_refused_by_name() {
    let bench = Bench::new();
    let mut text = format!("{HEADER}{}", minutes(4));
    for row in [
        "1300196100,SPY,126,127,126,nan,1",
        "1300196160,SPY,126,127,,126.5,1",
        "1300196220,SPY,126,127,0,126.5,1",
        "1300196280,SPY,126,126,126,126.5,1",
        "1300196340,SPY,126,127,126,126.5,-1",
        "2011-03-15T13:41:30Z,SPY,126,127,126,126.5,1",
        "when,SPY,126,127,126,126.5,1",
        "1300197000,S P Y,126,127,126,126.5,1",
        "2011-03-15T03:00:00Z,SPY,126,127,126,126.5,1",
        "2011-03-13T15:00:00Z,SPY,126,127,126,126.5,1",
        "1950-03-15T15:00:00Z,SPY,126,127,126,126.5,1",
        "1300197060,\"SPY,126,127,126,126.5,1",
        "1300197060,SPY,126",
    ] {
        text.push_str(row);
        text.push('\n');
    }
    let report = bench.csv(&text);
    let expected = [
        (6, "not_a_number"),
        (7, "missing_field"),
        (8, "price_not_positive"),
        (9, "ohlc_order"),
        (10, "negative_volume"),
        (12, "bad_time"),
        (13, "bad_symbol"),
        (17, "unclosed_quote"),
        (18, "missing_field"),
        (11, "not_on_minute"),
        (14, "off_calendar"),
        (15, "off_calendar"),
        (16, "no_calendar"),
    ];
    assert_eq!(rejections(&report), expected);
    assert_eq!((report.stored, report.exit_code()), (4, 0));
    assert_eq!(report.rejected_by_reason["off_calendar"], 2);
    let first = &report.rejected[0];
    assert!(first.file.ends_with("input.csv"));
    assert_eq!(first.value, "close nan");
}

/// `--strict`: the import fails as a whole and the store stays as it was.
#[test]
fn strict_refuses_the_import() {
    let bench = Bench::new();
    bench.csv(&format!("{HEADER}{}", minutes(2)));
    let before = snapshot(&bench.root());
    let text = format!("{HEADER}{}1300200000,SPY,x,1,1,1,1\n", minutes(5));
    let path = bench.file("more.csv", text);
    let options = ImportOptions { strict: true, ..bench.options(&[path]) };
    let report = bench.import(&options);
    assert_eq!((report.exit_code(), report.refused), (65, true));
    assert_eq!(snapshot(&bench.root()), before);
    let report = bench.import(&ImportOptions { strict: false, ..options });
    assert_eq!((report.exit_code(), report.stored, report.duplicates), (0, 3, 2));
}

#[test]
fn no_good_row_is_exit_65() {
    let bench = Bench::new();
    let report =
        bench.csv(&format!("{HEADER}1300200000,SPY,x,1,1,1,1\n1300200060,SPY,1,1,1,1,?\n"));
    assert_eq!((report.stored, report.exit_code()), (0, 65));
    let report = bench.csv(HEADER);
    assert_eq!((report.rows, report.exit_code()), (0, 65));
}

/// The same file twice: all duplicates. Other values: a conflict, kept or replaced.
#[test]
fn merges_with_the_store() {
    let bench = Bench::new();
    bench.csv(&format!("{HEADER}{}", minutes(5)));
    let before = snapshot(&bench.root());
    let again = bench.csv(&format!("{HEADER}{}", minutes(5)));
    assert_eq!((again.stored, again.duplicates, again.exit_code()), (0, 5, 0));
    assert_eq!(snapshot(&bench.root()), before);

    let changed = format!("{HEADER}{}", minutes(6)).replace("126.12,", "126.99,");
    let report = bench.csv(&changed);
    assert_eq!((report.stored, report.duplicates, report.conflicts), (1, 4, 1));
    assert_eq!(report.store_conflicts[0].line, 4);
    assert_eq!(bench.bars("SPY", Resolution::Minute1)[2].open.to_string(), "126.12");

    let path = bench.file("changed.csv", &changed);
    let options = ImportOptions { on_conflict: OnConflict::Replace, ..bench.options(&[path]) };
    let report = bench.import(&options);
    assert_eq!((report.stored, report.duplicates, report.conflicts), (0, 5, 1));
    assert_eq!(report.replaced, 1);
    assert_eq!(bench.bars("SPY", Resolution::Minute1)[2].open.to_string(), "126.99");
}

/// Two files of one import that disagree: both rows are refused, both places named.
#[test]
fn a_conflict_within_the_import_names_both_places() {
    let bench = Bench::new();
    let a = bench.file("a.csv", format!("{HEADER}{}", minutes(5)));
    let b = bench.file("b.csv", format!("{HEADER}{}", minutes(5)).replace("126.13,", "126.90,"));
    let report = bench.import(&bench.options(&[a, b]));
    assert_eq!((report.rows, report.stored, report.duplicates, report.conflicts), (10, 4, 4, 2));
    let rows: Vec<_> = report.rejected.iter().map(|row| (row.reason, row.line)).collect();
    assert_eq!(rows, [(Reason::Conflict, 5), (Reason::Conflict, 5)]);
    assert!(report.rejected[0].value.contains("b.csv:5"), "{}", report.rejected[0].value);
    assert!(report.rejected[1].value.contains("a.csv:5"));
    assert_eq!(bench.bars("SPY", Resolution::Minute1).len(), 4);
}

/// A structurally broken file stores nothing; the others go on; exit 65.
#[test]
fn a_broken_file_does_not_stop_the_others() {
    let bench = Bench::new();
    let good = bench.file("a.csv", format!("{HEADER}{}", minutes(3)));
    let missing = bench.file("b.csv", "ts,symbol,open,high,low,volume\n1300195800,SPY,1,1,1,1\n");
    let ticks = bench.file("c.csv", "ts,price,volume\n1300195800,1.5,100\n");
    let empty = bench.file("d.csv", "");
    let binary = bench.file("e.csv", vec![7_u8; 100_000]);
    let report = bench.import(&bench.options(&[good, missing, ticks, empty, binary]));
    assert_eq!((report.files, report.rows, report.stored, report.exit_code()), (5, 3, 3, 65));
    let errors: Vec<_> = report.broken_files.iter().map(|file| file.error.as_str()).collect();
    assert!(errors[0].contains("column close is missing"), "{errors:?}");
    assert!(errors[1].contains("column size is missing"), "{errors:?}");
    assert_eq!(errors.len(), 4);
}

#[test]
fn a_contradicting_resolution_is_refused() {
    let bench = Bench::new();
    let path = bench.file("a.csv", format!("{HEADER}{}", minutes(5)));
    for resolution in [Resolution::Minute5, Resolution::Minute30, Resolution::Day1] {
        let options = ImportOptions {
            resolution: Some(resolution),
            ..bench.options(std::slice::from_ref(&path))
        };
        let report = bench.import(&options);
        assert_eq!((report.stored, report.exit_code()), (0, 65));
        assert!(report.broken_files[0].error.contains(resolution.name()));
    }
}

/// Stamps at the end of the bar, no header, `;`, a stated format and zone.
#[test]
fn end_stamps_without_header() {
    let bench = Bench::new();
    let path = bench.file(
        "nt.csv",
        "20110314 133100;126.1;127;126;126.5;100\n20110314 133200;126.2;127;126;126.5;200\n",
    );
    let options = ImportOptions {
        tz: Some("UTC".into()),
        timestamp: StampSide::Close,
        symbol: Some("SPY".parse().unwrap()),
        columns: Some("ts,open,high,low,close,volume".split(',').map(Into::into).collect()),
        delimiter: Some(b';'),
        ..bench.options(&[path])
    };
    for time_format in [None, Some("yyyyMMdd HHmmss".to_owned()), Some("%Y%m%d %H%M%S".to_owned())]
    {
        bench.import(&ImportOptions { time_format, ..options.clone() });
        let bars = bench.bars("SPY", Resolution::Minute1);
        let starts: Vec<_> = bars.iter().map(|bar| bar.start.to_string()).collect();
        assert_eq!(starts, ["2011-03-14T13:30:00Z", "2011-03-14T13:31:00Z"]);
    }
}

/// contract.md section 4: usage errors are exit 64 and store nothing.
#[test]
fn missing_flags_are_usage_errors() {
    let bench = Bench::new();
    let local = bench
        .file("a.csv", "ts,symbol,open,high,low,close,volume\n2020-12-15 09:30,SPY,1,1,1,1,1\n");
    let unnamed = bench.file("b.csv", "ts,open,high,low,close,volume\n1300195800,1,1,1,1,1\n");
    let good = bench.file("c.csv", format!("{HEADER}{}", minutes(3)));
    let zone = ImportOptions {
        tz: Some("Mars/Base".into()),
        ..bench.options(std::slice::from_ref(&good))
    };
    let format = ImportOptions { time_format: Some("%Q".into()), ..bench.options(&[good]) };
    let none = bench.options(&[bench.path("none.csv")]);
    for (options, code) in [
        (bench.options(&[local]), 64),
        (bench.options(&[unnamed]), 64),
        (zone, 64),
        (format, 64),
        (none, 66),
    ] {
        let error = import(&options, &bench.calendar, &mut |_| {}).unwrap_err();
        assert_eq!(error.exit_code(), code, "{error}");
        assert_eq!(snapshot(&bench.root()), []);
    }
}

#[test]
fn empty_rows_are_skipped_on_request() {
    let bench = Bench::new();
    let text = format!("{HEADER}{}", minutes(5)).replace(",102\n", ",0\n");
    let path = bench.file("a.csv", &text);
    let report = bench.import(&ImportOptions { skip_empty: true, ..bench.options(&[path]) });
    assert_eq!((report.rows, report.stored, report.skipped), (5, 4, 1));
}

/// Daily rows with WIKI's columns: bars, and splits and dividends on request.
#[test]
fn splits_and_dividends_from_wiki_columns() {
    let bench = Bench::new();
    let text = "Date,Open,High,Low,Close,Volume,Ex-Dividend,Split Ratio,Adj. Open\n\
        2014-06-09,92.7,93.88,91.75,93.7,75414997.0,0.0,7.0,1\n\
        2014-06-06,649.9,651.26,644.47,645.57,12497800.5,0.0,1.0,1\n\
        2014-05-08,588.25,594.41,586.4,587.99,8221800.0,3.29,1.0,1\n";
    let path = bench.file("aapl.csv", text);
    let options = ImportOptions { symbol: Some("AAPL".parse().unwrap()), ..bench.options(&[path]) };
    let report = bench.import(&options);
    assert_eq!((report.stored, report.volumes_rounded, report.actions.rows), (3, 1, 0));
    assert_eq!(report.ignored_columns.len(), 3);
    let report = bench.import(&ImportOptions { actions: true, ..options });
    assert_eq!((report.duplicates, report.actions.stored), (3, 2));
    let actions = bench.store().actions("AAPL".parse().unwrap()).unwrap();
    let seen: Vec<_> =
        actions.iter().map(|a| (a.date.to_string(), a.kind.name(), a.value)).collect();
    let expected = [
        ("2014-05-08".to_owned(), "dividend", 3_290_000_000),
        ("2014-06-09".to_owned(), "split", 7_000_000_000),
    ];
    assert_eq!(seen, expected);
    assert_eq!(actions[1].split_ratio(), Some(7.0));
    let bars = bench.bars("AAPL", Resolution::Day1);
    assert_eq!(bars[2].start.to_string(), "2014-06-09T00:00:00Z");
    assert_eq!(bars[1].volume.0, 12_497_800);
}

/// A file of its own with date, kind and value; years outside the calendar are refused (TC9).
#[test]
fn splits_and_dividends_from_their_own_file() {
    let bench = Bench::new();
    let text = "date,symbol,kind,value\n2014-06-09,AAPL,split,7\n2014-05-08,AAPL,dividend,3.29\n\
        1950-01-03,AAPL,split,2\n2014-08-07,AAPL,merger,1\n2014-08-07,AAPL,dividend,x\n";
    let path = bench.file("actions.csv", text);
    let refused = bench.import(&bench.options(std::slice::from_ref(&path)));
    assert!(refused.broken_files[0].error.contains("--actions"));
    let options = ImportOptions { actions: true, ..bench.options(&[path]) };
    let report = import(&options, &bench.calendar, &mut |_| {}).unwrap();
    assert_identity(&report);
    let actions = &report.actions;
    assert_eq!((actions.rows, actions.stored, report.exit_code()), (5, 2, 0));
    let reasons: Vec<_> = actions.rejected_by_reason.keys().copied().collect();
    assert_eq!(reasons, ["no_calendar", "not_a_number", "unknown_kind"]);
}

/// Two importers at once: the second is told, the first is not disturbed.
#[test]
fn a_second_import_is_refused_while_one_runs() {
    let bench = Bench::new();
    let path = bench.file("a.csv", format!("{HEADER}{}", minutes(3)));
    let options = bench.options(&[path]);
    let mut tried = false;
    let report = import(&options, &bench.calendar, &mut |progress| {
        if progress.stage != Stage::Reading {
            return;
        }
        let second = import(&options, &bench.calendar, &mut |_| {});
        assert!(matches!(second, Err(CatalogError::Locked { .. })), "{second:?}");
        tried = true;
    });
    assert!(tried);
    assert_eq!(report.unwrap().stored, 3);
}
