//! The store on disk: cache, damage, ranges.

use std::fs;

use catalog::{CatalogError, Resolution, Store};

use crate::support::{Bench, all_bars, date};

const PARQUET: &str = "store/bars/SPY/1min/2011.parquet";
const CACHE: &str = "store/cache/SPY/1min/2011.cache";

/// A store with a few minutes of two sessions in each of two years.
fn bench() -> Bench {
    let bench = Bench::new();
    let mut text = String::from("ts,symbol,open,high,low,close,volume\n");
    for day in ["2011-03-15", "2011-03-16", "2012-01-03", "2012-01-04"] {
        for minute in 30..59 {
            text.push_str(&format!(
                "{day}T15:{minute}:00Z,SPY,126.{minute},127.5,126.01,126.5,{minute}00\n"
            ));
        }
    }
    bench.csv(&text);
    bench
}

#[test]
fn loads_ranges_of_sessions() {
    let bench = bench();
    let store = bench.store();
    let symbol = "SPY".parse().unwrap();
    let count =
        |from: &str, to: &str| store.load_minutes(symbol, date(from), date(to)).unwrap().len();
    assert_eq!(count("2011-03-15", "2011-03-15"), 29);
    assert_eq!(count("2011-03-16", "2012-01-03"), 58);
    assert_eq!(count("2000-01-01", "2030-01-01"), 116);
    assert_eq!(count("2011-03-17", "2012-01-02"), 0);
    assert_eq!(count("2012-01-04", "2012-01-03"), 0);
    let sessions = store.sessions(symbol, Resolution::Minute1).unwrap();
    let sessions: Vec<_> = sessions.iter().map(ToString::to_string).collect();
    assert_eq!(sessions, ["2011-03-15", "2011-03-16", "2012-01-03", "2012-01-04"]);
    let missing = store.load_daily(symbol, date("2011-01-01"), date("2011-12-31")).unwrap_err();
    assert_eq!(missing.exit_code(), 66);
    let unknown =
        store.load_minutes("QQQ".parse().unwrap(), date("2011-01-01"), date("2011-01-01"));
    let error = unknown.unwrap_err();
    assert!(error.to_string().contains("QQQ") && error.to_string().contains("SPY"), "{error}");
}

/// The last minutes of a winter session lie on the next UTC date, and on 31 December in the next
/// UTC year; the file is the session's year.
#[test]
fn the_year_is_that_of_the_session() {
    let bench = Bench::new();
    let report = bench.csv(
        "ts,symbol,open,high,low,close,volume\n2013-01-01T00:58:00Z,SPY,1,1,1,1,1\n\
         2013-01-01T00:59:00Z,SPY,1,1,1,1,1\n",
    );
    assert_eq!(report.stored, 2);
    assert!(bench.path("store/bars/SPY/1min/2012.parquet").is_file());
    let day = date("2012-12-31");
    assert_eq!(bench.store().load_minutes("SPY".parse().unwrap(), day, day).unwrap().len(), 2);
}

/// Every damage of the cache is noticed; what is loaded is always what the Parquet file says.
#[test]
fn a_damaged_cache_is_made_again() {
    let bench = bench();
    let expected = bench.bars("SPY", Resolution::Minute1);
    let good = fs::read(bench.path(CACHE)).unwrap();
    for at in (0..good.len()).step_by(71) {
        let mut damaged = good.clone();
        damaged[at] ^= 0x10;
        fs::write(bench.path(CACHE), &damaged).unwrap();
        assert_eq!(bench.bars("SPY", Resolution::Minute1), expected, "byte {at}");
        assert_eq!(fs::read(bench.path(CACHE)).unwrap(), good);
    }
    for length in [0, 10, 64, good.len() - 1] {
        fs::write(bench.path(CACHE), &good[..length]).unwrap();
        assert_eq!(bench.bars("SPY", Resolution::Minute1), expected, "cut at {length}");
    }
    fs::remove_dir_all(bench.path("store/cache")).unwrap();
    assert_eq!(bench.bars("SPY", Resolution::Minute1), expected);
}

/// A Parquet file that is replaced makes the cache stale.
#[test]
fn a_replaced_parquet_file_is_seen() {
    let bench = bench();
    let other = Bench::new();
    other.csv("ts,symbol,open,high,low,close,volume\n2011-03-15T15:00:00Z,SPY,5,5,5,5,5\n2011-03-15T15:01:00Z,SPY,5,5,5,5,5\n");
    fs::copy(other.path(PARQUET), bench.path(PARQUET)).unwrap();
    let day = date("2011-03-15");
    let bars = bench.store().load_minutes("SPY".parse().unwrap(), day, day).unwrap();
    assert_eq!((bars.len(), bars[0].open.to_string()), (2, "5.00".to_owned()));
}

/// A damaged or swapped Parquet file is an error (exit 65), never wrong data.
#[test]
fn a_damaged_parquet_file_is_an_error() {
    let bench = bench();
    let expected = bench.bars("SPY", Resolution::Minute1);
    let good = fs::read(bench.path(PARQUET)).unwrap();
    let mut errors = 0;
    for at in (0..good.len()).step_by(29) {
        let mut damaged = good.clone();
        damaged[at] ^= 0x24;
        fs::write(bench.path(PARQUET), &damaged).unwrap();
        let store = Store::open(&bench.root()).unwrap();
        match store.load_minutes("SPY".parse().unwrap(), date("2011-01-01"), date("2012-12-31")) {
            // A flip in metadata that carries no data (statistics, the writer's name).
            Ok(bars) => assert_eq!(bars, expected, "byte {at}"),
            Err(error) => {
                assert_eq!(error.exit_code(), 65, "{error}");
                assert!(error.to_string().contains("2011.parquet"));
                errors += 1;
            }
        }
    }
    assert!(errors > 10);
    fs::write(bench.path(PARQUET), &good[..good.len() / 2]).unwrap();
    let result =
        bench.store().load_minutes("SPY".parse().unwrap(), date("2011-01-01"), date("2011-12-31"));
    assert!(matches!(result, Err(CatalogError::Corrupt { .. })));
    // Another symbol's file under this name.
    fs::write(bench.path(PARQUET), &good).unwrap();
    fs::create_dir_all(bench.path("store/bars/QQQ/1min")).unwrap();
    fs::copy(bench.path(PARQUET), bench.path("store/bars/QQQ/1min/2011.parquet")).unwrap();
    let swapped =
        bench.store().load_minutes("QQQ".parse().unwrap(), date("2011-01-01"), date("2011-12-31"));
    assert!(matches!(swapped, Err(CatalogError::Corrupt { .. })));
}

/// Tickers with `/` and dots stay inside the store.
#[test]
fn odd_tickers_are_folders_like_others() {
    let bench = Bench::new();
    let rows = |symbol: &str| {
        (0..2).map(|m| format!("2011-03-15T15:0{m}:00Z,{symbol},1,1,1,1,1\n")).collect::<String>()
    };
    let text = ["BRK/B", "..", "../X", "BF.B"].map(rows).concat();
    let report = bench.csv(&format!("ts,symbol,open,high,low,close,volume\n{text}"));
    assert_eq!(report.stored, 8);
    let store = bench.store();
    let symbols = store.symbols().unwrap();
    let names: Vec<_> = symbols.iter().map(|symbol| symbol.as_str()).collect();
    assert_eq!(names, ["..", "../X", "BF.B", "BRK/B"]);
    for symbol in symbols {
        assert_eq!(all_bars(&store, symbol, Resolution::Minute1).len(), 2);
    }
    assert_eq!(fs::read_dir(bench.path("store/bars")).unwrap().count(), 4);
}
