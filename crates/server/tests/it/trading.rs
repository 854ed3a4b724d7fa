//! A real system behind the API: journal, core thread and gateway, with a broker that notes every
//! request, and a strategy that hands over opening orders all the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use engine::data_manager::DataPolicy;
use engine::record::{DecodeError, Reader, Writer};
use engine::risk_manager::Limits;
use engine::strategy_engine::{Context, Event, Finding, Plan, RuleInfo, Size, Strategy};
use engine::{Engine, EngineConfig, Instance, Start};
use gateway::{
    Answer, Broker, BrokerSignal, FeedSignal, FeedSink, MarketDataProvider, ProviderStatus,
    Unavailable,
};
use journal::Author;
use journal::disk::{Disk, RealDisk};
use model::exchange::{Calendar, TickTable};
use model::{
    AccountRow, Bar, BrokerId, CancelRequest, Cash, ClientOrderId, ExecType, ExecutionReport,
    ExecutionRow, MINUTE_NS, MarketEvent, NewOrder, OrderKind, OrderRow, OrderState, PositionRow,
    Price, Quantity, Quote, RejectReason, ReplaceRequest, SendOutcome, StrategyId, Symbol,
    SymbolId, Timestamp, Volume,
};
use runtime::alerts::AlertSettings;
use runtime::clock::{Clock, boot_nanos};
use runtime::inbox::InboxConfig;
use runtime::recovery::Place;
use runtime::shell::{Brokers, Market, Running, Settings, SnapshotRule, raise};
use runtime::startup::{CrashLoop, Startup, open};
use runtime::view::{Build, Run};
use runtime::{Foundry, FoundryError};
use tempfile::TempDir;
use tokio::sync::mpsc;

const SYMBOLS: u32 = 8;
const SPEED: u32 = 600;
/// Between two steps of the strategy: ten milliseconds of the wall clock.
const STEP_NS: i64 = 10_000_000 * SPEED as i64;
const BUILD: &str = "build-a";

fn calendar() -> Arc<Calendar> {
    static CALENDAR: OnceLock<Arc<Calendar>> = OnceLock::new();
    Arc::clone(CALENDAR.get_or_init(|| Arc::new(Calendar::nyse())))
}

fn cents(cents: i64) -> Price {
    Price::from_raw(cents * 10_000_000)
}

/// Bids far below the market in every symbol, at another price in every step: an entry is handed
/// over or replaced all the time, and none ever fills.
#[derive(Debug, Default)]
struct Restless {
    steps: i64,
    ticking: bool,
}

impl Strategy for Restless {
    fn rules(&self) -> &'static [RuleInfo] {
        &[RuleInfo { id: "open", text: "a step", values: &["step"] }]
    }

    fn prepare(&mut self, _: usize) {}

    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        match event {
            Event::Time(_) => {}
            // A process that begins after the open is told of bars first.
            Event::Bar { .. } if !self.ticking => self.ticking = true,
            _ => return,
        }
        let Some(session) = ctx.session() else { return };
        self.steps += 1;
        ctx.wake_at(ctx.now().plus_nanos(STEP_NS));
        for symbol in (0..SYMBOLS).map(SymbolId) {
            let limit = cents(2_500 + self.steps % 50);
            let plan = Plan {
                entry: OrderKind::Limit { limit },
                reference: limit,
                stop: Some(cents(2_000)),
                size: Size::Fixed(Quantity::from_shares(1).unwrap()),
                expires: Some(session.close),
                ..Plan::default()
            };
            ctx.enter(symbol, plan, Finding::new(0, &[self.steps as f64]));
        }
    }

    fn save(&self, _: &mut Writer) {}

    fn load(&mut self, _: &mut Reader<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

#[derive(Debug)]
struct RestlessFoundry;

fn symbols() -> Vec<Symbol> {
    (0..SYMBOLS).map(|n| format!("SYM{n}").parse().unwrap()).collect()
}

impl Foundry for RestlessFoundry {
    fn engine(&self, _: &Start) -> Result<Engine, FoundryError> {
        let strategy = Box::<Restless>::default();
        Ok(Engine::new(EngineConfig {
            symbols: symbols(),
            strategies: vec![Instance { name: "restless".to_owned(), strategy }],
            cash: Cash::from_dollars(100_000).unwrap(),
            limits: Limits {
                test_ceilings: true,
                max_positions: Some(SYMBOLS),
                ..Limits::default()
            },
            calendar: calendar(),
            ticks: TickTable::us(),
            tag: *b"BW\0\0",
            brokers: vec![paper::traits(true)],
            opening_failover: false,
            record_all: false,
            data: DataPolicy::default(),
        }))
    }

    fn follow(&self, _: &Start, new: &Start) -> Result<String, FoundryError> {
        Ok(new.config.clone())
    }

    fn retired(&self, _: &Start) -> Result<Vec<StrategyId>, FoundryError> {
        Ok(Vec::new())
    }
}

/// Takes every order, fills none, and notes when an opening one came.
pub(crate) struct Notary {
    opened: Mutex<Vec<(Instant, ClientOrderId)>>,
    working: Mutex<BTreeMap<ClientOrderId, OrderRow>>,
    to: Mutex<Option<mpsc::Sender<BrokerSignal>>>,
    clock: Clock,
}

impl Notary {
    /// Returns the opening orders and replacements that came at `since` or later.
    pub(crate) fn opened_since(&self, since: Instant) -> Vec<ClientOrderId> {
        let opened = self.opened.lock().unwrap();
        opened.iter().rev().take_while(|(at, _)| *at >= since).map(|(_, id)| *id).collect()
    }

    fn opens(&self, id: ClientOrderId) {
        if !id.exit {
            self.opened.lock().unwrap().push((Instant::now(), id));
        }
    }

    /// Answers when the report is on its way.
    fn report(
        &self,
        client_id: ClientOrderId,
        symbol: SymbolId,
        exec: ExecType,
    ) -> Answer<'_, SendOutcome> {
        let (broker, time) = (BrokerId(0), self.clock.now());
        let report = ExecutionReport {
            client_id,
            broker,
            symbol,
            exec,
            time,
            cum_qty: None,
            broker_id: None,
        };
        let to = self.to.lock().unwrap().clone();
        Box::pin(async move {
            if let Some(to) = to {
                let _ = to.send(BrokerSignal::Report(report)).await;
            }
            SendOutcome::Accepted
        })
    }

    fn rows(&self) -> Vec<OrderRow> {
        self.working.lock().unwrap().values().cloned().collect()
    }
}

