//! When a Mark is due: when the inbox is empty once a minute, at the latest every five minutes
//! (journal.md 14).

use std::time::{Duration, Instant};

const IDLE: Duration = Duration::from_secs(60);

/// When the last one was made, and whether anything came since.
#[derive(Debug)]
pub(crate) struct Marks {
    last: Instant,
    moved: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self { last: Instant::now(), moved: true }
    }
}

impl Marks {
    /// The state changed.
    pub(crate) fn moved(&mut self) {
        self.moved = true;
    }

    /// A Mark was made.
    pub(crate) fn made(&mut self) {
        *self = Self { last: Instant::now(), moved: false };
    }

    /// Returns true when the state changed since the last one.
    pub(crate) fn have_moved(&self) -> bool {
        self.moved
    }

    /// Returns true when the inbox is empty and it is time.
    pub(crate) fn is_due(&self) -> bool {
        self.moved && self.last.elapsed() >= IDLE
    }

    /// Returns true when it cannot wait for an empty inbox any longer.
    pub(crate) fn is_overdue(&self) -> bool {
        self.moved && self.last.elapsed() >= IDLE * 5
    }
}
