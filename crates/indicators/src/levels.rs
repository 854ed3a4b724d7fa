//! Price levels of the day: premarket range (TI12), opening range (TI13), high and low of day (TI14).
//!
//! All take every bar of the day, pick their own by the session's boundaries, and hold their value
//! until the next day is started.

use model::exchange::Segment;
use model::{Bar, MINUTE_NS, Price, Timestamp, Volume};

use crate::guard;
use model::exchange::Session;

/// A highest and a lowest price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriceRange {
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
}

impl PriceRange {
    /// Returns the range widened by a bar.
    #[inline]
    fn with(self, bar: &Bar) -> Self {
        Self { high: self.high.max(bar.high), low: self.low.min(bar.low) }
    }

    /// Widens a range by a bar, or begins one with it.
    #[inline]
    fn widen(range: &mut Option<Self>, bar: &Bar) {
        *range = Some(range.unwrap_or(Self { high: bar.high, low: bar.low }).with(bar));
    }
}

/// High, low and volume of the premarket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PremarketLevels {
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Shares traded.
    pub volume: Volume,
}

/// High, low and volume over the `pre` bars seen so far (TI12).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PremarketRange {
    times: Session,
    range: Option<PriceRange>,
    volume: Volume,
    count: u32,
}

impl PremarketRange {
    /// Makes the indicator; it takes bars once a day was started.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a session.
    pub fn start_day(&mut self, times: &Session) {
        *self = Self { times: *times, ..Self::default() };
    }

    /// Takes any bar of the day.
    pub fn update(&mut self, bar: &Bar) {
        if self.times.segment(bar.start) == Some(Segment::Pre) {
            PriceRange::widen(&mut self.range, bar);
            self.volume = self.volume.plus(bar.volume);
            self.count = self.count.saturating_add(1);
        }
    }

    /// Returns the levels.
    pub fn value(&self) -> Option<PremarketLevels> {
        let PriceRange { high, low } = self.range?;
        Some(PremarketLevels { high, low, volume: self.volume })
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        1
    }

    /// Forgets the day and its bars.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// High and low of the `rth` bars that start in the first n minutes (TI13).
///
/// There is a value only after minute n-1 has closed, whatever is missing inside, and none when
/// all of it is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OpeningRange {
    minutes: u32,
    times: Session,
    range: Option<PriceRange>,
    /// End of the last bar seen: the time by this indicator's knowledge.
    now: Timestamp,
    count: u32,
}

impl OpeningRange {
    /// Makes the range of the first `minutes` minutes; it takes bars once a day was started.
    pub fn new(minutes: usize) -> Self {
        Self { minutes: guard::period(minutes), ..Self::default() }
    }

    /// Starts a session.
    pub fn start_day(&mut self, times: &Session) {
        *self = Self { minutes: self.minutes, times: *times, ..Self::default() };
    }

    /// Returns when the range is complete.
    fn complete_at(&self) -> Timestamp {
        self.times.open.plus_nanos(i64::from(self.minutes) * MINUTE_NS)
    }

    /// Takes any bar of the day.
    pub fn update(&mut self, bar: &Bar) {
        self.now = self.now.max(bar.end());
        let rth = self.times.segment(bar.start) == Some(Segment::Rth);
        if rth && bar.start < self.complete_at() {
            PriceRange::widen(&mut self.range, bar);
            self.count = self.count.saturating_add(1);
        }
    }

    /// Returns the range if it was complete at the end of the last bar.
    pub fn value(&self) -> Option<PriceRange> {
        self.value_at(self.now)
    }

