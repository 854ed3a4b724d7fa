//! Slippage of orders that take liquidity (TF11).
//!
//! Distances come out in whole ticks, rounded up, and are never negative. Which orders slip, and
//! in which direction, is decided by [`matching`](super::matching).

use model::{Price, Quantity, Volume};

/// How far market, stop and marketable orders slip.
#[derive(Clone, PartialEq, Debug)]
pub enum Slippage {
    /// A fixed number of ticks; 1 is the default, 0 in the comparison conventions.
    Ticks(u32),
    /// Half a spread and optionally an impact.
    Model(SlippageModel),
}

/// One row of the spread table; the first row that fits is used.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SpreadRow {
    /// Least mean daily volume in shares; a symbol of unknown volume fits rows with 0 only.
    pub min_adv: f64,
    /// Least price.
    pub min_price: Price,
    /// Full spread in hundredths of a percent of the price.
    pub spread_bps: u32,
}

/// How our own size moves the price.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Impact {
    /// It does not. The default.
    #[default]
    None,
    /// price * 0.1 * (quantity / volume of the bar)^2.
    VolumeShare,
    /// price * y * daily sigma * sqrt(quantity / mean daily volume).
    SquareRoot {
        /// The factor Y; 1 is usual.
        y: f64,
    },
}

/// The table model: max(1 tick, half spread) + impact, doubled for stop entries in the first five
/// minutes, rounded up to a tick (TF11).
#[derive(Clone, PartialEq, Debug)]
pub struct SlippageModel {
    /// Spreads by daily volume and price.
    pub spreads: Vec<SpreadRow>,
    /// Impact of our size.
    pub impact: Impact,
    /// Doubles stop entries in the first five minutes of the session.
    pub double_early_stops: bool,
}

impl Default for SlippageModel {
    /// 5 bps from 5 million shares a day, 15 from 1 million, 40 below; no impact (TF11).
    fn default() -> Self {
        let row = |min_adv, spread_bps| SpreadRow { min_adv, min_price: Price::ZERO, spread_bps };
        Self {
            spreads: vec![row(5_000_000.0, 5), row(1_000_000.0, 15), row(0.0, 40)],
            impact: Impact::None,
            double_early_stops: true,
        }
    }
}

/// What the model looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlippageContext {
    /// Price before slippage.
    pub(crate) price: Price,
    /// The symbol's tick at that price.
    pub(crate) tick: Price,
    /// Shares to be filled.
    pub(crate) quantity: Quantity,
    /// Volume of the bar.
    pub(crate) volume: Volume,
    /// Mean daily volume, if known.
    pub(crate) adv20: Option<f64>,
    /// Standard deviation of daily returns as a fraction, if known.
    pub(crate) sigma_daily: Option<f64>,
    /// True for a stop entry in the first five minutes.
    pub(crate) early_stop_entry: bool,
}

impl Slippage {
    /// Returns the distance from the price before slippage, a whole number of ticks.
    pub(crate) fn distance(&self, context: &SlippageContext) -> Price {
        match self {
            Self::Ticks(ticks) => Price::ZERO.offset(context.tick, i64::from(*ticks)),
            Self::Model(model) => model.distance(context),
        }
    }
}

impl SlippageModel {
    fn distance(&self, context: &SlippageContext) -> Price {
        let adv = context.adv20.unwrap_or(0.0);
        let fits = |row: &&SpreadRow| adv >= row.min_adv && context.price >= row.min_price;
        let spread_bps = self.spreads.iter().find(fits).map_or(0, |row| row.spread_bps);
        let half_spread = scale_up(context.price, i128::from(spread_bps), 20_000);
        let spread = if half_spread > context.tick { half_spread } else { context.tick };
        let distance = spread.plus(self.impact(context));
        let doubled = self.double_early_stops && context.early_stop_entry;
        let distance = if doubled { distance.plus(distance) } else { distance };
        distance.round_to(context.tick, model::Rounding::Up)
    }

    fn impact(&self, context: &SlippageContext) -> Price {
        let shares = i128::from(context.quantity.shares());
        match self.impact {
            Impact::None => Price::ZERO,
            Impact::VolumeShare => {
                let volume = i128::from(context.volume.0);
                if volume == 0 {
                    return Price::ZERO;
                }
                // In parts per 1e9 of the price, so that no product leaves 128 bits.
                let share = (shares * 1_000_000 / volume).min(1_000_000);
                scale_up(context.price, share * share, 10_000_000_000_000)
            }
            Impact::SquareRoot { y } => {
                let (Some(adv), Some(sigma)) = (context.adv20, context.sigma_daily) else {
                    return Price::ZERO;
                };
                if adv <= 0.0 {
                    return Price::ZERO;
                }
                let fraction = y * sigma * (context.quantity.shares() as f64 / adv).sqrt();
                Price::from_f64(context.price.to_f64() * fraction).unwrap_or(Price::ZERO)
            }
        }
    }
}

/// Returns `price * numerator / denominator`, rounded up to 1e-9.
fn scale_up(price: Price, numerator: i128, denominator: i128) -> Price {
    let product = i128::from(price.raw()) * numerator;
    let up = product.div_euclid(denominator) + i128::from(product.rem_euclid(denominator) > 0);
    Price::from_raw(i64::try_from(up).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn context(at: &str, shares: i64, adv20: Option<f64>) -> SlippageContext {
        SlippageContext {
            price: price(at),
            tick: price("0.01"),
            quantity: Quantity::from_shares(shares).unwrap(),
            volume: Volume(10_000),
            adv20,
            sigma_daily: Some(0.02),
            early_stop_entry: false,
        }
    }

    /// TF11: fixed ticks, the spread table with its ADV rows, the tick floor, rounding up.
    #[test]
    fn spread_table() {
        assert_eq!(Slippage::Ticks(2).distance(&context("10", 1, None)), price("0.02"));
        let table = Slippage::Model(SlippageModel::default());
        assert_eq!(table.distance(&context("10", 1, Some(6e6))), price("0.01"));
        assert_eq!(table.distance(&context("100", 1, Some(6e6))), price("0.03")); // 0.025 up
        assert_eq!(table.distance(&context("100", 1, Some(2e6))), price("0.08")); // 0.075 up
        assert_eq!(table.distance(&context("100", 1, Some(2e5))), price("0.20"));
        assert_eq!(table.distance(&context("100", 1, None)), price("0.20"));
    }

    /// TF11: doubling comes before rounding; both impact forms.
    #[test]
    fn doubling_and_impact() {
        let table = Slippage::Model(SlippageModel::default());
        let early = SlippageContext { early_stop_entry: true, ..context("100", 1, Some(6e6)) };
        assert_eq!(table.distance(&early), price("0.05"));
        let share = SlippageModel { impact: Impact::VolumeShare, ..SlippageModel::default() };
        // 100 * 0.1 * (1000 / 10000)^2 = 0.10, and 0.025 of spread.
        let distance = Slippage::Model(share).distance(&context("100", 1000, Some(6e6)));
        assert_eq!(distance, price("0.13"));
        let root = SlippageModel { impact: Impact::SquareRoot { y: 1.0 }, ..Default::default() };
        // 100 * 0.02 * sqrt(60000 / 6e6) = 0.20, and 0.025 of spread.
        let distance = Slippage::Model(root).distance(&context("100", 60_000, Some(6e6)));
        assert_eq!(distance, price("0.23"));
    }
}
