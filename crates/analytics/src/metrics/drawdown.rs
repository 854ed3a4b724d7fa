//! Drawdowns and the ratios built on them (TP6, TP7, TP27).

use model::Date;
use serde::{Deserialize, Serialize};

use super::{DailySeries, ReturnMetrics};
use crate::stats::{self, ratio};

/// Rows of the drawdown table (TP6).
const TABLE_ROWS: usize = 5;

/// One fall below a peak, from the last day at the peak to the recovery.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Drawdown {
    /// Deepest point as a negative fraction of the peak.
    pub depth: f64,
    /// Last day at the peak value; index 0 is E0.
    pub peak_index: u64,
    /// First day at the deepest point.
    pub trough_index: u64,
    /// First day at or above the peak again; `null` while the drawdown is open.
    pub recovery_index: Option<u64>,
    /// Date of the peak.
    pub peak: Date,
    /// Date of the deepest point.
    pub trough: Date,
    /// Date of the recovery.
    pub recovery: Option<Date>,
    /// True when the peak was not regained by the end.
    pub open: bool,
    /// Sessions from the peak to the recovery or the end.
    pub sessions: u64,
    /// Calendar days from the peak to the recovery or the end.
    pub calendar_days: u64,
}

/// Drawdown metrics; drawdowns are negative fractions of the peak, E0 counts as a peak (TP27).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct DrawdownMetrics {
    /// The deepest drawdown; 0 when equity never fell.
    pub max_drawdown: Option<f64>,
    /// Index of its peak, 0 = E0.
    pub max_drawdown_peak_index: Option<u64>,
    /// Index of its deepest point.
    pub max_drawdown_trough_index: Option<u64>,
    /// Index of its recovery; `null` while open.
    pub max_drawdown_recovery_index: Option<u64>,
    /// Sessions of its duration.
    pub max_drawdown_sessions: Option<u64>,
    /// Calendar days of its duration.
    pub max_drawdown_calendar_days: Option<u64>,
    /// True when it was not recovered.
    pub max_drawdown_open: Option<bool>,
    /// Sessions of the longest drawdown.
    pub longest_drawdown_sessions: Option<u64>,
    /// Share of the T days below the peak.
    pub time_under_water: Option<f64>,
    /// Mean drawdown of the T days.
    pub average_drawdown: Option<f64>,
    /// Root mean square drawdown of the T days (TP7, TP24).
    pub ulcer_index: Option<f64>,
    /// Annual return over the deepest drawdown (TP7).
    pub calmar: Option<f64>,
    /// Annual return above the risk-free rate over the ulcer index (TP7).
    pub martin_ratio: Option<f64>,
    /// Total return over the deepest drawdown (TP7).
    pub recovery_factor: Option<f64>,
    /// The five deepest drawdowns, deepest first.
    pub drawdowns: Vec<Drawdown>,
}

/// Returns each level's distance from the highest level so far, as a fraction: 0 or negative.
pub fn drawdown_path(levels: &[f64]) -> Vec<f64> {
    let mut peak = f64::NEG_INFINITY;
    levels
        .iter()
        .map(|level| {
            peak = peak.max(*level);
            // The difference first: a fall of 1% is then -0.01, not -0.010000000000000009.
            if peak > 0.0 { (level - peak) / peak } else { 0.0 }
        })
        .collect()
}

impl DrawdownMetrics {
    /// Computes the metrics of a series whose returns are already known.
    pub fn of(series: &DailySeries, returns: &ReturnMetrics) -> Self {
        if series.is_empty() {
            return Self::default();
        }
        let path = drawdown_path(series.levels());
        // Averages run over the T days: E0 is a peak, not a day (TP6, TP7).
        let days = path.get(1..).unwrap_or_default();
        let squares: Vec<f64> = days.iter().map(|dd| dd * dd).collect();
        let ulcer_index = stats::mean(&squares).map(f64::sqrt);
        let under_water = days.iter().filter(|dd| **dd < 0.0).count();
        let mut episodes = episodes(series, &path);
        let longest = episodes.iter().map(|episode| episode.sessions).max();
        // The sort is stable: of equally deep drawdowns the first comes first.
        episodes.sort_by(|a, b| a.depth.total_cmp(&b.depth));
        let deepest = episodes.first().cloned();
        let depth = deepest.as_ref().map_or(0.0, |episode| episode.depth.abs());
        let over_depth = |value: Option<f64>| value.and_then(|value| ratio(value, depth));
        episodes.truncate(TABLE_ROWS);
        Self {
            max_drawdown: Some(if depth == 0.0 { 0.0 } else { -depth }),
            max_drawdown_peak_index: deepest.as_ref().map(|episode| episode.peak_index),
            max_drawdown_trough_index: deepest.as_ref().map(|episode| episode.trough_index),
            max_drawdown_recovery_index: deepest.as_ref().and_then(|e| e.recovery_index),
            max_drawdown_sessions: deepest.as_ref().map(|episode| episode.sessions),
            max_drawdown_calendar_days: deepest.as_ref().map(|episode| episode.calendar_days),
            max_drawdown_open: deepest.as_ref().map(|episode| episode.open),
            longest_drawdown_sessions: Some(longest.unwrap_or(0)),
            time_under_water: ratio(under_water as f64, days.len() as f64),
            average_drawdown: stats::mean(days),
            ulcer_index,
            calmar: over_depth(returns.annual_return),
            martin_ratio: returns
                .annual_return
                .zip(ulcer_index)
                .and_then(|(annual, ulcer)| ratio(annual - returns.rf_annual, ulcer)),
            recovery_factor: over_depth(returns.total_return),
            drawdowns: episodes,
        }
    }
}

