//! Times of a session as parameters: `09:29`, `open+15m`, `close-60m`.

use std::fmt;
use std::str::FromStr;

use model::exchange::{Session, from_new_york};
use model::{MINUTE_NS, Timestamp};

/// A time of day that follows the session's open and close, or the New York clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeOfDay {
    /// New York wall clock.
    Clock {
        /// 0 to 23.
        hour: u8,
        /// 0 to 59.
        minute: u8,
        /// 0 to 59.
        second: u8,
    },
    /// Minutes after the open (negative: before).
    Open(i32),
    /// Minutes after the close (negative: before).
    Close(i32),
}

impl TimeOfDay {
    /// Returns the instant in a session.
    pub fn at(self, session: &Session) -> Timestamp {
        match self {
            Self::Clock { hour, minute, second } => {
                from_new_york(session.date, hour, minute, second)
            }
            Self::Open(minutes) => session.open.plus_nanos(i64::from(minutes) * MINUTE_NS),
            Self::Close(minutes) => session.close.plus_nanos(i64::from(minutes) * MINUTE_NS),
        }
    }
}

impl FromStr for TimeOfDay {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        for (name, make) in
            [("open", Self::Open as fn(i32) -> Self), ("close", Self::Close as fn(i32) -> Self)]
        {
            let Some(rest) = text.strip_prefix(name) else { continue };
            if rest.is_empty() {
                return Ok(make(0));
            }
            let minutes: i32 = rest.strip_suffix('m').ok_or(())?.parse().map_err(|_| ())?;
            let signed = rest.starts_with(['+', '-']);
            return if signed && minutes.abs() <= 1_440 { Ok(make(minutes)) } else { Err(()) };
        }
        let mut parts = text.split(':');
        let mut part = |limit: u8| -> Result<Option<u8>, ()> {
            let Some(part) = parts.next() else { return Ok(None) };
            let value: u8 = part.parse().map_err(|_| ())?;
            if part.len() == 2 && value <= limit { Ok(Some(value)) } else { Err(()) }
        };
        let (hour, minute) = (part(23)?.ok_or(())?, part(59)?.ok_or(())?);
        let second = part(59)?.unwrap_or(0);
        if parts.next().is_some() {
            return Err(());
        }
        Ok(Self::Clock { hour, minute, second })
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Clock { hour, minute, second: 0 } => write!(f, "{hour:02}:{minute:02}"),
            Self::Clock { hour, minute, second } => write!(f, "{hour:02}:{minute:02}:{second:02}"),
            Self::Open(minutes) => write!(f, "open{minutes:+}m"),
            Self::Close(minutes) => write!(f, "close{minutes:+}m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for text in ["09:29", "08:00:30", "open+15m", "close-60m", "open+0m"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        for bad in ["", "9:29", "24:00", "09:60", "open15m", "close-60", "noon", "09:29:00:00"] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
    }

    /// TG38, TV20: on a half day `close-5m` is 12:55.
    #[test]
    fn follows_the_session() {
        let calendar = model::exchange::Calendar::nyse();
        let session = calendar.session("2026-11-27".parse().unwrap()).unwrap().unwrap();
        assert_eq!(TimeOfDay::Close(-5).at(&session).to_string(), "2026-11-27T17:55:00Z");
        let clock = TimeOfDay::Clock { hour: 9, minute: 29, second: 0 };
        assert_eq!(clock.at(&session).to_string(), "2026-11-27T14:29:00Z");
    }
}
