//! Walks the groups of a journal in order.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Timestamp;

use super::{Damage, End, Group, ReadError, Tail, Window};
use crate::disk::Disk;
use crate::record::{BadRecord, Flags, HEADER, Linked, parse, size_from_header};
use crate::segment::{Author, COMPRESSED, EXTRACT, HEAD_ROOM, Head, PLAIN, name, parse_name};

/// What a reader is asked for, and what it may rely on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadOptions {
    /// Groups that end before this sequence are left out.
    pub from: u64,
    /// Something else proves that everything up to here was durable: a snapshot's sequence. A
    /// journal that ends before is damaged, not torn.
    pub known_durable: u64,
    /// The chain at `known_durable`: a journal with another one is not that journal.
    pub known_chain: Option<u32>,
    /// Whose journal it must be.
    pub account: Option<u64>,
    /// The latest schema this build reads (F48).
    pub schema: u32,
    /// Nothing behind this sequence is looked at: for a journal that is being written.
    pub limit: Option<u64>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            from: 1,
            known_durable: 0,
            known_chain: None,
            account: None,
            schema: u32::MAX,
            limit: None,
        }
    }
}

/// Reads whole groups in order.
#[derive(Debug)]
pub struct Reader {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) options: ReadOptions,
    pub(super) current: Option<Current>,
    /// The sequence of the next record.
    pub(super) next_seq: u64,
    /// The CRC of the last record.
    pub(super) previous: u32,
    last_time: Timestamp,
    tail: Option<Tail>,
}

/// The segment that is being read.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) path: PathBuf,
    pub(super) head: Head,
    pub(super) window: Window,
    /// It is packed: a segment that is no longer written to.
    pub(super) finished: bool,
    /// Behind the last whole group.
    pub(super) offset: u64,
}

/// What stands at a place.
enum Found {
    Group { bytes: usize, last_seq: u64, last_time: Timestamp, crc: u32 },
    Bad { offset: u64, seq: u64, reason: BadRecord },
}

