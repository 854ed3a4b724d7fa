//! The boundaries of one session as plain instants, and where a bar lies among them (TB3).
//!
//! The boundaries come from the calendar (TC1), which is the caller's; nothing here knows a zone
//! or a holiday.

use model::exchange::{Segment, Session};
use model::{Date, MINUTE_NS, Timestamp};

/// The boundaries of one session (TB3), in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionTimes {
    /// The session's date in New York.
    pub date: Date,
    /// Start of `pre`: 04:00 New York time.
    pub pre_open: Timestamp,
    /// The open: `pre` ends and `rth` begins.
    pub open: Timestamp,
    /// The close: `rth` ends and `post` begins; earlier on a half day.
    pub close: Timestamp,
    /// End of `post`: 20:00 New York time.
    pub post_close: Timestamp,
}

impl SessionTimes {
    /// Returns the segment that the instant lies in; none outside the day (or before one began).
    #[inline]
    pub fn segment(&self, at: Timestamp) -> Option<Segment> {
        if at < self.pre_open || at >= self.post_close {
            None
        } else if at < self.open {
            Some(Segment::Pre)
        } else if at < self.close {
            Some(Segment::Rth)
        } else {
            Some(Segment::Post)
        }
    }

    /// Returns the whole minutes of `pre` (330 on a usual day), at most one day's.
    pub fn pre_minutes(&self) -> u16 {
        whole_minutes(self.pre_open, self.open)
    }

    /// Returns the whole minutes of `rth` (390, on a half day 210), at most one day's.
    pub fn rth_minutes(&self) -> u16 {
        whole_minutes(self.open, self.close)
    }
}

impl From<&Session> for SessionTimes {
    fn from(session: &Session) -> Self {
        Self {
            date: session.date,
            pre_open: session.pre_open,
            open: session.open,
            close: session.close,
            post_close: session.post_close,
        }
    }
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

model::record!(SessionTimes { 1: date, 2: pre_open, 3: open, 4: close, 5: post_close });

#[cfg(test)]
mod tests {
    use super::*;

    /// TB3, TC7: each segment holds its first instant and not its last.
    #[test]
    fn segments_are_half_open() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let half_day = SessionTimes {
            date: "2026-11-27".parse().unwrap(),
            pre_open: at("2026-11-27T09:00:00Z"),
            open: at("2026-11-27T14:30:00Z"),
            close: at("2026-11-27T18:00:00Z"),
            post_close: at("2026-11-28T01:00:00Z"),
        };
        let segment = |text| half_day.segment(at(text));
        assert_eq!(segment("2026-11-27T08:59:59Z"), None);
        assert_eq!(segment("2026-11-27T09:00:00Z"), Some(Segment::Pre));
        assert_eq!(segment("2026-11-27T14:30:00Z"), Some(Segment::Rth));
        assert_eq!(segment("2026-11-27T18:00:00Z"), Some(Segment::Post));
        assert_eq!(segment("2026-11-28T01:00:00Z"), None);
        assert_eq!((half_day.pre_minutes(), half_day.rth_minutes()), (330, 210));
        assert_eq!(SessionTimes::default().segment(Timestamp::default()), None);
    }
}
