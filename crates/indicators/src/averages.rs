//! Moving averages: simple (TI1), exponential (TI2), weighted (TI8) and Wilder's (TI3).

use crate::guard::{self, finite, usable};
use crate::window::{Ring, Window};

/// Mean of the last n values (TI1); first value at index n-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sma {
    sum: Window<f64>,
    count: u32,
}

impl Sma {
    /// Makes the mean of `period` values.
    pub fn new(period: usize) -> Self {
        Self { sum: Window::new(period), count: 0 }
    }

    /// Takes one value and returns the mean, if there is one yet.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if usable(value) {
            self.sum.push(value, |a, b| a + b);
            self.count = self.count.saturating_add(1);
        }
        self.value()
    }

    /// Returns the mean of the last n values.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        finite(self.sum.value()? / self.sum.len() as f64)
    }

    /// Returns how many values were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many values the first mean needs.
    pub fn warm_up(&self) -> u32 {
        self.sum.len() as u32
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.sum.clear();
        self.count = 0;
    }
}

/// Exponential average with k = 2/(n+1), seeded with the mean of the first n values (TI2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ema {
    /// The average; the sum of the values while the seed is incomplete.
    level: f64,
    k: f64,
    period: u32,
    count: u32,
}

impl Ema {
    /// Makes the average over `period` values.
    pub fn new(period: usize) -> Self {
        let period = guard::period(period);
        Self { level: 0.0, k: 2.0 / (f64::from(period) + 1.0), period, count: 0 }
    }

    /// Takes one value and returns the average, if there is one yet.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if usable(value) {
            if self.count >= self.period {
                self.level += (value - self.level) * self.k;
            } else {
                self.level += value;
                if self.count + 1 == self.period {
                    self.level /= f64::from(self.period);
                }
            }
            self.count = self.count.saturating_add(1);
        }
        self.value()
    }

    /// Returns the average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        if self.count >= self.period { finite(self.level) } else { None }
    }

    /// Returns how many values were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many values the first average needs.
    pub fn warm_up(&self) -> u32 {
        self.period
    }

    /// Forgets all values, as at the start of a day (TI18).
    pub fn reset(&mut self) {
        self.level = 0.0;
        self.count = 0;
    }
}

impl Default for Ema {
    fn default() -> Self {
        Self::new(1)
    }
}

/// Wilder's average: seeded with the mean of the first n values, then (prev*(n-1)+x)/n (TI3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rma {
    /// The average; the sum of the values while the seed is incomplete.
    level: f64,
    period: u32,
    count: u32,
}

impl Rma {
    /// Makes the average over `period` values.
    pub fn new(period: usize) -> Self {
        Self { level: 0.0, period: guard::period(period), count: 0 }
    }

    /// Takes one value and returns the average, if there is one yet.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if usable(value) {
            let n = f64::from(self.period);
            if self.count >= self.period {
                self.level = (self.level * (n - 1.0) + value) / n;
            } else {
                self.level += value;
                if self.count + 1 == self.period {
                    self.level /= n;
                }
            }
            self.count = self.count.saturating_add(1);
        }
        self.value()
    }

    /// Returns the average.
    #[inline]
    pub fn value(&self) -> Option<f64> {
        if self.count >= self.period { finite(self.level) } else { None }
    }

    /// Returns how many values were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many values the first average needs.
    pub fn warm_up(&self) -> u32 {
        self.period
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.level = 0.0;
        self.count = 0;
    }
}

impl Default for Rma {
    fn default() -> Self {
        Self::new(1)
    }
}

/// Mean of the last n values with weights 1 (oldest) to n (newest) (TI8).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wma {
    ring: Ring<f64>,
    level: f64,
    count: u32,
}

impl Wma {
    /// Makes the mean of `period` values.
    pub fn new(period: usize) -> Self {
        Self { ring: Ring::new(period), level: 0.0, count: 0 }
    }

    /// Takes one value and returns the mean, if there is one yet. Costs n steps.
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if usable(value) {
            self.ring.push(value);
            self.count = self.count.saturating_add(1);
            let (mut weight, mut sum) = (0.0, 0.0);
            for x in self.ring.iter() {
                weight += 1.0;
                sum += x * weight;
            }
            self.level = sum / (weight * (weight + 1.0) / 2.0);
        }
        self.value()
    }

    /// Returns the weighted mean of the last n values.
    pub fn value(&self) -> Option<f64> {
        if self.ring.is_full() { finite(self.level) } else { None }
    }

    /// Returns how many values were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many values the first mean needs.
    pub fn warm_up(&self) -> u32 {
        self.ring.len() as u32
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.ring.clear();
        self.count = 0;
    }
}

model::record!(Sma { 1: sum, 2: count });
model::record!(Ema { 1: level, 2: k, 3: period, 4: count });
model::record!(Rma { 1: level, 2: period, 3: count });
model::record!(Wma { 1: ring, 2: level, 3: count });

#[cfg(test)]
mod tests {
    use super::*;

    /// TI1-TI3: seeds and first steps by hand.
    #[test]
    fn seeds_with_the_mean_of_the_first_values() {
        let (mut sma, mut ema, mut rma, mut wma) =
            (Sma::new(2), Ema::new(2), Rma::new(2), Wma::new(2));
        for average in [sma.update(1.0), ema.update(1.0), rma.update(1.0), wma.update(1.0)] {
            assert_eq!(average, None);
        }
        assert_eq!((sma.update(2.0), ema.update(2.0)), (Some(1.5), Some(1.5)));
        assert_eq!((rma.update(2.0), wma.update(2.0)), (Some(1.5), Some(5.0 / 3.0)));
        assert_eq!((sma.update(4.5), ema.update(4.5)), (Some(3.25), Some(3.5)));
        assert_eq!(rma.update(4.5), Some(3.0));
    }

    /// What is not finite is ignored: the count and the value stay.
    #[test]
    fn ignores_what_is_not_finite() {
        let mut ema = Ema::new(1);
        ema.update(5.0);
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(ema.update(bad), Some(5.0));
        }
        assert_eq!(ema.count(), 1);
        ema.reset();
        assert_eq!((ema.value(), ema.count()), (None, 0));
    }
}
