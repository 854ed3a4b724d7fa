//! Sample statistics on slices. A statistic that the sample is too small for is `None`.

/// Spread below which a series counts as constant (TP4).
pub(crate) const CONSTANT: f64 = 1e-12;

/// Returns `value` when it is a number.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Returns `a / b`, or `None` when it is no finite number.
pub(crate) fn ratio(a: f64, b: f64) -> Option<f64> {
    if b == 0.0 { None } else { finite(a / b) }
}

/// Returns the mean, `None` of an empty sample.
pub(crate) fn mean(x: &[f64]) -> Option<f64> {
    if x.is_empty() { None } else { finite(x.iter().sum::<f64>() / x.len() as f64) }
}

/// Returns the mean of the n-th powers of the distances from the mean (population moment).
pub(crate) fn central_moment(x: &[f64], power: u32) -> Option<f64> {
    let centre = mean(x)?;
    let sum: f64 = x
        .iter()
        .map(|value| (1..power).fold(value - centre, |product, _| product * (value - centre)))
        .sum();
    finite(sum / x.len() as f64)
}

/// Returns the sample variance (divisor n-1), `None` below two values.
pub(crate) fn variance(x: &[f64]) -> Option<f64> {
    if x.len() < 2 {
        return None;
    }
    let n = x.len() as f64;
    central_moment(x, 2).map(|moment| moment * n / (n - 1.0))
}

/// Returns the sample standard deviation (divisor n-1), `None` below two values.
pub(crate) fn stdev(x: &[f64]) -> Option<f64> {
    variance(x).map(f64::sqrt)
}

/// Returns the sample covariance (divisor n-1) of two samples of equal length.
pub(crate) fn covariance(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.len() != y.len() || x.len() < 2 {
        return None;
    }
    let (mx, my) = (mean(x)?, mean(y)?);
    let sum: f64 = x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum();
    finite(sum / (x.len() as f64 - 1.0))
}

/// Returns a sorted copy.
pub(crate) fn sorted(x: &[f64]) -> Vec<f64> {
    let mut copy = x.to_vec();
    copy.sort_by(f64::total_cmp);
    copy
}

/// Returns the quantile `p` (0 to 1) of a sorted sample by linear interpolation (type 7, TP8).
pub(crate) fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = p.clamp(0.0, 1.0) * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let fraction = place - below as f64;
    finite(sorted[below] + (sorted[above] - sorted[below]) * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_samples_by_hand() {
        let x = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&x), Some(5.0));
        assert_eq!(central_moment(&x, 2), Some(4.0));
        assert_eq!(central_moment(&x, 3), Some((-27.0 - 3.0 + 8.0 + 64.0) / 8.0));
        assert_eq!(variance(&x), Some(32.0 / 7.0));
        assert_eq!(covariance(&x, &x), Some(32.0 / 7.0));
        assert_eq!(quantile(&sorted(&[3.0, 1.0, 2.0]), 0.25), Some(1.5));
        assert_eq!(quantile(&x, 1.0), Some(9.0));
    }

    #[test]
    fn no_value_without_enough_data() {
        assert_eq!((mean(&[]), variance(&[1.0]), quantile(&[], 0.5)), (None, None, None));
        assert_eq!((ratio(1.0, 0.0), ratio(0.0, 0.0)), (None, None));
        assert_eq!(covariance(&[1.0, 2.0], &[1.0]), None);
    }
}
