//! Cutting a damaged journal where the damage begins: explicit, and nothing is thrown away (J8).
//!
//! What a start needs is read as a start reads it: from the newest good snapshot on. Damage before
//! that is left alone. Everything is copied aside first; the cut itself is journalled.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::appender::AppendError;
use crate::disk::{Disk, Open, read_whole};
use crate::reading::{Damage, ReadError, ReadOptions, Reader, Tail, Torn, list_segments};
use crate::segment::{Author, PLAIN, name};
use crate::snapshots::{SnapshotError, Snapshots};
use crate::start::{Options, StartError, start};

/// What a repair did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repaired {
    /// The damage it cut at.
    pub damage: Damage,
    /// The last sequence that was kept.
    pub last_seq: u64,
    /// Where the original lies now.
    pub original: PathBuf,
    /// Snapshots of states that no longer exist; they lie beside the original.
    pub snapshots: Vec<PathBuf>,
}

/// Why a journal was not repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// It cannot be read for another reason than damage.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The snapshots cannot be read.
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    /// The disk refused.
    #[error("{action} {path}", path = path.display())]
    Disk {
        /// What was attempted.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The cut could not be written.
    #[error("cut the journal")]
    Start(#[from] StartError),
    /// The cut could not be made durable.
    #[error("cut the journal")]
    Close(#[from] AppendError),
}

/// Cuts the journal in `dir` at the first damage behind the newest good snapshot; nothing when
/// there is none. The caller holds the lock.
///
/// After it the books may be behind the broker's: the next start compares them, as always.
///
/// # Errors
///
/// When the disk refuses. The original is then where it was, or already in its copy.
pub fn repair(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    snapshots: &Snapshots,
    author: Author,
) -> Result<Option<Repaired>, RepairError> {
    let (newest, _) = snapshots.newest(|_| true)?;
    let known_durable = newest.as_ref().map_or(0, |snapshot| snapshot.head.seq);
    let known_chain = newest.and_then(|snapshot| snapshot.head.chain);
    let from = known_durable + 1;
    let options = ReadOptions { from, known_durable, known_chain, ..ReadOptions::default() };
    let Some((damage, tail)) = first_damage(disk, dir, options)? else {
        return Ok(None);
    };
    let work = Work { disk: &**disk, dir };
    let original = work.copy_aside()?;
    let gone = work.move_snapshots(snapshots, tail.last_seq, &original)?;
    work.unpack_and_remove(&tail)?;
    let last_seq = tail.last_seq;
    let options = match &tail.end {
        Some(end) => Options { segment_bytes: end.bytes, ..Options::new(dir.to_owned(), author) },
        None => Options::new(dir.to_owned(), author),
    };
    start(Arc::clone(disk), options, tail, Box::new(|_| ()))?.appender.close()?;
    Ok(Some(Repaired { damage, last_seq, original, snapshots: gone }))
}

/// Reads until something is damaged; the tail then ends behind the last group before it.
fn first_damage(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    options: ReadOptions,
) -> Result<Option<(Damage, Tail)>, ReadError> {
    let mut reader = match Reader::open(Arc::clone(disk), dir, options) {
        Ok(reader) => reader,
        // Nothing before it can be read: the journal begins anew.
        Err(ReadError::Damage(damage)) => {
            let tail = torn_at(Tail::nothing(), &damage);
            return Ok(Some((damage, tail)));
        }
        Err(error) => return Err(error),
    };
    loop {
        match reader.next_group() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(ReadError::Damage(damage)) => {
                let tail = torn_at(reader.tail_here(), &damage);
                return Ok(Some((damage, tail)));
            }
            Err(error) => return Err(error),
        }
    }
}

fn torn_at(mut tail: Tail, damage: &Damage) -> Tail {
    let (segment, offset, bytes) =
        tail.end.as_ref().map_or((1, 0, 0), |end| (end.segment, end.offset, end.bytes));
    tail.torn = Some(Torn {
        segment,
        file: damage.file.clone(),
        offset,
        bytes: bytes - offset,
        seq: damage.seq,
        reason: format!("repaired: {damage}"),
    });
    tail.spare_is_clean = false;
    tail
}

struct Work<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
}

impl Work<'_> {
    fn step<T>(
        &self,
        action: &'static str,
        path: &Path,
        step: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T, RepairError> {
        step(path).map_err(|source| RepairError::Disk { action, path: path.to_owned(), source })
    }

    /// Copies the journal's files into a folder beside it.
    fn copy_aside(&self) -> Result<PathBuf, RepairError> {
        let above = self.dir.parent().unwrap_or(Path::new("."));
        let taken = self.step("list folder", above, |path| self.disk.list(path))?;
        let base = self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut name = format!("{base}.damaged");
        let mut number = 2;
        while taken.contains(&name) {
            name = format!("{base}.damaged-{number}");
            number += 1;
        }
        let original = above.join(name);
        self.step("make folder", &original, |path| self.disk.create_dir(path))?;
        for file in self.step("list folder", self.dir, |path| self.disk.list(path))? {
            let from = self.dir.join(&file);
            let bytes = self.step("read", &from, |path| read_whole(self.disk, path))?;
            self.step("copy", &original.join(&file), |path| self.put(path, &bytes))?;
        }
        self.step("sync folder", &original, |path| self.disk.sync_dir(path))?;
        self.step("sync folder", above, |path| self.disk.sync_dir(path))?;
        Ok(original)
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let file = self.disk.open(path, Open::Replace)?;
        file.write_at(0, bytes)?;
        file.sync_data()
    }

    /// Moves the snapshots of states behind the cut to the original.
    fn move_snapshots(
        &self,
        snapshots: &Snapshots,
        last_seq: u64,
        original: &Path,
    ) -> Result<Vec<PathBuf>, RepairError> {
        let mut gone = Vec::new();
        for path in snapshots.list()? {
            if snapshots.read(&path).is_ok_and(|good| good.head.seq <= last_seq) {
                continue;
            }
            let to = original.join(path.file_name().unwrap_or_default());
            self.step("move", &path, |path| self.disk.rename(path, &to))?;
            gone.push(to);
        }
        if let Some(dir) = snapshots.list()?.first().and_then(|path| path.parent()) {
            self.step("sync folder", dir, |path| self.disk.sync_dir(path))?;
        }
        self.step("sync folder", original, |path| self.disk.sync_dir(path))?;
        Ok(gone)
    }

    /// Makes the last segment one that can be written to, and removes those behind it.
    fn unpack_and_remove(&self, tail: &Tail) -> Result<(), RepairError> {
        let last = tail.end.as_ref().map_or(0, |end| end.segment);
        for segment in list_segments(self.disk, self.dir)? {
            if segment.id == last && segment.ending != PLAIN {
                let plain = self.dir.join(name(segment.id, PLAIN));
                let unpacked = |path: &Path| {
                    let bytes = zstd::decode_all(read_whole(self.disk, path)?.as_slice())?;
                    self.put(&plain, &bytes)
                };
                self.step("unpack", &segment.path, unpacked)?;
            }
            if segment.id > last || segment.ending != PLAIN && segment.id == last {
                self.step("remove", &segment.path, |path| self.disk.remove(path))?;
            }
        }
        self.step("sync folder", self.dir, |path| self.disk.sync_dir(path))
    }
}
