//! From the inbox to the socket: a bar goes in, an order comes of it, its bytes leave.
//!
//! The whole live shell runs: inbox, core thread, journal writer, release, dispatcher. The paper
//! broker answers; before it does, the order's bytes are written to a socket, and that is where the
//! clock is read. One bar at a time, with pauses: all threads are parked when it comes. A bar has to
//! wake two of them, one after the other, and how long that takes is the machine's: the same two
//! hops and a write to a socket are measured with nothing else to do, after the same pauses.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use engine::risk_manager::Limits;
use engine::{Control, Instruction};
use gateway::{
    Answer, Broker, BrokerSignal, FeedSignal, FeedSink, MarketDataProvider, ProviderStatus,
    Unavailable,
};
use journal::Author;
use journal::disk::{Disk, RealDisk};
use model::exchange::CommissionPlan;
use model::{
    AccountRow, Bar, CancelRequest, Cash, ClientOrderId, ExecutionRow, MINUTE_NS, MarketEvent,
    NewOrder, OrderRow, PositionRow, Quote, ReplaceRequest, SendOutcome, SymbolId, Timestamp,
    Volume,
};
use paper::{Book, Desk, MemoryBroker, Shown};
use runtime::alerts::AlertSettings;
use runtime::clock::{Clock, boot_nanos};
use runtime::inbox::InboxConfig;
use runtime::recovery::Place;
use runtime::shell::{Brokers, Market, Settings, SnapshotRule, raise};
use runtime::startup::{CrashLoop, Startup, open};
use runtime::view::{Build, Run};
use simulator::{ExchangeConfig, FillMode};
use tokio::sync::mpsc;

use crate::{BUILD, BenchFoundry, SYMBOLS, price};

/// A minute of the feed is a tenth of a second here; each symbol's bar comes alone.
const SPEED: u32 = 600;
const BETWEEN_BARS: Duration = Duration::from_millis(2);
/// Threads that are woken one after the other: core, journal writer.
const HOPS: usize = 2;
/// As long as an order on the wire.
const MESSAGE: [u8; 64] = [b'x'; 64];

/// Returns how long each order took from the moment at which its bar was pushed into the inbox, in
/// nanoseconds, ascending; the journal is in `folder`.
pub(crate) fn measure(folder: &Path, minutes: u32) -> anyhow::Result<Vec<i64>> {
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    runtime.block_on(run(folder, minutes))
}

/// Returns how long it takes the machine to wake as many parked threads one after the other, of
/// which the last one writes to a socket, in nanoseconds, ascending. Nothing else is done.
pub(crate) fn hops(times: usize) -> anyhow::Result<Vec<i64>> {
    let (mut socket, _peer) = wire()?;
    let (first, mut next) = std::sync::mpsc::channel::<i64>();
    for hop in 1..=HOPS {
        let (to, from) = std::sync::mpsc::channel();
        let before = std::mem::replace(&mut next, from);
        let mut socket = (hop == HOPS).then(|| socket.try_clone()).transpose()?;
        let pass_on = move || {
            while before.recv().is_ok_and(|_| {
                let sent = socket.as_mut().is_none_or(|socket| socket.write_all(&MESSAGE).is_ok());
                sent && to.send(boot_nanos()).is_ok()
            }) {}
        };
        std::thread::spawn(pass_on);
    }
    let mut took = Vec::new();
    for _ in 0..times {
        std::thread::sleep(BETWEEN_BARS);
        let begun = boot_nanos();
        if first.send(begun).is_ok()
            && let Ok(at) = next.recv()
        {
            took.push(at - begun);
        }
    }
    socket.flush()?;
    took.sort_unstable();
    Ok(took)
}

/// Returns the two ends of a connection. Nobody reads at the second: a broker is on another
/// machine, and to wake a thread of his is no work of ours.
fn wire() -> anyhow::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listen")?;
    let socket = TcpStream::connect(listener.local_addr()?).context("connect")?;
    socket.set_nodelay(true)?;
    Ok((socket, listener.accept()?.0))
}

