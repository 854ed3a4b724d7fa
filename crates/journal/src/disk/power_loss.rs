//! What a machine may find on its disk after losing power (issue 5, F34).
//!
//! A disk promises little: what was written before a sync that returned is there. Of the rest, any
//! part may be there, in sectors of 512 bytes and in any order; a name that was made, changed or
//! removed may or may not be so before its folder was synced.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::recorder::Operation;

/// How much of what was not synced survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unsynced {
    /// None of it.
    Nothing,
    /// The first so many operations, the last of them cut at a sector.
    Prefix,
    /// All of it but one to three sectors.
    Hole,
    /// Each sector and each name by the toss of a coin.
    Reordered,
}

impl Unsynced {
    /// All four ways.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Prefix, Self::Hole, Self::Reordered];
}

const SECTOR: u64 = 512;

/// Builds images of a folder as it may be after a loss of power, from a recorded trace.
#[derive(Debug)]
pub struct PowerLoss<'a> {
    trace: &'a [Operation],
    /// Where in the trace the syncs return.
    points: Vec<usize>,
}

impl<'a> PowerLoss<'a> {
    /// Takes a trace.
    pub fn new(trace: &'a [Operation]) -> Self {
        let ends =
            |op: &Operation| matches!(op, Operation::SyncEnds { .. } | Operation::SyncDir(_));
        let points = (0..trace.len()).filter(|&at| ends(&trace[at])).collect();
        Self { trace, points }
    }

    /// Returns the number of syncs; power may be lost just before each returns.
    pub fn points(&self) -> usize {
        self.points.len()
    }

    /// Writes what is left under `from` into the folder `into`, when power is lost just before
    /// sync `point` returns. Returns the last note before that.
    ///
    /// # Errors
    ///
    /// When the image cannot be written.
    ///
    /// # Panics
    ///
    /// When there are not that many points.
    pub fn image(
        &self,
        point: usize,
        unsynced: Unsynced,
        seed: u64,
        from: &Path,
        into: &Path,
    ) -> io::Result<u64> {
        let mut state = State::default();
        for (at, operation) in self.trace[..self.points[point]].iter().enumerate() {
            state.take(at, operation);
        }
        let mut chance = Chance(seed ^ (point as u64) << 8 ^ unsynced as u64);
        let note = state.note;
        let pending = state.pending();
        state.survive(&choose(&pending, unsynced, &mut chance));
        state.write(from, into)?;
        Ok(note)
    }
}

/// A change that no sync covers yet.
#[derive(Clone, Debug)]
enum Pending {
    /// The part of a write that lies in one sector.
    Sector {
        file: u64,
        offset: u64,
        bytes: Vec<u8>,
    },
    Names(Vec<(PathBuf, Option<u64>)>),
}

/// Chooses what survives of the unsynced changes; they are in the order they were made.
fn choose(pending: &[Pending], unsynced: Unsynced, chance: &mut Chance) -> Vec<Pending> {
    match unsynced {
        Unsynced::Nothing => Vec::new(),
        Unsynced::Prefix => pending[..chance.below(pending.len() + 1)].to_vec(),
        Unsynced::Hole => {
            let mut kept = pending.to_vec();
            for _ in 0..=chance.below(3) {
                let sectors: Vec<usize> = (0..kept.len())
                    .filter(|&at| matches!(kept[at], Pending::Sector { .. }))
                    .collect();
                if !sectors.is_empty() {
                    kept.remove(sectors[chance.below(sectors.len())]);
                }
            }
            kept
        }
        Unsynced::Reordered => pending.iter().filter(|_| chance.below(2) == 0).cloned().collect(),
    }
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, u64>,
    /// As the running system sees them.
    names_now: BTreeMap<PathBuf, u64>,
    files: BTreeMap<u64, Vec<u8>>,
    dirs: Vec<PathBuf>,
    unsynced: Vec<(usize, Change)>,
    syncs: BTreeMap<u64, (u64, usize)>,
    note: u64,
}

#[derive(Debug)]
enum Change {
    Write { file: u64, offset: u64, bytes: Vec<u8> },
    Names { dir: PathBuf, entries: Vec<(PathBuf, Option<u64>)> },
}

