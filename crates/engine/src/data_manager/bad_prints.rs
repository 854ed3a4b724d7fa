//! Bad prints: far from the prints before them and confirmed by nothing (C29).
//!
//! A print more than 10 % off the median of the last 20 is a suspect: it is used for no signal and
//! no mark unless a quote or a second source confirms it. Three further prints that agree with it
//! confirm it as well: the price has moved, and the window starts anew there.
//!
//! Invariant: the verdict is that of the exact median; bounds around the window only make the
//! usual case cheap.

use arrayvec::ArrayVec;
use model::{Price, record};

/// Prints whose median a print is held against.
pub const WINDOW: usize = 20;
/// Further prints that confirm a suspect.
const CONFIRMING: u8 = 3;

/// The last prints of a symbol.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PrintFilter {
    ring: [Price; WINDOW],
    /// Prints in the ring.
    filled: u8,
    /// Where the next print goes.
    place: u8,
    /// Bounds of every print since they were last found: the window lies within.
    low: Price,
    high: Price,
    /// The last suspect, and how many prints agreed with it since.
    suspect: Price,
    agreeing: u8,
}

impl PrintFilter {
    /// Takes a print in when it is good; false for a suspect. `confirmed` is asked only about
    /// suspects.
    #[inline]
    pub fn accept(&mut self, price: Price, confirmed: impl FnOnce() -> bool) -> bool {
        if !self.is_near_all(price) && !self.accept_far(price, confirmed) {
            return false;
        }
        self.agreeing = 0;
        self.suspect = Price::ZERO;
        self.push(price);
        true
    }

    /// Returns true when the price is within 10 % of every price between the bounds.
    #[inline]
    fn is_near_all(&self, price: Price) -> bool {
        let (low, high) = (self.low.raw(), self.high.raw());
        // Rounded towards the window: what is missed here is judged exactly below.
        price.raw() >= high - high / 10 && price.raw() <= low.saturating_add(low / 10)
    }

    #[inline]
    fn push(&mut self, price: Price) {
        if let Some(place) = self.ring.get_mut(usize::from(self.place)) {
            *place = price;
        }
        self.place = if usize::from(self.place) + 1 == WINDOW { 0 } else { self.place + 1 };
        self.filled = (self.filled + 1).min(WINDOW as u8);
        self.low = self.low.min(price);
        self.high = self.high.max(price);
    }

    fn window(&self) -> &[Price] {
        self.ring.get(..usize::from(self.filled)).unwrap_or_default()
    }

    #[cold]
    fn accept_far(&mut self, price: Price, confirmed: impl FnOnce() -> bool) -> bool {
        let Some(median) = self.median() else {
            // Nothing to hold it against.
            (self.low, self.high) = (price, price);
            return true;
        };
        self.low = self.window().iter().copied().min().unwrap_or(price);
        self.high = self.window().iter().copied().max().unwrap_or(price);
        if !is_far(price, median) || confirmed() {
            return true;
        }
        if self.suspect.is_positive() && !is_far(price, self.suspect) {
            self.agreeing += 1;
            if self.agreeing >= CONFIRMING {
                *self = Self { low: price, high: price, ..Self::default() };
                return true;
            }
        } else {
            self.suspect = price;
            self.agreeing = 0;
        }
        false
    }

    /// Returns the middle price of the window, of two middle ones their mean.
    fn median(&self) -> Option<Price> {
        let mut sorted: ArrayVec<Price, WINDOW> = self.window().iter().copied().collect();
        sorted.sort_unstable();
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Price::from_raw(lower.raw() + (upper.raw() - lower.raw()) / 2))
    }
}

/// Returns true when `price` is more than 10 % away from `from`.
fn is_far(price: Price, from: Price) -> bool {
    let distance = i128::from(price.raw()) - i128::from(from.raw());
    distance.abs() * 10 > i128::from(from.raw())
}

record!(PrintFilter { 1: ring, 2: filled, 3: place, 4: low, 5: high, 6: suspect, 7: agreeing });

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn full(at: &str) -> PrintFilter {
        let mut filter = PrintFilter::default();
        for _ in 0..WINDOW {
            assert!(filter.accept(price(at), || false));
        }
        filter
    }

    /// The boundary: 10 % off the median is used, a billionth more is not; both ways.
    #[test]
    fn ten_percent_is_the_boundary() {
        for (text, good) in
            [("110.00", true), ("110.000000001", false), ("90.00", true), ("89.999999999", false)]
        {
            let mut filter = full("100.00");
            assert_eq!(filter.accept(price(text), || false), good, "{text}");
        }
        assert!(full("100.00").accept(price("185.10"), || true), "confirmed by a quote");
    }

    /// The print of 3 June 2024: 627,400 -> 185.10 is no price, and the next good print is.
    #[test]
    fn the_print_of_june_2024() {
        let mut filter = full("627400");
        assert!(!filter.accept(price("185.10"), || false));
        assert!(!filter.accept(price("185.10"), || false));
        assert!(filter.accept(price("627399.99"), || false));
        assert!(!filter.accept(price("185.10"), || false), "the count began anew");
    }

    /// Three further prints confirm a suspect; two do not, nor three that disagree.
    #[test]
    fn three_prints_confirm() {
        let mut filter = full("100.00");
        let taken: Vec<bool> =
            ["120", "121", "119", "122"].map(|p| filter.accept(price(p), || false)).into();
        assert_eq!(taken, [false, false, false, true]);
        assert!(filter.accept(price("120"), || false));
        assert!(!filter.accept(price("100"), || false), "the old price is far now");
        let mut filter = full("100.00");
        let taken: Vec<bool> =
            ["120", "150", "200", "80"].map(|p| filter.accept(price(p), || false)).into();
        assert_eq!(taken, [false; 4]);
    }

    /// The cheap bounds never change a verdict: against the plain rule on a seeded walk.
    #[test]
    fn equals_the_plain_rule() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % n
        };
        let mut filter = PrintFilter::default();
        let mut window: Vec<Price> = Vec::new();
        let mut raw = 100_000_000_000_i64;
        let (mut refused, mut exact) = (0, 0);
        for step in 0..50_000 {
            let jump = if random(50) == 0 { 8 } else { 1 };
            raw = (raw + (random(2_000_000_001) as i64 - 1_000_000_000) * jump).max(5_000_000_000);
            let bad = random(40) == 0;
            let print = Price::from_raw(if bad { raw + raw / 9 } else { raw });
            let mut sorted = window.clone();
            sorted.sort_unstable();
            let far = match sorted.len() {
                0 => false,
                n => {
                    let (lower, upper) = (sorted[(n - 1) / 2].raw(), sorted[n / 2].raw());
                    is_far(print, Price::from_raw(lower + (upper - lower) / 2))
                }
            };
            // What stands out is refused here and confirmed in the second half, so that both
            // ways of the window are walked.
            let confirm = step >= 25_000;
            let before = filter;
            let taken = filter.accept(print, || confirm);
            let anew = taken && filter.filled == 1;
            assert_eq!(taken, !far || confirm || anew, "step {step}: {before:?}");
            refused += u32::from(!taken);
            exact += u32::from(far);
            if anew {
                window.clear();
            }
            if taken {
                window.push(print);
                if window.len() > WINDOW {
                    window.remove(0);
                }
            }
        }
        assert!(refused > 100 && exact > 500, "{refused} {exact}");
    }
}
