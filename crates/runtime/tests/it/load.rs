//! 200,000 ticks a second over 5,000 symbols: nothing is lost without being counted, memory stays
//! within bounds, and every fill is booked (F42, I15, C40).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::Control;
use engine::risk_manager::Scope;
use gateway::{Answer, FeedSignal, FeedSink, MarketDataProvider, ProviderStatus, Unavailable};
use model::{Bar, MINUTE_NS, MarketEvent, Price, Quantity, Quote, SymbolId, Timestamp, Volume};
use paper::{Desk, Shown};
use runtime::clock::Clock;
use runtime::shell::Market;

use crate::live::{World, given, stop, wait_for};

const SYMBOLS: u32 = 5_000;
const PER_SECOND: u64 = 200_000;

/// Pushes quotes of all symbols as fast as asked, and bars of three.
pub(crate) struct Flood {
    clock: Clock,
    desk: Desk,
    pushed: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Flood {
    /// Makes the flood of a world; it counts what it pushed, until it is over.
    pub(crate) fn new(world: &World, pushed: &Arc<AtomicU64>, over: &Arc<AtomicBool>) -> Self {
        Self {
            clock: world.clock,
            desk: world.desk.clone(),
            pushed: Arc::clone(pushed),
            over: Arc::clone(over),
        }
    }
}

impl MarketDataProvider for Flood {
    fn name(&self) -> &str {
        "flood"
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
        to.push(FeedSignal::Up);
        let (clock, over, pushed) = (self.clock, Arc::clone(&self.over), Arc::clone(&self.pushed));
        let quotes = Arc::clone(&to);
        std::thread::spawn(move || push_quotes(clock, &over, &pushed, &*quotes));
        let (desk, over, pushed) =
            (self.desk.clone(), Arc::clone(&self.over), Arc::clone(&self.pushed));
        tokio::spawn(async move { push_bars(clock, &over, &pushed, &desk, &*to).await });
    }
    fn status(&self) -> ProviderStatus {
        ProviderStatus { connected: true, ..ProviderStatus::default() }
    }
}

fn price(cents: i64) -> Price {
    Price::from_raw(cents * 10_000_000)
}

fn push_quotes(clock: Clock, over: &AtomicBool, pushed: &AtomicU64, to: &dyn FeedSink) {
    let began = Instant::now();
    let size = Quantity::from_shares(100).unwrap();
    let mut sent = 0_u64;
    while !over.load(Ordering::Relaxed) {
        let due = began.elapsed().as_micros() as u64 * PER_SECOND / 1_000_000;
        let time = clock.now();
        // A thread that was starved catches up a little, not all at once.
        let until = due.min(sent + 5_000);
        while sent < until {
            let symbol = SymbolId((sent % u64::from(SYMBOLS)) as u32);
            let cents = 5_000 + (sent % 7) as i64;
            let quote = Quote {
                time,
                bid: price(cents),
                bid_size: size,
                ask: price(cents + 1),
                ask_size: size,
            };
            to.push(FeedSignal::Event(MarketEvent::Quote { symbol, quote }));
            sent += 1;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    pushed.fetch_add(sent, Ordering::SeqCst);
}

/// Pushes the closed minute of three symbols, minute after minute, to the broker and to the core.
async fn push_bars(
    clock: Clock,
    over: &AtomicBool,
    pushed: &AtomicU64,
    desk: &Desk,
    to: &dyn FeedSink,
) {
    let minute = |time: Timestamp| time.plus_nanos(-time.nanos().rem_euclid(MINUTE_NS));
    let mut next = minute(clock.now());
    while !over.load(Ordering::Relaxed) {
        tokio::time::sleep(clock.until(next.plus_nanos(MINUTE_NS))).await;
        for symbol in (0..3).map(SymbolId) {
            let (open, high, low, close) = (price(5_000), price(5_010), price(4_990), price(5_005));
            let volume = Volume(100_000);
            let bar = Bar { start: next, open, high, low, close, volume };
            let event = MarketEvent::Bar { symbol, bar };
            desk.show(vec![Shown { event, rth: true }]).await;
            to.push(FeedSignal::Event(event));
            pushed.fetch_add(1, Ordering::SeqCst);
        }
        next = next.plus_nanos(MINUTE_NS);
    }
}

/// Returns a value of `/proc/self/status` in KiB.
fn memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Issue 5: admitted + conflated + dropped = offered, memory <= 400 MB, every fill booked.
/// `BELLWETHER_LOAD_SECONDS` asks for more than ten seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_ticks_is_conflated_and_counted() {
    let seconds = std::env::var("BELLWETHER_LOAD_SECONDS").ok();
    let seconds: u64 = seconds.map_or(10, |text| text.parse().unwrap());
    let world = World::of_symbols("2026-06-01T14:00:00Z", SYMBOLS);
    let (pushed, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let flood = Flood::new(&world, &pushed, &over);
    let symbols = (0..SYMBOLS).map(SymbolId).collect();
    let market = Market { providers: vec![Arc::new(flood)], symbols, references: None };
    let running = world.raise().go_live(market).unwrap();
    let handle = running.handle.clone();
    wait_for(&handle, "running", |view| view.status.state == "running").await;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    over.store(true, Ordering::Relaxed);
    handle.instruct(given(Control::PauseTrading(Scope::All))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let counts = handle.market_counts();
    let offered = pushed.load(Ordering::SeqCst);
    eprintln!("{seconds} s: {counts:?}, {} KiB at most", memory_kib("VmHWM"));
    assert_eq!(counts.offered, offered);
    assert_eq!(
        counts.offered,
        counts.admitted + counts.conflated + counts.dropped + counts.waiting,
        "{counts:?}"
    );
    assert!(counts.admitted > 0 && counts.conflated > 0, "{counts:?}");
    assert!(memory_kib("VmHWM") <= 400 * 1024, "{} KiB", memory_kib("VmHWM"));
    let began = Instant::now();
    loop {
        let theirs = world.broker.executions_since(Timestamp::MIN).await.unwrap().len();
        let ours = handle.lists(|lists| lists.fills(None, 10_000).items.len());
        if theirs == ours {
            eprintln!("{ours} fills");
            assert!(ours > 0);
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{ours} of {theirs} fills are booked");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stop(running).await.exit_code, 0);
}
