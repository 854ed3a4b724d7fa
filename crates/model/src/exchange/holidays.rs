//! The rules of the exchange's holidays and half days, and the days no rule foresees (TC2, TC3).
//!
//! Pure date arithmetic: nothing here knows the time of day's zone or the years that are shipped
//! (see [`Calendar`](super::Calendar)).
//!
//! Invariant: rules and exceptions together give every session of 1990-2030 as published.

use crate::Date;

/// Minutes after midnight of the regular open and close.
pub(super) const REGULAR_OPEN: u16 = 9 * 60 + 30;
pub(super) const REGULAR_CLOSE: u16 = 16 * 60;
const HALF_DAY: u16 = 13 * 60;

/// Closures that no rule foresaw (TC3): year, month, day, reason.
const UNSCHEDULED: [(i16, i8, i8, &str); 11] = [
    (1994, 4, 27, "Funeral of President Nixon"),
    (2001, 9, 11, "Attacks of 11 September"),
    (2001, 9, 12, "Attacks of 11 September"),
    (2001, 9, 13, "Attacks of 11 September"),
    (2001, 9, 14, "Attacks of 11 September"),
    (2004, 6, 11, "Funeral of President Reagan"),
    (2007, 1, 2, "Funeral of President Ford"),
    (2012, 10, 29, "Hurricane Sandy"),
    (2012, 10, 30, "Hurricane Sandy"),
    (2018, 12, 5, "Funeral of President George H. W. Bush"),
    (2025, 1, 9, "Funeral of President Carter"),
];

/// Early closes that no rule gives (TC2, TC4): year, month, day, close in minutes, reason.
const IRREGULAR_CLOSES: [(i16, i8, i8, u16, &str); 9] = [
    (1990, 12, 24, 14 * 60, "Christmas Eve"),
    (1991, 12, 24, 14 * 60, "Christmas Eve"),
    (1992, 11, 27, 14 * 60, "Day after Thanksgiving"),
    (1992, 12, 24, 14 * 60, "Christmas Eve"),
    (1996, 7, 5, HALF_DAY, "Day after Independence Day"),
    (1997, 12, 26, HALF_DAY, "Day after Christmas"),
    (1999, 12, 31, HALF_DAY, "New Year's Eve"),
    (2002, 7, 5, HALF_DAY, "Day after Independence Day"),
    (2003, 12, 26, HALF_DAY, "Day after Christmas"),
];

/// Returns why the exchange is closed on the weekday `date`, by rule or by exception.
pub(super) fn closure(date: Date) -> Option<&'static str> {
    let (year, month, day) = date.ymd();
    let unscheduled = UNSCHEDULED.iter().find(|row| (row.0, row.1, row.2) == (year, month, day));
    unscheduled.map(|row| row.3).or_else(|| scheduled(date))
}

/// Returns the early close on `date` in minutes after midnight and its reason. Holidays come
/// first: the caller asks only about days that are sessions.
pub(super) fn early_close(date: Date) -> Option<(u16, &'static str)> {
    let (year, month, day) = date.ymd();
    let listed = IRREGULAR_CLOSES.iter().find(|row| (row.0, row.1, row.2) == (year, month, day));
    if let Some(row) = listed {
        return Some((row.3, row.4));
    }
    let reason = match (month, day) {
        (7, 3) if year >= 1995 && year != 1996 && year != 2002 => "Eve of Independence Day",
        (12, 24) if year >= 1993 => "Christmas Eve",
        // The day after the fourth Thursday: a Friday from the 23rd to the 29th.
        (11, 23..=29) if year >= 1993 && date.weekday() == 4 => "Day after Thanksgiving",
        _ => return None,
    };
    Some((HALF_DAY, reason))
}

/// A holiday with a fixed date: month, day, name on the day, name when moved, first year.
struct Fixed {
    month: i8,
    day: i8,
    name: &'static str,
    observed: &'static str,
    since: i16,
    /// False for New Year: a 1 January on a Saturday has no Friday off, because that Friday
    /// closes the books of the year.
    friday_before: bool,
}

const FIXED: [Fixed; 4] = [
    Fixed {
        month: 1,
        day: 1,
        name: "New Year's Day",
        observed: "New Year's Day (observed)",
        since: i16::MIN,
        friday_before: false,
    },
    Fixed {
        month: 6,
        day: 19,
        name: "Juneteenth",
        observed: "Juneteenth (observed)",
        since: 2022,
        friday_before: true,
    },
    Fixed {
        month: 7,
        day: 4,
        name: "Independence Day",
        observed: "Independence Day (observed)",
        since: i16::MIN,
        friday_before: true,
    },
    Fixed {
        month: 12,
        day: 25,
        name: "Christmas Day",
        observed: "Christmas Day (observed)",
        since: i16::MIN,
        friday_before: true,
    },
];

