//! The clock that broker and system play by: the file that both keep it in (`playback::Anchor`).

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;

/// A moment that both the market's clock and the wall clock showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FeedClock {
    feed: String,
    wall: String,
    /// How many times faster the market's clock runs.
    pub(crate) speed: u32,
}

impl FeedClock {
    /// Returns the clock that shows `feed` now.
    pub(crate) fn now(feed: &str, speed: u32) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = text(since.as_secs(), since.subsec_nanos());
        Self { feed: feed.to_owned(), wall, speed }
    }

    /// Writes the file, and the folder it lies in.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let Self { feed, wall, speed } = self;
        let text = format!("feed {feed}\nwall {wall}\nspeed {speed}\n");
        let folder = path.parent().context("the file has no folder")?;
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }
}

/// Returns a time as RFC 3339 in UTC.
fn text(seconds: u64, nanos: u32) -> String {
    let (mut days, of_day) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let day = days + 1;
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        assert_eq!(text(0, 0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(text(951_782_400, 5), "2000-02-29T00:00:00.000000005Z");
        assert_eq!(text(1_795_737_599, 0), "2026-11-26T23:59:59.000000000Z");
    }
}
