//! How the simulated exchange fills orders: the fill mode and its options (TF*, TK*).

use std::fmt;
use std::str::FromStr;

use model::BrokerId;
use model::exchange::{CommissionPlan, FeeSchedule, TickTable};

use super::slippage::Slippage;

/// Which events of a bar are assumed, and in which order. The mode is printed on each report.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FillMode {
    /// What is worse for us comes first: stop before target (TF6, TF7). The default.
    #[default]
    Conservative,
    /// The bar runs to the extreme nearer to its open first; a tie goes to the high (TF6).
    Adaptive,
    /// The bar runs open, high, low, close (TF6).
    Ohlc,
    /// Comparison convention: market orders fill at the open of the symbol's next bar.
    NextOpen,
    /// Comparison convention: market orders fill at the close of the decision bar.
    SameClose,
    /// Comparison convention: market orders fill at the close of the symbol's next bar.
    NextClose,
}

impl FillMode {
    /// All modes, in the order of their definition.
    pub const ALL: [Self; 6] = [
        Self::Conservative,
        Self::Adaptive,
        Self::Ohlc,
        Self::NextOpen,
        Self::SameClose,
        Self::NextClose,
    ];

    /// Returns true for the conventions that exist for comparison with other engines: no slippage
    /// unless asked for, no participation limit (TF10, TF11).
    #[inline]
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::NextOpen | Self::SameClose | Self::NextClose)
    }

    /// Returns the name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conservative => "conservative",
            Self::Adaptive => "adaptive",
            Self::Ohlc => "ohlc",
            Self::NextOpen => "next_open",
            Self::SameClose => "same_close",
            Self::NextClose => "next_close",
        }
    }
}

impl fmt::Display for FillMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no fill mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no fill mode (conservative, adaptive, ohlc, next_open, same_close or next_close)"
)]
pub struct ParseFillModeError(String);

impl FromStr for FillMode {
    type Err = ParseFillModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|mode| mode.name() == text);
        found.ok_or_else(|| ParseFillModeError(text.chars().take(40).collect()))
    }
}

/// When a resting limit order fills inside a bar (TF4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum LimitFill {
    /// Only when the bar trades beyond the limit. The default.
    #[default]
    Through,
    /// When the bar touches the limit.
    Touch,
    /// Beyond the limit always, on a touch with a probability.
    TouchProbability {
        /// Probability in parts per million, 0 to 1,000,000.
        ppm: i64,
        /// Seed of the draws; a draw depends on the seed, the order and the bar alone.
        seed: u64,
    },
}

/// Configuration of a simulated exchange.
#[derive(Clone, PartialEq, Debug)]
pub struct ExchangeConfig {
    /// Which events of a bar are assumed.
    pub mode: FillMode,
    /// Slippage of market, stop and marketable orders (TF11).
    pub slippage: Slippage,
    /// What the broker charges (TK1-TK4).
    pub commission: CommissionPlan,
    /// Dated fee tables.
    pub fees: FeeSchedule,
    /// Dated tick sizes.
    pub ticks: TickTable,
    /// Largest share of a bar's volume that our orders of its symbol may take together, in parts
    /// per million: 10,000 to 1,000,000 (TF10). Without effect in the comparison conventions.
    pub participation_ppm: i64,
    /// When a resting limit order fills (TF4).
    pub limit_fill: LimitFill,
    /// Lets orders fill outside regular hours too (TF1).
    pub extended_hours: bool,
    /// Nanoseconds from a decision until its order is at the exchange, where prints or quotes are
    /// matched (TF14); in bars every order waits for the next bar.
    pub latency_ns: i64,
    /// The broker named on reports.
    pub broker: BrokerId,
}

impl ExchangeConfig {
    /// Makes the documented defaults of a mode: one tick of slippage, 10 % participation and 50 ms
    /// of latency, or none of them in the comparison conventions.
    pub fn new(mode: FillMode, commission: CommissionPlan) -> Self {
        Self {
            mode,
            slippage: Slippage::Ticks(u32::from(!mode.is_comparison())),
            commission,
            fees: FeeSchedule::us(),
            ticks: TickTable::us(),
            participation_ppm: 100_000,
            limit_fill: LimitFill::Through,
            extended_hours: false,
            latency_ns: if mode.is_comparison() { 0 } else { 50_000_000 },
            broker: BrokerId(0),
        }
    }

    /// Checks the ranges (TF4, TF10).
    pub fn check(&self) -> Result<(), ExchangeConfigError> {
        if !(10_000..=1_000_000).contains(&self.participation_ppm) {
            return Err(ExchangeConfigError::Participation(self.participation_ppm));
        }
        match self.limit_fill {
            LimitFill::TouchProbability { ppm, .. } if !(0..=1_000_000).contains(&ppm) => {
                Err(ExchangeConfigError::TouchProbability(ppm))
            }
            _ => Ok(()),
        }
    }
}

/// Why a configuration of the exchange is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExchangeConfigError {
    /// The share of a bar's volume is out of range.
    #[error("participation_ppm is {0}, allowed 10000 to 1000000 (1 to 100 %)")]
    Participation(i64),
    /// The probability of a fill on a touch is out of range.
    #[error("touch probability is {0} ppm, allowed 0 to 1000000")]
    TouchProbability(i64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_back() {
        for mode in FillMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert!("next-open".parse::<FillMode>().is_err());
    }

    /// TF10, TF11: the defaults of both families, and the ranges.
    #[test]
    fn defaults_and_ranges() {
        let mut config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None);
        assert_eq!(config.slippage, Slippage::Ticks(1));
        assert_eq!(config.check(), Ok(()));
        config.participation_ppm = 9_999;
        assert!(config.check().is_err());
        for mode in [FillMode::NextOpen, FillMode::SameClose, FillMode::NextClose] {
            let config = ExchangeConfig::new(mode, CommissionPlan::None);
            assert_eq!(config.slippage, Slippage::Ticks(0), "{mode}");
        }
    }
}
