//! The form of a record on disk (J2).
//!
//! A header of [`HEADER`] bytes, the payload, and zeros up to a multiple of eight, all
//! little-endian:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | CRC32C over everything that follows, seeded with the segment's number |
//! | 4 | 2 | magic `LB` |
//! | 6 | 1 | format, 1 |
//! | 7 | 1 | version of the kind |
//! | 8 | 2 | kind |
//! | 10 | 2 | [`Flags`] |
//! | 12 | 4 | length of the payload |
//! | 16 | 8 | sequence |
//! | 24 | 8 | engine time, nanoseconds |
//! | 32 | 8 | boot-time clock, nanoseconds |
//! | 40 | 8 | the sequence that was durable when the record was written |
//! | 48 | 4 | CRC of the record before: the chain |
//! | 52 | 4 | zero |
//!
//! Each record checks alone, the chain checks their order. Zeros are never a record.

use model::Timestamp;

/// Bytes of a record before its payload.
pub(crate) const HEADER: usize = 56;
/// The most bytes a payload may have (J2).
pub const PAYLOAD_MAX: usize = 64 * 1024;

pub(crate) const MAGIC: [u8; 2] = *b"LB";
const FORMAT: u8 = 1;

/// What a payload means. Kinds below 0x0100 are the journal's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Kind(pub u16);

impl Kind {
    /// The head of a segment. It bears the sequence of the record that follows and is none itself.
    pub const SEGMENT_START: Self = Self(0x0001);
    /// A torn tail was cut off here ([`Cut`](crate::Cut)).
    pub const CUT: Self = Self(0x0002);
    /// The head of a segment of which only an extract is kept.
    pub const EXTRACT_START: Self = Self(0x0003);
    /// The first number that is free for others.
    pub const FIRST_FREE: Self = Self(0x0100);

    /// Returns whether the journal itself wrote the record.
    pub const fn is_system(self) -> bool {
        self.0 < Self::FIRST_FREE.0
    }
}

/// Marks of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags(u16);

impl Flags {
    /// None.
    pub const NONE: Self = Self(0);
    /// The last record of its group; set by the appender.
    pub const END: Self = Self(1);
    /// A build that does not know the kind may skip the record (J12).
    pub const NON_CRITICAL: Self = Self(2);
    /// A fact that comes before the input of its group (decision 0010).
    pub const BEFORE_INPUT: Self = Self(4);

    /// Returns both marks together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether all marks of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A record as it lies in the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// Its place in the one sequence.
    pub seq: u64,
    /// What the payload means.
    pub kind: Kind,
    /// The version of the kind's encoding.
    pub version: u8,
    /// Its marks.
    pub flags: Flags,
    /// Engine time.
    pub time: Timestamp,
    /// The boot-time clock when it was appended, in nanoseconds.
    pub monotonic_ns: i64,
    /// Everything up to this sequence was durable when the record was written.
    pub durable_through: u64,
    /// The bytes.
    pub payload: &'a [u8],
}

/// Why bytes are not the record that belongs there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadRecord {
    /// The bytes do not begin with the magic number.
    #[error("no record begins here")]
    Magic,
    /// A later build wrote it (F48).
    #[error("format {0} is newer than this build")]
    Format(u8),
    /// The length is impossible or goes beyond the segment.
    #[error("length {0} is impossible here")]
    Length(u32),
    /// The checksum does not fit.
    #[error("the checksum does not fit")]
    Checksum,
    /// The sequence is another one.
    #[error("sequence {found} stands where {expected} belongs")]
    Sequence {
        /// What stands there.
        found: u64,
        /// What belongs there.
        expected: u64,
    },
    /// The record does not follow from the one before it.
    #[error("the record does not follow from the one before it")]
    Chain,
}

/// A record with what ties it to its neighbours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linked<'a> {
    pub(crate) record: Record<'a>,
    pub(crate) crc: u32,
    pub(crate) previous: u32,
    /// Bytes on disk.
    pub(crate) size: usize,
}

/// Returns the bytes on disk of a record with a payload of so many bytes.
pub(crate) const fn size_of(payload: usize) -> usize {
    (HEADER + payload).next_multiple_of(8)
}

/// Appends a record whose links are still empty and returns where it begins.
///
/// The caller appends the payload to the buffer and calls [`close`].
pub(crate) fn open(buffer: &mut Vec<u8>, record: &Record<'_>) -> usize {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&MAGIC);
    buffer.push(FORMAT);
    buffer.push(record.version);
    buffer.extend_from_slice(&record.kind.0.to_le_bytes());
    buffer.extend_from_slice(&record.flags.0.to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&record.seq.to_le_bytes());
    buffer.extend_from_slice(&record.time.nanos().to_le_bytes());
    buffer.extend_from_slice(&record.monotonic_ns.to_le_bytes());
    buffer.extend_from_slice(&[0; 16]);
    start
}

/// Ends the record that begins at `start`: length and padding. `Err` is the payload's length when
/// that is too much.
pub(crate) fn close(buffer: &mut Vec<u8>, start: usize) -> Result<(), usize> {
    let length = buffer.len() - start - HEADER;
    let Some(length_field) = u32::try_from(length).ok().filter(|_| length <= PAYLOAD_MAX) else {
        return Err(length);
    };
    buffer[start + 12..start + 16].copy_from_slice(&length_field.to_le_bytes());
    buffer.resize(start + size_of(length), 0);
    Ok(())
}

