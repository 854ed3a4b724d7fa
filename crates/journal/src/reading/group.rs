//! A whole group, as it lies in a segment.

use crate::record::{Record, parse_checked};

/// The records of one `apply`, all of them (journal.md 4).
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// The segment it lies in.
    pub segment: u64,
    /// Where it begins there, in bytes.
    pub offset: u64,
    /// It lies in an extract: records of some kinds are left out.
    pub extract: bool,
    /// The sequence of its first record.
    pub first_seq: u64,
    /// The sequence of its last record.
    pub last_seq: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Group<'a> {
    /// Goes through its records.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (record, size) = parse_checked(rest);
            rest = &rest[size..];
            Some(record)
        })
    }

    /// Returns the bytes of the group on disk.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}
