//! The live loop as a whole: generated days at high speed, the paper broker, operators, restarts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::risk_manager::{Limits, Scope};
use engine::{Control, Instruction};
use gateway::{
    Answer, Broker, FeedSignal, FeedSink, MarketDataProvider, ProviderStatus, Unavailable,
};
use journal::disk::RealDisk;
use journal::{Author, ReadOptions};
use model::exchange::{CommissionPlan, Segment};
use model::{Bar, MarketEvent, Quote, SymbolId, Timestamp};
use paper::{Book, Desk, MemoryBroker, Shown};
use playback::{Days as _, Generated, Playback};
use runtime::clock::{Clock, boot_nanos};
use runtime::inbox::InboxConfig;
use runtime::recovery::{Place, Plan, Replay};
use runtime::shell::{Brokers, Finished, Market, Running, Settings, Shell, SnapshotRule, raise};
use runtime::startup::{CrashLoop, OpenError, Startup, open};
use runtime::view::{Build, Run, View};
use runtime::{Handle, mark_of};
use simulator::{ExchangeConfig, FillMode};
use tokio::sync::mpsc;

use crate::support::{TestFoundry, calendar, date};

const BUILD: &str = "build-a";
const SPEED: u32 = 600;

/// Shows each event to the paper book before the core sees it.
struct Tapped {
    inner: Playback,
    desk: Desk,
}

struct Tap {
    to: mpsc::UnboundedSender<FeedSignal>,
}

impl FeedSink for Tap {
    fn push(&self, signal: FeedSignal) {
        let _ = self.to.send(signal);
    }
}

impl MarketDataProvider for Tapped {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn subscribe<'a>(&'a self, symbols: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>> {
        self.inner.subscribe(symbols)
    }
    fn unsubscribe<'a>(&'a self, symbols: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>> {
        self.inner.unsubscribe(symbols)
    }
    fn history(
        &self,
        symbol: SymbolId,
        from: Timestamp,
        to: Timestamp,
    ) -> Answer<'_, Result<Vec<Bar>, Unavailable>> {
        self.inner.history(symbol, from, to)
    }
    fn snapshot(&self, symbol: SymbolId) -> Answer<'_, Result<Option<Quote>, Unavailable>> {
        self.inner.snapshot(symbol)
    }
    fn stream(&self, to: Arc<dyn FeedSink>) {
        let (tap, mut signals) = mpsc::unbounded_channel();
        let desk = self.desk.clone();
        tokio::spawn(async move {
            while let Some(signal) = signals.recv().await {
                if let FeedSignal::Event(event @ MarketEvent::Bar { bar, .. }) = signal {
                    let session = calendar().session_at(bar.start).unwrap();
                    let rth = session.segment(bar.start) == Some(Segment::Rth);
                    desk.show(vec![Shown { event, rth }]).await;
                }
                to.push(signal);
            }
        });
        self.inner.stream(Arc::new(Tap { to: tap }));
    }
    fn status(&self) -> ProviderStatus {
        self.inner.status()
    }
}

/// A world that outlives processes: the feed's clock, the paper broker, the data directory.
pub(crate) struct World {
    folder: tempfile::TempDir,
    foundry: TestFoundry,
    days: Arc<Generated>,
    clock: Clock,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) desk: Desk,
    config: String,
}

impl World {
    /// Begins at a time of the feed, with `storm` in three symbols and the broker in process.
    fn new(begin: &str, strategy: &str) -> Self {
        Self::with(begin, strategy, |broker| Arc::new(broker))
    }

