//! The book: the simulated exchange, an account, and a log from which both come back.
//!
//! It is called like [`Exchange`], by one owner and synchronously: requests, market events, then
//! [`next_report`](Book::next_report) until `None`. Each call that changes it is appended to the
//! log; a report or charge is handed out only when the log that holds it is on disk. Opening the
//! log makes the same calls again and compares what comes of them with what was reported; where
//! another build or other settings differ, the reports are taken over as they are. A checkpoint
//! spares the calls before it.
//!
//! The book keeps the run's symbols by name, so a later run may have others. Prints, quotes and
//! bars of symbols without orders change nothing and are not logged.

mod adopting;
mod answers;
mod calls;
mod checkpoint;
mod entry;
mod folder;
mod frames;
mod log;
mod past;
mod register;
mod replaying;
mod symbols;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::disk::{Disk, RealDisk};
use model::record::{DecodeError, Writer};
use model::{
    BrokerId, Cash, CorporateAction, Date, ExecutionReport, OrderRow, Price, Quote, Symbol,
    SymbolId, Timestamp,
};
use simulator::{Exchange, ExchangeConfig};
use tracing::warn;

use checkpoint::Checkpoint;
use folder::Folder;
use log::Log;
use register::Register;
use symbols::Symbols;

pub use checkpoint::FILE as CHECKPOINT;
pub use entry::Entry;
pub use log::LogError;
pub use register::Forgotten;

/// What a book is opened with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How orders fill and what they cost; its broker is the one named on reports.
    pub exchange: ExchangeConfig,
    /// The symbols of the run, in the order of their ids.
    pub symbols: Vec<Symbol>,
    /// Cash of an account that is opened for the first time.
    pub cash: Cash,
}

/// A paper account: see the [module](self).
#[derive(Debug)]
pub struct Book {
    exchange: Exchange,
    broker: BrokerId,
    symbols: Symbols,
    register: Register,
    log: Option<Log>,
    writer: Writer,
    /// Time of the latest call.
    now: Timestamp,
    /// Time of the last close of a session.
    closed: Timestamp,
    /// Time of the last logged market event of each symbol.
    fed: Vec<Timestamp>,
    /// The last quote of symbols without orders, not logged yet.
    waiting: Vec<Option<(Quote, bool)>>,
    /// Something was called since the last `Silent`, with a bar in progress.
    stirred: bool,
    in_bar: bool,
    /// The last session whose day was ended for costs.
    night: Option<Date>,
    /// Corporate actions that happened, with the book's number of their symbol.
    acted: Vec<CorporateAction>,
    /// The account was opened.
    opened: bool,
    /// Why the log could not be appended to.
    failed: Option<BookError>,
}

/// Why the book can do nothing more: its log cannot be written (J6).
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// A write or sync failed.
    #[error("{doing} the paper book {path}")]
    Log {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A write or sync failed before.
    #[error("the paper book {0} failed before and takes nothing more")]
    Dead(PathBuf),
}

/// Why a book cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its file cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An entry is not readable: a later build wrote it.
    #[error("read entry {entry} of the paper book {path}: it was written by another build")]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry's place, from 0.
        entry: usize,
        /// Why.
        source: DecodeError,
    },
    /// The checkpoint is damaged.
    #[error(
        "the paper book's checkpoint {path} is damaged at offset {offset}: remove it, and the book \
         comes back from its log alone, or restore it from a backup"
    )]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Where the first bad frame begins.
        offset: u64,
    },
    /// A later build wrote the checkpoint.
    #[error(
        "the paper book's checkpoint {path} has the version {version}, which a later build writes: \
         go on with that build, or remove the file, and the book comes back from its log alone"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

impl OpenError {
    /// Returns true when the files were read and are not what they should be; false when the file
    /// system refused.
    pub fn is_damage(&self) -> bool {
        !matches!(self, Self::Log(LogError::Open { .. }))
    }
}

/// The same calls led to something else than before.
#[derive(Debug, thiserror::Error)]
#[error("entry {entry} says {recorded}, this build and configuration make {made} of it")]
pub(crate) struct Difference {
    /// The entry's place.
    entry: usize,
    /// What was recorded.
    recorded: String,
    /// What came of it now.
    made: String,
}

impl Book {
    /// Makes a book without a log: nothing of it outlives the process.
    pub fn in_memory(settings: &Settings) -> Self {
        let mut book = Self::new(settings);
        book.begin(settings);
        book
    }

