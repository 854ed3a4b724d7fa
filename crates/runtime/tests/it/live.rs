//! The live loop as a whole: generated days at high speed, the paper broker, operators, restarts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::risk_manager::{Limits, Scope};
use engine::{Control, Instruction};
use gateway::{
    Answer, Broker, FeedSignal, FeedSink, MarketDataProvider, ProviderStatus, Unavailable,
};
use journal::disk::{Disk, Faults, Faulty, RealDisk};
use journal::{Author, ReadOptions};
use model::exchange::{CommissionPlan, Segment};
use model::{Bar, MarketEvent, Quote, Symbol, SymbolId, Timestamp};
use paper::{Book, Desk, MemoryBroker, Shown};
use playback::{Generated, Playback};
use runtime::alerts::AlertSettings;
use runtime::clock::{Clock, boot_nanos};
use runtime::inbox::InboxConfig;
use runtime::recovery::{Place, Plan, Replay, recover};
use runtime::shell::{Brokers, Finished, Market, Running, Settings, Shell, SnapshotRule, raise};
use runtime::startup::{CrashLoop, OpenError, Opened, Startup, open};
use runtime::view::{Build, Run, View};
use runtime::{Handle, mark_of};
use simulator::{ExchangeConfig, FillMode};
use tokio::sync::mpsc;

use crate::patient::Trap;
use crate::support::{TestFoundry, calendar, date};

const BUILD: &str = "build-a";
const SPEED: u32 = 600;

/// What is wrong with a feed.
#[derive(Debug, Default)]
struct FeedFaults {
    /// Nothing of it comes through.
    silent: AtomicBool,
    /// Its task has ended, and whoever asks is refused.
    ended: AtomicBool,
}

impl FeedFaults {
    fn refused<T>(&self) -> Option<Result<T, Unavailable>> {
        let ended = self.ended.load(Ordering::Relaxed);
        ended.then(|| Err(Unavailable("connection refused".to_owned())))
    }
}

