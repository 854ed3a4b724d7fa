//! Which shared indicators and facts a strategy reads, so that nothing else is computed.

/// A set of shared indicators and facts of [`SymbolState`](super::SymbolState).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Needs(u8);

impl Needs {
    /// No shared indicator.
    pub const NONE: Self = Self(0);
    /// Session VWAP (TI9).
    pub const VWAP: Self = Self(1);
    /// EMA(9) of the day (TI18).
    pub const EMA9: Self = Self(2);
    /// ATR(14) of the regular session's minutes (TI4).
    pub const ATR14: Self = Self(4);

    /// Facts from before the session: previous close, daily ATR, float.
    pub const FACTS: Self = Self(8);
    /// Average daily volume (TI17).
    pub const ADV: Self = Self(32);
    /// Mean of the last 50 daily closes (TV5).
    pub const TREND: Self = Self(64);
    /// Mean volumes by time of day for relative volume (TI16).
    pub const BASELINE: Self = Self(16);

    /// Returns both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns true when `other` is within the set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns true when the sets have a member in common.
    #[inline]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
