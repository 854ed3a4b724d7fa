//! Judges the place where the next record is not what belongs there (J7, journal.md 16).
//!
//! A record that checks and yet does not belong there was never written by one run: damage. A
//! later record written after this place was durable proves that it once was good: damage. Without
//! such a proof nothing here was ever acknowledged: the log ends, with or without a torn tail.

use std::path::PathBuf;

use model::record::Record as _;

use super::reader::{disk_error, head_in};
use super::{Damage, ReadError, Reader, SegmentFile, Tail, Torn, Window, list_segments};
use crate::record::{BadRecord, MAGIC, parse, parse_checked, size_from_header};
use crate::segment::{HEAD_ROOM, Head, PLAIN};

/// Read at once while looking for proof.
const BLOCK: usize = 1024 * 1024;

/// What lies behind a bad place.
#[derive(Debug, Default)]
struct Rest {
    /// Somewhere stands a record written when this sequence was durable.
    durable_through: u64,
    /// Behind the last byte that is not zero.
    end: Option<u64>,
}

impl Reader {
    /// Decides what the bad record at `offset`, where `seq` belongs, means.
    pub(super) fn judge(
        &mut self,
        offset: u64,
        seq: u64,
        reason: BadRecord,
    ) -> Result<Tail, ReadError> {
        let Some(current) = &self.current else { return Ok(self.tail_here()) };
        let (file, id) = (current.path.clone(), current.head.segment);
        let begins = current.offset;
        let damage = |reason: String| -> Result<Tail, ReadError> {
            Err(Damage { file: file.clone(), offset, seq, reason }.into())
        };
        if matches!(reason, BadRecord::Sequence { .. } | BadRecord::Chain | BadRecord::Format(_)) {
            return damage(reason.to_string());
        }
        if current.finished {
            return damage(format!("the segment behind this finished one, {}, is missing", id + 1));
        }
        let known = self.options.known_durable.max(self.options.limit.unwrap_or(0));
        if known >= seq {
            return damage(format!("{reason}, but everything up to {known} was durable"));
        }
        let mut end = None;
        let mut proof = 0;
        if let Some(current) = &mut self.current {
            let rest = scan(&mut current.window, current.head.bytes, offset, id)
                .map_err(|source| disk_error("read segment", &file, source))?;
            (end, proof) = (rest.end, rest.durable_through);
        }
        let proven = |proof: u64| {
            damage(format!("{reason}, and a later record was written when {proof} was durable"))
        };
        if proof >= seq {
            return proven(proof);
        }
        let later = self.later(id, seq)?;
        if later.durable_through >= seq {
            return proven(later.durable_through);
        }
        if let Some(problem) = later.problem {
            return damage(format!("{reason}, and {problem}"));
        }
        let mut tail = self.tail_here();
        tail.spare_is_clean = later.end.is_none();
        // A group without its end is torn as well, though its records are good.
        let torn_to = end.or((offset > begins).then_some(offset));
        if let Some(end) = torn_to {
            let (segment, bytes) = (id, end - begins);
            let seq = self.next_seq;
            let reason = reason.to_string();
            tail.torn = Some(Torn { segment, file, offset: begins, bytes, seq, reason });
        } else if let Some((segment, file, end)) = later.torn {
            let reason = BadRecord::Magic.to_string();
            tail.torn = Some(Torn { segment, file, offset: 0, bytes: end, seq, reason });
        }
        Ok(tail)
    }

    /// Returns the first byte from `offset` on that is not zero in the current segment.
    pub(super) fn first_nonzero(&mut self, offset: u64) -> Result<Option<u64>, ReadError> {
        let Some(current) = &mut self.current else { return Ok(None) };
        let mut at = offset;
        loop {
            let bytes = current
                .window
                .at(at, BLOCK)
                .map_err(|source| disk_error("read segment", &current.path, source))?;
            if bytes.is_empty() {
                return Ok(None);
            }
            if let Some(found) = first_nonzero(bytes) {
                return Ok(Some(at + found as u64));
            }
            at += bytes.len() as u64;
        }
    }

    /// A journal none of whose segments has a readable head: new, or all of it is damaged.
    pub(super) fn without_head(&mut self, segments: &[SegmentFile]) -> Result<(), ReadError> {
        let known = self.options.known_durable;
        let Some(first) = segments.first() else {
            if known == 0 {
                return Ok(());
            }
            let reason = format!("there is no segment, but everything up to {known} was durable");
            return Err(Damage { file: self.dir.clone(), offset: 0, seq: 1, reason }.into());
        };
        let rest = self.later(0, 1)?;
        let begun = rest.durable_through > 0 || rest.problem.is_some();
        if begun || known > 0 || first.id != 1 || first.ending != PLAIN {
            return Err(Damage {
                file: first.path.clone(),
                offset: 0,
                seq: 1,
                reason: "the head of the segment is not readable".to_owned(),
            }
            .into());
        }
        Ok(())
    }

