//! How late this machine itself is: what a time limit has to allow for that is not the program's
//! doing (decision 0110).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long the thread means to sleep.
const PAUSE: Duration = Duration::from_millis(2);

/// A thread that sleeps again and again, and notes how late it was woken at worst.
pub(crate) struct Lateness {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    worst_ns: AtomicU64,
    over: AtomicBool,
}

impl Lateness {
    /// Begins to measure.
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let measured = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !measured.over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                thread::sleep(PAUSE);
                let late = begun.elapsed().saturating_sub(PAUSE).as_nanos();
                let late = u64::try_from(late).unwrap_or(u64::MAX);
                measured.worst_ns.fetch_max(late, Ordering::Relaxed);
            }
        });
        Self { shared, thread: Some(thread) }
    }

    /// Returns the worst so far, in milliseconds.
    pub(crate) fn worst_ms(&self) -> f64 {
        self.shared.worst_ns.load(Ordering::Relaxed) as f64 / 1e6
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It measures only: how it ended is nobody's concern.
            let _ = thread.join();
        }
    }
}
