//! Highest and lowest of the last n values (TI8).

use crate::guard::{finite, usable};
use crate::window::Window;

/// Implements the two mirror images once.
macro_rules! extreme {
    ($(#[$doc:meta])* $name:ident, $better:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            window: Window<f64>,
            count: u32,
        }

        impl $name {
            /// Makes the extreme of `period` values.
            pub fn new(period: usize) -> Self {
                Self { window: Window::new(period), count: 0 }
            }

            /// Takes one value and returns the extreme, if there is one yet.
            pub fn update(&mut self, value: f64) -> Option<f64> {
                if usable(value) {
                    let better: fn(f64, f64) -> bool = $better;
                    self.window.push(value, |a, b| if better(b, a) { b } else { a });
                    self.count = self.count.saturating_add(1);
                }
                self.value()
            }

            /// Returns the extreme of the last n values.
            pub fn value(&self) -> Option<f64> {
                self.window.value().and_then(finite)
            }

            /// Returns how many values were used.
            pub fn count(&self) -> u32 {
                self.count
            }

            /// Returns how many values the first extreme needs.
            pub fn warm_up(&self) -> u32 {
                self.window.len() as u32
            }

            /// Forgets all values.
            pub fn reset(&mut self) {
                self.window.clear();
                self.count = 0;
            }
        }

        model::record!($name { 1: window, 2: count });
    };
}

extreme!(
    /// Highest of the last n values, fed with highs (TI8); first value at index n-1.
    Max,
    |new, old| new > old
);
extreme!(
    /// Lowest of the last n values, fed with lows (TI8); first value at index n-1.
    Min,
    |new, old| new < old
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_window() {
        let (mut max, mut min) = (Max::new(2), Min::new(2));
        let series = [3.0, 1.0, 2.0, 5.0];
        assert_eq!(series.map(|x| max.update(x)), [None, Some(3.0), Some(2.0), Some(5.0)]);
        assert_eq!(series.map(|x| min.update(x)), [None, Some(1.0), Some(1.0), Some(2.0)]);
    }
}