async fn run(folder: &Path, minutes: u32) -> anyhow::Result<Vec<i64>> {
    let mut foundry = BenchFoundry::new()?;
    foundry.brokers = vec![paper::traits(true)];
    foundry.limits =
        Limits { test_ceilings: true, max_positions: Some(SYMBOLS), ..Limits::default() };
    let begin: Timestamp = "2026-06-01T14:00:00Z".parse().context("a time")?;
    let clock = Clock::new(begin, boot_nanos(), SPEED);
    let pushed: Arc<[AtomicI64]> = (0..SYMBOLS).map(|_| AtomicI64::new(0)).collect();
    let (broker, desk) = Wired::new(&foundry, clock, &pushed)?;
    let took = Arc::clone(&broker.took);

    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let startup = Startup {
        data_dir: folder.to_owned(),
        disk: Arc::clone(&disk),
        init: true,
        build: BUILD.to_owned(),
        mode: "paper".to_owned(),
        config: "storm".to_owned(),
        account: 1,
        crash_loop: CrashLoop { starts: 0, minutes: 0 },
        feed: Some(clock),
    };
    let opened = open(startup, &foundry)?;
    let settings = Settings {
        place: Place::of(disk, folder, Some(1)),
        author: Author { build: BUILD.to_owned(), account: 1, ..Author::default() },
        // Small: the next one is made beside the run, and that is not what is measured.
        segment_bytes: 4 << 20,
        ring_bytes: 32 << 20,
        inbox: InboxConfig {
            market_data: 1_000,
            system_events: 1_000,
            symbols: SYMBOLS as usize,
            quote_interval_ns: 100_000_000,
        },
        performance_updates: 1_000,
        alerts: AlertSettings::default(),
        update_every: Duration::from_secs(1),
        snapshots: SnapshotRule::default(),
        watch_space: false,
    };
    let calendar = Arc::clone(&foundry.calendar);
    let run = |engine: &engine::Engine| {
        let build = Build { version: "0".to_owned(), commit: BUILD.to_owned() };
        Run::new(engine, "paper", "bench", build, calendar, &["paper"], &["bars"])
    };
    let dispatch = Brokers { list: vec![Arc::new(broker)], capacity: 1_000 };
    let shell = raise(opened, settings, run, Arc::new(foundry), dispatch)?;
    let feed = Bars { clock, minutes, desk, pushed };
    let symbols = (0..SYMBOLS).map(SymbolId).collect();
    let over = Arc::new(tokio::sync::Notify::new());
    let provider = Arc::new(Feeding { feed: Mutex::new(Some(feed)), over: Arc::clone(&over) });
    let running = shell.go_live(Market { providers: vec![provider], symbols, references: None })?;
    over.notified().await;
    let stop = Instruction {
        control: Control::Stop,
        actor: "bench".to_owned(),
        from: "bench".to_owned(),
        reason: "it is measured".to_owned(),
        ..Instruction::default()
    };
    running.handle.instruct(stop).await.context("stop the system")?;
    let finished = tokio::task::spawn_blocking(move || running.join()).await?;
    anyhow::ensure!(finished.exit_code == 0, "the run ended with {finished:?}");
    let mut took = std::mem::take(&mut *took.lock().unwrap_or_else(PoisonError::into_inner));
    took.sort_unstable();
    Ok(took)
}

/// The bars of all symbols, one after the other: the broker sees each one first.
struct Bars {
    clock: Clock,
    minutes: u32,
    desk: Desk,
    /// When the last bar of each symbol went into the inbox.
    pushed: Arc<[AtomicI64]>,
}

impl Bars {
    async fn play(self, to: Arc<dyn FeedSink>) {
        to.push(FeedSignal::Up);
        let now = self.clock.now().nanos();
        let mut start = Timestamp::from_nanos(now - now.rem_euclid(MINUTE_NS));
        for minute in 0..self.minutes {
            tokio::time::sleep(self.clock.until(start.plus_nanos(MINUTE_NS))).await;
            for (symbol, pushed) in self.pushed.iter().enumerate() {
                let symbol = SymbolId(symbol as u32);
                let close = price(5_000 + i64::from(minute % 3));
                let (high, low, volume) = (price(5_010), price(4_990), Volume(100_000));
                let bar = Bar { start, open: close, high, low, close, volume };
                let event = MarketEvent::Bar { symbol, bar };
                self.desk.show(vec![Shown { event, rth: true }]).await;
                // What the broker says of the order before is taken in meanwhile.
                tokio::time::sleep(BETWEEN_BARS).await;
                pushed.store(boot_nanos(), SeqCst);
                to.push(FeedSignal::Event(event));
            }
            start = start.plus_nanos(MINUTE_NS);
        }
    }
}

