//! Power lost at every sync, with any part of what was not synced (F34, I6, issue 5).

use std::path::Path;
use std::sync::Arc;

use journal::disk::{Disk, PowerLoss, Recorder, Unsynced};
use journal::{ReadOptions, Release, Running, SnapshotHead, Snapshots, Urgency, epoch};

use crate::support::{Chance, Content, LONG, append, author, contents, go_on, options, read, real};

const SEED: u64 = 4_711;
const SEGMENT: u64 = 8192;

/// Tells the recorder what the world was told.
struct Noting(Recorder);

impl Release for Noting {
    fn durable(&mut self, seq: u64) {
        self.0.note(seq);
    }

    fn dead(&mut self, reason: &str) {
        panic!("{reason}");
    }
}

fn run(recorder: &Recorder, data: &Path, number: u32, contents: &[Content]) {
    let disk: Arc<dyn Disk> = Arc::new(recorder.clone());
    epoch::write(&*disk, data, number).unwrap();
    let snapshots = Snapshots::new(disk.clone(), data.join("snapshots"));
    let options = options(&data.join("journal"), SEGMENT);
    let mut running: Running = go_on(disk, options, Box::new(Noting(recorder.clone()))).unwrap();
    let mut chance = Chance(u64::from(number));
    for (at, content) in contents.iter().enumerate() {
        let urgency = if chance.below(3) == 0 { Urgency::Soon } else { Urgency::Now };
        let seq = append(&mut running, at as i64, content, urgency);
        if chance.below(4) > 0 {
            running.durable.wait_for(seq, LONG).unwrap();
        }
        if at % 15 == 14 {
            running.durable.wait_for(seq, LONG).unwrap();
            let head = SnapshotHead { seq, build: author().build, ..SnapshotHead::default() };
            snapshots.write(&head, &vec![7; 3000]).unwrap();
        }
    }
    running.appender.close().unwrap();
}

/// Checks an image: nothing that was acknowledged is lost, groups are whole, all files are good.
/// Returns how many groups there are.
fn check(image: &Path, acknowledged: u64, contents: &[Content], what: &str) -> usize {
    epoch::read(&*real(), image).unwrap_or_else(|error| panic!("{what}: epoch: {error}"));
    let snapshots = Snapshots::new(real(), image.join("snapshots"));
    let (newest, bad) = snapshots.newest(|_| true).unwrap();
    assert_eq!(bad, [], "{what}");
    let known_durable = newest.map_or(0, |snapshot| snapshot.head.seq);
    let options = ReadOptions { known_durable, ..ReadOptions::default() };
    let found = read(real(), &image.join("journal"), options)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(found.tail.last_seq >= acknowledged, "{what}: {:?} < {acknowledged}", found.tail);
    assert_eq!(found.groups, contents[..found.groups.len()], "{what}");
    found.groups.len()
}

/// F34: 200 syncs by four ways of losing what was not synced; and from some of these images the
/// power is lost again while the torn tail is being cut.
#[test]
fn power_is_lost_anywhere() {
    println!("seed {SEED}");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let recorder = Recorder::new(real());
    recorder.create_dir(&data).unwrap();
    let contents = contents(SEED, 420);
    run(&recorder, &data, 1, &contents[..300]);
    run(&recorder, &data, 2, &contents[300..]);

    let trace = recorder.trace();
    let power = PowerLoss::new(&trace);
    println!("{} operations, {} syncs", trace.len(), power.points());
    assert!(power.points() >= 200, "{} syncs", power.points());
    let mut torn = 0;
    for nth in 0..200 {
        let point = nth * power.points() / 200;
        for way in Unsynced::ALL {
            let what = format!("point {point}, {way:?}");
            let image = folder.path().join("image");
            let acknowledged = power.image(point, way, SEED, &data, &image).unwrap();
            let groups = check(&image, acknowledged, &contents, &what);
            if nth % 10 == 0 {
                torn += usize::from(again(&image, acknowledged, &contents, groups, &what));
            }
            std::fs::remove_dir_all(&image).unwrap();
        }
    }
    println!("{torn} torn tails were cut with power lost again");
    assert!(torn > 0, "no image had a torn tail");
}

/// Goes on in an image and loses power again at every sync of that. Returns whether a tail was cut.
fn again(image: &Path, acknowledged: u64, all: &[Content], groups: usize, what: &str) -> bool {
    let journal = image.join("journal");
    let torn = read(real(), &journal, ReadOptions::default()).unwrap().tail.torn.is_some();
    let recorder = Recorder::new(real());
    recorder.adopt(image).unwrap();
    recorder.note(acknowledged);
    let adopted = recorder.trace().len();
    let disk = Arc::new(recorder.clone());
    let more = contents(SEED + 1, 3);
    let mut running =
        go_on(disk, options(&journal, SEGMENT), Box::new(Noting(recorder.clone()))).unwrap();
    for content in &more {
        append(&mut running, 1, content, Urgency::Now);
    }
    running.appender.close().unwrap();
    let expected = [&all[..groups], &more].concat();
    let found = read(real(), &journal, ReadOptions::default()).unwrap();
    assert_eq!(found.groups, expected, "{what}");
    assert!(!found.cuts.is_empty() || !torn, "{what}");

    let trace = recorder.trace();
    let power = PowerLoss::new(&trace);
    let second = image.with_extension("second");
    let adopted = PowerLoss::new(&trace[..adopted]).points();
    for point in adopted..power.points() {
        for way in Unsynced::ALL {
            let acknowledged = power.image(point, way, SEED, image, &second).unwrap();
            check(&second, acknowledged, &expected, &format!("{what}, then {point}, {way:?}"));
            std::fs::remove_dir_all(&second).unwrap();
        }
    }
    torn
}