impl Reader {
    /// Opens a journal's folder; one that is missing or empty is a journal without groups.
    ///
    /// # Errors
    ///
    /// When the disk refuses, the journal is another account's or a later build's, or the segment
    /// that holds `from` is missing or damaged.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, options: ReadOptions) -> Result<Self, ReadError> {
        let mut reader = Self {
            disk,
            dir: dir.to_owned(),
            options,
            current: None,
            next_seq: 1,
            previous: 0,
            last_time: Timestamp::MIN,
            tail: None,
        };
        let segments = list_segments(&*reader.disk, dir)?;
        let Some(start) = reader.start_segment(&segments)? else {
            reader.without_head(&segments)?;
            return Ok(reader);
        };
        let link = read_head(&*reader.disk, &start)?.map(|(_, _, link)| link);
        reader.enter(start, None)?;
        // The snapshot may end where the segment before does.
        if reader.next_seq == options.known_durable + 1
            && let Some(link) = link
        {
            reader.check_chain(0, Some(link))?;
        }
        Ok(reader)
    }

    /// Begins at a segment, whatever comes before it.
    pub(crate) fn open_at(
        disk: Arc<dyn Disk>,
        dir: &Path,
        segment: SegmentFile,
    ) -> Result<Self, ReadError> {
        let mut reader = Self {
            disk,
            dir: dir.to_owned(),
            options: ReadOptions::default(),
            current: None,
            next_seq: 1,
            previous: 0,
            last_time: Timestamp::MIN,
            tail: None,
        };
        reader.enter(segment, None)?;
        Ok(reader)
    }

    /// Returns the next whole group, or nothing at the end or at the limit.
    ///
    /// # Errors
    ///
    /// When the disk refuses or what comes next is damaged; every later call says the same.
    pub fn next_group(&mut self) -> Result<Option<Group<'_>>, ReadError> {
        loop {
            if self.tail.is_some() || self.options.limit.is_some_and(|limit| self.next_seq > limit)
            {
                return Ok(None);
            }
            let mut found = self.look()?;
            if let Found::Bad { .. } = found {
                // A writer may have been faster than what was read: look once more.
                if let Some(current) = &mut self.current {
                    current.window.forget();
                }
                found = self.look()?;
            }
            match found {
                Found::Group { bytes, last_seq, last_time, crc } => {
                    let known = self.options.known_durable;
                    let reaches_known = (self.next_seq..=last_seq).contains(&known);
                    let offset = self.current.as_ref().map_or(0, |current| current.offset);
                    let wanted = self.accept(bytes, last_seq, last_time, crc);
                    if reaches_known {
                        // A snapshot is taken between two groups.
                        self.check_chain(offset, (last_seq == known).then_some(crc))?;
                    }
                    if wanted {
                        return self.group(bytes, last_seq);
                    }
                }
                Found::Bad { offset, seq, reason } => {
                    let judged = match self.next_segment(offset, seq) {
                        Ok(true) => continue,
                        Ok(false) => self.judge(offset, seq, reason),
                        Err(error) => Err(error),
                    };
                    match judged {
                        Ok(tail) => self.tail = Some(tail),
                        // What was taken for proof of damage is what a writer wrote meanwhile.
                        Err(_) if self.went_on()? => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }

    /// Returns whether the next group, or the next segment, is there by now.
    fn went_on(&mut self) -> Result<bool, ReadError> {
        if let Some(current) = &mut self.current {
            current.window.forget();
        }
        Ok(match self.look()? {
            Found::Group { .. } => true,
            Found::Bad { offset, seq, .. } => {
                matches!(self.next_segment(offset, seq), Ok(true))
            }
        })
    }

    /// Lets a reader of a journal that is being written go on to `limit`, a durable sequence.
    pub fn set_limit(&mut self, limit: u64) {
        self.options.limit = Some(limit);
        if let Some(current) = &mut self.current {
            current.window.forget();
        }
    }

    /// Returns where the journal ends, once [`next_group`](Self::next_group) returned nothing and
    /// there is no limit.
    pub fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// Returns who wrote the segment that is being read; nothing in an empty journal.
    pub fn author(&self) -> Option<&Author> {
        self.current.as_ref().map(|current| &current.head.author)
    }

    /// Returns the chain behind the last record that was read: it differs from that of any other
    /// journal.
    pub fn chain(&self) -> u32 {
        self.previous
    }

    /// Compares the chain at the sequence that is known to be durable with the one that is known.
    fn check_chain(&self, offset: u64, found: Option<u32>) -> Result<(), ReadError> {
        let Some(current) = &self.current else { return Ok(()) };
        let known = self.options.known_chain;
        // An extract has a chain of its own.
        if current.head.extract.is_some() || known.is_none() || known == found {
            return Ok(());
        }
        let seq = self.options.known_durable;
        Err(Damage {
            file: current.path.clone(),
            offset,
            seq,
            reason: format!("this is not the journal of which the snapshot at {seq} was taken"),
        }
        .into())
    }

    /// Returns the number of the segment that is being read; nothing in an empty journal.
    pub fn segment(&self) -> Option<u64> {
        self.current.as_ref().map(|current| current.head.segment)
    }

    /// Returns the sequence of the record that comes next.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Moves behind a group; false when it was not asked for.
    fn accept(&mut self, bytes: usize, last_seq: u64, time: Timestamp, crc: u32) -> bool {
        if let Some(current) = &mut self.current {
            current.offset += bytes as u64;
        }
        self.next_seq = last_seq + 1;
        self.previous = crc;
        self.last_time = time;
        last_seq >= self.options.from
    }

    fn group(&mut self, bytes: usize, last_seq: u64) -> Result<Option<Group<'_>>, ReadError> {
        let Some(current) = &mut self.current else { return Ok(None) };
        let offset = current.offset - bytes as u64;
        let (segment, extract) = (current.head.segment, current.head.extract.is_some());
        let bytes = window_bytes(current, offset, bytes)?;
        let first_seq = crate::record::u64_at(bytes, 16);
        Ok(Some(Group { segment, offset, extract, first_seq, last_seq, bytes }))
    }

    /// Reads on to the end of the group that begins here.
    fn look(&mut self) -> Result<Found, ReadError> {
        let Some(current) = &mut self.current else {
            return Ok(Found::Bad { offset: 0, seq: 1, reason: BadRecord::Magic });
        };
        let (start, size) = (current.offset, current.head.bytes);
        let gaps = current.head.extract.is_some();
        let (mut length, mut seq, mut previous) = (0_usize, self.next_seq, self.previous);
        loop {
            let offset = start + length as u64;
            let bad = |reason| Ok(Found::Bad { offset, seq, reason });
            let id = current.head.segment;
            let room = usize::try_from(size.saturating_sub(start)).unwrap_or(0);
            let content = window_bytes(current, start, room.min(length + HEADER))?;
            let header = content.get(length..).unwrap_or(&[]);
            let Some(bytes) = size_from_header(header) else {
                return bad(header_fault(header));
            };
            let content = window_bytes(current, start, room.min(length + bytes))?;
            let linked = match parse(&content[length..], id) {
                Ok(linked) => linked,
                Err(reason) => return bad(reason),
            };
            if let Err(reason) = fits(&linked, seq, previous, gaps) {
                return bad(reason);
            }
            length += bytes;
            (seq, previous) = (linked.record.seq + 1, linked.crc);
            if linked.record.flags.has(Flags::END) {
                return Ok(Found::Group {
                    bytes: length,
                    last_seq: seq - 1,
                    last_time: linked.record.time,
                    crc: previous,
                });
            }
        }
    }

    /// Goes on in the next segment when this one ends here and that one follows from it.
    fn next_segment(&mut self, offset: u64, seq: u64) -> Result<bool, ReadError> {
        let Some(current) = &self.current else { return Ok(false) };
        let (previous, seq_after) = match &current.head.extract {
            None => (self.previous, self.next_seq),
            Some(whole) => (whole.last_crc, whole.last_seq + 1),
        };
        let id = current.head.segment + 1;
        let Some(next) = find_segment(&*self.disk, &self.dir, id)? else { return Ok(false) };
        let Some((head, _, link)) = read_head(&*self.disk, &next)? else { return Ok(false) };
        let damage = |file: &Path, offset, seq, reason: String| {
            Err(Damage { file: file.to_owned(), offset, seq, reason }.into())
        };
        if head.first_seq != seq_after || offset != current.offset {
            let reason = format!(
                "segment {id} goes on with sequence {}: records are missing",
                head.first_seq
            );
            return damage(&current.path, offset, seq, reason);
        }
        if link != previous {
            return damage(&next.path, 0, head.first_seq, BadRecord::Chain.to_string());
        }
        if let Some(at) = self.first_nonzero(offset)? {
            let reason = "bytes behind the last record of a finished segment".to_owned();
            let path = self.current.as_ref().map_or(&self.dir, |current| &current.path);
            return damage(path, at, seq, reason);
        }
        self.enter(next, Some(seq_after))?;
        Ok(true)
    }

    /// Begins to read a segment whose head is good.
    fn enter(&mut self, segment: SegmentFile, expected: Option<u64>) -> Result<(), ReadError> {
        let Some((head, size, _)) = read_head(&*self.disk, &segment)? else {
            return Err(Damage {
                file: segment.path,
                offset: 0,
                seq: expected.unwrap_or(1),
                reason: "the head of the segment is not readable".to_owned(),
            }
            .into());
        };
        if let Some(expected) = self.options.account
            && head.author.account != expected
        {
            let found = head.author.account;
            return Err(ReadError::Account { path: segment.path, found, expected });
        }
        if head.author.schema > self.options.schema {
            return Err(ReadError::Schema {
                path: segment.path,
                found: head.author.schema,
                supported: self.options.schema,
                build: head.author.build,
            });
        }
        let mut window = Window::open(&*self.disk, &segment.path, segment.ending)
            .map_err(|source| disk_error("open segment", &segment.path, source))?;
        let start = window
            .at(0, size)
            .map_err(|source| disk_error("read segment", &segment.path, source))?;
        self.previous = crate::record::u32_at(start, 0);
        self.next_seq = head.first_seq;
        let (finished, offset) = (segment.ending != PLAIN, size as u64);
        self.current = Some(Current { path: segment.path, head, window, finished, offset });
        Ok(())
    }

    /// Finds the segment to begin with: the last readable one that begins at `from` or before.
    fn start_segment(&self, segments: &[SegmentFile]) -> Result<Option<SegmentFile>, ReadError> {
        let mut first = None;
        for segment in segments.iter().rev() {
            let Some((head, _, _)) = read_head(&*self.disk, segment)? else { continue };
            let (begins, id) = (head.first_seq, head.segment);
            first = Some((segment.clone(), begins, id));
            if begins <= self.options.from.max(1) {
                return Ok(Some(segment.clone()));
            }
        }
        match first {
            None => Ok(None),
            Some((segment, seq, id)) => Err(Damage {
                file: self.dir.join(name(id.saturating_sub(1), PLAIN)),
                offset: 0,
                seq: self.options.from.max(1),
                reason: format!(
                    "the first segment found, {}, begins with sequence {seq}: what comes before \
                     is missing",
                    segment.path.display()
                ),
            }
            .into()),
        }
    }

    /// Returns the end behind the last group that was read.
    pub(crate) fn tail_here(&self) -> Tail {
        Tail {
            end: self.current.as_ref().map(|current| End {
                segment: current.head.segment,
                offset: current.offset,
                bytes: current.head.bytes,
                crc: self.previous,
            }),
            last_seq: self.next_seq - 1,
            last_time: self.last_time,
            torn: None,
            spare_is_clean: true,
        }
    }
}

/// Checks that a record follows from the one before it; in an extract records are missing.
fn fits(linked: &Linked<'_>, seq: u64, previous: u32, gaps: bool) -> Result<(), BadRecord> {
    let found = linked.record.seq;
    if found != seq && !(gaps && found > seq) {
        return Err(BadRecord::Sequence { found, expected: seq });
    }
    if linked.previous != previous { Err(BadRecord::Chain) } else { Ok(()) }
}

/// Says why a header is none.
fn header_fault(header: &[u8]) -> BadRecord {
    match parse(header, 0) {
        Err(reason @ BadRecord::Length(_)) => reason,
        _ => BadRecord::Magic,
    }
}

fn window_bytes(current: &mut Current, start: u64, want: usize) -> Result<&[u8], ReadError> {
    let Current { window, path, .. } = current;
    window.at(start, want).map_err(|source| disk_error("read segment", path, source))
}

/// A segment's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SegmentFile {
    pub(crate) id: u64,
    pub(crate) path: PathBuf,
    pub(crate) ending: &'static str,
}

