//! The files of a backup: which there are, what of them is written, and the list by which they are
//! known to be whole.
//!
//! Invariant: a file gets its name when it is whole and durable, and the list comes last: a backup
//! that was cut is brought up to date by the next one, and restored only as far as its list fits.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use journal::disk::{Disk as _, RealDisk};
use serde::{Deserialize, Serialize};
use twox_hash::xxhash3_128::Hasher;

use crate::exit::Failure;
use crate::files;

/// What a backup holds, in the order in which it is copied.
const PARTS: [&str; 5] = ["identity", "epoch", "snapshots", "journal", "paper"];
/// The list of a backup's files.
const LIST: &str = "backup.json";
/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// What copying did.
pub(super) struct Copied {
    /// Bytes of all files, those included that were there.
    pub(super) bytes: u64,
    /// The files.
    pub(super) list: List,
}

/// The files of a backup.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct List {
    files: Vec<Listed>,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Listed {
    /// Its path inside the backup.
    name: String,
    bytes: u64,
    /// xxh3-128 of its content, in hexadecimal.
    checksum: String,
}

/// Returns whether a folder is empty, or a backup of a data directory.
pub(super) fn is_backup_of(folder: &Path, data_dir: &Path) -> Result<bool, Failure> {
    let failed = |error| Failure::io(format_args!("read {}", folder.display()), error);
    if !folder.is_dir() {
        return Ok(false);
    }
    if fs::read_dir(folder).map_err(failed)?.next().is_none() {
        return Ok(true);
    }
    let identity = |of: &Path| fs::read(of.join("identity")).ok();
    let same = identity(folder).is_some_and(|known| Some(known) == identity(data_dir));
    // The data directory itself, or a copy of it by other means, has no list.
    Ok(same && folder.join(LIST).exists())
}

/// Copies what is there of the parts; what the target has already with the same content stays, and
/// what the source no longer has is removed.
pub(super) fn copy_parts(from: &Path, to: &Path) -> Result<Copied, Failure> {
    files::make_folder(to)?;
    let mut copied = Copied { bytes: 0, list: List::default() };
    for part in PARTS {
        let (source, target) = (from.join(part), to.join(part));
        if source.is_dir() {
            files::make_folder(&target)?;
            let kept = copy_folder(part, &source, &target, &mut copied)?;
            remove_others(&target, &kept)?;
        } else if source.exists() {
            copied.file(part.to_owned(), &source, &target)?;
        }
    }
    Ok(copied)
}

fn copy_folder(
    part: &str,
    source: &Path,
    target: &Path,
    copied: &mut Copied,
) -> Result<Vec<String>, Failure> {
    let mut kept = Vec::new();
    let mut copy = |name: &str| {
        kept.push(name.to_owned());
        copied.file(format!("{part}/{name}"), &source.join(name), &target.join(name))
    };
    // A checkpoint names a piece of the log: the names of the pieces are asked for after it.
    if source.join(paper::CHECKPOINT).exists() {
        copy(paper::CHECKPOINT)?;
    }
    let names = names(source)?;
    // What is being written will have another name when it is whole.
    let whole = |name: &&String| *name != paper::CHECKPOINT && !is_unfinished(name);
    for name in names.iter().filter(whole) {
        copy(name)?;
    }
    Ok(kept)
}

fn is_unfinished(name: &str) -> bool {
    name.ends_with(".new") || name.ends_with(".copying")
}

fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::io(format_args!("list {}", folder.display()), error);
    RealDisk::default().list(folder).map_err(failed)
}

/// Removes files of a backup that are no longer part of what it is a backup of: a segment under its
/// old name beside the compressed one would be a second one of its number.
fn remove_others(target: &Path, kept: &[String]) -> Result<(), Failure> {
    for name in names(target)?.iter().filter(|name| !kept.contains(name)) {
        let path = target.join(name);
        let failed = |error| Failure::io(format_args!("remove {}", path.display()), error);
        fs::remove_file(&path).map_err(failed)?;
    }
    Ok(())
}

impl Copied {
    /// Copies one file unless the target has it already.
    fn file(&mut self, name: String, from: &Path, to: &Path) -> Result<(), Failure> {
        let length = fs::metadata(from).map_err(|error| reading(from, error))?.len();
        let may_be_same = fs::metadata(to).is_ok_and(|there| there.len() == length);
        let there = if may_be_same { Some(sum(to)?) } else { None };
        let (bytes, checksum) = match there {
            Some(there) if there == sum(from)? => there,
            _ => copy(from, to)?,
        };
        self.bytes += bytes;
        self.list.files.push(Listed { name, bytes, checksum });
        Ok(())
    }
}

/// Copies a file and makes it durable under its name; returns what was written.
fn copy(from: &Path, to: &Path) -> Result<(u64, String), Failure> {
    let failed =
        |error| Failure::io(format_args!("copy {} to {}", from.display(), to.display()), error);
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".copying");
    let unfinished = PathBuf::from(unfinished);
    fs::copy(from, &unfinished).map_err(failed)?;
    let file = fs::File::open(&unfinished).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let written = sum(&unfinished)?;
    let disk = RealDisk::default();
    disk.rename(&unfinished, to).map_err(failed)?;
    disk.sync_dir(to.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    Ok(written)
}

fn reading(path: &Path, error: std::io::Error) -> Failure {
    Failure::io(format_args!("read {}", path.display()), error)
}

/// Returns length and checksum of a file.
fn sum(path: &Path) -> Result<(u64, String), Failure> {
    let failed = |error| reading(path, error);
    let mut file = fs::File::open(path).map_err(failed)?;
    let (mut hasher, mut bytes) = (Hasher::new(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).map_err(failed)?;
        if read == 0 {
            return Ok((bytes, format!("{:032x}", hasher.finish_128())));
        }
        hasher.write(piece.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}

impl List {
    /// Writes the list into a backup.
    pub(super) fn write(&self, backup: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(Failure::internal)?;
        files::write(&backup.join(LIST), &text)
    }

    /// Reads the list of a backup; `None` when it was made without one.
    pub(super) fn read(backup: &Path) -> Result<Option<Self>, Failure> {
        let path = backup.join(LIST);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|error| reading(&path, error))?;
        let list = serde_json::from_str(&text);
        list.map(Some)
            .map_err(|error| Failure::corrupt(format_args!("{}: {error}", path.display())))
    }

    /// Checks that the files are what was written.
    pub(super) fn check(&self, backup: &Path) -> Result<(), Failure> {
        for listed in &self.files {
            let path = backup.join(&listed.name);
            let found = if path.exists() { Some(sum(&path)?) } else { None };
            if found != Some((listed.bytes, listed.checksum.clone())) {
                let what = if found.is_some() { "is not what was backed up" } else { "is missing" };
                return Err(Failure::corrupt(format_args!("{} {what}", path.display())).hint(
                    "take another backup, or complete this one by another `backup` into it",
                ));
            }
        }
        Ok(())
    }
}
