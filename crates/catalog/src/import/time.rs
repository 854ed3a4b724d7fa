//! Time stamps of foreign files: integers, ISO 8601 and close kin, or a stated format.
//!
//! A local time needs a zone (`--tz`); one that the clock change skips or repeats is refused
//! rather than guessed. The box's own zone never matters (TC5).

use jiff::civil;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use model::Date;

/// What a time column says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stamp {
    /// An instant, nanoseconds since the epoch.
    Instant(i64),
    /// A date alone.
    Day(Date),
}

/// Why a time column says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StampFault {
    /// It is no time, or one that the local clock skipped or showed twice.
    Bad,
    /// It is a local time and no zone was stated.
    NoZone,
}

/// Reads the time column of one import.
pub(crate) struct StampReader {
    zone: Option<TimeZone>,
    format: Option<String>,
}

impl StampReader {
    /// Makes a reader; `Err` holds the flag and why its value cannot be used.
    pub(crate) fn new(
        zone: Option<&str>,
        format: Option<&str>,
    ) -> Result<Self, (&'static str, String)> {
        let zone = match zone {
            None => None,
            Some(name) => Some(TimeZone::get(name).map_err(|_| {
                ("--tz", "no such zone; use an IANA name such as America/New_York or UTC".into())
            })?),
        };
        let format = format.map(strftime_of);
        if let Some(format) = &format
            && strtime::format(format, civil::date(2020, 1, 2).at(3, 4, 5, 0)).is_err()
            && !format.contains("%z")
            && !format.contains("%:z")
        {
            return Err(("--time-format", "not a format such as %Y%m%d %H%M%S".into()));
        }
        Ok(Self { zone, format })
    }

    /// Reads one value.
    pub(crate) fn read(&self, text: &[u8]) -> Result<Stamp, StampFault> {
        if let Some(format) = &self.format {
            return self.read_format(format, text);
        }
        if let Some(value) = integer(text) {
            return integer_stamp(value, text.len()).ok_or(StampFault::Bad);
        }
        self.read_iso(text)
    }

    /// Turns a local wall-clock time into an instant; without a zone, midnight is a date.
    pub(crate) fn local(&self, time: civil::DateTime) -> Result<Stamp, StampFault> {
        let Some(zone) = self.zone.as_ref() else {
            let midnight = time.time() == civil::Time::midnight();
            return if midnight { Ok(day_of(time.date())) } else { Err(StampFault::NoZone) };
        };
        let instant =
            zone.to_ambiguous_timestamp(time).unambiguous().map_err(|_| StampFault::Bad)?;
        nanos(instant)
    }

    fn read_format(&self, format: &str, text: &[u8]) -> Result<Stamp, StampFault> {
        let parsed = strtime::parse(format, text).map_err(|_| StampFault::Bad)?;
        if parsed.offset().is_some() {
            return nanos(parsed.to_timestamp().map_err(|_| StampFault::Bad)?);
        }
        if parsed.hour().is_none() {
            return parsed.to_date().map(day_of).map_err(|_| StampFault::Bad);
        }
        self.local(parsed.to_datetime().map_err(|_| StampFault::Bad)?)
    }

    /// Reads `YYYY-MM-DD` or `YYYYMMDD`, then nothing or a time `HH:MM[:SS[.f]]` or `HHMM[SS]`,
    /// then nothing, `Z` or an offset.
    fn read_iso(&self, text: &[u8]) -> Result<Stamp, StampFault> {
        let mut cursor = Cursor(text);
        let date = cursor.date().ok_or(StampFault::Bad)?;
        if cursor.0.is_empty() {
            return Ok(day_of(date));
        }
        if !cursor.take(b'T') && !cursor.take(b' ') {
            return Err(StampFault::Bad);
        }
        let time = cursor.time().ok_or(StampFault::Bad)?;
        let local = date.to_datetime(time);
        cursor.0 = cursor.0.trim_ascii();
        if cursor.0.is_empty() {
            return self.local(local);
        }
        let offset = cursor.offset().ok_or(StampFault::Bad)?;
        let seconds = jiff::tz::Offset::from_seconds(offset).map_err(|_| StampFault::Bad)?;
        nanos(seconds.to_timestamp(local).map_err(|_| StampFault::Bad)?)
    }
}

