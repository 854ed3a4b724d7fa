//! The table of bad inputs, through the program: what is wrong is said in words, the exit code is
//! that of contract.md 2, and nothing is half-written: a store is byte for byte what it was.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Answer, Desk, saw_tooth};

const HEADER: &str = "ts,symbol,open,high,low,close,volume\n";

/// Every file of the store with its bytes; the lock and the cache, which is made again, left out.
fn fingerprint(desk: &Desk) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if !path.ends_with(".lock") {
                files.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(&desk.path().join("market"), &mut files);
    files
}

/// A store with two sessions of AAA.
fn market() -> Desk {
    let desk = Desk::new();
    desk.file("a.csv", &saw_tooth("AAA"));
    desk.json("data import a.csv --into market");
    desk
}

/// Imports a file and asserts the code, and that the store is what it was.
#[track_caller]
fn changes_nothing(desk: &Desk, arguments: &str, code: i32) -> Answer {
    let before = fingerprint(desk);
    let listed = desk.run("data list --data market --json").stdout;
    let answer = desk.run(&format!("data import {arguments} --into market --json"));
    assert_eq!(answer.code, code, "{arguments}: {} {}", answer.stdout, answer.stderr);
    assert_eq!(desk.run("data list --data market --json").stdout, listed, "{arguments}");
    assert_eq!(fingerprint(desk), before, "{arguments}: the store is what it was");
    answer
}

/// F25: NaN, infinite, negative, zero and huge prices, volumes and times, one row each.
#[test]
fn numbers_that_are_none_are_refused_by_name() {
    let desk = market();
    let huge = "9300000000";
    for (row, reason) in [
        ("2024-01-05T15:00:00Z,AAA,NaN,10,9,9.5,1", "not_a_number"),
        ("2024-01-05T15:00:00Z,AAA,9.5,inf,9,9.5,1", "not_a_number"),
        ("2024-01-05T15:00:00Z,AAA,9.5,1e308,9,9.5,1", "not_a_number"),
        (&format!("2024-01-05T15:00:00Z,AAA,9.5,{huge},9,9.5,1"), "not_a_number"),
        ("2024-01-05T15:00:00Z,AAA,9.5,10,0,9.5,1", "price_not_positive"),
        ("2024-01-05T15:00:00Z,AAA,9.5,10,-0,9.5,1", "price_not_positive"),
        ("2024-01-05T15:00:00Z,AAA,-9.5,-9,-10,-9.5,1", "price_not_positive"),
        ("2024-01-05T15:00:00Z,AAA,9.5,9,10,9.5,1", "ohlc_order"),
        ("2024-01-05T15:00:00Z,AAA,9.5,10,9,9.5,NaN", "not_a_number"),
        ("2024-01-05T15:00:00Z,AAA,9.5,10,9,9.5,-1", "negative_volume"),
        ("2024-01-05T15:00:00Z,AAA,9.5,10,9,9.5,1e30", "not_a_number"),
        ("2024-01-05T15:00:00Z,AAA,9.5,10,9,,1", "missing_field"),
        ("2024-01-05T15:00:00Z,AAA,9.5,10", "missing_field"),
        ("2024-01-05T15:00:00Z,A A A,9.5,10,9,9.5,1", "bad_symbol"),
        ("0,AAA,9.5,10,9,9.5,1", "no_calendar"),
        ("-1,AAA,9.5,10,9,9.5,1", "not_on_minute"),
        ("-60,AAA,9.5,10,9,9.5,1", "no_calendar"),
        ("9999999999999999999999,AAA,9.5,10,9,9.5,1", "bad_time"),
        ("NaN,AAA,9.5,10,9,9.5,1", "bad_time"),
        ("2024-13-45T15:00:00Z,AAA,9.5,10,9,9.5,1", "bad_time"),
        ("2240-01-05T15:00:00Z,AAA,9.5,10,9,9.5,1", "no_calendar"),
        ("2024-01-05T15:00:30Z,AAA,9.5,10,9,9.5,1", "not_on_minute"),
        // A holiday, a Sunday, the night.
        ("2024-12-25T15:00:00Z,AAA,9.5,10,9,9.5,1", "off_calendar"),
        ("2024-01-07T15:00:00Z,AAA,9.5,10,9,9.5,1", "off_calendar"),
        ("2024-01-05T07:00:00Z,AAA,9.5,10,9,9.5,1", "off_calendar"),
    ] {
        desk.file("bad.csv", &format!("{HEADER}{row}\n"));
        let report = changes_nothing(&desk, "bad.csv --resolution 1min", 65).document();
        let rejected = &report["rejected"][0];
        assert_eq!(rejected["reason"], reason, "{row}: {rejected}");
        assert_eq!((&report["rows"], &rejected["line"]), (&1.into(), &2.into()), "{row}");
        assert!(rejected["file"].as_str().unwrap().ends_with("bad.csv"));
    }
}

