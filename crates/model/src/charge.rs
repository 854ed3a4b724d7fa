//! What a broker charges beside the fees of fills (TK5-TK8).

use std::fmt;

/// What a charge is for. A charge belongs to an account and a day, never to a trade.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum ChargeKind {
    /// What a broker's rounding of a day adds to the raw fees of its fills (TK1, TK7).
    #[default]
    FeeRounding,
    /// Borrowing shares that are sold short overnight (TK5).
    ShortBorrow,
    /// Finding shares to sell short, where the broker charges for it (TK5).
    Locate,
    /// Interest on cash owed overnight (TK6).
    MarginInterest,
    /// Market data and platform: a fixed cost (TK8).
    Subscription,
    /// Anything else that the broker's statement names.
    Other,
}

impl ChargeKind {
    /// Number of kinds.
    pub const COUNT: usize = Self::ALL.len();

    /// All kinds, in the order of their definition.
    pub const ALL: [Self; 6] = [
        Self::FeeRounding,
        Self::ShortBorrow,
        Self::Locate,
        Self::MarginInterest,
        Self::Subscription,
        Self::Other,
    ];

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FeeRounding => "fee_rounding",
            Self::ShortBorrow => "short_borrow",
            Self::Locate => "locate",
            Self::MarginInterest => "margin_interest",
            Self::Subscription => "subscription",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ChargeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
