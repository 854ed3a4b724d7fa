//! Volume-weighted average price: of a session with its bands (TI9, TI10), and anchored (TI11).
//!
//! The sums are centred: prices enter as exact integer distances from the first one, and mean and
//! spread are updated by the distance from the running mean (West 1979), so that a band a cent
//! wide keeps its digits at any price level.

use model::exchange::Segment;
use model::{Bar, Price, Timestamp, Trade, Volume};

use crate::cci::typical_times_3;
use crate::guard::finite;
use model::exchange::Session;

/// Typical prices are summed as high + low + close in units of 1e-9 dollars.
const UNITS_PER_DOLLAR: f64 = 3e9;

/// Average of the typical prices of the bars it is fed, weighted by volume (TI9), with its
/// volume-weighted population deviation (TI10), both in dollars.
///
/// The caller feeds the bars of one scope and calls [`reset`](SessionVwap::reset) where a session
/// begins; [`DayVwap`] keeps the scope itself. Bars without volume do not count (TB5): there is no
/// value until volume came. Feed either bars or trades, never both: the two differ slightly, so
/// the source is fixed per strategy (TI9).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SessionVwap {
    /// Three times the first price, in raw units: the centre.
    base: i64,
    /// Distance of the mean from the centre.
    mean: f64,
    weight: f64,
    /// Sum of weight times squared distance from the mean.
    spread: f64,
    count: u32,
}

impl SessionVwap {
    /// Makes an average without bars.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one bar.
    #[inline]
    pub fn update(&mut self, bar: &Bar) {
        if bar.volume != Volume(0) {
            self.add(typical_times_3(bar), bar.volume.0 as f64);
        }
    }

    /// Takes one eligible print; prints without size do not count.
    #[inline]
    pub fn update_trade(&mut self, trade: &Trade) {
        let size = trade.size.to_f64();
        if size > 0.0 {
            self.add(trade.price.raw().saturating_mul(3), size);
        }
    }

    #[inline]
    fn add(&mut self, price_times_3: i64, weight: f64) {
        if self.count == 0 {
            self.base = price_times_3;
        }
        let price = price_times_3.saturating_sub(self.base) as f64;
        let distance = price - self.mean;
        self.weight += weight;
        self.mean += distance * weight / self.weight;
        self.spread += weight * distance * (price - self.mean);
        self.count = self.count.saturating_add(1);
    }

    /// Returns the average price.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        if self.count > 0 {
            finite((self.base as f64 + self.mean) / UNITS_PER_DOLLAR)
        } else {
            None
        }
    }

    /// Returns the deviation of the price around the average (TI10), 0 or more.
    #[inline]
    pub fn sigma(&self) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        finite((self.spread / self.weight).max(0.0).sqrt() / UNITS_PER_DOLLAR)
    }

    /// Returns the lower and upper band, `k` deviations from the average (TI10).
    pub fn bands(&self, k: f64) -> Option<(f64, f64)> {
        let (value, reach) = (self.value()?, k * self.sigma()?);
        Some((finite(value - reach)?, finite(value + reach)?))
    }

    /// Returns how many bars or prints with volume were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars with volume the first value needs.
    pub fn warm_up(&self) -> u32 {
        1
    }

    /// Starts a new session.
    #[inline]
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// The segments that a [`DayVwap`] counts (TI9); part of the indicator's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VwapScope {
    /// From the first `rth` bar; no value in `pre` and `post`.
    #[default]
    Rth,
    /// From 04:00 to 20:00.
    Ext,
}

/// A [`SessionVwap`] that picks the bars of its scope from all bars of the day (TI9).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DayVwap {
    scope: VwapScope,
    times: Session,
    inner: SessionVwap,
    in_scope: bool,
}

impl DayVwap {
    /// Makes an average of the given scope; it takes bars once a day was started.
    pub fn new(scope: VwapScope) -> Self {
        Self { scope, ..Self::default() }
    }

    /// Starts a session.
    pub fn start_day(&mut self, times: &Session) {
        self.reset();
        self.times = *times;
    }

    /// Takes any bar of the day.
    pub fn update(&mut self, bar: &Bar) {
        let segment = self.times.segment(bar.start);
        self.in_scope = match self.scope {
            VwapScope::Rth => segment == Some(Segment::Rth),
            VwapScope::Ext => segment.is_some(),
        };
        if self.in_scope {
            self.inner.update(bar);
        }
    }

    /// Returns the average with its bands while the last bar lies in the scope.
    pub fn current(&self) -> Option<&SessionVwap> {
        self.in_scope.then_some(&self.inner)
    }

    /// Returns the average price while the last bar lies in the scope.
    pub fn value(&self) -> Option<f64> {
        self.current()?.value()
    }

    /// Returns how many bars with volume were used.
    pub fn count(&self) -> u32 {
        self.inner.count()
    }

    /// Returns how many bars with volume the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.inner.warm_up()
    }

    /// Forgets the day and its bars.
    pub fn reset(&mut self) {
        *self = Self::new(self.scope);
    }
}

/// Average from an anchor bar on, that bar included, over all segments and days (TI11).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AnchoredVwap {
    anchor: Timestamp,
    inner: SessionVwap,
}

impl AnchoredVwap {
    /// Makes an average that ignores bars starting before `anchor`.
    pub fn new(anchor: Timestamp) -> Self {
        Self { anchor, inner: SessionVwap::new() }
    }

    /// Takes one bar.
    pub fn update(&mut self, bar: &Bar) {
        if bar.start >= self.anchor {
            self.inner.update(bar);
        }
    }

    /// Returns the average price.
    pub fn value(&self) -> Option<f64> {
        self.inner.value()
    }