/// Returns the holiday that TC2's rules put on the weekday `date`.
fn scheduled(date: Date) -> Option<&'static str> {
    let (year, month, day) = date.ymd();
    let fixed = FIXED.iter().filter(|holiday| year >= holiday.since && holiday.month == month);
    for holiday in fixed {
        if holiday.day == day {
            return Some(holiday.name);
        }
        let monday_after = date.weekday() == 0 && day == holiday.day + 1;
        let friday_before = date.weekday() == 4 && day + 1 == holiday.day && holiday.friday_before;
        if monday_after || friday_before {
            return Some(holiday.observed);
        }
    }
    match (month, date.weekday(), day) {
        (1, 0, 15..=21) if year >= 1998 => Some("Martin Luther King Jr. Day"),
        (2, 0, 15..=21) => Some("Washington's Birthday"),
        (5, 0, 25..=31) => Some("Memorial Day"),
        (9, 0, 1..=7) => Some("Labor Day"),
        (11, 3, 22..=28) => Some("Thanksgiving Day"),
        (3 | 4, 4, _) if easter(year) == Some(date.plus_days(2)) => Some("Good Friday"),
        _ => None,
    }
}

/// Returns true for a weekday on which banks, and so settlement, rest while the exchange trades
/// (TC8): Columbus Day, Veterans Day (a Sunday moves to Monday, a Saturday is not made up), and
/// Martin Luther King Jr. Day before the exchange kept it.
pub(super) fn bank_holiday_only(date: Date) -> bool {
    let (year, month, day) = date.ymd();
    match (month, date.weekday(), day) {
        (1, 0, 15..=21) => (1986..1998).contains(&year),
        (10, 0, 8..=14) | (11, 0..=4, 11) | (11, 0, 12) => true,
        _ => false,
    }
}

/// Returns Easter Sunday of a Gregorian year, by the lunar tables of the calendar: the golden
/// number and the century's corrections give the full moon, Easter is the Sunday after it.
fn easter(year: i16) -> Option<Date> {
    let year32 = i32::from(year);
    let golden = year32.rem_euclid(19);
    let century = year32.div_euclid(100);
    let solar = century - century.div_euclid(4);
    let lunar = (8 * century + 13).div_euclid(25);
    let mut epact = (solar - lunar + 19 * golden + 15).rem_euclid(30);
    // The tables never let the full moon fall on 19 April, nor twice on the 18th in 19 years.
    if epact == 29 || (epact == 28 && golden > 10) {
        epact -= 1;
    }
    // `epact` is now the distance of the full moon from 21 March.
    let full_moon = Date::from_ymd(year, 3, 21)?.plus_days(epact);
    Some(full_moon.plus_days(7 - (i32::from(full_moon.weekday()) + 1) % 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// Published Easter Sundays, the earliest and latest of the range among them.
    #[test]
    fn easter_sundays() {
        for text in [
            "1981-04-19",
            "1990-04-15",
            "2000-04-23",
            "2008-03-23",
            "2011-04-24",
            "2024-03-31",
            "2025-04-20",
            "2026-04-05",
            "2027-03-28",
            "2038-04-25",
            "2049-04-18",
            "2076-04-19",
        ] {
            let expected = date(text);
            assert_eq!(easter(expected.ymd().0), Some(expected));
        }
    }

    /// TC2: how holidays move, and the one that does not.
    #[test]
    fn observed_holidays() {
        for (day, reason) in [
            ("2026-07-03", Some("Independence Day (observed)")),
            ("2027-12-24", Some("Christmas Day (observed)")),
            ("2027-12-31", None),
            ("2022-06-20", Some("Juneteenth (observed)")),
            ("2021-06-18", None),
            ("2023-01-02", Some("New Year's Day (observed)")),
            ("1997-01-20", None),
            ("1998-01-19", Some("Martin Luther King Jr. Day")),
            ("2026-04-03", Some("Good Friday")),
            ("2025-01-09", Some("Funeral of President Carter")),
        ] {
            assert_eq!(closure(date(day)), reason, "{day}");
        }
    }
}
