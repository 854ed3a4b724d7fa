//! Sessions and closures (TC1-TC9, C23, F30-F33).

use std::process::Command;

use model::exchange::{
    Calendar, CalendarError, Segment, from_new_york, new_york_date, new_york_time,
};
use model::{Date, MINUTE_NS};

use crate::support::{at, date, rows};

fn close_of(calendar: &Calendar, day: &str) -> String {
    calendar.session(date(day)).unwrap().unwrap().close.to_string()
}

/// Returns the dates of the oracle's years, by its first and last session.
fn years_of(rows: &[[String; 3]]) -> (Date, Date) {
    let first = date(&rows.first().unwrap()[0]).ymd().0;
    let last = date(&rows.last().unwrap()[0]).ymd().0;
    (Date::from_ymd(first, 1, 1).unwrap(), Date::from_ymd(last, 12, 31).unwrap())
}

/// TC1: open and close of every session in UTC, and no session besides.
#[test]
fn every_session_of_the_oracle() {
    let calendar = Calendar::nyse();
    let expected = rows("nyse_sessions_1990_2030.csv", ["session", "open_utc", "close_utc"]);
    let (from, to) = years_of(&expected);
    let sessions = calendar.sessions(from, to).unwrap();
    for (session, [day, open, close]) in sessions.iter().zip(&expected) {
        assert_eq!(session.date, date(day));
        assert_eq!((session.open, session.close), (at(open), at(close)), "{day}");
        let local = [session.pre_open, session.open, session.close, session.post_close];
        let local = local.map(|t| (new_york_date(t), new_york_time(t).minute_of_day()));
        assert_eq!(local[0], (session.date, 240), "{day}");
        assert_eq!(local[1], (session.date, 570), "{day}");
        assert_eq!(local[3], (session.date, 1200), "{day}");
        assert_eq!(session.early_close, local[2].1 < 960, "{day}");
        assert_eq!(calendar.closure_reason(session.date), None, "{day}");
        assert_eq!(calendar.hours_reason(session.date).is_some(), session.early_close, "{day}");
    }
    assert_eq!(sessions.len(), expected.len());
}

/// TC3: every closure of the oracle has a reason; the unscheduled ones are told apart.
#[test]
fn every_closure_of_the_oracle() {
    let calendar = Calendar::nyse();
    let closures = rows("nyse_closures.csv", ["date", "kind", "note"]);
    let listed: Vec<Date> = closures.iter().map(|row| date(&row[0])).collect();
    for ([text, kind, note], &day) in closures.iter().zip(&listed) {
        assert_eq!(calendar.session(day), Ok(None), "{text}");
        let reason = calendar.closure_reason(day).unwrap();
        let irregular = ["Funeral", "Hurricane", "Attacks"].iter().any(|r| reason.starts_with(r));
        assert_eq!(irregular, kind == "unscheduled", "{text}: {reason}, {note}");
    }
    // The other weekdays are sessions, and weekends are named so.
    let (from, to) = years_of(&closures);
    for day in (from.days()..=to.days()).map(Date::from_days) {
        let expected = if day.weekday() >= 5 {
            Some("Weekend")
        } else if listed.contains(&day) {
            continue;
        } else {
            None
        };
        assert_eq!(calendar.closure_reason(day), expected, "{day}");
    }
}

/// TC4: where public calendars disagree, exchange_calendars holds.
#[test]
fn disputed_times() {
    let calendar = Calendar::nyse();
    let columns = ["session", "exchange_calendars_open_ny", "exchange_calendars_close_ny"];
    for [day, open, close] in rows("nyse_disputed_times.csv", columns) {
        let session = calendar.session(date(&day)).unwrap().unwrap();
        let local = [session.open, session.close].map(|t| {
            let time = new_york_time(t);
            format!("{:02}:{:02}", time.hour, time.minute)
        });
        assert_eq!(local, [open, close], "{day}");
    }
}

