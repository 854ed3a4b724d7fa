//! Population standard deviation and Bollinger bands (TI7).
//!
//! Both take two passes over the window, centred on its oldest value: the textbook form, mean of
//! squares minus square of mean, loses its digits at high prices. A constant series gives exactly 0.

use crate::guard::{finite, usable};
use crate::window::Ring;

/// Mean and population variance of the last n values.
#[derive(Clone, Debug, Default, PartialEq)]
struct Moments {
    ring: Ring<f64>,
    mean: f64,
    deviation: f64,
    count: u32,
}

impl Moments {
    fn new(period: usize) -> Self {
        Self { ring: Ring::new(period), ..Self::default() }
    }

    fn update(&mut self, value: f64) {
        if !usable(value) {
            return;
        }
        self.ring.push(value);
        self.count = self.count.saturating_add(1);
        if !self.ring.is_full() {
            return;
        }
        let n = self.ring.len() as f64;
        let base = self.ring.iter().next().unwrap_or(value);
        let mut shift = 0.0;
        for x in self.ring.iter() {
            shift += x - base;
        }
        self.mean = base + shift / n;
        let mut squares = 0.0;
        for x in self.ring.iter() {
            let distance = x - self.mean;
            squares += distance * distance;
        }
        self.deviation = (squares / n).sqrt();
    }

    /// Returns mean and deviation once the window is full.
    fn value(&self) -> Option<(f64, f64)> {
        if !self.ring.is_full() {
            return None;
        }
        Some((finite(self.mean)?, finite(self.deviation)?))
    }

    fn reset(&mut self) {
        self.ring.clear();
        self.count = 0;
    }
}

/// Population standard deviation (ddof 0) of the last n values (TI7); first value at index n-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StdDev {
    moments: Moments,
}

impl StdDev {
    /// Makes the deviation of `period` values.
    pub fn new(period: usize) -> Self {
        Self { moments: Moments::new(period) }
    }

    /// Takes one value and returns the deviation, if there is one yet. Costs 2n steps.
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.moments.update(value);
        self.value()
    }

    /// Returns the deviation.
    pub fn value(&self) -> Option<f64> {
        self.moments.value().map(|(_, deviation)| deviation)
    }

    /// Returns how many values were used.
    pub fn count(&self) -> u32 {
        self.moments.count
    }

    /// Returns how many values the first deviation needs.
    pub fn warm_up(&self) -> u32 {
        self.moments.ring.len() as u32
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.moments.reset();
    }
}

/// Mean of the window and the bands around it, in the unit of the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BollingerBands {
    /// Mean plus k deviations.
    pub upper: f64,
    /// Mean of the last n values.
    pub middle: f64,
    /// Mean minus k deviations.
    pub lower: f64,
}

/// Bollinger bands with the population deviation (TI7); first value at index n-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bollinger {
    moments: Moments,
    width: f64,
}

impl Bollinger {
    /// Makes the bands of `period` values, `width` deviations from the mean.
    pub fn new(period: usize, width: f64) -> Self {
        Self { moments: Moments::new(period), width }
    }

    /// Takes one value and returns the bands, if there are any yet. Costs 2n steps.
    pub fn update(&mut self, value: f64) -> Option<BollingerBands> {
        self.moments.update(value);
        self.value()
    }

    /// Returns the bands.
    pub fn value(&self) -> Option<BollingerBands> {
        let (middle, deviation) = self.moments.value()?;
        let reach = self.width * deviation;
        Some(BollingerBands {
            upper: finite(middle + reach)?,
            middle,
            lower: finite(middle - reach)?,
        })
    }

    /// Returns how many values were used.
    pub fn count(&self) -> u32 {
        self.moments.count
    }

    /// Returns how many values the first bands need.
    pub fn warm_up(&self) -> u32 {
        self.moments.ring.len() as u32
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.moments.reset();
    }
}

model::record!(Moments { 1: ring, 2: mean, 3: deviation, 4: count });
model::record!(StdDev { 1: moments });
model::record!(Bollinger { 1: moments, 2: width });

#[cfg(test)]
mod tests {
    use super::*;

    /// TI7: divides by n, keeps its digits at high prices, and is exactly 0 when nothing moves.
    #[test]
    fn divides_by_n_and_keeps_its_digits() {
        let mut deviation = StdDev::new(4);
        for x in [2.0, 4.0, 4.0, 6.0] {
            deviation.update(x + 1e9);
        }
        assert_eq!(deviation.value(), Some(2.0_f64.sqrt()));
        for _ in 0..4 {
            deviation.update(0.1);
        }
        assert_eq!(deviation.value(), Some(0.0));
        let mut bands = Bollinger::new(2, 2.0);
        bands.update(1.0);
        let expected = BollingerBands { upper: 4.0, middle: 2.0, lower: 0.0 };
        assert_eq!(bands.update(3.0), Some(expected));
    }
}
