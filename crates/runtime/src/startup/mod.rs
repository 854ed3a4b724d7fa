//! The start of a process: lock, identity, recovery, epoch, and the start-up gate with each reason
//! named (C33, J10, journal.md 8-10).
//!
//! What makes trading impossible is refused with its exit code; what a person has to look at first
//! lets the process run with its gate closed.
//!
//! Invariant: nothing of the data directory is changed before its lock is held and its identity is
//! right; the epoch is durable before anything bears it.

mod ending;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::risk_manager::Limits;
use engine::{Engine, LastEnd, Start};
use journal::disk::Disk;
use journal::{Identity, Lock, LockError, Tail, epoch};
use model::{StrategyId, Timestamp};

pub use ending::{CrashLoop, EndFile};

use crate::clock::{self, Clock};
use crate::kill::KILL_FILE;
use crate::recovery::{
    Foundry, Place, RecoverError, Recovered, ResumeError, changed_limits, recover, resume,
};

/// What a process says about itself.
#[derive(Clone, Debug)]
pub struct Startup {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The file layer.
    pub disk: Arc<dyn Disk>,
    /// Makes the data directory when it has no journal yet.
    pub init: bool,
    /// The build.
    pub build: String,
    /// The mode.
    pub mode: String,
    /// The full effective configuration without secrets.
    pub config: String,
    /// Hash of the account's id.
    pub account: u64,
    /// When starts count as a crash loop.
    pub crash_loop: CrashLoop,
    /// Where feed time stands, for a run whose engine follows it; else the wall clock's time. It
    /// goes on from the journal's last time where that is later.
    pub feed: Option<Clock>,
}

/// A data directory that is ready to be written, and the state it holds.
#[derive(Debug)]
pub struct Opened {
    /// Held as long as the process lives.
    pub lock: Lock,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Where the run will say how it ended.
    pub end: EndFile,
    /// The engine, with the books of the runs before.
    pub engine: Engine,
    /// What the process says first; not applied yet.
    pub start: Start,
    /// Strategies that are no longer in the configuration.
    pub retired: Vec<StrategyId>,
    /// Engine time.
    pub clock: Clock,
    /// Where the journal goes on.
    pub tail: Tail,
    /// Why entries stay blocked until a person resumes: what the last run left behind.
    pub held: Option<String>,
    /// The configuration's limits, where they changed since the run before.
    pub limits: Option<Limits>,
    /// Things a person has to look at: start-up checks that failed, each in words.
    pub failed: Vec<String>,
    /// What recovery found, in words for the log.
    pub notes: Vec<String>,
}

/// Why a process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another instance runs on the data directory (exit code 73).
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is no data directory for this account (exit code 66).
    #[error(
        "{path} holds no journal: `bellwether run --init` makes one for this account, once",
        path = path.display()
    )]
    NotInitialised {
        /// The folder.
        path: PathBuf,
    },
    /// The data directory is another account's or another mode's (exit code 78).
    #[error("{path} is bound to {found}; this run is for {wanted}", path = path.display())]
    Identity {
        /// The folder.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// A file cannot be read or written (exit code 74).
    #[error("{action} {path}", path = path.display())]
    Disk {
        /// What was attempted.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The journal cannot be recovered (exit code 65, or 74 when the disk refuses).
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The books cannot go on under this configuration (exit code 78).
    #[error("the books of {path} cannot go on under this configuration", path = path.display())]
    Resume {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: ResumeError,
    },
}

impl OpenError {
    /// Returns the exit code of contract.md 2.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Lock(LockError::Held { .. }) => 73,
            Self::Lock(LockError::Disk { .. }) | Self::Disk { .. } => 74,
            Self::NotInitialised { .. } => 66,
            Self::Identity { .. } | Self::Resume { .. } => 78,
            Self::Recover(error) => error.exit_code(),
        }
    }
}

/// Opens a data directory and brings its state back.
///
/// # Errors
/// The directory is locked, another account's, damaged, or cannot be read or written.
pub fn open(startup: Startup, foundry: &dyn Foundry) -> Result<Opened, OpenError> {
    let dir = startup.data_dir.clone();
    let disk = Arc::clone(&startup.disk);
    let step = |action: &'static str| {
        let path = dir.clone();
        move |source| OpenError::Disk { action, path, source }
    };
    if startup.init {
        disk.create_dir(&dir).map_err(step("make folder"))?;
    } else if !dir.is_dir() {
        return Err(OpenError::NotInitialised { path: dir });
    }
    let lock = Lock::acquire(&dir)?;
    check_identity(&startup, &dir)?;
    let place = Place::of(Arc::clone(&disk), &dir, Some(startup.account));
    let recovered = recover(&place, foundry, &startup.build)?;
    if recovered.state.is_none() && !startup.init {
        // An empty journal would forget open orders (C33).
        return Err(OpenError::NotInitialised { path: dir });
    }
    let (last, end) = EndFile::open(&disk, &dir).map_err(step("write how the run ends in"))?;
    let known = epoch::read(&*disk, &dir).map_err(step("read the epoch in"))?;
    let wall = clock::wall();
    let looping =
        startup.crash_loop.note(&*disk, &dir, wall, last).map_err(step("note the start in"))?;
    let known = known.into_iter().chain([recovered.replayed.epoch]);
    let seconds = u64::try_from(wall.nanos() / model::SECOND_NS).unwrap_or(0);
    let epoch = epoch::next(known, seconds);
    epoch::write(&*disk, &dir, epoch).map_err(step("write the epoch in"))?;
    let last = if recovered.state.is_none() { LastEnd::None } else { last };
    let found = Found { last, looping, kill: dir.join(KILL_FILE).exists(), epoch };
    finish(startup, foundry, recovered, found, lock, end)
}

