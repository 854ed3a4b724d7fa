//! Whose data directory it is: written once with `run --init`, compared at every start (C33).

use std::io;
use std::path::Path;

use model::Timestamp;
use model::record::{self, Record as _};

use crate::disk::{Disk, read_whole, replace};

const FILE: &str = "identity";

/// What binds a data directory to one account and mode.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// Hash of the account's id.
    pub account: u64,
    /// Paper, rehearsal or live.
    pub mode: String,
    /// When it was made.
    pub created: Timestamp,
}
model::record!(Identity { 1: account, 2: mode, 3: created });

impl Identity {
    /// Reads the identity of a data directory; nothing when it has none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not as it was written.
    pub fn read(disk: &dyn Disk, data_dir: &Path) -> io::Result<Option<Self>> {
        let bytes = match read_whole(disk, &data_dir.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the file is damaged");
        let content = bytes.len().checked_sub(4).ok_or_else(damaged)?;
        if crc32c::crc32c(&bytes[..content]) != crate::record::u32_at(&bytes, content) {
            return Err(damaged());
        }
        let mut identity = Self::default();
        identity
            .load(&mut record::Reader::new(&bytes[..content]))
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Some(identity))
    }

    /// Writes the identity and makes it durable.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub fn write(&self, disk: &dyn Disk, data_dir: &Path) -> io::Result<()> {
        let mut bytes = record::encode(self);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        replace(disk, &data_dir.join(FILE), &bytes)
    }
}
