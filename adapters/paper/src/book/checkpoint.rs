//! A checkpoint: the whole account as it stood when a piece of the log began, so that opening the
//! book makes only the calls of that piece again (decision 0114).
//!
//! The file consists of frames: the account, then what is over ([`Past`]). It is put into place as a
//! whole after the piece has begun; until then the one before counts, with one piece more. Invariant:
//! a book opened with its checkpoint is the one that all its pieces lead to.

use model::record::{DecodeError, Reader, Record, Writer, read};
use model::{Quote, Symbol, SymbolId};

use super::folder::Folder;
use super::frames::{frame, scan};
use super::past::{Past, Row};
use super::register::Register;
use super::{Book, BookError, OpenError, Settings};

/// The checkpoint's file in the folder of a book. It names a piece of the log that lies beside it, so
/// whoever copies the folder of a book in use copies it before listing the pieces.
pub const FILE: &str = "account.checkpoint";
/// Told apart from the pieces of the log.
const AS_FILE: u32 = u32::MAX;
/// What a later build writes differently it numbers higher.
const VERSION: u32 = 1;
const RECORD: &str = "Checkpoint";
/// A session is interrupted for a checkpoint only after so many entries.
const IN_SESSION: usize = 60_000;
/// After a night or at a start fewer are enough.
const AT_NIGHT: usize = 2_000;

/// A checkpoint as it was read.
pub(super) struct Checkpoint {
    /// The piece that goes on from it.
    pub(super) piece: u32,
    account: Vec<u8>,
    past: Vec<Vec<u8>>,
}

impl Checkpoint {
    /// Reads the checkpoint of a folder; `None` without one.
    pub(super) fn read(folder: &Folder) -> Result<Option<Self>, OpenError> {
        if !folder.names()?.iter().any(|name| name == FILE) {
            return Ok(None);
        }
        let path = folder.path(FILE);
        let bytes = folder.read(FILE)?;
        let (frames, end) = scan(&bytes, AS_FILE);
        let Some((account, past)) = frames.split_first().filter(|_| end == bytes.len()) else {
            return Err(OpenError::Checkpoint { path, offset: end as u64 });
        };
        let (version, piece, chunks) = head(account).map_err(|source| OpenError::Entry {
            path: path.clone(),
            entry: 0,
            source,
        })?;
        if version > VERSION {
            return Err(OpenError::Newer { path, version });
        }
        if past.len() != chunks {
            return Err(OpenError::Checkpoint { path, offset: end as u64 });
        }
        let past = past.iter().map(|payload| payload.to_vec()).collect();
        Ok(Some(Self { piece, account: account.to_vec(), past }))
    }

    /// Returns the book as it stood.
    pub(super) fn restore(&self, folder: &Folder, settings: &Settings) -> Result<Book, OpenError> {
        let mut book = Book::new(settings);
        let unreadable = |source| OpenError::Entry { path: folder.path(FILE), entry: 0, source };
        self.load(&mut book).map_err(unreadable)?;
        Ok(book)
    }

    fn load(&self, book: &mut Book) -> Result<(), DecodeError> {
        let (mut names, mut waiting) = (Vec::<Symbol>::new(), Vec::<Held>::new());
        let mut counts = [0_usize; 3];
        let mut reader = Reader::new(&self.account);
        while let Some(field) = reader.next_field()? {
            match field.tag {
                3 => book.exchange.load(&mut Reader::new(field.blob().unwrap_or_default()))?,
                4 => read(&mut names, &field, RECORD)?,
                5 => book.register.load(&mut Reader::new(field.blob().unwrap_or_default()))?,
                6 => read(&mut book.now, &field, RECORD)?,
                7 => read(&mut book.closed, &field, RECORD)?,
                8 => read(&mut book.fed, &field, RECORD)?,
                9 => read(&mut waiting, &field, RECORD)?,
                10 => read(&mut book.night, &field, RECORD)?,
                11 => read(&mut book.acted, &field, RECORD)?,
                12 => read(&mut book.opened, &field, RECORD)?,
                13 => read(&mut counts, &field, RECORD)?,
                _ => {}
            }
        }
        names.iter().for_each(|&name| book.symbols.push(name));
        book.waiting = vec![None; names.len()];
        for (symbol, (quote, rth)) in waiting {
            if let Some(place) = book.waiting.get_mut(symbol.index()) {
                *place = Some((quote, rth));
            }
        }
        let mut past = self.past.iter();
        let Register { past_orders, past_executions, past_reports, .. } = &mut book.register;
        take(past_orders, past.by_ref().take(counts[0]))?;
        take(past_executions, past.by_ref().take(counts[1]))?;
        take(past_reports, past.by_ref().take(counts[2]))
    }
}

