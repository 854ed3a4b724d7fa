//! The exchange's sessions by date (TC1-TC9, C23).
//!
//! The shipped years come from the rules and exceptions of [`holidays`](super::holidays); an
//! operator's dated lines go on top without a new build (F32). Orders for the closing auction have
//! earlier deadlines; those are the broker's data and not here (TC7).
//!
//! Invariant: a year outside the calendar has no answer, neither "open" nor "closed" (TC9).

use std::borrow::Cow;

use super::overrides::{self, Line, OverrideError};
use super::{from_new_york, holidays, new_york_date};
use crate::{Date, MINUTE_NS, Timestamp};

/// Minutes after midnight in New York at which premarket begins and after-hours ends (TB3).
const PRE_OPEN: u16 = 4 * 60;
const POST_CLOSE: u16 = 20 * 60;

/// The years of the shipped tables.
const FIRST_YEAR: i16 = 1990;
const LAST_YEAR: i16 = 2030;

/// A part of the exchange's day (TB3); each includes its beginning and not its end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Segment {
    /// From 04:00 to the open.
    Pre,
    /// From the open to the close.
    Rth,
    /// From the close to 20:00.
    Post,
}

impl Segment {
    /// Returns the name in files and JSON: `pre`, `rth` or `post`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Rth => "rth",
            Self::Post => "post",
        }
    }
}

/// One trade date's hours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Session {
    /// The trade date (TC6).
    pub date: Date,
    /// 04:00 in New York.
    pub pre_open: Timestamp,
    /// When regular trading begins.
    pub open: Timestamp,
    /// When regular trading ends: the first instant after it (TC7).
    pub close: Timestamp,
    /// 20:00 in New York.
    pub post_close: Timestamp,
    /// True when the close is before 16:00.
    pub early_close: bool,
}

impl Session {
    /// Returns the segment that holds `t`; `None` before 04:00 and from 20:00 on (TB3).
    #[inline]
    pub fn segment(&self, t: Timestamp) -> Option<Segment> {
        if t < self.pre_open || t >= self.post_close {
            None
        } else if t < self.open {
            Some(Segment::Pre)
        } else if t < self.close {
            Some(Segment::Rth)
        } else {
            Some(Segment::Post)
        }
    }

    /// Returns the whole minutes from the open to `t`, rounded down: negative before the open.
    #[inline]
    pub const fn minutes_since_open(&self, t: Timestamp) -> i64 {
        t.since(self.open).div_euclid(MINUTE_NS)
    }

    /// Returns true in regular trading: `open <= t < close` (TC7).
    #[inline]
    pub fn is_open(&self, t: Timestamp) -> bool {
        self.open <= t && t < self.close
    }

    /// Returns the length of regular trading in minutes: 390 on a regular day.
    #[inline]
    pub const fn minutes(&self) -> i64 {
        self.close.since(self.open) / MINUTE_NS
    }
}

/// Why the calendar has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The date's year is not in the calendar (TC9).
    #[error("no calendar for the year {year}: it covers {first} to {last}")]
    NoYear {
        /// The year asked for.
        year: i16,
        /// First year of the calendar.
        first: i16,
        /// Last year of the calendar.
        last: i16,
    },
    /// A line of the operator's overrides is refused.
    #[error("calendar: {0}")]
    Override(#[from] OverrideError),
}

/// What the calendar says of one date. Times are minutes after midnight in New York.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Day {
    Weekend,
    Closed { reason: u16 },
    Open { open: u16, close: u16, reason: u16 },
}

/// The reason of a day that needs none.
const NO_REASON: u16 = 0;

/// The sessions of a range of years.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Calendar {
    first_year: i16,
    last_year: i16,
    /// 1 January of the first year.
    first_date: Date,
    /// One entry per date.
    days: Vec<Day>,
    /// Texts that the days refer to; entry 0 is empty.
    reasons: Vec<Cow<'static, str>>,
}

impl Calendar {
    /// Returns the shipped calendar of the New York exchanges, 1990 to 2030 (TC1).
    ///
    /// The years ahead follow today's rules: a session that is added or lost by a later decision
    /// comes in through [`with_overrides`](Self::with_overrides).
    pub fn nyse() -> Self {
        let first_date = Date::from_ymd(FIRST_YEAR, 1, 1).unwrap_or_default();
        let end = Date::from_ymd(LAST_YEAR + 1, 1, 1).unwrap_or_default();
        let mut calendar = Self {
            first_year: FIRST_YEAR,
            last_year: LAST_YEAR,
            first_date,
            days: Vec::new(),
            reasons: vec![Cow::Borrowed("")],
        };
        for days in first_date.days()..end.days() {
            let day = calendar.day_by_rule(Date::from_days(days));
            calendar.days.push(day);
        }
        calendar
    }

