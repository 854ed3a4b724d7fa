//! What is durable, and how the disk is doing: read by everyone, changed by the writer thread.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::shared::Shared;

/// A handle on what the journal has made durable.
#[derive(Clone, Debug)]
pub struct Durable {
    shared: Arc<Shared>,
}

/// How the journal is (J6, F39).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// Writes finish in time.
    Alive,
    /// A write took or takes more than 100 ms: nothing may open. Ends with a write below that.
    Slow {
        /// For how long so far.
        lasts: Duration,
    },
    /// A write or sync failed, or did not finish in 10 s. It is never tried again.
    Dead {
        /// What happened.
        reason: String,
    },
}

/// Why waiting ended before the sequence was durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// The journal died.
    #[error("wait for sequence {seq}: the journal is dead: {reason}")]
    Dead {
        /// What was waited for.
        seq: u64,
        /// What killed it.
        reason: String,
    },
    /// The time is over; it may still become durable.
    #[error("wait for sequence {seq}: durable is only {durable}")]
    Timeout {
        /// What was waited for.
        seq: u64,
        /// What is durable.
        durable: u64,
    },
}

impl Durable {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Returns the last sequence that survives a loss of power.
    pub fn seq(&self) -> u64 {
        self.shared.durable()
    }

    /// Waits until `seq` is durable.
    ///
    /// # Errors
    ///
    /// When the journal dies or the time is over.
    pub fn wait_for(&self, seq: u64, timeout: Duration) -> Result<(), WaitError> {
        self.shared.wait_for(seq, timeout);
        let durable = self.seq();
        if durable >= seq {
            return Ok(());
        }
        match self.shared.dead() {
            Some(reason) => Err(WaitError::Dead { seq, reason }),
            None => Err(WaitError::Timeout { seq, durable }),
        }
    }

    /// Returns how the journal is. Whoever asks also notices a write that hangs.
    pub fn health(&self) -> Health {
        if let Some(reason) = self.shared.dead() {
            return Health::Dead { reason };
        }
        match self.shared.slow_ns() {
            None => Health::Alive,
            Some(ns) => {
                Health::Slow { lasts: Duration::from_nanos(u64::try_from(ns).unwrap_or(0)) }
            }
        }
    }

    /// Returns how many bytes of the ring wait for the disk, and how many there are.
    pub fn fill(&self) -> (usize, usize) {
        (self.shared.filled(), self.shared.ring_bytes)
    }

    /// Returns how long writes with their syncs took.
    pub fn syncs(&self) -> Syncs {
        self.shared.syncs.read()
    }

    /// Returns the bytes written since the start.
    pub fn bytes_written(&self) -> u64 {
        self.shared.bytes_written.load(Ordering::Relaxed)
    }
}

/// Upper bounds of the histogram's buckets in microseconds; one more holds the rest.
const BOUNDS_US: [u64; 15] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000,
];

/// How long writes with their syncs took since the start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Syncs {
    /// Upper bound of each bucket and how many fell into it; the last bucket has no bound.
    pub buckets: Vec<(Option<Duration>, u64)>,
    /// All of them together.
    pub total: Duration,
    /// The last one.
    pub last: Duration,
}

/// The histogram behind [`Syncs`].
#[derive(Default)]
pub(crate) struct SyncHistogram {
    counts: [AtomicU64; BOUNDS_US.len() + 1],
    total_ns: AtomicU64,
    last_ns: AtomicU64,
}

impl fmt::Debug for SyncHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}

impl SyncHistogram {
    pub(crate) fn count(&self, ns: i64) {
        let ns = u64::try_from(ns).unwrap_or(0);
        let bucket = BOUNDS_US.partition_point(|bound| bound * 1_000 < ns);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.total_ns.fetch_add(ns, Ordering::Relaxed);
        self.last_ns.store(ns, Ordering::Relaxed);
    }

    fn read(&self) -> Syncs {
        let bounds = BOUNDS_US.iter().map(|&us| Some(Duration::from_micros(us))).chain([None]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Syncs {
            buckets: bounds.zip(counts).collect(),
            total: Duration::from_nanos(self.total_ns.load(Ordering::Relaxed)),
            last: Duration::from_nanos(self.last_ns.load(Ordering::Relaxed)),
        }
    }
}
