//! The log file of a day: `trading_system_YYYYMMDD.log` by New York's date (contract.md 4).
//!
//! Invariant: a line is in the file of the day on which it was written; files older than they are
//! kept are gone when the next day begins. A disk that takes no line stops nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use model::exchange::new_york_date;
use model::{Date, Timestamp};

/// How the names of the files begin and end.
const PREFIX: &str = "trading_system_";
const SUFFIX: &str = ".log";

/// The files of a folder, one a day.
#[derive(Debug)]
pub(crate) struct DayFiles {
    folder: PathBuf,
    keep_days: u16,
    now: fn() -> Timestamp,
    today: Mutex<Option<(Date, File)>>,
}

impl DayFiles {
    /// Writes into a folder, which is made where it is not there (0700), and keeps the files of
    /// `keep_days` days.
    ///
    /// # Errors
    /// The folder or the day's file cannot be made.
    pub(crate) fn open(folder: &Path, keep_days: u16, now: fn() -> Timestamp) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let files = Self { folder: folder.to_owned(), keep_days, now, today: Mutex::new(None) };
        files.with_today(|_| Ok(()))?;
        Ok(files)
    }

    /// Writes a line into the file of its day.
    pub(crate) fn write(&self, line: &[u8]) -> io::Result<()> {
        self.with_today(|file| file.write_all(line))
    }

    fn with_today(&self, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let date = new_york_date((self.now)());
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *today {
            Some((of, file)) if *of == date => file,
            other => {
                let path = self.folder.join(name(date));
                let file =
                    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
                self.prune(date);
                &mut other.insert((date, file)).1
            }
        };
        write(file)
    }

    /// Removes files that are kept no longer; one that cannot be removed stays.
    fn prune(&self, today: Date) {
        let oldest = Date::from_days(today.days() - i32::from(self.keep_days) + 1);
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let of = entry.file_name().to_str().and_then(date_of);
            if of.is_some_and(|date| date < oldest) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn name(date: Date) -> String {
    format!("{PREFIX}{}{SUFFIX}", date.to_string().replace('-', ""))
}

fn date_of(name: &str) -> Option<Date> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let text = format!("{}-{}-{}", digits.get(..4)?, digits.get(4..6)?, digits.get(6..)?);
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    static NOW: AtomicI64 = AtomicI64::new(0);

    fn now() -> Timestamp {
        Timestamp::from_nanos(NOW.load(Ordering::Relaxed))
    }

    /// Contract.md 4: New York's date, rotated at its midnight and not at UTC's, kept for so many
    /// days; 0600 in 0700; other files stay.
    #[test]
    fn a_file_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("logs");
        let at =
            |time: &str| NOW.store(time.parse::<Timestamp>().unwrap().nanos(), Ordering::Relaxed);
        at("2026-11-25T23:30:00Z");
        let files = DayFiles::open(&folder, 2, now).unwrap();
        fs::write(folder.join("trading_system_notes.log"), "mine").unwrap();
        files.write(b"one\n").unwrap();
        at("2026-11-26T04:59:59Z");
        files.write(b"two\n").unwrap();
        at("2026-11-26T05:00:00Z");
        files.write(b"three\n").unwrap();
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(read("trading_system_20261125.log"), "one\ntwo\n");
        assert_eq!(read("trading_system_20261126.log"), "three\n");
        at("2026-11-27T05:00:00Z");
        files.write(b"four\n").unwrap();
        assert!(!folder.join("trading_system_20261125.log").exists(), "kept for two days");
        assert_eq!(read("trading_system_20261126.log"), "three\n");
        assert_eq!(read("trading_system_notes.log"), "mine");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("trading_system_20261127.log")), 0o600);
    }
}
