//! What the core thread, the writer thread and the watchers share.
//!
//! Three small locks, none held over a disk operation: the queue of pending groups, the life of
//! the journal (durable through, dead), and the spare segments (in [`spares`](crate::spares)).

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::appender::{AppendError, Urgency, boot_time};
use crate::durable::SyncHistogram;

/// So many pending bytes are written without waiting longer (journal.md 5).
const BATCH_BYTES: usize = 64 * 1024;
/// After this time what is pending is written.
const BATCH_TIME: Duration = Duration::from_millis(50);
/// A write and sync above this is slow and blocks opening.
pub(crate) const SLOW_NS: i64 = 100_000_000;
/// A write and sync that takes this long means that the journal is dead.
pub(crate) const DEAD_NS: i64 = 10_000_000_000;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) ring_bytes: usize,
    queue: Mutex<Queue>,
    work: Condvar,
    /// Bytes queued and bytes being written.
    filled: AtomicUsize,
    life: Mutex<Life>,
    moved: Condvar,
    durable: AtomicU64,
    /// Boot time when the write under way began; 0 when none is.
    commit_began: AtomicI64,
    /// Boot time when the first of a run of slow writes began; 0 when the last one was fast.
    slow_since: AtomicI64,
    pub(crate) syncs: SyncHistogram,
    pub(crate) bytes_written: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    since: Option<Instant>,
    urgent: bool,
    writer_waits: bool,
    stop: bool,
}

#[derive(Debug, Default)]
struct Life {
    dead: Option<String>,
    waiters: usize,
}

impl Shared {
    pub(crate) fn new(ring_bytes: usize, durable: u64) -> Self {
        Self {
            ring_bytes,
            queue: Mutex::default(),
            work: Condvar::new(),
            filled: AtomicUsize::new(0),
            life: Mutex::default(),
            moved: Condvar::new(),
            durable: AtomicU64::new(durable),
            commit_began: AtomicI64::new(0),
            slow_since: AtomicI64::new(0),
            syncs: SyncHistogram::default(),
            bytes_written: AtomicU64::new(0),
        }
    }

