//! Exposure, turnover, cost drag and capacity (TP13).

use model::exchange::new_york_date;
use model::{Cash, Date, TradeFill};
use serde::{Deserialize, Serialize};

use super::YEAR;
use crate::stats::{self, finite, ratio};

/// Figures that only the run itself can measure, minute by minute.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ExposureFigures {
    /// Minutes of regular trading.
    pub rth_minutes: u64,
    /// Those of them with a position.
    pub minutes_in_market: u64,
    /// Mean gross exposure over equity of all regular minutes.
    pub average_gross: f64,
    /// Largest gross exposure over equity.
    pub max_gross: f64,
    /// Mean net exposure over equity, signed.
    pub average_net: f64,
    /// Net exposure over equity at its largest distance from 0, signed.
    pub max_net: f64,
    /// Largest share of a bar's volume that one fill took.
    pub max_participation: Option<f64>,
    /// Share of a bar's volume that fills may take (TF10); 0 where the run has no such bound.
    pub participation_limit: f64,
}

/// Exposure metrics; ratios are fractions of equity.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ExposureMetrics {
    /// Share of regular minutes with a position.
    pub time_in_market: Option<f64>,
    /// Mean gross exposure.
    pub average_gross_exposure: Option<f64>,
    /// Largest gross exposure.
    pub max_gross_exposure: Option<f64>,
    /// Mean net exposure, signed.
    pub average_net_exposure: Option<f64>,
    /// Net exposure at its largest distance from 0, signed.
    pub max_net_exposure: Option<f64>,
    /// Equity traded per year: half the value of all fills over the equity before.
    pub turnover_annual: Option<f64>,
    /// Fees and slippage per year over average equity.
    pub cost_drag_annual: Option<f64>,
    /// Largest share of a bar's volume that one fill took.
    pub max_participation: Option<f64>,
    /// Equity at which that fill would reach the participation limit (TF10), all else equal.
    pub capacity_usd: Option<Cash>,
}

/// What the metrics are computed from.
#[derive(Clone, Copy, Debug)]
pub struct ExposureInput<'a> {
    /// Equity at the session closes, E0 first.
    pub equity: &'a [(Date, Cash)],
    /// All fills.
    pub fills: &'a [TradeFill],
    /// All fees.
    pub fees: Cash,
    /// What slippage cost, where it is known.
    pub slippage: Cash,
    /// The run's own figures.
    pub figures: Option<ExposureFigures>,
}

impl ExposureMetrics {
    /// Computes the metrics.
    pub fn of(input: ExposureInput<'_>) -> Self {
        let figures = input.figures;
        let days: Vec<f64> = input.equity.iter().skip(1).map(|(_, e)| e.to_f64()).collect();
        let years = days.len() as f64 / YEAR;
        let average = stats::mean(&days).filter(|equity| *equity > 0.0);
        let costs = input.fees.plus(input.slippage).to_f64();
        Self {
            time_in_market: figures
                .and_then(|f| ratio(f.minutes_in_market as f64, f.rth_minutes as f64)),
            average_gross_exposure: figures.and_then(|f| finite(f.average_gross)),
            max_gross_exposure: figures.and_then(|f| finite(f.max_gross)),
            average_net_exposure: figures.and_then(|f| finite(f.average_net)),
            max_net_exposure: figures.and_then(|f| finite(f.max_net)),
            turnover_annual: turnover(input.equity, input.fills).and_then(|sum| ratio(sum, years)),
            cost_drag_annual: average.and_then(|equity| ratio(costs, years * equity)),
            max_participation: figures.and_then(|f| f.max_participation).and_then(finite),
            capacity_usd: figures.zip(average).and_then(|(f, equity)| capacity(&f, equity)),
        }
    }
}

fn capacity(figures: &ExposureFigures, equity: f64) -> Option<Cash> {
    if figures.participation_limit <= 0.0 {
        return None;
    }
    let multiple = ratio(figures.participation_limit, figures.max_participation?)?;
    Cash::from_f64((equity * multiple).floor())
}

/// Sum over days of half the value of the day's fills over the equity before (TP13); a fill on a
/// day without a close belongs to the next close.
fn turnover(equity: &[(Date, Cash)], fills: &[TradeFill]) -> Option<f64> {
    let mut value = vec![0.0; equity.len()];
    for fill in fills {
        let date = new_york_date(fill.time);
        let day = equity.partition_point(|(close, _)| *close < date).max(1);
        if let Some(sum) = value.get_mut(day) {
            *sum += fill.price.notional(fill.quantity)?.to_f64().abs() / 2.0;
        }
    }
    let mut total = 0.0;
    for (day, pair) in equity.windows(2).enumerate() {
        let before = pair[0].1.to_f64();
        if value[day + 1] != 0.0 {
            total += ratio(value[day + 1], before).filter(|_| before > 0.0)?;
        }
    }
    finite(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TP13: half of bought plus sold value over the equity before, per year.
    #[test]
    fn turnover_and_drag_by_hand() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let usd = |dollars| Cash::from_dollars(dollars).unwrap();
        let equity = [
            (date("2025-06-02"), usd(1000)),
            (date("2025-06-03"), usd(2000)),
            (date("2025-06-04"), usd(2000)),
        ];
        let fill = |time: &str| TradeFill {
            time: time.parse().unwrap(),
            price: "10".parse().unwrap(),
            quantity: "40".parse().unwrap(),
            ..TradeFill::default()
        };
        let fills = [
            fill("2025-06-03T14:00:00Z"),
            fill("2025-06-03T15:00:00Z"),
            fill("2025-06-04T15:00:00Z"),
        ];
        let figures = ExposureFigures {
            rth_minutes: 780,
            minutes_in_market: 195,
            max_participation: Some(0.02),
            participation_limit: 0.1,
            ..ExposureFigures::default()
        };
        let input = ExposureInput {
            equity: &equity,
            fills: &fills,
            fees: usd(10),
            slippage: usd(6),
            figures: Some(figures),
        };
        let found = ExposureMetrics::of(input);
        // (800/2)/1000 + (400/2)/2000 = 0.5 in two of 252 sessions.
        assert!((found.turnover_annual.unwrap() - 0.5 * 126.0).abs() < 1e-12);
        assert!((found.cost_drag_annual.unwrap() - 16.0 * 126.0 / 2000.0).abs() < 1e-12);
        assert_eq!(found.time_in_market, Some(0.25));
        assert_eq!(found.capacity_usd, Some(usd(10_000)));
        let nothing = ExposureInput { equity: &[], fills: &[], figures: None, ..input };
        assert_eq!(ExposureMetrics::of(nothing), ExposureMetrics::default());
    }
}