/// TC2 on 2026-2028, F31, F32: half days and observed holidays.
#[test]
fn holidays_of_the_coming_years() {
    let calendar = Calendar::nyse();
    for (day, reason) in [
        ("2026-07-03", "Independence Day (observed)"),
        ("2026-11-26", "Thanksgiving Day"),
        ("2027-12-24", "Christmas Day (observed)"),
        ("2027-06-18", "Juneteenth (observed)"),
        ("2025-01-09", "Funeral of President Carter"),
        ("2012-10-29", "Hurricane Sandy"),
        ("2026-11-28", "Weekend"),
    ] {
        assert_eq!(calendar.session(date(day)), Ok(None), "{day}");
        assert_eq!(calendar.closure_reason(date(day)), Some(reason), "{day}");
    }
    let early = |year: i16| {
        let from = Date::from_ymd(year, 1, 1).unwrap();
        let sessions = calendar.sessions(from, Date::from_ymd(year, 12, 31).unwrap()).unwrap();
        let early = sessions.into_iter().filter(|session| session.early_close);
        early.map(|session| session.date.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(early(2026), ["2026-11-27", "2026-12-24"]);
    assert_eq!(early(2027), ["2027-11-26"]);
    assert_eq!(early(2028), ["2028-07-03", "2028-11-24"]);
    assert_eq!(close_of(&calendar, "2026-11-27"), "2026-11-27T18:00:00Z");
    assert_eq!(close_of(&calendar, "2026-12-24"), "2026-12-24T18:00:00Z");
    assert_eq!(close_of(&calendar, "2026-07-02"), "2026-07-02T20:00:00Z");
    // No holiday for 1 January 2028, a Saturday.
    for day in ["2027-12-31", "2028-01-03"] {
        assert!(calendar.session(date(day)).unwrap().is_some_and(|s| !s.early_close), "{day}");
    }
}

/// F30, TC5: the days around a change of the clocks are right in UTC.
#[test]
fn opens_move_with_daylight_time() {
    let calendar = Calendar::nyse();
    for (day, open) in [
        ("2026-03-06", "2026-03-06T14:30:00Z"),
        ("2026-03-09", "2026-03-09T13:30:00Z"),
        ("2026-10-30", "2026-10-30T13:30:00Z"),
        ("2026-11-02", "2026-11-02T14:30:00Z"),
        ("2006-03-31", "2006-03-31T14:30:00Z"),
        ("2006-04-03", "2006-04-03T13:30:00Z"),
        ("2006-10-30", "2006-10-30T14:30:00Z"),
    ] {
        assert_eq!(calendar.session(date(day)).unwrap().unwrap().open, at(open));
    }
}

/// TC6: a time belongs to its day's session until 20:00, then to the next session.
#[test]
fn trade_dates() {
    let calendar = Calendar::nyse();
    for (day, (hour, minute), trade_date) in [
        ("2026-11-25", (3, 59), "2026-11-25"),
        ("2026-11-25", (4, 0), "2026-11-25"),
        ("2026-11-25", (9, 30), "2026-11-25"),
        ("2026-11-25", (19, 59), "2026-11-25"),
        ("2026-11-25", (20, 0), "2026-11-27"),
        ("2026-11-26", (12, 0), "2026-11-27"),
        ("2026-11-27", (13, 0), "2026-11-27"),
        ("2026-11-27", (20, 0), "2026-11-30"),
        ("2026-11-28", (0, 0), "2026-11-30"),
        ("2026-11-29", (20, 0), "2026-11-30"),
        ("2026-12-31", (20, 0), "2027-01-04"),
    ] {
        let t = from_new_york(date(day), hour, minute, 0);
        assert_eq!(calendar.trade_date(t), Some(date(trade_date)), "{day} {hour}:{minute}");
    }
}

/// TB3, TC7, F33: segments include their beginning and not their end, on half days too.
#[test]
fn segments_are_half_open() {
    let calendar = Calendar::nyse();
    for day in ["2026-11-25", "2026-11-27", "2026-03-09"] {
        let session = calendar.session(date(day)).unwrap().unwrap();
        for (edge, before, after) in [
            (session.pre_open, None, Some(Segment::Pre)),
            (session.open, Some(Segment::Pre), Some(Segment::Rth)),
            (session.close, Some(Segment::Rth), Some(Segment::Post)),
            (session.post_close, Some(Segment::Post), None),
        ] {
            for (t, expected) in [(edge.plus_nanos(-1), before), (edge, after)] {
                assert_eq!(session.segment(t), expected, "{t}");
                assert_eq!(session.is_open(t), expected == Some(Segment::Rth), "{t}");
                assert_eq!(calendar.session_at(t), expected.map(|_| session), "{t}");
            }
        }
        assert_eq!(session.minutes_since_open(session.open), 0);
        assert_eq!(session.minutes_since_open(session.open.plus_nanos(-1)), -1);
        assert_eq!(session.minutes_since_open(session.open.plus_nanos(MINUTE_NS)), 1);
        assert_eq!(session.minutes_since_open(session.close), session.minutes());
    }
}

#[test]
fn neighbouring_sessions() {
    let calendar = Calendar::nyse();
    let next = |day: &str| calendar.next_session(date(day)).map(|s| s.date.to_string());
    let previous = |day: &str| calendar.previous_session(date(day)).map(|s| s.date.to_string());
    assert_eq!(next("2026-11-25").as_deref(), Some("2026-11-27"));
    assert_eq!(previous("2026-11-30").as_deref(), Some("2026-11-27"));
    assert_eq!(next("2001-09-10").as_deref(), Some("2001-09-17"));
    assert_eq!(next("1989-12-31").as_deref(), Some("1990-01-02"));
    assert_eq!(previous("2031-01-01").as_deref(), Some("2030-12-31"));
    // TC9: unknown days lie between.
    assert_eq!((next("1989-12-30"), previous("1990-01-02")), (None, None));
    assert_eq!((next("2030-12-31"), previous("2031-01-02")), (None, None));
}

/// TC9: a year outside the calendar is an error, not a day without a session.
#[test]
fn unknown_years_fail_closed() {
    let calendar = Calendar::nyse();
    let (first, last) = (calendar.first_year(), calendar.last_year());
    assert_eq!((first, last), (1990, 2030));
    for (day, year) in [("1989-12-29", 1989), ("2031-01-02", 2031), ("2999-12-31", 2999)] {
        let error = CalendarError::NoYear { year, first, last };
        assert_eq!(calendar.session(date(day)), Err(error.clone()));
        assert_eq!(calendar.closure_reason(date(day)), None);
        assert!(error.to_string().contains(&year.to_string()), "{error}");
    }
    assert_eq!(calendar.session_at(at("2031-01-02T15:00:00Z")), None);
    assert_eq!(calendar.trade_date(at("2031-01-02T15:00:00Z")), None);
    assert_eq!(calendar.trade_date(at("2030-12-31T15:00:00Z")), Some(date("2030-12-31")));
    assert!(calendar.sessions(date("2030-12-01"), date("2031-01-01")).is_err());
    assert!(calendar.sessions(Date::from_days(i32::MIN), Date::from_days(i32::MAX)).is_err());
    assert_eq!(calendar.sessions(date("2026-01-05"), date("2026-01-04")), Ok(Vec::new()));
}

/// TC1, F32: an operator closes a day, moves hours, opens a day, without a new build.
#[test]
fn overrides_change_single_days() {
    let text = "
        # from the exchange's notice
        2026-12-04 closed \"National day of mourning\"
        2026-11-30 open 10:30 close 13:00 \"Power failure\"
        2026-12-01 open 11:00 Snow    # a reason of one word needs no quotes
        2026-12-02 close 14:30 \"Snow\"
        2026-12-24 close 16:00 \"Regular after all\"
        2026-12-05 open 09:30 \"Saturday session\"
    ";
    let calendar = Calendar::nyse().with_overrides(text).unwrap();
    assert_eq!(calendar.session(date("2026-12-04")), Ok(None));
    assert_eq!(calendar.closure_reason(date("2026-12-04")), Some("National day of mourning"));
    for (day, open, close, early) in [
        ("2026-11-30", "15:30", "18:00", true),
        ("2026-12-01", "16:00", "21:00", false),
        ("2026-12-02", "14:30", "19:30", true),
        ("2026-12-24", "14:30", "21:00", false),
        ("2026-12-05", "14:30", "21:00", false),
        ("2026-12-03", "14:30", "21:00", false),
    ] {
        let session = calendar.session(date(day)).unwrap().unwrap();
        assert_eq!(session.open, at(&format!("{day}T{open}:00Z")));
        assert_eq!(session.close, at(&format!("{day}T{close}:00Z")));
        assert_eq!(session.early_close, early, "{day}");
    }
    assert_eq!(calendar.hours_reason(date("2026-12-01")), Some("Snow"));
    assert_eq!(calendar.next_session(date("2026-12-03")).unwrap().date, date("2026-12-05"));
    // An override of one of the shipped closures leaves the other days of that name alone.
    let calendar = Calendar::nyse().with_overrides("2012-10-29 open 09:30 Test").unwrap();
    assert!(calendar.session(date("2012-10-29")).unwrap().is_some());
    assert_eq!(calendar.closure_reason(date("2012-10-30")), Some("Hurricane Sandy"));
}

/// TC1: a refused line names its number, the value and what is allowed.
#[test]
fn overrides_are_checked() {
    for (text, line, value, expected) in [
        ("2026-12-04 shut \"x\"", 1, "2026-12-04 shut x", "closed"),
        ("\n2026-12-04 closed", 2, "2026-12-04 closed", "reason"),
        ("2026-12-04 closed \"\"", 1, "2026-12-04 closed ", "reason"),
        ("2026-12-04 open 10:00 \"\"", 1, "2026-12-04 open 10:00 ", "reason"),
        ("2026-13-04 closed x", 1, "2026-13-04", "date"),
        ("# a\n# b\n2031-01-02 closed x", 3, "2031-01-02", "1990 to 2030"),
        ("2026-12-04 open 25:00 x", 1, "25:00", "HH:MM"),
        ("2026-12-04 open 3:00 x", 1, "3:00", "HH:MM"),
        ("2026-12-04 open 03:59 x", 1, "03:59", "04:00 to 20:00"),
        ("2026-12-04 close 20:01 x", 1, "20:01", "04:00 to 20:00"),
        ("2026-12-04 close 09:30 x", 1, "2026-12-04 close 09:30 x", "after the open"),
        ("2026-12-04 closed x\n2026-12-04 closed y", 2, "2026-12-04", "one entry per date"),
        ("2026-12-04 closed \"x", 1, "2026-12-04 closed \"x", "closing double quote"),
    ] {
        let Err(CalendarError::Override(error)) = Calendar::nyse().with_overrides(text) else {
            panic!("{text:?} was taken");
        };
        assert_eq!((error.line, error.value.as_str()), (line, value), "{text:?}");
        assert!(error.expected.contains(expected), "{text:?}: {error}");
    }
}

/// TC5: the zone of the machine does not matter; this binary's calendar tests pass under others.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test runs its own binary under other zones")]
fn zone_of_the_machine_does_not_matter() {
    let program = std::env::current_exe().unwrap();
    for zone in ["Asia/Tokyo", "UTC", "", "America/Los_Angeles"] {
        let output = Command::new(&program)
            .args(["calendar::", "--skip", "zone_of_the_machine"])
            .env("TZ", zone)
            .env("TZDIR", "/nonexistent")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "TZ={zone:?}\n{text}");
        assert!(!text.contains("ok. 0 passed"), "TZ={zone:?} ran nothing\n{text}");
    }
}
