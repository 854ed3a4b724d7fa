//! The file of the book: frames appended, synced before what they hold is told to anybody.
//!
//! A frame is a header of 24 bytes and a payload padded to 8: magic, length, how much of the file
//! was on disk when the frame was written, checksum over place, header and payload. After a cut,
//! what follows the first bad frame is dropped if no frame there says that the bad place was on
//! disk; else it is damage (J7, journal.md 16).
//!
//! Invariant: after a failed write or sync nothing is written any more (J6).

use std::io;
use std::path::{Path, PathBuf};

use journal::disk::{self, Disk, DiskFile, Open};

use super::BookError;

const FILE: &str = "book.log";
const MAGIC: u32 = 0x5042_5742;
const HEADER: usize = 24;
const ALIGN: usize = 8;
/// A frame is never longer: the largest entry lists the symbols of a run.
const LONGEST: usize = 16 << 20;
/// Unsynced bytes are handed to the kernel in pieces of this size.
const PIECE: usize = 64 << 10;

/// The log of a book.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    /// Frames that are not written yet.
    buffer: Vec<u8>,
    /// Bytes written.
    written: u64,
    /// Bytes on disk for certain.
    synced: u64,
    failed: bool,
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("open the paper book {path}")]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is damaged where it was once on disk.
    #[error(
        "the paper book {path} is damaged at offset {offset}: entries after it were written when it \
         was whole; restore the file from a backup"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first bad frame begins.
        offset: u64,
    },
}

impl Log {
    /// Opens or creates the log in a folder and returns what it holds. A torn tail is cut.
    pub(super) fn open(on: &dyn Disk, dir: &Path) -> Result<(Self, Vec<Vec<u8>>), LogError> {
        let path = dir.join(FILE);
        let fault = |source| LogError::Open { path: path.clone(), source };
        on.create_dir(dir).map_err(fault)?;
        if !on.list(dir).map_err(fault)?.iter().any(|name| name == FILE) {
            disk::replace(on, &path, &[]).map_err(fault)?;
        }
        let bytes = disk::read_whole(on, &path).map_err(fault)?;
        let (payloads, end) = scan(&bytes);
        if let Some(offset) = damage(&bytes, end) {
            return Err(LogError::Damaged { path, offset });
        }
        if end < bytes.len() {
            // What lies behind the cut must not be taken for what is written there later.
            disk::replace(on, &path, bytes.get(..end).unwrap_or_default()).map_err(fault)?;
        }
        let file = on.open(&path, Open::Write).map_err(fault)?;
        // What was read may never have been synced by the process before.
        file.sync_data().map_err(fault)?;
        let end = end as u64;
        let log = Self { path, file, buffer: Vec::new(), written: end, synced: end, failed: false };
        Ok((log, payloads))
    }

    /// Appends an entry; it is on disk after the next [`sync`](Self::sync).
    pub(super) fn append(&mut self, payload: &[u8]) -> Result<(), BookError> {
        let offset = self.written + self.buffer.len() as u64;
        frame(&mut self.buffer, payload, offset, self.synced);
        if self.buffer.len() >= PIECE { self.write() } else { self.alive() }
    }

    /// Puts everything on disk; does nothing when it is there already.
    pub(super) fn sync(&mut self) -> Result<(), BookError> {
        self.write()?;
        if self.synced < self.written {
            let done = self.file.sync_data();
            self.check("sync", done)?;
            self.synced = self.written;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), BookError> {
        self.alive()?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        let done = self.file.write_at(self.written, &self.buffer);
        self.check("write", done)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn alive(&self) -> Result<(), BookError> {
        if self.failed { Err(BookError::Dead(self.path.clone())) } else { Ok(()) }
    }

    fn check(&mut self, doing: &'static str, done: io::Result<()>) -> Result<(), BookError> {
        done.map_err(|source| {
            self.failed = true;
            BookError::Log { doing, path: self.path.clone(), source }
        })
    }
}

/// Appends a frame that begins at `offset` of the file.
fn frame(buffer: &mut Vec<u8>, payload: &[u8], offset: u64, synced: u64) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&MAGIC.to_le_bytes());
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&synced.to_le_bytes());
    buffer.extend_from_slice(&checksum(offset, length, synced, payload).to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(payload);
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
}

fn checksum(offset: u64, length: u32, synced: u64, payload: &[u8]) -> u32 {
    let mut sum = crc32c::crc32c(&offset.to_le_bytes());
    sum = crc32c::crc32c_append(sum, &length.to_le_bytes());
    sum = crc32c::crc32c_append(sum, &synced.to_le_bytes());
    crc32c::crc32c_append(sum, payload)
}

/// A frame as it was read.
struct Frame<'a> {
    payload: &'a [u8],
    /// How much was on disk when it was written.
    synced: u64,
    /// Where the next one begins.
    next: usize,
}

fn read(bytes: &[u8], at: usize) -> Option<Frame<'_>> {
    let header = bytes.get(at..at.checked_add(HEADER)?)?;
    let word = |from: usize| Some(u32::from_le_bytes(header.get(from..from + 4)?.try_into().ok()?));
    let synced = u64::from_le_bytes(header.get(8..16)?.try_into().ok()?);
    let length = word(4)?;
    if word(0)? != MAGIC || length as usize > LONGEST {
        return None;
    }
    let begin = at + HEADER;
    let payload = bytes.get(begin..begin.checked_add(length as usize)?)?;
    let good = word(16)? == checksum(at as u64, length, synced, payload);
    let next = (begin + length as usize).next_multiple_of(ALIGN);
    good.then_some(Frame { payload, synced, next })
}

/// Returns the payloads of the good frames from the beginning, and where the first bad one begins.
fn scan(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let (mut payloads, mut at) = (Vec::new(), 0);
    while let Some(frame) = read(bytes, at) {
        payloads.push(frame.payload.to_vec());
        at = frame.next;
    }
    (payloads, at.min(bytes.len()))
}

/// Returns where the file is damaged: a later frame was written when the first bad place was on
/// disk already.
fn damage(bytes: &[u8], bad: usize) -> Option<u64> {
    let mut at = bad;
    while at + HEADER <= bytes.len() {
        match read(bytes, at) {
            Some(frame) if frame.synced > bad as u64 => return Some(bad as u64),
            Some(frame) => at = frame.next,
            None => at += ALIGN,
        }
    }
    None
}
