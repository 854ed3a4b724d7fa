//! What is written comes back, in order and whole; what fails stays failed.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use journal::disk::Faulty;
use journal::{
    AppendError, Flags, Health, Kind, ReadOptions, Reader, SpaceLevel, Urgency, WaitError, start,
};
use model::Timestamp;

use crate::support::{
    Content, LONG, Told, append, contents, go_on, options, read, real, segment, write,
};

/// J2, J3: groups come back as they were appended, over many segments and several runs, also from
/// the middle.
#[test]
fn what_is_written_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("journal");
    let contents = contents(1, 120);
    for run in contents.chunks(40) {
        write(&dir, 4096, run);
    }
    let found = read(real(), &dir, ReadOptions::default()).unwrap();
    assert_eq!(found.groups, contents);
    assert_eq!(found.cuts, []);
    assert_eq!(found.tail.torn, None);
    assert_eq!(found.tail.last_seq, contents.iter().flatten().count() as u64);
    assert!(segment(&dir, 5).exists(), "several segments were needed");

    let mut seq = 0;
    for (at, group) in contents.iter().enumerate() {
        let options = ReadOptions { from: seq + 1, ..ReadOptions::default() };
        let found = read(real(), &dir, options).unwrap();
        assert_eq!(found.groups, contents[at..]);
        seq += group.len() as u64;
    }
}

/// J14: files and folders are the user's alone.
#[test]
fn files_are_private() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("journal");
    write(&dir, 4096, &contents(2, 5));
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.clone()), 0o700);
    for entry in std::fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(entry.unwrap().path()), 0o600);
    }
}

/// J4: what is not urgent is durable soon without anything else happening.
#[test]
fn soon_is_soon() {
    let folder = tempfile::tempdir().unwrap();
    let told = Told::default();
    let mut running = go_on(real(), options(folder.path(), 65536), Box::new(told.clone())).unwrap();
    let content = contents(3, 1).remove(0);
    let seq = append(&mut running, 1, &content, Urgency::Soon);
    running.durable.wait_for(seq, LONG).unwrap();
    running.appender.close().unwrap();
    assert_eq!(told.durable().last(), Some(&seq));
}

/// journal.md 4: a group that is not ended leaves nothing, and its sequences are given again.
#[test]
fn a_dropped_group_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut running =
        go_on(real(), options(folder.path(), 65536), Box::new(Told::default())).unwrap();
    let mut group = running.appender.begin(Timestamp::from_nanos(1));
    assert_eq!(group.record(Kind(0x0100), 1, Flags::NONE, |_| ()), Ok(1));
    drop(group);
    assert_eq!(running.appender.next_seq(), 1);
    let mut group = running.appender.begin(Timestamp::from_nanos(1));
    let long = group.record(Kind(0x0100), 1, Flags::NONE, |buffer| buffer.resize(90_000, 1));
    assert!(matches!(long, Err(AppendError::Payload { .. })), "{long:?}");
    drop(group);
    let content = contents(4, 1).remove(0);
    append(&mut running, 2, &content, Urgency::Soon);
    running.appender.close().unwrap();
    let found = read(real(), folder.path(), ReadOptions::default()).unwrap();
    assert_eq!(found.groups, [content]);
}

/// journal.md 5: each record says what was durable when it was written; the release follows.
#[test]
fn durable_through_never_runs_ahead() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 4096, &contents(5, 50));
    let mut reader = Reader::open(real(), folder.path(), ReadOptions::default()).unwrap();
    let mut durable = 0;
    while let Some(group) = reader.next_group().unwrap() {
        for record in group.records() {
            assert_eq!(record.durable_through, durable);
        }
        durable = group.last_seq;
    }
}

