//! How often something may happen: token buckets in integer arithmetic (C12, C13).
//!
//! A bucket is one time stamp: when it would be full again. Nothing runs in the background and
//! nothing is rounded, so a replay finds the same answer.

use model::{MINUTE_NS, SECOND_NS, Timestamp, record};

/// Rates of opening orders (C12).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// Orders a second over a longer time, above zero.
    pub per_second: u32,
    /// Orders at once.
    pub burst: u32,
    /// Orders a minute, above zero.
    pub per_minute: u32,
    /// Orders a session.
    pub per_day: u32,
}

impl RateLimit {
    /// 5 a second with 10 at once, 60 a minute, 1,000 a day.
    pub const DEFAULT: Self = Self { per_second: 5, burst: 10, per_minute: 60, per_day: 1_000 };
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A token bucket. Size and rate are given at each question: they may change (C42).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bucket {
    full_at: Timestamp,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { full_at: Timestamp::MIN }
    }
}

impl Bucket {
    /// Returns the tokens in use, each of which takes `refill_ns` to come back.
    pub(super) fn used(&self, now: Timestamp, refill_ns: i64) -> i64 {
        let missing = self.full_at.since(now).max(0);
        missing.saturating_add(refill_ns - 1) / refill_ns.max(1)
    }

    /// Takes a token out, whether there is one or not.
    pub(super) fn take(&mut self, now: Timestamp, refill_ns: i64) {
        self.full_at = self.full_at.max(now).plus_nanos(refill_ns);
    }
}

/// What was sent of late: two buckets and the session's count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Rate {
    second: Bucket,
    minute: Bucket,
    day: u32,
}

impl Rate {
    /// Returns the first limit that one more would exceed, with the number that it would be.
    pub(super) fn exceeded(&self, now: Timestamp, limit: &RateLimit) -> Option<(u32, u32)> {
        let second = self.second.used(now, per(SECOND_NS, limit.per_second));
        let minute = self.minute.used(now, per(MINUTE_NS, limit.per_minute));
        [(second, limit.burst), (minute, limit.per_minute), (i64::from(self.day), limit.per_day)]
            .into_iter()
            .find(|&(used, most)| used >= i64::from(most))
            .map(|(used, most)| (most, u32::try_from(used).unwrap_or(u32::MAX).saturating_add(1)))
    }

    /// Counts one.
    pub(super) fn note(&mut self, now: Timestamp, limit: &RateLimit) {
        self.second.take(now, per(SECOND_NS, limit.per_second));
        self.minute.take(now, per(MINUTE_NS, limit.per_minute));
        self.day = self.day.saturating_add(1);
    }

    /// Begins a session: the count starts anew, the buckets refill by themselves.
    pub(super) fn begin_day(&mut self) {
        self.day = 0;
    }

    /// Returns the largest part in use of the three limits, 1 is all.
    pub(super) fn usage(&self, now: Timestamp, limit: &RateLimit) -> f64 {
        let part = |used: i64, most: u32| used as f64 / f64::from(most.max(1));
        let second = self.second.used(now, per(SECOND_NS, limit.per_second));
        let minute = self.minute.used(now, per(MINUTE_NS, limit.per_minute));
        part(second, limit.burst)
            .max(part(minute, limit.per_minute))
            .max(part(i64::from(self.day), limit.per_day))
    }
}

fn per(span_ns: i64, count: u32) -> i64 {
    span_ns / i64::from(count.max(1))
}

record!(RateLimit { 1: per_second, 2: burst, 3: per_minute, 4: per_day });
record!(Bucket { 1: full_at });
record!(Rate { 1: second, 2: minute, 3: day });

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    /// C12: ten at once pass, the eleventh does not; a token comes back each 200 ms, not 1 ns
    /// earlier.
    #[test]
    fn a_burst_and_its_refill() {
        let (mut rate, limit) = (Rate::default(), RateLimit::DEFAULT);
        for _ in 0..10 {
            assert_eq!(rate.exceeded(at(0), &limit), None);
            rate.note(at(0), &limit);
        }
        assert_eq!(rate.exceeded(at(0), &limit), Some((10, 11)));
        assert!(rate.exceeded(at(200).plus_nanos(-1), &limit).is_some());
        assert!(rate.exceeded(at(200), &limit).is_none());
    }

    /// C12: at five a second the minute's sixty are used up first, then the day's thousand.
    #[test]
    fn minute_and_day() {
        let (mut rate, limit) = (Rate::default(), RateLimit::DEFAULT);
        let mut sent = 0;
        let mut now = 0;
        while rate.exceeded(at(now), &limit).is_none() {
            rate.note(at(now), &limit);
            sent += 1;
            now += 200;
        }
        // One comes back a second: 60 and the 14 that came back in 14.8 s.
        assert_eq!((sent, rate.exceeded(at(now), &limit).unwrap().0), (74, 60));
        // Slowly enough for the minute, the day's thousand are what is left.
        now += 60_000;
        while sent < 1_000 {
            assert_eq!(rate.exceeded(at(now), &limit), None, "after {sent}");
            rate.note(at(now), &limit);
            sent += 1;
            now += 1_000;
        }
        assert_eq!(rate.exceeded(at(now), &limit), Some((1_000, 1_001)));
        assert_eq!(rate.day, 1_000);
        rate.begin_day();
        assert_eq!(rate.exceeded(at(now + 60_000), &limit), None);
    }
}
