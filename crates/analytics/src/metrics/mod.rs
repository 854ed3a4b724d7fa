//! Performance metrics (TP1-TP20), one file per family. A metric without a value is `None`.
//!
//! Everything is a pure function of the daily series, the closed trades and their fills; the same
//! code serves backtest, paper and live (TP21). Shapes for JSON live in [`report`](crate::report).
//!
//! Invariant: no metric is NaN or infinite, and equal inputs give equal bits on every machine.

mod benchmark;
mod breakdown;
mod drawdown;
mod execution;
mod exposure;
mod resampling;
mod returns;
mod series;
mod shape;
mod significance;
mod tail;
mod trades;

use std::collections::BTreeMap;

use model::Date;
use serde::{Deserialize, Serialize};

pub use benchmark::BenchmarkMetrics;
pub use breakdown::{BreakdownRow, Breakdowns, Labels, TradeContext};
pub use drawdown::{Drawdown, DrawdownMetrics, drawdown_path};
pub use execution::{ExecutionMetrics, FillQuality, SlippageStats};
pub use exposure::{ExposureFigures, ExposureInput, ExposureMetrics};
pub use resampling::{DrawdownDraws, Interval, Resampling, ResamplingMetrics};
pub use returns::{ReturnMetrics, SHORT_SAMPLE, daily_rate, sharpe_per_period};
pub use series::DailySeries;
pub use shape::{RollingPoint, ShapeMetrics, skew_and_kurtosis};
pub use significance::{SharpeSample, SignificanceMetrics, Trials, deflated_hurdle};
pub use tail::TailMetrics;
pub use trades::{FEW_TRADES, TradeMetrics, by_exit};

/// Sessions of a year (TP2).
pub const YEAR: f64 = 252.0;

/// A benchmark: its name and its return by date.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Benchmark {
    /// Name, for example its symbol.
    pub name: String,
    /// Return by session date.
    pub returns: BTreeMap<Date, f64>,
}

/// All metrics of a daily series.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SeriesMetrics {
    /// Return, volatility, Sharpe, Sortino.
    #[serde(flatten)]
    pub returns: ReturnMetrics,
    /// Drawdowns and the ratios built on them.
    #[serde(flatten)]
    pub drawdown: DrawdownMetrics,
    /// Value at risk.
    #[serde(flatten)]
    pub tail: TailMetrics,
    /// Skew, kurtosis, months, rolling figures.
    #[serde(flatten)]
    pub shape: ShapeMetrics,
    /// Comparison with a benchmark.
    #[serde(flatten)]
    pub benchmark: BenchmarkMetrics,
    /// Probabilistic and deflated Sharpe ratio.
    #[serde(flatten)]
    pub significance: SignificanceMetrics,
}

impl SeriesMetrics {
    /// Computes all metrics of a series.
    pub fn of(
        series: &DailySeries,
        rf_annual: f64,
        benchmark: Option<&Benchmark>,
        trials: Option<Trials>,
    ) -> Self {
        let returns = ReturnMetrics::of(series, rf_annual);
        let empty = BTreeMap::new();
        let market = benchmark.map_or(&empty, |benchmark| &benchmark.returns);
        Self {
            drawdown: DrawdownMetrics::of(series, &returns),
            tail: TailMetrics::of(series.returns()),
            shape: ShapeMetrics::of(series, rf_annual, market),
            benchmark: benchmark.map_or_else(BenchmarkMetrics::default, |benchmark| {
                BenchmarkMetrics::of(series, rf_annual, &benchmark.name, &benchmark.returns)
            }),
            significance: SignificanceMetrics::of(series.returns(), rf_annual, trials),
            returns,
        }
    }
}
