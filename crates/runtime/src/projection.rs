//! The lists of what happened, kept by a thread of their own (queue `performance_updates`).
//!
//! The writer thread hands released records over and never waits: when this side is too slow, the
//! records in between are read from the journal afterwards (F41, J13).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use engine::queues::QueueStatus;

use crate::release::Released;
use crate::view::{Lists, Run};

/// So many records before a start are read for the lists: what they hold of a longer past is in the
/// journal.
const HISTORY: u64 = 300_000;

/// Tells what was released before the process began, from one sequence to before another.
pub type Past = Box<dyn FnOnce(u64, u64, &mut dyn FnMut(&Released)) + Send>;

/// Reads released groups again, from one sequence to before another.
pub type CatchUp = Box<dyn FnMut(u64, u64) -> Vec<Released> + Send>;

/// The writer's end.
#[derive(Debug)]
pub struct Projector {
    to: SyncSender<Arc<Released>>,
    counts: Arc<Counts>,
}

/// What passed through the queue.
#[derive(Debug)]
pub struct Counts {
    capacity: usize,
    depth: AtomicUsize,
    high: AtomicUsize,
    missed: AtomicU64,
    /// The first sequence that was not handed over; 0 when none is missing.
    gap: AtomicU64,
}

impl Counts {
    /// Returns how the queue is; what was dropped is read from the journal afterwards.
    pub fn status(&self) -> QueueStatus {
        QueueStatus {
            depth: self.depth.load(Ordering::Relaxed),
            capacity: self.capacity,
            high_water: self.high.load(Ordering::Relaxed),
            dropped: 0,
            conflated: self.missed.load(Ordering::Relaxed),
        }
    }
}

impl Projector {
    /// Hands a record over without waiting.
    pub fn give(&self, record: &Arc<Released>) {
        let depth = self.counts.depth.fetch_add(1, Ordering::Relaxed) + 1;
        self.counts.high.fetch_max(depth, Ordering::Relaxed);
        match self.to.try_send(Arc::clone(record)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.counts.depth.fetch_sub(1, Ordering::Relaxed);
                self.counts.missed.fetch_add(1, Ordering::Relaxed);
                let gap = &self.counts.gap;
                let _ = gap.compare_exchange(0, record.seq, Ordering::AcqRel, Ordering::Acquire);
            }
            // The lists are not kept any more: the process ends.
            Err(TrySendError::Disconnected(_)) => {}
        }
    }
}

/// The lists, with the thread that keeps them.
#[derive(Debug)]
pub struct Projection {
    /// The writer's end.
    pub projector: Projector,
    /// What happened so far.
    pub lists: Arc<RwLock<Lists>>,
    /// What passed through the queue.
    pub counts: Arc<Counts>,
    /// The thread; it ends when the projector is dropped.
    pub thread: JoinHandle<()>,
}

/// Starts the thread that keeps the lists. It ends when the projector is dropped. What happened
/// before the process, up to the sequence `begin`, is read first; records that come meanwhile wait.
///
/// # Errors
/// The system has no room for a thread.
pub fn project(
    run: Arc<Run>,
    capacity: usize,
    mut catch_up: CatchUp,
    past: Past,
    begin: u64,
) -> std::io::Result<Projection> {
    let (to, from) = sync_channel(capacity);
    let counts = Arc::new(Counts {
        capacity,
        depth: AtomicUsize::new(0),
        high: AtomicUsize::new(0),
        missed: AtomicU64::new(0),
        gap: AtomicU64::new(0),
    });
    let lists = Arc::new(RwLock::new(Lists::default()));
    let (kept, seen) = (Arc::clone(&lists), Arc::clone(&counts));
    let thread = std::thread::Builder::new().name("lists".to_owned()).spawn(move || {
        if begin > 0 {
            let from = begin.saturating_sub(HISTORY).max(1);
            past(from, begin, &mut |record| take(&run, &kept, record));
        }
        keep(&run, &from, &kept, &seen, &mut catch_up);
    })?;
    let projector = Projector { to, counts: Arc::clone(&counts) };
    Ok(Projection { projector, lists, counts, thread })
}

fn keep(
    run: &Run,
    from: &Receiver<Arc<Released>>,
    lists: &RwLock<Lists>,
    counts: &Counts,
    catch_up: &mut CatchUp,
) {
    while let Ok(record) = from.recv() {
        counts.depth.fetch_sub(1, Ordering::Relaxed);
        let gap = counts.gap.load(Ordering::Acquire);
        if gap != 0 && record.seq > gap {
            counts.gap.store(0, Ordering::Release);
            for missed in catch_up(gap, record.seq) {
                take(run, lists, &missed);
            }
        }
        take(run, lists, &record);
    }
}

fn take(run: &Run, lists: &RwLock<Lists>, record: &Released) {
    let mut lists = lists.write().unwrap_or_else(PoisonError::into_inner);
    let place = (record.seq, record.time);
    lists.take(run, place, &record.input, &record.facts, &record.evaluations);
}
