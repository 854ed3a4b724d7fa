//! The file layer: everything that touches storage goes through [`Disk`].
//!
//! One real implementation, and three that tests put around it: [`Recorder`] writes down what was
//! written, synced, renamed and removed, [`PowerLoss`] builds from that what a machine may find
//! after losing power, [`Faulty`] fails or delays on purpose (J17, F38, F39).
//!
//! Invariant: a file is written with `pwrite` and made durable with `fdatasync`, never by other
//! means, so that a tracer sees the order of things (J2).

mod faulty;
mod power_loss;
mod real;
mod recorder;

use std::fmt::Debug;
use std::io;
use std::path::Path;

pub use faulty::{Faults, Faulty};
pub use power_loss::{PowerLoss, Unsynced};
pub use real::{NetworkFileSystems, RealDisk};
pub use recorder::{Operation, Recorder, Trace};

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Open {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    Write,
    /// A file that must not exist yet, to read and write.
    CreateNew,
    /// An existing file that is emptied, or a new one.
    Replace,
}

/// A file system, or a stand-in for one.
pub trait Disk: Send + Sync + Debug {
    /// Makes a folder and those above it; one that exists already is fine.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>>;

    /// Lists the names in a folder, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Gives a file another name; a file of that name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Returns the bytes that may still be written where `path` lies.
    fn free_space(&self, path: &Path) -> io::Result<u64>;
}

/// An open file.
#[expect(clippy::len_without_is_empty, reason = "a file's length is asked, never its emptiness")]
pub trait DiskFile: Send + Sync + Debug {
    /// Writes all bytes at an offset.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads what there is at an offset, up to the buffer's length.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Makes what was written durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Returns the length in bytes.
    fn len(&self) -> io::Result<u64>;
}

/// Reads a whole file.
///
/// # Errors
///
/// When it cannot be opened or read.
pub fn read_whole(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path, Open::Read)?;
    let mut bytes = vec![0; usize::try_from(file.len()?).map_err(io::Error::other)?];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(filled as u64, &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Puts a file into place as a whole: whoever looks finds the old content or the new one, also
/// after a loss of power.
///
/// # Errors
///
/// When a step fails; the old content is then still there, or the new one already.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let file = disk.open(&temporary, Open::Replace)?;
    file.write_at(0, bytes)?;
    file.sync_data()?;
    drop(file);
    disk.rename(&temporary, path)?;
    disk.sync_dir(path.parent().unwrap_or(Path::new(".")))
}
