//! What a dispatcher has seen: its queue, its calls, how long they took.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use engine::queues::QueueStatus;
use model::SendOutcome;

/// Counters of one dispatcher.
#[derive(Debug)]
pub(super) struct Stats {
    capacity: usize,
    reserved: usize,
    depth: AtomicUsize,
    high_water: AtomicUsize,
    refused: AtomicU64,
    outcomes: [AtomicU64; 4],
    signals: AtomicU64,
    pub(super) to_wire: Histogram,
    pub(super) answers: Histogram,
    pub(super) first_cancel_ns: AtomicU64,
    pub(super) last_cancel_ns: AtomicU64,
    pub(super) open: AtomicUsize,
}

/// How a dispatcher is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DispatchStatus {
    /// Requests by outcome: not sent, rejected, accepted, unknown.
    pub outcomes: [u64; 4],
    /// Signals passed on.
    pub signals: u64,
    /// Entry orders handed over and not known to have ended.
    pub open_entries: usize,
    /// From the decision until the adapter has handed it to its socket.
    pub to_wire: Latencies,
    /// From the adapter to the answer.
    pub answers: Latencies,
    /// From the last engaging of the kill switch to its first cancel, in nanoseconds; 0 when there
    /// was none to send.
    pub first_cancel_ns: u64,
    /// The same to its last cancel.
    pub last_cancel_ns: u64,
}

/// How long something took: counts by powers of two of a microsecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Latencies {
    /// Counts; the `n`-th is of those under 2^n microseconds, the last of all others.
    pub counts: [u64; Self::BUCKETS],
}

impl Latencies {
    /// The number of classes: the last but one ends at 16 seconds.
    pub const BUCKETS: usize = 26;

    /// Returns a time in nanoseconds under which the given part of all lies, `None` without any.
    pub fn quantile(&self, part: f64) -> Option<u64> {
        let all: u64 = self.counts.iter().sum();
        let mut missing = (all as f64 * part).ceil() as u64;
        let class = self.counts.iter().position(|&count| {
            missing = missing.saturating_sub(count);
            missing == 0
        });
        class.filter(|_| all > 0).map(|class| 1_000 << class)
    }
}

/// Latencies that are being counted.
#[derive(Debug, Default)]
pub(super) struct Histogram([AtomicU64; Latencies::BUCKETS]);

impl Histogram {
    pub(super) fn note(&self, ns: u64) {
        let class = (u64::BITS - (ns / 1_000).leading_zeros()) as usize;
        if let Some(count) = self.0.get(class.min(Latencies::BUCKETS - 1)) {
            count.fetch_add(1, Relaxed);
        }
    }

    fn read(&self) -> Latencies {
        let mut counts = [0; Latencies::BUCKETS];
        counts.iter_mut().zip(&self.0).for_each(|(to, from)| *to = from.load(Relaxed));
        Latencies { counts }
    }
}

impl Stats {
    pub(super) fn new(capacity: usize, reserved: usize) -> Self {
        Self {
            capacity,
            reserved,
            depth: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            outcomes: Default::default(),
            signals: AtomicU64::new(0),
            to_wire: Histogram::default(),
            answers: Histogram::default(),
            first_cancel_ns: AtomicU64::new(0),
            last_cancel_ns: AtomicU64::new(0),
            open: AtomicUsize::new(0),
        }
    }

    /// Counts a command in; false when it opens and only reserved room is left.
    pub(super) fn admit(&self, opens: bool) -> bool {
        let depth = self.depth.fetch_add(1, Relaxed) + 1;
        self.high_water.fetch_max(depth, Relaxed);
        let room = !opens || depth <= self.capacity.saturating_sub(self.reserved);
        self.refused.fetch_add(u64::from(!room), Relaxed);
        room
    }

    /// A command has left the queue.
    pub(super) fn took(&self) {
        self.depth.fetch_sub(1, Relaxed);
    }

    pub(super) fn outcome(&self, outcome: SendOutcome) {
        let class = match outcome {
            SendOutcome::NotSent(_) => 0,
            SendOutcome::Rejected(_) => 1,
            SendOutcome::Accepted => 2,
            SendOutcome::Unknown(_) => 3,
        };
        if let Some(count) = self.outcomes.get(class) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn signal(&self) {
        self.signals.fetch_add(1, Relaxed);
    }

    pub(super) fn queue(&self) -> QueueStatus {
        QueueStatus {
            depth: self.depth.load(Relaxed),
            capacity: self.capacity,
            high_water: self.high_water.load(Relaxed),
            dropped: self.refused.load(Relaxed),
            conflated: 0,
        }
    }

    pub(super) fn status(&self) -> DispatchStatus {
        DispatchStatus {
            outcomes: [0, 1, 2, 3].map(|class: usize| self.outcomes[class].load(Relaxed)),
            signals: self.signals.load(Relaxed),
            open_entries: self.open.load(Relaxed),
            to_wire: self.to_wire.read(),
            answers: self.answers.read(),
            first_cancel_ns: self.first_cancel_ns.load(Relaxed),
            last_cancel_ns: self.last_cancel_ns.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_upper_bounds() {
        let histogram = Histogram::default();
        (0..99).for_each(|_| histogram.note(3_000));
        histogram.note(u64::MAX);
        let read = histogram.read();
        assert_eq!(read.quantile(0.5), Some(4_000));
        assert!(read.quantile(1.0).unwrap() > 10_000_000_000);
        assert_eq!(Latencies::default().quantile(0.5), None);
    }

    /// F42: entries find no room in the reserved part, everything else does.
    #[test]
    fn entries_leave_the_reserve_alone() {
        let stats = Stats::new(4, 2);
        assert!(stats.admit(true) && stats.admit(true) && !stats.admit(true));
        assert!(stats.admit(false) && stats.admit(false));
        let queue = stats.queue();
        assert_eq!((queue.depth, queue.high_water, queue.dropped), (5, 5, 1));
    }
}
