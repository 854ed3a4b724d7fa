//! Money.

use crate::decimal;
use crate::{Price, Quantity};

/// An amount of US dollars in billionths; negative amounts are outflows or losses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cash(i64);

decimal::fixed_point!(Cash, 2);

impl Cash {
    /// Makes an amount of whole dollars; `None` beyond the range.
    #[inline]
    pub const fn from_dollars(dollars: i64) -> Option<Self> {
        match dollars.checked_mul(decimal::SCALE) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// Makes an amount from a float, half-even to 1e-9; `None` for NaN, infinities, overflow.
    pub fn from_f64(value: f64) -> Option<Self> {
        decimal::from_f64(value).map(Self)
    }

    /// Returns the sum, saturating.
    #[inline]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference, saturating.
    #[inline]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns the opposite amount.
    #[inline]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// Returns the amount times `ppm / 1e6`, rounded down to 1e-9, saturating.
    #[inline]
    pub fn times_ppm(self, ppm: i64) -> Self {
        Self(decimal::times_ppm(self.0, ppm))
    }

    /// Returns how many whole shares of `price` the amount pays, rounded down; 0 when the amount
    /// is not positive, `None` when the price is not positive.
    #[inline]
    pub const fn shares_at(self, price: Price) -> Option<i64> {
        if price.raw() <= 0 {
            return None;
        }
        Some(if self.0 <= 0 { 0 } else { self.0 / price.raw() })
    }

    /// Returns the average price of `quantity` shares that cost this amount, half-even to 1e-9.
    #[inline]
    pub fn per_share(self, quantity: Quantity) -> Option<Price> {
        if let Some(shares) = quantity.whole_shares() {
            let (value, shares) = (i128::from(self.0), i128::from(shares));
            return decimal::div_half_even(value, shares).map(Price::from_raw);
        }
        let numerator = i128::from(self.0) * i128::from(decimal::SCALE);
        decimal::div_half_even(numerator, i128::from(quantity.raw())).map(Price::from_raw)
    }

    /// Returns `self * part / whole`, half-even to 1e-9; `None` on overflow or when whole is zero.
    #[inline]
    pub fn share_of(self, part: Quantity, whole: Quantity) -> Option<Self> {
        if part == whole && !whole.is_zero() {
            return Some(self);
        }
        let numerator = i128::from(self.0) * i128::from(part.raw());
        decimal::div_half_even(numerator, i128::from(whole.raw())).map(Self)
    }

    /// Returns the amount rounded up to whole cents (TK1).
    pub fn ceil_to_cents(self) -> Self {
        const CENT: i64 = decimal::SCALE / 100;
        let down = self.0.div_euclid(CENT);
        let up = i64::from(self.0.rem_euclid(CENT) > 0);
        Self((down + up).saturating_mul(CENT))
    }
}

impl std::iter::Sum for Cash {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}
