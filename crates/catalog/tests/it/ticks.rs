//! Prints and quotes in the store (contract.md section 4).

use std::path::Path;

use catalog::{CatalogError, FindingKind, ImportOptions, ImportReport, StampSide, TickKind, check};
use model::{Conditions, Symbol, Trade};

use crate::support::{Bench, date, rejections, snapshot};

/// 14:30 UTC of 2024-01-02, 09:30 in New York.
const TRADES: &str = "\
ts,symbol,price,size,side,venue
2024-01-02T14:30:00.000000001Z,X,10.01,100,buy,Q
2024-01-02T14:30:00.000000001Z,X,10.01,100,buy,Q
2024-01-02T14:30:00.5Z,X,10.02,0.5,1,Q
2024-01-03T14:30:00Z,X,10.03,7,,Q
2024-01-02T14:29:00Z,Y,99.99,3,sell,Q
";

fn symbol(name: &str) -> Symbol {
    name.parse().unwrap()
}

fn trades(bench: &Bench, name: &str) -> Vec<Trade> {
    bench.store().load_trades(symbol(name), date("1990-01-01"), date("2030-12-31")).unwrap()
}

fn import(bench: &Bench, name: &str, text: &str) -> ImportReport {
    let file = bench.file(name, text);
    bench.import(&bench.options(&[file]))
}

/// Ticks are counted like bars; equal prints of one file are two prints; other columns are named.
#[test]
fn prints_are_stored_by_session() {
    let bench = Bench::new();
    let report = import(&bench, "a.csv", TRADES);
    assert_eq!((report.rows, report.stored, report.exit_code()), (5, 5, 0));
    assert_eq!(report.ignored_columns[0].column, "venue");
    let x = &report.ticks[0];
    assert_eq!((x.symbol, x.kind, x.sessions, x.ticks), (symbol("X"), TickKind::Trades, 2, 4));
    assert_eq!((x.from, x.to), (date("2024-01-02"), date("2024-01-03")));
    assert!(bench.root().join("trades/X/2024-01-02.parquet").is_file());
    let stored = trades(&bench, "X");
    assert_eq!(stored[2].size.to_string(), "0.5");
    let conditions: Vec<Conditions> = stored.iter().map(|trade| trade.conditions).collect();
    let (buyer, seller) = (Conditions::BUYER, Conditions::SELLER);
    assert_eq!(conditions, [buyer, buyer, seller, Conditions::REGULAR]);
    // From the cache that the first loading made, and without it: the same.
    let cache = bench.store().tick_cache_path(symbol("X"), TickKind::Trades, date("2024-01-02"));
    assert!(cache.is_file());
    assert_eq!(trades(&bench, "X"), stored);
    std::fs::write(&cache, b"damaged").unwrap();
    assert_eq!(trades(&bench, "X"), stored);
    let list = bench.store().list().unwrap();
    assert_eq!((list.symbols.len(), list.ticks.len()), (0, 2));
}

/// An import repeated changes nothing, in whatever pieces it comes.
#[test]
fn repeated_prints_are_duplicates() {
    let bench = Bench::new();
    import(&bench, "a.csv", TRADES);
    let before = snapshot(&bench.root());
    let again = import(&bench, "a.csv", TRADES);
    assert_eq!((again.stored, again.duplicates), (0, 5));
    assert_eq!(snapshot(&bench.root()), before);
    let part: String = TRADES.lines().take(2).map(|line| format!("{line}\n")).collect();
    let part = import(&bench, "b.csv", &part);
    assert_eq!((part.stored, part.duplicates), (0, 1));
    let more = TRADES.replace("10.02,0.5", "10.02,0.6");
    let more = import(&bench, "c.csv", &more);
    assert_eq!((more.stored, more.duplicates), (1, 4));
    let sizes: Vec<String> = trades(&bench, "X").iter().map(|t| t.size.to_string()).collect();
    assert_eq!(sizes, ["100", "100", "0.5", "0.6", "7"]);
}

/// Bad rows are refused by name, never guessed (F25).
#[test]
fn bad_prints_are_refused() {
    let bench = Bench::new();
    let text = "\u{feff}ts,price,size,side\r\n\
        2024-01-02T14:30:00Z,10,1,buy\r\n\
        2024-01-02T14:30:01Z,0,1,buy\r\n\
        2024-01-02T14:30:01Z,-1,1,buy\r\n\
        2024-01-02T14:30:01Z,nan,1,buy\r\n\
        2024-01-02T14:30:01Z,1e300,1,buy\r\n\
        2024-01-02T14:30:01Z,10,0,buy\r\n\
        2024-01-02T14:30:01Z,10,-5,buy\r\n\
        2024-01-02T14:30:01Z,10,,buy\r\n\
        2024-01-02T14:30:01Z,10,1,maybe\r\n\
        2024-01-02,10,1,buy\r\n\
        2024-01-01T14:30:01Z,10,1,buy\r\n\
        2024-01-02T03:00:00Z,10,1,buy\r\n\
        1950-01-03T14:30:01Z,10,1,buy\r\n";
    let file = bench.file("a.csv", text);
    let options = ImportOptions { symbol: Some(symbol("X")), ..bench.options(&[file]) };
    let report = bench.import(&options);
    let expected = [
        (3, "price_not_positive"),
        (4, "price_not_positive"),
        (5, "not_a_number"),
        (6, "not_a_number"),
        (7, "size_not_positive"),
        (8, "size_not_positive"),
        (9, "missing_field"),
        (10, "bad_side"),
        (11, "bad_time"),
        (12, "off_calendar"),
        (13, "off_calendar"),
        (14, "no_calendar"),
    ];
    assert_eq!(rejections(&report), expected);
    assert_eq!((report.rows, report.stored), (13, 1));
    let options = ImportOptions { skip_empty: true, ..options };
    assert_eq!(bench.import(&options).skipped, 1, "--skip-empty: size 0");
    let strict = ImportOptions { strict: true, into: bench.path("other"), ..options };
    assert_eq!(bench.import(&strict).exit_code(), 65);
    assert!(!bench.path("other/trades").exists());
}

