//! Recovery and replay: the state of the durable prefix, exact or adopted (journal.md 8, J10, J13).

use std::path::Path;
use std::sync::Arc;

use engine::{Engine, Input, Outputs, Sequenced, Start};
use journal::disk::RealDisk;
use journal::{Author, Options, ReadOptions, SnapshotHead};
use model::Timestamp;
use runtime::recovery::{Place, Plan, Recovered, Replay, recover, resume, snapshot};
use runtime::{Foundry as _, NoOutlet, Sequencer, codec, mark_of, release_queue};

use crate::day::{Core, Day};
use crate::support::{BUSY, Random, TestFoundry, date, generated};

const BUILD: &str = "build-a";

fn place(folder: &Path) -> Place {
    Place::of(Arc::new(RealDisk::default()), folder, None)
}

/// A sequencer that waits for the disk after each input: what it gave commands for is durable.
struct Process {
    sequencer: Sequencer,
}

impl Process {
    /// Goes on where the journal ends.
    fn begin(folder: &Path, recovered: Recovered, engine: Engine) -> Self {
        let place = place(folder);
        let author = Author { build: BUILD.to_owned(), ..Author::default() };
        let options =
            Options { segment_bytes: 1 << 20, ..Options::new(place.journal.clone(), author) };
        let (releases, release) = release_queue(Box::new(NoOutlet));
        let running =
            journal::start(Arc::clone(&place.disk), options, recovered.tail, Box::new(release));
        Self { sequencer: Sequencer::new(engine, running.unwrap().appender, releases) }
    }

    /// Recovers from a folder and begins a process there.
    fn launch(folder: &Path, foundry: &TestFoundry, mut start: Start) -> (Self, bool) {
        let mut recovered = recover(&place(folder), foundry, &start.build).unwrap();
        assert_eq!(recovered.adopted, None);
        let engine = resume(recovered.state.take(), recovered.warm, foundry, &mut start).unwrap();
        let cold = start.cold;
        let mut process = Self::begin(folder, recovered, engine);
        let time = start.wall;
        process.apply(time, Input::Start(Box::new(start)));
        (process, cold)
    }
}

impl Core for Process {
    fn apply(&mut self, time: Timestamp, input: Input) -> &Outputs {
        self.sequencer.apply(time, input).unwrap();
        self.sequencer.outputs()
    }
    fn engine(&self) -> &Engine {
        self.sequencer.engine()
    }
}

/// A bare engine: what the same inputs give without a journal.
struct Bare {
    engine: Engine,
    out: Outputs,
}

impl Core for Bare {
    fn apply(&mut self, time: Timestamp, item: Input) -> &Outputs {
        let time = time.max(self.engine.now());
        self.engine.apply(&Sequenced { seq: 0, time, item }, &mut self.out);
        &self.out
    }
    fn engine(&self) -> &Engine {
        &self.engine
    }
}

fn foundry(seed: u64, symbols: usize) -> (TestFoundry, Day) {
    let stocks = generated(seed, date("2026-06-01"), symbols);
    let foundry = TestFoundry::new(stocks.iter().map(|stock| stock.symbol).collect());
    (foundry, Day::new(stocks))
}

fn config() -> String {
    BUSY.join("\n")
}