/// F24: bars out of order and repeated ones make the store that the ordered file makes.
#[test]
fn order_and_repetition_do_not_matter() {
    let text = saw_tooth("AAA");
    let mut rows: Vec<&str> = text.lines().skip(1).collect();
    rows.reverse();
    rows.rotate_left(77);
    rows.extend_from_within(..50);
    let desk = Desk::new();
    desk.file("a.csv", &text);
    desk.file("b.csv", &format!("{HEADER}{}\n", rows.join("\n")));
    desk.json("data import a.csv --into market");
    let expected = fingerprint(&desk);
    std::fs::remove_dir_all(desk.path().join("market")).unwrap();
    let report = desk.json("data import b.csv --into market");
    assert_eq!((&report["stored"], &report["duplicates"]), (&780.into(), &50.into()));
    assert_eq!(fingerprint(&desk), expected);
    // Once more: all of it is there.
    let report = changes_nothing(&desk, "b.csv", 0).document();
    assert_eq!((&report["stored"], &report["duplicates"]), (&0.into(), &830.into()));
}

/// contract.md 4: CRLF, byte-order mark and quotes are dialects, not errors.
#[test]
fn dialects_of_csv_give_the_same_store() {
    let text = saw_tooth("AAA");
    let quoted = |line: &str| {
        let fields: Vec<String> = line.split(',').map(|field| format!("\"{field}\"")).collect();
        fields.join(",")
    };
    let expected = fingerprint(&market());
    let expected: Vec<&Vec<u8>> = expected.values().collect();
    for (name, dialect) in [
        ("CRLF", text.replace('\n', "\r\n")),
        ("BOM", format!("\u{feff}{text}")),
        ("quotes", text.lines().map(quoted).collect::<Vec<_>>().join("\n")),
        ("all", format!("\u{feff}{}", text.lines().map(quoted).collect::<Vec<_>>().join("\r\n"))),
    ] {
        let desk = Desk::new();
        desk.file("a.csv", &dialect);
        let report = desk.json("data import a.csv --into market");
        assert_eq!(report["stored"], 780, "{name}");
        let got = fingerprint(&desk);
        assert_eq!(got.values().collect::<Vec<_>>(), expected, "{name}");
    }
}

