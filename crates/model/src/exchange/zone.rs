//! New York time, from the IANA zone that is compiled into the binary (TC5).
//!
//! Conversions run for each row of an import, so the zone's transitions are read once from jiff
//! into a table with an index by time; a conversion is then one look-up. The machine's own zone,
//! its `TZ` variable and its zone files are never read.
//!
//! Invariant: every instant of [`Timestamp`]'s range has a New York date and time.

use std::sync::OnceLock;

use jiff::tz::{self, TimeZone};

use crate::{Date, SECOND_NS, Timestamp};

static NEW_YORK: TimeZone = tz::get!("America/New_York");

/// Seconds in a day.
const DAY: i64 = 86_400;
/// Width of an index step, as a power of two of seconds: about 194 days, so that a step holds at
/// most a few transitions.
const STEP_BITS: u32 = 24;
/// First and last second of [`Timestamp`]'s range.
const FIRST: i64 = i64::MIN / SECOND_NS - 1;
const LAST: i64 = i64::MAX / SECOND_NS;

/// A time of day in New York.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LocalTime {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl LocalTime {
    /// Returns the whole minutes since midnight, 0 to 1439.
    #[inline]
    pub const fn minute_of_day(self) -> u16 {
        self.hour as u16 * 60 + self.minute as u16
    }
}

/// The offsets of the zone over the whole range of [`Timestamp`].
struct Offsets {
    /// (first second in UTC, seconds to add to UTC), ascending.
    transitions: Vec<(i64, i64)>,
    /// For each step of time, the transition in force at its beginning.
    index: Vec<u32>,
}

impl Offsets {
    fn read() -> Self {
        let earliest = jiff::Timestamp::MIN;
        let first_offset = i64::from(NEW_YORK.to_offset(earliest).seconds());
        let mut transitions = vec![(i64::MIN, first_offset)];
        for transition in NEW_YORK.following(earliest) {
            let second = transition.timestamp().as_second();
            if second > LAST {
                break;
            }
            transitions.push((second, i64::from(transition.offset().seconds())));
        }
        let steps = ((LAST - FIRST) >> STEP_BITS) + 1;
        let mut index = Vec::new();
        let mut current = 0;
        for step in 0..steps {
            let begin = FIRST + (step << STEP_BITS);
            while transitions.get(current + 1).is_some_and(|next| next.0 <= begin) {
                current += 1;
            }
            index.push(u32::try_from(current).unwrap_or(0));
        }
        Self { transitions, index }
    }

    /// Returns the seconds to add to UTC at the second `utc`; beyond the range the nearest answer.
    #[inline]
    fn at(&self, utc: i64) -> i64 {
        let step = (utc.clamp(FIRST, LAST) - FIRST) >> STEP_BITS;
        let mut current = self.index[step as usize] as usize;
        while let Some(next) = self.transitions.get(current + 1)
            && next.0 <= utc
        {
            current += 1;
        }
        self.transitions[current].1
    }
}

fn offsets() -> &'static Offsets {
    static OFFSETS: OnceLock<Offsets> = OnceLock::new();
    OFFSETS.get_or_init(Offsets::read)
}

/// Returns the seconds of New York's wall clock since 1970-01-01 00:00 there.
#[inline]
fn local_seconds(t: Timestamp) -> i64 {
    let utc = t.nanos().div_euclid(SECOND_NS);
    utc + offsets().at(utc)
}

/// Returns the date in New York at `t`.
#[inline]
pub fn new_york_date(t: Timestamp) -> Date {
    // The range of Timestamp is about +-107,000 days.
    Date::from_days(local_seconds(t).div_euclid(DAY) as i32)
}

/// Returns the time of day in New York at `t`, the fraction of the second cut off.
#[inline]
pub fn new_york_time(t: Timestamp) -> LocalTime {
    let in_day = local_seconds(t).rem_euclid(DAY);
    LocalTime {
        hour: (in_day / 3600) as u8,
        minute: (in_day / 60 % 60) as u8,
        second: (in_day % 60) as u8,
    }
}