/// Sets a mark of the record at the beginning of `bytes`.
pub(crate) fn mark(bytes: &mut [u8], flags: Flags) {
    let set = u16::from_le_bytes([bytes[10], bytes[11]]) | flags.0;
    bytes[10..12].copy_from_slice(&set.to_le_bytes());
}

/// Returns size and marks of the record at the beginning of `bytes`, which this build wrote.
pub(crate) fn outline(bytes: &[u8]) -> (usize, Flags, u64) {
    let length = u32_at(bytes, 12) as usize;
    (size_of(length), Flags(u16::from_le_bytes([bytes[10], bytes[11]])), u64_at(bytes, 16))
}

/// Ties a record into the chain and returns its CRC, the link of the next.
pub(crate) fn link(bytes: &mut [u8], segment: u64, durable_through: u64, previous: u32) -> u32 {
    bytes[40..48].copy_from_slice(&durable_through.to_le_bytes());
    bytes[48..52].copy_from_slice(&previous.to_le_bytes());
    let crc = checksum(segment, &bytes[4..]);
    bytes[0..4].copy_from_slice(&crc.to_le_bytes());
    crc
}

/// Reads the record at the beginning of `bytes`, whose CRC is seeded with `segment`.
pub(crate) fn parse(bytes: &[u8], segment: u64) -> Result<Linked<'_>, BadRecord> {
    if bytes.len() < HEADER || bytes[4..6] != MAGIC {
        return Err(BadRecord::Magic);
    }
    let length = u32_at(bytes, 12);
    let size = size_of(length as usize);
    if length as usize > PAYLOAD_MAX || size > bytes.len() {
        return Err(BadRecord::Length(length));
    }
    let crc = u32_at(bytes, 0);
    if checksum(segment, &bytes[4..size]) != crc {
        return Err(BadRecord::Checksum);
    }
    // Behind the checksum: a number that was damaged is damage, not a newer format.
    if bytes[6] != FORMAT {
        return Err(BadRecord::Format(bytes[6]));
    }
    let (record, size) = parse_checked(bytes);
    Ok(Linked { record, crc, previous: u32_at(bytes, 48), size })
}

/// Reads a record that was checked before, and returns its bytes on disk.
pub(crate) fn parse_checked(bytes: &[u8]) -> (Record<'_>, usize) {
    let length = u32_at(bytes, 12) as usize;
    let record = Record {
        seq: u64_at(bytes, 16),
        kind: Kind(u16::from_le_bytes([bytes[8], bytes[9]])),
        version: bytes[7],
        flags: Flags(u16::from_le_bytes([bytes[10], bytes[11]])),
        time: Timestamp::from_nanos(u64_at(bytes, 24).cast_signed()),
        monotonic_ns: u64_at(bytes, 32).cast_signed(),
        durable_through: u64_at(bytes, 40),
        payload: &bytes[HEADER..HEADER + length],
    };
    (record, size_of(length))
}

/// Returns how many bytes must be at hand to read the record that `header` begins, or nothing
/// when it is none.
pub(crate) fn size_from_header(header: &[u8]) -> Option<usize> {
    let length = (header.len() >= HEADER && header[4..6] == MAGIC).then(|| u32_at(header, 12))?;
    (length as usize <= PAYLOAD_MAX).then(|| size_of(length as usize))
}

/// CRC32C seeded with the segment's number: bytes of another segment never fit.
fn checksum(segment: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&segment.to_le_bytes()), bytes)
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(record: &Record<'_>, segment: u64, previous: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let start = open(&mut bytes, record);
        bytes.extend_from_slice(record.payload);
        assert_eq!(close(&mut bytes, start), Ok(()));
        link(&mut bytes, segment, record.durable_through, previous);
        bytes
    }

    proptest! {
        /// J2: what is written reads back, in its own segment and in no other.
        #[test]
        fn reads_back(
            numbers: (u64, u16, u8, u16, i64, i64, u64),
            payload in proptest::collection::vec(any::<u8>(), 0..300),
            segment: u64,
            previous: u32,
        ) {
            let record = Record {
                seq: numbers.0,
                kind: Kind(numbers.1),
                version: numbers.2,
                flags: Flags(numbers.3),
                time: Timestamp::from_nanos(numbers.4),
                monotonic_ns: numbers.5,
                durable_through: numbers.6,
                payload: &payload,
            };
            let bytes = encode(&record, segment, previous);
            let linked = parse(&bytes, segment).unwrap();
            prop_assert_eq!(linked.record, record);
            prop_assert_eq!((linked.previous, linked.size), (previous, bytes.len()));
            prop_assert_eq!(size_from_header(&bytes), Some(bytes.len()));
            prop_assert!(parse(&bytes, segment ^ 1).is_err());
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (at % 8);
                prop_assert!(parse(&changed, segment).is_err(), "byte {}", at);
                prop_assert!(parse(&bytes[..at], segment).is_err(), "cut at {}", at);
            }
        }

        /// J17: no bytes make it panic.
        #[test]
        fn survives_anything(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, 1);
            let _ = size_from_header(&bytes);
            let mut magic = bytes;
            if magic.len() > 6 {
                magic[4..6].copy_from_slice(&MAGIC);
            }
            let _ = parse(&magic, 1);
        }
    }
}
