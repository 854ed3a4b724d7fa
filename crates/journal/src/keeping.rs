//! What becomes of finished segments (journal.md 17): compressed once no snapshot needs them,
//! and later an extract without market records, which is kept for ever.
//!
//! A form replaces another only after it was made durable and read back; a reader takes the fuller
//! one where both lie.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Timestamp;

use crate::disk::{Disk, read_whole, replace};
use crate::reading::{ReadError, Reader, SegmentFile, list_segments, read_head};
use crate::record::{Flags, Kind, close, link, mark, open};
use crate::segment::{COMPRESSED, EXTRACT, Extracted, Head, PLAIN, name};

/// What is kept how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keeping<'a> {
    /// Segments that end at or before this sequence are compressed: the oldest kept snapshot's.
    pub behind: u64,
    /// Compressed segments that end before this time become extracts.
    pub extract_before: Timestamp,
    /// The kinds an extract leaves out.
    pub leave_out: &'a [Kind],
}

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// Segments that are compressed now.
    pub compressed: Vec<u64>,
    /// Segments of which an extract is left.
    pub extracted: Vec<u64>,
}

/// Why a segment was left as it is.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It cannot be read, or is damaged: it is kept as it is.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The disk refused.
    #[error("{action} {path}", path = path.display())]
    Disk {
        /// What was attempted.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// zstd's own default: a third of the time of the next that is notably smaller.
const LEVEL: i32 = 3;

/// Compresses and extracts what may be. Safe beside the writer and beside readers.
///
/// # Errors
///
/// When the disk refuses or a segment is damaged; that one and all behind it stay as they are.
pub fn keep(disk: &Arc<dyn Disk>, dir: &Path, keeping: &Keeping<'_>) -> Result<Kept, KeepError> {
    let mut kept = Kept::default();
    let segments = list_segments(&**disk, dir)?;
    // A segment is finished when the next one has begun.
    for (segment, next) in segments.iter().zip(segments.iter().skip(1)) {
        let Some((next_head, _, link)) = read_head(&**disk, next)? else { break };
        if next_head.first_seq > keeping.behind.saturating_add(1) {
            break;
        }
        let mut finished = Finished { disk, dir, segment: segment.clone() };
        if finished.segment.ending == PLAIN {
            finished.compress()?;
            kept.compressed.push(segment.id);
        }
        if finished.segment.ending == COMPRESSED {
            let whole = Extracted {
                last_seq: next_head.first_seq - 1,
                last_crc: link,
                left_out: keeping.leave_out.iter().map(|kind| kind.0).collect(),
            };
            if finished.extract(keeping, whole)? {
                kept.extracted.push(segment.id);
            }
        }
    }
    Ok(kept)
}

/// A segment that is written to no more.
struct Finished<'a> {
    disk: &'a Arc<dyn Disk>,
    dir: &'a Path,
    segment: SegmentFile,
}

impl Finished<'_> {
    fn compress(&mut self) -> Result<(), KeepError> {
        let bytes = self.step("read", || read_whole(&**self.disk, &self.segment.path))?;
        // Only what is good is worth its place, and damage is not to be hidden in it.
        self.check()?;
        self.put(COMPRESSED, &bytes)
    }

    /// Reads every group of the segment.
    fn check(&self) -> Result<(), ReadError> {
        let mut reader = Reader::open_at(Arc::clone(self.disk), self.dir, self.segment.clone())?;
        while let Some(group) = reader.next_group()? {
            if group.segment != self.segment.id {
                break;
            }
        }
        Ok(())
    }

    /// Puts an extract in the segment's place, if it is old enough.
    fn extract(&mut self, keeping: &Keeping<'_>, whole: Extracted) -> Result<bool, KeepError> {
        let mut reader = Reader::open_at(Arc::clone(self.disk), self.dir, self.segment.clone())?;
        let Some((head, _, previous)) = read_head(&**self.disk, &self.segment)? else {
            return Ok(false);
        };
        let head = Head { extract: Some(whole), ..head };
        let (mut bytes, mut crc) = (Vec::new(), 0);
        while let Some(group) = reader.next_group()? {
            if group.segment != self.segment.id {
                break;
            }
            let kept = group.records().filter(|record| !keeping.leave_out.contains(&record.kind));
            let mut last = None;
            for record in kept {
                if bytes.is_empty() {
                    (bytes, crc) = head.encode(record.time, record.durable_through, previous);
                }
                let start = open(&mut bytes, &record);
                bytes.extend_from_slice(record.payload);
                // It was a payload before.
                let closed = close(&mut bytes, start);
                debug_assert_eq!(closed, Ok(()));
                last = Some((start, crc, record.durable_through));
                crc = link(&mut bytes[start..], head.segment, record.durable_through, crc);
            }
            if let Some((start, before, durable)) = last {
                mark(&mut bytes[start..], Flags::END);
                crc = link(&mut bytes[start..], head.segment, durable, before);
            }
            let ends = group.records().last().map_or(Timestamp::MAX, |record| record.time);
            if ends >= keeping.extract_before {
                return Ok(false);
            }
        }
        if bytes.is_empty() {
            (bytes, _) = head.encode(Timestamp::MIN, 0, previous);
        }
        self.put(EXTRACT, &bytes).map(|()| true)
    }

    /// Puts another form in the segment's place.
    fn put(&mut self, ending: &'static str, bytes: &[u8]) -> Result<(), KeepError> {
        let path = self.dir.join(name(self.segment.id, ending));
        let packed = self.step("compress", || zstd::encode_all(bytes, LEVEL))?;
        self.step("write the compressed form of", || {
            replace(&**self.disk, &path, &packed)?;
            let back = zstd::decode_all(read_whole(&**self.disk, &path)?.as_slice())?;
            if back == bytes { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
        })?;
        self.step("remove", || {
            self.disk.remove(&self.segment.path)?;
            self.disk.sync_dir(self.dir)
        })?;
        self.segment = SegmentFile { id: self.segment.id, path, ending };
        Ok(())
    }

    fn step<T>(
        &self,
        action: &'static str,
        step: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, KeepError> {
        let path = self.segment.path.clone();
        step().map_err(|source| KeepError::Disk { action, path, source })
    }
}