/// Copies what is in a folder now: a machine that loses its process keeps its files.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// J10, I7: a process that is killed anywhere goes on in the next one exactly as one that was
/// not: the same state, the same facts; and the journal of both replays without a difference.
#[test]
fn a_killed_process_goes_on_as_if_it_lived() {
    for seed in 21..=24_u64 {
        let mut random = Random(seed);
        let (foundry, mut day) = foundry(seed, 5);
        let folder = tempfile::tempdir().unwrap();
        let mut start = day.start(1, BUILD, &config(), true);
        let (mut process, cold) = Process::launch(folder.path(), &foundry, start.clone());
        assert!(cold, "an empty journal");
        let mut bare = Bare { engine: foundry.engine(&start).unwrap(), out: Outputs::default() };
        bare.apply(start.wall, Input::Start(Box::new(start.clone())));
        let mut twin = Day::new(day.stocks.clone());
        let (mut kills, mut steps) = (0, 0_u64);
        let mut next_kill = random.below(2_000);
        while day.step(&mut process) {
            assert!(twin.step(&mut bare));
            steps += 1;
            if steps == next_kill {
                next_kill += 1 + random.below(3_000);
                kills += 1;
                process.sequencer.close().unwrap();
                let time = bare.engine.now();
                start = Start { epoch: 1 + kills, wall: time, cold: false, ..start };
                let (next, cold) = Process::launch(folder.path(), &foundry, start.clone());
                assert!(!cold, "the same build and configuration go on");
                process = next;
                bare.apply(time, Input::Start(Box::new(start.clone())));
                assert_eq!(mark_of(process.engine()), mark_of(&bare.engine), "seed {seed}");
            }
        }
        assert_eq!(mark_of(process.engine()), mark_of(&bare.engine), "seed {seed}: at the end");
        let trades = process.engine().books().trades();
        process.sequencer.close().unwrap();
        let replayed = replay_all(folder.path(), &foundry);
        assert_eq!(replayed.found().difference_count, 0, "{:?}", replayed.found().differences);
        assert_eq!(replayed.engine().map(mark_of), Some(mark_of(&bare.engine)));
        eprintln!("seed {seed}: {kills} kills, {trades} trades, {}", replayed.found().records);
        assert!(kills > 0 && trades > 0, "seed {seed}: {kills} kills, {trades} trades");
    }
}

fn replay_all<'f>(folder: &Path, foundry: &'f TestFoundry) -> Replay<'f> {
    let plan = Plan { build: BUILD.to_owned(), adopt: false, stop_at_difference: false };
    let mut replay = Replay::new(foundry, plan);
    let mut reader = place(folder).read(ReadOptions::default()).unwrap();
    while let Some(group) = reader.next_group().unwrap() {
        assert!(replay.take(&group).unwrap());
    }
    replay
}

