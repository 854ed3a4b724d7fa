//! Journals of earlier builds, kept in the repository: every later build reads them and comes to
//! the same books (J12, I7, F48).
//!
//! `tests/data/journals/NAME` holds a journal and `expected.json`. What stands there is never
//! changed: a test that fails here says that books would be lost in an upgrade.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::disk::{Disk, RealDisk};
use journal::{Keeping, ReadOptions, verify};
use model::Timestamp;
use runtime::codec;
use runtime::recovery::{Place, Plan, Replay};
use serde_json::{Value, json};

use crate::rig::{BUILD, Past};
use crate::support::TestFoundry;

fn folder() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/journals");
    PathBuf::from(default)
}

fn hex(hash: u128) -> String {
    format!("{hash:032x}")
}

/// Reads a journal as another build does: recorded facts are folded, nothing is decided.
fn adopted<'f>(dir: &Path, foundry: &'f TestFoundry) -> (Replay<'f>, BTreeMap<String, u64>) {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let place = Place { disk, journal: dir.to_owned(), snapshots: dir.join("none"), account: None };
    let plan = Plan { build: "later".to_owned(), adopt: true, stop_at_difference: false };
    let mut replay = Replay::new(foundry, plan);
    let mut reader = place.read(ReadOptions::default()).unwrap();
    let mut kinds = BTreeMap::new();
    while let Some(group) = reader.next_group().unwrap() {
        for record in group.records() {
            *kinds.entry(codec::kind_name(record.kind).to_owned()).or_default() += 1;
        }
        replay.take(&group).unwrap();
    }
    (replay, kinds)
}

fn foundry(expected: &Value) -> TestFoundry {
    let names = expected["symbols"].as_array().unwrap().iter();
    let mut foundry =
        TestFoundry::new(names.map(|name| name.as_str().unwrap().parse().unwrap()).collect());
    foundry.limits.test_ceilings = true;
    foundry
}

fn describe(dir: &Path, foundry: &TestFoundry) -> Value {
    let (replay, kinds) = adopted(dir, foundry);
    let found = replay.found();
    assert_eq!(found.difference_count, 0, "{:?}", found.differences.first());
    json!({
        "symbols": foundry.symbols.iter().map(|symbol| symbol.to_string()).collect::<Vec<_>>(),
        "records": found.records,
        "last_seq": found.to_seq,
        "marks": found.marks,
        "kinds": kinds,
        "books_hash": replay.engine().map(|engine| hex(engine.books().hash())),
    })
}

/// J12: every kept journal is whole, each of its records is understood, its Marks hold, and the
/// books at its end are those of the build that wrote it.
#[test]
fn kept_journals_give_the_same_books() {
    let mut names: Vec<_> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut read = 0;
    for dir in names.iter().filter(|path| path.is_dir()) {
        let expected = std::fs::read_to_string(dir.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        let checked = verify(&disk, dir).unwrap();
        assert_eq!((checked.errors, checked.torn_tail), (vec![], None), "{}", dir.display());
        assert_eq!(describe(dir, &foundry(&expected)), expected, "{}", dir.display());
        read += 1;
    }
    assert!(read > 0, "no journals are kept");
}

/// J12: a journal of this build can be kept. It lies in a temporary folder, or with
/// `GOLDEN=schema-1 cargo test -p runtime --test it golden` in the repository; one that is there
/// already is left alone.
#[test]
fn a_journal_of_this_build_can_be_kept() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = match std::env::var("GOLDEN") {
        Ok(name) => folder().join(name),
        Err(_) => temporary.path().join("kept"),
    };
    assert!(!dir.exists(), "{} is kept already", dir.display());
    let past = Past::new();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let journal = past.data().join("journal");
    let keeping = Keeping { behind: u64::MAX, extract_before: Timestamp::MIN, leave_out: &[] };
    journal::keep(&disk, &journal, &keeping).unwrap();
    std::fs::create_dir_all(&dir).unwrap();
    for entry in std::fs::read_dir(&journal).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        // Neither the ballast nor a spare: what is all zeros says nothing.
        if bytes.iter().any(|&byte| byte != 0) {
            std::fs::write(dir.join(entry.file_name()), bytes).unwrap();
        }
    }
    let checked = verify(&disk, &dir).unwrap();
    assert_eq!((checked.errors, checked.torn_tail), (vec![], None), "{BUILD}");
    let expected = describe(&dir, &past.scene.foundry);
    assert!(expected["marks"].as_u64() > Some(0) && expected["kinds"]["intent"].as_u64() > Some(0));
    let text = serde_json::to_string_pretty(&expected).unwrap();
    std::fs::write(dir.join("expected.json"), text + "\n").unwrap();
}