    /// Returns the calendar with an operator's entries on top (TC1, F32).
    ///
    /// The text has one entry a line, `#` begins a comment, times are New York's:
    /// ```text
    /// 2026-12-04 closed "National day of mourning"
    /// 2026-11-30 open 10:30 close 13:00 "Power failure"
    /// 2026-12-07 close 14:30 "Snow storm"
    /// ```
    /// `open` and `close` may stand alone; what is not named is regular (09:30, 16:00). The reason
    /// is required, since it is shown wherever the day is. One entry per date. A refused line
    /// refuses the whole text.
    pub fn with_overrides(mut self, text: &str) -> Result<Self, CalendarError> {
        let mut seen: Vec<Date> = Vec::new();
        for line in overrides::lines(text)? {
            let date: Date = line.parse(0, "a date such as 2026-12-04")?;
            let index = self.index(date).map_err(|_| {
                let (first, last) = (self.first_year, self.last_year);
                line.error(&line.words[0], format_args!("a date from {first} to {last}"))
            })?;
            if seen.contains(&date) {
                return Err(line.error(&line.words[0], "one entry per date").into());
            }
            seen.push(date);
            let (hours, reason) = parse_hours(&line)?;
            let reason = self.reason_id(Cow::Owned(reason));
            self.days[index] = match hours {
                None => Day::Closed { reason },
                Some((open, close)) => Day::Open { open, close, reason },
            };
        }
        Ok(self)
    }

    /// Returns the first year of the calendar.
    pub const fn first_year(&self) -> i16 {
        self.first_year
    }

    /// Returns the last year of the calendar.
    pub const fn last_year(&self) -> i16 {
        self.last_year
    }

    /// Returns the session of `date`; `Ok(None)` is a known day without one, an error a year about
    /// which nothing is known (TC9: no opening orders).
    #[inline]
    pub fn session(&self, date: Date) -> Result<Option<Session>, CalendarError> {
        let Day::Open { open, close, .. } = self.days[self.index(date)?] else {
            return Ok(None);
        };
        let at = |minute: u16| from_new_york(date, (minute / 60) as u8, (minute % 60) as u8, 0);
        Ok(Some(Session {
            date,
            pre_open: at(PRE_OPEN),
            open: at(open),
            close: at(close),
            post_close: at(POST_CLOSE),
            early_close: close < holidays::REGULAR_CLOSE,
        }))
    }

    /// Returns why `date` has no session, such as "Thanksgiving Day" or "Weekend"; `None` for a
    /// session and for a year that is not in the calendar.
    pub fn closure_reason(&self, date: Date) -> Option<&str> {
        match self.days[self.index(date).ok()?] {
            Day::Weekend => Some("Weekend"),
            Day::Closed { reason } => Some(&self.reasons[usize::from(reason)]),
            Day::Open { .. } => None,
        }
    }

    /// Returns why the session of `date` has other than regular hours, such as "Christmas Eve".
    pub fn hours_reason(&self, date: Date) -> Option<&str> {
        match self.days[self.index(date).ok()?] {
            Day::Open { reason, .. } if reason != NO_REASON => {
                Some(&self.reasons[usize::from(reason)])
            }
            _ => None,
        }
    }

    /// Returns the session whose hours from 04:00 to 20:00 hold `t`; `None` at night, on days
    /// without a session and in years that are not in the calendar.
    #[inline]
    pub fn session_at(&self, t: Timestamp) -> Option<Session> {
        let session = self.session(new_york_date(t)).ok()??;
        (session.pre_open <= t && t < session.post_close).then_some(session)
    }

    /// Returns the trade date at `t` (TC6): the day's own session until 20:00, from then on the
    /// next one, likewise on days without a session; `None` when that is not in the calendar.
    pub fn trade_date(&self, t: Timestamp) -> Option<Date> {
        let date = new_york_date(t);
        match self.session(date).ok()? {
            Some(session) if t < session.post_close => Some(date),
            _ => self.next_session(date).map(|session| session.date),
        }
    }