/// Shows each event to the paper book before the core sees it.
struct Tapped {
    inner: Playback,
    desk: Desk,
    faults: Arc<FeedFaults>,
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
        match self.faults.refused() {
            Some(refused) => Box::pin(std::future::ready(refused)),
            None => self.inner.history(symbol, from, to),
        }
    }
    fn snapshot(&self, symbol: SymbolId) -> Answer<'_, Result<Option<Quote>, Unavailable>> {
        match self.faults.refused() {
            Some(refused) => Box::pin(std::future::ready(refused)),
            None => self.inner.snapshot(symbol),
        }
    }
    fn stream(&self, to: Arc<dyn FeedSink>) {
        let (tap, mut signals) = mpsc::unbounded_channel();
        let (desk, faults) = (self.desk.clone(), Arc::clone(&self.faults));
        tokio::spawn(async move {
            while let Some(signal) = signals.recv().await {
                if faults.ended.load(Ordering::Relaxed) {
                    to.push(FeedSignal::Down("connection refused".to_owned()));
                    return;
                }
                if faults.silent.load(Ordering::Relaxed) {
                    continue;
                }
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
        let ended = self.faults.ended.load(Ordering::Relaxed);
        let status = self.inner.status();
        ProviderStatus { connected: status.connected && !ended, ..status }
    }
}

/// A world that outlives processes: the feed's clock, the paper broker, the data directory.
pub(crate) struct World {
    folder: tempfile::TempDir,
    foundry: TestFoundry,
    days: Arc<Generated>,
    pub(crate) clock: Clock,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) desk: Desk,
    config: String,
    disk: Arc<dyn Disk>,
    faults: Arc<FeedFaults>,
    reachable: bool,
    alerts: AlertSettings,
}

/// A disk that can be disturbed.
pub(crate) struct Disturbed(Arc<Faults>);

impl Disturbed {
    pub(crate) fn faults(&self) -> &Faults {
        &self.0
    }
}

impl World {
    /// Begins at a time of the feed, with `storm` in three symbols and the broker in process.
    pub(crate) fn new(begin: &str, strategy: &str) -> Self {
        Self::with(begin, strategy, |broker| Arc::new(broker))
    }

    /// The same, ten times slower: a minute is a second, and entries rest at the broker meanwhile.
    pub(crate) fn slow(begin: &str, strategy: &str) -> Self {
        let names = ["SYM0", "SYM1", "SYM2"].map(|name| name.parse().unwrap());
        Self::of(begin, strategy, 60, &names, |broker| Arc::new(broker))
    }

    /// Begins with so many symbols, the generated ones and others that have no days.
    pub(crate) fn of_symbols(begin: &str, count: u32) -> Self {
        let names: Vec<Symbol> = (0..count).map(|n| format!("SYM{n}").parse().unwrap()).collect();
        Self::of(begin, "storm", SPEED, &names, |broker| Arc::new(broker))
    }

    /// Begins with another way to the paper broker.
    pub(crate) fn with(
        begin: &str,
        strategy: &str,
        way: impl FnOnce(MemoryBroker) -> Arc<dyn Broker>,
    ) -> Self {
        let names = ["SYM0", "SYM1", "SYM2"].map(|name| name.parse().unwrap());
        Self::of(begin, strategy, SPEED, &names, way)
    }

    fn of(
        begin: &str,
        strategy: &str,
        speed: u32,
        symbols: &[Symbol],
        way: impl FnOnce(MemoryBroker) -> Arc<dyn Broker>,
    ) -> Self {
        let first = date("2026-06-01");
        let days = Generated::new(7, first, &symbols[..3], calendar()).unwrap();
        let begin: Timestamp = begin.parse().unwrap();
        let clock = Clock::new(begin, boot_nanos(), speed);
        let settings = paper::Settings {
            exchange: ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None),
            symbols: symbols.to_vec(),
            cash: model::Cash::from_dollars(100_000).unwrap(),
        };
        let mut book = Book::in_memory(&settings);
        book.begin_session(&calendar().session(first).unwrap().unwrap());
        let broker = MemoryBroker::start(book, Arc::new(move || clock.now())).unwrap();
        let mut foundry = TestFoundry::new(symbols.to_vec());
        foundry.brokers = vec![paper::traits(true)];
        foundry.limits = Limits { test_ceilings: true, ..Limits::default() };
        let (days, desk) = (Arc::new(days), broker.desk().clone());
        Self {
            folder: tempfile::tempdir().unwrap(),
            foundry,
            days,
            clock,
            broker: way(broker),
            desk,
            config: strategy.to_owned(),
            disk: Arc::new(RealDisk::default()),
            faults: Arc::default(),
            reachable: true,
            alerts: AlertSettings::default(),
        }
    }

    /// Says that the broker cannot be asked.
    pub(crate) fn unreachable(self) -> Self {
        Self { reachable: false, ..self }
    }

    pub(crate) fn is_reachable(&self) -> bool {
        self.reachable
    }

    /// Lets somebody else deliver alerts.
    pub(crate) fn with_alerts(self, alerts: AlertSettings) -> Self {
        Self { alerts, ..self }
    }

    /// Puts a disk that can be disturbed under the journal.
    pub(crate) fn disturbed(self) -> (Self, Disturbed) {
        let (disk, faults) = Faulty::new(Arc::clone(&self.disk));
        (Self { disk: Arc::new(disk), ..self }, Disturbed(faults))
    }

    pub(crate) fn undisturbed(self) -> Self {
        Self { disk: Arc::new(RealDisk::default()), ..self }
    }

    /// Lets the strategies fail, or not, when their state is to be saved.
    pub(crate) fn with_unsound_strategies(mut self, unsound: bool) -> Self {
        self.foundry.unsound = unsound;
        self
    }

    /// Configures other strategies, one a line.
    fn reconfigured(self, strategies: &str) -> Self {
        Self { config: strategies.to_owned(), ..self }
    }

    /// Configures another limit; the configuration's text tells.
    pub(crate) fn with_most_positions(mut self, most: u32) -> Self {
        self.foundry.most = Some(most);
        self.config = format!("storm:quantity={most}");
        self
    }

    /// Returns the limits that the journal's end holds.
    pub(crate) fn limits_in_force(&self) -> Limits {
        let recovered = recover(&self.place(), &self.foundry, BUILD).unwrap();
        let (_, engine) = recovered.state.unwrap();
        engine.books().gate().limits().clone()
    }

    /// Lets nothing of the feed come through, or again.
    pub(crate) fn silence_feed(&self, silent: bool) {
        self.faults.silent.store(silent, Ordering::Relaxed);
    }

    /// Ends the feed for good: its task is gone at its next event, and every call is refused.
    pub(crate) fn end_feed(&self) {
        self.faults.ended.store(true, Ordering::Relaxed);
    }

    /// Trades by another strategy.
    pub(crate) fn trading(self, strategy: &str) -> Self {
        Self { config: strategy.to_owned(), ..self }
    }

    /// Returns what makes the strategy `patient` do wrong.
    pub(crate) fn trap(&self) -> &Trap {
        &self.foundry.trap
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn startup(&self) -> Startup {
        Startup {
            data_dir: self.folder.path().to_owned(),
            disk: Arc::clone(&self.disk),
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
        Place::of(Arc::clone(&self.disk), self.folder.path(), Some(77))
    }

    pub(crate) fn try_to_open(&self) -> Result<Opened, OpenError> {
        open(self.startup(), &self.foundry)
    }

    pub(crate) fn raise(&self) -> Shell {
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
            alerts: self.alerts.clone(),
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
        let inner = Playback::new(
            self.days.clone(),
            calendar(),
            Arc::new(move || clock.now()),
            clock.speed(),
        );
        let faults = Arc::clone(&self.faults);
        let provider = Tapped { inner, desk: self.desk.clone(), faults };
        let symbols = (0..self.foundry.symbols.len() as u32).map(SymbolId).collect();
        shell
            .go_live(Market { providers: vec![Arc::new(provider)], symbols, references: None })
            .unwrap()
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

pub(crate) async fn join(running: Running) -> Finished {
    tokio::task::spawn_blocking(move || running.join()).await.unwrap()
}

pub(crate) async fn stop(running: Running) -> Finished {
    let receipt = running.handle.instruct(given(Control::Stop)).await.unwrap();
    assert!(receipt.durable && receipt.done, "{receipt:?}");
    join(running).await
}

pub(crate) fn fills(handle: &Handle) -> usize {
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

/// Decision 0120: a strategy that is taken out of the configuration opens nothing and sees what it
/// holds through; a new one stands behind it; named again, it goes on. The journal replays.
#[tokio::test(flavor = "multi_thread")]
async fn strategies_come_and_go() {
    let world = World::new("2026-06-01T13:29:00Z", "storm");
    let running = world.launch();
    let handle = running.handle.clone();
    while fills(&handle) < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    wait_for(&handle, "a position", |view| !view.positions.is_empty()).await;
    assert_eq!(stop(running).await.exit_code, 0);

    let world = world.reconfigured("vwap_cross");
    let running = world.launch();
    let handle = running.handle.clone();
    let view = wait_for(&handle, "retired", |view| {
        view.strategies.first().is_some_and(|storm| storm.blocked_by == ["retired"])
    })
    .await;
    assert!(view.strategies[1].enabled && view.strategies.len() == 2, "{:?}", view.strategies);
    let flat = |view: &View| view.strategies[0].positions == 0;
    wait_for(&handle, "storm's positions closed", flat).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(flat(&handle.view()), "ten minutes of the feed later");
    assert_eq!(stop(running).await.exit_code, 0);

    let world = world.reconfigured("storm\nvwap_cross");
    let running = world.launch();
    let handle = running.handle.clone();
    wait_for(&handle, "a position of storm", |view| {
        view.strategies.first().is_some_and(|storm| storm.enabled && storm.positions > 0)
    })
    .await;
    assert_eq!(stop(running).await.exit_code, 0);
    world.replay();
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
