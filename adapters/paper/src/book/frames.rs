//! Frames: what the files of a book consist of.
//!
//! A frame is a header of 24 bytes and a payload padded to 8: magic, length, how much of the file
//! was on disk when the frame was written, checksum over place, header and payload. The place names
//! the file as well, so that a frame of another file is none of this one.

const MAGIC: u32 = 0x5042_5742;
const HEADER: usize = 24;
const ALIGN: usize = 8;
/// A frame is never longer: the largest entry lists the symbols of a run.
const LONGEST: usize = 16 << 20;

/// Appends a frame that begins at `offset` of a file; `synced` bytes of it are on disk.
pub(super) fn frame(buffer: &mut Vec<u8>, payload: &[u8], file: u32, offset: u64, synced: u64) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&MAGIC.to_le_bytes());
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&synced.to_le_bytes());
    buffer.extend_from_slice(&checksum(file, offset, length, synced, payload).to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(payload);
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
}

fn checksum(file: u32, offset: u64, length: u32, synced: u64, payload: &[u8]) -> u32 {
    let mut sum = crc32c::crc32c(&offset.to_le_bytes());
    if file > 0 {
        // The first file is older than the others and names itself nowhere.
        sum = crc32c::crc32c_append(sum, &file.to_le_bytes());
    }
    sum = crc32c::crc32c_append(sum, &length.to_le_bytes());
    sum = crc32c::crc32c_append(sum, &synced.to_le_bytes());
    crc32c::crc32c_append(sum, payload)
}

/// A frame as it was read.
struct Frame<'a> {
    payload: &'a [u8],
    /// How much was on disk when it was written.
    synced: u64,
    /// Where the next one begins.
    next: usize,
}

fn read(bytes: &[u8], file: u32, at: usize) -> Option<Frame<'_>> {
    let header = bytes.get(at..at.checked_add(HEADER)?)?;
    let word = |from: usize| Some(u32::from_le_bytes(header.get(from..from + 4)?.try_into().ok()?));
    let synced = u64::from_le_bytes(header.get(8..16)?.try_into().ok()?);
    let length = word(4)?;
    if word(0)? != MAGIC || length as usize > LONGEST {
        return None;
    }
    let begin = at + HEADER;
    let payload = bytes.get(begin..begin.checked_add(length as usize)?)?;
    let good = word(16)? == checksum(file, at as u64, length, synced, payload);
    let next = (begin + length as usize).next_multiple_of(ALIGN);
    good.then_some(Frame { payload, synced, next })
}

/// Returns the payloads of the good frames from the beginning, and where the first bad one begins.
pub(super) fn scan(bytes: &[u8], file: u32) -> (Vec<&[u8]>, usize) {
    let (mut payloads, mut at) = (Vec::new(), 0);
    while let Some(frame) = read(bytes, file, at) {
        payloads.push(frame.payload);
        at = frame.next;
    }
    (payloads, at.min(bytes.len()))
}

/// Returns where the file is damaged: a later frame was written when the first bad place was on
/// disk already.
pub(super) fn damage(bytes: &[u8], file: u32, bad: usize) -> Option<u64> {
    let mut at = bad;
    while at + HEADER <= bytes.len() {
        match read(bytes, file, at) {
            Some(frame) if frame.synced > bad as u64 => return Some(bad as u64),
            Some(frame) => at = frame.next,
            None => at += ALIGN,
        }
    }
    None
}
