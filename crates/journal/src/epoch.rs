//! The fencing epoch: a number that grows with every start and stands in every client id (I16,
//! R10).
//!
//! It is kept in a file beside the journal, so that a journal restored from a backup does not
//! bring back numbers that were used.

use std::io;
use std::path::Path;

use crate::disk::{Disk, read_whole, replace};

const FILE: &str = "epoch";

/// Returns the next epoch: above all that are known, and never below the time, so that a backup
/// restored without the file cannot repeat one.
pub fn next(known: impl IntoIterator<Item = u32>, unix_seconds: u64) -> u32 {
    let floor = u32::try_from(unix_seconds / 16).unwrap_or(u32::MAX);
    known.into_iter().max().unwrap_or(0).saturating_add(1).max(floor)
}

/// Reads the epoch of the last start; nothing when there was none.
///
/// # Errors
///
/// When the file cannot be read or does not hold an epoch.
pub fn read(disk: &dyn Disk, data_dir: &Path) -> io::Result<Option<u32>> {
    let bytes = match read_whole(disk, &data_dir.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    parse(&bytes).map(Some).ok_or_else(|| {
        let text = String::from_utf8_lossy(&bytes);
        io::Error::new(io::ErrorKind::InvalidData, format!("'{}' is no epoch", text.trim()))
    })
}

/// Writes the epoch and makes it durable.
///
/// # Errors
///
/// When the disk refuses.
pub fn write(disk: &dyn Disk, data_dir: &Path, epoch: u32) -> io::Result<()> {
    replace(disk, &data_dir.join(FILE), format!("{epoch} {:08x}\n", check(epoch)).as_bytes())
}

fn check(epoch: u32) -> u32 {
    crc32c::crc32c(epoch.to_string().as_bytes())
}

fn parse(bytes: &[u8]) -> Option<u32> {
    let (epoch, sum) = std::str::from_utf8(bytes).ok()?.trim_end().split_once(' ')?;
    let epoch = epoch.parse().ok()?;
    (u32::from_str_radix(sum, 16) == Ok(check(epoch))).then_some(epoch)
}
