//! Probabilistic and deflated Sharpe ratio, minimum track record (TP11, TP12).

use serde::{Deserialize, Serialize};

use super::returns::{daily_rate, sharpe_per_period};
use super::shape::skew_and_kurtosis;
use crate::normal;
use crate::stats::{self, finite};

/// Euler's constant, c of TP12.
const EULER: f64 = 0.577_215_664_901_532_9;

/// A Sharpe ratio per day with what its uncertainty depends on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SharpeSample {
    /// Sharpe ratio per day.
    pub sharpe: f64,
    /// T, the number of daily returns.
    pub periods: f64,
    /// Population skew g3.
    pub skew: f64,
    /// Population kurtosis g4, not excess.
    pub kurtosis: f64,
}

/// What an optimiser recorded about its trials (TP12).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Trials {
    /// N, the recorded number of trials.
    pub count: u64,
    /// V, the variance of the trials' daily Sharpe ratios.
    pub sharpe_variance_daily: f64,
}

impl Trials {
    /// Records the trials of an optimiser by their daily Sharpe ratios. All count, also those
    /// without a ratio, which only the variance leaves out; `None` below two ratios.
    pub fn record(daily_sharpes: &[Option<f64>]) -> Option<Self> {
        let known: Vec<f64> = daily_sharpes.iter().flatten().copied().collect();
        let sharpe_variance_daily = stats::variance(&known)?;
        Some(Self { count: daily_sharpes.len() as u64, sharpe_variance_daily })
    }
}

impl SharpeSample {
    /// Measures daily excess returns; `None` when they do not vary.
    pub fn of(excess: &[f64]) -> Option<Self> {
        let (skew, kurtosis) = skew_and_kurtosis(excess)?;
        let sharpe = sharpe_per_period(excess)?;
        Some(Self { sharpe, periods: excess.len() as f64, skew, kurtosis })
    }

    /// Variance of the estimated ratio times (T-1); `None` when the moments make it negative.
    fn spread(&self) -> Option<f64> {
        let sr = self.sharpe;
        let value = 1.0 - self.skew * sr + (self.kurtosis - 1.0) / 4.0 * sr * sr;
        finite(value).filter(|value| *value > 0.0)
    }

    /// Returns the probability that the true ratio exceeds `target` per day (TP11).
    pub fn probability_above(&self, target: f64) -> Option<f64> {
        let z = (self.sharpe - target) * (self.periods - 1.0).sqrt() / self.spread()?.sqrt();
        finite(normal::cdf(z))
    }

    /// Returns the sessions needed to show, at 95% one-sided, a ratio above `target`; `None` when
    /// the ratio is not above it (TP11).
    pub fn min_track_record_95(&self, target: f64) -> Option<f64> {
        if self.sharpe <= target {
            return None;
        }
        let z = normal::quantile(0.95)? / (self.sharpe - target);
        finite(1.0 + self.spread()? * z * z)
    }

    /// Returns the deflated Sharpe ratio with the hurdle SR0 it was measured against (TP12).
    pub fn deflated(&self, trials: Trials) -> Option<(f64, f64)> {
        let hurdle = deflated_hurdle(trials)?;
        Some((self.probability_above(hurdle)?, hurdle))
    }
}

/// Returns SR0, the daily Sharpe ratio that the best of N worthless trials is expected to show;
/// `None` below two trials (TP12).
pub fn deflated_hurdle(trials: Trials) -> Option<f64> {
    if trials.count < 2 || trials.sharpe_variance_daily.is_nan() {
        return None;
    }
    let n = trials.count as f64;
    let first = normal::quantile(1.0 - 1.0 / n)?;
    let second = normal::quantile(1.0 - 1.0 / (n * std::f64::consts::E))?;
    finite(trials.sharpe_variance_daily.sqrt() * ((1.0 - EULER) * first + EULER * second))
}

/// How sure the Sharpe ratio is.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SignificanceMetrics {
    /// Probability that the true Sharpe ratio is above 0 (TP11).
    pub psr_0: Option<f64>,
    /// Sessions needed for 95% confidence (TP11).
    pub min_track_record_length_95: Option<f64>,
    /// N of the optimiser that found these parameters; `null` when there was none.
    pub dsr_trials: Option<u64>,
    /// V of its trials.
    pub dsr_trial_sr_variance_daily: Option<f64>,
    /// SR0 per day (TP12).
    pub dsr_sr0_daily: Option<f64>,
    /// Deflated Sharpe ratio, a probability (TP12).
    pub dsr: Option<f64>,
}

impl SignificanceMetrics {
    /// Computes the metrics of daily returns.
    pub fn of(returns: &[f64], rf_annual: f64, trials: Option<Trials>) -> Self {
        let rf = daily_rate(rf_annual);
        let excess: Vec<f64> = returns.iter().map(|r| r - rf).collect();
        let sample = SharpeSample::of(&excess);
        let deflated = sample.zip(trials).and_then(|(sample, trials)| sample.deflated(trials));
        Self {
            psr_0: sample.and_then(|sample| sample.probability_above(0.0)),
            min_track_record_length_95: sample.and_then(|s| s.min_track_record_95(0.0)),
            dsr_trials: trials.map(|trials| trials.count),
            dsr_trial_sr_variance_daily: trials.map(|trials| trials.sharpe_variance_daily),
            dsr_sr0_daily: trials.and_then(deflated_hurdle),
            dsr: deflated.map(|(probability, _)| probability),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TP12, the published check: 2.5 a year over five years of 250 days, best of 100 trials.
    #[test]
    fn published_example_of_the_deflated_sharpe() {
        let year = 250.0_f64;
        let sample =
            SharpeSample { sharpe: 2.5 / year.sqrt(), periods: 1250.0, skew: -3.0, kurtosis: 10.0 };
        let trials = Trials { count: 100, sharpe_variance_daily: 0.5 / year };
        let (dsr, hurdle) = sample.deflated(trials).unwrap();
        assert_eq!(format!("{hurdle:.4} {dsr:.4}"), "0.1132 0.9004");
    }

    /// TP12: N is the recorded count, also of trials without a ratio.
    #[test]
    fn every_trial_counts() {
        let trials = Trials::record(&[Some(0.1), None, Some(0.3)]).unwrap();
        assert_eq!(trials.count, 3);
        assert!((trials.sharpe_variance_daily - 0.02).abs() < 1e-15);
        assert_eq!(Trials::record(&[Some(0.1), None]), None);
    }

    /// TP11, TP12: what cannot be known is none.
    #[test]
    fn no_value_where_none_exists() {
        let sample = SharpeSample { sharpe: -0.1, periods: 100.0, skew: 0.0, kurtosis: 3.0 };
        assert_eq!(sample.min_track_record_95(0.0), None);
        let skewed = SharpeSample { sharpe: 1.0, periods: 100.0, skew: 9.0, kurtosis: 3.0 };
        assert_eq!(skewed.probability_above(0.0), None);
        assert_eq!(deflated_hurdle(Trials { count: 1, sharpe_variance_daily: 1.0 }), None);
        assert_eq!(SharpeSample::of(&[0.01; 50]), None);
    }
}
