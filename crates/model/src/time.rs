//! Instants and dates. Wall clocks live elsewhere: times arrive as values (J1).

use std::fmt;
use std::str::FromStr;

/// Nanoseconds in a second.
pub const SECOND_NS: i64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub const MINUTE_NS: i64 = 60 * SECOND_NS;
/// Nanoseconds in a day of 24 hours.
pub const DAY_NS: i64 = 86_400 * SECOND_NS;

/// An instant in nanoseconds since 1970-01-01T00:00:00 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Why a text is not an instant or a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct ParseTimeError {
    /// The text that was read, cut after 40 characters.
    pub text: String,
    /// What was expected, with an example.
    pub expected: &'static str,
}

impl ParseTimeError {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(40).collect(), expected }
    }
}

impl Timestamp {
    /// The earliest instant.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant.
    pub const MAX: Self = Self(i64::MAX);

    /// Makes an instant from nanoseconds since the epoch.
    #[inline]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Returns nanoseconds since the epoch.
    #[inline]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Returns the instant moved by `nanos`, saturating.
    #[inline]
    pub const fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Returns the nanoseconds from `earlier` to `self`, saturating.
    #[inline]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the UTC date of the instant.
    #[inline]
    pub const fn utc_date(self) -> Date {
        Date(self.0.div_euclid(DAY_NS) as i32)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many fractional digits as needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.utc_date();
        let in_day = self.0.rem_euclid(DAY_NS);
        let (seconds, nanos) = (in_day / SECOND_NS, in_day % SECOND_NS);
        let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{date}T{h:02}:{m:02}:{s:02}")?;
        if nanos != 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    /// Reads RFC 3339 with `Z` or an offset.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseTimeError::new(text, "an RFC 3339 time such as 2026-11-25T14:30:00Z");
        let parsed: jiff::Timestamp = text.parse().map_err(|_| error())?;
        i64::try_from(parsed.as_nanosecond()).map(Self).map_err(|_| error())
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A calendar date, as days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(i32);

impl Date {
    /// Makes a date from days since 1970-01-01.
    #[inline]
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Returns days since 1970-01-01.
    #[inline]
    pub const fn days(self) -> i32 {
        self.0
    }

    /// Makes a date from year, month (1-12) and day; `None` when there is no such day.
    pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Self> {
        jiff::civil::Date::new(year, month, day).ok().map(Self::from_civil)
    }

    /// Returns year, month (1-12) and day (1-31).
    pub fn ymd(self) -> (i16, i8, i8) {
        let civil = self.to_civil();
        (civil.year(), civil.month(), civil.day())
    }

    /// Returns the date `days` later (negative: earlier), saturating.
    #[inline]
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Returns the day of the week, 0 = Monday to 6 = Sunday.
    #[inline]
    pub const fn weekday(self) -> u8 {
        (self.0 as i64 + 3).rem_euclid(7) as u8
    }

    /// Returns the instant at which the date begins in UTC.
    #[inline]
    pub const fn utc_midnight(self) -> Timestamp {
        Timestamp((self.0 as i64).saturating_mul(DAY_NS))
    }

    pub(crate) fn from_civil(civil: jiff::civil::Date) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        Self(epoch.until(civil).map_or(0, |span| span.get_days()))
    }

    pub(crate) fn to_civil(self) -> jiff::civil::Date {
        let epoch = jiff::civil::date(1970, 1, 1);
        let bounded = self.0.clamp(-719_000, 2_932_896);
        epoch.saturating_add(jiff::Span::new().days(bounded))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Date {
    type Err = ParseTimeError;

    /// Reads `YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseTimeError::new(text, "a date such as 2026-11-25");
        if text.len() != 10 {
            return Err(error());
        }
        text.parse::<jiff::civil::Date>().map(Self::from_civil).map_err(|_| error())
    }
}

impl serde::Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_reads() {
        for text in
            ["2026-11-25T14:30:00Z", "1969-12-31T23:59:59.5Z", "2011-03-14T13:30:00.000000001Z"]
        {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        assert_eq!(
            "2026-03-09T09:30:00-04:00".parse::<Timestamp>().unwrap().to_string(),
            "2026-03-09T13:30:00Z"
        );
        assert!("2026-03-09 09:30".parse::<Timestamp>().is_err());
        let date: Date = "2026-11-25".parse().unwrap();
        assert_eq!((date.ymd(), date.weekday()), ((2026, 11, 25), 2));
        assert_eq!(date.plus_days(6).to_string(), "2026-12-01");
        assert!("2026-02-30".parse::<Date>().is_err());
    }
}
