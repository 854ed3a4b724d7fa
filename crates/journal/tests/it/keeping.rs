//! Compressed segments and extracts read like the whole; damage is cut only when asked (J8).

use journal::{
    Keeping, Kind, ReadError, ReadOptions, SnapshotHead, Snapshots, keep, repair, segments, verify,
};
use model::Timestamp;

use crate::support::{Content, author, contents, read, real, segment, write};

/// journal.md 17: what no snapshot needs is compressed and reads the same; older than the limit an
/// extract without some kinds stays, and the journal goes on behind it.
#[test]
fn finished_segments_are_kept_smaller() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, dir) = (real(), folder.path());
    let all = contents(21, 100);
    write(dir, 4096, &all);
    let ids = segments(&disk, dir).unwrap();
    let behind = ids[3].first_seq.unwrap() - 1;
    let keeping = Keeping {
        behind,
        extract_before: Timestamp::MIN,
        leave_out: &[Kind(0x0100), Kind(0x0103)],
    };
    let kept = keep(&disk, dir, &keeping).unwrap();
    assert_eq!((kept.compressed, kept.extracted), (vec![1, 2, 3], vec![]));
    assert!(!segment(dir, 1).exists() && segment(dir, 4).exists());
    assert_eq!(read(real(), dir, ReadOptions::default()).unwrap().groups, all);
    assert_eq!(keep(&disk, dir, &keeping).unwrap().compressed, [0_u64; 0]);

    let keeping = Keeping { extract_before: Timestamp::MAX, ..keeping };
    let kept = keep(&disk, dir, &keeping).unwrap();
    assert_eq!((kept.compressed, kept.extracted), (vec![], vec![1, 2, 3]));
    assert!(segments(&disk, dir).unwrap()[0].extract);
    let mut seq = 0;
    let expected: Vec<Content> = all
        .iter()
        .filter_map(|group| {
            seq += group.len() as u64;
            let left_out = |kind: &u16| seq <= behind && [0x0100, 0x0103].contains(kind);
            let rest: Content = group.iter().filter(|(kind, _)| !left_out(kind)).cloned().collect();
            (!rest.is_empty()).then_some(rest)
        })
        .collect();
    assert_eq!(read(real(), dir, ReadOptions::default()).unwrap().groups, expected);
    assert_eq!(verify(&disk, dir).unwrap().errors, []);

    let more = contents(22, 30);
    write(dir, 4096, &more);
    let found = read(real(), dir, ReadOptions::default()).unwrap();
    assert_eq!(found.groups, [expected, more].concat());
}

/// F40: a compressed segment that changed is damage like any other.
#[test]
fn a_compressed_segment_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, dir) = (real(), folder.path());
    write(dir, 4096, &contents(23, 60));
    let keeping = Keeping { behind: u64::MAX, extract_before: Timestamp::MIN, leave_out: &[] };
    keep(&disk, dir, &keeping).unwrap();
    let path = dir.join("0000000002.seg.zst");
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(37) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        std::fs::write(&path, bytes).unwrap();
        match read(real(), dir, ReadOptions::default()) {
            // The packed form has bits that mean nothing; then the content is the same.
            Ok(found) => assert_eq!(found.groups, contents(23, 60), "byte {at}"),
            Err(ReadError::Damage(_)) => {}
            Err(other) => panic!("byte {at}: {other:?}"),
        }
    }
}

/// J8: a repair cuts at the damage, keeps the original and the snapshots behind it aside, and says
/// so in the journal; what the newest good snapshot covers is left alone.
#[test]
fn a_repair_keeps_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, dir) = (real(), folder.path().join("journal"));
    let all = contents(31, 80);
    write(&dir, 4096, &all);
    let snapshots = Snapshots::new(real(), folder.path().join("snapshots"));
    let ids = segments(&disk, &dir).unwrap();
    let first_of = |at: usize| ids[at].first_seq.unwrap();
    assert_eq!(repair(&disk, &dir, &snapshots, author()).unwrap(), None);

    let path = segment(&dir, 2);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2000] ^= 8;
    std::fs::write(&path, &bytes).unwrap();
    let head = SnapshotHead { seq: first_of(2) + 2, ..SnapshotHead::default() };
    snapshots.write(&head, b"state").unwrap();
    assert_eq!(repair(&disk, &dir, &snapshots, author()).unwrap(), None, "the snapshot covers it");

    let newest = snapshots.list().unwrap().remove(0);
    std::fs::write(&newest, b"bad").unwrap();
    let repaired = repair(&disk, &dir, &snapshots, author()).unwrap().unwrap();
    assert_eq!(repaired.damage.file, path);
    assert_eq!(std::fs::read(segment(&repaired.original, 2)).unwrap(), bytes);
    assert_eq!(repaired.snapshots, [repaired.original.join(newest.file_name().unwrap())]);
    assert_eq!(snapshots.list().unwrap(), [""; 0].map(std::path::PathBuf::from));
    let found = read(real(), &dir, ReadOptions::default()).unwrap();
    assert_eq!(found.groups, all[..found.groups.len()]);
    assert!(!found.groups.is_empty());
    assert_eq!(found.cuts.len(), 1);
    assert!(found.cuts[0].reason.contains("repaired"), "{:?}", found.cuts);
    assert_eq!(found.tail.last_seq, repaired.last_seq + 1);
    write(&dir, 4096, &contents(32, 30));
    assert_eq!(verify(&disk, &dir).unwrap().errors, []);
}
