//! The guards that keep values finite: what may come in, and what may go out.

/// Largest magnitude of an input value; what is larger is ignored like NaN.
///
/// Prices end near 1e10 and volumes near 1e20. The limit leaves room for the sums of squares of
/// any window, so that no intermediate result overflows and no infinity can cancel to NaN.
pub const INPUT_LIMIT: f64 = 1e100;

/// Longest period of an indicator in bars; longer ones are cut to it.
pub const MAX_PERIOD: usize = 100_000;

/// Returns true when an indicator may take the value (false for NaN).
#[inline]
pub(crate) fn usable(value: f64) -> bool {
    value.abs() <= INPUT_LIMIT
}

/// Returns the value unless it is NaN or infinite: the outlet of every indicator.
#[inline]
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Returns the quotient, or none when the divisor is zero or the quotient is not finite.
#[inline]
pub(crate) fn quotient(dividend: f64, divisor: f64) -> Option<f64> {
    if divisor == 0.0 { None } else { finite(dividend / divisor) }
}

/// Returns the period cut to 1..=[`MAX_PERIOD`].
pub(crate) fn period(bars: usize) -> u32 {
    bars.clamp(1, MAX_PERIOD) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_finite() {
        assert!(usable(-INPUT_LIMIT) && usable(0.0) && usable(f64::MIN_POSITIVE));
        assert!(!usable(f64::NAN) && !usable(f64::INFINITY) && !usable(f64::MAX));
        assert_eq!(quotient(1.0, 0.0), None);
        assert_eq!(quotient(1.0, 5e-324), None);
        assert_eq!(quotient(1.0, 4.0), Some(0.25));
        assert_eq!((period(0), period(usize::MAX)), (1, MAX_PERIOD as u32));
    }
}
