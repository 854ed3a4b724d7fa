//! Recovery: the state that the journal's durable prefix holds (journal.md 8, J10).
//!
//! The newest good snapshot, then the journal behind it: replayed exactly when this build wrote it
//! and every fact comes again, else adopted into the books of that snapshot. Taking the lock, the
//! epoch and the new [`Start`] are the work of whoever starts a process.
//!
//! Invariant: what comes out is the books that the recorded facts say, whatever this build would
//! decide; damage is never passed over.

mod catching_up;
mod replay;
mod retelling;
pub mod snapshot;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::record::DecodeError;
use engine::risk_manager::Limits;
use engine::{Engine, Start};
use journal::disk::Disk;
use journal::{
    BadSnapshot, ReadError, ReadOptions, Reader, Snapshot, SnapshotError, Snapshots, Tail,
};

pub(crate) use catching_up::catch_up;
pub use replay::{Difference, Foundry, FoundryError, Plan, Replay, ReplayError, Replayed};
pub(crate) use retelling::retell;
pub use snapshot::RestoreError;

use crate::codec::SCHEMA;

/// Where a data directory's journal and snapshots lie.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file layer.
    pub disk: Arc<dyn Disk>,
    /// The folder of the journal.
    pub journal: PathBuf,
    /// The folder of the snapshots.
    pub snapshots: PathBuf,
    /// The account whose journal it must be; `None` for whosever it is.
    pub account: Option<u64>,
}

impl Place {
    /// Names the folders of a data directory.
    pub fn of(disk: Arc<dyn Disk>, data_dir: &Path, account: Option<u64>) -> Self {
        let (journal, snapshots) = (data_dir.join("journal"), data_dir.join("snapshots"));
        Self { disk, journal, snapshots, account }
    }

    /// Returns the store of the snapshots.
    pub fn store(&self) -> Snapshots {
        Snapshots::new(Arc::clone(&self.disk), self.snapshots.clone())
    }

    /// Opens the journal; `options` says from where.
    ///
    /// # Errors
    /// The disk refuses, or the journal is damaged or another one.
    pub fn read(&self, options: ReadOptions) -> Result<Reader, ReadError> {
        let options = ReadOptions { account: self.account, schema: SCHEMA, ..options };
        Reader::open(Arc::clone(&self.disk), &self.journal, options)
    }
}

/// Why the state cannot be recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The journal is damaged or cannot be read.
    #[error("recover from the journal")]
    Read(#[from] ReadError),
    /// The snapshots cannot be read.
    #[error("recover from the snapshots")]
    Snapshots(#[from] SnapshotError),
    /// The journal cannot be replayed.
    #[error("recover from the journal")]
    Replay(#[from] ReplayError),
}

/// Why a start cannot go on with the books of the run before.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The engine cannot be built, or the books do not fit it.
    #[error(transparent)]
    Foundry(#[from] FoundryError),
    /// The books cannot be taken over.
    #[error("the books of the last run cannot be taken over")]
    Books(#[from] DecodeError),
}

/// Makes the engine of a new process: the recovered one where its analysis may go on, else a new
/// one with the recovered books. `start` is completed with what that is (journal.md 8, 9).
///
/// # Errors
/// The engine cannot be built, or books were kept under another set of symbols or strategies.
pub fn resume(
    state: Option<(Start, Engine)>,
    warm: bool,
    foundry: &dyn Foundry,
    start: &mut Start,
) -> Result<Engine, ResumeError> {
    let Some((before, engine)) = state else {
        start.cold = true;
        return Ok(foundry.engine(start)?);
    };
    start.config = foundry.follow(&before, start)?;
    start.cold = !(warm && before.config == start.config && before.build == start.build);
    if !start.cold {
        return Ok(engine);
    }
    let mut fresh = foundry.engine(start)?;
    replay::take_over(&engine, &mut fresh)?;
    Ok(fresh)
}

/// Returns the limits of a configuration whose limits are others than those of the run before:
/// books keep the limits in force, so a change of the configuration has to be asked for (C42).
///
/// # Errors
/// An engine cannot be built.
pub fn changed_limits(
    before: &Start,
    now: &Start,
    foundry: &dyn Foundry,
) -> Result<Option<Limits>, FoundryError> {
    if before.config == now.config {
        return Ok(None);
    }
    let limits = |start| foundry.engine(start).map(|e| e.books().gate().limits().clone());
    let (old, new) = (limits(before)?, limits(now)?);
    Ok((old != new).then_some(new))
}

impl RecoverError {
    /// Returns the exit code of contract.md 2.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Read(ReadError::Disk { .. }) | Self::Snapshots(_) => 74,
            Self::Read(ReadError::Account { .. }) | Self::Replay(ReplayError::Foundry { .. }) => 78,
            Self::Read(_) | Self::Replay(_) => 65,
        }
    }
}

/// What was recovered.
#[derive(Debug)]
pub struct Recovered {
    /// The engine and the start of its process; none of an empty journal.
    pub state: Option<(Start, Engine)>,
    /// Its analysis is that of the process that ended: a start may go on with it.
    pub warm: bool,
    /// Why the journal was adopted and not replayed: an alarm, unless another build wrote it.
    pub adopted: Option<String>,
    /// What the replay found.
    pub replayed: Replayed,
    /// Snapshots that could not be used.
    pub bad_snapshots: Vec<BadSnapshot>,
    /// The sequence of the snapshot that was used; 0 without one.
    pub snapshot_seq: u64,
    /// Where to go on.
    pub tail: Tail,
}

/// Brings back the state at the end of the journal.
///
/// # Errors
/// The journal is damaged, cannot be read, or holds what this build does not know.
pub fn recover(
    place: &Place,
    foundry: &dyn Foundry,
    build: &str,
) -> Result<Recovered, RecoverError> {
    let exact = Plan { build: build.to_owned(), adopt: false, stop_at_difference: true };
    let (base, mut bad) = base(place, foundry, build, false)?;
    let replay = match run(place, foundry, exact.clone(), base)? {
        (replay, Some(tail)) => {
            let warm = replay.is_exact();
            return Ok(collect(replay, tail, warm, None, bad));
        }
        (replay, None) => replay,
    };
    let why = describe(replay.found());
    let (base, more) = self::base(place, foundry, build, true)?;
    bad.extend(more);
    let adopt = Plan { adopt: true, stop_at_difference: false, ..exact };
    match run(place, foundry, adopt, base)? {
        (replay, Some(tail)) => Ok(collect(replay, tail, false, Some(why), bad)),
        (..) => unreachable!("this plan does not stop at a difference"),
    }
}

fn collect(
    replay: Replay<'_>,
    tail: Tail,
    warm: bool,
    adopted: Option<String>,
    bad_snapshots: Vec<BadSnapshot>,
) -> Recovered {
    let snapshot_seq = replay.base_seq();
    let (replayed, state) = replay.finish();
    let warm = warm && state.is_some();
    Recovered { state, warm, adopted, replayed, bad_snapshots, snapshot_seq, tail }
}

pub(crate) fn describe(found: &Replayed) -> String {
    found.differences.first().map_or_else(
        || "the replay differs from the journal".to_owned(),
        |first| {
            format!(
                "the replay differs from the journal at {} ({}): recorded {}, replayed {}",
                first.seq, first.kind, first.recorded, first.replayed
            )
        },
    )
}

/// Where a replay begins: behind a snapshot, or at the journal's first record.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) seq: u64,
    /// The journal's chain there.
    pub(crate) chain: Option<u32>,
    state: Option<(Start, Engine, bool)>,
}

