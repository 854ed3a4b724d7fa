//! Slippage of fills against the price of the decision and the quote at arrival (TP19).

use model::{Cash, Price, Quantity, Side};
use serde::{Deserialize, Serialize};

use crate::stats::{self, ratio};

/// One fill with the prices it is judged by.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FillQuality {
    /// Side of the fill.
    pub side: Side,
    /// Its shares.
    pub quantity: Quantity,
    /// Its price.
    pub price: Price,
    /// Price at which the decision was made (close of the bar, trigger of the stop).
    pub decision_price: Option<Price>,
    /// Touch on the other side when the order arrived.
    pub arrival_price: Option<Price>,
}

/// Distribution of a slippage in basis points of the reference; positive is a cost.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SlippageStats {
    /// Fills with such a reference.
    pub fills: u64,
    /// Mean.
    pub mean_bps: Option<f64>,
    /// 5th percentile.
    pub p5_bps: Option<f64>,
    /// Median.
    pub median_bps: Option<f64>,
    /// 95th percentile.
    pub p95_bps: Option<f64>,
    /// Sum in money.
    pub total: Cash,
}

/// Slippage against both references.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ExecutionMetrics {
    /// Against the price of the decision.
    pub slippage_vs_decision: SlippageStats,
    /// Against the quote at arrival.
    pub slippage_vs_arrival: SlippageStats,
}

impl ExecutionMetrics {
    /// Measures fills.
    pub fn of(fills: &[FillQuality]) -> Self {
        Self {
            slippage_vs_decision: SlippageStats::of(fills, |fill| fill.decision_price),
            slippage_vs_arrival: SlippageStats::of(fills, |fill| fill.arrival_price),
        }
    }
}

impl SlippageStats {
    fn of(fills: &[FillQuality], reference: impl Fn(&FillQuality) -> Option<Price>) -> Self {
        let mut bps = Vec::new();
        let mut total = Cash::ZERO;
        for fill in fills {
            let Some(expected) = reference(fill) else { continue };
            let worse = if fill.side.is_buy() {
                fill.price.minus(expected)
            } else {
                expected.minus(fill.price)
            };
            let Some(relative) = ratio(worse.to_f64(), expected.to_f64()) else { continue };
            bps.push(relative * 1e4);
            total = total.plus(worse.notional(fill.quantity).unwrap_or(Cash::ZERO));
        }
        let sorted = stats::sorted(&bps);
        Self {
            fills: bps.len() as u64,
            mean_bps: stats::mean(&bps),
            p5_bps: stats::quantile(&sorted, 0.05),
            median_bps: stats::quantile(&sorted, 0.5),
            p95_bps: stats::quantile(&sorted, 0.95),
            total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TP19: paying more and receiving less are both costs; fills without reference are left out.
    #[test]
    fn costs_are_positive_on_both_sides() {
        let fill = |side, price: &str, decision: Option<&str>| FillQuality {
            side,
            quantity: "100".parse().unwrap(),
            price: price.parse().unwrap(),
            decision_price: decision.map(|text| text.parse().unwrap()),
            arrival_price: None,
        };
        let found = ExecutionMetrics::of(&[
            fill(Side::Buy, "10.01", Some("10")),
            fill(Side::SellShort, "19.96", Some("20")),
            fill(Side::Buy, "10.01", None),
        ]);
        let decision = found.slippage_vs_decision;
        assert_eq!((decision.fills, decision.total.to_string().as_str()), (2, "5.00"));
        assert!((decision.mean_bps.unwrap() - 15.0).abs() < 1e-9);
        assert_eq!(found.slippage_vs_arrival, SlippageStats::default());
    }
}
