//! Brokers' commission plans and the commission of one order over its partial fills (TK1-TK4).
//!
//! Regulatory and venue fees are in [`fees`](super::fees).
//!
//! Invariant: an order's commission depends on what was executed, never on into how many fills.

use std::fmt;
use std::str::FromStr;

use crate::{Cash, Price, Quantity, SCALE, decimal};

/// Square of the scale: products of a price and a quantity are in units of 1e-18.
const SCALE_SQUARED: i128 = SCALE as i128 * SCALE as i128;

/// How a broker charges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommissionPlan {
    /// Interactive Brokers Pro, fixed: venue fees included (TK2).
    IbkrFixed,
    /// Interactive Brokers Pro, tiered by the month's volume: venue fees extra (TK3).
    IbkrTiered,
    /// Alpaca: no commission; regulatory fees rounded up per day (TK1).
    Alpaca,
    /// No costs at all.
    None,
    /// A price per share and nothing else, for comparisons with other engines.
    PerShare(Price),
}

/// Why a text names no commission plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown commission {text:?}: allowed are ibkr_fixed, ibkr_tiered, alpaca, none and \
     per_share:X with X from 0 to 1 USD, such as per_share:0.005"
)]
pub struct ParsePlanError {
    /// The text that was read, cut after 40 characters.
    pub text: String,
}

impl FromStr for CommissionPlan {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParsePlanError { text: text.chars().take(40).collect() };
        Ok(match text {
            "ibkr_fixed" => Self::IbkrFixed,
            "ibkr_tiered" => Self::IbkrTiered,
            "alpaca" => Self::Alpaca,
            "none" => Self::None,
            _ => {
                let rate = text.strip_prefix("per_share:").ok_or_else(error)?;
                let rate: Price = rate.parse().map_err(|_| error())?;
                if !(0..=SCALE).contains(&rate.raw()) {
                    return Err(error());
                }
                Self::PerShare(rate)
            }
        })
    }
}

impl fmt::Display for CommissionPlan {
    /// Writes what [`FromStr`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IbkrFixed => f.write_str("ibkr_fixed"),
            Self::IbkrTiered => f.write_str("ibkr_tiered"),
            Self::Alpaca => f.write_str("alpaca"),
            Self::None => f.write_str("none"),
            Self::PerShare(rate) => write!(f, "per_share:{rate}"),
        }
    }
}

/// TK2: 0.005 a share.
const FIXED_RATE: i64 = SCALE / 200;
/// TK3: the month's shares up to which a rate holds, and the rate; the last has no end.
const TIERS: [(i64, i64); 5] = [
    (300_000, SCALE / 10_000 * 35),
    (3_000_000, SCALE / 10_000 * 20),
    (20_000_000, SCALE / 10_000 * 15),
    (100_000_000, SCALE / 10_000 * 10),
    (i64::MAX, SCALE / 10_000 * 5),
];

impl CommissionPlan {
    /// Returns true for the plans that also pass on SEC, TAF and CAT.
    pub const fn charges_regulatory_fees(self) -> bool {
        matches!(self, Self::IbkrFixed | Self::IbkrTiered | Self::Alpaca)
    }

    /// Returns true for the plans that also charge for shares and cash borrowed overnight (TK5, TK6).
    pub const fn charges_financing(self) -> bool {
        matches!(self, Self::IbkrFixed | Self::IbkrTiered | Self::Alpaca)
    }

    /// Returns the least commission of an order that the cap does not undercut, if there is one.
    const fn minimum(self) -> Option<i64> {
        match self {
            Self::IbkrFixed => Some(SCALE),
            Self::IbkrTiered => Some(SCALE / 100 * 35),
            Self::Alpaca | Self::None | Self::PerShare(_) => None,
        }
    }

    /// Returns the commission of `quantity` more shares by the share rate alone, in units of
    /// 1e-18, when the month has seen `month_volume` shares before.
    fn by_share(self, month_volume: Quantity, quantity: Quantity) -> i128 {
        match self {
            Self::Alpaca | Self::None => 0,
            Self::PerShare(rate) => i128::from(rate.raw()) * i128::from(quantity.raw()),
            Self::IbkrFixed => i128::from(FIXED_RATE) * i128::from(quantity.raw()),
            Self::IbkrTiered => tiered(month_volume, quantity),
        }
    }
}

/// Each share pays the rate of the tier in which it falls.
fn tiered(month_volume: Quantity, quantity: Quantity) -> i128 {
    let begin = i128::from(month_volume.raw().max(0));
    let end = begin + i128::from(quantity.raw().max(0));
    let mut from = 0;
    let mut total = 0;
    for (up_to, rate) in TIERS {
        let until = i128::from(up_to) * i128::from(SCALE);
        let inside = end.min(until) - begin.max(from);
        total += inside.max(0) * i128::from(rate);
        from = until;
    }
    total
}

/// The commission of one order, fed with its fills (TK4).
///
/// The minimum and the cap apply to the order as a whole, so each fill is charged what it adds to
/// the order's total. A modified order stays one order: keep its `OrderCommission`. The total of
/// the share rates, the minimum and the cap all only grow with further fills, so an increment is
/// never negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OrderCommission {
    /// Sum by the share rate, in units of 1e-18.
    by_share: i128,
    /// Value of the executions, in units of 1e-18.
    value: i128,
    charged: Cash,
}

crate::record!(OrderCommission { 1: by_share, 2: value, 3: charged });

impl OrderCommission {
    /// Starts an order without fills.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one fill and returns what it adds to the order's commission.
    ///
    /// `month_volume` is what the account traded in the calendar month before this fill; only
    /// tiered plans read it. A fill whose quantity or price is not positive adds nothing.
    pub fn add(
        &mut self,
        plan: CommissionPlan,
        month_volume: Quantity,
        quantity: Quantity,
        price: Price,
    ) -> Cash {
        if !quantity.is_positive() || !price.is_positive() {
            return Cash::ZERO;
        }
        let by_share = plan.by_share(month_volume, quantity);
        let value = i128::from(price.raw()) * i128::from(quantity.raw());
        self.by_share = self.by_share.saturating_add(by_share);
        self.value = self.value.saturating_add(value);
        let total = self.total_under(plan);
        let increment = total.minus(self.charged);
        self.charged = total;
        increment
    }

    /// Returns what the order was charged so far.
    pub const fn charged(&self) -> Cash {
        self.charged
    }

    fn total_under(&self, plan: CommissionPlan) -> Cash {
        // TK2: the cap of 1 % wins over the minimum.
        let total = match plan.minimum() {
            Some(minimum) => {
                self.by_share.max(i128::from(minimum) * i128::from(SCALE)).min(self.value / 100)
            }
            None => self.by_share,
        };
        let raw = decimal::div_half_even(total, SCALE_SQUARED / i128::from(SCALE));
        Cash::from_raw(raw.unwrap_or(i64::MAX))
    }
}
