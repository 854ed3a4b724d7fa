//! Minutes of a session, counted for tables by minute.

use model::exchange::Session;
use model::{MINUTE_NS, Timestamp};

/// Returns the whole minutes of `pre` (330 on a usual day), at most one day's.
pub(crate) fn pre_minutes(session: &Session) -> u16 {
    whole_minutes(session.pre_open, session.open)
}

/// Returns the whole minutes of `rth` (390, on a half day 210), at most one day's.
pub(crate) fn rth_minutes(session: &Session) -> u16 {
    whole_minutes(session.open, session.close)
}

/// Returns the whole minutes from `from` to `to`, within 0..=1440.
fn whole_minutes(from: Timestamp, to: Timestamp) -> u16 {
    (to.since(from) / MINUTE_NS).clamp(0, 1440) as u16
}

/// Returns the number of the minute that holds `at`, counted from `from`; 0 for earlier instants.
#[inline]
pub(crate) fn minute_index(from: Timestamp, at: Timestamp) -> usize {
    usize::try_from(at.since(from) / MINUTE_NS).unwrap_or(0)
}
