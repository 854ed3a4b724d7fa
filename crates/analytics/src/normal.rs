//! The normal distribution: distribution function and its inverse (TP11, TP12).
//!
//! Method: within 3 standard deviations the power series of the distribution function with positive
//! terms; beyond them Laplace's continued fraction for the tail; the inverse by bisection, which
//! needs no table of coefficients. Relative accuracy is better than 1e-12 also in the lower tail.
//!
//! Invariant: equal arguments give equal bits on every machine.

use crate::math;

/// 1 / sqrt(2 pi).
const DENSITY_AT_ZERO: f64 = 0.398_942_280_401_432_7;
/// Beyond this many standard deviations the tail's continued fraction is used.
const TAIL: f64 = 3.0;

/// Returns the density of the standard normal distribution.
fn density(x: f64) -> f64 {
    DENSITY_AT_ZERO * math::exp(-0.5 * x * x)
}

/// Returns the probability that a standard normal variable is at most `x`.
pub fn cdf(x: f64) -> f64 {
    if x.is_nan() {
        x
    } else if x < -TAIL {
        lower_tail(-x)
    } else if x > TAIL {
        1.0 - lower_tail(x)
    } else {
        0.5 + centre(x)
    }
}

/// The probability between 0 and `x`: density(x) * (x + x^3/3 + x^5/(3*5) + ...).
fn centre(x: f64) -> f64 {
    let square = x * x;
    let (mut term, mut sum) = (x, x);
    let mut odd = 1.0;
    // At |x| = 3 the terms fall below 2^-53 of the sum after 40.
    for _ in 0..60 {
        odd += 2.0;
        term *= square / odd;
        sum += term;
    }
    density(x) * sum
}

/// The probability beyond `x` > 3: density(x) / (x + 1/(x + 2/(x + 3/(x + ...)))).
fn lower_tail(x: f64) -> f64 {
    if x > 40.0 {
        return 0.0;
    }
    let mut fraction = x;
    for n in (1..=120).rev() {
        fraction = x + f64::from(n) / fraction;
    }
    density(x) / fraction
}

/// Returns the value that a standard normal variable does not exceed with probability `p`; `None`
/// unless 0 < p < 1.
pub fn quantile(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    if p > 0.5 {
        // 1 - p is exact there, and the lower tail keeps its digits.
        return quantile(1.0 - p).map(|x| -x);
    }
    let (mut low, mut high) = (-40.0, 0.0);
    for _ in 0..70 {
        let middle = 0.5 * (low + high);
        if cdf(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published values of the distribution function, 16 digits and more.
    #[test]
    fn agrees_with_published_values() {
        let table = [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.0, 0.158_655_253_931_457_05),
            (-2.0, 0.022_750_131_948_179_21),
            (-3.0, 0.001_349_898_031_630_094_5),
            (-4.0, 3.167_124_183_311_992e-5),
            (-5.0, 2.866_515_718_791_939e-7),
            (-10.0, 7.619_853_024_160_527e-24),
            (-20.0, 2.753_624_118_606_233_7e-89),
        ];
        for (x, expected) in table {
            let error = (cdf(x) / expected - 1.0).abs();
            assert!(error < 1e-12, "cdf({x}) = {}, expected {expected}", cdf(x));
            assert!((cdf(-x) - (1.0 - expected)).abs() < 1e-15);
        }
        let table = [
            (0.975, 1.959_963_984_540_054),
            (0.95, 1.644_853_626_951_472_7),
            (0.01, -2.326_347_874_040_841),
            (1e-10, -6.361_340_902_404_056),
        ];
        for (p, expected) in table {
            let x = quantile(p).unwrap();
            assert!((x / expected - 1.0).abs() < 1e-13, "quantile({p}) = {x}");
        }
        assert_eq!(quantile(0.0), None);
        assert_eq!(quantile(1.0), None);
        assert_eq!(quantile(f64::NAN), None);
    }

    /// The two methods meet at the bound without a step, and the inverse inverts.
    #[test]
    fn is_continuous_and_inverted() {
        let below = cdf(-TAIL - 1e-13);
        assert!((below / cdf(-TAIL) - 1.0).abs() < 1e-11);
        let mut last = 0.0;
        for i in -380..=380 {
            let x = f64::from(i) / 10.0;
            assert!(cdf(x) >= last, "{x}");
            last = cdf(x);
            if (-300..=50).contains(&i) {
                assert!((quantile(cdf(x)).unwrap() - x).abs() < 1e-9, "{x}");
            }
        }
    }
}