    /// Returns the range if it is complete at `now`: a quiet minute has no bar but closes (TB1).
    pub fn value_at(&self, now: Timestamp) -> Option<PriceRange> {
        if now >= self.complete_at() { self.range } else { None }
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first value needs: one, and the time must have passed.
    pub fn warm_up(&self) -> u32 {
        1
    }

    /// Forgets the day and its bars.
    pub fn reset(&mut self) {
        *self = Self::new(self.minutes as usize);
    }
}

/// Running high and low of the `rth` bars (TI14).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HodLod {
    times: Session,
    range: Option<PriceRange>,
    high_at: Timestamp,
    count: u32,
}

impl HodLod {
    /// Makes the indicator; it takes bars once a day was started.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a session.
    pub fn start_day(&mut self, times: &Session) {
        *self = Self { times: *times, ..Self::default() };
    }

    /// Takes any bar of the day.
    pub fn update(&mut self, bar: &Bar) {
        if self.times.segment(bar.start) == Some(Segment::Rth) {
            if self.range.is_none_or(|range| bar.high > range.high) {
                self.high_at = bar.start;
            }
            PriceRange::widen(&mut self.range, bar);
            self.count = self.count.saturating_add(1);
        }
    }

    /// Returns the high and the low of the day.
    pub fn value(&self) -> Option<PriceRange> {
        self.range
    }

    /// Returns the start of the bar that made the high, the earliest on ties (TI11).
    pub fn high_at(&self) -> Option<Timestamp> {
        self.range.map(|_| self.high_at)
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        1
    }

    /// Forgets the day and its bars.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

model::record!(PriceRange { 1: high, 2: low });
model::record!(PremarketRange { 1: times, 2: range, 3: volume, 4: count });
model::record!(OpeningRange { 1: minutes, 2: times, 3: range, 4: now, 5: count });
model::record!(HodLod { 1: times, 2: range, 3: high_at, 4: count });

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_nanos(n * MINUTE_NS)
    }

    fn bar(n: i64, high: i64, low: i64) -> Bar {
        let price = |dollars: i64| Price::from_raw(dollars * model::SCALE);
        let (high, low) = (price(high), price(low));
        Bar { start: minute(n), high, low, volume: Volume(7), ..Bar::default() }
    }

    fn times() -> Session {
        Session {
            pre_open: minute(0),
            open: minute(10),
            close: minute(20),
            post_close: minute(30),
            ..Session::default()
        }
    }

    /// TI13: complete when minute n-1 has closed, though that minute had no bar.
    #[test]
    fn the_opening_range_waits_for_its_last_minute() {
        let mut range = OpeningRange::new(3);
        range.start_day(&times());
        for b in [bar(9, 90, 1), bar(10, 8, 5), bar(11, 9, 6)] {
            range.update(&b);
            assert_eq!(range.value(), None);
        }
        let expected = Some(PriceRange { high: bar(0, 9, 5).high, low: bar(0, 9, 5).low });
        assert_eq!(range.value_at(minute(13)), expected);
        range.update(&bar(14, 50, 1));
        assert_eq!((range.value(), range.count()), (expected, 2));
        range.start_day(&times());
        assert_eq!(range.value_at(minute(13)), None, "no bar inside");
    }

    /// TI12, TI14: each keeps to its segment, and a tie does not move the time of the high.
    #[test]
    fn levels_keep_to_their_segment() {
        let (mut pre, mut day) = (PremarketRange::new(), HodLod::new());
        pre.start_day(&times());
        day.start_day(&times());
        for b in [bar(1, 9, 4), bar(2, 8, 5), bar(10, 6, 3), bar(12, 6, 5), bar(21, 99, 1)] {
            pre.update(&b);
            day.update(&b);
        }
        let levels = pre.value().unwrap();
        assert_eq!((levels.high, levels.low), (bar(0, 9, 4).high, bar(0, 9, 4).low));
        assert_eq!((levels.volume, pre.count()), (Volume(14), 2));
        let range = day.value().unwrap();
        assert_eq!((range.high, range.low), (bar(0, 6, 3).high, bar(0, 6, 3).low));
        assert_eq!(day.high_at(), Some(minute(10)));
    }
}
