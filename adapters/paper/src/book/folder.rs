//! The folder of a book on its disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::disk::{self, Disk, DiskFile, Open};

use super::LogError;

/// Where a book lies.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    on: Arc<dyn Disk>,
    dir: PathBuf,
}

impl Folder {
    /// Makes the folder unless it is there.
    pub(super) fn make(on: Arc<dyn Disk>, dir: &Path) -> Result<Self, LogError> {
        on.create_dir(dir).map_err(|source| LogError::Open { path: dir.to_owned(), source })?;
        Ok(Self { on, dir: dir.to_owned() })
    }

    /// Returns the path of a file.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Returns the names of the files.
    pub(super) fn names(&self) -> Result<Vec<String>, LogError> {
        self.on.list(&self.dir).map_err(self.fault(""))
    }

    /// Reads a whole file.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, LogError> {
        disk::read_whole(&*self.on, &self.path(name)).map_err(self.fault(name))
    }

    /// Opens a file to append to.
    pub(super) fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.on.open(&self.path(name), Open::Write)
    }

    /// Puts a file into place, as a whole and durable.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        disk::replace(&*self.on, &self.path(name), bytes)
    }

    /// Returns what is said when a file cannot be opened.
    pub(super) fn fault(&self, name: &str) -> impl Fn(io::Error) -> LogError + use<> {
        let path = if name.is_empty() { self.dir.clone() } else { self.path(name) };
        move |source| LogError::Open { path: path.clone(), source }
    }
}
