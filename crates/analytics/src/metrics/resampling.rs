//! Bootstrap intervals and the Monte Carlo of trade order (TP20).
//!
//! Everything is drawn from the crate's seeded generator; equal inputs and seeds give equal bits.

use serde::{Deserialize, Serialize};

use super::YEAR;
use crate::random::Random;
use crate::stats::{self, CONSTANT};

/// Days of a block in the bootstrap of the Sharpe ratio (TP20): keeps what neighbouring days share.
const BLOCK: usize = 5;
/// Values per draw of the bootstrap of a mean. More trades than this are drawn this many at a time
/// and the deviation is scaled to their number (m-out-of-n bootstrap), which bounds the time of a
/// report; for a mean of thousands of values the interval is the same.
const DRAWN: usize = 1_000;
/// Upper bound for draws times trades of the Monte Carlo of trade order, so that a report of very
/// many trades takes a moment. Its percentiles need far fewer draws than the 10,000 of TP20.
const SHUFFLE_BUDGET: usize = 10_000_000;
/// Draws of the Monte Carlo that are made whatever the number of trades.
const SHUFFLE_MIN: usize = 500;

/// How to resample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resampling {
    /// Seed of the generator.
    pub seed: u64,
    /// Number of draws; 0 leaves the intervals out.
    pub draws: u32,
}

impl Default for Resampling {
    fn default() -> Self {
        Self { seed: 1, draws: 10_000 }
    }
}

/// The middle 95% of the resampled values.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Interval {
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// Drawdowns of the trades in random order, in US dollars, negative.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct DrawdownDraws {
    /// Shuffles made.
    pub draws: u64,
    /// Half of the orders fall less than this.
    pub median: f64,
    /// One order in twenty falls more than this.
    pub p95: f64,
    /// One order in a hundred falls more than this.
    pub p99: f64,
}

/// Uncertainty by resampling.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ResamplingMetrics {
    /// Seed in use.
    pub bootstrap_seed: u64,
    /// Draws per interval.
    pub bootstrap_draws: u64,
    /// 95% interval of the mean net result per trade, US dollars.
    pub expectancy_ci_95: Option<Interval>,
    /// 95% interval of the Sharpe ratio per year.
    pub sharpe_ci_95: Option<Interval>,
    /// Drawdown of the closed trades when their order is random.
    pub trade_order_drawdown_usd: Option<DrawdownDraws>,
}

impl ResamplingMetrics {
    /// Resamples net results of trades (US dollars) and daily excess returns.
    pub fn of(nets: &[f64], excess: &[f64], how: Resampling) -> Self {
        let draws = how.draws as usize;
        let random = |stream| Random::new(how.seed, stream);
        // Each has a generator of its own: side by side they give what they give in turn. Together
        // they are most of the time of a report of many trades.
        let (expectancy, sharpe, order) = std::thread::scope(|scope| {
            let expectancy = scope.spawn(|| mean_interval(nets, random(0), draws));
            let sharpe = sharpe_interval(excess, random(1), draws);
            let order = trade_order(nets, random(2), draws);
            (expectancy.join(), sharpe, order)
        });
        Self {
            bootstrap_seed: how.seed,
            bootstrap_draws: u64::from(how.draws),
            expectancy_ci_95: expectancy.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            sharpe_ci_95: sharpe,
            trade_order_drawdown_usd: order,
        }
    }
}

fn interval(values: &[f64]) -> Option<Interval> {
    let sorted = stats::sorted(values);
    let (low, high) = (stats::quantile(&sorted, 0.025)?, stats::quantile(&sorted, 0.975)?);
    Some(Interval { low, high })
}

/// Bootstrap of the mean: each draw takes n of the n values with replacement.
fn mean_interval(values: &[f64], mut random: Random, draws: usize) -> Option<Interval> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len();
    let taken = n.min(DRAWN);
    let mean = stats::mean(values)?;
    let scale = (taken as f64 / n as f64).sqrt();
    let means: Vec<f64> = (0..draws)
        .map(|_| {
            let sum: f64 = (0..taken).map(|_| values[random.below(n)]).sum();
            mean + (sum / taken as f64 - mean) * scale
        })
        .collect();
    interval(&means)
}

/// Sums of the values and of their squares.
#[derive(Clone, Copy, Default)]
struct Sums {
    value: f64,
    square: f64,
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self { value: self.value + other.value, square: self.square + other.square }
    }
}

/// Sums of each run of `length` days, wrapping at the end: every day is drawn equally often.
fn block_sums(values: &[f64], length: usize) -> Vec<Sums> {
    let n = values.len();
    (0..n)
        .map(|start| {
            (0..length)
                .map(|i| values[(start + i) % n])
                .fold(Sums::default(), |sums, x| sums.plus(Sums { value: x, square: x * x }))
        })
        .collect()
}

