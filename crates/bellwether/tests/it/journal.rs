//! `journal`: verify, dump, diff, repair and bench on small journals (J8, J15, contract.md 5).

use std::path::Path;
use std::sync::Arc;

use engine::record::Writer;
use engine::{Input, Start};
use journal::disk::RealDisk;
use journal::{Author, Flags, Lock, Options, ReadOptions, Reader, Urgency, start};
use model::Timestamp;
use runtime::codec::{self, Mark};
use serde_json::json;

use crate::support::Desk;

/// Writes a start, some inputs and a mark into `DATA_DIR/journal`, each group durable by itself.
fn write(data_dir: &Path, inputs: u32, build: &str) {
    let disk = Arc::new(RealDisk::default());
    let dir = data_dir.join("journal");
    let mut reader = Reader::open(disk.clone(), &dir, ReadOptions::default()).unwrap();
    while reader.next_group().unwrap().is_some() {}
    let tail = reader.tail().unwrap().clone();
    let author = Author { account: 7, schema: codec::SCHEMA, ..Author::default() };
    let options = Options { segment_bytes: 16_384, ..Options::new(dir, author) };
    let mut running = start(disk, options, tail, Box::new(|_| ())).unwrap();
    let mut writer = Writer::new();
    for number in 0..=inputs {
        let time = Timestamp::from_nanos(1_800_000_000_000_000_000 + i64::from(number));
        let input = match number {
            0 => {
                let build = build.to_owned();
                Input::Start(Box::new(Start { build, ..Start::fresh(1, "paper", time) }))
            }
            _ => Input::Time,
        };
        let mut group = running.appender.begin(time);
        codec::encode_input(&input, &mut writer);
        let copy = |buffer: &mut Vec<u8>| buffer.extend_from_slice(writer.bytes());
        group.record(codec::input_kind(&input), codec::VERSION, Flags::NONE, copy).unwrap();
        if number == inputs {
            codec::encode_mark(&Mark { state_hash: 1, books_hash: 2 }, &mut writer);
            let copy = |buffer: &mut Vec<u8>| buffer.extend_from_slice(writer.bytes());
            group.record(codec::MARK_KIND, codec::VERSION, Flags::NONE, copy).unwrap();
        }
        let seq = group.end(Urgency::Now).unwrap();
        running.durable.wait_for(seq, std::time::Duration::from_secs(60)).unwrap();
    }
    running.appender.close().unwrap();
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 4;
    std::fs::write(path, bytes).unwrap();
}

/// J15: what is whole is said to be, record by record.
#[test]
fn a_whole_journal() {
    let desk = Desk::new();
    write(&desk.path().join("data"), 9, "one");
    let found = desk.json("journal verify data");
    let expected = json!({
        "records": 11, "segments": found["segments"], "first_seq": 1, "last_seq": 11,
        "torn_tail": null, "errors": [],
    });
    assert_eq!(found, expected);
    // The folder itself, and the data directory of the global flag, mean the same.
    assert_eq!(desk.json("journal verify data/journal"), found);
    assert_eq!(desk.json("--data-dir data journal verify"), found);

    let rows = desk.json("journal dump data");
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 11);
    assert_eq!((&rows[0]["kind"], &rows[0]["seq"]), (&json!("start"), &json!(1)));
    assert!(rows[0]["content"].as_str().unwrap().contains("build: \"one\""), "{}", rows[0]);
    assert_eq!((&rows[10]["kind"], &rows[10]["end_of_group"]), (&json!("mark"), &json!(true)));
    let some = desk.json("journal dump data --from 3 --until 5 --kind time");
    assert_eq!(some.as_array().unwrap().len(), 3);
    assert_eq!(desk.json("journal dump data --kind intent"), json!([]));
    let lines = desk.run("journal dump data --from 11");
    assert!(
        lines.stdout.starts_with("11 2027-01-15T08:00:00.000000009Z mark: state "),
        "{}",
        lines.stdout
    );
    desk.run("journal verify nowhere").refused(66, &["nowhere", "data directory"]);
}

/// J15: journals are compared by content, exit 1 where they differ.
#[test]
fn two_journals() {
    let desk = Desk::new();
    write(&desk.path().join("a"), 5, "one");
    write(&desk.path().join("b"), 5, "one");
    write(&desk.path().join("c"), 3, "two");
    let equal = desk.json("journal diff a b");
    assert_eq!(equal, json!({ "records": 7, "difference_count": 0, "differences": [] }));
    let answer = desk.run("journal diff a c --json");
    assert_eq!(answer.code, 1);
    let found = answer.document();
    // The start, an input that ends no group, the mark in the place of an input, two records more.
    assert_eq!(found["difference_count"], 5);
    assert_eq!(found["differences"][0]["seq"], 1);
    assert_eq!(found["differences"][4]["other"], json!(null));
}

/// J7: a torn tail is no error; F40, J8: damage is exit 65 with file, offset and sequence, and a
/// repair is explicit, keeps the original and refuses while somebody writes.
#[test]
fn a_damaged_journal() {
    let desk = Desk::new();
    let data = desk.path().join("data");
    write(&data, 60, "one");
    let segment = data.join("journal/0000000001.seg");
    let clean = desk.json("journal dump data");
    let rows = clean.as_array().unwrap();

    let bytes = std::fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
    flip(&segment, end);
    let torn = desk.json("journal verify data");
    assert_eq!(torn["errors"], json!([]));
    assert_eq!(torn["torn_tail"]["segment"], 1);
    std::fs::write(&segment, &bytes).unwrap();

    flip(&segment, 2_000);
    let answer = desk.run("journal verify data --json");
    assert_eq!(answer.code, 65);
    assert!(answer.stderr.contains("journal repair"), "{}", answer.stderr);
    let found = answer.document();
    let error = &found["errors"][0];
    assert!(error["file"].as_str().unwrap().ends_with("0000000001.seg"), "{error}");
    let (offset, seq) = (error["offset"].as_u64().unwrap(), error["seq"].as_u64().unwrap());
    assert!(offset <= 2_000 && seq > 1, "{error}");
    let dumped = desk.run("journal dump data --json");
    assert_eq!(dumped.code, 65);
    assert_eq!(dumped.document().as_array().unwrap()[..], rows[..(seq - 1) as usize]);

    let lock = Lock::acquire(&data).unwrap();
    desk.run("journal repair data").refused(73, &["another instance"]);
    drop(lock);
    let repaired = desk.json("journal repair data");
    assert_eq!(repaired["repaired"], true);
    assert_eq!((&repaired["damage"], &repaired["last_seq"]), (error, &json!(seq - 1)));
    let original = repaired["original"].as_str().unwrap();
    assert!(original.ends_with("journal.damaged"), "{original}");
    assert_eq!(desk.run("journal verify data/journal.damaged").code, 65);
    let after = desk.json("journal verify data");
    assert_eq!((&after["errors"], &after["last_seq"]), (&json!([]), &json!(seq)));
    let rows = desk.json("journal dump data");
    assert_eq!(rows.as_array().unwrap().last().unwrap()["kind"], "cut");
    assert_eq!(desk.json("journal repair data")["repaired"], false);
}

/// J5: the bench measures and leaves nothing behind.
#[test]
fn a_short_bench() {
    let desk = Desk::new();
    let found = desk.json("journal bench --seconds 1 --groups-per-second 500");
    assert!(found["groups"].as_u64().unwrap() > 100, "{found}");
    assert!(found["p50_ms"].as_f64().unwrap() > 0.0, "{found}");
    assert_eq!(std::fs::read_dir(desk.path().join("bellwether-data")).unwrap().count(), 0);
}
