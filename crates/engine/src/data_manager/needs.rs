//! Which shared indicators a strategy reads, so that nothing else is computed.

/// A set of shared indicators of [`SymbolState`](super::SymbolState).
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

    /// Returns both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns true when `other` is within the set.
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
