//! Volume with a direction: money flow index and on-balance volume (TI8).

use model::{Bar, Price};

use crate::cci::typical_times_3;
use crate::guard::quotient;
use crate::window::Window;

/// Money flow index over n flows (TI8), 0 to 100; first value at index n.
///
/// A flow is typical price times volume, on the side to which the typical price moved; prices are
/// compared as integers and an unchanged one counts for neither. None when nothing flowed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mfi {
    positive: Window<f64>,
    negative: Window<f64>,
    typical: i64,
    count: u32,
}

impl Mfi {
    /// Makes the index over `period` flows.
    pub fn new(period: usize) -> Self {
        Self { positive: Window::new(period), negative: Window::new(period), ..Self::default() }
    }

    /// Takes one bar and returns the index, if there is one.
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        let typical = typical_times_3(bar);
        if self.count > 0 {
            let flow = typical as f64 * bar.volume.0 as f64;
            let add = |a: f64, b: f64| a + b;
            self.positive.push(if typical > self.typical { flow } else { 0.0 }, add);
            self.negative.push(if typical < self.typical { flow } else { 0.0 }, add);
        }
        self.typical = typical;
        self.count = self.count.saturating_add(1);
        self.value()
    }

    /// Returns the index.
    pub fn value(&self) -> Option<f64> {
        let (positive, negative) = (self.positive.value()?, self.negative.value()?);
        quotient(100.0 * positive, positive + negative)
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        self.positive.len() as u32 + 1
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        self.positive.clear();
        self.negative.clear();
        self.count = 0;
    }
}

/// On-balance volume in shares (TI8): starts with the first bar's volume, then adds the volume of
/// bars that close higher and subtracts that of bars that close lower.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Obv {
    balance: i64,
    close: Price,
    count: u32,
}

impl Obv {
    /// Makes the indicator.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one bar and returns the balance.
    pub fn update(&mut self, bar: &Bar) -> Option<f64> {
        let volume = i64::try_from(bar.volume.0).unwrap_or(i64::MAX);
        if self.count == 0 || bar.close > self.close {
            self.balance = self.balance.saturating_add(volume);
        } else if bar.close < self.close {
            self.balance = self.balance.saturating_sub(volume);
        }
        self.close = bar.close;
        self.count = self.count.saturating_add(1);
        self.value()
    }

    /// Returns the balance.
    pub fn value(&self) -> Option<f64> {
        (self.count > 0).then_some(self.balance as f64)
    }

    /// Returns how many bars were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many bars the first value needs.
    pub fn warm_up(&self) -> u32 {
        1
    }

    /// Forgets all bars.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

model::record!(Mfi { 1: positive, 2: negative, 3: typical, 4: count });
model::record!(Obv { 1: balance, 2: close, 3: count });

#[cfg(test)]
mod tests {
    use super::*;
    use model::Volume;

    fn flat(dollars: i64, volume: u64) -> Bar {
        let price = Price::from_raw(dollars * model::SCALE);
        Bar { high: price, low: price, close: price, volume: Volume(volume), ..Bar::default() }
    }

    /// TI8: an unchanged price counts for neither side, and no flow at all is none.
    #[test]
    fn unchanged_prices_count_for_neither() {
        let bars = [flat(4, 9), flat(5, 10), flat(5, 7), flat(3, 10), flat(3, 8), flat(3, 8)];
        let (mut mfi, mut obv) = (Mfi::new(2), Obv::new());
        let index = bars.map(|b| mfi.update(&b));
        assert_eq!(index, [None, None, Some(100.0), Some(0.0), Some(0.0), None]);
        assert_eq!(bars.map(|b| obv.update(&b).unwrap()), [9.0, 19.0, 19.0, 9.0, 9.0, 9.0]);
    }
}
