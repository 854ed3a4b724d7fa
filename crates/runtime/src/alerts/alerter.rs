//! The giving end of `risk_alerts`, and what the courier takes from it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::alert_system::Severity;
use engine::lifecycle::health::Issue;
use engine::queues::{Bounded, Coalesce, QueueStatus};
use engine::{Control, Fact, Input};

use super::Notice;
use crate::release::Released;
use crate::view::Run;

/// Within this time after one that needs no core, the same one is counted only, as in the core.
const QUIET: Duration = Duration::from_secs(300);

/// Gives alerts to the courier. Clones are cheap; no call waits for a delivery.
#[derive(Clone, Debug)]
pub struct Alerter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    run: Arc<Run>,
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug)]
struct State {
    queue: Bounded<Coalesce<Notice>>,
    /// What needs no core: one place for each kind, ahead of the queue.
    outside: BTreeMap<&'static str, Outside>,
    /// First and last sequence of groups with critical alerts that found no room: the journal has
    /// them.
    behind: Option<(u64, u64)>,
    /// The last sequence that was released.
    seen: u64,
    acknowledged: Vec<u64>,
    closing: bool,
    course: Course,
}

#[derive(Debug)]
struct Outside {
    raised: Instant,
    held_back: u32,
    waits: Option<Notice>,
}

/// How the courier is, for the health of the whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Course {
    /// Why the notice at hand is not delivered, while that is so.
    pub(super) failing: Option<String>,
    /// Critical alerts that were told again and are still not acknowledged.
    pub(super) escalated: usize,
    /// The courier is gone: nothing is delivered any more.
    pub(super) gone: bool,
}

/// What the courier does next.
#[derive(Debug)]
pub(super) enum Next {
    /// It delivers this.
    Deliver(Notice),
    /// It reads the critical alerts of these sequences from the journal and delivers them.
    Behind(u64, u64),
    /// Nothing waits; everything up to this sequence was given.
    Nothing(u64),
    /// Nothing waits and nothing comes any more.
    End(u64),
}

impl Alerter {
    pub(super) fn new(run: Arc<Run>, capacity: usize) -> Self {
        let state = State {
            queue: Bounded::new(Coalesce::default(), capacity),
            outside: BTreeMap::new(),
            behind: None,
            seen: 0,
            acknowledged: Vec::new(),
            closing: false,
            course: Course::default(),
        };
        Self { shared: Arc::new(Shared { run, state: Mutex::new(state), bell: Condvar::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the alerts of a released record, and what was acknowledged with it.
    pub fn give(&self, record: &Released) {
        let mut notices = notices(record, &self.shared.run).peekable();
        let acknowledged = acknowledged(record);
        let mut state = self.state();
        state.seen = record.end_seq;
        let rings = notices.peek().is_some() || acknowledged.is_some();
        state.acknowledged.extend(acknowledged);
        for notice in notices {
            state.take(notice, record);
        }
        drop(state);
        if rings {
            self.shared.bell.notify_all();
        }
    }

    /// Gives an alert that needs no core: the journal is dead, the core is silent, the disk is
    /// full. The same kind again within five minutes is counted.
    pub fn raise(&self, severity: Severity, kind: &'static str, message: impl Into<String>) {
        let now = Instant::now();
        let mut state = self.state();
        match state.outside.get_mut(kind) {
            Some(known) if now.duration_since(known.raised) < QUIET => {
                known.held_back = known.held_back.saturating_add(1);
            }
            known => {
                let repeated = known.map_or(0, |known| known.held_back);
                let count = repeated.saturating_add(1);
                let waits = Some(Notice::outside(severity, kind, message.into(), count));
                state.outside.insert(kind, Outside { raised: now, held_back: 0, waits });
            }
        }
        drop(state);
        self.shared.bell.notify_all();
    }

    /// Returns what the queue has seen.
    pub fn status(&self) -> QueueStatus {
        self.state().queue.status()
    }

    /// Returns what an operator should know of the delivery.
    pub fn issues(&self) -> Vec<Issue> {
        let Course { failing, escalated, gone } = self.state().course.clone();
        let mut issues = Vec::new();
        if gone {
            issues.push(Issue::error(
                "alerts are not delivered any more: restart; `bellwether alerts` lists them"
                    .to_owned(),
            ));
        }
        if let Some(why) = failing {
            issues.push(Issue::error(format!("{why}; it is tried again")));
        }
        if escalated > 0 {
            issues.push(Issue::warning(format!(
                "critical alerts that nobody has acknowledged: {escalated}; `bellwether alerts` \
                 lists them, `bellwether ack ID` acknowledges"
            )));
        }
        issues
    }

    pub(super) fn set_course(&self, change: impl FnOnce(&mut Course)) {
        change(&mut self.state().course);
    }

    pub(super) fn run(&self) -> &Run {
        &self.shared.run
    }

    /// Nothing comes any more; what waits is still delivered.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.shared.bell.notify_all();
    }

    /// Returns what to do next, after `patience` at the latest.
    pub(super) fn next(&self, patience: Duration) -> Next {
        let state = self.state();
        let idle = |state: &mut State| state.is_idle();
        let waited = self.shared.bell.wait_timeout_while(state, patience, idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.next()
    }

    /// Waits before another try; true when the run ends meanwhile.
    pub(super) fn rest(&self, pause: Duration) -> bool {
        let state = self.state();
        let waited = self.shared.bell.wait_timeout_while(state, pause, |state| !state.closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    /// Takes the alerts that were acknowledged since the last call.
    pub(super) fn take_acknowledged(&self) -> Vec<u64> {
        std::mem::take(&mut self.state().acknowledged)
    }
}

impl State {
    /// Takes one notice of a record. Once a critical one found no room, later ones go after it.
    fn take(&mut self, notice: Notice, record: &Released) {
        let critical = notice.is_critical();
        if !(critical && self.behind.is_some()) && self.queue.push(notice).is_ok() {
            return;
        }
        let (first, _) = self.behind.unwrap_or((record.seq, 0));
        self.behind = Some((first, record.end_seq));
    }

    fn is_idle(&self) -> bool {
        let waits = self.outside.values().any(|outside| outside.waits.is_some());
        let empty = self.queue.status().depth == 0 && self.behind.is_none();
        !waits && empty && self.acknowledged.is_empty() && !self.closing
    }

    fn next(&mut self) -> Next {
        let outside = self.outside.values_mut().find_map(|outside| outside.waits.take());
        if let Some(notice) = outside.or_else(|| self.queue.pop()) {
            return Next::Deliver(notice);
        }
        if let Some((from, to)) = self.behind.take() {
            return Next::Behind(from, to);
        }
        if self.closing { Next::End(self.seen) } else { Next::Nothing(self.seen) }
    }
}

/// Returns the alerts of a record, as the lists number them.
pub(super) fn notices<'a>(
    record: &'a Released,
    run: &'a Run,
) -> impl Iterator<Item = Notice> + use<'a> {
    let alerts = (record.seq + 1..).zip(&record.facts).filter_map(|(id, fact)| match fact {
        Fact::Alert(alert) => Some((id, alert)),
        _ => None,
    });
    alerts.map(|(id, alert)| Notice::of(id, alert, run))
}

/// Returns the alert that a record's instruction acknowledges.
pub(super) fn acknowledged(record: &Released) -> Option<u64> {
    match &record.input {
        Input::Control(given) => match given.control {
            Control::Acknowledge(id) => Some(id),
            _ => None,
        },
        _ => None,
    }
}
