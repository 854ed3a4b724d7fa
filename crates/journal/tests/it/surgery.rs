//! Bytes of a journal changed anywhere, and what reading makes of it (F40, J7, J8, journal.md 16).
//!
//! The oracle is what was written: a changed record that a later record proves durable is named,
//! with file, offset and sequence; one that nothing proves is the torn tail, and everything before
//! it comes back. Other content never does.

use std::path::{Path, PathBuf};

use journal::{ReadError, ReadOptions, Reader, Urgency, verify};

use crate::support::{
    Chance, Content, Found, Told, append, contents, go_on, options, read, real, segment,
    wait_for_spare,
};

const SEGMENT: u64 = 4096;
const SEED: u64 = 20_261_126;

/// One record of the good journal.
#[derive(Clone, Debug)]
struct Place {
    segment: u64,
    offset: usize,
    size: usize,
    seq: u64,
    durable_through: u64,
    /// How many groups end before this record's.
    groups_before: usize,
}

impl Place {
    fn end(&self) -> usize {
        self.offset + self.size
    }
}

struct Good {
    folder: tempfile::TempDir,
    contents: Vec<Content>,
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
enum Expected {
    Damage { segment: u64, offset: usize, seq: u64 },
    Groups(usize),
}

impl Good {
    /// A journal of several segments in which up to three groups were one write.
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let contents = contents(seed, 40);
        for batch in contents.chunks(3) {
            let options = options(folder.path(), SEGMENT);
            let mut running = go_on(real(), options, Box::new(Told::default())).unwrap();
            for content in batch {
                append(&mut running, 1, content, Urgency::Soon);
            }
            running.appender.close().unwrap();
        }
        wait_for_spare(folder.path(), SEGMENT);
        let mut places = Vec::new();
        let mut reader = Reader::open(real(), folder.path(), ReadOptions::default()).unwrap();
        let mut groups_before = 0;
        while let Some(group) = reader.next_group().unwrap() {
            let mut offset = group.offset as usize;
            for record in group.records() {
                let size = (56 + record.payload.len()).next_multiple_of(8);
                places.push(Place {
                    segment: group.segment,
                    offset,
                    size,
                    seq: record.seq,
                    durable_through: record.durable_through,
                    groups_before,
                });
                offset += size;
            }
            groups_before += 1;
        }
        let good = Self { folder, contents, places };
        assert!(good.last().segment >= 3, "{} segments", good.last().segment);
        good
    }

    fn dir(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, id: u64) -> PathBuf {
        segment(self.dir(), id)
    }

    fn last(&self) -> &Place {
        self.places.last().unwrap()
    }

    fn all(&self) -> Expected {
        Expected::Groups(self.contents.len())
    }

    /// What must come of bytes `from..to` of a segment that are bad.
    fn expect(&self, id: u64, from: usize, to: usize) -> Expected {
        let first_in = |id| self.places.iter().find(|place| place.segment == id);
        let Some(first) = first_in(id) else { return self.all() };
        let hit = |place: &Place| place.segment == id && place.offset < to && place.end() > from;
        let intact = |place: &&Place| !hit(place);
        if from < first.offset {
            // The head is gone, and with it the place where the first record belongs.
            if id == 1 {
                return Expected::Damage { segment: 1, offset: 0, seq: 1 };
            }
            let before = self.places.iter().rfind(|place| place.segment == id - 1).unwrap();
            let proof = |later: &Place| later.durable_through >= first.seq;
            if self.places.iter().filter(intact).any(proof) {
                let (segment, offset) = (before.segment, before.end());
                return Expected::Damage { segment, offset, seq: first.seq };
            }
            return Expected::Groups(first.groups_before);
        }
        if let Some(bad) = self.places.iter().find(|place| hit(place)) {
            let proof = |later: &Place| later.durable_through >= bad.seq;
            if self.places.iter().filter(intact).any(proof) {
                return Expected::Damage { segment: id, offset: bad.offset, seq: bad.seq };
            }
            return Expected::Groups(bad.groups_before);
        }
        self.all()
    }

    fn check(&self, what: &str, expected: Expected) {
        let found = read(real(), self.dir(), ReadOptions::default());
        match (expected, found) {
            (Expected::Damage { segment, offset, seq }, Err(ReadError::Damage(damage))) => {
                let at = (damage.file.clone(), damage.offset as usize, damage.seq);
                assert_eq!(at, (self.file(segment), offset, seq), "{what}: {damage}");
            }
            (Expected::Groups(count), Ok(Found { groups, tail, .. })) => {
                assert_eq!(groups, self.contents[..count], "{what}");
                assert!(tail.torn.is_some() || count == self.contents.len(), "{what}: {tail:?}");
            }
            (expected, found) => {
                let found = found.map(|found| (found.groups.len(), found.tail));
                panic!("{what}: expected {expected:?}, found {found:?}")
            }
        }
    }