fn ready<T: Send + 'static>(answer: T) -> Answer<'static, Result<T, Unavailable>> {
    Box::pin(std::future::ready(Ok(answer)))
}

impl Broker for Notary {
    fn name(&self) -> &str {
        "paper"
    }
    fn submit<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, SendOutcome> {
        self.opens(order.client_id);
        let row = OrderRow {
            client_id: Some(order.client_id),
            symbol: Some(order.symbol),
            side: order.side,
            kind: order.kind,
            quantity: order.quantity,
            filled: Quantity::ZERO,
            state: OrderState::Working,
            broker_id: None,
        };
        self.working.lock().unwrap().insert(order.client_id, row);
        self.report(order.client_id, order.symbol, ExecType::New)
    }
    fn replace<'a>(&'a self, request: &'a ReplaceRequest) -> Answer<'a, SendOutcome> {
        self.opens(request.new_client_id);
        let mut working = self.working.lock().unwrap();
        let Some(row) = working.remove(&request.client_id) else {
            drop(working);
            // It was cancelled just now.
            let too_late = ExecType::ReplaceRejected(RejectReason::TooLate);
            return self.report(request.client_id, request.symbol, too_late);
        };
        let client_id = Some(request.new_client_id);
        let row = OrderRow { client_id, kind: request.kind, ..row };
        working.insert(request.new_client_id, row);
        drop(working);
        self.report(request.new_client_id, request.symbol, ExecType::Replaced)
    }
    fn cancel<'a>(&'a self, request: &'a CancelRequest) -> Answer<'a, SendOutcome> {
        let known = self.working.lock().unwrap().remove(&request.client_id).is_some();
        let exec = match known {
            true => ExecType::Cancelled,
            false => ExecType::CancelRejected(RejectReason::TooLate),
        };
        self.report(request.client_id, request.symbol, exec)
    }
    fn query_by_client_id(
        &self,
        id: ClientOrderId,
    ) -> Answer<'_, Result<Option<OrderRow>, Unavailable>> {
        ready(self.rows().into_iter().find(|row| row.client_id == Some(id)))
    }
    fn open_orders(&self) -> Answer<'_, Result<Vec<OrderRow>, Unavailable>> {
        ready(self.rows())
    }
    fn executions_since(&self, _: Timestamp) -> Answer<'_, Result<Vec<ExecutionRow>, Unavailable>> {
        ready(Vec::new())
    }
    fn positions(&self) -> Answer<'_, Result<Vec<PositionRow>, Unavailable>> {
        ready(Vec::new())
    }
    fn account(&self) -> Answer<'_, Result<AccountRow, Unavailable>> {
        let cash = Cash::from_dollars(100_000).unwrap();
        ready(AccountRow { cash, equity: cash, buying_power: cash })
    }
    fn stream(&self, to: mpsc::Sender<BrokerSignal>) {
        *self.to.lock().unwrap() = Some(to.clone());
        tokio::spawn(async move { to.send(BrokerSignal::Up).await });
    }
}

