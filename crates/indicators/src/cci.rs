//! Commodity channel index (TI8).

use model::Bar;

use crate::guard::quotient;
use crate::window::Ring;

/// Returns high + low + close in raw units: three times the typical price, exact.
#[inline]
pub(crate) fn typical_times_3(bar: &Bar) -> i64 {
    bar.high.raw().saturating_add(bar.low.raw()).saturating_add(bar.close.raw())
}

/// Commodity channel index (TI8): distance of the typical price from its mean over n bars in
/// units of 0.015 mean deviations. First value at index n-1; none when the typical price did not
/// move within the window. Sums are exact integers, so "did not move" is exact too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cci {
    typical: Ring<i64>,
    level: Option<f64>,
    count: u32,
}

impl Cci {
    /// Makes the index over `period` bars.
    pub fn new(period: usize) -> Self {
        Self { typical: Ring::new(period), ..Self::default() }
    }

    /// Takes one bar and returns the index, if there is one. Costs 2n steps.
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        let newest = typical_times_3(bar);
        self.typical.push(newest);
        self.count = self.count.saturating_add(1);
        self.level = self.typical.is_full().then(|| self.index(newest)).flatten();
        self.value()
    }

    /// Returns the index of `newest` within the full window.
    fn index(&self, newest: i64) -> Option<f64> {
        let n = self.typical.len() as i128;
        let sum: i128 = self.typical.iter().map(i128::from).sum();
        // n times the distance from the mean, so that no digit is lost.
        let distance = |x: i64| i128::from(x) * n - sum;
        let deviations: i128 = self.typical.iter().map(|x| distance(x).abs()).sum();
        quotient(distance(newest) as f64, 0.015 * (deviations as f64 / n as f64))
    }

    /// Returns the index.
    pub fn value(&self) -> Option<f64> {
        self.level.filter(|level| level.is_finite())
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.typical.len() as u32
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        self.typical.clear();
        self.level = None;
        self.count = 0;
    }
}

model::record!(Cci { 1: typical, 2: level, 3: count });

#[cfg(test)]
mod tests {
    use super::*;
    use model::Price;

    /// TI8: two bars at 1 and 3 lie one mean deviation from their mean.
    #[test]
    fn counts_mean_deviations() {
        let flat = |dollars: i64| {
            let price = Price::from_raw(dollars * model::SCALE);
            Bar { high: price, low: price, close: price, ..Bar::default() }
        };
        let mut cci = Cci::new(2);
        assert_eq!(cci.update(&flat(1)), None);
        assert!((cci.update(&flat(3)).unwrap() - 1.0 / 0.015).abs() < 1e-12);
        assert_eq!(cci.update(&flat(3)), None);
    }
}