/// J6, F39: after a failed sync nothing is tried again; what was durable stays.
#[test]
fn a_failed_sync_is_the_end() {
    for fail_write in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (disk, faults) = Faulty::new(real());
        let disk = std::sync::Arc::new(disk);
        let told = Told::default();
        let mut running =
            go_on(disk, options(folder.path(), 65536), Box::new(told.clone())).unwrap();
        let contents = contents(6, 3);
        let good = append(&mut running, 1, &contents[0], Urgency::Now);
        running.durable.wait_for(good, LONG).unwrap();
        if fail_write {
            faults.fail_write(1)
        } else {
            faults.fail_sync(1)
        }
        let lost = append(&mut running, 2, &contents[1], Urgency::Now);
        let waited = running.durable.wait_for(lost, LONG);
        assert!(matches!(waited, Err(WaitError::Dead { .. })), "{waited:?}");
        assert!(matches!(running.durable.health(), Health::Dead { .. }));
        assert_eq!(running.durable.seq(), good);
        let mut group = running.appender.begin(Timestamp::from_nanos(3));
        group.record(Kind(0x0100), 1, Flags::NONE, |_| ()).unwrap();
        assert!(matches!(group.end(Urgency::Now), Err(AppendError::Dead { .. })));
        let closed = running.appender.close().unwrap_err().to_string();
        assert!(closed.contains("Input/output error"), "{closed}");
        assert_eq!(told.dead().len(), 1);
        assert_eq!(told.durable().last(), Some(&good));
        let found = read(real(), folder.path(), ReadOptions::default()).unwrap();
        assert_eq!(found.groups[0], contents[0]);
    }
}

/// F39: a slow disk shows while the write is under way, and is over with a fast write.
#[test]
fn a_slow_disk_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, faults) = Faulty::new(real());
    let mut running =
        go_on(std::sync::Arc::new(disk), options(folder.path(), 65536), Box::new(Told::default()))
            .unwrap();
    let content = contents(7, 1).remove(0);
    faults.delay_syncs(Duration::from_millis(1500));
    let seq = append(&mut running, 1, &content, Urgency::Now);
    let begun = Instant::now();
    while !matches!(running.durable.health(), Health::Slow { .. }) {
        assert!(begun.elapsed() < LONG, "never slow");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(running.durable.seq() < seq, "slow shows before the sync returns");
    running.durable.wait_for(seq, LONG).unwrap();
    assert!(matches!(running.durable.health(), Health::Slow { .. }));
    faults.delay_syncs(Duration::ZERO);
    let begun = Instant::now();
    while running.durable.health() != Health::Alive {
        assert!(begun.elapsed() < LONG, "slow for ever");
        let seq = append(&mut running, 2, &content, Urgency::Now);
        running.durable.wait_for(seq, LONG).unwrap();
    }
    running.appender.close().unwrap();
}

/// journal.md 5: a full ring is told, and what was refused is not in the journal.
#[test]
fn a_full_ring_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, faults) = Faulty::new(real());
    let mut options = options(folder.path(), 65536);
    options.ring_bytes = 1000;
    let tail = read(real(), folder.path(), ReadOptions::default()).unwrap().tail;
    let mut running =
        start(std::sync::Arc::new(disk), options, tail, Box::new(Told::default())).unwrap();
    faults.delay_syncs(Duration::from_millis(300));
    let mut accepted = 0_u64;
    let refused = loop {
        let mut group = running.appender.begin(Timestamp::from_nanos(1));
        group.record(Kind(0x0100), 1, Flags::NONE, |buffer| buffer.resize(100, 7)).unwrap();
        match group.end(Urgency::Soon) {
            Ok(seq) => accepted = seq,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Full { .. }), "{refused}");
    assert_eq!(running.appender.next_seq(), accepted + 1);
    running.appender.close().unwrap();
    let found = read(real(), folder.path(), ReadOptions::default()).unwrap();
    assert_eq!(found.groups.len() as u64, accepted);
}