    /// Changes a file, checks, and puts the file back.
    fn with(&self, id: u64, change: impl FnOnce(&mut Vec<u8>), check: impl FnOnce(&Self)) {
        let good = std::fs::read(self.file(id)).unwrap();
        let mut bytes = good.clone();
        change(&mut bytes);
        std::fs::write(self.file(id), &bytes).unwrap();
        check(self);
        std::fs::write(self.file(id), &good).unwrap();
    }
}

/// F40: 2,000 places, a bit turned or up to 600 bytes zeroed or the file cut off there.
#[test]
fn two_thousand_places() {
    let good = Good::new(SEED);
    println!("seed {SEED}");
    let mut chance = Chance(SEED);
    good.check("unchanged", good.all());
    for case in 0..2_000 {
        let id = 1 + chance.below(good.last().segment + 1);
        let at = chance.below(SEGMENT) as usize;
        let bytes = std::fs::read(good.file(id)).unwrap();
        let finished = id < good.last().segment;
        let used =
            |at: usize| good.places.iter().any(|place| place.segment == id && at < place.end());
        match case % 3 {
            0 => {
                let what = format!("case {case}: bit turned in {id} at {at}");
                let mut expected = good.expect(id, at, at + 1);
                if finished && !used(at) {
                    // Behind the last record of a finished segment nothing was ever written.
                    let seq = good.places.iter().rfind(|place| place.segment == id).unwrap().seq;
                    expected = Expected::Damage { segment: id, offset: at, seq: seq + 1 };
                }
                let bit = 1 << chance.below(8);
                good.with(id, |bytes| bytes[at] ^= bit, |good| good.check(&what, expected));
            }
            1 => {
                let end = (at + 1 + chance.below(600) as usize).min(bytes.len());
                let what = format!("case {case}: zeros in {id} from {at} to {end}");
                // Only bytes that were not zero are changed.
                let changed: Vec<usize> = (at..end).filter(|&at| bytes[at] != 0).collect();
                let expected = match (changed.first(), changed.last()) {
                    (Some(&first), Some(&last)) => good.expect(id, first, last + 1),
                    _ => good.all(),
                };
                let zero = |bytes: &mut Vec<u8>| bytes[at..end].fill(0);
                good.with(id, zero, |good| good.check(&what, expected));
            }
            _ => {
                let what = format!("case {case}: {id} cut off at {at}");
                let expected = good.expect(id, at, SEGMENT as usize);
                good.with(id, |bytes| bytes.truncate(at), |good| good.check(&what, expected));
            }
        }
    }
}

/// F40: segments in the wrong place, missing, or of another journal are never read as content.
#[test]
fn segments_in_the_wrong_place() {
    let good = Good::new(SEED + 1);
    let other = Good::new(SEED + 2);
    let damaged = |what: &str| match read(real(), good.dir(), ReadOptions::default()) {
        Err(ReadError::Damage(damage)) => damage,
        other => panic!("{what}: {:?}", other.map(|found| found.tail)),
    };
    let spare = good.last().segment + 1;
    for one in 1..=spare {
        let one_bytes = std::fs::read(good.file(one)).unwrap();
        for two in 1..=spare {
            let two_bytes = std::fs::read(good.file(two)).unwrap();
            if one == two || one == spare {
                continue;
            }
            std::fs::write(good.file(two), &one_bytes).unwrap();
            damaged(&format!("{one} also as {two}"));
            std::fs::write(good.file(one), &two_bytes).unwrap();
            damaged(&format!("{one} and {two} swapped"));
            std::fs::write(good.file(one), &one_bytes).unwrap();
            std::fs::write(good.file(two), &two_bytes).unwrap();
        }
        if one < spare {
            std::fs::remove_file(good.file(one)).unwrap();
            damaged(&format!("{one} missing"));
            // Where the other one ends, there is nothing foreign to find.
            let foreign = std::fs::read(other.file(one.min(other.last().segment))).unwrap();
            std::fs::write(good.file(one), foreign).unwrap();
            if one == 1 {
                // It has no predecessor to contradict it: the next one does.
                assert_eq!(damaged("foreign").file, good.file(1));
            } else {
                damaged(&format!("{one} of another journal"));
            }
            std::fs::write(good.file(one), &one_bytes).unwrap();
        }
    }
    good.check("put back", good.all());
    let wrong = ReadOptions { account: Some(8), ..ReadOptions::default() };
    let refused = read(real(), good.dir(), wrong);
    assert!(matches!(refused, Err(ReadError::Account { found: 7, expected: 8, .. })));
    let newer = ReadOptions { schema: 0, ..ReadOptions::default() };
    assert!(matches!(read(real(), good.dir(), newer), Err(ReadError::Schema { found: 1, .. })));
}

/// F40: records twice, left out, or out of order are damage, though each of them checks.
#[test]
fn records_in_the_wrong_place() {
    let good = Good::new(SEED + 3);
    let last = good.last().clone();
    let seq = last.seq + 1;
    let expected = Expected::Damage { segment: last.segment, offset: last.end(), seq };
    let again = |bytes: &mut Vec<u8>| bytes.copy_within(last.offset..last.end(), last.end());
    good.with(last.segment, again, |good| good.check("the last record twice", expected));

    for pair in good.places.windows(2) {
        let [one, two] = pair else { unreachable!() };
        if one.segment != two.segment {
            continue;
        }
        let without = |bytes: &mut Vec<u8>| {
            bytes.drain(one.offset..one.end());
            bytes.resize(SEGMENT as usize, 0);
        };
        let expected = Expected::Damage { segment: one.segment, offset: one.offset, seq: one.seq };
        good.with(one.segment, without, |good| good.check("one left out", expected));
    }
}

