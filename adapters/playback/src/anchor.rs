//! The clock of a playback, kept in a file: a restart goes on where a live feed would be by then.
//!
//! Invariant: the feed's time follows from the wall clock and the file alone, at the speed that
//! the file was written for.

use std::io;
use std::path::{Path, PathBuf};

use model::Timestamp;

/// One moment that both the feed's clock and the wall clock showed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// The feed's time.
    pub feed: Timestamp,
    /// The wall clock's time at that moment.
    pub wall: Timestamp,
    /// How many times faster the feed's clock runs, at least once.
    pub speed: u32,
}

/// Why an anchor cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The file cannot be read or written.
    #[error("{doing} the playback's anchor {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{path} is no anchor of a playback: line {line} should be {expected}; remove the file to begin at the first day again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is expected there.
        expected: &'static str,
    },
}

impl Anchor {
    /// Returns the feed's time at a moment of the wall clock; it does not run before the anchor.
    pub fn at(&self, wall: Timestamp) -> Timestamp {
        let passed = wall.since(self.wall).max(0);
        self.feed.plus_nanos(passed.saturating_mul(i64::from(self.speed.max(1))))
    }

    /// Reads the anchor of a file, or anchors `begin` to the wall clock now and keeps that. With
    /// another speed than the file's, the feed goes on from where it is by now.
    ///
    /// # Errors
    /// The file cannot be read or written, or is damaged.
    pub fn keep(
        path: &Path,
        begin: Timestamp,
        wall: Timestamp,
        speed: u32,
    ) -> Result<Self, AnchorError> {
        let found = read(path)?;
        let anchor = match found {
            Some(found) if found.speed == speed => return Ok(found),
            Some(found) => Self { feed: found.at(wall), wall, speed },
            None => Self { feed: begin, wall, speed },
        };
        anchor.write(path)?;
        Ok(anchor)
    }

    fn write(&self, path: &Path) -> Result<(), AnchorError> {
        let error = |doing| {
            let path = path.to_owned();
            move |source| AnchorError::File { doing, path, source }
        };
        let text = format!("feed {}\nwall {}\nspeed {}\n", self.feed, self.wall, self.speed);
        // A rename is whole or not at all; one that is lost begins at the first day again.
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).map_err(error("write"))?;
        std::fs::rename(&beside, path).map_err(error("put in place"))
    }
}

fn read(path: &Path) -> Result<Option<Anchor>, AnchorError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(AnchorError::File { doing: "read", path: path.to_owned(), source });
        }
    };
    let mut lines = text.lines();
    let mut value = |line, name: &str, expected| {
        let found = lines.next().and_then(|text| text.strip_prefix(name)?.strip_prefix(' '));
        let damaged = || AnchorError::Damaged { path: path.to_owned(), line, expected };
        found.map(str::to_owned).ok_or_else(damaged)
    };
    let expected = ["`feed TIME`", "`wall TIME`", "`speed NUMBER`"];
    let damaged = |line: usize| AnchorError::Damaged {
        path: path.to_owned(),
        line,
        expected: expected[line - 1],
    };
    let feed = value(1, "feed", expected[0])?.parse().map_err(|_| damaged(1))?;
    let wall = value(2, "wall", expected[1])?.parse().map_err(|_| damaged(2))?;
    let speed = value(3, "speed", expected[2])?.parse().map_err(|_| damaged(3))?;
    Ok(Some(Anchor { feed, wall, speed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Journal.md 18: the feed goes on while nobody listens, at its speed; another speed goes on
    /// from where it is.
    #[test]
    fn a_restart_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("playback");
        let begin = time("2026-11-24T09:00:00Z");
        let wall = time("2026-01-01T00:00:00Z");
        let first = Anchor::keep(&path, begin, wall, 10).unwrap();
        assert_eq!(first, Anchor { feed: begin, wall, speed: 10 });
        let later = time("2026-01-01T00:01:00Z");
        let second = Anchor::keep(&path, begin, later, 10).unwrap();
        assert_eq!(second, first);
        assert_eq!(second.at(later), time("2026-11-24T09:10:00Z"));
        assert_eq!(second.at(time("2025-01-01T00:00:00Z")), begin, "never before the anchor");
        let third = Anchor::keep(&path, begin, later, 1).unwrap();
        assert_eq!(third.feed, time("2026-11-24T09:10:00Z"));
        std::fs::write(&path, "feed now\n").unwrap();
        let error = Anchor::keep(&path, begin, later, 1).unwrap_err();
        assert!(error.to_string().contains("line 1 should be `feed TIME`"), "{error}");
    }
}
