//! A whole system in one thread: core, journal, snapshots, epoch and paper broker on one disk whose
//! every operation is recorded; and what its state was at each sequence.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use engine::risk_manager::Scope;
use engine::{BrokerEvent, Command, Control, Engine, Input, Instruction, MarketEvent, Start};
use journal::disk::{Disk, RealDisk, Recorder};
use journal::{Author, Options, ReadOptions, Release, SnapshotHead, epoch};
use model::exchange::CommissionPlan;
use model::{BrokerId, MINUTE_NS, SourceId, SymbolDay, SymbolId, Timestamp};
use paper::Book;
use runtime::codec::{self, Mark};
use runtime::recovery::{Place, RecoverError, recover, snapshot};
use runtime::{Foundry as _, NoOutlet, Sequencer, mark_of, release_queue};
use simulator::generator::GeneratedSymbol;
use simulator::{ExchangeConfig, FillMode};

use crate::support::{TestFoundry, calendar, date, generated};

pub(crate) const SEED: u64 = 2_026;
pub(crate) const BUILD: &str = "build-a";
const SYMBOLS: usize = 2;
/// Minutes of the session that are traded.
const MINUTES: i64 = 50;
const SEGMENT: u64 = 64 << 10;
const LONG: std::time::Duration = std::time::Duration::from_secs(60);

/// Tells the recorder what the world was told.
struct Noting {
    inner: runtime::Release,
    recorder: Recorder,
}

impl Release for Noting {
    fn durable(&mut self, seq: u64) {
        self.recorder.note(seq);
        self.inner.durable(seq);
    }

    fn dead(&mut self, reason: &str) {
        panic!("{reason}");
    }
}

/// The market of the test, and what is needed to build the system around it.
pub(crate) struct Scene {
    stocks: Vec<GeneratedSymbol>,
    pub(crate) foundry: TestFoundry,
}

impl Scene {
    fn new() -> Self {
        let stocks = generated(SEED, date("2026-06-01"), SYMBOLS);
        let mut foundry = TestFoundry::new(stocks.iter().map(|stock| stock.symbol).collect());
        foundry.limits.test_ceilings = true;
        Self { stocks, foundry }
    }

    pub(crate) fn book(&self) -> paper::Settings {
        paper::Settings {
            exchange: ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None),
            symbols: self.foundry.symbols.clone(),
            cash: model::Cash::from_dollars(100_000).unwrap(),
        }
    }
}

/// A system in one thread: core, journal and paper broker, all on one disk.
struct Rig<'a> {
    scene: &'a Scene,
    sequencer: Sequencer,
    book: Book,
    /// What the state was behind each group.
    truth: BTreeMap<u64, Mark>,
}

impl<'a> Rig<'a> {
    fn launch(scene: &'a Scene, recorder: &Recorder, data: &Path, start: &Start) -> Self {
        let disk: Arc<dyn Disk> = Arc::new(recorder.clone());
        disk.create_dir(data).unwrap();
        epoch::write(&*disk, data, start.epoch).unwrap();
        let place = Place::of(Arc::clone(&disk), data, None);
        let mut reader = place.read(ReadOptions::default()).unwrap();
        assert!(reader.next_group().unwrap().is_none(), "a new journal");
        let tail = reader.tail().unwrap().clone();
        let author = Author { build: BUILD.to_owned(), ..Author::default() };
        let options =
            Options { segment_bytes: SEGMENT, ..Options::new(place.journal.clone(), author) };
        let (releases, inner) = release_queue(Box::new(NoOutlet));
        let release = Noting { inner, recorder: recorder.clone() };
        let running = journal::start(Arc::clone(&disk), options, tail, Box::new(release)).unwrap();
        let engine = scene.foundry.engine(start).unwrap();
        let sequencer = Sequencer::new(engine, running.appender, releases);
        let book = Book::open_on(Arc::clone(&disk), &data.join("paper"), &scene.book()).unwrap();
        let mut rig = Self { scene, sequencer, book, truth: BTreeMap::new() };
        rig.apply(start.wall, Input::Start(Box::new(start.clone())));
        rig
    }

    /// Applies an input; what it commands reaches the broker when it is durable (I2).
    fn apply(&mut self, time: Timestamp, input: Input) {
        let applied = self.sequencer.apply(time, input).unwrap();
        self.truth.insert(applied.end_seq, mark_of(self.sequencer.engine()));
        let commands = self.sequencer.outputs().commands.clone();
        if commands.is_empty() {
            return;
        }
        self.sequencer.durable().wait_for(applied.end_seq, LONG).unwrap();
        for command in &commands {
            match command {
                Command::Submit(order) => self.book.submit(order, time),
                Command::Replace(request) => self.book.replace(request, time),
                Command::Cancel(request) => self.book.cancel(request, time),
                Command::Query(_) => {}
            }
        }
        self.book.sync().unwrap();
    }

