//! The queue of trade signals: what a strategy states in one evaluation, until it is carried out.
//!
//! It lives within one `apply` and holds [`SIGNAL_ROOM`] entries; what is stated beyond that is
//! refused as `queue_full`, counted and alerted (F42). Exits and withdrawals of entries always
//! find room (I14); the budget of calls bounds them.

use model::{ExitReason, SymbolId, Timestamp, record};

use super::decision::Finding;
use super::isolation::{Fault, SIGNAL_ROOM};
use super::plan::Plan;
use crate::queues::QueueStatus;

/// What a strategy wants in a symbol.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Want {
    /// Nothing changes.
    Hold,
    /// No entry may work.
    NoEntry,
    /// The entry of the plan at this index works.
    Entry(usize),
    /// The position is closed.
    Exit(ExitReason),
}

/// A wish with the rule behind it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Wish {
    pub(crate) symbol: SymbolId,
    pub(crate) want: Want,
    pub(crate) finding: Finding,
}

/// The wishes of one evaluation; the memory is kept between evaluations.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) list: Vec<Wish>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) wakes: Vec<Timestamp>,
    entries: u64,
    fault: Option<Fault>,
}

impl Wishes {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.plans.clear();
        self.wakes.clear();
        self.entries = 0;
        self.fault = None;
    }

    /// Returns true when nothing has to be carried out.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.wakes.is_empty() && self.fault.is_none()
    }

    /// Takes an entry with its plan in, if there is room.
    pub(crate) fn enter(&mut self, symbol: SymbolId, plan: Plan, finding: Finding) {
        self.entries += 1;
        if self.plans.len() < SIGNAL_ROOM {
            self.list.push(Wish { symbol, want: Want::Entry(self.plans.len()), finding });
            self.plans.push(plan);
            return;
        }
        match &mut self.fault {
            Some(Fault::Flood { stated, .. }) => *stated = self.entries,
            Some(_) => {}
            None => self.fault = Some(Fault::Flood { stated: self.entries, first: symbol }),
        }
    }

    /// Asks for a wake-up, if there is room.
    pub(crate) fn wake(&mut self, time: Timestamp) {
        if self.wakes.len() < SIGNAL_ROOM {
            self.wakes.push(time);
        } else {
            self.note(Fault::Wakes);
        }
    }

    /// Notes what is wrong with the strategy; the first finding counts.
    pub(crate) fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    /// Forgets what was stated in an evaluation that broke off: it is not a whole answer.
    #[cold]
    pub(crate) fn break_off(&mut self, fault: Fault) {
        self.clear();
        self.note(fault);
    }

    /// Returns what is wrong with the strategy and forgets it.
    #[inline]
    pub(crate) fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// Returns how many entries found room, and how many did not.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let kept = self.plans.len() as u64;
        (kept, self.entries - kept)
    }
}

/// What the queue of trade signals has seen since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct SignalCounts {
    /// Most entries that were in it at a time.
    high_water: u64,
    /// Entries that found no room.
    rejected: u64,
}

impl SignalCounts {
    /// Counts the signals of one evaluation.
    pub(crate) fn note(&mut self, (kept, rejected): (u64, u64)) {
        self.high_water = self.high_water.max(kept);
        self.rejected = self.rejected.saturating_add(rejected);
    }

    /// Returns the counters in the form of all queues; between inputs nothing is in this one.
    pub(crate) fn status(&self) -> QueueStatus {
        QueueStatus {
            depth: 0,
            capacity: SIGNAL_ROOM,
            high_water: usize::try_from(self.high_water).unwrap_or(usize::MAX),
            dropped: self.rejected,
            conflated: 0,
        }
    }
}

record!(SignalCounts { 1: high_water, 2: rejected });