/// F38, J16: when the disk is full the reserve carries on for a while, reducing only; then the
/// journal is dead, and what it acknowledged is whole.
#[test]
fn a_full_disk_leaves_the_reserve() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, faults) = Faulty::new(real());
    let options = options(folder.path(), 8192);
    let mut running = go_on(std::sync::Arc::new(disk), options, Box::new(Told::default())).unwrap();
    let begun = Instant::now();
    while !folder.path().join("ballast").exists() || !segment(folder.path(), 2).exists() {
        assert!(begun.elapsed() < LONG, "no reserve");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(running.space.look().unwrap().level, SpaceLevel::Enough);
    faults.leave_space(3 * 8192);
    assert_eq!(running.space.look().unwrap().level, SpaceLevel::NoOpening);
    faults.leave_space(0);
    assert_eq!(running.space.look().unwrap().level, SpaceLevel::ReduceOnly);

    let (mut durable, mut groups) = (0, 0);
    for (at, content) in contents(8, 1000).iter().enumerate() {
        let mut group = running.appender.begin(Timestamp::from_nanos(at as i64));
        for (kind, payload) in content {
            group
                .record(Kind(*kind), 1, Flags::NONE, |buffer| buffer.extend_from_slice(payload))
                .unwrap();
        }
        let Ok(seq) = group.end(Urgency::Now) else { break };
        if running.durable.wait_for(seq, LONG).is_err() {
            break;
        }
        (durable, groups) = (seq, groups + 1);
    }
    let reason = match running.durable.health() {
        Health::Dead { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason.contains("No space left"), "{reason}");
    assert!(!folder.path().join("ballast").exists(), "the ballast was used");
    drop(running);
    let found = read(real(), folder.path(), ReadOptions::default()).unwrap();
    assert_eq!(found.tail.last_seq, durable);
    assert_eq!(found.groups, contents(8, groups));
    assert!(segment(folder.path(), 3).exists(), "spare and ballast became segments");
}

/// J9, journal.md 14: a reader beside the writer sees whole durable groups, and goes on later.
#[test]
fn a_reader_follows_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let mut running =
        go_on(real(), options(folder.path(), 4096), Box::new(Told::default())).unwrap();
    let contents = contents(9, 200);
    let following = ReadOptions { limit: Some(0), ..ReadOptions::default() };
    let mut reader = Reader::open(real(), folder.path(), following).unwrap();
    let mut seen: Vec<Content> = Vec::new();
    for (at, content) in contents.iter().enumerate() {
        let seq = append(&mut running, at as i64, content, Urgency::Now);
        if at % 7 == 0 {
            running.durable.wait_for(seq, LONG).unwrap();
        }
        reader.set_limit(running.durable.seq());
        while let Some(group) = reader.next_group().unwrap() {
            seen.push(
                group.records().map(|record| (record.kind.0, record.payload.to_vec())).collect(),
            );
        }
        assert_eq!(reader.next_seq(), running.durable.seq().min(reader.next_seq() - 1) + 1);
    }
    running.durable.wait_for(running.appender.next_seq() - 1, LONG).unwrap();
    reader.set_limit(running.durable.seq());
    while let Some(group) = reader.next_group().unwrap() {
        let records = group.records();
        seen.push(records.map(|record| (record.kind.0, record.payload.to_vec())).collect());
    }
    assert_eq!(seen, contents);
    assert_eq!(reader.tail(), None);
}

/// J2: payloads of every size up to the limit come back; a group too large for a segment is told.
#[test]
fn large_payloads_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = [0, 1, 7, 8, 9, 4096, 65_535, 65_536];
    let all: Vec<Content> =
        sizes.iter().map(|&size| vec![(0x0100, vec![size as u8; size]); 2]).collect();
    write(folder.path(), 200_000, &all);
    assert_eq!(read(real(), folder.path(), ReadOptions::default()).unwrap().groups, all);
    let mut running =
        go_on(real(), options(folder.path(), 200_000), Box::new(Told::default())).unwrap();
    let before = running.appender.next_seq();
    let mut group = running.appender.begin(Timestamp::from_nanos(1));
    for _ in 0..4 {
        group
            .record(Kind(0x0100), 1, Flags::NONE, |buffer| buffer.extend_from_slice(&[1; 60_000]))
            .unwrap();
    }
    let told = group.end(Urgency::Now);
    assert!(matches!(told, Err(AppendError::Group { .. })), "{told:?}");
    assert_eq!(running.appender.next_seq(), before);
}

/// J15: whoever reads a journal from beside, without knowing what is durable, sees whole groups
/// and never takes what is being written for damage.
#[test]
fn a_stranger_reads_beside_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let contents = contents(10, 2_000);
    let mut running =
        go_on(real(), options(folder.path(), 4096), Box::new(Told::default())).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stranger = scope.spawn(|| {
            let (mut reads, mut longest) = (0, 0);
            while !done.load(std::sync::atomic::Ordering::Acquire) || reads == 0 {
                let found = read(real(), folder.path(), ReadOptions::default()).unwrap();
                assert_eq!(found.groups, contents[..found.groups.len()]);
                (reads, longest) = (reads + 1, found.groups.len());
            }
            (reads, longest)
        });
        for (at, content) in contents.iter().enumerate() {
            let seq = append(&mut running, at as i64, content, Urgency::Now);
            if at % 5 == 0 {
                running.durable.wait_for(seq, LONG).unwrap();
            }
        }
        running.appender.close().unwrap();
        done.store(true, std::sync::atomic::Ordering::Release);
        println!("{:?}", stranger.join().unwrap());
    });
}