impl Base {
    /// The journal's begin.
    pub(crate) const NONE: Self = Self { seq: 0, chain: None, state: None };
}

/// Finds the newest snapshot that can be used: an older one, or the journal's begin, costs a
/// longer replay and nothing else (J9).
pub(crate) fn base(
    place: &Place,
    foundry: &dyn Foundry,
    build: &str,
    cold: bool,
) -> Result<(Base, Vec<BadSnapshot>), RecoverError> {
    base_before(place, foundry, build, cold, u64::MAX)
}

/// Finds the newest snapshot before a sequence that can be used.
fn base_before(
    place: &Place,
    foundry: &dyn Foundry,
    build: &str,
    cold: bool,
    mut before: u64,
) -> Result<(Base, Vec<BadSnapshot>), RecoverError> {
    let store = place.store();
    let mut all_bad = Vec::new();
    loop {
        let fits = |head: &journal::SnapshotHead| {
            head.seq < before
                && head.schema <= SCHEMA
                && place.account.is_none_or(|account| account == head.account)
        };
        let (found, bad) = store.newest(fits)?;
        if all_bad.is_empty() {
            all_bad = bad;
        }
        let Some(snapshot) = found else { return Ok((Base::NONE, all_bad)) };
        match open(&snapshot, foundry, build, cold) {
            Ok(base) => return Ok((base, all_bad)),
            Err(error) => {
                before = snapshot.head.seq;
                let reason = chain(&error);
                all_bad.push(BadSnapshot { path: snapshot.path, reason });
            }
        }
    }
}

/// Opens a snapshot; its hashes must be those of its Mark.
pub(crate) fn open(
    snapshot: &Snapshot,
    foundry: &dyn Foundry,
    build: &str,
    cold: bool,
) -> Result<Base, OpenError> {
    let head = &snapshot.head;
    let warm = !cold && head.build == build;
    let (start, engine) = snapshot::restore(&snapshot.body, foundry, warm)?;
    let books = engine.books().hash() == head.books_hash;
    if !books || (warm && engine.state_hash() != head.state_hash) {
        return Err(OpenError::Hash);
    }
    Ok(Base { seq: head.seq, chain: head.chain, state: Some((start, engine, warm)) })
}

/// Why a snapshot whose checksum fits cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Its content cannot be restored.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// What was restored is not what was saved.
    #[error("the restored state has another hash than the saved one")]
    Hash,
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Replays from a base to the journal's end; without a tail it stopped at a difference.
fn run<'f>(
    place: &Place,
    foundry: &'f dyn Foundry,
    plan: Plan,
    base: Base,
) -> Result<(Replay<'f>, Option<Tail>), RecoverError> {
    let Base { seq, chain: known_chain, .. } = base;
    let options =
        ReadOptions { from: seq + 1, known_durable: seq, known_chain, ..ReadOptions::default() };
    let mut reader = place.read(options)?;
    let mut replay = begin(foundry, plan, base);
    while let Some(group) = reader.next_group()? {
        if !replay.take(&group)? {
            return Ok((replay, None));
        }
    }
    let tail = reader.tail().cloned();
    Ok((replay, tail))
}

pub(crate) fn begin<'f>(foundry: &'f dyn Foundry, plan: Plan, base: Base) -> Replay<'f> {
    let replay = Replay::new(foundry, plan);
    match base.state {
        Some((start, engine, warm)) => replay.behind_snapshot(base.seq, start, engine, warm),
        None => replay,
    }
}
