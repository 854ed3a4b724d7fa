//! Decimal text to integers: prices in units of 1e-9, volumes in whole shares.
//!
//! Prices beyond nine places are rounded half to even and said to be, so that a price printed
//! from a double and the double itself give the same integer. Nothing else is guessed: `nan`,
//! thousands separators and currency signs are no numbers.

use model::Price;

/// A number and whether it had to be rounded to fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rounded {
    pub(crate) value: i64,
    pub(crate) rounded: bool,
}

/// Reads a price in units of 1e-9; `None` when the text is no number or out of range.
pub(crate) fn price(text: &[u8]) -> Option<Rounded> {
    fixed(text, 9)
}

/// Reads a price of LEAN, in 1/10000 dollar, as units of 1e-9.
pub(crate) fn lean_price(text: &[u8]) -> Option<Rounded> {
    fixed(text, 5)
}

/// Reads a volume in whole shares, half to even; `None` when the text is no number.
pub(crate) fn volume(text: &[u8]) -> Option<Rounded> {
    fixed(text, 0)
}

/// Turns a float into a price in units of 1e-9, half to even.
pub(crate) fn price_from_f64(value: f64) -> Option<Rounded> {
    let price = Price::from_f64(value)?;
    // A double has 15 to 17 digits: a difference below that is its own noise, not a rounding.
    Some(Rounded { value: price.raw(), rounded: false })
}

/// Turns a float into whole shares, half to even.
pub(crate) fn volume_from_f64(value: f64) -> Option<Rounded> {
    let whole = value.round_ties_even();
    // 2^63 as a float: the first value that no longer fits.
    let fits = whole.is_finite() && whole.abs() < 9_223_372_036_854_775_808.0;
    fits.then_some(Rounded { value: whole as i64, rounded: whole != value })
}

/// Divides an integer with `scale` decimal places down or up to nine, half to even.
pub(crate) fn price_from_scaled(value: i128, scale: u32) -> Option<Rounded> {
    if scale <= 9 {
        let value = value.checked_mul(10_i128.pow(9 - scale))?;
        return Some(Rounded { value: i64::try_from(value).ok()?, rounded: false });
    }
    let divisor = 10_i128.checked_pow(scale - 9)?;
    half_even(value, divisor)
}

/// Divides to whole shares, half to even.
pub(crate) fn volume_from_scaled(value: i128, scale: u32) -> Option<Rounded> {
    half_even(value, 10_i128.checked_pow(scale)?)
}

fn half_even(value: i128, divisor: i128) -> Option<Rounded> {
    let quotient = value.div_euclid(divisor);
    let rest = value.rem_euclid(divisor);
    let up = rest > divisor - rest || (rest == divisor - rest && quotient % 2 != 0);
    let value = i64::try_from(quotient + i128::from(up)).ok()?;
    Some(Rounded { value, rounded: rest != 0 })
}

/// Reads a decimal and scales it to `places`. The common case, up to 18 digits, is one pass.
fn fixed(text: &[u8], places: usize) -> Option<Rounded> {
    let text = text.trim_ascii();
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    let whole = &digits[..point];
    let fraction = digits.get(point + 1..).unwrap_or(&[]);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let kept = fraction.len().min(places);
    if whole.len() + kept > 36 || !all_digits(whole) || !all_digits(fraction) {
        return exponent(text, places);
    }
    let mut value: i128 = 0;
    if whole.len() + kept <= 18 {
        let small = whole.iter().chain(&fraction[..kept]);
        value = i128::from(small.fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0')));
    } else {
        for digit in whole.iter().chain(&fraction[..kept]) {
            value = value * 10 + i128::from(digit - b'0');
        }
    }
    value = value.checked_mul(10_i128.pow(u32::try_from(places - kept).ok()?))?;
    let rest = &fraction[kept..];
    let rounded = rest.iter().any(|&digit| digit != b'0');
    if rounded && round_up(rest, value % 2 != 0) {
        value += 1;
    }
    let value = i64::try_from(if negative { -value } else { value }).ok()?;
    Some(Rounded { value, rounded })
}

/// Tells whether the cut-off digits round the kept ones up, half to even.
fn round_up(rest: &[u8], odd: bool) -> bool {
    match rest.first() {
        Some(b'5') => odd || rest[1..].iter().any(|&digit| digit != b'0'),
        Some(&digit) => digit > b'5',
        None => false,
    }
}

fn all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// Reads `1.5e3`, which programs print for large volumes; words such as `inf` are refused.
fn exponent(text: &[u8], places: usize) -> Option<Rounded> {
    let allowed =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if !text.iter().all(allowed) {
        return None;
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    match places {
        0 => volume_from_f64(value),
        9 => price_from_f64(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(value: i64) -> Option<Rounded> {
        Some(Rounded { value, rounded: false })
    }

    fn rounded(value: i64) -> Option<Rounded> {
        Some(Rounded { value, rounded: true })
    }

    #[test]
    fn prices_are_exact_or_rounded_and_said_so() {
        assert_eq!(price(b"126.35"), exact(126_350_000_000));
        assert_eq!(price(b" -0.5 "), exact(-500_000_000));
        assert_eq!(price(b"+1."), exact(1_000_000_000));
        assert_eq!(price(b".25"), exact(250_000_000));
        assert_eq!(price(b"1.0000000000"), exact(1_000_000_000));
        assert_eq!(price(b"377.79999999999995"), rounded(377_800_000_000));
        assert_eq!(price(b"0.0000000005"), rounded(0));
        assert_eq!(price(b"0.0000000015"), rounded(2));
        assert_eq!(price(b"9223372036.854775807"), exact(i64::MAX));
        assert_eq!(price(b"9223372036.854775808"), None);
        assert_eq!(price(b"1e2"), exact(100_000_000_000));
        for bad in ["", "-", ".", "nan", "inf", "1,5", "$1", "1.2.3", "0x1", "1 2"] {
            assert_eq!(price(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn volumes_are_whole_shares() {
        assert_eq!(volume(b"2031.0"), exact(2031));
        assert_eq!(volume(b"4327671678"), exact(4_327_671_678));
        assert_eq!(volume(b"6221.5"), rounded(6222));
        assert_eq!(volume(b"6220.5"), rounded(6220));
        assert_eq!(volume(b"6221.49"), rounded(6221));
        assert_eq!(volume(b"1.5e6"), exact(1_500_000));
        assert_eq!(volume(b"99999999999999999999"), None);
    }

    /// The same price as text, as double and as DECIMAL gives one integer.
    #[test]
    fn text_double_and_decimal_agree() {
        for cents in [1_i64, 999, 12_635, 55_417, 1_000_001] {
            let text = format!("{}.{:02}", cents / 100, cents % 100);
            let double: f64 = text.parse().unwrap();
            let scaled = price_from_scaled(i128::from(cents), 2);
            assert_eq!(price(text.as_bytes()), scaled);
            assert_eq!(price_from_f64(double), scaled);
        }
        assert_eq!(price_from_scaled(15, 10), rounded(2));
        assert_eq!(volume_from_scaled(-5, 1), rounded(0));
    }
}
