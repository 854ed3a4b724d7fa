//! Checks a whole journal without changing it (J15).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Disk;
use crate::reading::{Damage, ReadError, ReadOptions, Reader, SegmentFile, Torn, list_segments};
use crate::segment::Author;

/// What a journal holds, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verification {
    /// Records that are good.
    pub records: u64,
    /// Segments looked at.
    pub segments: u64,
    /// The first sequence; nothing in an empty journal.
    pub first_seq: Option<u64>,
    /// The last sequence of the last whole group.
    pub last_seq: Option<u64>,
    /// A tail that never was durable: no error.
    pub torn_tail: Option<Torn>,
    /// Every damaged place that was found, in order.
    pub errors: Vec<Damage>,
}

/// Goes through every record of a journal. Behind a damaged place it goes on with the next segment
/// whose head is good.
///
/// # Errors
///
/// When the disk refuses or there is no folder.
pub fn verify(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Verification, ReadError> {
    let mut found = Verification::default();
    let segments = list_segments(&**disk, dir)?;
    found.segments = segments.len() as u64;
    let mut reader = match Reader::open(Arc::clone(disk), dir, ReadOptions::default()) {
        Ok(reader) => Some(reader),
        Err(ReadError::Damage(damage)) => {
            found.errors.push(damage);
            reopen(disk, dir, &segments, 0)?
        }
        Err(error) => return Err(error),
    };
    while let Some(open) = &mut reader {
        match walk(open, &mut found) {
            Ok(()) => {
                found.torn_tail = open.tail().and_then(|tail| tail.torn.clone());
                break;
            }
            Err(ReadError::Damage(damage)) => {
                found.errors.push(damage);
                let after = open.segment().unwrap_or(u64::MAX);
                reader = reopen(disk, dir, &segments, after)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn walk(reader: &mut Reader, found: &mut Verification) -> Result<(), ReadError> {
    while let Some(group) = reader.next_group()? {
        found.records += group.records().count() as u64;
        found.first_seq.get_or_insert(group.first_seq);
        found.last_seq = Some(group.last_seq);
    }
    Ok(())
}

/// Opens the next segment behind `after` whose head is good and which holds something.
fn reopen(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    segments: &[SegmentFile],
    after: u64,
) -> Result<Option<Reader>, ReadError> {
    for segment in segments.iter().filter(|segment| segment.id > after) {
        match Reader::open_at(Arc::clone(disk), dir, segment.clone()) {
            Ok(reader) => return Ok(Some(reader)),
            Err(ReadError::Damage(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// One segment, for a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentInfo {
    /// Its number.
    pub id: u64,
    /// Its file.
    pub path: PathBuf,
    /// The sequence of its first record; nothing when it is not in use or its head is damaged.
    pub first_seq: Option<u64>,
    /// Who wrote it, where its head is readable.
    pub author: Option<Author>,
    /// It is an extract: market records are left out.
    pub extract: bool,
}

/// Lists the segments of a journal in order.
///
/// # Errors
///
/// When the disk refuses.
pub fn segments(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Vec<SegmentInfo>, ReadError> {
    let mut listed = Vec::new();
    for segment in list_segments(&**disk, dir)? {
        let head = crate::reading::read_head(&**disk, &segment)?.map(|(head, _, _)| head);
        listed.push(SegmentInfo {
            id: segment.id,
            path: segment.path,
            first_seq: head.as_ref().map(|head| head.first_seq),
            extract: head.as_ref().is_some_and(|head| head.extract.is_some()),
            author: head.map(|head| head.author),
        });
    }
    Ok(listed)
}