    /// Begins with another way to the paper broker.
    pub(crate) fn with(
        begin: &str,
        strategy: &str,
        way: impl FnOnce(MemoryBroker) -> Arc<dyn Broker>,
    ) -> Self {
        let first = date("2026-06-01");
        let names = ["SYM0", "SYM1", "SYM2"].map(|name| name.parse().unwrap());
        let days = Generated::new(7, first, &names, calendar()).unwrap();
        let symbols = days.symbols().to_vec();
        let begin: Timestamp = begin.parse().unwrap();
        let clock = Clock::new(begin, boot_nanos(), SPEED);
        let settings = paper::Settings {
            exchange: ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None),
            symbols: symbols.clone(),
            cash: model::Cash::from_dollars(100_000).unwrap(),
        };
        let mut book = Book::in_memory(&settings);
        book.begin_session(&calendar().session(first).unwrap().unwrap());
        let broker = MemoryBroker::start(book, Arc::new(move || clock.now())).unwrap();
        let mut foundry = TestFoundry::new(symbols);
        foundry.brokers = vec![paper::traits(true)];
        foundry.limits = Limits { test_ceilings: true, ..Limits::default() };
        let folder = tempfile::tempdir().unwrap();
        let (days, desk) = (Arc::new(days), broker.desk().clone());
        let (broker, config) = (way(broker), strategy.to_owned());
        Self { folder, foundry, days, clock, broker, desk, config }
    }

    fn startup(&self) -> Startup {
        Startup {
            data_dir: self.folder.path().to_owned(),
            disk: Arc::new(RealDisk::default()),
            init: true,
            build: BUILD.to_owned(),
            mode: "paper".to_owned(),
            config: self.config.clone(),
            account: 77,
            crash_loop: CrashLoop { starts: 0, minutes: 0 },
            feed: Some(self.clock),
        }
    }

    fn place(&self) -> Place {
        Place::of(Arc::new(RealDisk::default()), self.folder.path(), Some(77))
    }

    fn raise(&self) -> Shell {
        let opened = open(self.startup(), &self.foundry).unwrap();
        let settings = Settings {
            place: self.place(),
            author: Author { build: BUILD.to_owned(), account: 77, ..Author::default() },
            segment_bytes: 4 << 20,
            ring_bytes: 32 << 20,
            inbox: InboxConfig {
                market_data: 1_000,
                system_events: 1_000,
                symbols: self.foundry.symbols.len(),
                quote_interval_ns: 100_000_000,
            },
            performance_updates: 1_000,
            update_every: Duration::from_millis(20),
            snapshots: SnapshotRule::default(),
            watch_space: true,
        };
        let run = |engine: &engine::Engine| {
            let build = Build { version: "0".to_owned(), commit: BUILD.to_owned() };
            Run::new(engine, "paper", "test", build, calendar(), &["paper"], &["playback"])
        };
        let foundry = Arc::new(self.foundry.clone());
        let dispatch = Brokers { list: vec![self.broker.clone()], capacity: 1_000 };
        raise(opened, settings, run, foundry, dispatch).unwrap()
    }

    pub(crate) fn launch(&self) -> Running {
        let shell = self.raise();
        let clock = self.clock;
        let inner =
            Playback::new(self.days.clone(), calendar(), Arc::new(move || clock.now()), SPEED);
        let provider = Tapped { inner, desk: self.desk.clone() };
        let symbols = (0..self.foundry.symbols.len() as u32).map(SymbolId).collect();
        shell.go_live(Market { providers: vec![Arc::new(provider)], symbols }).unwrap()
    }

    /// Replays the journal and demands that it says what was done.
    pub(crate) fn replay(&self) -> u128 {
        let plan = Plan { build: BUILD.to_owned(), adopt: false, stop_at_difference: false };
        let mut replay = Replay::new(&self.foundry, plan);
        let mut reader = self.place().read(ReadOptions::default()).unwrap();
        while let Some(group) = reader.next_group().unwrap() {
            assert!(replay.take(&group).unwrap());
        }
        let found = replay.found();
        assert_eq!(found.difference_count, 0, "{:?}", found.differences.first());
        assert!(found.marks > 0, "a Mark at the stop");
        mark_of(replay.engine().unwrap()).state_hash
    }
}

pub(crate) fn given(control: Control) -> Instruction {
    Instruction {
        control,
        actor: "tester".to_owned(),
        from: "test".to_owned(),
        reason: "a test".to_owned(),
        ..Instruction::default()
    }
}

