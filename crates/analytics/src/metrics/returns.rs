//! Return, volatility, Sharpe and Sortino (TP2-TP5).

use serde::{Deserialize, Serialize};

use super::{DailySeries, YEAR};
use crate::math;
use crate::stats::{self, CONSTANT, finite, ratio};

/// Days of a mean calendar year (TP2).
const CALENDAR_YEAR: f64 = 365.25;
/// Fewer daily returns than this make annualised figures a "short sample" (TP2).
pub const SHORT_SAMPLE: usize = 63;

/// Return and risk of the daily series; ratios are fractions, `null` is no value.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ReturnMetrics {
    /// T, the number of daily returns.
    #[serde(rename = "T")]
    pub periods: u64,
    /// True when annualised figures rest on fewer than 63 returns (TP2).
    pub short_sample: bool,
    /// The annual risk-free rate in use (TP3).
    pub rf_annual: f64,
    /// Its equivalent per day.
    pub rf_daily: f64,
    /// Growth over the whole sample (TP2).
    pub total_return: Option<f64>,
    /// Growth per 252 sessions (TP2).
    pub annual_return: Option<f64>,
    /// Growth per 365.25 calendar days (TP2).
    pub cagr_calendar: Option<f64>,
    /// Days from the session before the first return to the last one.
    pub calendar_days: Option<u64>,
    /// Standard deviation per year (TP3).
    pub annual_volatility: Option<f64>,
    /// Sharpe ratio per year (TP4).
    pub sharpe: Option<f64>,
    /// Sharpe ratio per day, as TP11 uses it.
    pub sharpe_daily: Option<f64>,
    /// Sortino ratio per year (TP5).
    pub sortino: Option<f64>,
    /// Downside deviation per year, over all days (TP5).
    pub downside_deviation_annual: Option<f64>,
}

/// Returns the rate per session that compounds to `rf_annual` in a year (TP3).
pub fn daily_rate(rf_annual: f64) -> f64 {
    math::compound(rf_annual, 1.0 / YEAR).unwrap_or(0.0)
}

/// Returns the Sharpe ratio per period of excess returns; `None` when they do not vary (TP4).
pub fn sharpe_per_period(excess: &[f64]) -> Option<f64> {
    let spread = stats::stdev(excess)?;
    if spread < CONSTANT { None } else { finite(stats::mean(excess)? / spread) }
}

impl ReturnMetrics {
    /// Computes the metrics with a risk-free rate per year.
    pub fn of(series: &DailySeries, rf_annual: f64) -> Self {
        let rf_daily = daily_rate(rf_annual);
        let returns = series.returns();
        let periods = returns.len();
        let excess: Vec<f64> = returns.iter().map(|r| r - rf_daily).collect();
        let total_return = series.total_return();
        let calendar_days = calendar_days(series);
        let annualised = |days_per_year: f64, days: f64| {
            total_return.and_then(|total| math::compound(total, days_per_year / days))
        };
        let sharpe_daily = sharpe_per_period(&excess);
        let downside = downside_deviation(&excess);
        Self {
            periods: periods as u64,
            short_sample: periods < SHORT_SAMPLE,
            rf_annual,
            rf_daily,
            total_return,
            annual_return: annualised(YEAR, periods as f64),
            cagr_calendar: calendar_days.and_then(|days| annualised(CALENDAR_YEAR, days as f64)),
            calendar_days,
            annual_volatility: stats::stdev(returns).map(|daily| daily * YEAR.sqrt()),
            sharpe: sharpe_daily.map(|daily| daily * YEAR.sqrt()),
            sharpe_daily,
            sortino: stats::mean(&excess)
                .zip(downside)
                .and_then(|(mean, deviation)| ratio(mean * YEAR.sqrt(), deviation)),
            downside_deviation_annual: downside.map(|daily| daily * YEAR.sqrt()),
        }
    }
}

fn calendar_days(series: &DailySeries) -> Option<u64> {
    let (first, last) = (series.dates().first()?, series.dates().last()?);
    u64::try_from(last.days() - first.days()).ok().filter(|days| *days > 0)
}

/// Root mean square of the negative excess returns over ALL days (TP5, TP28).
fn downside_deviation(excess: &[f64]) -> Option<f64> {
    let squares: Vec<f64> = excess.iter().map(|r| r.min(0.0) * r.min(0.0)).collect();
    stats::mean(&squares).map(f64::sqrt).filter(|deviation| *deviation >= CONSTANT)
}
