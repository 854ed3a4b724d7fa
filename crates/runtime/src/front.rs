//! What the core's thread shows to the outside: that it lives, and how things are.
//!
//! Both drive modes turn over this: the live loop and the stepped one. Nothing here is read by the
//! core, and no lock is shared with it: the view is built by the core's thread and handed over
//! whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use engine::Engine;
use tokio::sync::watch;

use crate::clock::boot_nanos;
use crate::view::{Run, Surroundings, View};

/// The core's heartbeat: when its loop last turned, by the boot-time clock.
#[derive(Debug)]
pub struct Beat {
    at: AtomicI64,
    ended: AtomicBool,
}

impl Default for Beat {
    fn default() -> Self {
        let at = AtomicI64::new(boot_nanos());
        Self { at, ended: AtomicBool::new(false) }
    }
}

impl Beat {
    /// The loop turns.
    pub fn strike(&self) {
        self.at.store(boot_nanos(), Ordering::Release);
    }

    /// The loop ends; its silence is no fault from here on.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Returns true once the loop has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Returns for how long the loop has not turned.
    pub fn silence(&self) -> Duration {
        let silent = boot_nanos().saturating_sub(self.at.load(Ordering::Acquire)).max(0);
        Duration::from_nanos(silent.unsigned_abs())
    }
}

/// The core thread's side of the view.
#[derive(Debug)]
pub struct Front {
    run: Arc<Run>,
    view: watch::Sender<Arc<View>>,
    beat: Arc<Beat>,
    every_ns: i64,
    next: i64,
}

impl Front {
    /// Looks at the core for the first time; a view is published every `every` from then on.
    /// Returns where views and heartbeat are seen.
    pub fn new(
        run: Arc<Run>,
        engine: &Engine,
        around: &Surroundings,
        every: Duration,
    ) -> (Self, watch::Receiver<Arc<View>>, Arc<Beat>) {
        let (view, seen) = watch::channel(View::build(engine, &run, around));
        let beat = Arc::new(Beat::default());
        let every_ns = i64::try_from(every.as_nanos()).unwrap_or(i64::MAX);
        let front = Self { run, view, beat: Arc::clone(&beat), every_ns, next: 0 };
        (front, seen, beat)
    }

    /// The loop turns: strikes the heartbeat, and returns true when a view is due.
    pub fn turn(&mut self) -> bool {
        self.beat.strike();
        boot_nanos() >= self.next
    }

    /// Returns when the next view is due, by the boot-time clock.
    pub fn next_view(&self) -> i64 {
        self.next
    }

    /// Publishes how things are now.
    pub fn publish(&mut self, engine: &Engine, around: &Surroundings) {
        self.next = boot_nanos().saturating_add(self.every_ns);
        self.view.send_replace(View::build(engine, &self.run, around));
    }

    /// The loop ends, by itself.
    pub fn end(&self) {
        self.beat.end();
    }
}
