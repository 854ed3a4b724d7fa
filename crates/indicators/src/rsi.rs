//! Relative strength index (TI5).

use crate::Rma;
use crate::guard::{quotient, usable};

/// Wilder's relative strength index (TI5), 0 to 100; first value at index n.
///
/// None while nothing has moved: a zero would look oversold. A series that only rises is 100.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rsi {
    gains: Rma,
    losses: Rma,
    previous: f64,
    count: u32,
}

impl Rsi {
    /// Makes the index over `period` moves.
    pub fn new(period: usize) -> Self {
        Self { gains: Rma::new(period), losses: Rma::new(period), ..Self::default() }
    }

    /// Takes one value and returns the index, if there is one.
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if usable(value) {
            if self.count > 0 {
                let change = value - self.previous;
                self.gains.update(if change > 0.0 { change } else { 0.0 });
                self.losses.update(if change < 0.0 { -change } else { 0.0 });
            }
            self.previous = value;
            self.count = self.count.saturating_add(1);
        }
        self.value()
    }

    /// Returns the index.
    pub fn value(&self) -> Option<f64> {
        let (gain, loss) = (self.gains.value()?, self.losses.value()?);
        quotient(100.0 * gain, gain + loss)
    }

    /// Returns how many values were used.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns how many values the first index needs.
    pub fn warm_up(&self) -> u32 {
        self.gains.warm_up().saturating_add(1)
    }

    /// Forgets all values.
    pub fn reset(&mut self) {
        self.gains.reset();
        self.losses.reset();
        self.count = 0;
    }
}

model::record!(Rsi { 1: gains, 2: losses, 3: previous, 4: count });

#[cfg(test)]
mod tests {
    use super::*;

    /// TI5: no move is none, only gains are 100, only losses 0.
    #[test]
    fn still_prices_have_no_strength() {
        let mut rsi = Rsi::new(2);
        assert_eq!([5.0, 5.0, 5.0, 5.0].map(|x| rsi.update(x)), [None; 4]);
        assert_eq!(rsi.update(6.0), Some(100.0));
        let mut falling = Rsi::new(2);
        assert_eq!([5.0, 4.0, 3.0].map(|x| falling.update(x)), [None, None, Some(0.0)]);
    }
}
