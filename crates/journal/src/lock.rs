//! One writer: the lock of a data directory (I16).
//!
//! The lock is the operating system's (`flock`): it goes with the process, so that a file that a
//! killed process left behind is no lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The lock is held as long as this lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it (exit code 73).
    #[error("{path} is held by process {pid}: another instance runs on this data directory", path = path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, as it wrote.
        pid: String,
    },
    /// The disk refused.
    #[error("lock {path}", path = path.display())]
    Disk {
        /// The lock file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock of a data directory, which must exist.
    ///
    /// # Errors
    ///
    /// When another process holds it or the disk refuses; nothing has changed then.
    pub fn acquire(data_dir: &Path) -> Result<Self, LockError> {
        let path = data_dir.join("lock");
        let disk = |source| LockError::Disk { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(disk)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid).map_err(disk)?;
                let pid = pid.trim();
                let pid = if pid.is_empty() { "unknown" } else { pid }.to_owned();
                return Err(LockError::Held { path, pid });
            }
            Err(TryLockError::Error(source)) => return Err(disk(source)),
        }
        file.set_len(0).map_err(disk)?;
        write!(file, "{}", std::process::id()).map_err(disk)?;
        Ok(Self { file, path })
    }

    /// Returns the process that wrote itself into the lock of a data directory and still lives;
    /// for telling only: the lock itself is neither taken nor looked at.
    pub fn holder(data_dir: &Path) -> Option<u32> {
        let text = std::fs::read_to_string(data_dir.join("lock")).ok()?;
        let pid: u32 = text.trim().parse().ok()?;
        Path::new("/proc").join(pid.to_string()).is_dir().then_some(pid)
    }

    /// Returns whether the file that is locked still is the one others would lock.
    pub fn is_current(&self) -> bool {
        let here = self.file.metadata().map(|found| (found.dev(), found.ino()));
        let there = std::fs::metadata(&self.path).map(|found| (found.dev(), found.ino()));
        matches!((here, there), (Ok(here), Ok(there)) if here == there)
    }
}
