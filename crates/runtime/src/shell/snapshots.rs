//! The thread that writes snapshots and checks the core by replaying it (journal.md 14, J9, J11).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::risk_manager::Scope;
use engine::{Control, Input, Instruction};
use journal::{Durable, Keeping, Kept};
use model::DAY_NS;

use super::Settings;
use crate::codec;
use crate::inbox::{Inbox, SystemEvent};
use crate::recovery::{Foundry, Place};
use crate::shadow::{Checked, check};

/// When a snapshot is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotRule {
    /// So long after the last one, ...
    pub every: Duration,
    /// ... or after so many bytes of journal.
    pub bytes: u64,
    /// Market data stays in the journal for so many days of engine time (journal.md 17).
    pub market_days: u16,
}

impl Default for SnapshotRule {
    /// Five minutes or 64 MiB (J9); market data for 30 days.
    fn default() -> Self {
        Self { every: Duration::from_secs(300), bytes: 64 << 20, market_days: 30 }
    }
}

/// The running thread.
#[derive(Debug)]
pub(super) struct SnapshotWriter {
    work: Arc<Work>,
    signal: Arc<Signal>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Signal {
    stop: AtomicBool,
    lock: Mutex<()>,
    bell: Condvar,
}

struct Work {
    place: Place,
    foundry: Arc<dyn Foundry>,
    build: String,
    last_mark: Arc<AtomicU64>,
    durable: Durable,
    inbox: Inbox,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("place", &self.place).finish_non_exhaustive()
    }
}

impl SnapshotWriter {
    pub(super) fn start(
        settings: &Settings,
        foundry: Arc<dyn Foundry>,
        last_mark: Arc<AtomicU64>,
        durable: Durable,
        inbox: Inbox,
    ) -> std::io::Result<Self> {
        let build = settings.author.build.clone();
        let place = settings.place.clone();
        let work = Arc::new(Work { place, foundry, build, last_mark, durable, inbox });
        let signal = Arc::new(Signal::default());
        let (mine, heard, rule) = (Arc::clone(&work), Arc::clone(&signal), settings.snapshots);
        let thread = std::thread::Builder::new()
            .name("snapshots".to_owned())
            .spawn(move || mine.run(&heard, rule))?;
        Ok(Self { work, signal, thread })
    }

    /// Ends the thread and takes a last snapshot, at the Mark of the stop.
    pub(super) fn finish(self) {
        self.signal.stop.store(true, Ordering::Release);
        self.signal.bell.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the writer of snapshots failed");
            return;
        }
        self.work.check();
    }
}

impl Work {
    fn run(&self, signal: &Signal, rule: SnapshotRule) {
        let (mut last, mut written) = (Instant::now(), self.durable.bytes_written());
        loop {
            let lock = signal.lock.lock().unwrap_or_else(PoisonError::into_inner);
            let second = Duration::from_secs(1).min(rule.every);
            drop(signal.bell.wait_timeout(lock, second).unwrap_or_else(PoisonError::into_inner));
            if signal.stop.load(Ordering::Acquire) {
                return;
            }
            let bytes = self.durable.bytes_written();
            if last.elapsed() < rule.every && bytes.saturating_sub(written) < rule.bytes {
                continue;
            }
            if self.check() {
                self.keep(rule.market_days);
                (last, written) = (Instant::now(), bytes);
            }
        }
    }

    /// Checks up to the last Mark that is durable; true when there was one to check.
    fn check(&self) -> bool {
        let mark = self.last_mark.load(Ordering::Acquire);
        if mark == 0 || self.durable.seq() < mark {
            return false;
        }
        match check(&self.place, &self.foundry, &self.build, mark) {
            Ok(Checked::Written(seq)) => tracing::info!(seq, "a snapshot was written"),
            Ok(Checked::Nothing) => return false,
            Ok(Checked::Differs(why)) => self.alarm(&why),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "no snapshot was written"
                );
            }
        }
        true
    }

    /// Makes the finished part of the journal smaller (journal.md 17). What fails is tried again
    /// after the next snapshot; nothing is lost meanwhile.
    fn keep(&self, market_days: u16) {
        let store = self.place.store();
        let heads = store.oldest().and_then(|oldest| Ok((oldest, store.newest(|_| true)?.0)));
        let (oldest, newest) = match heads {
            Ok((Some(oldest), Some(newest))) => (oldest, newest.head),
            Ok(_) => return,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the journal was not made smaller");
                return;
            }
        };
        let keeping = Keeping {
            behind: oldest.seq,
            extract_before: newest.time.plus_nanos(-i64::from(market_days) * DAY_NS),
            leave_out: &[codec::MARKET_KIND],
        };
        match journal::keep(&self.place.disk, &self.place.journal, &keeping) {
            Ok(Kept { compressed, extracted }) => {
                let (compressed, extracted) = (compressed.len(), extracted.len());
                if compressed + extracted > 0 {
                    tracing::info!(compressed, extracted, "finished segments take less room");
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the journal was not made smaller");
            }
        }
    }

    /// The core does not do again what it did: exits only, until a person has looked (J11).
    fn alarm(&self, why: &str) {
        tracing::error!(why, "the shadow check differs: entries are stopped");
        let given = Instruction {
            control: Control::PauseTrading(Scope::All),
            actor: "supervisor".to_owned(),
            from: "shadow check".to_owned(),
            reason: why.chars().take(400).collect(),
            ..Instruction::default()
        };
        let event = SystemEvent { input: Input::Control(Box::new(given)), reply: None };
        if self.inbox.offer(event).is_err() {
            tracing::error!("the core could not be told of the shadow check");
        }
    }
}
