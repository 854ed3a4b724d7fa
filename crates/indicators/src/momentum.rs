//! Change over n values: as a difference and in percent (TI8).

use crate::guard::{finite, quotient, usable};
use crate::window::Ring;

/// The newest value and the one n before it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Lag {
    ring: Ring<f64>,
    newest: f64,
    lagged: Option<f64>,
    count: u32,
}

impl Lag {
    fn new(period: usize) -> Self {
        Self { ring: Ring::new(period), ..Self::default() }
    }

    fn update(&mut self, value: f64) {
        if usable(value) {
            self.lagged = self.ring.push(value);
            self.newest = value;
            self.count = self.count.saturating_add(1);
        }
    }

    fn reset(&mut self) {
        self.ring.clear();
        self.lagged = None;
        self.count = 0;
    }
}

/// Implements the two readings of a lag once.
macro_rules! change {
    ($(#[$doc:meta])* $name:ident, $reading:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            lag: Lag,
        }

        impl $name {
            /// Makes the change over `period` values.
            pub fn new(period: usize) -> Self {
                Self { lag: Lag::new(period) }
            }

            /// Takes one value and returns the change, if there is one yet.
            pub fn update(&mut self, value: f64) -> Option<f64> {
                self.lag.update(value);
                self.value()
            }

            /// Returns the change over the last n values.
            pub fn value(&self) -> Option<f64> {
                let reading: fn(f64, f64) -> Option<f64> = $reading;
                reading(self.lag.newest, self.lag.lagged?)
            }

            /// Returns how many values were used.
            pub fn count(&self) -> u32 {
                self.lag.count
            }

            /// Returns how many values the first change needs.
            pub fn warm_up(&self) -> u32 {
                self.lag.ring.len() as u32 + 1
            }

            /// Forgets all values.
            pub fn reset(&mut self) {
                self.lag.reset();
            }
        }

        model::record!($name { 1: lag });
    };
}

change!(
    /// Value minus the value n before (TI8), in the unit of the input; first value at index n.
    Mom,
    |newest, lagged| finite(newest - lagged)
);
change!(
    /// Percent change against the value n before (TI8); first value at index n; none when that
    /// value is zero.
    Roc,
    |newest, lagged| finite((quotient(newest, lagged)? - 1.0) * 100.0)
);

model::record!(Lag { 1: ring, 2: newest, 3: lagged, 4: count });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_with_n_before() {
        let (mut mom, mut roc) = (Mom::new(2), Roc::new(2));
        let series = [4.0, 0.0, 5.0, 1.0];
        assert_eq!(series.map(|x| mom.update(x)), [None, None, Some(1.0), Some(1.0)]);
        assert_eq!(series.map(|x| roc.update(x)), [None, None, Some(25.0), None]);
    }
}
