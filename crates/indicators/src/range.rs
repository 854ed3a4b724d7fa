//! True range and its Wilder average: daily (TI4), per day of minutes (TI4, TI18), in percent (TI8).
//!
//! Distances are taken in integer prices and become a float once, so they are exact.

use model::{Bar, Price};

use crate::Rma;
use crate::guard::quotient;

/// Returns max(h-l, |h-pc|, |l-pc|), which is the span of the bar and the close before it.
#[inline]
fn true_range(bar: &Bar, previous_close: Price) -> f64 {
    bar.high.max(previous_close).minus(bar.low.min(previous_close)).to_f64()
}

/// True range of the last bar (TI4), in dollars; first value at index 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrueRange {
    previous_close: Price,
    range: Option<f64>,
    count: u32,
}

impl TrueRange {
    /// Makes the indicator.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one bar and returns its true range, if there was a bar before it.
    #[inline]
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        if self.count > 0 {
            self.range = Some(true_range(bar, self.previous_close));
        }
        self.previous_close = bar.close;
        self.count = self.count.saturating_add(1);
        self.value()
    }

    /// Returns the true range of the last bar.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.range.filter(|range| range.is_finite())
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        2
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Average true range of daily bars (TI4), in dollars: the first bar gives only its close, so the
/// first value comes at index n.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Atr {
    range: TrueRange,
    average: Rma,
}

impl Atr {
    /// Makes the average over `period` true ranges.
    pub fn new(period: usize) -> Self {
        Self { range: TrueRange::new(), average: Rma::new(period) }
    }

    /// Takes one bar and returns the average, if there is one yet.
    #[inline]
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.average.update(self.range.update(bar)?)
    }

    /// Returns the average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.average.value()
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.range.count()
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.average.warm_up().saturating_add(1)
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        self.range.reset();
        self.average.reset();
    }
}

/// Average true range within a day (`atr_day`, TI4, TI18), in dollars: restarted by
/// [`reset`](AtrDay::reset) at the first bar of its scope, whose range is h-l; the first value
/// comes with the n-th bar.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AtrDay {
    average: Rma,
    previous_close: Price,
}

impl AtrDay {
    /// Makes the average over `period` true ranges.
    pub fn new(period: usize) -> Self {
        Self { average: Rma::new(period), previous_close: Price::ZERO }
    }

    /// Takes one bar and returns the average, if there is one yet.
    #[inline]
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        let first = self.average.count() == 0;
        let range = if first {
            bar.high.minus(bar.low).to_f64()
        } else {
            true_range(bar, self.previous_close)
        };
        self.previous_close = bar.close;
        self.average.update(range)
    }

    /// Returns the average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        self.average.value()
    }

    /// Returns how many bars of the day were used.
    pub fn count(&self) -> u32 {
        self.average.count()
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.average.warm_up()
    }

    /// Starts a new day.
    pub fn reset(&mut self) {
        self.average.reset();
    }
}

/// Average true range in percent of the close (TI8); none when the close is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Natr {
    atr: Atr,
    close: Price,
}

impl Natr {
    /// Makes the average over `period` true ranges.
    pub fn new(period: usize) -> Self {
        Self { atr: Atr::new(period), close: Price::ZERO }
    }

    /// Takes one bar and returns the percentage, if there is one yet.
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.atr.update(bar);
        self.close = bar.close;
        self.value()
    }

    /// Returns the percentage.
    pub fn value(&self) -> Option<f64> {
        quotient(100.0 * self.atr.value()?, self.close.to_f64())
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.atr.count()
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.atr.warm_up()
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        self.atr.reset();
    }
}

model::record!(TrueRange { 1: previous_close, 2: range, 3: count });
model::record!(Atr { 1: range, 2: average });
model::record!(AtrDay { 1: average, 2: previous_close });
model::record!(Natr { 1: atr, 2: close });

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(high: i64, low: i64, close: i64) -> Bar {
        let price = |dollars: i64| Price::from_raw(dollars * model::SCALE);
        Bar { high: price(high), low: price(low), close: price(close), ..Bar::default() }
    }

    /// TI4: the close before counts on both sides; the day variant starts with h-l.
    #[test]
    fn spans_the_close_before() {
        let bars = [bar(10, 8, 9), bar(12, 11, 12), bar(9, 7, 8)];
        let mut range = TrueRange::new();
        assert_eq!(bars.map(|b| range.update(&b)), [None, Some(3.0), Some(5.0)]);
        let mut daily = Atr::new(2);
        assert_eq!(bars.map(|b| daily.update(&b)), [None, None, Some(4.0)]);
        let mut day = AtrDay::new(2);
        assert_eq!(bars.map(|b| day.update(&b)), [None, Some(2.5), Some(3.75)]);
        day.reset();
        assert_eq!(bars.map(|b| day.update(&b)), [None, Some(2.5), Some(3.75)]);
        assert_eq!((daily.count(), daily.warm_up(), day.warm_up()), (3, 3, 2));
    }
}