    fn reports(&mut self, now: Timestamp) {
        while let Some(report) = self.book.next_report().unwrap() {
            let event = BrokerEvent::Report(report);
            self.apply(now, Input::Broker { broker: BrokerId(0), event });
        }
    }

    /// Trades the first minutes of the session, with a snapshot every quarter of an hour.
    fn trade(&mut self, start: &Start, place: &Place) {
        let session = calendar().session(date("2026-06-01")).unwrap().unwrap();
        self.book.begin_session(&session);
        for (at, stock) in self.scene.stocks.iter().enumerate() {
            let last = stock.bars.iter().rev().find(|bar| bar.start < session.pre_open);
            let day = SymbolDay {
                prev_close: last.map(|bar| bar.close),
                adv20: Some(5e6),
                ..SymbolDay::unknown(SymbolId(at as u32), session.date)
            };
            self.apply(session.pre_open, Input::Reference(Box::new(day)));
        }
        for minute in 0..MINUTES {
            let begin = session.open.plus_nanos(minute * MINUTE_NS);
            let end = begin.plus_nanos(MINUTE_NS);
            for at in 0..SYMBOLS {
                let symbol = SymbolId(at as u32);
                let bars = &self.scene.stocks[at].bars;
                let Ok(found) = bars.binary_search_by_key(&begin, |bar| bar.start) else {
                    continue;
                };
                let bar = bars[found];
                self.book.begin_bar(symbol, &bar, true);
                self.reports(end);
                self.book.end_bar();
                self.reports(end);
                let event = MarketEvent::Bar { symbol, bar };
                self.apply(end, Input::Market { source: SourceId(0), event });
                self.reports(end);
            }
            if let Some(control) = said(minute) {
                let given = Instruction {
                    control,
                    actor: "tester".to_owned(),
                    from: "test".to_owned(),
                    reason: "a test".to_owned(),
                    ..Instruction::default()
                };
                self.apply(end, Input::Control(Box::new(given)));
                self.reports(end);
            }
            if minute % 15 == 14 {
                self.snapshot(start, place);
            }
        }
    }

    fn snapshot(&mut self, start: &Start, place: &Place) {
        let (seq, mark) = self.sequencer.mark().unwrap();
        self.truth.insert(seq, mark);
        self.sequencer.durable().wait_for(seq, LONG).unwrap();
        let engine = self.sequencer.engine();
        let head = SnapshotHead {
            seq,
            time: engine.now(),
            schema: codec::SCHEMA,
            build: BUILD.to_owned(),
            account: 0,
            state_hash: mark.state_hash,
            books_hash: mark.books_hash,
            chain: None,
        };
        place.store().write(&head, &snapshot::encode(start, engine)).unwrap();
    }
}

/// What an operator says at the end of a minute.
fn said(minute: i64) -> Option<Control> {
    match minute {
        20 => Some(Control::PauseTrading(Scope::All)),
        22 => Some(Control::ResumeTrading(Scope::All)),
        30 => Some(Control::EmergencyStop(Scope::All)),
        32 => Some(Control::ResumeTrading(Scope::All)),
        _ => None,
    }
}

/// A run that is over: its trace, and what was true in it.
pub(crate) struct Past {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) scene: Scene,
    pub(crate) recorder: Recorder,
    pub(crate) truth: BTreeMap<u64, Mark>,
    pub(crate) orders: usize,
}

impl Past {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene::new();
        let recorder = Recorder::new(Arc::new(RealDisk::default()));
        let data = folder.path().join("data");
        let begin: Timestamp = "2026-06-01T13:00:00Z".parse().unwrap();
        let config = "storm".to_owned();
        let build = BUILD.to_owned();
        let start = Start { build, config, cold: true, ..Start::fresh(9, "demo", begin) };
        let place = Place::of(Arc::new(recorder.clone()), &data, None);
        let mut rig = Rig::launch(&scene, &recorder, &data, &start);
        rig.trade(&start, &place);
        let orders = rig.sequencer.engine().books().orders().iter().count();
        let truth = std::mem::take(&mut rig.truth);
        rig.sequencer.close().unwrap();
        Self { folder, scene, recorder, truth, orders }
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Recovers a folder; the state must be one that was, and is returned with its sequence.
    pub(crate) fn recover(
        &self,
        data: &Path,
        what: &str,
    ) -> Result<(u64, Option<Engine>), RecoverError> {
        let place = Place::of(Arc::new(RealDisk::default()), data, None);
        let found = recover(&place, &self.scene.foundry, BUILD)?;
        assert_eq!(found.adopted, None, "{what}");
        let seq = found.tail.last_seq;
        let engine = found.state.map(|(_, engine)| engine);
        let mark = engine.as_ref().map(mark_of);
        let expected = self.truth.range(..=seq).next_back().map(|(_, mark)| *mark);
        assert_eq!(mark, expected, "{what}: at {seq}");
        Ok((seq, engine))
    }
}