/// Flags that say something of bars only are refused, 65 as any contradiction of a file.
#[test]
fn flags_of_bars_are_refused() {
    let bench = Bench::new();
    let file = bench.file("a.csv", TRADES);
    let options = bench.options(&[file]);
    let resolution = Some(catalog::Resolution::Minute1);
    for options in [
        ImportOptions { resolution, ..options.clone() },
        ImportOptions { timestamp: StampSide::Close, ..options },
    ] {
        let report = bench.import(&options);
        assert_eq!((report.stored, report.exit_code()), (0, 65));
        assert!(report.broken_files[0].error.contains("leave the flag out"));
    }
}

/// Quotes alike, also from a file that the store itself wrote.
#[test]
fn quotes_are_stored_and_read_back() {
    let bench = Bench::new();
    let text = "time,symbol,bid,ask,bid_size,ask_size\n\
        2024-01-02T14:30:00Z,X,10.00,10.02,300,200\n\
        2024-01-02T14:30:01Z,X,0,10.02,0,200\n\
        2024-01-02T14:30:02Z,X,10.03,10.02,1,1\n\
        2024-01-02T14:30:03Z,X,-1,10.02,1,1\n";
    let report = import(&bench, "q.csv", text);
    assert_eq!((report.stored, rejections(&report)), (3, vec![(5, "price_not_positive")]));
    let all = (date("1990-01-01"), date("2030-12-31"));
    let quotes = bench.store().load_quotes(symbol("X"), all.0, all.1).unwrap();
    assert_eq!(quotes.iter().filter(|quote| quote.is_valid()).count(), 1);
    let own = bench.root().join("quotes/X/2024-01-02.parquet");
    let other = Bench::new();
    let report = other.import(&other.options(&[own]));
    assert_eq!(report.stored, 3, "{report:?}");
    assert_eq!(other.store().load_quotes(symbol("X"), all.0, all.1).unwrap(), quotes);
    import(&bench, "t.csv", TRADES);
    let own = bench.root().join("trades/X/2024-01-02.parquet");
    other.import(&other.options(&[own]));
    let prices = |bench: &Bench| -> Vec<_> {
        let trades = bench.store().load_trades(symbol("X"), all.0, date("2024-01-02")).unwrap();
        trades.iter().map(|trade| (trade.time, trade.price, trade.size)).collect()
    };
    assert_eq!(prices(&other), prices(&bench));
}

/// A file that was swapped or damaged is an error, and named by the check.
#[test]
fn damaged_files_are_found() {
    let bench = Bench::new();
    import(&bench, "a.csv", TRADES);
    let own = bench.root().join("trades/X/2024-01-02.parquet");
    let other = bench.root().join("trades/X/2024-01-03.parquet");
    std::fs::copy(&other, &own).unwrap();
    let error = bench.store().load_trades(symbol("X"), date("2024-01-02"), date("2024-01-02"));
    assert!(matches!(error, Err(CatalogError::Corrupt { .. })));
    let kinds = findings(&bench);
    assert_eq!(kinds, [FindingKind::CorruptFile]);
}

fn findings(bench: &Bench) -> Vec<FindingKind> {
    let report = check(&bench.store(), &bench.calendar, &[], &mut |_| {}).unwrap();
    report.findings.iter().map(|finding| finding.kind).collect()
}

/// C29 in stored data: a print far from the twenty before it is a finding unless the three after
/// it confirm it; C28: quotes that tell nothing; sessions between others that are missing.
#[test]
fn the_check_finds_bad_ticks() {
    let bench = Bench::new();
    let mut text = String::from("ts,symbol,price,size\n");
    let mut print = |second: u32, price: &str| {
        text.push_str(&format!("2024-06-03T14:30:{second:02}Z,BRK.A,{price},1\n"));
    };
    for second in 0..20 {
        print(second, "627400");
    }
    print(20, "185.10");
    print(21, "627400");
    // The price has moved: three prints confirm it.
    for second in 30..40 {
        print(second, "700000");
    }
    text.push_str("2024-06-05T14:30:00Z,BRK.A,700000,1\n");
    import(&bench, "a.csv", &text);
    let report = check(&bench.store(), &bench.calendar, &[], &mut |_| {}).unwrap();
    let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.detail.as_str())).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].0, FindingKind::Outlier);
    assert!(found[0].1.contains("185.10"));
    assert_eq!(found[1].0, FindingKind::MissingSession);
    let quotes = "ts,symbol,bid,ask,bid_size,ask_size\n2024-01-02T14:30:00Z,X,10,10,1,1\n";
    import(&bench, "q.csv", quotes);
    assert_eq!(findings(&bench).last(), Some(&FindingKind::InvalidQuote));
    assert!(Path::new(&bench.root()).join("quotes/X/2024-01-02.parquet").is_file());
}
