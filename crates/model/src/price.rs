//! Prices and the rounding of prices to ticks.

use crate::{Cash, Quantity, decimal};

/// A price in billionths of a dollar: `Price::from_raw(101_250_000_000)` is $101.25.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price(i64);

decimal::fixed_point!(Price, 2);

/// The direction of a rounding to the tick, named at each use (TB11, C05).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    /// To the tick at or below.
    Down,
    /// To the tick at or above.
    Up,
    /// To the nearest tick, a tie to the even one.
    HalfEven,
}

impl Price {
    /// Makes a price from a float, half-even to 1e-9; `None` for NaN, infinities and overflow.
    pub fn from_f64(value: f64) -> Option<Self> {
        decimal::from_f64(value).map(Self)
    }

    /// Returns the value of `quantity` shares, half-even to 1e-9, or `None` beyond [`Cash`].
    #[inline]
    pub fn notional(self, quantity: Quantity) -> Option<Cash> {
        if let Some(shares) = quantity.whole_shares() {
            // The usual case is exact and needs no wide division.
            return self.0.checked_mul(shares).map(Cash::from_raw);
        }
        let product = i128::from(self.0) * i128::from(quantity.raw());
        decimal::div_half_even(product, i128::from(decimal::SCALE)).map(Cash::from_raw)
    }

    /// Returns the price rounded to a multiple of `tick`; unchanged when `tick` is not positive.
    #[inline]
    pub fn round_to(self, tick: Price, rounding: Rounding) -> Self {
        if tick.0 <= 0 {
            return self;
        }
        let down = self.0.div_euclid(tick.0);
        let rest = self.0.rem_euclid(tick.0);
        let up = match rounding {
            Rounding::Down => false,
            Rounding::Up => rest > 0,
            Rounding::HalfEven => {
                let twice = i128::from(rest) * 2;
                twice > i128::from(tick.0) || (twice == i128::from(tick.0) && down % 2 != 0)
            }
        };
        Self((down + i64::from(up)).saturating_mul(tick.0))
    }

    /// Returns true when the price is a multiple of `tick`.
    #[inline]
    pub fn is_on(self, tick: Price) -> bool {
        tick.0 > 0 && self.0 % tick.0 == 0
    }

    /// Returns the price moved by `ticks` (negative: down), saturating.
    #[inline]
    pub const fn offset(self, tick: Price, ticks: i64) -> Self {
        Self(self.0.saturating_add(tick.0.saturating_mul(ticks)))
    }

    /// Returns `self - other` as a signed distance, saturating.
    #[inline]
    pub const fn minus(self, other: Price) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns `self + other`, saturating.
    #[inline]
    pub const fn plus(self, other: Price) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the distance from zero.
    #[inline]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// Returns the price times `ppm / 1e6`, rounded down to 1e-9, saturating.
    #[inline]
    pub fn times_ppm(self, ppm: i64) -> Self {
        Self(decimal::times_ppm(self.0, ppm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    /// C05, TB11: rounding to the tick is named and exact.
    #[test]
    fn rounds_to_the_tick() {
        let cent = price("0.01");
        assert_eq!(price("11.5675").round_to(cent, Rounding::Down), price("11.56"));
        assert_eq!(price("11.5675").round_to(cent, Rounding::Up), price("11.57"));
        assert_eq!(price("11.56").round_to(cent, Rounding::Up), price("11.56"));
        assert_eq!(price("-0.015").round_to(cent, Rounding::Down), price("-0.02"));
        assert_eq!(price("0.015").round_to(cent, Rounding::HalfEven), price("0.02"));
        assert_eq!(price("0.025").round_to(cent, Rounding::HalfEven), price("0.02"));
        assert_eq!(Price::from_raw(i64::MAX).round_to(cent, Rounding::Up).raw(), i64::MAX);
    }

    #[test]
    fn values_shares_exactly_or_not_at_all() {
        let shares = Quantity::from_shares(1351).unwrap();
        assert_eq!(price("11.99").notional(shares).unwrap().to_string(), "16198.49");
        assert_eq!(Price::from_raw(i64::MAX).notional(shares), None);
    }
}
