//! The thread that delivers, tries again, escalates, and remembers how far it came.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use journal::disk::Disk;

use super::alerter::{Alerter, Next, acknowledged, notices};
use super::cursor::{Cursor, CursorFile};
use super::{AlertSettings, Deliver, Notice};
use crate::projection::CatchUp;
use crate::view::Run;

/// The first pause after a delivery that failed, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long the cursor may be behind while nothing critical is delivered.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// How long the end of a run waits for the last deliveries (F50).
const LAST_WAIT: Duration = Duration::from_secs(2);
/// So many records are read from the journal at once.
const AT_ONCE: u64 = 50_000;
/// An alert that nobody acknowledged is looked for so many records back at a start.
const OPEN_BEFORE: u64 = 300_000;
/// Most alerts whose acknowledgement is waited for; the oldest give way (I15).
const MOST_OPEN: usize = 1_000;

/// What the courier is made of.
pub(crate) struct CourierParts {
    pub(crate) settings: AlertSettings,
    pub(crate) run: Arc<Run>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) data_dir: PathBuf,
    /// Reads released groups again.
    pub(crate) catch_up: CatchUp,
    /// The sequence with which the process begins.
    pub(crate) begin: u64,
}

/// The running courier.
#[derive(Debug)]
pub(crate) struct Courier {
    alerter: Alerter,
    thread: JoinHandle<()>,
}

impl Courier {
    /// Starts it. What the runs before left undelivered comes first.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub(crate) fn start(parts: CourierParts) -> std::io::Result<Self> {
        let alerter = Alerter::new(Arc::clone(&parts.run), parts.settings.capacity);
        let file = CursorFile::new(parts.disk, &parts.data_dir);
        let (begin, gone) = (parts.begin, Gone(alerter.clone()));
        let mut round = Round {
            alerter: alerter.clone(),
            deliver: parts.settings.deliver,
            escalate_after: parts.settings.escalate_after,
            catch_up: parts.catch_up,
            cursor: Cursor { delivered: 0, settled: 0 },
            kept: None,
            kept_at: Instant::now(),
            file,
            open: BTreeMap::new(),
        };
        // Before anything is raised: a crash at the very first alert finds a cursor.
        let cursor = round.read(begin);
        let thread = std::thread::Builder::new().name("alerts".to_owned()).spawn(move || {
            let _gone = gone;
            if round.begin(cursor, begin) {
                round.run();
            }
        })?;
        Ok(Self { alerter, thread })
    }

    /// Returns the giving end.
    pub(crate) fn alerter(&self) -> Alerter {
        self.alerter.clone()
    }

    /// Delivers what waits, for a moment at most: the rest is delivered after the next start.
    pub(crate) fn finish(self) {
        self.alerter.close();
        let since = Instant::now();
        while !self.thread.is_finished() {
            if since.elapsed() > LAST_WAIT {
                tracing::warn!("the last alerts were not delivered in time");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // Its panic, if any, was printed; the run is ending.
        let _ = self.thread.join();
    }
}

/// Tells that the thread has ended, however it did.
struct Gone(Alerter);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.set_course(|course| course.gone = true);
    }
}

/// A critical alert that was told and is not acknowledged.
#[derive(Debug)]
struct Open {
    notice: Notice,
    since: Instant,
}

/// The thread's state.
struct Round {
    alerter: Alerter,
    deliver: Arc<dyn Deliver>,
    escalate_after: Duration,
    catch_up: CatchUp,
    file: CursorFile,
    cursor: Cursor,
    kept: Option<Cursor>,
    kept_at: Instant,
    open: BTreeMap<u64, Open>,
}

impl Round {
    /// Reads how far the runs before came.
    fn read(&mut self, begin: u64) -> Cursor {
        let all = begin.saturating_sub(1);
        match self.file.read() {
            Ok(Some(cursor)) => cursor,
            Ok(None) => {
                // The first start of a build that keeps one: what was before has been told.
                self.cursor = Cursor { delivered: all, settled: all };
                self.keep();
                self.cursor
            }
            Err(error) => {
                let path = self.file.path().display();
                tracing::error!(%path, %error, "how far alerts were delivered cannot be read: critical ones are told again");
                let from = begin.saturating_sub(OPEN_BEFORE);
                Cursor { delivered: from, settled: from }
            }
        }
    }

    /// Goes on where the runs before ended: delivers critical alerts that they did not, and waits
    /// for the acknowledgement of those that nobody acknowledged. False when the run ended first.
    fn begin(&mut self, cursor: Cursor, begin: u64) -> bool {
        let all = begin.saturating_sub(1);
        self.cursor = cursor;
        let oldest = cursor.settled.max(begin.saturating_sub(OPEN_BEFORE));
        let from = cursor.delivered.min(oldest) + 1;
        for (id, notice) in self.unsettled(from, begin) {
            if id <= cursor.delivered {
                self.watch(id, notice);
            } else if !self.hand_over(notice) {
                return false;
            }
        }
        self.cursor.delivered = self.cursor.delivered.max(all);
        self.keep();
        true
    }