impl State {
    fn take(&mut self, at: usize, operation: &Operation) {
        match operation {
            Operation::CreateDir(path) => self.dirs.push(path.clone()),
            Operation::Create { path, file } => {
                self.files.entry(*file).or_default();
                self.rename(at, path, vec![(path.clone(), Some(*file))]);
            }
            Operation::Write { file, offset, bytes } => {
                let change = Change::Write { file: *file, offset: *offset, bytes: bytes.clone() };
                self.unsynced.push((at, change));
            }
            Operation::SyncBegins { sync, file } => {
                self.syncs.insert(*sync, (*file, at));
            }
            Operation::SyncEnds { sync } => self.synced(*sync),
            Operation::Rename { from, to } => {
                let file = self.names_now.get(from).copied();
                self.rename(at, to, vec![(from.clone(), None), (to.clone(), file)]);
            }
            Operation::Remove(path) => self.rename(at, path, vec![(path.clone(), None)]),
            Operation::SyncDir(dir) => self.dir_synced(dir),
            Operation::Note(value) => self.note = *value,
        }
    }

    fn rename(&mut self, at: usize, path: &Path, entries: Vec<(PathBuf, Option<u64>)>) {
        set_names(&mut self.names_now, &entries);
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        self.unsynced.push((at, Change::Names { dir, entries }));
    }

    fn synced(&mut self, sync: u64) {
        let Some((synced, began)) = self.syncs.remove(&sync) else { return };
        let mut rest = Vec::new();
        for (at, change) in std::mem::take(&mut self.unsynced) {
            match change {
                Change::Write { file, offset, bytes } if file == synced && at < began => {
                    put(self.files.entry(file).or_default(), offset, &bytes);
                }
                other => rest.push((at, other)),
            }
        }
        self.unsynced = rest;
    }

    fn dir_synced(&mut self, synced: &Path) {
        let mut rest = Vec::new();
        for (at, change) in std::mem::take(&mut self.unsynced) {
            match change {
                Change::Names { dir, entries } if dir == synced => {
                    set_names(&mut self.names, &entries);
                }
                other => rest.push((at, other)),
            }
        }
        self.unsynced = rest;
    }

    fn pending(&self) -> Vec<Pending> {
        let mut pending = Vec::new();
        for (_, change) in &self.unsynced {
            match change {
                Change::Names { entries, .. } => pending.push(Pending::Names(entries.clone())),
                Change::Write { file, offset, bytes } => {
                    let (mut at, mut rest) = (*offset, bytes.as_slice());
                    while !rest.is_empty() {
                        let room = SECTOR - at % SECTOR;
                        let (part, after) =
                            rest.split_at(rest.len().min(usize::try_from(room).unwrap_or(0)));
                        pending.push(Pending::Sector {
                            file: *file,
                            offset: at,
                            bytes: part.to_vec(),
                        });
                        (at, rest) = (at + part.len() as u64, after);
                    }
                }
            }
        }
        pending
    }

    fn survive(&mut self, chosen: &[Pending]) {
        for change in chosen {
            match change {
                Pending::Sector { file, offset, bytes } => {
                    put(self.files.entry(*file).or_default(), *offset, bytes);
                }
                Pending::Names(entries) => set_names(&mut self.names, entries),
            }
        }
    }

    fn write(&self, from: &Path, into: &Path) -> io::Result<()> {
        std::fs::create_dir_all(into)?;
        for dir in &self.dirs {
            if let Ok(below) = dir.strip_prefix(from) {
                std::fs::create_dir_all(into.join(below))?;
            }
        }
        for (path, file) in &self.names {
            if let Ok(below) = path.strip_prefix(from) {
                let path = into.join(below);
                std::fs::create_dir_all(path.parent().unwrap_or(into))?;
                std::fs::write(path, self.files.get(file).map_or(&[][..], Vec::as_slice))?;
            }
        }
        Ok(())
    }
}

fn set_names(names: &mut BTreeMap<PathBuf, u64>, entries: &[(PathBuf, Option<u64>)]) {
    for (path, file) in entries {
        match file {
            Some(file) => names.insert(path.clone(), *file),
            None => names.remove(path),
        };
    }
}

fn put(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = start + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[start..end].copy_from_slice(bytes);
}

/// A small seeded source of numbers (splitmix64).
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}