/// What lies beside the journal.
struct Found {
    last: LastEnd,
    looping: bool,
    kill: bool,
    epoch: u32,
}

fn finish(
    startup: Startup,
    foundry: &dyn Foundry,
    mut recovered: Recovered,
    found: Found,
    lock: Lock,
    end: EndFile,
) -> Result<Opened, OpenError> {
    let last_time = recovered.state.as_ref().map(|(_, engine)| engine.now());
    let feed = startup.feed.map(|feed| feed.not_before(last_time));
    let clock = feed.unwrap_or_else(|| Clock::at_wall(last_time));
    // With a feed's clock its time is the wall: both go on where they were.
    let wall = feed.map_or_else(clock::wall, |feed| feed.now());
    let mut start = Start {
        epoch: found.epoch,
        build: startup.build,
        mode: startup.mode,
        config: startup.config,
        account: startup.account,
        wall,
        last_end: found.last,
        hold_entries: found.kill || found.looping,
        cold: false,
    };
    let notes = describe(&recovered);
    let failed = failed_checks(&recovered, &found, &start, last_time, startup.crash_loop);
    let (state, warm) = (recovered.state.take(), recovered.warm);
    let wrong = |source| OpenError::Resume { path: startup.data_dir.clone(), source };
    let limits = match &state {
        Some((before, _)) => {
            changed_limits(before, &start, foundry).map_err(|e| wrong(ResumeError::Foundry(e)))?
        }
        None => None,
    };
    let engine = resume(state, warm, foundry, &mut start).map_err(wrong)?;
    let retired = foundry.retired(&start).map_err(|e| wrong(ResumeError::Foundry(e)))?;
    let held = held(&found, &engine);
    let tail = recovered.tail;
    let data_dir = startup.data_dir;
    Ok(Opened {
        lock,
        data_dir,
        end,
        engine,
        start,
        retired,
        clock,
        tail,
        held,
        limits,
        failed,
        notes,
    })
}

/// Says why entries stay blocked until a person resumes.
fn held(found: &Found, engine: &Engine) -> Option<String> {
    let why = if found.kill {
        "a KILL file lies in the data directory".to_owned()
    } else if found.looping {
        "the process was started too often in a short time".to_owned()
    } else if found.last.keeps_entries_blocked() {
        format!("the last run ended by {}", found.last.name())
    } else if engine.books().blocks().is_killed() {
        "an emergency stop holds from an earlier run".to_owned()
    } else {
        return None;
    };
    Some(why)
}

/// Checks that let the process run with a closed gate (C33).
fn failed_checks(
    recovered: &Recovered,
    found: &Found,
    start: &Start,
    last_time: Option<Timestamp>,
    rule: CrashLoop,
) -> Vec<String> {
    let mut failed = Vec::new();
    if let Some(why) = &recovered.adopted {
        failed.push(format!("journal: {why}; the books are the journal's, strategies warm up"));
    }
    if let Some(last) = last_time.filter(|last| start.wall < *last) {
        failed.push(format!(
            "clock: the wall clock says {}, the journal ends at {last}: set it right, or \
             `bellwether accept-clock`",
            start.wall
        ));
    }
    if found.looping {
        failed.push(format!(
            "crash loop: {} starts within {} minutes: look at the log, then resume",
            rule.starts, rule.minutes
        ));
    }
    failed
}

fn describe(recovered: &Recovered) -> Vec<String> {
    let replayed = &recovered.replayed;
    let mut notes = vec![format!(
        "recovered {} records behind snapshot {}, {} marks agree",
        replayed.records, recovered.snapshot_seq, replayed.marks
    )];
    for bad in &recovered.bad_snapshots {
        notes.push(format!("snapshot {} was passed over: {}", bad.path.display(), bad.reason));
    }
    if let Some(torn) = &recovered.tail.torn {
        notes.push(format!(
            "{} torn bytes at the end of the journal were never durable and are cut",
            torn.bytes
        ));
    }
    if replayed.skipped > 0 {
        notes.push(format!("{} records of unknown kinds were skipped", replayed.skipped));
    }
    notes
}

/// Binds a new data directory, or checks whose it is (C33).
fn check_identity(startup: &Startup, dir: &Path) -> Result<(), OpenError> {
    let step = |action: &'static str| {
        let path = dir.to_owned();
        move |source| OpenError::Disk { action, path, source }
    };
    let found = Identity::read(&*startup.disk, dir).map_err(step("read the identity of"))?;
    let Some(found) = found else {
        if !startup.init {
            return Err(OpenError::NotInitialised { path: dir.to_owned() });
        }
        let (account, mode, created) = (startup.account, startup.mode.clone(), clock::wall());
        let identity = Identity { account, mode, created };
        return identity.write(&*startup.disk, dir).map_err(step("write the identity of"));
    };
    if found.account == startup.account && found.mode == startup.mode {
        return Ok(());
    }
    Err(OpenError::Identity {
        path: dir.to_owned(),
        found: format!("account {:016x}, mode {}", found.account, found.mode),
        wanted: format!("account {:016x}, mode {}", startup.account, startup.mode),
    })
}
