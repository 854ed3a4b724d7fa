//! How much room is left, and what may still be done with it (J16, journal.md 17).

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::shared::{Shared, lock};
use crate::spares::Spares;

/// What the room on the disk allows. Ordered: the later, the less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SpaceLevel {
    /// There is room for more than a day.
    Enough,
    /// At the current rate it is full within 24 hours.
    Warn,
    /// Less than four segments are free: nothing may open.
    NoOpening,
    /// Less than the spare and the ballast need, or one of them is gone: only reducing.
    ReduceOnly,
}

/// The room on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// What it allows.
    pub level: SpaceLevel,
    /// Bytes that are free, without what the journal has set aside.
    pub free_bytes: u64,
    /// Bytes the journal grows by in a day at the current rate.
    pub bytes_per_day: u64,
}

/// Watches the room on the disk; ask it every few seconds.
#[derive(Debug)]
pub struct SpaceWatch {
    shared: Arc<Shared>,
    spares: Arc<Spares>,
    rate: Mutex<Rate>,
}

impl SpaceWatch {
    pub(crate) fn new(shared: Arc<Shared>, spares: Arc<Spares>) -> Self {
        Self { shared, spares, rate: Mutex::new(Rate::new(Instant::now())) }
    }

    /// Looks how much room there is.
    ///
    /// # Errors
    ///
    /// When the file system does not say.
    pub fn look(&self) -> io::Result<Space> {
        let free_bytes = self.spares.free_space()?;
        let written = self.shared.bytes_written.load(std::sync::atomic::Ordering::Relaxed);
        let bytes_per_day = lock(&self.rate).per_day(Instant::now(), written);
        let segment = self.spares.segment_bytes();
        let reserve = self.spares.reserve();
        let level = if !reserve.spare || !reserve.ballast || free_bytes < 2 * segment {
            SpaceLevel::ReduceOnly
        } else if free_bytes < 4 * segment {
            SpaceLevel::NoOpening
        } else if free_bytes < bytes_per_day {
            SpaceLevel::Warn
        } else {
            SpaceLevel::Enough
        };
        Ok(Space { level, free_bytes, bytes_per_day })
    }
}

/// The growth of the last ten minutes or so, smoothed.
#[derive(Debug)]
struct Rate {
    looked: Instant,
    written: u64,
    per_second: f64,
}

impl Rate {
    fn new(now: Instant) -> Self {
        Self { looked: now, written: 0, per_second: 0.0 }
    }

    fn per_day(&mut self, now: Instant, written: u64) -> u64 {
        let seconds = now.saturating_duration_since(self.looked).as_secs_f64();
        if seconds >= 1.0 {
            let sample = (written - self.written) as f64 / seconds;
            let weight = 1.0 - (-seconds / Duration::from_secs(600).as_secs_f64()).exp();
            self.per_second += (sample - self.per_second) * weight;
            (self.looked, self.written) = (now, written);
        }
        (self.per_second * 86_400.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// journal.md 17: the current rate is followed within minutes, up and down.
    #[test]
    fn the_rate_follows() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        let day = |per_second: u64| per_second * 86_400;
        let mut written = 0;
        let mut last = 0;
        for minute in 1..=60 {
            written += 60 * 1000;
            last = rate.per_day(start + Duration::from_secs(60 * minute), written);
        }
        assert!(last > day(990) && last <= day(1000), "{last}");
        for minute in 61..=120 {
            last = rate.per_day(start + Duration::from_secs(60 * minute), written);
        }
        assert!(last < day(10), "{last}");
    }
}
