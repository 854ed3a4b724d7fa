//! Figures as people read them, shared by the HTML and the text rendering. A missing value is a
//! dash; the minus sign is the plain hyphen, so that figures can be copied.

use model::Cash;

/// What stands for a missing value.
pub(crate) const DASH: &str = "\u{2013}";

/// Formats an amount with two decimals and thousands separators, half-even.
pub(crate) fn money(amount: Cash) -> String {
    const CENT: i128 = 10_000_000;
    let raw = i128::from(amount.raw());
    let down = raw.div_euclid(CENT);
    let twice = raw.rem_euclid(CENT) * 2;
    let up = twice > CENT || (twice == CENT && down % 2 != 0);
    let cents = down + i128::from(up);
    let sign = if cents < 0 { "-" } else { "" };
    let magnitude = cents.unsigned_abs();
    format!("{sign}{}.{:02}", grouped(magnitude / 100), magnitude % 100)
}

/// Formats an amount with its sign, also a plus.
pub(crate) fn signed_money(amount: Cash) -> String {
    let plus = if amount.raw() > 0 { "+" } else { "" };
    format!("{plus}{}", money(amount))
}

/// Formats a count with thousands separators.
pub(crate) fn count(number: u64) -> String {
    grouped(u128::from(number))
}

/// Formats a count of things whose plural ends in s.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number with a fixed number of decimals; what rounds to zero has no sign.
pub(crate) fn decimals(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    let zero = text.starts_with('-') && text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    if zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// Formats a ratio with two decimals.
pub(crate) fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| DASH.to_owned(), |value| decimals(value, 2))
}

/// Formats a fraction as percent with two decimals.
pub(crate) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| DASH.to_owned(), |value| format!("{}%", decimals(value * 100.0, 2)))
}

/// Formats an R multiple with its sign.
pub(crate) fn r_multiple(value: Option<f64>) -> String {
    value.map_or_else(
        || DASH.to_owned(),
        |value| {
            let text = decimals(value, 2);
            if value > 0.0 && text != "0.00" { format!("+{text}R") } else { format!("{text}R") }
        },
    )
}

/// Formats an optional amount.
pub(crate) fn optional_money(amount: Option<Cash>) -> String {
    amount.map_or_else(|| DASH.to_owned(), money)
}

/// Formats minutes as `1h 05m` or `12.5m`.
pub(crate) fn minutes(value: Option<f64>) -> String {
    match value {
        None => DASH.to_owned(),
        Some(value) if value < 60.0 => format!("{}m", decimals(value, 1)),
        Some(value) => {
            let whole = value.round() as u64;
            format!("{}h {:02}m", count(whole / 60), whole % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let cash = |text: &str| text.parse::<Cash>().unwrap();
        assert_eq!(money(cash("1234567.895")), "1,234,567.90");
        assert_eq!(money(cash("-0.005")), "0.00");
        assert_eq!(money(cash("-999.999")), "-1,000.00");
        assert_eq!(signed_money(cash("12")), "+12.00");
        assert_eq!(percent(Some(-0.00001)), "0.00%");
        assert_eq!((ratio(None), r_multiple(Some(1.5))), (DASH.to_owned(), "+1.50R".to_owned()));
        assert_eq!((minutes(Some(12.34)), minutes(Some(125.0))), ("12.3m".into(), "2h 05m".into()));
    }
}
