//! A small journal to test with: groups of known content.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use journal::disk::{Disk, RealDisk};
use journal::{
    Author, Flags, Kind, Options, ReadError, ReadOptions, Reader, Release, Running, Tail, Urgency,
    start,
};
use model::Timestamp;

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn real() -> Arc<dyn Disk> {
    Arc::new(RealDisk::default())
}

pub(crate) fn author() -> Author {
    Author { build: "test".into(), config_hash: 1, account: 7, schema: 1 }
}

/// Small segments, so that a few groups need several.
pub(crate) fn options(dir: &Path, segment_bytes: u64) -> Options {
    Options { segment_bytes, ..Options::new(dir.to_owned(), author()) }
}

/// A seeded source of numbers (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// A group as a test knows it: kind and payload of each record.
pub(crate) type Content = Vec<(u16, Vec<u8>)>;

/// Makes the groups of a test from a seed: one to four records of up to 200 bytes.
pub(crate) fn contents(seed: u64, count: usize) -> Vec<Content> {
    let mut chance = Chance(seed);
    let record = |chance: &mut Chance| {
        let payload = (0..chance.below(200)).map(|_| chance.next() as u8).collect();
        (0x0100 + chance.below(5) as u16, payload)
    };
    (0..count)
        .map(|_| (0..=chance.clone().below(4)).map(|_| record(&mut chance)).collect())
        .collect()
}

/// Appends a group and returns the sequence of its last record.
pub(crate) fn append(running: &mut Running, time: i64, content: &Content, urgency: Urgency) -> u64 {
    let mut group = running.appender.begin(Timestamp::from_nanos(time));
    for (kind, payload) in content {
        group
            .record(Kind(*kind), 1, Flags::NONE, |buffer| buffer.extend_from_slice(payload))
            .unwrap();
    }
    group.end(urgency).unwrap()
}

/// What a journal holds: its groups, without those the journal wrote itself.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) groups: Vec<Content>,
    pub(crate) cuts: Vec<journal::Cut>,
    pub(crate) tail: Tail,
}

pub(crate) fn read(
    disk: Arc<dyn Disk>,
    dir: &Path,
    options: ReadOptions,
) -> Result<Found, ReadError> {
    let mut reader = Reader::open(disk, dir, options)?;
    let (mut groups, mut cuts) = (Vec::new(), Vec::new());
    while let Some(group) = reader.next_group()? {
        let mut content = Content::new();
        for record in group.records() {
            if record.kind == Kind::CUT {
                cuts.push(journal::Cut::decode(record.payload).unwrap());
            } else {
                content.push((record.kind.0, record.payload.to_vec()));
            }
        }
        if !content.is_empty() {
            groups.push(content);
        }
    }
    let tail = reader.tail().cloned().expect("read to the end");
    Ok(Found { groups, cuts, tail })
}

/// Starts to write where the journal ends.
pub(crate) fn go_on(
    disk: Arc<dyn Disk>,
    options: Options,
    release: Box<dyn Release>,
) -> Result<Running, ReadError> {
    let tail = read(disk.clone(), &options.dir, ReadOptions::default())?.tail;
    Ok(start(disk, options, tail, release).unwrap())
}

/// What the writer thread told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<(Vec<u64>, Vec<String>)>>);

impl Told {
    pub(crate) fn durable(&self) -> Vec<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    pub(crate) fn dead(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

impl Release for Told {
    fn durable(&mut self, seq: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.push(seq);
    }

    fn dead(&mut self, reason: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.push(reason.to_owned());
    }
}

/// Writes a journal of these groups, each durable before the next.
pub(crate) fn write(dir: &Path, segment_bytes: u64, contents: &[Content]) {
    let mut running =
        go_on(real(), options(dir, segment_bytes), Box::new(Told::default())).unwrap();
    for (at, content) in contents.iter().enumerate() {
        let seq = append(&mut running, at as i64, content, Urgency::Now);
        running.durable.wait_for(seq, LONG).unwrap();
    }
    running.appender.close().unwrap();
}

pub(crate) fn segment(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:010}.seg"))
}

/// Opens the journal until the segment made ahead is there: how far a run comes with it is chance.
pub(crate) fn wait_for_spare(dir: &Path, segment_bytes: u64) {
    let running = go_on(real(), options(dir, segment_bytes), Box::new(Told::default())).unwrap();
    let begun = std::time::Instant::now();
    let full = |id| std::fs::metadata(segment(dir, id)).is_ok_and(|it| it.len() == segment_bytes);
    let used = |id| full(id) && std::fs::read(segment(dir, id)).unwrap().iter().any(|&it| it != 0);
    let last = (1..).take_while(|&id| used(id)).count() as u64;
    while !full(last + 1) {
        assert!(begun.elapsed() < LONG, "no spare behind {last}");
        std::thread::sleep(Duration::from_millis(5));
    }
    running.appender.close().unwrap();
}
