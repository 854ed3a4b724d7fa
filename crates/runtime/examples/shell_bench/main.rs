//! `cargo xtask bench`, the shell's part: how fast groups become durable, what applying and
//! encoding an input takes, and how long a start takes from a long journal (J5, J10, issue 5).
//!
//! From the inbox to the socket is measured twice: with the disk's barrier, and without it where
//! there is a file system in memory (design.md 8).
//!
//! Takes `--smoke` (little of everything) and `--json`. Prints figures and asserts none of them.

mod to_wire;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use engine::execution_engine::BrokerTraits;
use engine::risk_manager::Limits;
use engine::{Engine, EngineConfig, Input, Instance, MarketEvent, Start};
use journal::disk::{Disk, RealDisk};
use journal::{Author, Load, Options, ReadOptions, SnapshotHead};
use model::exchange::{Calendar, TickTable};
use model::{
    Bar, Cash, MINUTE_NS, Price, Quantity, Quote, SourceId, StrategyId, Symbol, SymbolDay,
    SymbolId, Timestamp, Volume,
};
use runtime::recovery::{Place, recover, snapshot};
use runtime::{Foundry, FoundryError, NoOutlet, Sequencer, codec, release_queue};
use strategies::Registry;

/// That of the program, so that the figures are of what runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BUILD: &str = "bench";
const SYMBOLS: u32 = 50;
/// Quotes of a symbol are let in this often (journal.md 1).
const QUOTE_NS: i64 = 100_000_000;

#[derive(Debug, serde::Serialize)]
struct Figures {
    journal: Durability,
    apply_encode: Spread,
    /// From the inbox to the socket, with threads parked and without the disk's barrier; `null`
    /// where no file system lies in memory.
    to_wire_without_disk: Option<Spread>,
    /// The same on the disk.
    to_wire: Spread,
    /// What waking the three threads on that way takes here when they have nothing to do.
    hops: Spread,
    /// A start without a snapshot.
    replay: Recovery,
    /// A start from a snapshot with a tail of the journal behind it.
    from_snapshot: Recovery,
}

