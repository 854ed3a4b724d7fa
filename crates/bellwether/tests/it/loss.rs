//! Power loss and changed bytes through the program: what `state` says of a damaged copy of a real
//! run's data directory (F34, F40, I6, journal.md 16; issue 5).
//!
//! The images are derived from the journal itself: the records that say the same of what was
//! durable before them were one write with one sync. The truth is `replay --until` of the whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::disk::RealDisk;
use journal::{Author, Flags, Kind, Options, ReadOptions, Reader, Snapshots, Urgency, start};
use model::Timestamp;
use serde_json::Value;

use crate::support::Desk;

const SEED: u64 = 77;
const CONFIG: &str = "
[system]
active_strategies = [\"storm\"]
crash_loop_starts = 0
[risk]
ceilings = \"test\"
[journal]
segment_mib = 1
[server]
listen = \"127.0.0.1:0\"
[data.playback]
date = \"2026-11-24\"
symbols = [\"SYM0\", \"SYM1\"]
speed = 0
";
const SECTOR: usize = 512;

/// One write of the journal: everything in it was made durable by one sync.
#[derive(Clone, Debug)]
struct Written {
    segment: u64,
    from: usize,
    to: usize,
    /// What was durable before it.
    durable: u64,
    /// The last sequence it brought.
    last_seq: u64,
}

/// A process that does not outlive a test that fails.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

/// A data directory that a run in order left behind.
struct Past {
    desk: Desk,
    writes: Vec<Written>,
    last_seq: u64,
    truth: BTreeMap<u64, Value>,
}

impl Past {
    fn new() -> Self {
        let desk = Desk::new();
        desk.file("c.toml", CONFIG);
        let run = "--config c.toml --data-dir d run --init --ready-file ready.json";
        let child = Command::new(env!("CARGO_BIN_EXE_bellwether"))
            .args(run.split_whitespace())
            .current_dir(desk.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut child = Guarded(child);
        let began = Instant::now();
        while !desk.path().join("ready.json").exists() {
            assert!(began.elapsed() < Duration::from_secs(60), "no ready file");
            assert_eq!(child.0.try_wait().unwrap(), None, "the run ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        while read_so_far(&desk.path().join("d/journal")) < 1_500 {
            assert!(began.elapsed() < Duration::from_secs(120), "too few records");
            std::thread::sleep(Duration::from_millis(50));
        }
        let id = child.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(child.0.wait().unwrap().code(), Some(0));
        let writes = writes(&desk.path().join("d/journal"));
        let last_seq = writes.last().unwrap().last_seq;
        Self { desk, writes, last_seq, truth: BTreeMap::new() }
    }

    fn segment(&self, folder: &str, id: u64) -> PathBuf {
        self.desk.path().join(format!("{folder}/journal/{id:010}.seg"))
    }

    /// Makes `image` a copy of the data directory.
    fn copy(&self) {
        let image = self.desk.path().join("image");
        let _ = std::fs::remove_dir_all(&image);
        for dir in ["journal", "snapshots"] {
            std::fs::create_dir_all(image.join(dir)).unwrap();
            for entry in std::fs::read_dir(self.desk.path().join("d").join(dir)).unwrap() {
                let entry = entry.unwrap();
                std::fs::copy(entry.path(), image.join(dir).join(entry.file_name())).unwrap();
            }
        }
    }

    /// Returns the state that the whole journal has at a sequence.
    fn at(&mut self, seq: u64) -> Value {
        if let Some(known) = self.truth.get(&seq) {
            return known.clone();
        }
        let found = self.desk.json(&format!("replay d --until {seq}"));
        assert_eq!(found["to_seq"], seq, "{seq} ends a group");
        self.truth.insert(seq, found.clone());
        found
    }

    /// Asks `state` of the image: the state is one that was, or the damage is named. Returns the
    /// sequence.
    fn ask(&mut self, what: &str) -> Option<u64> {
        let answer = self.desk.run("--data-dir image state --json");
        if answer.code == 65 {
            for word in ["image/journal/", ".seg", "offset", "sequence"] {
                assert!(answer.stderr.contains(word), "{what}: {}", answer.stderr);
            }
            return None;
        }
        assert_eq!(answer.code, 0, "{what}: {}", answer.stderr);
        let found = answer.document();
        let seq = found["seq"].as_u64().unwrap();
        let truth = self.at(seq);
        assert_eq!(found["books_hash"], truth["books_hash"], "{what}: at {seq}");
        if !found["state_hash"].is_null() {
            assert_eq!(found["state_hash"], truth["state_hash"], "{what}: at {seq}");
        }
        Some(seq)
    }
}

/// Returns the last sequence of a journal that is being written.
fn read_so_far(dir: &Path) -> u64 {
    let disk = Arc::new(RealDisk::default());
    let mut reader = Reader::open(disk, dir, ReadOptions::default()).unwrap();
    while reader.next_group().unwrap().is_some() {}
    reader.next_seq() - 1
}

/// Returns the first segment of another journal, as good as any.
fn foreign(dir: &Path) -> Vec<u8> {
    let disk = Arc::new(RealDisk::default());
    let mut reader = Reader::open(disk.clone(), dir, ReadOptions::default()).unwrap();
    assert!(reader.next_group().unwrap().is_none());
    let tail = reader.tail().unwrap().clone();
    let options =
        Options { segment_bytes: 1 << 20, ..Options::new(dir.to_owned(), Author::default()) };
    let mut running = start(disk, options, tail, Box::new(|_| ())).unwrap();
    for number in 0..100 {
        let mut group = running.appender.begin(Timestamp::from_nanos(number));
        group.record(Kind(0x0100), 1, Flags::NONE, |_| ()).unwrap();
        group.end(Urgency::Now).unwrap();
    }
    running.appender.close().unwrap();
    std::fs::read(dir.join("0000000001.seg")).unwrap()
}

/// Finds the writes of a journal.
fn writes(dir: &Path) -> Vec<Written> {
    let disk = Arc::new(RealDisk::default());
    let mut reader = Reader::open(disk, dir, ReadOptions::default()).unwrap();
    let mut writes: Vec<Written> = Vec::new();
    while let Some(group) = reader.next_group().unwrap() {
        let from = group.offset as usize;
        let durable = group.records().next().unwrap().durable_through;
        let (segment, to, last_seq) = (group.segment, from + group.size(), group.last_seq);
        match writes.last_mut() {
            Some(last) if last.durable == durable && last.segment == segment => {
                (last.to, last.last_seq) = (to, last_seq);
            }
            _ => writes.push(Written { segment, from, to, durable, last_seq }),
        }
    }
    writes
}

/// A seeded source of numbers (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

/// Leaves of the write `bytes[from..to]` what a loss of power may leave: nothing, a part from the
/// front, all but a sector, or any sectors.
fn lose(bytes: &mut [u8], from: usize, to: usize, way: usize, chance: &mut Chance) {
    let sectors: Vec<usize> = (from / SECTOR..=(to - 1) / SECTOR).collect();
    let hole = sectors[chance.below(sectors.len())];
    let front = chance.below(sectors.len() + 1);
    for (at, &sector) in sectors.iter().enumerate() {
        let lost = match way {
            0 => true,
            1 => at >= front,
            2 => sector == hole,
            _ => chance.below(2) == 0,
        };
        if lost {
            let start = (sector * SECTOR).max(from);
            bytes[start..((sector + 1) * SECTOR).min(to)].fill(0);
        }
    }
}

/// F34, I6: 20 losses of power: nothing that was acknowledged is missing, and the state is the
/// one that was at that sequence.
#[test]
fn power_is_lost_under_the_program() {
    println!("seed {SEED}");
    let mut past = Past::new();
    let mut chance = Chance(SEED);
    println!("{} writes, {} records", past.writes.len(), past.last_seq);
    assert!(past.writes.len() > 40);
    for nth in 0..20 {
        // The first write holds the start; without it there is no state to ask for.
        let write = past.writes[1 + nth * (past.writes.len() - 1) / 20].clone();
        past.copy();
        let path = past.segment("image", write.segment);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[write.to..].fill(0);
        lose(&mut bytes, write.from, write.to, nth % 4, &mut chance);
        std::fs::write(&path, bytes).unwrap();
        // What was made ahead of the next segment is zeros, or not there.
        let mut later = write.segment + 1;
        while std::fs::remove_file(past.segment("image", later)).is_ok() {
            later += 1;
        }
        let disk = Arc::new(RealDisk::default());
        let store = Snapshots::new(disk, past.desk.path().join("image/snapshots"));
        for path in store.list().unwrap() {
            if store.read(&path).unwrap().head.seq > write.durable {
                std::fs::remove_file(path).unwrap();
            }
        }
        let what = format!("seed {SEED}, image {nth}: {write:?}");
        let seq = past.ask(&what).unwrap_or_else(|| panic!("{what}: refused"));
        assert!((write.durable..=write.last_seq).contains(&seq), "{what}: {seq}");
    }
}

/// F40, J8: 50 places of journal and snapshots turned, zeroed or cut off, and segments or journals
/// in the wrong place: the state is one that was, or 65 with file, offset and sequence.
#[test]
fn bytes_are_changed_under_the_program() {
    println!("seed {SEED}");
    let mut past = Past::new();
    let mut chance = Chance(SEED + 1);
    let (mut whole, mut shorter, mut refused) = (0, 0, 0);
    for nth in 0..50 {
        past.copy();
        let image = past.desk.path().join("image");
        let mut files: Vec<PathBuf> = ["journal", "snapshots"]
            .iter()
            .flat_map(|dir| std::fs::read_dir(image.join(dir)).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| std::fs::read(path).unwrap().iter().any(|&byte| byte != 0))
            .collect();
        files.sort();
        // Most of what a start reads is the journal.
        let path = files[chance.below(files.len() * 2).min(files.len() - 1)].clone();
        let path = if nth % 2 == 0 { past.segment("image", 1) } else { path };
        let mut bytes = std::fs::read(&path).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
        let at = chance.below(used);
        match nth % 5 {
            0 | 1 => bytes[at] ^= 1 << chance.below(8),
            2 => {
                let end = (at + 1 + chance.below(400)).min(bytes.len());
                bytes[at..end].fill(0);
            }
            3 => bytes.truncate(at),
            // A stretch twice: what comes behind it is moved.
            _ => {
                let end = (at + 8 + chance.below(400)).min(used);
                let twice = bytes[at..end].to_vec();
                bytes.splice(end..end, twice);
            }
        }
        std::fs::write(&path, bytes).unwrap();
        let what = format!("seed {SEED}, case {nth}: {} at {at}", path.display());
        match past.ask(&what) {
            Some(seq) if seq == past.last_seq => whole += 1,
            Some(seq) => {
                assert!(seq < past.last_seq, "{what}");
                shorter += 1;
            }
            None => refused += 1,
        }
    }
    for wrong in ["swapped", "foreign"] {
        past.copy();
        let (one, two) = (past.segment("image", 1), past.segment("image", 2));
        if wrong == "swapped" {
            let bytes = [std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap_or_default()];
            std::fs::write(&two, &bytes[0]).unwrap();
            std::fs::write(&one, &bytes[1]).unwrap();
        } else {
            std::fs::write(&one, foreign(&past.desk.path().join("foreign"))).unwrap();
        }
        assert_eq!(past.ask(wrong), None, "{wrong}");
        refused += 1;
    }
    println!("{whole} whole, {shorter} without a torn tail, {refused} refused");
    assert!(whole > 0 && refused > 0);
}
