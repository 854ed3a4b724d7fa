//! Splits and cash dividends out of LEAN's factor files.
//!
//! A line is `YYYYMMDD,price factor,split factor,close of that date`; it holds for its date and
//! the dates before, down to the line above. So between a line and the next one lies an ex-date,
//! the session after the line's date: the split factors differ by the split ratio, and the price
//! factors by (close - dividend) / close.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use model::exchange::Calendar;
use model::{Date, SCALE};

use super::lean::symbol_of;
use super::lines::{Fields, Lines};
use super::rows::{ActionRow, FileBatch, Reason};
use crate::ActionKind;
use crate::error::FileError;

/// One line of a factor file.
struct Factor {
    line: u64,
    date: Date,
    price: f64,
    split: f64,
    close: f64,
}

/// Reads a factor file.
pub(crate) fn read(
    path: &Path,
    name: Arc<str>,
    calendar: &Calendar,
) -> Result<FileBatch, FileError> {
    let symbol = symbol_of(path)?;
    let mut batch = FileBatch::new(name, false);
    let (factors, digits) = read_lines(BufReader::new(File::open(path)?))?;
    for pair in factors.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let split = (before.split != after.split)
            .then(|| split_ratio(before.split, after.split, digits))
            .map(|value| (ActionKind::Split, value));
        let dividend = (before.price != after.price)
            .then(|| dividend(before, after, digits))
            .map(|value| (ActionKind::Dividend, value));
        for (kind, value) in [split, dividend].into_iter().flatten() {
            batch.action_rows += 1;
            let line = before.line;
            // The day before decides the ex-date; in a year without calendar it is unknown (TC9).
            let known = calendar.session(before.date).is_ok();
            let Some(ex) = calendar.next_session(before.date).filter(|_| known) else {
                batch.reject_action(line, Reason::NoCalendar, || before.date.to_string());
                continue;
            };
            match value.filter(|&value| value > 0) {
                Some(value) => {
                    batch.actions.push(ActionRow { symbol, date: ex.date, kind, value, line });
                }
                None => batch.reject_action(line, Reason::NotANumber, || {
                    format!("{} of {} cannot be computed", kind.name(), ex.date)
                }),
            }
        }
    }
    Ok(batch)
}

/// Returns the lines and how many decimal places the factors have.
fn read_lines(reader: impl std::io::BufRead) -> Result<(Vec<Factor>, i32), FileError> {
    let mut lines = Lines::new(reader);
    let mut fields = Fields::default();
    let mut factors: Vec<Factor> = Vec::new();
    let mut digits = 0;
    while let Some((line, text)) = lines.next_line()? {
        fields.split(text, b',');
        let field = |at| fields.get(text, at).and_then(|field| std::str::from_utf8(field).ok());
        let number = |at| field(at).and_then(|text| text.parse::<f64>().ok());
        let number = |at| number(at).filter(|value| value.is_finite());
        let date = field(0).and_then(|text| {
            let (year, rest) = text.split_at_checked(4)?;
            let (month, day) = rest.split_at_checked(2)?;
            Date::from_ymd(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        });
        let positive = |at| number(at).filter(|&value| value > 0.0);
        let (Some(date), Some(price), Some(split)) = (date, positive(1), positive(2)) else {
            let expected = "a file of lines YYYYMMDD,price factor,split factor,close";
            return Err(FileError::Name { expected });
        };
        for at in [1, 2] {
            let places = field(at).and_then(|text| text.split_once('.')).map_or(0, |f| f.1.len());
            digits = digits.max(i32::try_from(places).unwrap_or(0));
        }
        factors.push(Factor { line, date, price, split, close: number(3).unwrap_or(0.0) });
    }
    factors.sort_by_key(|factor| factor.date);
    // LEAN prints at least seven places; fewer are exact values such as 0.5 or 1.
    Ok((factors, digits.max(7)))
}

/// Returns new shares per old share: the fraction of small numbers the printed factors mean, or
/// six decimal places when there is none.
fn split_ratio(before: f64, after: f64, digits: i32) -> Option<i64> {
    let ratio = after / before;
    let relative_error = 0.5 * 10_f64.powi(-digits) * (1.0 / before + 1.0 / after);
    let tolerance = ratio * relative_error * 1.5 + 1e-12;
    for denominator in 1..=20_i64 {
        let numerator = (ratio * denominator as f64).round();
        if (ratio - numerator / denominator as f64).abs() <= tolerance {
            let scaled = numerator * SCALE as f64 / denominator as f64;
            return (scaled < 9e18).then_some(scaled.round() as i64);
        }
    }
    rounded(ratio, 6)
}

/// Returns dollars per share, to as many places as the printed factors tell, at most six.
fn dividend(before: &Factor, after: &Factor, digits: i32) -> Option<i64> {
    let value = before.close * (1.0 - before.price / after.price);
    let error = before.close * 10_f64.powi(-digits) / after.price;
    let places = (-(2.0 * error).log10()).floor().clamp(2.0, 6.0);
    rounded(value, places as i32)
}

fn rounded(value: f64, places: i32) -> Option<i64> {
    let unit = 10_f64.powi(places);
    let scaled = (value * unit).round() * 10_f64.powi(9 - places);
    (scaled.is_finite() && scaled.abs() < 9e18).then_some(scaled as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ratios as printed with ten and with seven digits give the ratio that was meant.
    #[test]
    fn ratios_are_what_was_meant() {
        let ratio = |before, after, digits| split_ratio(before, after, digits).unwrap();
        assert_eq!(ratio(0.142_857_142_9, 1.0, 10), 7 * SCALE);
        assert_eq!(ratio(0.017_857_142_86, 0.035_714_285_71, 11), 2 * SCALE);
        assert_eq!(ratio(0.008_928_6, 0.017_857_1, 7), 2 * SCALE);
        assert_eq!(ratio(0.666_666_7, 1.0, 7), 3 * SCALE / 2);
        assert_eq!(ratio(10.0, 1.0, 7), SCALE / 10);
        assert_eq!(ratio(1.0 / 1.571, 1.0, 12), 1_571_000_000);
    }

    #[test]
    fn dividends_are_rounded_to_what_the_factors_tell() {
        let factor =
            |price, close| Factor { line: 1, date: Date::default(), price, split: 1.0, close };
        let value = |before, after, close, digits| {
            dividend(&factor(before, close), &factor(after, 0.0), digits).unwrap()
        };
        let before = (592.33 - 3.29) / 592.33;
        assert_eq!(value(before, 1.0, 592.33, 10), 3_290_000_000);
        let seven = (before * 1e7_f64).round() / 1e7;
        assert_eq!(value(seven, 1.0, 592.33, 7), 3_290_000_000);
    }
}
