//! Share quantities and volumes.

use crate::decimal;

/// A number of shares in billionths of a share; orders use whole shares (C01).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i64);

decimal::fixed_point!(Quantity, 0);

impl Quantity {
    /// Makes a quantity of whole shares; `None` beyond the range.
    #[inline]
    pub const fn from_shares(shares: i64) -> Option<Self> {
        match shares.checked_mul(decimal::SCALE) {
            Some(raw) => Some(Self(raw)),
            None => None,
        }
    }

    /// Returns the whole shares, a fraction cut off towards zero.
    #[inline]
    pub const fn shares(self) -> i64 {
        self.0 / decimal::SCALE
    }

    /// Returns the shares when they are whole.
    #[inline]
    pub const fn whole_shares(self) -> Option<i64> {
        let shares = self.shares();
        if shares * decimal::SCALE == self.0 { Some(shares) } else { None }
    }

    /// Returns true when the quantity is a whole number of shares.
    #[inline]
    pub const fn is_whole(self) -> bool {
        self.0 % decimal::SCALE == 0
    }

    /// Returns the distance from zero.
    #[inline]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// Returns the opposite quantity.
    #[inline]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
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
}

/// The volume of a bar in whole shares.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Debug,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Volume(pub u64);

impl Volume {
    /// Returns the sum, saturating.
    #[inline]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns `ppm / 1e6` of the volume in whole shares, rounded down (TF10, TS3).
    #[inline]
    pub const fn part_ppm(self, ppm: i64) -> i64 {
        let part = self.0 as i128 * ppm as i128 / 1_000_000;
        if part > i64::MAX as i128 { i64::MAX } else { part as i64 }
    }
}