fn nanos(instant: jiff::Timestamp) -> Result<Stamp, StampFault> {
    i64::try_from(instant.as_nanosecond()).map(Stamp::Instant).map_err(|_| StampFault::Bad)
}

fn day_of(date: civil::Date) -> Stamp {
    let epoch = civil::date(1970, 1, 1);
    Stamp::Day(Date::from_days(epoch.until(date).map_or(0, |span| span.get_days())))
}

fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = !digits.is_empty() && digits.len() <= 19 && digits.iter().all(u8::is_ascii_digit);
    if whole { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

/// Reads an integer as seconds, milli-, micro- or nanoseconds by its magnitude (contract.md 4).
/// Eight digits that are a date are that date: as seconds they would be a day of 1970 to 1973.
pub(crate) fn integer_stamp(value: i64, digits: usize) -> Option<Stamp> {
    if digits == 8 && value >= 19_000_101 {
        return compact_date(value).map(day_of);
    }
    let unit = match value.unsigned_abs() {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    value.checked_mul(unit).map(Stamp::Instant)
}

/// Reads the number `YYYYMMDD`.
pub(crate) fn compact_date(value: i64) -> Option<civil::Date> {
    let year = i16::try_from(value / 10_000).ok()?;
    let month = i8::try_from(value / 100 % 100).ok()?;
    let day = i8::try_from(value % 100).ok()?;
    civil::Date::new(year, month, day).ok()
}

/// Takes a format in letters (`yyyyMMdd HHmmss`) as well as in percent signs.
fn strftime_of(format: &str) -> String {
    if format.contains('%') {
        return format.into();
    }
    let pairs =
        [("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S")];
    pairs.iter().fold(format.to_owned(), |text, (letters, code)| text.replace(letters, code))
}

/// The rest of a text that is read from the left.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((&first, rest)) if first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i16> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let value = digits.iter().try_fold(0_i16, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i16::from(digit - b'0'))
        })?;
        self.0 = rest;
        Some(value)
    }

    fn two(&mut self) -> Option<i8> {
        self.digits(2).and_then(|value| i8::try_from(value).ok())
    }

    fn date(&mut self) -> Option<civil::Date> {
        let year = self.digits(4)?;
        let dashed = self.take(b'-');
        let month = self.two()?;
        if dashed && !self.take(b'-') {
            return None;
        }
        civil::Date::new(year, month, self.two()?).ok()
    }

    fn time(&mut self) -> Option<civil::Time> {
        let hour = self.two()?;
        let colons = self.take(b':');
        let minute = self.two()?;
        let more = if colons { self.take(b':') } else { self.starts_with_digit() };
        let second = if more { self.two()? } else { 0 };
        let nanos = if more && self.take(b'.') { self.fraction()? } else { 0 };
        civil::Time::new(hour, minute, second, nanos).ok()
    }

    fn starts_with_digit(&self) -> bool {
        self.0.first().is_some_and(u8::is_ascii_digit)
    }

    fn fraction(&mut self) -> Option<i32> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || count > 9 {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let value = digits.iter().fold(0_i32, |sum, digit| sum * 10 + i32::from(digit - b'0'));
        Some(value * 10_i32.pow(9 - u32::try_from(count).ok()?))
    }

    /// Reads `Z`, `+HH`, `+HHMM` or `+HH:MM` to the end of the text, in seconds.
    fn offset(&mut self) -> Option<i32> {
        if self.take(b'Z') || self.take(b'z') {
            return self.0.is_empty().then_some(0);
        }
        if self.0 == b"UTC" {
            return Some(0);
        }
        let sign = if self.take(b'-') {
            -1
        } else if self.take(b'+') {
            1
        } else {
            return None;
        };
        let hours = i32::from(self.two()?);
        let colon = self.take(b':');
        let minutes = if colon || !self.0.is_empty() { i32::from(self.two()?) } else { 0 };
        (self.0.is_empty() && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    fn read(zone: Option<&str>, format: Option<&str>, text: &str) -> Result<String, StampFault> {
        let reader = StampReader::new(zone, format).unwrap();
        reader.read(text.as_bytes()).map(|stamp| match stamp {
            Stamp::Instant(nanos) => Timestamp::from_nanos(nanos).to_string(),
            Stamp::Day(date) => date.to_string(),
        })
    }

    /// contract.md section 4: integer times by magnitude.
    #[test]
    fn integers_by_magnitude() {
        for text in ["1577975400", "1577975400000", "1577975400000000", "1577975400000000000"] {
            assert_eq!(read(None, None, text).unwrap(), "2020-01-02T14:30:00Z", "{text}");
        }
        assert_eq!(read(None, None, "20110103").unwrap(), "2011-01-03");
        assert_eq!(read(None, None, "20111303"), Err(StampFault::Bad));
    }

    #[test]
    fn iso_with_zone() {
        for text in [
            "2023-05-24 21:16:00+00:00",
            "2023-05-24T21:16:00Z",
            "2023-05-24T21:16Z",
            "2023-05-24T17:16:00.000-04:00",
            "2023-05-24T17:16:00-0400",
            "20230524T211600Z",
            "2023-05-24 21:16:00 UTC",
        ] {
            assert_eq!(read(None, None, text).unwrap(), "2023-05-24T21:16:00Z", "{text}");
        }
        for text in ["", "x", "2023-02-30", "2023-05-24T25:00Z", "2023-05-24T21:16+0", "2023-5-4"] {
            assert_eq!(read(None, None, text), Err(StampFault::Bad), "{text}");
        }
    }

    /// TC5: the zone is stated and IANA; skipped and repeated hours are refused.
    #[test]
    fn local_times_need_a_zone() {
        let new_york = Some("America/New_York");
        assert_eq!(read(None, None, "2020-12-15 09:30"), Err(StampFault::NoZone));
        assert_eq!(read(None, None, "2020-12-15 00:00:00").unwrap(), "2020-12-15");
        assert_eq!(read(new_york, None, "2020-12-15 09:30").unwrap(), "2020-12-15T14:30:00Z");
        assert_eq!(read(new_york, None, "2020-07-15 09:30").unwrap(), "2020-07-15T13:30:00Z");
        assert_eq!(read(Some("UTC"), None, "20110103 090100").unwrap(), "2011-01-03T09:01:00Z");
        assert_eq!(read(new_york, None, "2011-03-13 02:30"), Err(StampFault::Bad));
        assert_eq!(read(new_york, None, "2011-11-06 01:30"), Err(StampFault::Bad));
        assert!(StampReader::new(Some("Mars/Base"), None).is_err());
    }

    #[test]
    fn stated_formats_in_percent_or_letters() {
        let utc = Some("UTC");
        for format in ["%Y%m%d %H%M%S", "yyyyMMdd HHmmss"] {
            let time = read(utc, Some(format), "20110103 090100").unwrap();
            assert_eq!(time, "2011-01-03T09:01:00Z");
            assert_eq!(read(None, Some(format), "20110103 090100"), Err(StampFault::NoZone));
            assert_eq!(read(utc, Some(format), "2011-01-03"), Err(StampFault::Bad));
        }
        assert_eq!(read(None, Some("%m/%d/%Y"), "01/03/2011").unwrap(), "2011-01-03");
        let zoned = read(None, Some("%d.%m.%Y %H:%M %z"), "03.01.2011 09:01 +0100").unwrap();
        assert_eq!(zoned, "2011-01-03T08:01:00Z");
    }
}
