//! When a trade settles (TC8).
//!
//! The broker's statement is what counts; this is the rule to compare it with.

use super::{Calendar, holidays};
use crate::Date;

/// First trade date of each cycle (year, month, day) and its business days, newest first.
const CYCLES: [((i16, i8, i8), u8); 3] = [((2024, 5, 28), 1), ((2017, 9, 5), 2), ((1995, 6, 7), 3)];
/// The cycle before the first row.
const OLDEST_CYCLE: u8 = 5;

/// Returns the settlement date of trades made on the session `trade_date`: one business day later
/// since 2024-05-28, two since 2017-09-05, three since 1995-06-07, five before.
///
/// Business days are the exchange's sessions without the bank holidays on which it trades
/// (Columbus Day, Veterans Day). `None` when `trade_date` is no session, or when the calendar ends
/// before the settlement date.
pub fn settlement_date(calendar: &Calendar, trade_date: Date) -> Option<Date> {
    let mut date = calendar.session(trade_date).ok()??.date;
    let ymd = trade_date.ymd();
    let cycle = CYCLES.iter().find(|row| ymd >= row.0).map_or(OLDEST_CYCLE, |row| row.1);
    for _ in 0..cycle {
        date = calendar.next_session(date)?.date;
        while holidays::bank_holiday_only(date) {
            date = calendar.next_session(date)?.date;
        }
    }
    Some(date)
}
