//! Elementary functions with the same result on every machine.
//!
//! The standard library's `ln`, `exp` and `powf` may call the platform's mathematics library, whose
//! last digit differs between systems, while a report is byte-identical everywhere (TP21). The
//! functions here use `+ - * /` and the bit pattern of a float only, which IEEE 754 defines
//! exactly. They are accurate to a few units in the last place, which the tests check against
//! the standard library. Statistics live in [`stats`](crate::stats), the normal distribution in
//! [`normal`](crate::normal).
//!
//! Invariant: equal arguments give equal bits on every machine, and no argument panics.

/// ln 2, its first 33 bits: multiples up to 2^20 are exact.
const LN2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
/// The rest of ln 2.
const LN2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// 2^52, which raises a subnormal number into the normal range.
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// Returns the natural logarithm; NaN below zero, minus infinity at zero.
///
/// With `x = 2^k m` and `m` near 1, `ln m = 2 artanh((m-1)/(m+1))` as a power series.
pub(crate) fn ln(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_infinite() {
        return x;
    }
    let (normal, shift) = if x < f64::MIN_POSITIVE { (x * TWO_52, 52) } else { (x, 0) };
    let bits = normal.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i32 - 1023 - shift;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let k = f64::from(exponent);
    k * LN2_HIGH + (k * LN2_LOW + ln_1p_small(mantissa - 1.0))
}

/// Returns `ln(1 + x)` without losing the digits of a small `x`.
pub(crate) fn ln_1p(x: f64) -> f64 {
    // Beyond these bounds 1 + x keeps enough digits and the series would converge slowly.
    if (-0.29..=0.41).contains(&x) { ln_1p_small(x) } else { ln(1.0 + x) }
}

/// `2 artanh(x / (2 + x))` for `1 + x` in about [sqrt(1/2), sqrt(2)].
fn ln_1p_small(x: f64) -> f64 {
    let s = x / (2.0 + x);
    let square = s * s;
    // |s| <= 0.172, so the term of s^25 is below 2^-53 of the first.
    let mut series = 0.0;
    for odd in (3..=25).rev().step_by(2) {
        series = (series + 1.0 / f64::from(odd)) * square;
    }
    2.0 * s + 2.0 * s * series
}

/// Returns e to the power `x`; infinity on overflow, zero on underflow.
pub(crate) fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 709.79 {
        return f64::INFINITY;
    }
    if x < -745.2 {
        return 0.0;
    }
    let k = (x * std::f64::consts::LOG2_E).round_ties_even();
    let rest = (x - k * LN2_HIGH) - k * LN2_LOW;
    scale(1.0 + exp_m1_small(rest), k as i32)
}

/// Returns `exp(x) - 1` without losing the digits of a small `x`.
pub(crate) fn exp_m1(x: f64) -> f64 {
    if x.abs() <= 0.35 { exp_m1_small(x) } else { exp(x) - 1.0 }
}

/// `exp(x) - 1` as a power series, for |x| <= 0.35: the term of x^15 is below 2^-53 of the first.
fn exp_m1_small(x: f64) -> f64 {
    let mut series = 0.0;
    for n in (2..=15).rev() {
        series = (series + 1.0) * x / f64::from(n);
    }
    x + x * series
}

/// Returns `x * 2^k` in two steps, so that the factors stay within the range of a float.
fn scale(x: f64, k: i32) -> f64 {
    let half = k / 2;
    let power = |n: i32| f64::from_bits(((n + 1023).clamp(0, 2046) as u64) << 52);
    x * power(half) * power(k - half)
}

/// Returns `(1 + rate)^exponent - 1`, the compounding of a rate; `None` when `1 + rate` is
/// negative or the result is not finite. A total loss stays a total loss.
pub(crate) fn compound(rate: f64, exponent: f64) -> Option<f64> {
    if rate <= -1.0 {
        return (rate == -1.0 && exponent > 0.0).then_some(-1.0);
    }
    let result = exp_m1(exponent * ln_1p(rate));
    result.is_finite().then_some(result)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the platform's functions are the reference")]
mod tests {
    use super::*;

    fn close(ours: f64, reference: f64, what: &str, x: f64) {
        let error = (ours - reference).abs();
        assert!(error <= 1e-15 * reference.abs() + 5e-324, "{what}({x}): {ours} {reference}");
    }

    /// TP21: within a few units in the last place of the platform's functions.
    #[test]
    fn agrees_with_the_platform() {
        for i in -3000..3000 {
            let x = f64::from(i) * 0.0371;
            close(exp(x), x.exp(), "exp", x);
            close(exp_m1(x * 0.01), (x * 0.01).exp_m1(), "exp_m1", x * 0.01);
        }
        for i in 1..5000 {
            let x = f64::from(i) * f64::from(i) * 3.7e-5;
            close(ln(x), x.ln(), "ln", x);
            let near = (x - 40.0) / 1000.0;
            close(ln_1p(near), near.ln_1p(), "ln_1p", near);
        }
        for tiny in [1e-18, -1e-18, 1e-9, -1e-9, 0.3, -0.25] {
            close(ln_1p(tiny), tiny.ln_1p(), "ln_1p", tiny);
            close(exp_m1(tiny), tiny.exp_m1(), "exp_m1", tiny);
        }
    }

    #[test]
    fn edges_have_their_usual_values() {
        assert!(ln(-1.0).is_nan() && ln(f64::NAN).is_nan() && exp(f64::NAN).is_nan());
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_eq!((ln(1.0), exp(0.0), exp_m1(0.0), ln_1p(0.0)), (0.0, 1.0, 0.0, 0.0));
        assert_eq!((exp(1e6), exp(-1e6)), (f64::INFINITY, 0.0));
        assert!((ln(5e-324) + 744.440_071_921_381).abs() < 1e-10);
        assert_eq!(compound(-1.0, 4.0), Some(-1.0));
        assert_eq!(compound(-1.5, 4.0), None);
        assert_eq!(compound(1.0, 1e9), None);
        assert!((compound(0.21, 0.5).unwrap() - 0.1).abs() < 1e-15);
    }
}