/// Quotes every symbol all the time and bars one, at the same price for ever.
struct Still {
    clock: Clock,
}

impl MarketDataProvider for Still {
    fn name(&self) -> &str {
        "still"
    }
    fn subscribe<'a>(&'a self, _: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>> {
        ready(())
    }
    fn unsubscribe<'a>(&'a self, _: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>> {
        ready(())
    }
    fn history(
        &self,
        _: SymbolId,
        _: Timestamp,
        _: Timestamp,
    ) -> Answer<'_, Result<Vec<Bar>, Unavailable>> {
        ready(Vec::new())
    }
    fn snapshot(&self, _: SymbolId) -> Answer<'_, Result<Option<Quote>, Unavailable>> {
        ready(None)
    }
    fn stream(&self, to: Arc<dyn FeedSink>) {
        to.push(FeedSignal::Up);
        let clock = self.clock;
        tokio::spawn(async move {
            let mut minute = clock.now().nanos() / MINUTE_NS;
            loop {
                push_quotes(clock, &*to);
                if clock.now().nanos() / MINUTE_NS > minute {
                    to.push(FeedSignal::Event(bar(minute)));
                    minute = clock.now().nanos() / MINUTE_NS;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
    fn status(&self) -> ProviderStatus {
        ProviderStatus { connected: true, ..ProviderStatus::default() }
    }
}

fn bar(minute: i64) -> MarketEvent {
    let (start, price) = (Timestamp::from_nanos(minute * MINUTE_NS), cents(5_000));
    let (open, high, low, close) = (price, price, price, price);
    let bar = Bar { start, open, high, low, close, volume: Volume(100_000) };
    MarketEvent::Bar { symbol: SymbolId(0), bar }
}

fn push_quotes(clock: Clock, to: &dyn FeedSink) {
    let size = Quantity::from_shares(100).unwrap();
    let (time, bid, ask) = (clock.now(), cents(5_000), cents(5_001));
    for symbol in (0..SYMBOLS).map(SymbolId) {
        let quote = Quote { time, bid, bid_size: size, ask, ask_size: size };
        to.push(FeedSignal::Event(MarketEvent::Quote { symbol, quote }));
    }
}

/// Raises the system; must be called on a tokio runtime.
pub(crate) fn trading() -> (Running, Arc<Notary>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    // It takes a moment, and the market's clock is fast.
    calendar();
    let clock = Clock::new("2026-06-01T13:29:00Z".parse().unwrap(), boot_nanos(), SPEED);
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let startup = Startup {
        data_dir: folder.path().to_owned(),
        disk: Arc::clone(&disk),
        init: true,
        build: BUILD.to_owned(),
        mode: "paper".to_owned(),
        config: "restless".to_owned(),
        account: 77,
        crash_loop: CrashLoop { starts: 0, minutes: 0 },
        feed: Some(clock),
    };
    let opened = open(startup, &RestlessFoundry).unwrap();
    let settings = Settings {
        place: Place::of(disk, folder.path(), Some(77)),
        author: Author { build: BUILD.to_owned(), account: 77, ..Author::default() },
        segment_bytes: 16 << 20,
        ring_bytes: 32 << 20,
        inbox: InboxConfig {
            market_data: 1_000,
            system_events: 1_000,
            symbols: SYMBOLS as usize,
            quote_interval_ns: 0,
        },
        performance_updates: 1_000,
        alerts: AlertSettings::default(),
        update_every: Duration::from_millis(20),
        snapshots: SnapshotRule::default(),
        watch_space: false,
    };
    let run = |engine: &Engine| {
        let build = Build { version: "0".to_owned(), commit: BUILD.to_owned() };
        Run::new(engine, "paper", "test", build, calendar(), &["paper"], &["still"])
    };
    let notary = Arc::new(Notary {
        opened: Mutex::default(),
        working: Mutex::default(),
        to: Mutex::default(),
        clock,
    });
    let list: Vec<Arc<dyn Broker>> = vec![Arc::<Notary>::clone(&notary)];
    let dispatch = Brokers { list, capacity: 1_000 };
    let shell = raise(opened, settings, run, Arc::new(RestlessFoundry), dispatch).unwrap();
    let symbols = (0..SYMBOLS).map(SymbolId).collect();
    let providers: Vec<Arc<dyn MarketDataProvider>> = vec![Arc::new(Still { clock })];
    let running = shell.go_live(Market { providers, symbols, references: None }).unwrap();
    (running, notary, folder)
}
