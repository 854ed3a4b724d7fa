//! How the last run ended, and how often one began of late: two small files of the data directory
//! (journal.md 9, 13, F36).
//!
//! The end is written over a text of the same length that was there before, so that it can be
//! written on a full disk.

use std::io;
use std::path::Path;
use std::sync::Arc;

use engine::LastEnd;
use journal::disk::{Disk, DiskFile, Open, read_whole, replace};
use model::Timestamp;

const END: &str = "end";
const STARTS: &str = "starts";
/// Bytes of the file `end`.
const WIDTH: usize = 16;

/// Returns the word for an end. The file says `running` until the process says otherwise.
const fn word(end: LastEnd) -> &'static str {
    match end {
        LastEnd::None => "new",
        LastEnd::Orderly => "orderly",
        LastEnd::Cut => "running",
        LastEnd::Fault => "fault",
        LastEnd::JournalDead => "journal dead",
    }
}

fn padded(end: LastEnd) -> Vec<u8> {
    format!("{:<width$}\n", word(end), width = WIDTH - 1).into_bytes()
}

/// The file in which this run will say how it ended.
#[derive(Debug)]
pub struct EndFile {
    file: Arc<dyn DiskFile>,
}

impl EndFile {
    /// Reads how the last run ended, and says from now on that one is running.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(super) fn open(disk: &Arc<dyn Disk>, data_dir: &Path) -> io::Result<(LastEnd, Self)> {
        let path = data_dir.join(END);
        let last = match read_whole(&**disk, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => LastEnd::None,
            read => parse(&read?),
        };
        replace(&**disk, &path, &padded(LastEnd::Cut))?;
        let file = Arc::from(disk.open(&path, Open::Write)?);
        Ok((last, Self { file }))
    }

    /// Returns the same file for somebody else who may have the last word.
    pub(crate) fn again(&self) -> Self {
        Self { file: Arc::clone(&self.file) }
    }

    /// Says how this run ends.
    ///
    /// # Errors
    /// The disk refuses: the next start takes the end for a cut.
    pub fn write(&self, end: LastEnd) -> io::Result<()> {
        self.file.write_at(0, &padded(end))?;
        self.file.sync_data()
    }
}

/// Reads an end; what is not readable was cut off.
fn parse(bytes: &[u8]) -> LastEnd {
    use LastEnd as E;
    let text = String::from_utf8_lossy(bytes);
    let known = [E::None, E::Orderly, E::Cut, E::Fault, E::JournalDead];
    known.into_iter().find(|&end| word(end) == text.trim_end()).unwrap_or(E::Cut)
}

/// When it counts as a crash loop (F36).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrashLoop {
    /// So many starts ...
    pub starts: u32,
    /// ... within so many minutes, without an orderly stop between them. No starts: off.
    pub minutes: u32,
}

impl Default for CrashLoop {
    /// Three starts in ten minutes.
    fn default() -> Self {
        Self { starts: 3, minutes: 10 }
    }
}

impl CrashLoop {
    /// Notes a start and returns true when it is one of a crash loop. An orderly end forgets the
    /// starts before it.
    pub(super) fn note(
        self,
        disk: &dyn Disk,
        data_dir: &Path,
        now: Timestamp,
        last: LastEnd,
    ) -> io::Result<bool> {
        let path = data_dir.join(STARTS);
        let known = match read_whole(disk, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let window = i64::from(self.minutes) * model::MINUTE_NS;
        let text = String::from_utf8_lossy(&known);
        let mut starts: Vec<Timestamp> = match last {
            LastEnd::Orderly | LastEnd::None => Vec::new(),
            LastEnd::Cut | LastEnd::Fault | LastEnd::JournalDead => {
                text.lines().filter_map(|line| line.parse().ok()).collect()
            }
        };
        starts.retain(|start| now.since(*start) <= window);
        starts.push(now);
        let lines: String = starts.iter().map(|start| format!("{start}\n")).collect();
        replace(disk, &path, lines.as_bytes())?;
        Ok(self.starts > 0 && starts.len() >= self.starts as usize)
    }
}

#[cfg(test)]
mod tests {
    use journal::disk::RealDisk;

    use super::*;

    /// Journal.md 9: a run that says nothing at its end was cut off.
    #[test]
    fn the_end_is_what_was_written_last() {
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        let open = || EndFile::open(&disk, folder.path()).unwrap();
        assert_eq!(open().0, LastEnd::None);
        for end in [LastEnd::Fault, LastEnd::JournalDead, LastEnd::Orderly] {
            let (last, file) = open();
            assert_eq!(last, LastEnd::Cut, "the run before said nothing");
            file.write(end).unwrap();
            assert_eq!(open().0, end);
        }
        std::fs::write(folder.path().join(END), "?").unwrap();
        assert_eq!(open().0, LastEnd::Cut);
    }

    /// F36: the third start within ten minutes is one of a loop; an orderly stop ends it.
    #[test]
    fn three_starts_are_a_loop() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::default();
        let minute = |n: i64| Timestamp::from_nanos(n * model::MINUTE_NS);
        let note =
            |rule: CrashLoop, at, last| rule.note(&disk, folder.path(), minute(at), last).unwrap();
        let rule = CrashLoop::default();
        assert!(!note(rule, 0, LastEnd::None));
        assert!(!note(rule, 4, LastEnd::Cut));
        assert!(note(rule, 10, LastEnd::Fault));
        assert!(!note(rule, 20, LastEnd::Cut), "two of them are too long ago");
        assert!(!note(rule, 21, LastEnd::Orderly));
        let off = CrashLoop { starts: 0, minutes: 10 };
        assert!((22..40).all(|at| !note(off, at, LastEnd::Cut)));
    }
}
