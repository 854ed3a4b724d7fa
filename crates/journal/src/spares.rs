//! Room made ahead: the next segment, full of zeros, and a ballast that becomes a segment when the
//! disk is full (J3, J16).
//!
//! Both are made by a thread of their own, so that a write never waits for 64 MiB of zeros. When
//! there is no room for the next segment, the ballast takes its name: it is full of zeros already,
//! and exits and cancels still find room.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::disk::{Disk, DiskFile, Open};
use crate::segment::{PLAIN, name};
use crate::shared::lock;

/// How long to wait before trying again where there was no room.
const RETRY: Duration = Duration::from_secs(1);
const BLOCK: usize = 1024 * 1024;
/// Bytes of a segment that are made at once, ...
const PART: u64 = 256 * 1024;
/// ... and the time between: 64 MiB take a second or so, and last for several.
const PAUSE: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(crate) struct Spares {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segment_bytes: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wanted: Option<u64>,
    ready: Option<(u64, Box<dyn DiskFile>)>,
    /// Why the wanted segment is not there yet.
    failed: Option<String>,
    ballast: bool,
    /// The writer can go no further without what is wanted.
    writer_waits: bool,
    stop: bool,
}

/// Whether the room made ahead is there (J16).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reserve {
    /// The next segment is there or being made without trouble.
    pub(crate) spare: bool,
    /// The ballast is there.
    pub(crate) ballast: bool,
}

impl Spares {
    /// Makes the reserve; `ready` is a segment that is already there.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        segment_bytes: u64,
        wanted: u64,
        ready: Option<Box<dyn DiskFile>>,
    ) -> Self {
        let state = State {
            wanted: ready.is_none().then_some(wanted),
            ready: ready.map(|file| (wanted, file)),
            // Until the thread has looked, nothing is missing.
            ballast: true,
            ..State::default()
        };
        Self { disk, dir, segment_bytes, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Makes what is wanted until it is told to stop: the thread's body.
    pub(crate) fn run(&self) {
        self.renew_ballast();
        while let Some(id) = self.next_wanted() {
            let made = self.make(id);
            let mut state = lock(&self.state);
            match made {
                Ok(file) => {
                    state.wanted = None;
                    state.failed = None;
                    state.ready = Some((id, file));
                    self.changed.notify_all();
                    drop(state);
                    self.renew_ballast();
                }
                Err(error) => {
                    state.failed = Some(error.to_string());
                    self.changed.notify_all();
                    if !state.stop {
                        let waited = self.changed.wait_timeout(state, RETRY);
                        drop(waited.unwrap_or_else(PoisonError::into_inner));
                    }
                }
            }
        }
    }

    fn next_wanted(&self) -> Option<u64> {
        let mut state = lock(&self.state);
        loop {
            if state.stop {
                return None;
            }
            if state.wanted.is_some() {
                return state.wanted;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes segment `id` and orders the next; waits while it is being made.
    pub(crate) fn take(&self, id: u64) -> Result<Box<dyn DiskFile>, String> {
        let mut state = lock(&self.state);
        loop {
            if let Some((ready, file)) = state.ready.take() {
                debug_assert_eq!(ready, id);
                state.wanted = Some(id + 1);
                state.writer_waits = false;
                self.changed.notify_all();
                return Ok(file);
            }
            if let Some(reason) = &state.failed {
                return Err(reason.clone());
            }
            state.writer_waits = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn stop(&self) {
        lock(&self.state).stop = true;
        self.changed.notify_all();
    }

    pub(crate) fn reserve(&self) -> Reserve {
        let state = lock(&self.state);
        Reserve { spare: state.failed.is_none(), ballast: state.ballast }
    }

    /// Returns the bytes that are free where the journal lies.
    pub(crate) fn free_space(&self) -> io::Result<u64> {
        self.disk.free_space(&self.dir)
    }

    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    fn make(&self, id: u64) -> io::Result<Box<dyn DiskFile>> {
        let path = self.dir.join(name(id, PLAIN));
        match self.zeros(&path) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                self.use_ballast(&path).map_err(|_| error)
            }
            made => made,
        }
    }

    /// Makes a file full of zeros; nothing of it stays when that fails.
    fn zeros(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.open(path, Open::CreateNew)?;
        let written = self.fill(&*file).and_then(|()| self.disk.sync_dir(&self.dir));
        match written {
            Ok(()) => Ok(file),
            Err(error) => {
                // What is left over is removed at the next start at the latest.
                let _ = self.disk.remove(path);
                Err(error)
            }
        }
    }

    /// Writes zeros in small parts with pauses: one large sync would hold up those of the journal
    /// for tens of milliseconds.
    fn fill(&self, file: &dyn DiskFile) -> io::Result<()> {
        let mut at = 0;
        while at < self.segment_bytes {
            let end = self.segment_bytes.min(at + PART);
            zero_from(file, at, end)?;
            file.sync_data()?;
            at = end;
            if at == self.segment_bytes {
                break;
            }
            let state = lock(&self.state);
            if state.stop {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let hurry = state.writer_waits;
            drop(state);
            if !hurry {
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    fn use_ballast(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let ballast = self.dir.join(BALLAST);
        let file = self.disk.open(&ballast, Open::Write)?;
        if file.len()? != self.segment_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.rename(&ballast, path)?;
        self.disk.sync_dir(&self.dir)?;
        lock(&self.state).ballast = false;
        Ok(file)
    }

    fn renew_ballast(&self) {
        let path = self.dir.join(BALLAST);
        let there = self.disk.open(&path, Open::Write).and_then(|file| file.len());
        let there = match there {
            Ok(bytes) if bytes == self.segment_bytes => true,
            Ok(_) => self.disk.remove(&path).and_then(|()| self.zeros(&path)).is_ok(),
            Err(_) => self.zeros(&path).is_ok(),
        };
        lock(&self.state).ballast = there;
    }
}

/// The file that is given up when the disk is full.
pub(crate) const BALLAST: &str = "ballast";

/// Writes zeros from `offset` to `end`.
pub(crate) fn zero_from(file: &dyn DiskFile, offset: u64, end: u64) -> io::Result<()> {
    let block = vec![0; BLOCK.min(usize::try_from(end.saturating_sub(offset)).unwrap_or(BLOCK))];
    let mut at = offset;
    while at < end {
        let length = block.len().min(usize::try_from(end - at).unwrap_or(BLOCK));
        file.write_at(at, &block[..length])?;
        at += length as u64;
    }
    Ok(())
}
