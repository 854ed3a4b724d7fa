//! How far alerts were delivered, kept over restarts: the outbox's cursor (J13).
//!
//! The journal is the outbox itself; the file `cursors/alerts` says how much of it is done.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::disk::{Disk, read_whole, replace};

/// The folder in the data directory.
const FOLDER: &str = "cursors";
/// The file in it.
const FILE: &str = "alerts";

/// How far alerts were delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cursor {
    /// Every critical alert up to this sequence was delivered.
    pub(super) delivered: u64,
    /// Every critical alert up to this one was acknowledged as well.
    pub(super) settled: u64,
}

/// Where it is kept.
#[derive(Debug)]
pub(super) struct CursorFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl CursorFile {
    pub(super) fn new(disk: Arc<dyn Disk>, data_dir: &Path) -> Self {
        Self { disk, path: data_dir.join(FOLDER).join(FILE) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; none when nothing was kept yet.
    pub(super) fn read(&self) -> io::Result<Option<Cursor>> {
        let bytes = match read_whole(&*self.disk, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let text = String::from_utf8_lossy(&bytes);
        parse(&text).map(Some).ok_or_else(|| {
            let what = format!("'{}' is no cursor", text.trim());
            io::Error::new(io::ErrorKind::InvalidData, what)
        })
    }

    /// Writes it and makes it durable.
    pub(super) fn write(&self, cursor: Cursor) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            self.disk.create_dir(folder)?;
        }
        let Cursor { delivered, settled } = cursor;
        let text = format!("delivered {delivered}\nsettled {settled}\n");
        replace(&*self.disk, &self.path, text.as_bytes())
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let mut lines = text.lines();
    let delivered = lines.next()?.strip_prefix("delivered ")?.parse().ok()?;
    let settled = lines.next()?.strip_prefix("settled ")?.parse().ok()?;
    (lines.next().is_none() && settled <= delivered).then_some(Cursor { delivered, settled })
}

#[cfg(test)]
mod tests {
    use journal::disk::RealDisk;

    use super::*;

    /// J13: what is kept comes back; a file that says something else is refused, not guessed.
    #[test]
    fn what_is_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = CursorFile::new(Arc::new(RealDisk::default()), folder.path());
        assert_eq!(file.read().unwrap(), None);
        let cursor = Cursor { delivered: 12, settled: 7 };
        file.write(cursor).unwrap();
        assert_eq!(file.read().unwrap(), Some(cursor));
        for bad in ["", "delivered 3", "delivered 3\nsettled 4\n", "delivered x\nsettled 1\n"] {
            std::fs::write(file.path(), bad).unwrap();
            assert!(file.read().is_err(), "{bad:?}");
        }
    }
}
