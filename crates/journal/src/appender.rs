//! The core thread's side: records become groups, groups go to the writer thread.
//!
//! Appending copies bytes and takes one short lock; it never waits for the disk and, once its
//! buffers have grown, never allocates. A group is visible to the writer as a whole or not at all.

use std::sync::Arc;
use std::thread::JoinHandle;

use model::Timestamp;

use crate::durable::Durable;
use crate::record::{Flags, Kind, Record, close, mark, open};
use crate::segment::HEAD_ROOM;
use crate::shared::Shared;

/// When a group must be on disk (J4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Urgency {
    /// At once: broker commands and reports, control, start, limits, gate.
    Now,
    /// Within 50 ms.
    Soon,
}

/// Why a group was not appended. Nothing of it is in the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The writer does not keep up.
    #[error("append {needed} bytes to the journal: only {room} bytes of its ring are free")]
    Full {
        /// Bytes of the group.
        needed: usize,
        /// Bytes that are free.
        room: usize,
    },
    /// The journal is dead (J6).
    #[error("append to the journal: it is dead: {reason}")]
    Dead {
        /// What killed it.
        reason: String,
    },
    /// A payload is longer than a record may be.
    #[error("append a record of kind {:#06x}: {length} bytes are more than 65536", kind.0)]
    Payload {
        /// The record's kind.
        kind: Kind,
        /// The payload's length.
        length: usize,
    },
    /// A group does not fit into a segment.
    #[error("append a group of {bytes} bytes: a segment has only {segment_bytes}")]
    Group {
        /// Bytes of the group.
        bytes: usize,
        /// Bytes of a segment.
        segment_bytes: u64,
    },
}

/// Appends groups; there is one per journal.
///
/// Dropping it writes what is pending and stops the writer, as [`close`](Self::close) does.
#[derive(Debug)]
pub struct Appender {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    /// The group that is being built; empty between groups.
    group: Vec<u8>,
    next_seq: u64,
    segment_bytes: u64,
}

impl Appender {
    pub(crate) fn new(
        shared: Arc<Shared>,
        writer: JoinHandle<()>,
        next_seq: u64,
        segment_bytes: u64,
    ) -> Self {
        Self { shared, writer: Some(writer), group: Vec::new(), next_seq, segment_bytes }
    }

    /// Returns the sequence the next record will bear.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Returns how many bytes of the ring wait for the disk, and how many there are.
    ///
    /// Above half, only what must come in is let in (journal.md 5). Between two calls of one
    /// thread that only asks, the room never shrinks: who sees room for a group can append it.
    pub fn fill(&self) -> (usize, usize) {
        (self.shared.filled(), self.shared.ring_bytes)
    }

    /// Returns the handle that tells what is durable.
    pub fn durable(&self) -> Durable {
        Durable::new(Arc::clone(&self.shared))
    }

    /// Begins a group at an engine time. It is appended by [`Group::end`]; dropped before, nothing
    /// of it remains and its sequences are given again.
    pub fn begin(&mut self, time: Timestamp) -> Group<'_> {
        self.group.clear();
        Group { first_seq: self.next_seq, time, monotonic_ns: boot_time(), last: 0, appender: self }
    }

    /// Writes what is pending, makes it durable and stops the writer.
    ///
    /// # Errors
    ///
    /// When the journal is dead; what is durable is then unchanged.
    pub fn close(mut self) -> Result<(), AppendError> {
        self.stop();
        match self.shared.dead() {
            None => Ok(()),
            Some(reason) => Err(AppendError::Dead { reason }),
        }
    }

    fn stop(&mut self) {
        self.shared.stop();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            self.shared.die("the writer thread panicked");
        }
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A group that is being built.
#[derive(Debug)]
pub struct Group<'a> {
    appender: &'a mut Appender,
    first_seq: u64,
    time: Timestamp,
    monotonic_ns: i64,
    /// Where the last record begins.
    last: usize,
}

impl Group<'_> {
    /// Adds a record whose payload `write` appends to the buffer, and returns its sequence.
    ///
    /// `write` must not touch what is in the buffer already.
    ///
    /// # Errors
    ///
    /// When the payload is too long; the group can then only be dropped.
    pub fn record(
        &mut self,
        kind: Kind,
        version: u8,
        flags: Flags,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<u64, AppendError> {
        let seq = self.appender.next_seq;
        let header = Record {
            seq,
            kind,
            version,
            flags,
            time: self.time,
            monotonic_ns: self.monotonic_ns,
            durable_through: 0,
            payload: &[],
        };
        self.last = open(&mut self.appender.group, &header);
        write(&mut self.appender.group);
        close(&mut self.appender.group, self.last)
            .map_err(|length| AppendError::Payload { kind, length })?;
        self.appender.next_seq += 1;
        Ok(seq)
    }

    /// Returns the sequence the next record of the group will bear.
    pub fn next_seq(&self) -> u64 {
        self.appender.next_seq
    }

    /// Hands the group to the writer and returns the sequence of its last record. An output of the
    /// group may leave once that is durable.
    ///
    /// # Errors
    ///
    /// When the ring is full, the journal is dead or the group is too large; nothing of the group
    /// is then in the journal.
    ///
    /// # Panics
    ///
    /// When the group has no record.
    pub fn end(self, urgency: Urgency) -> Result<u64, AppendError> {
        let appender = &mut *self.appender;
        assert!(!appender.group.is_empty(), "a group without a record at {}", self.first_seq);
        if appender.group.len() as u64 + HEAD_ROOM > appender.segment_bytes {
            return Err(AppendError::Group {
                bytes: appender.group.len(),
                segment_bytes: appender.segment_bytes,
            });
        }
        mark(&mut appender.group[self.last..], Flags::END);
        appender.shared.push(&appender.group, urgency)?;
        appender.group.clear();
        Ok(appender.next_seq - 1)
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        // Ended groups leave an empty buffer.
        if !self.appender.group.is_empty() {
            self.appender.group.clear();
            self.appender.next_seq = self.first_seq;
        }
    }
}

/// Returns the clock that runs since the machine started, also while it sleeps, in nanoseconds.
pub(crate) fn boot_time() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