/// A quote of a symbol without orders, and whether it lies in regular hours.
type Held = (SymbolId, (Quote, bool));

fn take<'a, R: Row>(
    past: &mut Past<R>,
    payloads: impl Iterator<Item = &'a Vec<u8>>,
) -> Result<(), DecodeError> {
    for payload in payloads {
        past.take(payload)?;
    }
    Ok(())
}

/// Returns version, piece and the number of frames that follow.
fn head(account: &[u8]) -> Result<(u32, u32, usize), DecodeError> {
    let (mut version, mut piece, mut counts) = (0, 0, [0_usize; 3]);
    let mut reader = Reader::new(account);
    while let Some(field) = reader.next_field()? {
        match field.tag {
            1 => read(&mut version, &field, RECORD)?,
            2 => read(&mut piece, &field, RECORD)?,
            13 => read(&mut counts, &field, RECORD)?,
            _ => {}
        }
    }
    Ok((version, piece, counts.iter().sum()))
}

impl Book {
    /// Writes a checkpoint, so that the next opening need not make the calls before again; false
    /// when it is not the moment, a bar being in progress, or there is no log. One that cannot be
    /// written is reported and left: the log is whole without it.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn checkpoint(&mut self) -> Result<bool, BookError> {
        self.healthy()?;
        let Some(log) = self.log.as_mut().filter(|_| !self.in_bar && self.exchange.at_rest())
        else {
            return Ok(false);
        };
        let piece = log.next_piece()?;
        let folder = log.folder().clone();
        self.register.put_away();
        match folder.put(FILE, &self.encoded(piece)) {
            Ok(()) => Ok(true),
            Err(error) => {
                let path = folder.path(FILE);
                tracing::warn!(
                    path = %path.display(), %error,
                    "the paper book's checkpoint cannot be written: opening takes longer"
                );
                Ok(false)
            }
        }
    }

    /// Writes a checkpoint when enough was logged since the last one; `pause` says that nobody
    /// waits for the book.
    pub(super) fn checkpoint_if_due(&mut self, pause: bool) -> Result<(), BookError> {
        let enough = if pause { AT_NIGHT } else { IN_SESSION };
        if self.log.as_ref().is_some_and(|log| log.entries() >= enough) {
            self.checkpoint()?;
        }
        Ok(())
    }

    fn encoded(&self, piece: u32) -> Vec<u8> {
        let waiting = self.waiting.iter().enumerate().filter_map(|(at, held)| {
            let symbol = SymbolId(u32::try_from(at).ok()?);
            held.map(|held| (symbol, held))
        });
        let waiting: Vec<Held> = waiting.collect();
        let register = &self.register;
        let counts = [
            register.past_orders.chunks(),
            register.past_executions.chunks(),
            register.past_reports.chunks(),
        ];
        let mut writer = Writer::new();
        writer.field(1, &VERSION);
        writer.field(2, &piece);
        writer.nested(3, |writer| self.exchange.save(writer));
        writer.field(4, &self.symbols.names().to_vec());
        writer.nested(5, |writer| register.save(writer));
        writer.field(6, &self.now);
        writer.field(7, &self.closed);
        writer.field(8, &self.fed);
        writer.field(9, &waiting);
        writer.field(10, &self.night);
        writer.field(11, &self.acted);
        writer.field(12, &self.opened);
        writer.field(13, &counts);
        let mut bytes = Vec::new();
        let mut push = |payload: &[u8]| {
            let offset = bytes.len() as u64;
            frame(&mut bytes, payload, AS_FILE, offset, 0);
        };
        push(writer.bytes());
        register.past_orders.payloads().for_each(|payload| push(&payload));
        register.past_executions.payloads().for_each(|payload| push(&payload));
        register.past_reports.payloads().for_each(|payload| push(&payload));
        bytes
    }
}
