//! Moving average convergence divergence (TI6).

use crate::Ema;
use crate::guard::{finite, usable};

/// Line, signal and their difference, in the unit of the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacdValue {
    /// Fast average minus slow average.
    pub line: f64,
    /// Exponential average of the line.
    pub signal: f64,
    /// Line minus signal.
    pub histogram: f64,
}

/// MACD in TA-Lib's alignment (TI6): the fast average skips the first slow-fast values, so that
/// both averages begin at the same index. All three numbers are published together, for
/// (12, 26, 9) from index 33.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    line: f64,
    count: u32,
}

impl Macd {
    /// Makes the indicator from the three periods; fast and slow are swapped when out of order.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Self {
        let (fast, slow) = (fast.min(slow), fast.max(slow));
        Self {
            fast: Ema::new(fast),
            slow: Ema::new(slow),
            signal: Ema::new(signal),
            ..Self::default()
        }
    }

    /// Takes one value and returns the three numbers, if they exist yet.
    pub fn update(&mut self, value: f64) -> Option<MacdValue> {
        if usable(value) {
            if self.count >= self.slow.warm_up().saturating_sub(self.fast.warm_up()) {
                self.fast.update(value);
            }
            self.slow.update(value);
            if let (Some(fast), Some(slow)) = (self.fast.value(), self.slow.value()) {
                self.line = fast - slow;
                self.signal.update(self.line);
            }
            self.count = self.count.saturating_add(1);
        }
        self.value()
    }

    /// Returns the three numbers.
    pub fn value(&self) -> Option<MacdValue> {
        let signal = self.signal.value()?;
        let line = finite(self.line)?;
        Some(MacdValue { line, signal, histogram: finite(line - signal)? })
    }

    /// Returns how many values were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many values the first result needs.
    pub fn warm_up(&self) -> u32 {
        self.slow.warm_up().saturating_add(self.signal.warm_up()).saturating_sub(1)
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
        self.signal.reset();
        self.count = 0;
    }
}

model::record!(Macd { 1: fast, 2: slow, 3: signal, 4: line, 5: count });

#[cfg(test)]
mod tests {
    use super::*;

    /// TI6: the first result of (12, 26, 9) is at index 33, and a straight line has a flat MACD.
    #[test]
    fn begins_at_index_33() {
        let mut macd = Macd::new(26, 12, 9);
        let values: Vec<_> = (0..40).map(|i| macd.update(f64::from(i))).collect();
        assert_eq!(values.iter().position(Option::is_some), Some(33));
        assert_eq!(macd.warm_up(), 34);
        assert!((values[39].unwrap().line - 7.0).abs() < 1e-12);
    }
}