    /// Returns the first session after `after`; `None` when a day before it is not in the
    /// calendar.
    pub fn next_session(&self, after: Date) -> Option<Session> {
        self.seek(after, 1)
    }

    /// Returns the last session before `before`; `None` when a day after it is not in the
    /// calendar.
    pub fn previous_session(&self, before: Date) -> Option<Session> {
        self.seek(before, -1)
    }

    /// Returns the sessions from `from` to `to`, both included; none when `to` is before `from`.
    /// A date of an unknown year in the range is an error (TC9).
    pub fn sessions(&self, from: Date, to: Date) -> Result<Vec<Session>, CalendarError> {
        if to < from {
            return Ok(Vec::new());
        }
        // Both ends known means that all between are, and that the range is small.
        self.index(from)?;
        self.index(to)?;
        let dates = (from.days()..=to.days()).map(Date::from_days);
        dates.filter_map(|date| self.session(date).transpose()).collect()
    }

    /// Returns what rules and shipped exceptions say of `date`.
    fn day_by_rule(&mut self, date: Date) -> Day {
        if date.weekday() >= 5 {
            return Day::Weekend;
        }
        if let Some(name) = holidays::closure(date) {
            return Day::Closed { reason: self.reason_id(Cow::Borrowed(name)) };
        }
        let (close, reason) = match holidays::early_close(date) {
            Some((close, name)) => (close, self.reason_id(Cow::Borrowed(name))),
            None => (holidays::REGULAR_CLOSE, NO_REASON),
        };
        Day::Open { open: holidays::REGULAR_OPEN, close, reason }
    }

    /// Returns the number of a text, which is added if it is new. Beyond 65,535 texts (an override
    /// file far longer than the calendar has days) the last one is shared.
    fn reason_id(&mut self, reason: Cow<'static, str>) -> u16 {
        let known = self.reasons.iter().position(|text| *text == reason);
        let index = known.unwrap_or_else(|| {
            self.reasons.push(reason);
            self.reasons.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    #[inline]
    fn index(&self, date: Date) -> Result<usize, CalendarError> {
        let offset = i64::from(date.days()) - i64::from(self.first_date.days());
        let index = usize::try_from(offset).ok().filter(|&index| index < self.days.len());
        index.ok_or_else(|| CalendarError::NoYear {
            year: date.ymd().0,
            first: self.first_year,
            last: self.last_year,
        })
    }

    fn seek(&self, from: Date, step: i32) -> Option<Session> {
        let mut date = from.plus_days(step);
        loop {
            if let Some(session) = self.session(date).ok()? {
                return Some(session);
            }
            date = date.plus_days(step);
        }
    }
}

/// Open and close in minutes after midnight; `None` for a day without a session.
type Hours = Option<(u16, u16)>;

/// Reads what follows the date: `closed "reason"`, or open and/or close and the reason.
fn parse_hours(line: &Line) -> Result<(Hours, String), OverrideError> {
    const FORM: &str =
        "closed \"reason\", or open HH:MM and/or close HH:MM and a \"reason\" after the date";
    let words: Vec<&str> = line.words.iter().skip(1).map(String::as_str).collect();
    let (open, close, reason) = match words[..] {
        ["closed", reason] if !reason.is_empty() => return Ok((None, reason.to_owned())),
        ["open", open, "close", close, reason] => (Some(open), Some(close), reason),
        ["open", open, reason] => (Some(open), None, reason),
        ["close", close, reason] => (None, Some(close), reason),
        _ => return Err(line.error_of_line(FORM)),
    };
    if reason.is_empty() {
        return Err(line.error_of_line(FORM));
    }
    let time = |word: Option<&str>, regular: u16| match word {
        None => Ok(regular),
        Some(text) => parse_minute(text)
            .filter(|minute| (PRE_OPEN..=POST_CLOSE).contains(minute))
            .ok_or_else(|| line.error(text, "a New York time from 04:00 to 20:00 as HH:MM")),
    };
    let open_minute = time(open, holidays::REGULAR_OPEN)?;
    let close_minute = time(close, holidays::REGULAR_CLOSE)?;
    if close_minute <= open_minute {
        return Err(line.error_of_line("a close after the open (09:30 when not named)"));
    }
    Ok((Some((open_minute, close_minute)), reason.to_owned()))
}

/// Reads `HH:MM` as minutes after midnight.
fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}
