//! The writer thread: takes what is pending, writes it with one `pwrite`, makes it durable with
//! one `fdatasync`, and only then lets outputs leave (journal.md 5, 6).
//!
//! Invariant: after a write or sync that failed nothing is written or synced again (J6).

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use model::Timestamp;

use crate::disk::DiskFile;
use crate::record::{Flags, link, outline};
use crate::segment::{Author, Head, PLAIN, name};
use crate::shared::Shared;
use crate::spares::Spares;

/// Told by the writer thread, in order. It must be quick: the next sync waits for it.
pub trait Release: Send {
    /// Everything up to `seq` survives now; outputs of these groups may leave.
    fn durable(&mut self, seq: u64);

    /// A write or sync failed: the journal is dead (J6).
    fn dead(&mut self, reason: &str);
}

/// A function that only wants what is durable; that the journal died,
/// [`Durable::health`](crate::Durable::health) says.
impl<F: FnMut(u64) + Send> Release for F {
    fn durable(&mut self, seq: u64) {
        self(seq);
    }

    fn dead(&mut self, _reason: &str) {}
}

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// The writer thread's state.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) spares: Arc<Spares>,
    pub(crate) spares_thread: JoinHandle<()>,
    pub(crate) dir: PathBuf,
    pub(crate) author: Author,
    pub(crate) release: Box<dyn Release>,
    pub(crate) segment: Segment,
    /// CRC of the last record.
    pub(crate) previous: u32,
}

impl Writer {
    /// Writes until the appender has gone or a write fails: the thread's body.
    pub(crate) fn run(mut self) {
        let mut batch = Vec::new();
        while self.shared.next_batch(&mut batch) {
            self.shared.commit_begins();
            if let Err(reason) = self.commit(&mut batch) {
                self.shared.die(&reason);
                self.release.dead(&reason);
                break;
            }
            batch.clear();
        }
        self.spares.stop();
        if self.spares_thread.join().is_err() {
            self.shared.die("the thread that makes segments panicked");
        }
    }

    /// Writes whole groups, into as many segments as they need.
    fn commit(&mut self, batch: &mut [u8]) -> Result<(), String> {
        let (mut start, mut at, mut last_seq) = (0, 0, 0);
        while at < batch.len() {
            let (group, first_seq) = group_size(&batch[at..]);
            if self.segment.offset + (at - start + group) as u64 > self.segment.bytes {
                if at > start {
                    self.flush(&batch[start..at], last_seq)?;
                    self.shared.commit_begins();
                }
                start = at;
                self.roll(first_seq, time_of(&batch[at..]))?;
            }
            last_seq = self.link_group(&mut batch[at..at + group]);
            at += group;
        }
        self.flush(&batch[start..], last_seq)
    }

    /// Ties the records of a group into the chain and returns the last one's sequence.
    fn link_group(&mut self, group: &mut [u8]) -> u64 {
        let (mut at, mut last_seq) = (0, 0);
        while at < group.len() {
            let (size, _, seq) = outline(&group[at..]);
            let bytes = &mut group[at..at + size];
            self.previous = link(bytes, self.segment.id, self.shared.durable(), self.previous);
            (at, last_seq) = (at + size, seq);
        }
        last_seq
    }

    fn flush(&mut self, bytes: &[u8], last_seq: u64) -> Result<(), String> {
        self.write(bytes)?;
        self.segment
            .file
            .sync_data()
            .map_err(|error| format!("sync segment {}: {error}", self.path().display()))?;
        if !self.shared.commit_ends(last_seq, bytes.len()) {
            return Err(self.shared.dead().unwrap_or_default());
        }
        self.release.durable(last_seq);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Segment { file, offset, .. } = &mut self.segment;
        let written = file.write_at(*offset, bytes);
        *offset += bytes.len() as u64;
        written.map_err(|error| {
            format!("write {} bytes to segment {}: {error}", bytes.len(), self.path().display())
        })
    }

    /// Goes on in the next segment, whose head becomes durable with its first group.
    fn roll(&mut self, first_seq: u64, time: Timestamp) -> Result<(), String> {
        let id = self.segment.id + 1;
        let file = self.spares.take(id).map_err(|error| {
            format!("take segment {} into use: {error}", self.dir.join(name(id, PLAIN)).display())
        })?;
        let bytes = self.spares.segment_bytes();
        self.segment = Segment { id, file, offset: 0, bytes };
        let head =
            Head { segment: id, first_seq, bytes, author: self.author.clone(), extract: None };
        let (encoded, crc) = head.encode(time, self.shared.durable(), self.previous);
        self.previous = crc;
        self.write(&encoded)
    }

    fn path(&self) -> PathBuf {
        self.dir.join(name(self.segment.id, PLAIN))
    }
}

/// Returns the bytes of the group that begins `bytes`, and its first sequence.
fn group_size(bytes: &[u8]) -> (usize, u64) {
    let (_, _, first_seq) = outline(bytes);
    let mut at = 0;
    loop {
        let (size, flags, _) = outline(&bytes[at..]);
        at += size;
        if flags.has(Flags::END) {
            return (at, first_seq);
        }
    }
}

fn time_of(record: &[u8]) -> Timestamp {
    Timestamp::from_nanos(crate::record::u64_at(record, 24).cast_signed())
}
