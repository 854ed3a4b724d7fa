//! Reading a journal back: whole groups in order, and the truth about its end (J7, J8).
//!
//! [`Reader`] walks the chain. Where the next record is not what belongs there, [`end`] decides
//! between the end of the log, a torn tail and damage; it never guesses in favour of going on.

mod end;
mod group;
mod reader;
mod window;

use std::io;
use std::path::PathBuf;

use model::Timestamp;

pub use group::Group;
pub use reader::{ReadOptions, Reader};
pub(crate) use reader::{SegmentFile, list_segments, read_head};
pub(crate) use window::Window;

/// A place in a journal that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} is damaged at offset {offset}, where sequence {seq} belongs: {reason}", file = file.display())]
pub struct Damage {
    /// The file.
    pub file: PathBuf,
    /// Where in it, in bytes (of a compressed file: of its content).
    pub offset: u64,
    /// The sequence that belongs there.
    pub seq: u64,
    /// What is wrong.
    pub reason: String,
}

/// Why a journal cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The disk refused.
    #[error("{action} {path}", path = path.display())]
    Disk {
        /// What was attempted.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is damaged (exit code 65). `journal repair` cuts it there and keeps the original.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// It belongs to another account (C33).
    #[error("{path} belongs to account {found:016x}, not to {expected:016x}", path = path.display())]
    Account {
        /// The segment.
        path: PathBuf,
        /// Whose it is.
        found: u64,
        /// Whose it should be.
        expected: u64,
    },
    /// A later build wrote it (F48).
    #[error(
        "{path} was written with schema {found} by build {build}; this build reads up to \
         {supported}: run that build or a later one",
        path = path.display()
    )]
    Schema {
        /// The segment.
        path: PathBuf,
        /// The schema it was written with.
        found: u32,
        /// The latest this build reads.
        supported: u32,
        /// The build that wrote it.
        build: String,
    },
}

/// Where a journal ends; [`start`](crate::start) goes on from here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tail {
    pub(crate) end: Option<End>,
    /// The last sequence of the last whole group; 0 when there is none.
    pub last_seq: u64,
    /// Its engine time.
    pub last_time: Timestamp,
    /// What lies behind it and was never synced.
    pub torn: Option<Torn>,
    /// The segment made ahead is full of zeros.
    pub(crate) spare_is_clean: bool,
}

impl Tail {
    /// The end of a journal in which nothing can be read.
    pub(crate) fn nothing() -> Self {
        Self {
            end: None,
            last_seq: 0,
            last_time: Timestamp::MIN,
            torn: None,
            spare_is_clean: false,
        }
    }
}

/// The place behind the last whole group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct End {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// Length of the segment.
    pub(crate) bytes: u64,
    /// CRC of the last record.
    pub(crate) crc: u32,
}

/// A tail that was being written when the run ended, and never was durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Torn {
    /// The segment.
    pub segment: u64,
    /// Its file.
    pub file: PathBuf,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// The bytes from there to the last one that is not zero.
    pub bytes: u64,
    /// The sequence it begins with.
    pub seq: u64,
    /// Why the first bad record is none.
    pub reason: String,
}