/// Block bootstrap of the Sharpe ratio per year; needs two whole blocks.
fn sharpe_interval(excess: &[f64], mut random: Random, draws: usize) -> Option<Interval> {
    let n = excess.len();
    if n < 2 * BLOCK {
        return None;
    }
    // Centred values keep the variance exact; the centre is added back to each mean.
    let centre = stats::mean(excess)?;
    let centred: Vec<f64> = excess.iter().map(|r| r - centre).collect();
    let whole = block_sums(&centred, BLOCK);
    let rest = block_sums(&centred, n % BLOCK);
    let days = n as f64;
    let ratios: Vec<f64> = (0..draws)
        .filter_map(|_| {
            let mut sums = rest[random.below(n)];
            for _ in 0..n / BLOCK {
                sums = sums.plus(whole[random.below(n)]);
            }
            let mean = sums.value / days;
            let spread = ((sums.square - days * mean * mean) / (days - 1.0)).max(0.0).sqrt();
            (spread >= CONSTANT).then(|| (centre + mean) / spread * YEAR.sqrt())
        })
        .collect();
    // Where most draws have no Sharpe ratio, an interval of the others would mislead.
    if ratios.len() * 2 < draws { None } else { interval(&ratios) }
}

/// Shuffles the results and returns the largest fall of their running sum from its highest point,
/// 0 included. One pass does both: what the shuffle has put in its place is summed at once, from
/// the last place to the first, and an order is as likely as the reverse one.
fn shuffled_fall(nets: &mut [f64], random: &mut Random) -> f64 {
    let (mut sum, mut peak, mut deepest) = (0.0_f64, 0.0_f64, 0.0_f64);
    for last in (0..nets.len()).rev() {
        nets.swap(last, random.below(last + 1));
        sum += nets[last];
        peak = peak.max(sum);
        deepest = deepest.min(sum - peak);
    }
    deepest
}

fn trade_order(nets: &[f64], mut random: Random, draws: usize) -> Option<DrawdownDraws> {
    if nets.len() < 2 || draws == 0 {
        return None;
    }
    let draws = draws.min((SHUFFLE_BUDGET / nets.len()).max(SHUFFLE_MIN));
    let mut order = nets.to_vec();
    let falls: Vec<f64> = (0..draws).map(|_| shuffled_fall(&mut order, &mut random)).collect();
    let sorted = stats::sorted(&falls);
    Some(DrawdownDraws {
        draws: draws as u64,
        median: stats::quantile(&sorted, 0.5)?,
        p95: stats::quantile(&sorted, 0.05)?,
        p99: stats::quantile(&sorted, 0.01)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(n: usize) -> Vec<f64> {
        let mut random = Random::new(9, 9);
        (0..n).map(|_| (random.below(2001) as f64 - 950.0) / 100.0).collect()
    }

    /// TP20: the bootstrap interval of a mean is the normal one for many values.
    #[test]
    fn interval_of_the_mean_matches_theory() {
        let values = sample(400);
        let found = mean_interval(&values, Random::new(3, 0), 4000).unwrap();
        let (mean, error) = (stats::mean(&values).unwrap(), stats::stdev(&values).unwrap() / 20.0);
        assert!((found.low - (mean - 1.96 * error)).abs() < 0.15 * error, "{found:?}");
        assert!((found.high - (mean + 1.96 * error)).abs() < 0.15 * error, "{found:?}");
    }

    /// TP20: many trades are drawn a part at a time, with the same interval.
    #[test]
    fn many_values_are_scaled() {
        let values = sample(9 * DRAWN);
        let found = mean_interval(&values, Random::new(3, 0), 400).unwrap();
        let n = values.len() as f64;
        let error = stats::stdev(&values).unwrap() / n.sqrt();
        let width = (found.high - found.low) / (2.0 * 1.96);
        assert!((width / error - 1.0).abs() < 0.2, "{found:?} {error}");
    }

    /// TP20: independent days: the standard error of a daily Sharpe ratio is about 1/sqrt(T).
    #[test]
    fn interval_of_the_sharpe_matches_theory() {
        let values = sample(503);
        let found = sharpe_interval(&values, Random::new(3, 1), 4000).unwrap();
        let width = (found.high - found.low) / (2.0 * 1.96);
        assert!((width / (YEAR / 503.0).sqrt() - 1.0).abs() < 0.15, "{found:?}");
        assert_eq!(sharpe_interval(&[0.0; 100], Random::new(3, 1), 100), None);
        assert_eq!(sharpe_interval(&values[..9], Random::new(3, 1), 100), None);
    }

    /// TP20: equal seeds, equal bits; other seeds, other draws; all losses fall by their sum.
    #[test]
    fn draws_depend_on_the_seed_alone() {
        let values = sample(60);
        let with = |seed| ResamplingMetrics::of(&values, &values, Resampling { seed, draws: 300 });
        assert_eq!(with(5), with(5));
        assert_ne!(with(5).expectancy_ci_95, with(6).expectancy_ci_95);
        let losses = trade_order(&[-1.0, -2.0, -3.0], Random::new(1, 1), 50).unwrap();
        assert_eq!((losses.median, losses.p99), (-6.0, -6.0));
        assert_eq!(mean_interval(&[1.0], Random::new(1, 1), 50), None);
        assert_eq!(mean_interval(&values, Random::new(1, 1), 0), None);
    }
}