    /// Looks through the segments behind `id` for proof that they were begun.
    fn later(&self, id: u64, seq: u64) -> Result<Later, ReadError> {
        let mut later = Later::default();
        let mut expected = id + 1;
        for segment in list_segments(&*self.disk, &self.dir)? {
            if segment.id <= id {
                continue;
            }
            if segment.id != expected {
                later.problem = Some(format!("segment {expected} is missing"));
                return Ok(later);
            }
            if segment.ending != PLAIN {
                later.problem = Some(format!("{} was finished later", segment.path.display()));
                return Ok(later);
            }
            expected += 1;
            let fault = |source| disk_error("read segment", &segment.path, source);
            let mut window =
                Window::open(&*self.disk, &segment.path, segment.ending).map_err(fault)?;
            let head = window.at(0, usize::try_from(HEAD_ROOM).unwrap_or(0)).map_err(fault)?;
            if head_in(head, segment.id).is_none()
                && let Some(other) = head_of_another(head)
            {
                let reason = format!("this is segment {} of a journal", other.segment);
                return Err(Damage { file: segment.path, offset: 0, seq, reason }.into());
            }
            let rest = scan(&mut window, u64::MAX, 0, segment.id).map_err(fault)?;
            later.durable_through = later.durable_through.max(rest.durable_through);
            if let Some(end) = rest.end {
                later.end = Some(end);
                later.torn.get_or_insert((segment.id, segment.path, end));
            }
        }
        Ok(later)
    }
}

/// What stands in the segments behind the end of the log.
#[derive(Debug, Default)]
struct Later {
    durable_through: u64,
    end: Option<u64>,
    /// The first of them that is not all zeros, and where its bytes end.
    torn: Option<(u64, PathBuf, u64)>,
    /// What shows that the log went on.
    problem: Option<String>,
}

/// Goes through a segment from `offset` on for records that check, wherever they begin.
fn scan(window: &mut Window, size: u64, offset: u64, id: u64) -> std::io::Result<Rest> {
    let mut rest = Rest::default();
    let mut at = offset;
    while at < size {
        let want = BLOCK.min(usize::try_from(size - at).unwrap_or(BLOCK));
        let block = window.at(at, want)?;
        if block.is_empty() {
            break;
        }
        let length = block.len();
        let Some(last) = last_nonzero(block) else {
            at += length as u64;
            continue;
        };
        rest.end = Some(at + last as u64 + 1);
        // Records begin at multiples of eight, and so do blocks.
        let may_begin = |start: &usize| {
            let magic = block.get(start + 4..).unwrap_or(&[]);
            magic.len() < 2 || magic.starts_with(&MAGIC)
        };
        let starts: Vec<usize> = (0..=last).step_by(8).filter(may_begin).collect();
        for start in starts {
            let begin = at + start as u64;
            let header = window.at(begin, crate::record::HEADER)?;
            let Some(bytes) = size_from_header(header) else { continue };
            if let Ok(linked) = parse(window.at(begin, bytes)?, id) {
                rest.durable_through = rest.durable_through.max(linked.record.durable_through);
            }
        }
        at += length as u64;
    }
    Ok(rest)
}

/// Compared a page at a time: most of what is looked at here is zeros.
const ZEROS: [u8; 4096] = [0; 4096];

fn first_nonzero(bytes: &[u8]) -> Option<usize> {
    let page = bytes.chunks(ZEROS.len()).position(|page| *page != ZEROS[..page.len()])?;
    let start = page * ZEROS.len();
    bytes[start..].iter().position(|&byte| byte != 0).map(|at| start + at)
}

fn last_nonzero(bytes: &[u8]) -> Option<usize> {
    let page = bytes.chunks(ZEROS.len()).rposition(|page| *page != ZEROS[..page.len()])?;
    let start = page * ZEROS.len();
    let page = &bytes[start..bytes.len().min(start + ZEROS.len())];
    page.iter().rposition(|&byte| byte != 0).map(|at| start + at)
}

/// Returns the head at the beginning of a segment whose number is another one.
fn head_of_another(bytes: &[u8]) -> Option<Head> {
    let size = size_from_header(bytes)?;
    let (record, _) = parse_checked(bytes.get(..size)?);
    let mut head = Head::default();
    head.load(&mut model::record::Reader::new(record.payload)).ok()?;
    head_in(bytes, head.segment).map(|(head, _)| head)
}
