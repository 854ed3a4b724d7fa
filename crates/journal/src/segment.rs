//! Segments: the files of a journal, their names and their heads (J3).
//!
//! A segment is written full of zeros before it is used, so that appending never changes a file's
//! length. Its head is a record of kind [`Kind::SEGMENT_START`]: its link is the last record of
//! the segment before, its sequence that of the record that follows.

use model::Timestamp;
use model::record::{self, Record as _};

use crate::record::{Flags, Kind, Linked, Record, close, link, open};

/// The end of the name of a segment that is written to.
pub(crate) const PLAIN: &str = ".seg";
/// The end of the name of a whole segment, compressed.
pub(crate) const COMPRESSED: &str = ".seg.zst";
/// The end of the name of an extract.
pub(crate) const EXTRACT: &str = ".extract.zst";

/// Room that every segment has for its head; groups must fit beside it.
pub(crate) const HEAD_ROOM: u64 = 1024;

/// Whose journal it is and what wrote it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Author {
    /// The build that writes.
    pub build: String,
    /// Hash of the effective configuration.
    pub config_hash: u64,
    /// Hash of the account's id: a journal of another account is refused (C33).
    pub account: u64,
    /// Version of the kinds' encodings; a later one is refused (F48).
    pub schema: u32,
}
model::record!(Author { 1: build, 2: config_hash, 3: account, 4: schema });

/// What a segment says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// Its number; segments count from 1 without gaps.
    pub segment: u64,
    /// The sequence of its first record.
    pub first_seq: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// Who wrote it.
    pub author: Author,
    /// Of an extract: what is missing.
    pub extract: Option<Extracted>,
}
model::record!(Head { 1: segment, 2: first_seq, 3: bytes, 4: author, 5: extract });

/// What an extract says about the whole it was taken from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Extracted {
    /// The sequence of the last record of the whole.
    pub last_seq: u64,
    /// Its CRC, to which the next segment is chained.
    pub last_crc: u32,
    /// The kinds that were left out.
    pub left_out: Vec<u16>,
}
model::record!(Extracted { 1: last_seq, 2: last_crc, 3: left_out });

impl Head {
    /// Returns the head as bytes for the beginning of the file, and its CRC.
    pub(crate) fn encode(&self, time: Timestamp, durable: u64, previous: u32) -> (Vec<u8>, u32) {
        let kind = if self.extract.is_some() { Kind::EXTRACT_START } else { Kind::SEGMENT_START };
        let record = Record {
            seq: self.first_seq,
            kind,
            version: 1,
            flags: Flags::END,
            time,
            monotonic_ns: 0,
            durable_through: 0,
            payload: &[],
        };
        let mut bytes = Vec::new();
        let start = open(&mut bytes, &record);
        bytes.extend_from_slice(&record::encode(self));
        // A build's name is short: a head is far below a payload's limit.
        let closed = close(&mut bytes, start);
        debug_assert_eq!(closed, Ok(()));
        let crc = link(&mut bytes, self.segment, durable, previous);
        (bytes, crc)
    }

    /// Reads a head out of its record.
    pub(crate) fn decode(linked: &Linked<'_>) -> Option<Self> {
        if !matches!(linked.record.kind, Kind::SEGMENT_START | Kind::EXTRACT_START) {
            return None;
        }
        let mut head = Self::default();
        head.load(&mut record::Reader::new(linked.record.payload)).ok()?;
        Some(head)
    }
}

/// A torn tail that was cut off: the content of a record of kind [`Kind::CUT`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cut {
    /// The segment.
    pub segment: u64,
    /// Where in it, in bytes.
    pub offset: u64,
    /// The bytes from there to the last one that was not zero.
    pub bytes: u64,
    /// Why the first record there was none.
    pub reason: String,
}
model::record!(Cut { 1: segment, 2: offset, 3: bytes, 4: reason });

impl Cut {
    /// Reads the payload of a record of kind [`Kind::CUT`].
    ///
    /// # Errors
    ///
    /// When the payload is no such record.
    pub fn decode(payload: &[u8]) -> Result<Self, record::DecodeError> {
        let mut cut = Self::default();
        cut.load(&mut record::Reader::new(payload))?;
        Ok(cut)
    }
}

/// Returns the name of segment `id` with an ending.
pub(crate) fn name(id: u64, ending: &str) -> String {
    format!("{id:010}{ending}")
}

/// Reads number and ending out of a name, or nothing when it is no segment's.
pub(crate) fn parse_name(name: &str) -> Option<(u64, &'static str)> {
    let (digits, _) = name.split_once('.')?;
    let ending = [PLAIN, COMPRESSED, EXTRACT].into_iter().find(|end| name[digits.len()..] == **end);
    (digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
    Some((digits.parse().ok()?, ending?))
}
