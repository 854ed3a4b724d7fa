//! The end of a run: what is closed, in which order, and the exit code (F50, J6, journal.md 4).

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::LastEnd;
use engine::alert_system::Severity;
use engine::queues::QueueStatus;
use gateway::Dispatcher;
use journal::Lock;

use super::snapshots::SnapshotWriter;
use crate::alerts::{Alerter, Courier};
use crate::kill::KillKeeper;
use crate::live::End;
use crate::outlet::JOURNAL_DEAD;
use crate::sequencer::ApplyError;
use crate::startup::EndFile;
use crate::watchdog::{Listener, Watchdog};

/// How long cancelled entries may take to leave when the core is gone.
const CANCELS: Duration = Duration::from_secs(2);

/// What is held until the end.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) lock: Arc<Lock>,
    pub(super) end: EndFile,
    pub(super) data_dir: PathBuf,
    pub(super) keeper: Arc<KillKeeper>,
    pub(super) dispatchers: Arc<Vec<Dispatcher>>,
}

impl Held {
    /// Returns what tells whether the lock is still held.
    pub(super) fn still_ours(&self) -> Box<dyn Fn() -> bool + Send> {
        let lock = Arc::clone(&self.lock);
        Box::new(move || lock.is_current())
    }

    /// Returns what the watchdog does when the core is gone for good.
    pub(super) fn gone(&self) -> Box<dyn FnOnce() + Send> {
        let end = self.end.again();
        Box::new(move || {
            tracing::error!("the core has not answered for ten seconds: the process ends");
            // The next start keeps entries blocked also when this cannot be written: no orderly
            // end is there.
            let _ = end.write(LastEnd::Fault);
            std::process::abort();
        })
    }
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finished {
    /// The exit code of contract.md 2.
    pub exit_code: u8,
    /// What happened, in words; none of an orderly stop.
    pub why: Option<String>,
}

/// Ends a run in order.
#[derive(Debug)]
pub struct Tending {
    held: Held,
    watchdog: Watchdog,
    snapshots: SnapshotWriter,
    lists: JoinHandle<()>,
    courier: Courier,
}

impl Tending {
    pub(super) fn new(
        held: Held,
        watchdog: Watchdog,
        snapshots: SnapshotWriter,
        lists: JoinHandle<()>,
        courier: Courier,
    ) -> Self {
        Self { held, watchdog, snapshots, lists, courier }
    }

    /// Lets somebody outside the process hear that the core turns, until the run ends.
    pub fn listen(&self, listener: Box<dyn Listener>) {
        self.watchdog.listen(listener);
    }

    /// Ends the run whose loop ended so: writes what is left, takes a snapshot, says how it ended.
    pub fn finish(self, end: End) -> Finished {
        let Self { held, watchdog, snapshots, lists, courier } = self;
        let alerter = courier.alerter();
        let (last, finished) = match end {
            End::Stopped(sequencer) => match sequencer.close() {
                Ok(_) => {
                    snapshots.finish();
                    (LastEnd::Orderly, Finished { exit_code: 0, why: None })
                }
                Err(error) => held.without_journal(&error.to_string(), &alerter),
            },
            End::JournalDead(reason) => held.without_journal(&reason, &alerter),
            End::Fault(error) => held.without_core(&error, &alerter),
            End::OtherWriter(why) => held.fenced(&why),
        };
        if last == LastEnd::Orderly {
            watchdog.say_goodbye();
        }
        drop(watchdog);
        courier.finish();
        if let Err(error) = held.end.write(last) {
            tracing::error!(%error, "how the run ended cannot be written");
        }
        if lists.is_finished() || last == LastEnd::Orderly {
            // The writer thread is gone, and with it the lists' only source.
            let _ = lists.join();
        }
        drop(held.lock);
        finished
    }
}

impl Held {
    /// The journal is dead: entries are blocked and cancelled, nothing else is tried (J6).
    fn without_journal(&self, reason: &str, alerter: &Alerter) -> (LastEnd, Finished) {
        self.keeper.cut(&format!("the journal is dead: {reason}"));
        alerter.raise(Severity::Critical, JOURNAL_DEAD, format!("the journal is dead: {reason}"));
        self.wait_for_cancels();
        let why = format!("the journal is dead: {reason}; entries stay blocked until resumed");
        (LastEnd::JournalDead, Finished { exit_code: 74, why: Some(why) })
    }

    /// Another process writes on this account: nothing of ours leaves any more (I16). That is no
    /// orderly end, and the next start finds a higher epoch at the broker.
    fn fenced(&self, why: &str) -> (LastEnd, Finished) {
        self.wait_for_cancels();
        (LastEnd::Cut, Finished { exit_code: 73, why: Some(why.to_owned()) })
    }

    /// The core panicked: the input is not in the journal, a file tells of it (journal.md 4).
    fn without_core(&self, error: &ApplyError, alerter: &Alerter) -> (LastEnd, Finished) {
        self.keeper.cut("the core failed");
        let message = format!("the core failed, entries are blocked and cancelled: {error}");
        alerter.raise(Severity::Critical, "core_failed", message);
        let path = self.data_dir.join(format!("crash-{}.txt", crate::clock::wall().nanos()));
        let detail = match error {
            ApplyError::Fault { detail, .. } => detail.as_str(),
            ApplyError::Append(_) => "",
        };
        let text = format!("{error}\n\n{detail}\n");
        let told = match std::fs::write(&path, text) {
            Ok(()) => format!("; {} holds the input", path.display()),
            Err(error) => format!("; no crash file could be written: {error}"),
        };
        self.wait_for_cancels();
        let why = format!("{error}{told}; entries stay blocked until resumed");
        (LastEnd::Fault, Finished { exit_code: 70, why: Some(why) })
    }

    /// Waits until the brokers hold no entry order any more, for a moment at most.
    fn wait_for_cancels(&self) {
        let since = Instant::now();
        let open = || self.dispatchers.iter().any(|way| way.status().open_entries > 0);
        while open() && since.elapsed() < CANCELS {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Returns the state of `order_commands` over all brokers.
pub(super) fn commands(dispatchers: &[Dispatcher]) -> QueueStatus {
    dispatchers.iter().map(Dispatcher::queue).fold(QueueStatus::default(), |sum, one| QueueStatus {
        depth: sum.depth + one.depth,
        capacity: sum.capacity + one.capacity,
        high_water: sum.high_water.max(one.high_water),
        dropped: sum.dropped + one.dropped,
        conflated: sum.conflated + one.conflated,
    })
}