/// The provider of [`Bars`].
struct Feeding {
    feed: Mutex<Option<Bars>>,
    over: Arc<tokio::sync::Notify>,
}

impl MarketDataProvider for Feeding {
    fn name(&self) -> &str {
        "bars"
    }
    fn subscribe<'a>(&'a self, _: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn unsubscribe<'a>(&'a self, _: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn history(
        &self,
        _: SymbolId,
        _: Timestamp,
        _: Timestamp,
    ) -> Answer<'_, Result<Vec<Bar>, Unavailable>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
    fn snapshot(&self, _: SymbolId) -> Answer<'_, Result<Option<Quote>, Unavailable>> {
        Box::pin(std::future::ready(Ok(None)))
    }
    fn stream(&self, to: Arc<dyn FeedSink>) {
        let feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let over = Arc::clone(&self.over);
        if let Some(feed) = feed {
            tokio::spawn(async move {
                feed.play(to).await;
                over.notify_one();
            });
        }
    }
    fn status(&self) -> ProviderStatus {
        ProviderStatus { connected: true, ..ProviderStatus::default() }
    }
}

/// The paper broker behind a socket that takes the bytes of each order first.
struct Wired {
    inner: MemoryBroker,
    socket: Mutex<TcpStream>,
    _peer: TcpStream,
    pushed: Arc<[AtomicI64]>,
    took: Arc<Mutex<Vec<i64>>>,
}

impl Wired {
    fn new(
        foundry: &BenchFoundry,
        clock: Clock,
        pushed: &Arc<[AtomicI64]>,
    ) -> anyhow::Result<(Self, Desk)> {
        let settings = paper::Settings {
            exchange: ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None),
            symbols: foundry.symbols.clone(),
            cash: Cash::from_dollars(100_000).context("an amount")?,
        };
        let mut book = Book::in_memory(&settings);
        let session = foundry.calendar.session_at(clock.now()).context("no session")?;
        book.begin_session(&session);
        let inner = MemoryBroker::start(book, Arc::new(move || clock.now()))?;
        let desk = inner.desk().clone();
        let (socket, peer) = wire()?;
        let (socket, took) = (Mutex::new(socket), Arc::default());
        Ok((Self { inner, socket, _peer: peer, pushed: Arc::clone(pushed), took }, desk))
    }

    fn send(&self, order: &NewOrder) {
        let NewOrder { client_id, symbol, side, quantity, .. } = order;
        let text =
            format!("35=D|11={client_id}|55={}|54={side:?}|38={quantity}|40=1|59=0\n", symbol.0);
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = socket.write_all(text.as_bytes());
        let now = boot_nanos();
        let pushed = self.pushed.get(order.symbol.index()).map(|at| at.load(SeqCst));
        if let (Ok(()), Some(pushed)) = (sent, pushed) {
            self.took.lock().unwrap_or_else(PoisonError::into_inner).push(now - pushed);
        }
    }
}

impl Broker for Wired {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn submit<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, SendOutcome> {
        Box::pin(async move {
            self.send(order);
            self.inner.submit(order).await
        })
    }
    fn replace<'a>(&'a self, request: &'a ReplaceRequest) -> Answer<'a, SendOutcome> {
        self.inner.replace(request)
    }
    fn cancel<'a>(&'a self, request: &'a CancelRequest) -> Answer<'a, SendOutcome> {
        self.inner.cancel(request)
    }
    fn query_by_client_id(
        &self,
        id: ClientOrderId,
    ) -> Answer<'_, Result<Option<OrderRow>, Unavailable>> {
        self.inner.query_by_client_id(id)
    }
    fn open_orders(&self) -> Answer<'_, Result<Vec<OrderRow>, Unavailable>> {
        self.inner.open_orders()
    }
    fn executions_since(
        &self,
        since: Timestamp,
    ) -> Answer<'_, Result<Vec<ExecutionRow>, Unavailable>> {
        self.inner.executions_since(since)
    }
    fn positions(&self) -> Answer<'_, Result<Vec<PositionRow>, Unavailable>> {
        self.inner.positions()
    }
    fn account(&self) -> Answer<'_, Result<AccountRow, Unavailable>> {
        self.inner.account()
    }
    fn stream(&self, to: mpsc::Sender<BrokerSignal>) {
        self.inner.stream(to);
    }
}