    /// Reads the critical alerts from one sequence to before another that nobody acknowledged.
    fn unsettled(&mut self, from: u64, to: u64) -> BTreeMap<u64, Notice> {
        let mut found = BTreeMap::new();
        let mut next = from;
        while next < to {
            let end = next.saturating_add(AT_ONCE).min(to);
            for record in (self.catch_up)(next, end) {
                let all = notices(&record, self.alerter.run());
                let critical = all.filter(Notice::is_critical);
                found.extend(critical.filter_map(|notice| Some((notice.id?, notice))));
                acknowledged(&record).map(|id| found.remove(&id));
                next = record.end_seq + 1;
            }
            next = next.max(end);
        }
        found
    }

    fn run(&mut self) {
        loop {
            let going = match self.alerter.next(self.patience()) {
                Next::Deliver(notice) => self.hand_over(notice),
                Next::Behind(from, to) => {
                    let mut waiting = self.unsettled(from, to + 1);
                    // Of the first group some may have found room.
                    let rest = waiting.split_off(&(self.cursor.delivered + 1));
                    rest.into_values().all(|notice| self.hand_over(notice))
                }
                Next::Nothing(seen) => {
                    self.cursor.delivered = self.cursor.delivered.max(seen);
                    true
                }
                Next::End(seen) => {
                    self.cursor.delivered = self.cursor.delivered.max(seen);
                    self.heed();
                    self.keep();
                    false
                }
            };
            if !going {
                return;
            }
            self.heed();
            self.escalate();
            if self.kept_at.elapsed() >= KEEP_EVERY {
                self.keep();
            }
        }
    }

    /// Delivers one notice; false when the run ended before that was done.
    fn hand_over(&mut self, notice: Notice) -> bool {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.deliver.deliver(&notice) {
            if pause == FIRST_PAUSE {
                tracing::error!(kind = notice.kind, %error, "it is tried again");
            }
            self.alerter.set_course(|course| course.failing = Some(error.to_string()));
            if self.alerter.rest(pause) {
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.alerter.set_course(|course| course.failing = None);
        if let Some(id) = notice.id.filter(|_| notice.is_critical()) {
            self.cursor.delivered = self.cursor.delivered.max(id);
            self.watch(id, notice);
            self.keep();
        }
        true
    }

    /// Waits for the acknowledgement of a critical alert from now on.
    fn watch(&mut self, id: u64, notice: Notice) {
        self.open.insert(id, Open { notice, since: Instant::now() });
        if self.open.len() > MOST_OPEN {
            self.open.pop_first();
        }
    }

    fn heed(&mut self) {
        let acknowledged = self.alerter.take_acknowledged();
        if acknowledged.is_empty() {
            return;
        }
        acknowledged.iter().for_each(|id| drop(self.open.remove(id)));
        self.tell_open();
        self.keep();
    }

    /// Tells those again, once, that nobody acknowledged in time (C35).
    fn escalate(&mut self) {
        let due =
            |open: &Open| !open.notice.escalated && open.since.elapsed() >= self.escalate_after;
        let late: Vec<u64> =
            self.open.iter().filter(|(_, open)| due(open)).map(|(id, _)| *id).collect();
        for id in late {
            let Some(open) = self.open.get_mut(&id) else { continue };
            open.notice.escalated = true;
            // A failure is no reason to hold newer alerts back: the health of the whole names it.
            if let Err(error) = self.deliver.deliver(&open.notice) {
                tracing::error!(id, %error, "a critical alert could not be told again");
            }
            self.tell_open();
        }
    }

    fn tell_open(&self) {
        let escalated = self.open.values().filter(|open| open.notice.escalated).count();
        self.alerter.set_course(|course| course.escalated = escalated);
    }

    /// Returns how long nothing has to be done while nothing comes.
    fn patience(&self) -> Duration {
        let waiting = self.open.values().filter(|open| !open.notice.escalated);
        let due = waiting.map(|open| self.escalate_after.saturating_sub(open.since.elapsed()));
        due.chain([KEEP_EVERY]).min().unwrap_or(KEEP_EVERY)
    }

    /// Keeps how far it came; a disk that refuses means that alerts may be told twice.
    fn keep(&mut self) {
        self.kept_at = Instant::now();
        let first_open = self.open.first_key_value().map(|(id, _)| id.saturating_sub(1));
        let settled = first_open.map_or(self.cursor.delivered, |id| id.min(self.cursor.delivered));
        self.cursor.settled = settled;
        if self.kept == Some(self.cursor) {
            return;
        }
        match self.file.write(self.cursor) {
            Ok(()) => self.kept = Some(self.cursor),
            Err(error) => {
                let path = self.file.path().display();
                tracing::warn!(%path, %error, "how far alerts were delivered cannot be kept");
            }
        }
    }
}