/// Splits the path into its drawdowns, in order of time.
fn episodes(series: &DailySeries, path: &[f64]) -> Vec<Drawdown> {
    let mut found = Vec::new();
    let mut peak = 0;
    let mut trough: Option<usize> = None;
    for (day, depth) in path.iter().enumerate() {
        if *depth < 0.0 {
            if trough.is_none_or(|lowest| *depth < path[lowest]) {
                trough = Some(day);
            }
        } else {
            if let Some(lowest) = trough.take() {
                found.push(episode(series, path, (peak, lowest), Some(day)));
            }
            peak = day;
        }
    }
    if let Some(lowest) = trough {
        found.push(episode(series, path, (peak, lowest), None));
    }
    found
}

fn episode(
    series: &DailySeries,
    path: &[f64],
    (peak, trough): (usize, usize),
    recovery: Option<usize>,
) -> Drawdown {
    let dates = series.dates();
    let end = recovery.unwrap_or(dates.len() - 1);
    Drawdown {
        depth: path[trough],
        peak_index: peak as u64,
        trough_index: trough as u64,
        recovery_index: recovery.map(|day| day as u64),
        peak: dates[peak],
        trough: dates[trough],
        recovery: recovery.map(|day| dates[day]),
        open: recovery.is_none(),
        sessions: (end - peak) as u64,
        calendar_days: u64::try_from(dates[end].days() - dates[peak].days()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(returns: &[f64]) -> DrawdownMetrics {
        let date = |day: usize| Date::from_days(20_000 + day as i32);
        let dated: Vec<_> = returns.iter().enumerate().map(|(i, r)| (date(i + 1), *r)).collect();
        let series = DailySeries::from_returns(date(0), &dated).unwrap();
        DrawdownMetrics::of(&series, &ReturnMetrics::of(&series, 0.0))
    }

    /// TP27: a loss on the first day is a drawdown from E0.
    #[test]
    fn the_starting_equity_is_a_peak() {
        let result = metrics(&[-0.25, 0.1]);
        assert_eq!(result.max_drawdown, Some(-0.25));
        assert_eq!(result.max_drawdown_peak_index, Some(0));
        assert_eq!(result.max_drawdown_trough_index, Some(1));
        assert_eq!(
            (result.max_drawdown_recovery_index, result.max_drawdown_open),
            (None, Some(true))
        );
    }

    /// TP6: the peak is the last day at the peak value; a regained peak ends the drawdown.
    #[test]
    fn the_last_day_at_the_peak_counts() {
        let result = metrics(&[0.0, 0.0, -0.5, 1.0, -0.25]);
        let first = &result.drawdowns[0];
        assert_eq!((first.peak_index, first.trough_index, first.recovery_index), (2, 3, Some(4)));
        assert_eq!((first.sessions, first.open), (2, false));
        let second = &result.drawdowns[1];
        assert_eq!((second.peak_index, second.open, second.depth), (4, true, -0.25));
        assert_eq!(result.time_under_water, Some(0.4));
        assert_eq!(result.average_drawdown, Some(-0.15));
    }

    /// TP7: without a drawdown its ratios have no value, never infinity.
    #[test]
    fn no_fall_no_ratio() {
        let result = metrics(&[0.01, 0.0]);
        assert_eq!((result.max_drawdown, result.calmar), (Some(0.0), None));
        assert_eq!((result.martin_ratio, result.recovery_factor), (None, None));
        assert_eq!(metrics(&[]), DrawdownMetrics::default());
    }
}