/// Lists the segments in order; of one that lies there twice, the fuller form.
pub(crate) fn list_segments(disk: &dyn Disk, dir: &Path) -> Result<Vec<SegmentFile>, ReadError> {
    let names = match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(|source| disk_error("list folder", dir, source))?,
    };
    let mut segments: Vec<SegmentFile> = names
        .iter()
        .filter_map(|name| {
            let (id, ending) = parse_name(name)?;
            Some(SegmentFile { id, path: dir.join(name), ending })
        })
        .collect();
    let rank = |ending| [PLAIN, COMPRESSED, EXTRACT].iter().position(|known| *known == ending);
    segments.sort_by_key(|segment| (segment.id, rank(segment.ending)));
    segments.dedup_by_key(|segment| segment.id);
    Ok(segments)
}

fn find_segment(disk: &dyn Disk, dir: &Path, id: u64) -> Result<Option<SegmentFile>, ReadError> {
    Ok(list_segments(disk, dir)?.into_iter().find(|segment| segment.id == id))
}

/// Reads a segment's head with its size on disk and its link; nothing when it is not readable.
pub(crate) fn read_head(
    disk: &dyn Disk,
    segment: &SegmentFile,
) -> Result<Option<(Head, usize, u32)>, ReadError> {
    let fault = |source| disk_error("read segment", &segment.path, source);
    let want = usize::try_from(HEAD_ROOM).unwrap_or(0);
    let bytes = match Window::beginning(disk, &segment.path, segment.ending, want) {
        // A compressed file that does not unpack has no readable head.
        Err(_) if segment.ending != PLAIN => return Ok(None),
        read => read.map_err(fault)?,
    };
    Ok(head_in(&bytes, segment.id).map(|(head, linked)| (head, linked.size, linked.previous)))
}

/// Reads the head of segment `id` at the beginning of `bytes`.
pub(super) fn head_in(bytes: &[u8], id: u64) -> Option<(Head, Linked<'_>)> {
    let linked = parse(bytes, id).ok()?;
    let head = Head::decode(&linked)?;
    (head.segment == id).then_some((head, linked))
}

pub(super) fn disk_error(action: &'static str, path: &Path, source: io::Error) -> ReadError {
    ReadError::Disk { action, path: path.to_owned(), source }
}
