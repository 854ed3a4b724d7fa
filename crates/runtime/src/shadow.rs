//! Snapshots, and with them the shadow check: a background thread replays what is durable and
//! compares (journal.md 14, J9, J11).
//!
//! It loads the newest snapshot, replays the journal behind it up to a Mark, compares facts and
//! hashes on the way, and writes the next snapshot. The core never waits for it and never writes
//! one itself.

use std::sync::Arc;

use journal::{ReadOptions, SnapshotHead};

use crate::codec::SCHEMA;
use crate::recovery::{self, Foundry, Place, Plan, RecoverError, snapshot};

/// What a run of the check did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Checked {
    /// The replay agrees; a snapshot was written at this sequence.
    Written(u64),
    /// There is no Mark behind the newest snapshot yet.
    Nothing,
    /// The replay differs from what was recorded: an alarm.
    Differs(String),
}

/// Replays up to the Mark at `mark_seq`, which must be durable, and writes a snapshot there.
///
/// # Errors
/// The journal or the snapshots cannot be read or written.
pub fn check(
    place: &Place,
    foundry: &Arc<dyn Foundry>,
    build: &str,
    mark_seq: u64,
) -> Result<Checked, RecoverError> {
    let (base, _) = recovery::base(place, &**foundry, build, false)?;
    if base.seq >= mark_seq {
        return Ok(Checked::Nothing);
    }
    let from = base.seq + 1;
    let options = ReadOptions {
        from,
        known_durable: mark_seq,
        limit: Some(mark_seq),
        ..ReadOptions::default()
    };
    let mut reader = place.read(options)?;
    let plan = Plan { build: build.to_owned(), adopt: false, stop_at_difference: true };
    let mut replay = recovery::begin(&**foundry, plan, base);
    while let Some(group) = reader.next_group()? {
        if !replay.take(&group)? {
            return Ok(Checked::Differs(recovery::describe(replay.found())));
        }
    }
    let chain = reader.chain();
    let author = reader.author().map_or(0, |author| author.account);
    let (found, state) = replay.finish();
    let (Some((seq, mark)), Some((start, engine))) = (found.last_mark, state) else {
        return Ok(Checked::Nothing);
    };
    if seq != mark_seq || found.to_seq != Some(mark_seq) {
        return Ok(Checked::Nothing);
    }
    let head = SnapshotHead {
        seq,
        time: engine.now(),
        schema: SCHEMA,
        build: build.to_owned(),
        account: author,
        state_hash: mark.state_hash,
        books_hash: mark.books_hash,
        chain: Some(chain),
    };
    place.store().write(&head, &snapshot::encode(&start, &engine))?;
    Ok(Checked::Written(seq))
}