#[derive(Debug, serde::Serialize)]
struct Durability {
    groups_per_s: f64,
    syncs: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

#[derive(Debug, serde::Serialize)]
struct Spread {
    count: usize,
    p50_us: f64,
    p99_us: f64,
    max_us: f64,
}

impl Spread {
    /// Of times in seconds, ascending.
    fn of(seconds: &[f64]) -> Self {
        let us = |share: f64| {
            let at = (seconds.len() as f64 * share) as usize;
            seconds.get(at.min(seconds.len().saturating_sub(1))).map_or(0.0, |time| time * 1e6)
        };
        Self { count: seconds.len(), p50_us: us(0.5), p99_us: us(0.99), max_us: us(1.0) }
    }
}

#[derive(Debug, serde::Serialize)]
struct Recovery {
    records: u64,
    mib: f64,
    seconds: f64,
}

fn main() -> ExitCode {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    match run(has("--smoke")) {
        Ok(figures) if has("--json") => {
            println!("{}", serde_json::to_string_pretty(&figures).unwrap_or_default());
            ExitCode::SUCCESS
        }
        Ok(figures) => {
            print(&figures);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(figures: &Figures) {
    let Durability { groups_per_s, syncs, p50_ms, p99_ms, max_ms } = figures.journal;
    println!(
        "journal       {groups_per_s:.0} groups of 400 B a second, {syncs} syncs: durable after p50 {p50_ms:.3} ms, p99 {p99_ms:.3} ms, longest {max_ms:.1} ms"
    );
    let spread = |name: &str, what: &str, spread: &Spread| {
        let Spread { count, p50_us, p99_us, max_us } = spread;
        println!(
            "{name:<13} {count} {what}: p50 {p50_us:.2} us, p99 {p99_us:.2} us, longest {max_us:.0} us"
        );
    };
    spread("apply+encode", "inputs", &figures.apply_encode);
    if let Some(found) = &figures.to_wire_without_disk {
        spread("inbox->socket", "orders, without the disk's barrier", found);
    }
    spread("inbox->socket", "orders, on the disk", &figures.to_wire);
    spread("two hops", "times nothing but two wake-ups and a write", &figures.hops);
    for (name, found) in [("replay", &figures.replay), ("from snapshot", &figures.from_snapshot)] {
        let Recovery { records, mib, seconds } = found;
        println!(
            "{name:<13} {records} records, {mib:.0} MiB: {seconds:.3} s until the state is back"
        );
    }
}

fn run(smoke: bool) -> anyhow::Result<Figures> {
    // Here and not among temporary files, which may lie in memory.
    let folder = tempfile::tempdir_in(".").context("make a temporary folder")?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let seconds = if smoke { 1 } else { 10 };
    let load = Load { duration: Duration::from_secs(seconds), ..Load::default() };
    let found = journal::bench(Arc::clone(&disk), &folder.path().join("durability"), &load)?;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let journal = Durability {
        groups_per_s: found.groups_per_second,
        syncs: found.syncs,
        p50_ms: ms(found.p50),
        p99_ms: ms(found.p99),
        max_ms: ms(found.max),
    };

    let place = Place::of(disk, folder.path(), None);
    let records = if smoke { 20_000 } else { 1_000_000 };
    let foundry = BenchFoundry::new()?;
    let (mut took, snapshot) = write(&place, &foundry, records)?;
    took.sort_unstable();
    let apply_encode = Spread::of(&took.iter().map(Duration::as_secs_f64).collect::<Vec<_>>());

    let minutes = if smoke { 4 } else { 60 };
    // A file system in memory has no barrier to wait for.
    let memory = Path::new("/dev/shm");
    let to_wire_without_disk = if memory.is_dir() { Some(to_wire(memory, minutes)?) } else { None };
    let to_wire = to_wire(Path::new("."), minutes)?;
    let took = to_wire::hops(if smoke { 50 } else { 1_000 })?;
    let hops = Spread::of(&took.iter().map(|&ns| ns as f64 / 1e9).collect::<Vec<_>>());

    let replay = start(&place, &foundry)?;
    place.store().write(&snapshot.0, &snapshot.1)?;
    let from_snapshot = start(&place, &foundry)?;
    Ok(Figures {
        journal,
        apply_encode,
        to_wire_without_disk,
        to_wire,
        hops,
        replay,
        from_snapshot,
    })
}

fn to_wire(parent: &Path, minutes: u32) -> anyhow::Result<Spread> {
    let folder = tempfile::tempdir_in(parent).context("make a temporary folder")?;
    let took = to_wire::measure(folder.path(), minutes)?;
    anyhow::ensure!(!took.is_empty(), "no order left");
    Ok(Spread::of(&took.iter().map(|&ns| ns as f64 / 1e9).collect::<Vec<_>>()))
}

/// Recovers the state as a start does.
fn start(place: &Place, foundry: &BenchFoundry) -> anyhow::Result<Recovery> {
    let began = Instant::now();
    let found = recover(place, foundry, BUILD)?;
    let seconds = began.elapsed().as_secs_f64();
    anyhow::ensure!(found.adopted.is_none(), "the journal was not replayed exactly");
    let mut reader =
        place.read(ReadOptions { from: found.snapshot_seq + 1, ..ReadOptions::default() })?;
    let mut bytes = 0;
    while let Some(group) = reader.next_group()? {
        bytes += group.size();
    }
    Ok(Recovery {
        records: found.replayed.records,
        mib: bytes as f64 / f64::from(1 << 20),
        seconds,
    })
}

/// A snapshot that is written later.
type Kept = (SnapshotHead, Vec<u8>);

/// Writes a journal of so many records, and keeps the state at which 64 MiB are left.
fn write(
    place: &Place,
    foundry: &BenchFoundry,
    records: u64,
) -> anyhow::Result<(Vec<Duration>, Kept)> {
    let mut reader = place.read(ReadOptions::default())?;
    reader.next_group()?;
    let tail = reader.tail().cloned().context("an empty journal")?;
    let author = Author { build: BUILD.to_owned(), ..Author::default() };
    let options = Options::new(place.journal.clone(), author);
    let (releases, release) = release_queue(Box::new(NoOutlet));
    let running = journal::start(Arc::clone(&place.disk), options, tail, Box::new(release))?;
    let mut market = Market::new();
    let start = Start {
        build: BUILD.to_owned(),
        config: "vwap_cross\nstorm".to_owned(),
        cold: true,
        ..Start::fresh(1, "demo", market.time)
    };
    let mut sequencer = Sequencer::new(foundry.engine(&start)?, running.appender, releases);
    sequencer.apply(market.time, Input::Start(Box::new(start.clone())))?;
    for symbol in 0..SYMBOLS {
        sequencer.apply(market.time, Input::Reference(Box::new(market.day(symbol))))?;
    }
    let mut took = Vec::new();
    let mut kept = None;
    let mut seq = 0;
    while seq < records {
        let (time, event) = market.next();
        while !sequencer.has_room() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let began = Instant::now();
        let applied = sequencer.apply(time, Input::Market { source: SourceId(0), event })?;
        took.push(began.elapsed());
        seq = applied.end_seq;
        // What a record of this market takes on disk is known: the rest is about 64 MiB.
        if kept.is_none() && seq >= records.saturating_sub((64 << 20) / RECORD_BYTES) {
            let (at, mark) = sequencer.mark()?;
            let engine = sequencer.engine();
            let head = SnapshotHead {
                seq: at,
                time: engine.now(),
                schema: codec::SCHEMA,
                build: BUILD.to_owned(),
                account: 0,
                state_hash: mark.state_hash,
                books_hash: mark.books_hash,
                chain: None,
            };
            kept = Some((head, snapshot::encode(&start, engine)));
        }
    }
    sequencer.close()?;
    Ok((took, kept.context("no snapshot was due")?))
}

/// Bytes of a quote's record, about.
const RECORD_BYTES: u64 = 112;

/// Quotes of all symbols at the rate that is let in, and a bar of each every minute.
struct Market {
    time: Timestamp,
    turn: u32,
    cents: Vec<i64>,
    state: u64,
    bars: Vec<SymbolId>,
}

impl Market {
    fn new() -> Self {
        // A session's open: 09:30 in New York.
        let time = Timestamp::from_nanos(1_780_320_600_000_000_000);
        Self { time, turn: 0, cents: vec![5_000; SYMBOLS as usize], state: 1, bars: Vec::new() }
    }

    fn day(&self, symbol: u32) -> SymbolDay {
        let date = model::exchange::new_york_date(self.time);
        let prev_close = Some(price(5_000));
        SymbolDay { prev_close, adv20: Some(5e6), ..SymbolDay::unknown(SymbolId(symbol), date) }
    }

    fn next(&mut self) -> (Timestamp, MarketEvent) {
        if let Some(symbol) = self.bars.pop() {
            return (self.time, MarketEvent::Bar { symbol, bar: self.bar(symbol) });
        }
        let symbol = SymbolId(self.turn);
        // A walk by one cent, from a splitmix of the turn.
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let cents = &mut self.cents[symbol.index()];
        *cents = (*cents + (self.state >> 33) as i64 % 3 - 1).clamp(1_000, 9_000);
        let size = Quantity::from_shares(200).unwrap_or(Quantity::ZERO);
        let quote = Quote {
            time: self.time,
            bid: price(*cents),
            ask: price(*cents + 1),
            bid_size: size,
            ask_size: size,
        };
        let event = MarketEvent::Quote { symbol, quote };
        self.turn = (self.turn + 1) % SYMBOLS;
        if self.turn == 0 {
            self.time = self.time.plus_nanos(QUOTE_NS);
            if self.time.nanos() % MINUTE_NS == 0 {
                self.bars = (0..SYMBOLS).map(SymbolId).collect();
            }
        }
        (self.time, event)
    }

    fn bar(&self, symbol: SymbolId) -> Bar {
        let close = price(self.cents[symbol.index()]);
        Bar {
            start: self.time.plus_nanos(-MINUTE_NS),
            open: close,
            high: close,
            low: close,
            close,
            volume: Volume(10_000),
        }
    }
}

fn price(cents: i64) -> Price {
    Price::from_raw(cents * 10_000_000)
}

/// Builds the engine of the bench; the start's configuration names the strategies, one a line.
struct BenchFoundry {
    symbols: Vec<Symbol>,
    calendar: Arc<Calendar>,
    brokers: Vec<BrokerTraits>,
    limits: Limits,
}

impl BenchFoundry {
    fn new() -> anyhow::Result<Self> {
        let symbols = (0..SYMBOLS).map(|number| format!("SYM{number}").parse());
        let symbols = symbols.collect::<Result<_, _>>()?;
        let calendar = Arc::new(Calendar::nyse());
        let brokers = vec![BrokerTraits::simulated()];
        Ok(Self { symbols, calendar, brokers, limits: Limits::default() })
    }
}

impl Foundry for BenchFoundry {
    fn engine(&self, start: &Start) -> Result<Engine, FoundryError> {
        let instance = |name: &str| {
            let strategy = Registry::builtin().make(name, &[]);
            let strategy = strategy.map_err(|error| FoundryError(error.to_string()))?;
            Ok(Instance { name: name.to_owned(), strategy })
        };
        Ok(Engine::new(EngineConfig {
            symbols: self.symbols.clone(),
            strategies: start.config.lines().map(instance).collect::<Result<_, _>>()?,
            cash: Cash::from_dollars(100_000).unwrap_or(Cash::ZERO),
            limits: self.limits.clone(),
            calendar: Arc::clone(&self.calendar),
            ticks: TickTable::us(),
            tag: *b"BW\0\0",
            brokers: self.brokers.clone(),
            opening_failover: false,
            record_all: false,
            data: engine::data_manager::DataPolicy::default(),
        }))
    }

    fn follow(&self, _: &Start, new: &Start) -> Result<String, FoundryError> {
        Ok(new.config.clone())
    }

    fn retired(&self, _: &Start) -> Result<Vec<StrategyId>, FoundryError> {
        Ok(Vec::new())
    }
}