/// contract.md 4: a file that is broken as a whole stores nothing; the words say what it lacks.
#[test]
fn broken_files_store_nothing() {
    let desk = market();
    desk.file("column.csv", "ts,symbol,open,high,low,volume\n1,AAA,1,1,1,1\n");
    desk.file("twice.csv", "ts,symbol,open,high,low,close,close,volume\n");
    desk.file("empty.csv", "");
    desk.file("head.csv", HEADER);
    std::fs::write(desk.path().join("bytes.csv"), [0_u8, 159, 146, 150, 255].repeat(40_000))
        .unwrap();
    desk.file("schema.parquet", "PAR1 no schema at all PAR1");
    let whole =
        zip_of(&desk, "20240103_aaa_minute_trade.csv", "34200000,100000,100000,100000,100000,5\n");
    for (name, bytes) in [
        ("cut", &whole[..whole.len() / 2]),
        ("junk", &b"this is not a zip"[..]),
        ("nothing", &[][..]),
    ] {
        let folder = desk.path().join(format!("{name}/equity/usa/minute/aaa"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("20240103_trade.zip"), bytes).unwrap();
    }
    for (arguments, words) in [
        ("column.csv", "column close is missing"),
        ("twice.csv", "appears twice"),
        ("empty.csv", "is empty"),
        ("bytes.csv", "65536"),
        ("schema.parquet", "is not a readable Parquet file"),
        ("--format lean cut", "is not a readable zip"),
        ("--format lean junk", "is not a readable zip"),
        ("--format lean nothing", "is not a readable zip"),
    ] {
        let report = changes_nothing(&desk, arguments, 65).document();
        let broken = report["broken_files"][0]["error"].as_str().unwrap_or("").to_owned();
        assert!(broken.contains(words), "{arguments}: {report}");
        // For people the same words, with the file.
        let answer = desk.run(&format!("data import {arguments} --into market"));
        assert!(answer.stdout.contains(words), "{arguments}: {}", answer.stdout);
    }
    changes_nothing(&desk, "head.csv", 65);
    changes_nothing(&desk, "nowhere.csv", 66);
}

/// A Parquet file of another schema: another program's table, and ours with a column renamed.
#[test]
fn parquet_of_another_schema_is_refused() {
    let desk = market();
    desk.run("data export out.parquet --data market");
    assert!(desk.path().join("out.parquet").exists());
    // The name of a column is in the file's schema and in its column chunks: same length, other name.
    let mut bytes = std::fs::read(desk.path().join("out.parquet")).unwrap();
    let mut renamed = 0;
    for at in 0..bytes.len().saturating_sub(5) {
        if &bytes[at..at + 5] == b"close" {
            bytes[at..at + 5].copy_from_slice(b"ferme");
            renamed += 1;
        }
    }
    assert!(renamed > 0, "the column is in the file by name");
    std::fs::write(desk.path().join("other.parquet"), bytes).unwrap();
    let report = changes_nothing(&desk, "other.parquet --format parquet", 65).document();
    let error = report["broken_files"][0]["error"].as_str().unwrap();
    assert!(error.contains("close"), "{error}");
}

fn zip_of(desk: &Desk, member: &str, text: &str) -> Vec<u8> {
    let path = desk.path().join("whole.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    zip.start_file(member, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(text.repeat(200).as_bytes()).unwrap();
    zip.finish().unwrap();
    std::fs::read(path).unwrap()
}

/// F45: an unknown key, a percent where a fraction belongs, an unknown strategy, parameters out of
/// range: refused before anything is read, whatever the command.
#[test]
fn wrong_configuration_is_refused_before_anything_happens() {
    let desk = market();
    let before = fingerprint(&desk);
    for (text, words) in [
        ("[risk]\nmax_daily_loss_pct = 5\n", ["risk.max_daily_loss_pct = 5", "0.05"]),
        ("[risk]\nmax_position_size_pct = 20\n", ["max_position_size_pct = 20", "0.2"]),
        ("[risk]\nmax_positons = 5\n", ["risk.max_positons", "risk.max_positions"]),
        ("[riks]\nmax_positions = 5\n", ["[riks]", "[risk]"]),
        ("[risk]\nmax_positions = \"five\"\n", ["risk.max_positions", "five"]),
        ("[risk]\nmax_positions = nan\n", ["risk.max_positions", "nan"]),
        ("[system]\nactive_strategies = [\"gap_and_goo\"]\n", ["gap_and_goo", "gap_and_go"]),
        ("[strategies.gap_and_go]\nmin_gap_percent = 0.04\n", ["min_gap_percent", "1 to 50"]),
    ] {
        desk.file("bad.toml", text);
        for command in ["data import a.csv --into market", "backtest --data market", "config check"]
        {
            desk.run(&format!("--config bad.toml {command}")).refused(78, &words);
        }
    }
    let slip = [("BELLWETHER_RISK__MAX_DAILY_LOSS_PCT", "5")];
    let answer = desk.run_with("backtest --data market --strategy vwap_cross", &slip);
    answer.refused(78, &["BELLWETHER_RISK__MAX_DAILY_LOSS_PCT", "0.05"]);
    assert_eq!(fingerprint(&desk), before);
}

/// contract.md 2: nothing to run on is 66, wrong names are 64; the words name what there is.
#[test]
fn nothing_to_run_on_is_said() {
    let desk = market();
    std::fs::create_dir_all(desk.path().join("bare/bars")).unwrap();
    let base = "backtest --strategy vwap_cross --json";
    for (arguments, code, words) in [
        ("--data bare", 66, "bare"),
        ("--data market --from 2030-01-01 --to 2030-12-31", 66, "2030"),
        ("--data market --from 2024-01-05", 66, "2024-01-05"),
        ("--data market --symbols ZZZ", 66, "ZZZ"),
        ("--data market --from 2024-02-30", 64, "2024-02-30"),
        ("--data market --strategy vwap_kross@b", 64, "vwap_cross"),
        ("--data market --strategy storm@b:quantity=0", 64, "1 to 1000000"),
        ("--data market --strategy vwap_cross@b:quantity=NaN", 64, "quantity"),
        ("--data market --symbols ,", 64, "--symbols"),
        ("--data market --cash NaN", 64, "--cash"),
        ("--data market --cash -5", 64, "-5"),
    ] {
        let answer = desk.run(&format!("{base} {arguments}"));
        answer.refused(code, &[words]);
    }
}

/// Extreme values that are legal do no harm: they are stored, run and reported.
#[test]
fn extreme_but_legal_values_do_no_harm() {
    let desk = Desk::new();
    let mut text = String::from(HEADER);
    for minute in 30..60 {
        let (time, odd) = (format!("2024-01-03T14:{minute}:00Z"), minute % 2 == 1);
        let price = if odd { "1000000" } else { "0.0001" };
        let row = format!("{time},HUGE,{price},1000000,0.0001,{price},9000000000000000000\n");
        text.push_str(&row);
        text.push_str(&format!("{time},ZERO,1,1,1,1,0\n"));
    }
    desk.file("extreme.csv", &text);
    let report = desk.json("data import extreme.csv --into market");
    assert_eq!(report["stored"], 60);
    for flags in ["", "--no-risk-limits", "--no-risk-limits --fill next_close"] {
        let strategies = "--strategy vwap_cross:min_bars=1 --strategy storm \
                          --strategy gap_and_go --strategy vwap_reclaim --strategy vwap_reclaim@s:side=short";
        let report = desk.json(&format!("backtest --data market {strategies} {flags}"));
        assert_eq!(report["data"]["bars"], 60, "{flags}");
    }
}

/// Sessions of three symbols whose prices do not compress: files of some kilobytes.
fn noise() -> String {
    let mut text = String::from(HEADER);
    let mut random = 1_u64;
    for (symbol, day) in [("AAA", "05"), ("BBB", "03"), ("BBB", "04"), ("CCC", "03"), ("CCC", "04")]
    {
        let open: model::Timestamp = format!("2024-01-{day}T14:30:00Z").parse().unwrap();
        for minute in 0..390 {
            let start = open.plus_nanos(minute * model::MINUTE_NS);
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040);
            let cents = 5_000 + (random >> 40) % 4_000;
            let price = format!("{}.{:02}", cents / 100, cents % 100);
            let volume = random >> 30;
            text.push_str(&format!("{start},{symbol},{price},{price},{price},{price},{volume}\n"));
        }
    }
    text
}

/// A full disk: the import ends with 74 and says so, and the store is what it was, wherever in the
/// import the disk was full; with room enough it is whole.
#[test]
fn a_full_disk_leaves_the_store_as_it_was() {
    let desk = market();
    desk.file("more.csv", &noise());
    let before = fingerprint(&desk);
    let listed = desk.run("data list --data market --json").stdout;
    let (mut refused, mut whole) = (0, 0);
    for kilobytes in [0, 1, 2, 4, 8, 12, 16, 24, 32, 4_096] {
        // A limit of the size of files: writing beyond it fails as on a full disk, without the
        // signal, which the shell ignores for its child.
        let script = format!(
            "trap '' XFSZ; ulimit -f {kilobytes}; exec {} data import more.csv --into market --json",
            env!("CARGO_BIN_EXE_bellwether")
        );
        let output = Command::new("bash").args(["-c", &script]).current_dir(desk.path()).output();
        let answer = Answer::from(output.unwrap());
        if answer.code == 0 {
            assert_eq!(answer.document()["stored"], 1_950, "{kilobytes} kB");
            whole += 1;
            break;
        }
        refused += 1;
        assert_eq!(answer.code, 74, "{kilobytes} kB: {}", answer.stderr);
        assert!(
            answer.stderr.contains("write") && answer.stderr.contains("market"),
            "{}",
            answer.stderr
        );
        assert_eq!(fingerprint(&desk), before, "{kilobytes} kB: the store is what it was");
        assert_eq!(desk.run("data list --data market --json").stdout, listed);
    }
    assert!(refused >= 3 && whole == 1, "{refused} refused, {whole} whole");
}

/// A full disk under a report: 74, the file is named, and no part of a report is left to be
/// mistaken for one.
#[test]
fn a_full_disk_leaves_no_part_of_a_report() {
    let desk = market();
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} backtest --data market --strategy vwap_cross \
         --no-risk-limits --json-out r.json",
        env!("CARGO_BIN_EXE_bellwether")
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(desk.path()).output();
    let answer = Answer::from(output.unwrap());
    assert_eq!(answer.code, 74, "{}", answer.stderr);
    assert!(answer.stderr.contains("r.json"), "{}", answer.stderr);
    assert!(!desk.path().join("r.json").exists(), "a report is whole or not there");
    // Where not even the complaint can be written, the exit code says it.
    let script = format!(
        "trap '' XFSZ; ulimit -f 0; exec {} data list --data market --json > out 2> err",
        env!("CARGO_BIN_EXE_bellwether")
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(desk.path()).output();
    assert_eq!(Answer::from(output.unwrap()).code, 74);
}

/// A store that was damaged from outside is corrupt data (65), named, never wrong numbers.
#[test]
fn a_damaged_store_is_named() {
    let desk = market();
    let path =
        fingerprint(&desk).into_keys().find(|p| p.extension().is_some_and(|e| e == "parquet"));
    let path = path.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let answer = desk.run("backtest --data market --strategy vwap_cross --json");
    answer.refused(65, &["2024.parquet"]);
}
