//! Engine time: an anchor plus what the boot-time clock says has passed (journal.md 11).
//!
//! The boot-time clock goes on while the machine sleeps and is never set, so a jump of the wall
//! clock moves nothing here (F29). With a speed above one, an accelerated feed and its engine share
//! one time.
//!
//! Invariant: engine time never goes back.

use std::time::Duration;

use model::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Returns the nanoseconds since the machine was started, sleep included.
pub fn boot_nanos() -> i64 {
    nanos(ClockId::Boottime)
}

/// Returns the wall clock's time.
pub fn wall() -> Timestamp {
    Timestamp::from_nanos(nanos(ClockId::Realtime))
}

fn nanos(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

/// Engine time of one process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    anchor: Timestamp,
    boot: i64,
    speed: u32,
    /// It shows the time of day; a feed's clock shows another one, at whatever speed.
    follows_wall: bool,
}

impl Clock {
    /// Makes a feed's clock, which shows `anchor` when the boot-time clock shows `boot` nanoseconds, and
    /// runs `speed` times as fast, at least once.
    pub fn new(anchor: Timestamp, boot: i64, speed: u32) -> Self {
        Self { anchor, boot, speed: speed.max(1), follows_wall: false }
    }

    /// Makes a clock that shows the wall clock's time now, and at least `last`: the journal's last
    /// time, behind which engine time never falls.
    pub fn at_wall(last: Option<Timestamp>) -> Self {
        let wall = wall();
        let clock = Self::new(last.map_or(wall, |last| last.max(wall)), boot_nanos(), 1);
        Self { follows_wall: true, ..clock }
    }

    /// Moves it forward where it is behind `time`: from now on it goes on from there.
    #[must_use]
    pub fn not_before(self, time: Option<Timestamp>) -> Self {
        match time {
            Some(time) if self.now() < time => Self { anchor: time, boot: boot_nanos(), ..self },
            _ => self,
        }
    }

    /// Returns how many times faster than the wall clock it runs.
    pub fn speed(&self) -> u32 {
        self.speed
    }

    /// Returns engine time now.
    pub fn now(&self) -> Timestamp {
        self.at(boot_nanos())
    }

    /// Returns engine time when the boot-time clock shows `boot` nanoseconds.
    pub fn at(&self, boot: i64) -> Timestamp {
        let passed = boot.saturating_sub(self.boot).max(0);
        self.anchor.plus_nanos(passed.saturating_mul(i64::from(self.speed)))
    }

    /// Returns how long to wait until it shows `time`; nothing when it does already.
    pub fn until(&self, time: Timestamp) -> Duration {
        let left = time.since(self.now()).max(0) / i64::from(self.speed);
        Duration::from_nanos(left.unsigned_abs())
    }

    /// Returns how far the wall clock is ahead of it in nanoseconds; `None` for a clock that does
    /// not follow the wall (C30).
    pub fn behind_wall(&self) -> Option<i64> {
        self.follows_wall.then(|| wall().since(self.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Journal.md 11: time runs from the anchor at the clock's speed and never back.
    #[test]
    fn runs_from_its_anchor() {
        let anchor = Timestamp::from_nanos(1_000);
        let clock = Clock::new(anchor, 500, 10);
        assert_eq!(clock.at(500), anchor);
        assert_eq!(clock.at(507), anchor.plus_nanos(70));
        assert_eq!(clock.at(400), anchor, "the boot-time clock does not go back either");
        let late = clock.now().plus_nanos(1_000_000_000_000);
        assert!(clock.not_before(Some(late)).now() >= late);
        assert_eq!(clock.not_before(Some(anchor)), clock);
        let (a, b) = (clock.now(), clock.now());
        assert!(a <= b);
    }

    /// Journal.md 11: a wall clock behind the journal's last time does not pull engine time back.
    #[test]
    fn starts_at_the_journals_last_time_at_least() {
        let last = wall().plus_nanos(3_600_000_000_000);
        assert!(Clock::at_wall(Some(last)).now() >= last);
        let behind = Clock::at_wall(Some(last)).behind_wall();
        assert!(behind.is_some_and(|ns| ns < -3_000_000_000_000), "{behind:?}");
        assert!(Clock::at_wall(None).behind_wall().is_some_and(|ns| ns.abs() < 1_000_000_000));
        for speed in [1, 60] {
            assert_eq!(Clock::new(last, 0, speed).behind_wall(), None, "a feed, at any speed");
        }
    }
}