    /// Opens the book in a folder, or begins a new one there.
    ///
    /// What was reported before is reported no more; a bar that was in progress goes on with
    /// [`next_report`](Self::next_report) and [`end_bar`](Self::end_bar).
    ///
    /// # Errors
    /// The file cannot be read, is damaged, or was written by a later build.
    pub fn open(dir: &Path, settings: &Settings) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(RealDisk::default()), dir, settings)
    }

    /// Opens the book in a folder of another disk than the machine's: see [`open`](Self::open).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(on: Arc<dyn Disk>, dir: &Path, settings: &Settings) -> Result<Self, OpenError> {
        let folder = Folder::make(on, dir)?;
        let checkpoint = Checkpoint::read(&folder)?;
        let (log, entries) = Log::open(&folder, checkpoint.as_ref().map_or(0, |c| c.piece))?;
        let begin = || match &checkpoint {
            Some(checkpoint) => checkpoint.restore(&folder, settings),
            None => Ok(Self::new(settings)),
        };
        let adopted = entries.iter().rposition(|entry| *entry == Entry::Adopted).unwrap_or(0);
        let (before, after) = entries.split_at(adopted);
        let mut book = begin()?;
        book.adopt(before);
        let differs = book.replay(after).err();
        if let Some(difference) = &differs {
            warn!(
                folder = %dir.display(), %difference,
                "another build or other settings kept this paper book: it goes on from what was reported"
            );
            book = begin()?;
            book.adopt(&entries);
        }
        book.log = Some(log);
        if differs.is_some() {
            book.note(&Entry::Adopted);
        }
        book.begin(settings);
        // A log that cannot be written says so at its first use.
        book.failed = book.checkpoint_if_due(true).err();
        Ok(book)
    }

    /// Opens the account unless it is open, and serves the symbols of the run.
    fn begin(&mut self, settings: &Settings) {
        if !self.opened {
            self.call(Entry::Deposit(settings.cash));
        }
        let missing = self.symbols.missing(&settings.symbols);
        if !missing.is_empty() {
            self.call(Entry::Symbols(missing));
        }
        self.symbols.serve(&settings.symbols);
    }

    fn new(settings: &Settings) -> Self {
        let config = ExchangeConfig { broker: BrokerId(0), ..settings.exchange.clone() };
        Self {
            exchange: Exchange::new(config, 0),
            broker: settings.exchange.broker,
            symbols: Symbols::default(),
            register: Register::default(),
            log: None,
            writer: Writer::new(),
            now: Timestamp::default(),
            closed: Timestamp::default(),
            fed: Vec::new(),
            waiting: Vec::new(),
            in_bar: false,
            stirred: false,
            night: None,
            acted: Vec::new(),
            opened: false,
            failed: None,
        }
    }
}

impl Book {
    /// Logs a call and makes it; what comes of it at once is logged as well.
    fn call(&mut self, entry: Entry) -> VecDeque<Entry> {
        self.note(&entry);
        let made = self.make(&entry);
        made.iter().for_each(|entry| self.note(entry));
        made
    }

    fn note(&mut self, entry: &Entry) {
        let Some(log) = &mut self.log else { return };
        self.writer.clear();
        entry.encode(&mut self.writer);
        if let Err(error) = log.append(self.writer.bytes()) {
            self.failed.get_or_insert(error);
        }
    }

    /// Returns the error of an append that failed, once; the log itself says so ever after.
    fn healthy(&mut self) -> Result<(), BookError> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Takes symbols in behind those that are known.
    fn name(&mut self, names: &[Symbol]) {
        for &name in names {
            self.exchange.add_symbol(name);
            self.symbols.push(name);
            self.fed.push(Timestamp::default());
            self.waiting.push(None);
        }
        self.register.grow(self.fed.len());
    }

    fn at(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
    }

    fn fed_to(&mut self, symbol: SymbolId, time: Timestamp, mark: Option<Price>) {
        self.at(time);
        if let Some(fed) = self.fed.get_mut(symbol.index()) {
            *fed = (*fed).max(time);
        }
        if let Some(price) = mark {
            self.register.mark(symbol, price);
        }
    }

    /// Returns a report as the run knows its symbol, with the book's id of the order; a symbol that
    /// the run does not have stays unknown (F19).
    fn outward(&self, report: ExecutionReport) -> ExecutionReport {
        let symbol = self.symbols.run(report.symbol).unwrap_or(SymbolId(u32::MAX));
        let broker_id = self.register.id_of(report.client_id);
        ExecutionReport { symbol, broker: self.broker, broker_id, ..report }
    }

    fn outward_order(&self, row: OrderRow) -> OrderRow {
        OrderRow { symbol: row.symbol.and_then(|symbol| self.symbols.run(symbol)), ..row }
    }
}
