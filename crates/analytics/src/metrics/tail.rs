//! Value at risk and expected shortfall (TP8, TP23).

use serde::{Deserialize, Serialize};

use crate::stats;

/// Losses of the worst days, as positive fractions of equity per day.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct TailMetrics {
    /// Historical value at risk, 95% (TP8).
    pub var_hist_95: Option<f64>,
    /// Historical value at risk, 99%.
    pub var_hist_99: Option<f64>,
    /// Historical expected shortfall, 95%: mean of the returns at or below the quantile.
    pub cvar_hist_95: Option<f64>,
    /// Historical expected shortfall, 99%.
    pub cvar_hist_99: Option<f64>,
    /// Gaussian value at risk, 95%: labelled, because it is no measurement of the tail (TP23).
    pub var_gauss_95: Option<f64>,
}

impl TailMetrics {
    /// Computes the metrics of daily returns.
    pub fn of(returns: &[f64]) -> Self {
        let sorted = stats::sorted(returns);
        let quantile = |p: f64| stats::quantile(&sorted, p);
        let shortfall = |p: f64| {
            let bound = quantile(p)?;
            let worst: Vec<f64> = returns.iter().copied().filter(|r| *r <= bound).collect();
            stats::mean(&worst).map(|mean| -mean)
        };
        Self {
            var_hist_95: quantile(0.05).map(|loss| -loss),
            var_hist_99: quantile(0.01).map(|loss| -loss),
            cvar_hist_95: shortfall(0.05),
            cvar_hist_99: shortfall(0.01),
            var_gauss_95: gaussian_var(returns, 0.05),
        }
    }
}

fn gaussian_var(returns: &[f64], p: f64) -> Option<f64> {
    let z = crate::normal::quantile(p)?;
    Some(-(stats::mean(returns)? + z * stats::stdev(returns)?))
}
