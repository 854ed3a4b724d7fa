//! What is left of a journal after years gives the same books (journal.md 17).

use std::sync::Arc;

use journal::disk::{Disk, RealDisk};
use journal::{Keeping, ReadOptions};
use model::Timestamp;
use runtime::codec;
use runtime::recovery::{Place, Plan, Replay};

use crate::rig::{BUILD, Past};

/// journal.md 17: an extract without market data is adopted; books and Marks are those of the run.
#[test]
fn an_extract_gives_the_same_books() {
    let past = Past::new();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let place = Place::of(Arc::clone(&disk), &past.data(), None);
    let keeping = Keeping {
        behind: u64::MAX,
        extract_before: Timestamp::MAX,
        leave_out: &[codec::MARKET_KIND],
    };
    let kept = journal::keep(&disk, &place.journal, &keeping).unwrap();
    assert!(!kept.extracted.is_empty(), "{kept:?}");
    let plan = Plan { build: BUILD.to_owned(), adopt: false, stop_at_difference: false };
    let mut replay = Replay::new(&past.scene.foundry, plan);
    let mut reader = place.read(ReadOptions::default()).unwrap();
    let mut market = 0;
    while let Some(group) = reader.next_group().unwrap() {
        let is_market = |record: &journal::Record<'_>| record.kind == codec::MARKET_KIND;
        market += group.records().filter(is_market).count();
        replay.take(&group).unwrap();
    }
    println!("{kept:?}; {market} records of market data are left");
    let found = replay.found();
    assert_eq!(found.difference_count, 0, "{:?}", found.differences.first());
    assert_eq!(found.marks, 3);
    assert!(!replay.is_exact());
    let expected = past.truth.values().next_back().unwrap().books_hash;
    assert_eq!(replay.engine().unwrap().books().hash(), expected);
}
