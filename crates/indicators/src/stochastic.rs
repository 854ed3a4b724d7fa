//! Position of the close within the range of the last n bars: stochastic and Williams %R (TI8).

use model::Bar;

use crate::Sma;
use crate::guard::quotient;
use crate::window::Window;

/// Highest high and lowest low of the last n bars, in raw price units.
#[derive(Clone, Debug, Default, PartialEq)]
struct Channel {
    highs: Window<i64>,
    lows: Window<i64>,
    close: i64,
    count: u32,
}

impl Channel {
    fn new(period: usize) -> Self {
        Self { highs: Window::new(period), lows: Window::new(period), ..Self::default() }
    }

    fn update(&mut self, bar: &Bar) {
        self.highs.push(bar.high.raw(), i64::max);
        self.lows.push(bar.low.raw(), i64::min);
        self.close = bar.close.raw();
        self.count = self.count.saturating_add(1);
    }

    /// Returns the distances high to close, low to close and low to high once the window is full.
    fn distances(&self) -> Option<(f64, f64, f64)> {
        let (high, low) = (self.highs.value()?, self.lows.value()?);
        let below_high = high.saturating_sub(self.close) as f64;
        let above_low = self.close.saturating_sub(low) as f64;
        Some((below_high, above_low, high.saturating_sub(low) as f64))
    }

    fn reset(&mut self) {
        self.highs.clear();
        self.lows.clear();
        self.count = 0;
    }
}

/// Slow %K and its average %D, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StochasticValue {
    /// Slow K: the average of fast K.
    pub k: f64,
    /// D: the average of slow K.
    pub d: f64,
}

/// Slow stochastic (TI8): fast K over n bars, slow K and D simple averages; both are published
/// together, for (14, 3, 3) from index 17.
///
/// None on a bar whose window has no range; that bar's fast K enters the averages as 0, as in
/// TA-Lib.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stochastic {
    channel: Channel,
    slow_k: Sma,
    d: Sma,
}

impl Stochastic {
    /// Makes the indicator from the period of fast K and those of the two averages.
    pub fn new(fast_k: usize, slow_k: usize, d: usize) -> Self {
        Self { channel: Channel::new(fast_k), slow_k: Sma::new(slow_k), d: Sma::new(d) }
    }

    /// Takes one bar and returns both lines, if they exist.
    pub fn update(&mut self, bar: &Bar) -> Option<StochasticValue> {
        self.channel.update(bar);
        let (_, above_low, range) = self.channel.distances()?;
        let fast_k = quotient(100.0 * above_low, range).unwrap_or(0.0);
        if let Some(slow_k) = self.slow_k.update(fast_k) {
            self.d.update(slow_k);
        }
        self.value()
    }

    /// Returns both lines.
    pub fn value(&self) -> Option<StochasticValue> {
        let (_, _, range) = self.channel.distances()?;
        if range == 0.0 {
            return None;
        }
        Some(StochasticValue { k: self.slow_k.value()?, d: self.d.value()? })
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.channel.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.channel.highs.len() as u32 + self.slow_k.warm_up() + self.d.warm_up() - 2
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        self.channel.reset();
        self.slow_k.reset();
        self.d.reset();
    }
}

/// Williams %R over n bars (TI8), -100 to 0; first value at index n-1; none without a range.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WilliamsR {
    channel: Channel,
}

impl WilliamsR {
    /// Makes the indicator over `period` bars.
    pub fn new(period: usize) -> Self {
        Self { channel: Channel::new(period) }
    }

    /// Takes one bar and returns the value, if there is one.
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.channel.update(bar);
        self.value()
    }

    /// Returns the distance of the close from the high in percent of the range, negative.
    pub fn value(&self) -> Option<f64> {
        let (below_high, _, range) = self.channel.distances()?;
        quotient(-100.0 * below_high, range)
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.channel.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.channel.highs.len() as u32
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        self.channel.reset();
    }
}

model::record!(Channel { 1: highs, 2: lows, 3: close, 4: count });
model::record!(Stochastic { 1: channel, 2: slow_k, 3: d });
model::record!(WilliamsR { 1: channel });

#[cfg(test)]
mod tests {
    use super::*;
    use model::Price;

    fn bar(high: i64, low: i64, close: i64) -> Bar {
        let price = |dollars: i64| Price::from_raw(dollars * model::SCALE);
        Bar { high: price(high), low: price(low), close: price(close), ..Bar::default() }
    }

    /// TI8: no range is none, and the place in the range is exact.
    #[test]
    fn places_the_close_in_the_range() {
        let (mut k, mut r) = (Stochastic::new(2, 1, 1), WilliamsR::new(2));
        let bars = [bar(5, 5, 5), bar(5, 5, 5), bar(9, 5, 8), bar(9, 8, 9)];
        let lines = bars.map(|b| k.update(&b).map(|v| (v.k, v.d)));
        assert_eq!(lines, [None, None, Some((75.0, 75.0)), Some((100.0, 100.0))]);
        assert_eq!(bars.map(|b| r.update(&b)), [None, None, Some(-25.0), Some(-0.0)]);
        assert_eq!(Stochastic::new(14, 3, 3).warm_up(), 18);
    }
}
