//! The shape of the return distribution and its path through the calendar (TP10).

use std::collections::BTreeMap;

use model::Date;
use serde::{Deserialize, Serialize};

use super::benchmark::beta;
use super::returns::{daily_rate, sharpe_per_period};
use super::{DailySeries, YEAR};
use crate::stats::{self, finite, ratio};

/// Sessions of the rolling window: six months.
const HALF_YEAR: usize = 126;
/// A variance below this makes shape meaningless: the series is constant (TP4).
const CONSTANT_VARIANCE: f64 = 1e-24;

/// Figures of the last six months up to a day.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RollingPoint {
    /// Last day of the window.
    pub date: Date,
    /// Sharpe ratio per year.
    pub sharpe: Option<f64>,
    /// Volatility per year.
    pub volatility: Option<f64>,
    /// Beta against the benchmark; `null` without one for all days of the window.
    pub beta: Option<f64>,
}

/// Shape metrics; ratios are fractions.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ShapeMetrics {
    /// Population skew g3, as TP11 uses it.
    pub skew_population: Option<f64>,
    /// Population kurtosis g4, 3 for a normal distribution, as TP11 uses it.
    pub kurtosis_population_nonexcess: Option<f64>,
    /// Bias-corrected skew.
    pub skew_sample: Option<f64>,
    /// Bias-corrected excess kurtosis.
    pub excess_kurtosis_sample: Option<f64>,
    /// Sum of gains over sum of losses.
    pub omega_0: Option<f64>,
    /// |95th percentile| over |5th percentile|.
    pub tail_ratio: Option<f64>,
    /// Sum of daily returns over the sum of losses.
    pub gain_to_pain_daily: Option<f64>,
    /// The same of monthly returns.
    pub gain_to_pain_monthly: Option<f64>,
    /// Best daily return.
    pub best_day: Option<f64>,
    /// Worst daily return.
    pub worst_day: Option<f64>,
    /// Best weekly return (Monday to Sunday).
    pub best_week: Option<f64>,
    /// Worst weekly return.
    pub worst_week: Option<f64>,
    /// Best monthly return.
    pub best_month: Option<f64>,
    /// Worst monthly return.
    pub worst_month: Option<f64>,
    /// Share of days above 0.
    pub positive_days: Option<f64>,
    /// Share of days at exactly 0.
    pub zero_days: Option<f64>,
    /// Share of months above 0.
    pub positive_months: Option<f64>,
    /// Compounded return by calendar month, `YYYY-MM`.
    pub monthly_returns: BTreeMap<String, f64>,
    /// Figures of each window of 126 sessions.
    pub rolling: Vec<RollingPoint>,
}

/// Population skew and non-excess kurtosis; `None` for a constant series.
pub fn skew_and_kurtosis(x: &[f64]) -> Option<(f64, f64)> {
    let variance = stats::central_moment(x, 2)?;
    if variance < CONSTANT_VARIANCE {
        return None;
    }
    let skew = stats::central_moment(x, 3)? / (variance * variance.sqrt());
    let kurtosis = stats::central_moment(x, 4)? / (variance * variance);
    finite(skew).zip(finite(kurtosis))
}

impl ShapeMetrics {
    /// Computes the metrics; `benchmark` holds the benchmark's return by date.
    pub fn of(series: &DailySeries, rf_annual: f64, benchmark: &BTreeMap<Date, f64>) -> Self {
        let returns = series.returns();
        let n = returns.len() as f64;
        let sorted = stats::sorted(returns);
        let moments = skew_and_kurtosis(returns);
        let weeks =
            compounded(series, |date| date.plus_days(-i32::from(date.weekday())).to_string());
        let months = compounded(series, month);
        let (week, monthly): (Vec<f64>, Vec<f64>) =
            (weeks.into_values().collect(), months.values().copied().collect());
        let days_where = |test: fn(f64) -> bool| share(returns, test);
        let gains: f64 = returns.iter().map(|r| r.max(0.0)).sum();
        Self {
            skew_population: moments.map(|(skew, _)| skew),
            kurtosis_population_nonexcess: moments.map(|(_, kurtosis)| kurtosis),
            skew_sample: moments
                .filter(|_| n >= 3.0)
                .map(|(skew, _)| skew * (n * (n - 1.0)).sqrt() / (n - 2.0)),
            excess_kurtosis_sample: moments.filter(|_| n >= 4.0).map(|(_, kurtosis)| {
                ((n + 1.0) * (kurtosis - 3.0) + 6.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0))
            }),
            omega_0: ratio(gains, losses(returns)),
            tail_ratio: stats::quantile(&sorted, 0.95)
                .zip(stats::quantile(&sorted, 0.05))
                .and_then(|(high, low)| ratio(high.abs(), low.abs())),
            gain_to_pain_daily: ratio(returns.iter().sum(), losses(returns)),
            gain_to_pain_monthly: ratio(monthly.iter().sum(), losses(&monthly)),
            best_day: best(returns),
            worst_day: worst(returns),
            best_week: best(&week),
            worst_week: worst(&week),
            best_month: best(&monthly),
            worst_month: worst(&monthly),
            positive_days: days_where(|r| r > 0.0),
            zero_days: days_where(|r| r == 0.0),
            positive_months: share(&monthly, |r| r > 0.0),
            monthly_returns: months,
            rolling: rolling(series, rf_annual, benchmark),
        }
    }
}

