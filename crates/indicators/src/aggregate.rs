//! Bars of n minutes out of bars of one minute (TB9).
//!
//! Windows are aligned to the session's open, not to the clock, and do not reach over the open or
//! the close. A window closes when its last minute ends, even when that minute had no trade: the
//! owner says so with [`close_at`](Aggregator::close_at).

use model::exchange::Session;
use model::{Bar, MINUTE_NS, Timestamp, record};

/// Builds n-minute bars of one symbol.
///
/// ```
/// use indicators::Aggregator;
/// use model::exchange::Calendar;
/// use model::{Bar, MINUTE_NS};
///
/// let session = Calendar::nyse().session("2026-06-01".parse().unwrap()).unwrap().unwrap();
/// let mut aggregator = Aggregator::new(5);
/// let mut closed = Vec::new();
/// for minute in 0..5 {
///     let start = session.open.plus_nanos(minute * MINUTE_NS);
///     aggregator.update(&session, &Bar { start, ..Bar::default() }, |bar| closed.push(bar));
/// }
/// assert_eq!(closed.len(), 1);
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Aggregator {
    minutes: u32,
    bar: Bar,
    /// When the window of `bar` closes; the beginning of time without one.
    end: Timestamp,
    open: bool,
}

impl Aggregator {
    /// Makes an aggregator of windows of `minutes` minutes, at least one.
    pub fn new(minutes: u32) -> Self {
        Self { minutes: minutes.max(1), ..Self::default() }
    }

    /// Takes a closed one-minute bar in; `emit` gets the windows that end before it or with it.
    pub fn update(&mut self, session: &Session, bar: &Bar, mut emit: impl FnMut(Bar)) {
        self.close_at(bar.start, &mut emit);
        let Some((start, end)) = self.window(session, bar.start) else { return };
        if self.open {
            self.bar.high = self.bar.high.max(bar.high);
            self.bar.low = self.bar.low.min(bar.low);
            self.bar.close = bar.close;
            self.bar.volume = self.bar.volume.plus(bar.volume);
        } else {
            self.bar = Bar { start, ..*bar };
            self.end = end;
            self.open = true;
        }
        self.close_at(bar.end(), &mut emit);
    }

    /// Says that all minutes that end by `now` are closed; `emit` gets the window that ended.
    pub fn close_at(&mut self, now: Timestamp, mut emit: impl FnMut(Bar)) {
        if self.open && self.end <= now {
            self.open = false;
            emit(self.bar);
        }
    }

    /// Returns start and end of the window that holds a time; `None` outside the session.
    fn window(&self, session: &Session, time: Timestamp) -> Option<(Timestamp, Timestamp)> {
        session.segment(time)?;
        let length = i64::from(self.minutes) * MINUTE_NS;
        let into = time.since(session.open).rem_euclid(length);
        let start = time.plus_nanos(-into);
        let end = start.plus_nanos(length);
        // A window ends at the open, at the close and at the day's end, whatever it lacks.
        let edges = [session.pre_open, session.open, session.close, session.post_close];
        let begins = edges.into_iter().filter(|&edge| edge <= time).max()?;
        let ends = edges.into_iter().find(|&edge| edge > time)?;
        Some((start.max(begins), end.min(ends)))
    }
}

record!(Aggregator { 1: minutes, 2: bar, 3: end, 4: open });

#[cfg(test)]
mod tests {
    use super::*;
    use model::exchange::Calendar;
    use model::{Price, Volume};

    fn session(date: &str) -> Session {
        Calendar::nyse().session(date.parse().unwrap()).unwrap().unwrap()
    }

    fn bar(session: &Session, minute: i64, [open, high, low, close]: [i64; 4]) -> Bar {
        Bar {
            start: session.open.plus_nanos(minute * MINUTE_NS),
            open: Price::from_raw(open),
            high: Price::from_raw(high),
            low: Price::from_raw(low),
            close: Price::from_raw(close),
            volume: Volume(10),
        }
    }

    /// TB9: first, maximum, minimum, last, sum of what is there; a window whose last minute had
    /// no trade closes when that minute ends.
    #[test]
    fn windows_hold_the_bars_that_are_there() {
        let session = session("2026-06-01");
        let mut five = Aggregator::new(5);
        let mut closed = Vec::new();
        for (minute, prices) in [(0, [5, 6, 4, 5]), (1, [5, 9, 5, 8]), (3, [8, 8, 2, 3])] {
            five.update(&session, &bar(&session, minute, prices), |bar| closed.push(bar));
        }
        five.close_at(session.open.plus_nanos(5 * MINUTE_NS - 1), |bar| closed.push(bar));
        assert!(closed.is_empty());
        five.close_at(session.open.plus_nanos(5 * MINUTE_NS), |bar| closed.push(bar));
        let expected = Bar { volume: Volume(30), ..bar(&session, 0, [5, 9, 2, 3]) };
        assert_eq!(closed, [expected]);
        // A later bar closes a window that nobody closed before.
        five.update(&session, &bar(&session, 6, [1, 1, 1, 1]), |bar| closed.push(bar));
        five.update(&session, &bar(&session, 21, [2, 2, 2, 2]), |bar| closed.push(bar));
        assert_eq!(closed.len(), 2);
        assert_eq!(closed[1].start, session.open.plus_nanos(5 * MINUTE_NS));
    }

    /// TB9: aligned to the open, also before it and on a half day; no window reaches over the
    /// open or the close.
    #[test]
    fn windows_are_aligned_to_the_open() {
        for (date, last_window) in [("2026-06-01", 30), ("2026-11-27", 30)] {
            let session = session(date);
            let mut hour = Aggregator::new(60);
            let mut closed = Vec::new();
            let minutes = session.minutes();
            for minute in [-61, -60, -1, 0, 59, 60, minutes - 1, minutes, minutes + 1] {
                hour.update(&session, &bar(&session, minute, [1; 4]), |bar| closed.push(bar.start));
            }
            let starts: Vec<i64> =
                closed.iter().map(|&at| session.minutes_since_open(at)).collect();
            assert_eq!(starts, [-120, -60, 0, 60, minutes - last_window], "{date}");
            assert!(hour.open, "the window after the close goes on");
        }
    }
}
