//! Comparison with a benchmark over the days both have (TP9, TP25).

use std::collections::BTreeMap;

use model::Date;
use serde::{Deserialize, Serialize};

use super::returns::daily_rate;
use super::{DailySeries, YEAR};
use crate::math;
use crate::stats::{self, CONSTANT, ratio};

/// Metrics against a benchmark; all `null` without one.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct BenchmarkMetrics {
    /// Name of the benchmark.
    pub benchmark: Option<String>,
    /// Days on which both have a return.
    pub benchmark_days: u64,
    /// Covariance over the benchmark's variance, of excess returns.
    pub beta: Option<f64>,
    /// Arithmetic alpha: 252 * (mean excess - beta * mean excess of the benchmark).
    pub alpha_annual_arithmetic: Option<f64>,
    /// The same daily alpha compounded, for comparison with other tools (TP25).
    pub alpha_annual_compound: Option<f64>,
    /// Correlation.
    pub correlation: Option<f64>,
    /// Its square.
    pub r_squared: Option<f64>,
    /// Standard deviation of the difference per year.
    pub tracking_error: Option<f64>,
    /// Mean difference over its standard deviation, per year.
    pub information_ratio: Option<f64>,
    /// Mean excess return per year over beta.
    pub treynor: Option<f64>,
    /// Mean return over the benchmark's on the benchmark's days above 0.
    pub up_capture_arith: Option<f64>,
    /// The same on its days below 0.
    pub down_capture_arith: Option<f64>,
}

/// Returns covariance over the benchmark's variance; `None` when the benchmark does not vary.
pub(super) fn beta(excess: &[f64], market: &[f64]) -> Option<f64> {
    let variance = stats::variance(market)?;
    if variance < CONSTANT * CONSTANT {
        return None;
    }
    stats::covariance(excess, market).and_then(|covariance| ratio(covariance, variance))
}

impl BenchmarkMetrics {
    /// Computes the metrics; `benchmark` holds its return by date.
    pub fn of(
        series: &DailySeries,
        rf_annual: f64,
        name: &str,
        benchmark: &BTreeMap<Date, f64>,
    ) -> Self {
        let rf = daily_rate(rf_annual);
        let joined: Vec<(f64, f64)> = series
            .dated_returns()
            .filter_map(|(date, r)| benchmark.get(&date).map(|b| (r, *b)))
            .collect();
        let excess: Vec<f64> = joined.iter().map(|(r, _)| r - rf).collect();
        let market: Vec<f64> = joined.iter().map(|(_, b)| b - rf).collect();
        let difference: Vec<f64> = joined.iter().map(|(r, b)| r - b).collect();
        let beta = beta(&excess, &market);
        let mean_excess = stats::mean(&excess);
        let alpha = (|| Some(mean_excess? - beta? * stats::mean(&market)?))();
        let correlation = correlation(&excess, &market);
        let spread = stats::stdev(&difference).filter(|spread| *spread >= CONSTANT);
        Self {
            benchmark: Some(name.to_owned()),
            benchmark_days: joined.len() as u64,
            beta,
            alpha_annual_arithmetic: alpha.map(|daily| daily * YEAR),
            alpha_annual_compound: alpha.and_then(|daily| math::compound(daily, YEAR)),
            correlation,
            r_squared: correlation.map(|c| c * c),
            tracking_error: stats::stdev(&difference).map(|daily| daily * YEAR.sqrt()),
            information_ratio: spread
                .zip(stats::mean(&difference))
                .and_then(|(spread, mean)| ratio(mean, spread).map(|daily| daily * YEAR.sqrt())),
            treynor: mean_excess.zip(beta).and_then(|(mean, beta)| ratio(mean * YEAR, beta)),
            up_capture_arith: capture(&joined, |b| b > 0.0),
            down_capture_arith: capture(&joined, |b| b < 0.0),
        }
    }
}

fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let (sx, sy) = (stats::stdev(x)?, stats::stdev(y)?);
    if sx < CONSTANT || sy < CONSTANT {
        return None;
    }
    stats::covariance(x, y).and_then(|covariance| ratio(covariance, sx * sy))
}

fn capture(joined: &[(f64, f64)], side: fn(f64) -> bool) -> Option<f64> {
    let (own, market): (Vec<f64>, Vec<f64>) =
        joined.iter().copied().filter(|(_, b)| side(*b)).unzip();
    ratio(stats::mean(&own)?, stats::mean(&market)?)
}