/// J9, journal.md 14: from a snapshot, warm or cold, the state is that of the whole replay; a bad
/// snapshot costs a longer replay and nothing else.
#[test]
fn a_snapshot_shortens_the_way() {
    let (foundry, mut day) = foundry(31, 4);
    let folder = tempfile::tempdir().unwrap();
    let start = day.start(1, BUILD, &config(), true);
    let (mut process, _) = Process::launch(folder.path(), &foundry, start.clone());
    let store = place(folder.path()).store();
    let mut steps = 0;
    while day.step(&mut process) {
        steps += 1;
        if steps % 2_500 == 0 {
            let (seq, mark) = process.sequencer.mark().unwrap();
            let head = SnapshotHead {
                seq,
                time: process.engine().now(),
                schema: codec::SCHEMA,
                build: BUILD.to_owned(),
                account: 0,
                state_hash: mark.state_hash,
                books_hash: mark.books_hash,
                chain: None,
            };
            let body = snapshot::encode(&start, process.engine());
            store.write(&head, &body).unwrap();
        }
    }
    let expected = mark_of(process.engine());
    process.sequencer.close().unwrap();
    let recovered = |build: &str| recover(&place(folder.path()), &foundry, build).unwrap();
    let check = |build: &str, warm: bool, bad: usize| {
        let found = recovered(build);
        let engine = &found.state.as_ref().unwrap().1;
        assert_eq!(engine.books().hash(), expected.books_hash, "{build}");
        assert_eq!(found.warm, warm, "{build}");
        assert_eq!(found.bad_snapshots.len(), bad);
        assert!(!warm || engine.state_hash() == expected.state_hash, "{build}");
        (found.snapshot_seq, found.replayed.records)
    };
    let (newest, records) = check(BUILD, true, 0);
    assert!(newest > 0 && records > 0);
    let (cold, _) = check("build-b", false, 0);
    assert_eq!(cold, newest, "another build takes the books of the same snapshot");
    let files = store.list().unwrap();
    let mut bytes = std::fs::read(&files[2]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&files[2], bytes).unwrap();
    let (older, more) = check(BUILD, true, 1);
    assert!(older < newest && more > records);
    for file in files {
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(check(BUILD, true, 0).0, 0, "without a snapshot from the beginning");
}

/// Journal.md 8: another build adopts: the books are those of the journal, the analysis starts
/// cold, and the replay over both processes has no difference.
#[test]
fn another_build_adopts_the_books() {
    let (foundry, mut day) = foundry(41, 4);
    let folder = tempfile::tempdir().unwrap();
    let start = day.start(1, "build-old", &config(), true);
    let (mut process, _) = Process::launch(folder.path(), &foundry, start.clone());
    for _ in 0..5_000 {
        assert!(day.step(&mut process));
    }
    let books = process.engine().books().hash();
    let time = process.engine().now();
    process.sequencer.close().unwrap();
    let found = recover(&place(folder.path()), &foundry, BUILD).unwrap();
    assert_eq!(found.state.as_ref().unwrap().1.books().hash(), books);
    assert!(!found.warm && found.adopted.is_none(), "an upgrade is no alarm");
    let next = Start { epoch: 2, build: BUILD.to_owned(), wall: time, ..start };
    let (mut process, cold) = Process::launch(folder.path(), &foundry, next);
    assert!(cold);
    while day.step(&mut process) {}
    let expected = mark_of(process.engine());
    process.sequencer.close().unwrap();
    let replayed = replay_all(folder.path(), &foundry);
    assert_eq!(replayed.found().difference_count, 0, "{:?}", replayed.found().differences);
    assert_eq!(replayed.engine().map(mark_of), Some(expected));
}

/// Journal.md 8: when the core decides otherwise than the journal says, the journal wins: the
/// books are adopted, and the difference is told.
#[test]
fn a_difference_is_told_and_the_journal_wins() {
    let (mut foundry, mut day) = foundry(51, 4);
    let folder = tempfile::tempdir().unwrap();
    let start = day.start(1, BUILD, &config(), true);
    let (mut process, _) = Process::launch(folder.path(), &foundry, start);
    while day.step(&mut process) {}
    let books = process.engine().books().hash();
    assert!(process.engine().books().trades() > 0);
    process.sequencer.close().unwrap();
    // The same build by its name, but another strategy: as if the binary had been patched.
    foundry.instead = Some(("vwap_cross", "vwap_cross:buffer_bps=3"));
    let found = recover(&place(folder.path()), &foundry, BUILD).unwrap();
    assert!(found.adopted.as_ref().is_some_and(|why| why.contains("differs")));
    assert!(!found.warm);
    assert_eq!(found.state.unwrap().1.books().hash(), books);
}

/// Journal.md 14, J11: a Mark that the replay does not reach is a difference.
#[test]
fn a_wrong_mark_is_a_difference() {
    let (foundry, mut day) = foundry(61, 3);
    let folder = tempfile::tempdir().unwrap();
    let start = day.start(1, BUILD, &config(), true);
    let (mut process, _) = Process::launch(folder.path(), &foundry, start);
    for _ in 0..100 {
        day.step(&mut process);
    }
    process.sequencer.mark().unwrap();
    process.sequencer.close().unwrap();
    let replayed = replay_all(folder.path(), &foundry);
    assert_eq!((replayed.found().marks, replayed.found().difference_count), (1, 0));
    // Another foundry: the analysis holds other strategies, the books are the same so far.
    let start = day.start(1, BUILD, "vwap_cross", true);
    let engine = foundry.engine(&start).unwrap();
    assert_ne!(mark_of(&engine).state_hash, 0);
    let other = tempfile::tempdir().unwrap();
    copy(folder.path(), other.path());
    let mut recovered = recover(&place(other.path()), &foundry, BUILD).unwrap();
    let (_, wrong) = recovered.state.take().unwrap();
    drop(wrong);
    let mut liar = Process::begin(other.path(), recovered, engine);
    liar.sequencer.mark().unwrap();
    liar.sequencer.close().unwrap();
    let found = recover(&place(other.path()), &foundry, BUILD).unwrap();
    assert!(found.adopted.is_some_and(|why| why.contains("mark")));
}