    /// Queues a whole group.
    pub(crate) fn push(&self, group: &[u8], urgency: Urgency) -> Result<(), AppendError> {
        if let Some(reason) = self.dead() {
            return Err(AppendError::Dead { reason });
        }
        let mut queue = lock(&self.queue);
        let filled = self.filled();
        if filled + group.len() > self.ring_bytes {
            return Err(AppendError::Full { needed: group.len(), room: self.ring_bytes - filled });
        }
        self.filled.fetch_add(group.len(), Ordering::AcqRel);
        queue.bytes.extend_from_slice(group);
        queue.since.get_or_insert_with(Instant::now);
        queue.urgent |= urgency == Urgency::Now;
        // The writer wakes up by itself every 50 ms: what is not urgent costs the core no wake-up.
        let due = queue.urgent || queue.bytes.len() >= BATCH_BYTES;
        let wakes = due && std::mem::take(&mut queue.writer_waits);
        // It must not wake into a held lock.
        drop(queue);
        if wakes {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits until something should be written and swaps it into the empty `batch`; false when the
    /// appender has gone and nothing is left.
    pub(crate) fn next_batch(&self, batch: &mut Vec<u8>) -> bool {
        let mut queue = lock(&self.queue);
        loop {
            let age = queue.since.map_or(Duration::ZERO, |since| since.elapsed());
            let due = queue.urgent
                || queue.bytes.len() >= BATCH_BYTES
                || (!queue.bytes.is_empty() && (age >= BATCH_TIME || queue.stop));
            if due {
                std::mem::swap(&mut queue.bytes, batch);
                queue.urgent = false;
                queue.since = None;
                return true;
            }
            if queue.stop {
                return false;
            }
            queue.writer_waits = true;
            let rest = BATCH_TIME.saturating_sub(age);
            queue = self.work.wait_timeout(queue, rest).unwrap_or_else(PoisonError::into_inner).0;
            queue.writer_waits = false;
        }
    }

    /// Tells the writer to write what is pending and to stop.
    pub(crate) fn stop(&self) {
        lock(&self.queue).stop = true;
        self.work.notify_one();
    }

    pub(crate) fn filled(&self) -> usize {
        self.filled.load(Ordering::Acquire)
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// A write begins.
    pub(crate) fn commit_begins(&self) {
        self.commit_began.store(boot_time(), Ordering::Release);
    }

    /// A write and its sync are done: what they hold is durable, unless the journal was declared
    /// dead meanwhile (J6).
    pub(crate) fn commit_ends(&self, seq: u64, bytes: usize) -> bool {
        let began = self.commit_began.swap(0, Ordering::AcqRel);
        let took = boot_time() - began;
        self.syncs.count(took);
        if took <= SLOW_NS {
            self.slow_since.store(0, Ordering::Release);
        } else {
            let _ = self.slow_since.compare_exchange(0, began, Ordering::AcqRel, Ordering::Acquire);
        }
        self.bytes_written.fetch_add(bytes as u64, Ordering::Relaxed);
        let life = lock(&self.life);
        if life.dead.is_some() {
            return false;
        }
        self.filled.fetch_sub(bytes, Ordering::AcqRel);
        self.durable.store(seq, Ordering::Release);
        if life.waiters > 0 {
            self.moved.notify_all();
        }
        true
    }

    /// Declares the journal dead; the first reason stays.
    pub(crate) fn die(&self, reason: &str) {
        lock(&self.life).dead.get_or_insert_with(|| reason.to_owned());
        self.moved.notify_all();
    }

    /// Returns why the journal is dead, if it is. A write that hangs for 10 s kills it here.
    pub(crate) fn dead(&self) -> Option<String> {
        if self.in_commit_ns() > DEAD_NS {
            self.die("no write to the disk has finished for 10 s");
        }
        lock(&self.life).dead.clone()
    }

    /// Returns how long the write under way has taken so far; 0 when none is.
    pub(crate) fn in_commit_ns(&self) -> i64 {
        match self.commit_began.load(Ordering::Acquire) {
            0 => 0,
            began => boot_time() - began,
        }
    }

    /// Returns for how long the disk has been slow, if it is.
    pub(crate) fn slow_ns(&self) -> Option<i64> {
        let under_way = self.in_commit_ns();
        match self.slow_since.load(Ordering::Acquire) {
            0 => (under_way > SLOW_NS).then_some(under_way),
            since => Some(boot_time() - since),
        }
    }

    /// Waits until `seq` is durable, the journal dies or the time is over.
    pub(crate) fn wait_for(&self, seq: u64, timeout: Duration) {
        let end = Instant::now() + timeout;
        let mut life = lock(&self.life);
        life.waiters += 1;
        while self.durable() < seq && life.dead.is_none() {
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            life = self.moved.wait_timeout(life, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        life.waiters -= 1;
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared::new(1000, 5)
    }

    /// J6: a write that has not finished after 10 s kills the journal, and what it brings when it
    /// does finish is not durable.
    #[test]
    fn a_write_that_hangs_kills() {
        let shared = shared();
        shared.commit_begins();
        assert_eq!((shared.dead(), shared.slow_ns()), (None, None));
        shared.commit_began.store(boot_time() - SLOW_NS - 1, Ordering::Release);
        assert!(shared.slow_ns().is_some());
        assert_eq!(shared.dead(), None);
        shared.commit_began.store(boot_time() - DEAD_NS - 1, Ordering::Release);
        let reason = shared.dead().unwrap();
        assert!(reason.contains("10 s"), "{reason}");
        assert!(!shared.commit_ends(9, 0), "too late");
        assert_eq!(shared.durable(), 5);
        let refused = shared.push(b"group", Urgency::Now);
        assert_eq!(refused, Err(AppendError::Dead { reason: reason.clone() }));
        shared.die("another reason");
        assert_eq!(shared.dead(), Some(reason), "the first reason stays");
    }

    /// F39: slow lasts from the first slow write to the first fast one.
    #[test]
    fn slow_lasts_until_a_fast_write() {
        let shared = shared();
        let write = |took: i64| {
            shared.commit_began.store(boot_time() - took, Ordering::Release);
            assert!(shared.commit_ends(6, 0));
        };
        write(SLOW_NS + 1);
        let first = shared.slow_ns().unwrap();
        write(2 * SLOW_NS);
        assert!(shared.slow_ns().unwrap() >= first);
        write(0);
        assert_eq!(shared.slow_ns(), None);
    }
}