/// journal.md 16: what something else proves to have been durable is never a torn tail.
#[test]
fn a_snapshot_is_proof() {
    let good = Good::new(SEED + 4);
    let last = good.last().clone();
    let flip = |bytes: &mut Vec<u8>| bytes[last.offset + 20] ^= 1;
    good.with(last.segment, flip, |good| {
        good.check("the tail", Expected::Groups(last.groups_before));
        let options = ReadOptions { known_durable: last.seq, ..ReadOptions::default() };
        assert!(matches!(read(real(), good.dir(), options), Err(ReadError::Damage(_))));
    });
}

/// F40: a whole other journal of the same account does not go on behind a snapshot of this one,
/// wherever the snapshot was taken.
#[test]
fn a_snapshot_knows_its_journal() {
    let (good, other) = (Good::new(SEED + 7), Good::new(SEED + 8));
    let mut reader = Reader::open(real(), good.dir(), ReadOptions::default()).unwrap();
    let mut chains = Vec::new();
    while let Some(group) = reader.next_group().unwrap() {
        let seq = group.last_seq;
        chains.push((seq, reader.chain()));
    }
    for (known_durable, chain) in chains {
        let from = known_durable + 1;
        let known_chain = Some(chain);
        let options = ReadOptions { from, known_durable, known_chain, ..ReadOptions::default() };
        let found = read(real(), good.dir(), options).unwrap();
        assert_eq!(found.tail.last_seq, good.last().seq, "from {from}");
        let refused = read(real(), other.dir(), options);
        let refused = refused.map(|found| found.tail);
        assert!(matches!(refused, Err(ReadError::Damage(_))), "from {from}: {refused:?}");
    }
}

/// J7: what is torn is cut when writing goes on, the cut is journalled, and the rest stands.
#[test]
fn a_torn_tail_is_cut_and_said() {
    let good = Good::new(SEED + 5);
    let first =
        good.places.iter().find(|place| place.durable_through == good.last().durable_through);
    let first = first.unwrap().clone();
    let bytes = std::fs::read(good.file(first.segment)).unwrap();
    let mut torn = bytes.clone();
    torn[first.offset + 3] ^= 0x10;
    std::fs::write(good.file(first.segment), torn).unwrap();
    let more = contents(99, 5);
    let mut running =
        go_on(real(), options(good.dir(), SEGMENT), Box::new(Told::default())).unwrap();
    for content in &more {
        append(&mut running, 9, content, Urgency::Now);
    }
    running.appender.close().unwrap();
    let found = read(real(), good.dir(), ReadOptions::default()).unwrap();
    let kept = &good.contents[..first.groups_before];
    assert_eq!(found.groups, [kept, &more].concat());
    assert_eq!(found.cuts.len(), 1);
    let cut = &found.cuts[0];
    assert_eq!((cut.segment, cut.offset as usize), (first.segment, first.offset));
    assert!(cut.bytes > 0 && !cut.reason.is_empty(), "{cut:?}");
    assert_eq!(found.tail.torn, None);
}

/// J15: verify names every damaged segment and counts what is good.
#[test]
fn verify_names_all() {
    let good = Good::new(SEED + 6);
    let disk = real();
    let clean = verify(&disk, good.dir()).unwrap();
    assert_eq!(clean.records, good.places.len() as u64);
    assert_eq!((clean.first_seq, clean.last_seq), (Some(1), Some(good.last().seq)));
    assert_eq!((clean.errors.len(), clean.torn_tail), (0, None));
    for id in [1, 2] {
        let place = good.places.iter().rfind(|place| place.segment == id).unwrap();
        let mut bytes = std::fs::read(good.file(id)).unwrap();
        bytes[place.offset + 30] ^= 1;
        std::fs::write(good.file(id), bytes).unwrap();
    }
    let found = verify(&disk, good.dir()).unwrap();
    let files: Vec<_> = found.errors.iter().map(|damage| damage.file.clone()).collect();
    assert_eq!(files, [good.file(1), good.file(2)]);
    assert_eq!(found.last_seq, Some(good.last().seq));
}

/// J8, F40: a journal of which nothing is left is damaged, not new, where a snapshot knows better.
#[test]
fn nothing_left_is_no_new_journal() {
    let folder = tempfile::tempdir().unwrap();
    let open = |known_durable| {
        let disk = std::sync::Arc::new(journal::disk::RealDisk::default());
        let options = ReadOptions { known_durable, ..ReadOptions::default() };
        Reader::open(disk, &folder.path().join("journal"), options).map(|_| ())
    };
    assert!(open(0).is_ok());
    let error = open(7).unwrap_err().to_string();
    assert!(error.contains("up to 7 was durable"), "{error}");
}