    /// Returns how many bars with volume were used.
    pub fn count(&self) -> u32 {
        self.inner.count()
    }

    /// Returns how many bars with volume the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.inner.warm_up()
    }

    /// Forgets the bars and keeps the anchor.
    pub fn reset(&mut self) {
        self.inner.reset();
    }
}

/// Average anchored at the previous session's high-of-day bar, the earliest on ties (TI11).
///
/// Each new high of the running session restarts a second average, which becomes the published one
/// when the next day starts: no bar has to be read twice. After a session without `rth` bars there
/// is no anchor and no value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PrevHodVwap {
    times: Session,
    high: Option<Price>,
    /// From today's high on.
    next: SessionVwap,
    /// From the previous session's high on.
    published: Option<SessionVwap>,
}

impl PrevHodVwap {
    /// Makes an average without an anchor.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a session; the one before it gives the anchor.
    pub fn start_day(&mut self, times: &Session) {
        self.published = self.high.map(|_| self.next);
        self.high = None;
        self.next.reset();
        self.times = *times;
    }

    /// Takes any bar of the day.
    pub fn update(&mut self, bar: &Bar) {
        if let Some(published) = &mut self.published {
            published.update(bar);
        }
        let rth = self.times.segment(bar.start) == Some(Segment::Rth);
        if rth && self.high.is_none_or(|high| bar.high > high) {
            self.high = Some(bar.high);
            self.next.reset();
        }
        if self.high.is_some() {
            self.next.update(bar);
        }
    }

    /// Returns the average price since the previous session's high.
    pub fn value(&self) -> Option<f64> {
        self.published?.value()
    }

    /// Returns how many bars with volume were used, the anchor included.
    pub fn count(&self) -> u32 {
        self.published.map_or(0, |vwap| vwap.count())
    }

    /// Returns how many bars with volume the first value needs, the anchor included.
    pub fn warm_up(&self) -> u32 {
        1
    }

    /// Forgets all sessions.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

model::record!(SessionVwap { 1: base, 2: mean, 3: weight, 4: spread, 5: count });
model::record_enum!(VwapScope { 0: Rth, 1: Ext });
model::record!(DayVwap { 1: scope, 2: times, 3: inner, 4: in_scope });
model::record!(AnchoredVwap { 1: anchor, 2: inner });
model::record!(PrevHodVwap { 1: times, 2: high, 3: next, 4: published });

#[cfg(test)]
mod tests {
    use super::*;
    use model::Quantity;

    fn flat(price: &str, volume: u64) -> Bar {
        let price = price.parse().unwrap();
        Bar { high: price, low: price, close: price, volume: Volume(volume), ..Bar::default() }
    }

    /// TI9, TI10, TB5: by hand, with a bar without volume in front.
    #[test]
    fn weighs_by_volume() {
        let mut vwap = SessionVwap::new();
        vwap.update(&flat("90.00", 0));
        assert_eq!((vwap.value(), vwap.sigma(), vwap.bands(1.0)), (None, None, None));
        vwap.update(&flat("10.00", 300));
        vwap.update(&flat("14.00", 100));
        assert_eq!((vwap.value(), vwap.sigma()), (Some(11.0), Some(3.0_f64.sqrt())));
        assert_eq!(vwap.count(), 2);
    }

    /// TI9: prints count price times size.
    #[test]
    fn takes_prints() {
        let mut vwap = SessionVwap::new();
        for (price, shares) in [("10.00", 300), ("99.00", 0), ("14.00", 100)] {
            let size = Quantity::from_shares(shares).unwrap();
            vwap.update_trade(&Trade { price: price.parse().unwrap(), size, ..Trade::default() });
        }
        assert_eq!((vwap.value(), vwap.count()), (Some(11.0), 2));
    }

    /// TI10: a band of one cent keeps nine digits at 600,000 dollars a share.
    #[test]
    fn bands_keep_their_digits_at_high_prices() {
        let mut vwap = SessionVwap::new();
        for _ in 0..10_000 {
            vwap.update(&flat("600000.00", 1_000_000));
            vwap.update(&flat("600000.02", 1_000_000));
        }
        assert!((vwap.sigma().unwrap() / 0.01 - 1.0).abs() < 1e-9);
        assert!((vwap.value().unwrap() - 600_000.01).abs() < 1e-9);
    }

    /// TI11: the anchor is the earliest bar of the previous session's high, inclusive.
    #[test]
    fn anchors_at_the_earliest_high_of_the_session_before() {
        let minute = |n: i64| Timestamp::from_nanos(n * model::MINUTE_NS);
        let day = |n: i64| Session {
            pre_open: minute(n),
            open: minute(n + 10),
            close: minute(n + 20),
            post_close: minute(n + 30),
            ..Session::default()
        };
        let at = |n: i64, price: &str| Bar { start: minute(n), ..flat(price, 1) };
        let mut vwap = PrevHodVwap::new();
        let mut anchored = AnchoredVwap::new(minute(11));
        vwap.start_day(&day(0));
        // 99 in `pre` is no high of day; 12 at minute 13 is a tie and moves nothing.
        let bars = [at(1, "99"), at(10, "11"), at(11, "12"), at(13, "12"), at(25, "30")];
        for bar in bars {
            vwap.update(&bar);
            anchored.update(&bar);
            assert_eq!(vwap.value(), None);
        }
        vwap.start_day(&day(100));
        assert_eq!((vwap.value(), anchored.value()), (Some(18.0), Some(18.0)));
        vwap.update(&at(101, "2"));
        assert_eq!((vwap.value(), vwap.count()), (Some(14.0), 4));
        vwap.start_day(&day(200));
        assert_eq!(vwap.value(), None, "a session without rth bars gives no anchor");
    }
}
