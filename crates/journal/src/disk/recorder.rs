//! A disk that writes down what is done to it, for [`PowerLoss`](super::PowerLoss).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, Open};

/// One thing done to a disk. Files are named by a number that stays when the name changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// A folder was made.
    CreateDir(PathBuf),
    /// A name came to stand for a new, empty file.
    Create {
        /// The name.
        path: PathBuf,
        /// The file.
        file: u64,
    },
    /// Bytes were written.
    Write {
        /// The file.
        file: u64,
        /// Where, in bytes.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A sync began; it covers what was written before.
    SyncBegins {
        /// The number of the sync.
        sync: u64,
        /// The file.
        file: u64,
    },
    /// The sync returned without error.
    SyncEnds {
        /// The number of the sync.
        sync: u64,
    },
    /// A file got another name.
    Rename {
        /// The old name.
        from: PathBuf,
        /// The new one.
        to: PathBuf,
    },
    /// A name was removed.
    Remove(PathBuf),
    /// The names in a folder were made durable.
    SyncDir(PathBuf),
    /// The test's own mark: what it had told the world so far.
    Note(u64),
}

/// What was done, in order.
pub type Trace = Vec<Operation>;

#[derive(Debug, Default)]
struct Log {
    trace: Trace,
    /// Which file a name stands for.
    names: Vec<(PathBuf, u64)>,
    files: u64,
    syncs: u64,
}

impl Log {
    fn file_of(&self, path: &Path) -> Option<u64> {
        self.names.iter().find(|(name, _)| name == path).map(|(_, file)| *file)
    }

    fn name(&mut self, path: &Path, file: u64) {
        self.names.retain(|(name, _)| name != path);
        self.names.push((path.to_owned(), file));
    }
}

/// Another disk, written down. Only files that were created through it are in the trace.
#[derive(Clone, Debug)]
pub struct Recorder {
    inner: Arc<dyn Disk>,
    log: Arc<Mutex<Log>>,
}

impl Recorder {
    /// Starts to write down what happens to `inner`.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        Self { inner, log: Arc::default() }
    }

    /// Adds the test's own mark to the trace.
    pub fn note(&self, value: u64) {
        self.log().trace.push(Operation::Note(value));
    }

    /// Takes what lies in a folder into the trace, as if it had been written and synced.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn adopt(&self, dir: &Path) -> io::Result<()> {
        let mut log = self.log();
        log.trace.push(Operation::CreateDir(dir.to_owned()));
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                drop(log);
                self.adopt(&path)?;
                log = self.log();
                continue;
            }
            let bytes = std::fs::read(&path)?;
            (log.files, log.syncs) = (log.files + 1, log.syncs + 1);
            let (file, sync) = (log.files, log.syncs);
            log.name(&path, file);
            log.trace.push(Operation::Create { path, file });
            log.trace.push(Operation::Write { file, offset: 0, bytes });
            log.trace.push(Operation::SyncBegins { sync, file });
            log.trace.push(Operation::SyncEnds { sync });
        }
        log.trace.push(Operation::SyncDir(dir.to_owned()));
        Ok(())
    }

    /// Returns what was done so far.
    pub fn trace(&self) -> Trace {
        self.log().trace.clone()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for Recorder {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)?;
        self.log().trace.push(Operation::CreateDir(path.to_owned()));
        Ok(())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.inner.open(path, how)?;
        let mut log = self.log();
        let known = match how {
            // What a replaced file held may come back after a loss of power: a new file is right.
            Open::CreateNew | Open::Replace => None,
            Open::Read | Open::Write => log.file_of(path),
        };
        let file = known.unwrap_or_else(|| {
            log.files += 1;
            let file = log.files;
            log.name(path, file);
            if how != Open::Read {
                log.trace.push(Operation::Create { path: path.to_owned(), file });
            }
            file
        });
        drop(log);
        Ok(Box::new(RecordedFile { inner, file, log: Arc::clone(&self.log) }))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.inner.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut log = self.log();
        self.inner.rename(from, to)?;
        if let Some(file) = log.file_of(from) {
            log.names.retain(|(name, _)| name != from);
            log.name(to, file);
        }
        log.trace.push(Operation::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut log = self.log();
        self.inner.remove(path)?;
        log.names.retain(|(name, _)| name != path);
        log.trace.push(Operation::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Under the lock: a name that changes meanwhile is not covered.
        let mut log = self.log();
        self.inner.sync_dir(path)?;
        log.trace.push(Operation::SyncDir(path.to_owned()));
        Ok(())
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.inner.free_space(path)
    }
}

#[derive(Debug)]
struct RecordedFile {
    inner: Box<dyn DiskFile>,
    file: u64,
    log: Arc<Mutex<Log>>,
}

impl RecordedFile {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskFile for RecordedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes)?;
        self.log().trace.push(Operation::Write { file: self.file, offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, buffer)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut log = self.log();
        log.syncs += 1;
        let sync = log.syncs;
        log.trace.push(Operation::SyncBegins { sync, file: self.file });
        drop(log);
        self.inner.sync_data()?;
        self.log().trace.push(Operation::SyncEnds { sync });
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}
