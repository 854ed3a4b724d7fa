//! Snapshots: good or not there (J9).

use journal::{KEEP, SnapshotHead, Snapshots};
use model::Timestamp;

use crate::support::real;

fn head(seq: u64) -> SnapshotHead {
    SnapshotHead {
        seq,
        time: Timestamp::from_nanos(5),
        schema: 3,
        build: "test".into(),
        account: 7,
        state_hash: u128::MAX - 1,
        books_hash: 2,
        chain: Some(9),
    }
}

/// J9: the newest good one is found, bad ones are told, older ones beyond three are removed.
#[test]
fn the_newest_good_one_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(real(), folder.path().join("snapshots"));
    assert_eq!(snapshots.newest(|_| true).unwrap(), (None, Vec::new()));
    for seq in [10, 20, 100, 3000] {
        snapshots.write(&head(seq), &seq.to_le_bytes()).unwrap();
    }
    assert_eq!(snapshots.list().unwrap().len(), KEEP);
    let (newest, bad) = snapshots.newest(|_| true).unwrap();
    let newest = newest.unwrap();
    assert_eq!((&newest.head, newest.body.as_slice()), (&head(3000), &3000_u64.to_le_bytes()[..]));
    assert_eq!(bad, []);

    std::fs::write(&newest.path, b"BWSNAP").unwrap();
    let (older, bad) = snapshots.newest(|_| true).unwrap();
    assert_eq!(older.unwrap().head.seq, 100);
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].path, newest.path);
    let (wanted, _) = snapshots.newest(|head| head.seq < 100).unwrap();
    assert_eq!(wanted.unwrap().head.seq, 20);
}

/// J9, F40: no byte of a snapshot can change, and none can be missing, without being noticed.
#[test]
fn every_byte_counts() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(real(), folder.path().to_owned());
    let path = snapshots.write(&head(9), b"the state").unwrap();
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            std::fs::write(&path, &bytes).unwrap();
            assert!(snapshots.read(&path).is_err(), "byte {at} ^ {flip}");
        }
        std::fs::write(&path, &good[..at]).unwrap();
        assert!(snapshots.read(&path).is_err(), "cut at {at}");
    }
    let mut longer = good.clone();
    longer.push(0);
    std::fs::write(&path, &longer).unwrap();
    assert!(snapshots.read(&path).is_err());
}
