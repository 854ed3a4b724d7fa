//! Snapshots: the core's state at a sequence, to start from (J9).
//!
//! A snapshot is complete or it does not exist: it is written under another name, synced, renamed,
//! and its folder synced. Its checksum covers the whole file. What the body means is the caller's.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Timestamp;
use model::record::{self, DecodeError, Record as _};

use crate::disk::{Disk, read_whole, replace};
use crate::record::{u32_at, u64_at};

/// What a snapshot says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SnapshotHead {
    /// The state is that after this sequence, the end of a group.
    pub seq: u64,
    /// Engine time of that group.
    pub time: Timestamp,
    /// Version of the body's encoding.
    pub schema: u32,
    /// The build that wrote it: only it may take the analysis from it.
    pub build: String,
    /// Hash of the account's id.
    pub account: u64,
    /// Hash of books and analysis, as the Mark at `seq` says.
    pub state_hash: u128,
    /// Hash of the books, as the Mark at `seq` says.
    pub books_hash: u128,
    /// The chain of the journal at `seq` ([`Reader::chain`](crate::Reader::chain)), where it is
    /// known: what is read behind the snapshot must go on from there.
    pub chain: Option<u32>,
}
model::record!(SnapshotHead {
    1: seq,
    2: time,
    3: schema,
    4: build,
    5: account,
    6: state_hash,
    7: books_hash,
    8: chain,
});

/// A snapshot whose checksum fits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Its file.
    pub path: PathBuf,
    /// What it says about itself.
    pub head: SnapshotHead,
    /// The state.
    pub body: Vec<u8>,
}

/// A snapshot that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadSnapshot {
    /// Its file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Why the folder of snapshots could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{action} {path}", path = path.display())]
pub struct SnapshotError {
    /// What was attempted.
    pub action: &'static str,
    /// With which file or folder.
    pub path: PathBuf,
    /// Why it failed.
    #[source]
    pub source: io::Error,
}

/// How many snapshots are kept (J9).
pub const KEEP: usize = 3;

const MAGIC: &[u8; 8] = b"BWSNAP\x00\x01";
/// Magic, length of the head, length of the body.
const PREFIX: usize = 8 + 4 + 8;
const ENDING: &str = ".snapshot";

/// The folder of snapshots.
#[derive(Clone, Debug)]
pub struct Snapshots {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl Snapshots {
    /// Names the folder; it is made with the first snapshot.
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self { disk, dir }
    }

    /// Writes a snapshot, makes it durable, and removes those beyond the newest [`KEEP`].
    ///
    /// # Errors
    ///
    /// When the disk refuses; what was there before still is.
    pub fn write(&self, head: &SnapshotHead, body: &[u8]) -> Result<PathBuf, SnapshotError> {
        let path = self.dir.join(format!("{:020}{ENDING}", head.seq));
        let step = |action, path: &Path| {
            let path = path.to_owned();
            move |source| SnapshotError { action, path, source }
        };
        self.disk.create_dir(&self.dir).map_err(step("make folder", &self.dir))?;
        replace(&*self.disk, &path, &encode(head, body)).map_err(step("write snapshot", &path))?;
        let all = self.list()?;
        for old in &all[..all.len().saturating_sub(KEEP)] {
            self.disk.remove(old).map_err(step("remove snapshot", old))?;
        }
        Ok(path)
    }

    /// Lists the snapshots' files, oldest first; whether they are good is not looked at.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read; one that is missing is empty.
    pub fn list(&self) -> Result<Vec<PathBuf>, SnapshotError> {
        let names = match self.disk.list(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            listed => listed.map_err(|source| {
                let path = self.dir.clone();
                SnapshotError { action: "list folder", path, source }
            })?,
        };
        let snapshots = names.iter().filter(|name| name.ends_with(ENDING));
        Ok(snapshots.map(|name| self.dir.join(name)).collect())
    }

    /// Returns the newest snapshot that is good and that `accept` takes, and the newer ones that
    /// are not good.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read. A file that cannot be read is a bad snapshot.
    pub fn newest(
        &self,
        accept: impl Fn(&SnapshotHead) -> bool,
    ) -> Result<(Option<Snapshot>, Vec<BadSnapshot>), SnapshotError> {
        let mut bad = Vec::new();
        for path in self.list()?.into_iter().rev() {
            match self.read(&path) {
                Ok(snapshot) if accept(&snapshot.head) => return Ok((Some(snapshot), bad)),
                Ok(_) => {}
                Err(reason) => bad.push(BadSnapshot { path, reason }),
            }
        }
        Ok((None, bad))
    }

    /// Returns what the oldest good snapshot says about itself: nothing before it is needed to
    /// start.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn oldest(&self) -> Result<Option<SnapshotHead>, SnapshotError> {
        let good = |path: PathBuf| self.read(&path).ok().map(|snapshot| snapshot.head);
        Ok(self.list()?.into_iter().find_map(good))
    }

    /// Reads one snapshot; what is wrong with it, in words, otherwise.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not as it was written.
    pub fn read(&self, path: &Path) -> Result<Snapshot, String> {
        let bytes = read_whole(&*self.disk, path).map_err(|error| error.to_string())?;
        let (head, body) = decode(&bytes)?;
        Ok(Snapshot { path: path.to_owned(), head, body: body.to_vec() })
    }
}

/// Magic, lengths, head, body, and the CRC32C of all that.
fn encode(head: &SnapshotHead, body: &[u8]) -> Vec<u8> {
    let head = record::encode(head);
    let mut bytes = Vec::with_capacity(PREFIX + head.len() + body.len() + 4);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(body);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Result<(SnapshotHead, &[u8]), String> {
    if bytes.len() < PREFIX + 4 || !bytes.starts_with(MAGIC) {
        return Err(format!("{} bytes that do not begin as a snapshot does", bytes.len()));
    }
    let (content, crc) = bytes.split_at(bytes.len() - 4);
    let head_bytes = u64::from(u32_at(content, 8));
    let expected = (PREFIX as u64)
        .checked_add(head_bytes)
        .and_then(|sum| sum.checked_add(u64_at(content, 12)));
    if expected != Some(content.len() as u64) {
        return Err(format!("{} bytes, but its head says otherwise", bytes.len()));
    }
    if crc32c::crc32c(content) != u32_at(crc, 0) {
        return Err("the checksum does not fit".to_owned());
    }
    let (head_bytes, body) = content[PREFIX..].split_at(usize::try_from(head_bytes).unwrap_or(0));
    let mut head = SnapshotHead::default();
    head.load(&mut record::Reader::new(head_bytes))
        .map_err(|error: DecodeError| error.to_string())?;
    Ok((head, body))
}
