//! Parsing and printing of fixed-point decimals with nine fractional digits, shared by
//! [`Price`](crate::Price), [`Quantity`](crate::Quantity) and [`Cash`](crate::Cash).

use std::fmt;

/// Units per one: values are integers in units of 1e-9.
pub const SCALE: i64 = 1_000_000_000;

/// Why a text is not a decimal of this system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDecimalError {
    /// The text is empty or has a character that no decimal has (exponents and NaN included).
    #[error("{0:?} is not a decimal number")]
    Syntax(String),
    /// More than nine fractional digits that are not zero.
    #[error("{0:?} has more than 9 decimal places")]
    Precision(String),
    /// Beyond the range of the type (about +-9.22e9).
    #[error("{0:?} is out of range (limit 9223372036)")]
    Range(String),
}

/// Parses `-12.5` into units of 1e-9. Exponents, signs other than a leading `-` or `+`, and
/// spaces are refused.
pub(crate) fn parse(text: &str) -> Result<i64, ParseDecimalError> {
    let syntax = || ParseDecimalError::Syntax(clip(text));
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.first() {
        Some(b'-') => (true, &bytes[1..]),
        Some(b'+') => (false, &bytes[1..]),
        Some(_) => (false, bytes),
        None => return Err(syntax()),
    };
    let mut value: i128 = 0;
    let mut seen_digit = false;
    let mut fraction: Option<u32> = None;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                seen_digit = true;
                let digit = i128::from(byte - b'0');
                match fraction {
                    Some(9) if digit != 0 => return Err(ParseDecimalError::Precision(clip(text))),
                    Some(9) => continue,
                    Some(ref mut places) => *places += 1,
                    None => {}
                }
                value = value * 10 + digit;
                if value > 1 << 100 {
                    return Err(ParseDecimalError::Range(clip(text)));
                }
            }
            b'.' if fraction.is_none() => fraction = Some(0),
            _ => return Err(syntax()),
        }
    }
    if !seen_digit {
        return Err(syntax());
    }
    let places = fraction.unwrap_or(0);
    let scaled = value * 10_i128.pow(9 - places);
    let signed = if negative { -scaled } else { scaled };
    i64::try_from(signed).map_err(|_| ParseDecimalError::Range(clip(text)))
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Writes units of 1e-9 with at least `min_places` fractional digits and no further zeros.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, raw: i64, min_places: usize) -> fmt::Result {
    let magnitude = raw.unsigned_abs();
    let unit = SCALE.unsigned_abs();
    let whole = magnitude / unit;
    let mut buffer = [b'0'; 9];
    let mut rest = magnitude % unit;
    for slot in buffer.iter_mut().rev() {
        *slot = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    let mut places = 9;
    while places > min_places && buffer[places - 1] == b'0' {
        places -= 1;
    }
    let sign = if raw < 0 { "-" } else { "" };
    let fraction = std::str::from_utf8(&buffer[..places]).unwrap_or("");
    if places == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
}

/// Implements text, serde and raw access for a fixed-point newtype over `i64`.
macro_rules! fixed_point {
    ($name:ident, $places:literal) => {
        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);

            /// Makes a value from units of 1e-9.
            #[inline]
            pub const fn from_raw(raw: i64) -> Self {
                Self(raw)
            }

            /// Returns the value in units of 1e-9.
            #[inline]
            pub const fn raw(self) -> i64 {
                self.0
            }

            /// Returns the value as a float: `raw / 1e9` (design.md decision 4).
            #[inline]
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / 1e9
            }

            /// Returns the sum, or `None` on overflow.
            #[inline]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(raw) => Some(Self(raw)),
                    None => None,
                }
            }

            /// Returns the difference, or `None` on overflow.
            #[inline]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(raw) => Some(Self(raw)),
                    None => None,
                }
            }

            /// Returns true when the value is above zero.
            #[inline]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// Returns true when the value is zero.
            #[inline]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::decimal::write(f, self.0, $places)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::ParseDecimalError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                crate::decimal::parse(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use fixed_point;

/// Converts a float to units of 1e-9, half to even; `None` for NaN, infinities and overflow.
pub(crate) fn from_f64(value: f64) -> Option<i64> {
    let scaled = (value * 1e9).round_ties_even();
    // 2^63 as a float: the first value that no longer fits.
    (scaled.is_finite() && scaled.abs() < 9_223_372_036_854_775_808.0).then_some(scaled as i64)
}

/// Divides with half-even rounding; `None` when the result does not fit or the divisor is zero.
pub(crate) fn div_half_even(numerator: i128, denominator: i128) -> Option<i64> {
    if denominator == 0 {
        return None;
    }
    if let (Ok(numerator), Ok(denominator @ 1..)) =
        (i64::try_from(numerator), i64::try_from(denominator))
    {
        // Most values fit 64 bits, where a division is several times faster.
        let quotient = numerator.div_euclid(denominator);
        let rest = numerator.rem_euclid(denominator);
        let other = denominator - rest;
        return Some(quotient + i64::from(rest > other || (rest == other && quotient % 2 != 0)));
    }
    let (numerator, denominator) =
        if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let quotient = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator) * 2;
    let up = twice > denominator || (twice == denominator && quotient % 2 != 0);
    i64::try_from(quotient + i128::from(up)).ok()
}

/// Multiplies by `ppm / 1e6`, rounded down, saturating.
pub(crate) fn times_ppm(raw: i64, ppm: i64) -> i64 {
    if let Some(product) = raw.checked_mul(ppm) {
        return product.div_euclid(1_000_000);
    }
    let scaled = (i128::from(raw) * i128::from(ppm)).div_euclid(1_000_000);
    i64::try_from(scaled).unwrap_or(if scaled > 0 { i64::MAX } else { i64::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_refuses() {
        assert_eq!(parse("12.5"), Ok(12_500_000_000));
        assert_eq!(parse("-0.000000001"), Ok(-1));
        assert_eq!(parse("1.0000000000"), Ok(SCALE));
        assert_eq!(parse("9223372036.854775807"), Ok(i64::MAX));
        for bad in ["", "-", ".", "1e5", "NaN", "inf", "1.2.3", " 1", "1,5", "0x1"] {
            assert!(matches!(parse(bad), Err(ParseDecimalError::Syntax(_))), "{bad}");
        }
        assert!(matches!(parse("1.0000000001"), Err(ParseDecimalError::Precision(_))));
        assert!(matches!(parse("9223372036.854775808"), Err(ParseDecimalError::Range(_))));
        assert!(matches!(parse(&"9".repeat(400)), Err(ParseDecimalError::Range(_))));
    }

    #[test]
    fn rounds_half_to_even() {
        assert_eq!(div_half_even(5, 2), Some(2));
        assert_eq!(div_half_even(7, 2), Some(4));
        assert_eq!(div_half_even(-5, 2), Some(-2));
        assert_eq!(div_half_even(-7, 2), Some(-4));
        assert_eq!(div_half_even(1, 0), None);
        // The narrow and the wide path agree.
        for numerator in -50_i128..50 {
            for denominator in 1_i128..12 {
                let wide = div_half_even(numerator << 70, denominator << 70);
                assert_eq!(
                    div_half_even(numerator, denominator),
                    wide,
                    "{numerator}/{denominator}"
                );
            }
        }
        assert_eq!(from_f64(f64::NAN), None);
        assert_eq!(from_f64(1e308), None);
        assert_eq!(from_f64(-0.0), Some(0));
    }
}
