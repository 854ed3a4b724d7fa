//! Released records, read from the journal again: for lists and alerts that were too slow (J13).

use engine::{Fact, Input};
use journal::{Flags, Group, ReadError, ReadOptions};

use super::Place;
use crate::codec::{self, Entry};
use crate::projection::CatchUp;
use crate::release::Released;

/// Reads the groups from one sequence to before another; what led to nothing is passed over.
pub(crate) fn catch_up(place: Place) -> CatchUp {
    Box::new(move |from, to| match read(&place, from, to) {
        Ok(records) => records,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, from, to, "records could not be read again from the journal");
            Vec::new()
        }
    })
}

fn read(place: &Place, from: u64, to: u64) -> Result<Vec<Released>, ReadError> {
    let last = to.saturating_sub(1);
    let options =
        ReadOptions { from, known_durable: last, limit: Some(last), ..ReadOptions::default() };
    let mut reader = place.read(options)?;
    let mut records = Vec::new();
    while let Some(group) = reader.next_group()? {
        records.extend(released(&group));
    }
    Ok(records)
}

/// Returns a group as it was released, its evaluations left out; `None` when it led to nothing.
pub(super) fn released(group: &Group<'_>) -> Option<Released> {
    let (mut input, mut facts) = (None, Vec::<Fact>::new());
    let mut time = model::Timestamp::default();
    for record in group.records() {
        let skip = record.flags.has(Flags::NON_CRITICAL);
        time = record.time;
        match codec::decode(record.kind, record.version, skip, record.payload) {
            Ok(Some(Entry::Input(item))) => input = Some(item),
            Ok(Some(Entry::Fact(fact))) => facts.push(fact),
            // What this build does not know is in no list of it.
            Ok(Some(Entry::Mark(_)) | None) | Err(_) => {}
        }
    }
    let input = input?;
    let silent = facts.is_empty() && matches!(input, Input::Market { .. } | Input::Time);
    let (seq, end_seq) = (group.first_seq, group.last_seq);
    let evaluations = Vec::new();
    (!silent).then_some(Released { seq, end_seq, time, input, facts, evaluations })
}
