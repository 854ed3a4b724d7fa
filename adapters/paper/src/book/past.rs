//! What is over: finished orders, executions and reports, put away in bytes until somebody asks.
//!
//! A checkpoint holds them as they lie here, so that opening a book costs no more for an account of
//! many years. Invariant: rows are in the order in which they were put away, and forgotten from the
//! oldest on.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use model::record::{DecodeError, Reader, Value, Writer, find, read};
use model::{ClientOrderId, ExecutionReport, ExecutionRow, OrderRow, Timestamp};

/// Rows that are read together when one of them is asked for.
const TOGETHER: usize = 4_096;

/// A row that can be put away.
pub(super) trait Row: Value + Default + Copy + Debug {
    /// What it is looked up by.
    type Key: Value + Ord + Copy + Default + Debug;
    /// Returns the key.
    fn key(&self) -> Self::Key;
}

impl Row for OrderRow {
    type Key = ClientOrderId;
    fn key(&self) -> ClientOrderId {
        self.client_id.unwrap_or_default()
    }
}

impl Row for ExecutionRow {
    type Key = Timestamp;
    fn key(&self) -> Timestamp {
        self.time
    }
}

impl Row for ExecutionReport {
    type Key = Timestamp;
    fn key(&self) -> Timestamp {
        self.time
    }
}

/// Rows of one kind.
#[derive(Clone, Debug)]
pub(super) struct Past<R: Row> {
    chunks: VecDeque<Chunk<R>>,
    rows: usize,
}

/// Some rows in bytes.
#[derive(Clone, Debug)]
struct Chunk<R: Row> {
    count: usize,
    least: R::Key,
    greatest: R::Key,
    bytes: Arc<[u8]>,
    /// The rows, once somebody asked.
    read: OnceLock<Vec<R>>,
}

impl<R: Row> Default for Past<R> {
    fn default() -> Self {
        Self { chunks: VecDeque::new(), rows: 0 }
    }
}

impl<R: Row> Past<R> {
    /// Returns how many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Puts rows away behind the others.
    pub(super) fn put(&mut self, rows: &[R]) {
        for rows in rows.chunks(TOGETHER) {
            self.push(Chunk::of(rows));
        }
    }

    fn push(&mut self, chunk: Chunk<R>) {
        self.rows += chunk.count;
        self.chunks.push_back(chunk);
    }

    /// Forgets the oldest rows as long as `kept` of them stay; returns the greatest key forgotten.
    pub(super) fn forget(&mut self, kept: usize) -> Option<R::Key> {
        let mut forgotten = None;
        while let Some(chunk) = self.chunks.front()
            && self.rows - chunk.count >= kept
        {
            forgotten = forgotten.max(Some(chunk.greatest));
            self.rows -= chunk.count;
            self.chunks.pop_front();
        }
        forgotten
    }

    /// Returns the newest row with a key.
    pub(super) fn find(&self, key: R::Key) -> Option<R> {
        let may = |chunk: &&Chunk<R>| (chunk.least..=chunk.greatest).contains(&key);
        let chunks = self.chunks.iter().rev().filter(may);
        chunks.flat_map(|chunk| chunk.rows().iter().rev()).find(|row| row.key() == key).copied()
    }

    /// Returns the rows whose key is not below one.
    pub(super) fn since(&self, key: R::Key) -> impl Iterator<Item = R> + '_ {
        let chunks = self.chunks.iter().filter(move |chunk| chunk.greatest >= key);
        chunks.flat_map(Chunk::rows).filter(move |row| row.key() >= key).copied()
    }

    /// Returns the rows after the first `count`.
    pub(super) fn after(&self, count: usize) -> impl Iterator<Item = R> + '_ {
        let mut before = 0;
        self.chunks.iter().flat_map(move |chunk| {
            let skipped = count.saturating_sub(before);
            before += chunk.count;
            let rows = if skipped < chunk.count { chunk.rows() } else { &[] };
            rows.iter().skip(skipped).copied()
        })
    }

    /// Returns how many chunks there are.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Returns the chunks as payloads.
    pub(super) fn payloads(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.chunks.iter().map(|chunk| {
            let mut writer = Writer::new();
            writer.field(1, &chunk.count);
            writer.field(2, &chunk.least);
            writer.field(3, &chunk.greatest);
            writer.blob(4, &chunk.bytes);
            writer.into_bytes()
        })
    }

    /// Takes a payload in behind the others.
    pub(super) fn take(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        const RECORD: &str = "Chunk";
        let mut chunk = Chunk::of(&[]);
        let mut reader = Reader::new(payload);
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => read(&mut chunk.count, &field, RECORD)?,
                2 => read(&mut chunk.least, &field, RECORD)?,
                3 => read(&mut chunk.greatest, &field, RECORD)?,
                4 => chunk.bytes = field.blob().unwrap_or_default().into(),
                _ => {}
            }
        }
        self.push(chunk);
        Ok(())
    }
}

impl<R: Row> Chunk<R> {
    fn of(rows: &[R]) -> Self {
        let mut writer = Writer::new();
        writer.field(1, &rows.to_vec());
        Self {
            count: rows.len(),
            least: rows.iter().map(R::key).min().unwrap_or_default(),
            greatest: rows.iter().map(R::key).max().unwrap_or_default(),
            bytes: writer.into_bytes().into(),
            read: OnceLock::new(),
        }
    }

    fn rows(&self) -> &[R] {
        self.read.get_or_init(|| {
            let rows: Result<Vec<R>, _> = find(&self.bytes, 1, "Chunk");
            // The file's checksum and version were right: this build wrote these bytes.
            rows.unwrap_or_else(|error| panic!("rows put away are not readable: {error}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u64) -> ExecutionRow {
        ExecutionRow { time: Timestamp::from_nanos(n as i64), ..ExecutionRow::default() }
    }

    /// Chunk by chunk, over their borders, and from bytes.
    #[test]
    fn rows_come_back_in_order() {
        let rows: Vec<_> = (0..3 * TOGETHER as u64 + 5).map(row).collect();
        let mut first = Past::default();
        first.put(&rows[..TOGETHER + 1]);
        first.put(&rows[TOGETHER + 1..]);
        let mut past = Past::default();
        first.payloads().for_each(|payload| past.take(&payload).unwrap());
        assert_eq!((past.len(), past.chunks()), (rows.len(), first.chunks()));
        for from in [0, 1, TOGETHER, TOGETHER + 2, rows.len() - 1, rows.len(), rows.len() + 9] {
            let left = rows[from.min(rows.len())..].to_vec();
            assert_eq!(past.after(from).collect::<Vec<_>>(), left, "after {from}");
            let key = Timestamp::from_nanos(from as i64);
            assert_eq!(past.since(key).collect::<Vec<_>>(), left, "since {from}");
            assert_eq!(past.find(key), rows[..].get(from).copied());
        }
        assert_eq!(past.forget(rows.len()), None);
        assert_eq!(past.forget(10).map(Timestamp::nanos), Some(2 * TOGETHER as i64));
        assert_eq!(past.find(Timestamp::from_nanos(0)), None);
    }
}
