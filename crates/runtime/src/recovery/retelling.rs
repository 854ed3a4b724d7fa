//! What was told before a process began, told again to its lists: the journal's groups, with the
//! evaluations that led to nothing.
//!
//! Those evaluations are not in the journal; an exact replay from a snapshot makes them again
//! (decision 0115). Where it is not exact, or there is no snapshot to begin at, they are left out and
//! everything else is told. Invariant: nothing here is waited for by the core.

use std::sync::Arc;

use engine::Input;
use journal::{Group, ReadError, ReadOptions};

use super::catching_up::released;
use super::{Base, Foundry, Place, Plan, Replay, base_before, begin};
use crate::projection::Past;
use crate::release::Released;

/// Most records that are replayed before the first one that is told.
const LEAD: u64 = 200_000;

/// Tells the groups from one sequence to before another, in order.
pub(crate) fn retell(place: Place, foundry: Arc<dyn Foundry>, build: String) -> Past {
    Box::new(move |from, to, tell| {
        if let Err(error) = tell_again(&place, &*foundry, &build, (from, to), tell) {
            let error = &error as &dyn std::error::Error;
            tracing::error!(
                error,
                from,
                to,
                "what happened before cannot be read from the journal"
            );
        }
    })
}

fn tell_again(
    place: &Place,
    foundry: &dyn Foundry,
    build: &str,
    (from, to): (u64, u64),
    tell: &mut dyn FnMut(&Released),
) -> Result<(), ReadError> {
    let base = beginning(place, foundry, build, from, to);
    let (mut seq, mut chain) = (from, None);
    let mut replay = None;
    let replayed_from = base.as_ref().map(|base| base.seq + 1);
    if let Some(base) = base {
        if base.seq < from {
            (seq, chain) = (base.seq + 1, base.chain);
        }
        let plan = Plan { build: build.to_owned(), adopt: false, stop_at_difference: true };
        replay = Some(begin(foundry, plan, base));
    }
    let last = to.saturating_sub(1);
    let options = ReadOptions {
        from: seq,
        known_durable: last,
        known_chain: chain,
        limit: Some(last),
        ..ReadOptions::default()
    };
    let mut reader = place.read(options)?;
    while let Some(group) = reader.next_group()? {
        if replayed_from.is_some_and(|begin| group.first_seq >= begin) {
            replay = replay.take().and_then(|replay| step(replay, &group));
        }
        if group.first_seq >= from
            && let Some(record) = with_evaluations(&group, replay.as_ref())
        {
            tell(&record);
        }
    }
    Ok(())
}

/// Replays a group; `None` when the replay cannot go on: what it would make is not what was made.
fn step<'f>(mut replay: Replay<'f>, group: &Group<'_>) -> Option<Replay<'f>> {
    match replay.take(group) {
        Ok(true) => Some(replay),
        Ok(false) => None,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "evaluations of the past cannot be made again");
            None
        }
    }
}

fn with_evaluations(group: &Group<'_>, replay: Option<&Replay<'_>>) -> Option<Released> {
    let evaluations = replay.map(Replay::evaluations).unwrap_or_default();
    let Some(record) = released(group) else {
        let time = group.records().last()?.time;
        let (seq, end_seq) = (group.first_seq, group.last_seq);
        let evaluations = evaluations.to_vec();
        let (input, facts) = (Input::Time, Vec::new());
        let record = Released { seq, end_seq, time, input, facts, evaluations };
        return (!record.evaluations.is_empty()).then_some(record);
    };
    Some(Released { evaluations: evaluations.to_vec(), ..record })
}

/// Returns where the replay begins: at the newest snapshot before the first group that is told, else
/// at the journal's begin, else at the oldest snapshot there is.
fn beginning(
    place: &Place,
    foundry: &dyn Foundry,
    build: &str,
    from: u64,
    to: u64,
) -> Option<Base> {
    let before = |seq| base_before(place, foundry, build, false, seq).ok().map(|(base, _)| base);
    let near = before(from).filter(|base| from - base.seq <= LEAD);
    near.or_else(|| {
        let oldest = place.store().oldest().ok().flatten()?;
        (oldest.seq < to).then(|| before(oldest.seq + 1)).flatten().filter(|base| base.seq > 0)
    })
}