/// Waits until the view shows something; what it shows last is in the message.
pub(crate) async fn wait_for(
    handle: &Handle,
    what: &str,
    seen: impl Fn(&View) -> bool,
) -> Arc<View> {
    let began = Instant::now();
    loop {
        let view = handle.view();
        if seen(&view) {
            return view;
        }
        assert!(began.elapsed() < Duration::from_secs(40), "{what}: {:?}", view.status);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn join(running: Running) -> Finished {
    tokio::task::spawn_blocking(move || running.join()).await.unwrap()
}

pub(crate) async fn stop(running: Running) -> Finished {
    let receipt = running.handle.instruct(given(Control::Stop)).await.unwrap();
    assert!(receipt.durable && receipt.done, "{receipt:?}");
    join(running).await
}

fn fills(handle: &Handle) -> usize {
    handle.lists(|lists| lists.fills(None, 1_000).items.len())
}

/// F50, J10, I7: a paper run trades, is paused and resumed, stops in order, goes on in the next
/// process with a higher epoch, and its journal replays without a difference.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_trades_stops_and_goes_on() {
    let world = World::new("2026-06-01T13:29:00Z", "storm");
    let running = world.launch();
    let handle = running.handle.clone();
    let first = wait_for(&handle, "running", |view| view.status.state == "running").await;
    wait_for(&handle, "an order", |view| !view.orders.is_empty()).await;
    while fills(&handle) < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let receipt = handle.instruct(given(Control::PauseTrading(Scope::All))).await.unwrap();
    assert!(receipt.done && receipt.durable && receipt.text.contains("paused"), "{receipt:?}");
    wait_for(&handle, "paused", |view| view.status.state == "paused").await;
    handle.instruct(given(Control::ResumeTrading(Scope::All))).await.unwrap();
    wait_for(&handle, "running again", |view| view.status.state == "running").await;
    let finished = stop(running).await;
    assert_eq!(finished, Finished { exit_code: 0, why: None });
    let hash = world.replay();

    let running = world.launch();
    let next = wait_for(&running.handle, "running", |view| view.status.state == "running").await;
    assert!(next.status.epoch > first.status.epoch, "I16, R10");
    assert_eq!(stop(running).await.exit_code, 0);
    assert_ne!(world.replay(), hash, "two processes in one journal");
}

/// C31, I8, F46: the emergency stop shuts the line at once, cancels entries only, holds over a
/// restart, and a resume opens again.
#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_stop_holds_over_a_restart() {
    let world = World::new("2026-06-01T13:29:00Z", "storm");
    let running = world.launch();
    let handle = running.handle.clone();
    wait_for(&handle, "an order", |view| !view.orders.is_empty()).await;
    let began = Instant::now();
    let killed = handle.emergency_stop(Scope::All, given(Control::Stop)).await;
    eprintln!("emergency stop: durable after {:?}", began.elapsed());
    assert!(killed.engaged && killed.durable, "{killed:?}");
    assert!(handle.kill_line().is_some());
    let view = wait_for(&handle, "killed", |view| view.status.kill.engaged).await;
    assert_eq!(view.status.state, "paused");
    let open = world.broker.open_orders().await.unwrap();
    assert!(open.iter().all(|row| row.client_id.is_some_and(|id| id.exit)), "{open:?}");
    assert_eq!(stop(running).await.exit_code, 0);

    let running = world.launch();
    let handle = running.handle.clone();
    assert!(handle.kill_line().is_some(), "before anything is asked");
    wait_for(&handle, "compared", |view| {
        !view.status.gate.reasons.iter().any(|reason| reason.contains("reconciling"))
    })
    .await;
    let before = fills(&handle);
    let receipt = handle.instruct(given(Control::ResumeTrading(Scope::All))).await.unwrap();
    assert!(receipt.durable, "{receipt:?}");
    wait_for(&handle, "the line", |view| view.status.kill.line.is_none()).await;
    let began = Instant::now();
    while fills(&handle) <= before {
        assert!(began.elapsed() < Duration::from_secs(40), "{:?}", handle.view().status);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(stop(running).await.exit_code, 0);
    world.replay();
}

/// I16, C33: a second instance is refused with 73 and changes nothing; another account, another
/// mode, and a folder without a journal are refused by name.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_start_is_told_why() {
    let world = World::new("2026-06-01T13:00:00Z", "storm");
    let none = Startup { init: false, ..world.startup() };
    let error = open(none, &world.foundry).unwrap_err();
    assert_eq!(error.exit_code(), 66, "{error}");
    assert!(error.to_string().contains("--init"), "{error}");
    let running = world.launch();
    let second = open(world.startup(), &world.foundry).unwrap_err();
    assert!(matches!(second, OpenError::Lock(_)), "{second}");
    assert_eq!(second.exit_code(), 73);
    assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
    assert_eq!(stop(running).await.exit_code, 0);
    for other in [
        Startup { account: 78, ..world.startup() },
        Startup { mode: "rehearsal".to_owned(), ..world.startup() },
    ] {
        let error = open(other, &world.foundry).unwrap_err();
        assert_eq!(error.exit_code(), 78, "{error}");
    }
    assert!(open(Startup { init: false, ..world.startup() }, &world.foundry).is_ok());
}
