//! The lengths of bars the store keeps.

use std::fmt;
use std::str::FromStr;

use model::{DAY_NS, MINUTE_NS};

/// The length of a bar; its name is the folder's name in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Resolution {
    /// One minute, `1min`.
    Minute1,
    /// Five minutes, `5min`.
    Minute5,
    /// Thirty minutes, `30min`.
    Minute30,
    /// One session, `1day`; such a bar starts at 00:00 UTC of the session's date.
    Day1,
}

/// A text is not the name of a resolution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("resolution {0:?} is not known: use 1min, 5min, 30min or 1day")]
pub struct ParseResolutionError(String);

impl Resolution {
    /// All resolutions, shortest first.
    pub const ALL: [Self; 4] = [Self::Minute1, Self::Minute5, Self::Minute30, Self::Day1];

    /// Returns the name used in folders, flags and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute1 => "1min",
            Self::Minute5 => "5min",
            Self::Minute30 => "30min",
            Self::Day1 => "1day",
        }
    }

    /// Returns the length in nanoseconds; a day counts as 24 hours.
    pub const fn nanos(self) -> i64 {
        match self {
            Self::Minute1 => MINUTE_NS,
            Self::Minute5 => 5 * MINUTE_NS,
            Self::Minute30 => 30 * MINUTE_NS,
            Self::Day1 => DAY_NS,
        }
    }

    /// Returns true for the resolutions below one session.
    pub const fn is_intraday(self) -> bool {
        !matches!(self, Self::Day1)
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Resolution {
    type Err = ParseResolutionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|resolution| resolution.name() == text)
            .ok_or_else(|| ParseResolutionError(text.chars().take(40).collect()))
    }
}

impl serde::Serialize for Resolution {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints_and_nothing_else() {
        for resolution in Resolution::ALL {
            assert_eq!(resolution.to_string().parse(), Ok(resolution));
        }
        for text in ["", "1m", "1hour", "1MIN"] {
            assert!(text.parse::<Resolution>().is_err(), "{text}");
        }
    }
}