fn month(date: Date) -> String {
    let (year, month, _) = date.ymd();
    format!("{year:04}-{month:02}")
}

/// Compounds the daily returns of each period that `key` names.
fn compounded(series: &DailySeries, key: impl Fn(Date) -> String) -> BTreeMap<String, f64> {
    let mut growth: BTreeMap<String, f64> = BTreeMap::new();
    for (date, daily) in series.dated_returns() {
        *growth.entry(key(date)).or_insert(1.0) *= 1.0 + daily;
    }
    growth.into_iter().map(|(key, factor)| (key, factor - 1.0)).collect()
}

fn losses(x: &[f64]) -> f64 {
    x.iter().map(|r| -r.min(0.0)).sum()
}

fn best(x: &[f64]) -> Option<f64> {
    x.iter().copied().max_by(f64::total_cmp)
}

fn worst(x: &[f64]) -> Option<f64> {
    x.iter().copied().min_by(f64::total_cmp)
}

fn share(x: &[f64], test: fn(f64) -> bool) -> Option<f64> {
    ratio(x.iter().filter(|r| test(**r)).count() as f64, x.len() as f64)
}

fn rolling(
    series: &DailySeries,
    rf_annual: f64,
    benchmark: &BTreeMap<Date, f64>,
) -> Vec<RollingPoint> {
    let rf = daily_rate(rf_annual);
    let days: Vec<(Date, f64)> = series.dated_returns().collect();
    days.windows(HALF_YEAR)
        .map(|window| {
            let excess: Vec<f64> = window.iter().map(|(_, r)| r - rf).collect();
            let market: Option<Vec<f64>> =
                window.iter().map(|(date, _)| benchmark.get(date).map(|b| b - rf)).collect();
            RollingPoint {
                date: window[HALF_YEAR - 1].0,
                sharpe: sharpe_per_period(&excess).map(|daily| daily * YEAR.sqrt()),
                volatility: stats::stdev(&excess).map(|daily| daily * YEAR.sqrt()),
                beta: market.and_then(|market| beta(&excess, &market)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TP10: weeks run from Monday, months are calendar months.
    #[test]
    fn calendar_periods_compound() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let days =
            [(date("2025-01-30"), 0.1), (date("2025-01-31"), 0.1), (date("2025-02-03"), -0.2)];
        let series = DailySeries::from_returns(date("2025-01-29"), &days).unwrap();
        let shape = ShapeMetrics::of(&series, 0.0, &BTreeMap::new());
        assert!((shape.best_week.unwrap() - 0.21).abs() < 1e-15);
        assert!((shape.worst_month.unwrap() + 0.2).abs() < 1e-15);
        assert_eq!(shape.positive_months, Some(0.5));
        assert_eq!(shape.monthly_returns.keys().collect::<Vec<_>>(), ["2025-01", "2025-02"]);
        assert!(shape.rolling.is_empty());
    }

    /// TP10: constant returns have no shape; gains alone have no omega.
    #[test]
    fn constant_returns_have_no_shape() {
        let days: Vec<_> = (1..10).map(|day| (Date::from_days(day), 0.01)).collect();
        let series = DailySeries::from_returns(Date::from_days(0), &days).unwrap();
        let shape = ShapeMetrics::of(&series, 0.0, &BTreeMap::new());
        assert_eq!((shape.skew_sample, shape.omega_0), (None, None));
        assert_eq!((shape.gain_to_pain_daily, shape.positive_days), (None, Some(1.0)));
    }
}
