//! The log of the book: frames appended, synced before what they hold is told to anybody.
//!
//! It lies in pieces, `book.log`, `book.1.log` and so on; the last one is appended to. A piece
//! begins after everything of the one before is on disk, and says how long that one is. Pieces are
//! never removed: a checkpoint only spares their reading (decision 0114). In the last piece, what
//! follows the first bad frame is dropped after a cut if no frame there says that the bad place was
//! on disk; else it is damage, as any bad frame of another piece is (J7, journal.md 16).
//!
//! Invariant: after a failed write or sync nothing is written any more (J6).

use std::io;
use std::path::PathBuf;

use journal::disk::DiskFile;
use model::record::Writer;

use super::folder::Folder;
use super::frames::{damage, frame, scan};
use super::{BookError, Entry, OpenError};

/// Unsynced bytes are handed to the kernel in pieces of this size.
const PIECE: usize = 64 << 10;

/// The log of a book.
#[derive(Debug)]
pub(super) struct Log {
    folder: Folder,
    path: PathBuf,
    /// The number of the piece that is appended to.
    piece: u32,
    file: Box<dyn DiskFile>,
    /// Frames that are not written yet.
    buffer: Vec<u8>,
    /// Bytes written.
    written: u64,
    /// Bytes on disk for certain.
    synced: u64,
    /// Entries since the last checkpoint was begun.
    entries: usize,
    failed: bool,
}

/// Why the files of a book cannot be opened.
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
    /// A file is damaged where it was once on disk.
    #[error(
        "the paper book {path} is damaged at offset {offset}: it was written whole; restore the file \
         from a backup"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first bad frame begins.
        offset: u64,
    },
    /// A piece of the log is gone.
    #[error("the paper book has no {path}, which belongs to it: restore the file from a backup")]
    Missing {
        /// The file.
        path: PathBuf,
    },
}

/// Returns the file of a piece.
fn name(piece: u32) -> String {
    if piece == 0 { "book.log".to_owned() } else { format!("book.{piece}.log") }
}

/// Returns the number of a piece by its file.
fn number(file: &str) -> Option<u32> {
    let middle = file.strip_prefix("book")?.strip_suffix("log")?.strip_suffix('.')?;
    let piece = if middle.is_empty() { 0 } else { middle.strip_prefix('.')?.parse().ok()? };
    (name(piece) == file).then_some(piece)
}

impl Log {
    /// Opens the log from a piece on, or creates it, and returns what it holds. A torn tail is cut.
    pub(super) fn open(folder: &Folder, from: u32) -> Result<(Self, Vec<Entry>), OpenError> {
        let pieces = folder.names()?.iter().filter_map(|file| number(file)).max();
        if pieces.is_none() && from == 0 {
            folder.put(&name(0), &[]).map_err(folder.fault(&name(0)))?;
        }
        let last = pieces.unwrap_or(from);
        let (mut entries, mut before) = (Vec::new(), None);
        for piece in from..=last {
            let place = Place { piece, last: piece == last, before };
            before = Some(read_piece(folder, place, &mut entries)?);
        }
        let Some(end) = before else {
            return Err(LogError::Missing { path: folder.path(&name(from)) }.into());
        };
        let fault = folder.fault(&name(last));
        let file = folder.open(&name(last)).map_err(&fault)?;
        // What was read may never have been synced by the process before.
        file.sync_data().map_err(&fault)?;
        let log = Self {
            folder: folder.clone(),
            path: folder.path(&name(last)),
            piece: last,
            file,
            buffer: Vec::new(),
            written: end,
            synced: end,
            entries: entries.len(),
            failed: false,
        };
        Ok((log, entries))
    }

    /// Returns the folder.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Returns how many entries there are since the last checkpoint.
    pub(super) fn entries(&self) -> usize {
        self.entries
    }

    /// Begins the next piece and returns its number; everything before is on disk.
    pub(super) fn next_piece(&mut self) -> Result<u32, BookError> {
        self.sync()?;
        let piece = self.piece.saturating_add(1);
        let mut writer = Writer::new();
        Entry::Piece { before: self.written }.encode(&mut writer);
        let mut begin = Vec::new();
        frame(&mut begin, writer.bytes(), piece, 0, 0);
        self.path = self.folder.path(&name(piece));
        let put = self.folder.put(&name(piece), &begin);
        match put.and_then(|()| self.folder.open(&name(piece))) {
            Ok(file) => self.file = file,
            // Whether the piece is there nobody knows: nothing may be written before it or behind.
            Err(error) => self.check("begin", Err(error))?,
        }
        self.piece = piece;
        (self.written, self.synced) = (begin.len() as u64, begin.len() as u64);
        self.entries = 0;
        Ok(piece)
    }

    /// Appends an entry; it is on disk after the next [`sync`](Self::sync).
    pub(super) fn append(&mut self, payload: &[u8]) -> Result<(), BookError> {
        let offset = self.written + self.buffer.len() as u64;
        frame(&mut self.buffer, payload, self.piece, offset, self.synced);
        self.entries += 1;
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

/// A piece among the others.
struct Place {
    piece: u32,
    /// It is appended to: its end may be torn.
    last: bool,
    /// The length of the piece before, if that was read.
    before: Option<u64>,
}

/// Reads a piece; returns its length without a torn tail, which is cut.
fn read_piece(folder: &Folder, at: Place, entries: &mut Vec<Entry>) -> Result<u64, OpenError> {
    let file = name(at.piece);
    let path = folder.path(&file);
    if !folder.names()?.contains(&file) {
        return Err(LogError::Missing { path }.into());
    }
    let bytes = folder.read(&file)?;
    let (payloads, end) = scan(&bytes, at.piece);
    let whole = end == bytes.len();
    let torn = if at.last || whole { damage(&bytes, at.piece, end) } else { Some(end as u64) };
    if let Some(offset) = torn {
        return Err(LogError::Damaged { path, offset }.into());
    }
    let first = entries.len();
    for (entry, payload) in payloads.into_iter().enumerate() {
        let unreadable = |source| OpenError::Entry { path: path.clone(), entry, source };
        entries.push(Entry::decode(payload).map_err(unreadable)?);
    }
    if at.piece > 0 {
        match (entries.get(first), at.before) {
            (Some(Entry::Piece { before }), Some(known)) if *before != known => {
                let path = folder.path(&name(at.piece - 1));
                return Err(LogError::Damaged { path, offset: known.min(*before) }.into());
            }
            (Some(Entry::Piece { .. }), _) => {}
            // The first frame was on disk before anything was written behind it.
            _ => return Err(LogError::Damaged { path, offset: 0 }.into()),
        }
    }
    if !whole {
        // What lies behind the cut must not be taken for what is written there later.
        let kept = bytes.get(..end).unwrap_or_default();
        folder.put(&file, kept).map_err(folder.fault(&file))?;
    }
    Ok(end as u64)
}
