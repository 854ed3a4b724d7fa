//! Settlement dates (TC8).

use model::exchange::{Calendar, settlement_date};

use crate::support::date;

/// TC8: the cycle in force on the trade date, bank holidays not counted.
#[test]
fn settlement_dates() {
    let calendar = Calendar::nyse();
    for (trade, settled) in [
        // The change to T+1: two trade dates settle on the same day.
        ("2024-05-23", "2024-05-28"),
        ("2024-05-24", "2024-05-29"),
        ("2024-05-28", "2024-05-29"),
        ("2024-05-31", "2024-06-03"),
        // The change to T+2, after Labor Day.
        ("2017-09-01", "2017-09-07"),
        ("2017-09-05", "2017-09-07"),
        // The change to T+3.
        ("1995-06-06", "1995-06-13"),
        ("1995-06-07", "1995-06-12"),
        // Columbus Day 2026-10-12 and Veterans Day 2026-11-11: trades, no settlement.
        ("2026-10-09", "2026-10-13"),
        ("2026-10-12", "2026-10-13"),
        ("2026-11-10", "2026-11-12"),
        ("2026-11-11", "2026-11-12"),
        ("2023-10-06", "2023-10-11"),
        // Veterans Day on a Sunday rests on Monday, on a Saturday not at all.
        ("2018-11-09", "2018-11-14"),
        ("2023-11-09", "2023-11-13"),
        // Over Thanksgiving, and a half day counts.
        ("2026-11-25", "2026-11-27"),
        ("2026-11-27", "2026-11-30"),
        // Banks rested on this day before the exchange did.
        ("1997-01-17", "1997-01-23"),
    ] {
        assert_eq!(settlement_date(&calendar, date(trade)), Some(date(settled)), "{trade}");
    }
}

/// No answer without a session or beyond the calendar (TC9).
#[test]
fn no_settlement_date() {
    let calendar = Calendar::nyse();
    for day in ["2026-11-26", "2026-11-28", "2030-12-31", "1989-12-29"] {
        assert_eq!(settlement_date(&calendar, date(day)), None, "{day}");
    }
}