/// Returns the instant of a date and time in New York, saturating at [`Timestamp`]'s range.
///
/// A time that happens twice (the hour before the end of daylight time) is the first of the two;
/// a time that is skipped (02:00-03:00 at its beginning) is as much later as the clock jumped. A
/// value beyond 23:59:59 runs on into the next day.
#[inline]
pub fn from_new_york(date: Date, hour: u8, minute: u8, second: u8) -> Timestamp {
    let in_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    let local = i64::from(date.days()) * DAY + in_day;
    // Read with the summer offset, an instant before either change gives the offset in force
    // before it, one after it the offset after it: the right one in all cases above.
    let offset = offsets().at(local + 4 * 3600);
    Timestamp::from_nanos((local - offset).saturating_mul(SECOND_NS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// TC5: the rules of 2007 and those of 1987-2006, on the days of the change and around them.
    #[test]
    fn offsets_follow_the_zone() {
        for (day, utc) in [
            ("2026-03-07", "2026-03-07T14:30:00Z"),
            ("2026-03-08", "2026-03-08T13:30:00Z"),
            ("2026-10-31", "2026-10-31T13:30:00Z"),
            ("2026-11-01", "2026-11-01T14:30:00Z"),
            ("2006-04-01", "2006-04-01T14:30:00Z"),
            ("2006-04-02", "2006-04-02T13:30:00Z"),
            ("2006-10-28", "2006-10-28T13:30:00Z"),
            ("2006-10-29", "2006-10-29T14:30:00Z"),
        ] {
            let open = from_new_york(date(day), 9, 30, 0);
            assert_eq!(open.to_string(), utc);
            assert_eq!(new_york_date(open), date(day));
            assert_eq!(new_york_time(open), LocalTime { hour: 9, minute: 30, second: 0 });
        }
    }

    /// Skipped and repeated times have one documented answer.
    #[test]
    fn skipped_and_repeated_times() {
        for (day, (h, m), utc) in [
            ("2026-03-08", (1, 59), "2026-03-08T06:59:00Z"),
            ("2026-03-08", (2, 30), "2026-03-08T07:30:00Z"),
            ("2026-03-08", (3, 0), "2026-03-08T07:00:00Z"),
            ("2026-11-01", (0, 59), "2026-11-01T04:59:00Z"),
            ("2026-11-01", (1, 30), "2026-11-01T05:30:00Z"),
            ("2026-11-01", (2, 0), "2026-11-01T07:00:00Z"),
        ] {
            assert_eq!(from_new_york(date(day), h, m, 0).to_string(), utc, "{day} {h}:{m}");
        }
    }

    /// The table agrees with jiff itself, also outside the years of the calendar.
    #[test]
    fn agrees_with_jiff() {
        let mut t = "1885-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        let end = "2150-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        while t < end {
            let exact = jiff::Timestamp::from_nanosecond(i128::from(t.nanos())).unwrap();
            let civil = NEW_YORK.to_datetime(exact);
            assert_eq!(new_york_date(t), Date::from_civil(civil.date()), "{t}");
            let time = new_york_time(t);
            assert_eq!(
                (time.hour as i8, time.minute as i8, time.second as i8),
                (civil.hour(), civil.minute(), civil.second()),
                "{t}"
            );
            // Not a divisor of a day: all times of day are met.
            t = t.plus_nanos(26_700_000_000_000 * 7);
        }
        for t in [Timestamp::MIN, Timestamp::MAX] {
            let _ = (new_york_date(t), new_york_time(t));
        }
        let _ = from_new_york(Date::from_days(i32::MAX), 255, 255, 255);
        let _ = from_new_york(Date::from_days(i32::MIN), 0, 0, 0);
    }
}
