//! Idempotency keys: an instruction that arrives twice is carried out once (F46).
//!
//! The key is whatever the giver made up for one instruction; the shell makes it unique over all
//! givers. Keys live in the books, so that a retry after a restart changes nothing either.
//!
//! Invariant: a key is known for 24 h, unless [`MOST`] newer ones came.

use std::collections::VecDeque;

use model::{DAY_NS, Timestamp, record};
use twox_hash::xxhash3_128;

/// The most keys that are kept: one every 20 s for 24 h.
const MOST: usize = 4_320;

/// A key that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Seen {
    /// Hash of the key, in two halves.
    hash: (u64, u64),
    /// When it was seen.
    time: Timestamp,
    /// Whether what it asked for was done.
    done: bool,
}

/// The keys of the last 24 h, the oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Keys {
    seen: VecDeque<Seen>,
}

impl Keys {
    /// Notes a key; when it is known already, returns whether its instruction was done. The empty
    /// key is none.
    pub(super) fn note(&mut self, key: &str, now: Timestamp) -> Option<bool> {
        if key.is_empty() {
            return None;
        }
        while self.seen.front().is_some_and(|oldest| now.since(oldest.time) > DAY_NS) {
            self.seen.pop_front();
        }
        let hash = hash(key);
        if let Some(known) = self.seen.iter().find(|seen| seen.hash == hash) {
            return Some(known.done);
        }
        if self.seen.len() >= MOST {
            self.seen.pop_front();
        }
        self.seen.push_back(Seen { hash, time: now, done: false });
        None
    }

    /// Notes whether the instruction of a key was done.
    pub(super) fn settle(&mut self, key: &str, done: bool) {
        let hash = hash(key);
        if let Some(seen) = self.seen.iter_mut().rev().find(|seen| seen.hash == hash) {
            seen.done = done;
        }
    }
}

fn hash(key: &str) -> (u64, u64) {
    let hash = xxhash3_128::Hasher::oneshot(key.as_bytes());
    ((hash >> 64) as u64, hash as u64)
}

record!(Seen { 1: hash, 2: time, 3: done });
record!(Keys { 1: seen });

#[cfg(test)]
mod tests {
    use super::*;

    /// F46: a key is known for a day, then it is new again; the number kept is bounded.
    #[test]
    fn keys_are_known_for_a_day() {
        let mut keys = Keys::default();
        let start = Timestamp::from_nanos(0);
        assert_eq!(keys.note("", start), None);
        assert_eq!(keys.note("", start), None, "no key is no repetition");
        assert_eq!(keys.note("a", start), None);
        keys.settle("a", true);
        assert_eq!(keys.note("a", start.plus_nanos(DAY_NS)), Some(true));
        assert_eq!(keys.note("a", start.plus_nanos(DAY_NS + 1)), None);
        for n in 0..2 * MOST {
            keys.note(&n.to_string(), start.plus_nanos(DAY_NS + 1));
        }
        assert_eq!(keys.seen.len(), MOST);
        assert_eq!(model::record::encode(&keys), model::record::encode(&keys.clone()));
    }
}
