//! A small world around one engine: a strategy that wants what the test tells it to, bars, and
//! a broker whose reports the test writes itself. After every input the books are checked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use engine::data_manager::{DataPolicy, Needs};
use engine::execution_engine::{BrokerTraits, VenueCapabilities};
use engine::risk_manager::{Block, BlockReason, ControlId, Limits, Scope};
use engine::strategy_engine::{
    Breakeven, Context, Event, Finding, Plan, RuleInfo, Size, Strategy, Target, TargetAt,
};
use engine::{
    BrokerEvent, Command, Control, Engine, EngineConfig, Fact, Input, Instance, Link, MarketEvent,
    Outputs, Sequenced, Start,
};
use model::exchange::{Calendar, TickTable, from_new_york};
use model::record::{DecodeError, Reader, Record, Writer};
use model::{
    Bar, BrokerId, Cash, Date, ExecId, ExecType, ExecutionReport, ExitReason, Fill, NewOrder,
    OrderKind, OrderRole, Page, Ppm, Price, Quantity, Query, RequestKind, Rows, SendOutcome,
    SourceId, StrategyId, SymbolId, Timestamp, Volume,
};

/// What the scripted strategy wants at its next bar in a symbol.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    Enter(Plan),
    NoEntry,
    Exit,
    /// Panics after it has stated a plan.
    Panic(Plan),
    /// Calls its context without end.
    CallWithoutEnd,
    /// States a plan so many times.
    Flood(Plan, usize),
    /// States a plan for a reason that is no number.
    NotFinite(Plan),
    /// Wants out for a reason that is no number.
    ExitNotFinite,
    /// Asks for so many wake-ups.
    Wake(usize),
    /// Names a symbol that the run does not have.
    UnknownSymbol(Plan),
}

pub(crate) type Script = Arc<Mutex<VecDeque<(SymbolId, Wish)>>>;

/// Does what the script says, and counts the events it was told since it was prepared.
#[derive(Debug)]
struct Scripted(Script, u32);

impl Strategy for Scripted {
    fn rules(&self) -> &'static [RuleInfo] {
        &[RuleInfo { id: "T1", text: "told so", values: &[] }]
    }

    fn needs(&self) -> Needs {
        Needs::VWAP.and(Needs::EMA9).and(Needs::ATR14)
    }

    fn prepare(&mut self, _symbols: usize) {
        self.1 = 0;
    }

    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        self.1 += 1;
        let Event::Bar { symbol, .. } = event else { return };
        let finding = Finding::new(0, &[]);
        // The lock is free while the strategy acts: a panic must not poison the script.
        let next = || self.0.lock().unwrap().pop_front_if(|(of, _)| *of == symbol);
        while let Some((_, wish)) = next() {
            match wish {
                Wish::Enter(plan) => ctx.enter(symbol, plan, finding),
                Wish::NoEntry => ctx.no_entry(symbol, finding),
                Wish::Exit => ctx.exit(symbol, ExitReason::Signal, finding),
                Wish::Panic(plan) => {
                    ctx.enter(symbol, plan, finding);
                    panic!("a fault of the strategy");
                }
                Wish::CallWithoutEnd => loop {
                    ctx.now();
                },
                Wish::Flood(plan, times) => {
                    (0..times).for_each(|_| ctx.enter(symbol, plan, finding));
                }
                Wish::NotFinite(plan) => {
                    ctx.enter(symbol, plan, Finding::new(0, &[1.0, f64::NAN]));
                }
                Wish::ExitNotFinite => {
                    let finding = Finding::new(0, &[f64::INFINITY]);
                    ctx.exit(symbol, ExitReason::Signal, finding);
                }
                Wish::Wake(times) => {
                    let now = ctx.now();
                    (0..times).for_each(|_| ctx.wake_at(now));
                }
                Wish::UnknownSymbol(plan) => ctx.enter(SymbolId(8), plan, finding),
            }
        }
    }

    fn save(&self, writer: &mut Writer) {
        writer.field(1, &self.1);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        while let Some(field) = reader.next_field()? {
            model::record::read(&mut self.1, &field, "Scripted")?;
        }
        Ok(())
    }
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn shares(count: i64) -> Quantity {
    Quantity::from_shares(count).unwrap()
}

/// A plan that buys at a stop with protection, one target of a half at 2R, break-even after it.
pub(crate) fn breakout(stop: &str, limit: &str, protective: &str) -> Plan {
    let target = Target { at: TargetAt::R(Ppm(2_000_000)), fraction: Ppm(500_000) };
    Plan {
        entry: OrderKind::StopLimit { stop: price(stop), limit: price(limit) },
        reference: price(stop),
        stop: Some(price(protective)),
        size: Size::ByRisk { min_stop: Ppm(1_000), max_stop: Ppm(100_000) },
        targets: [Some(target), None, None],
        breakeven: Breakeven::FirstTarget,
        ..Plan::default()
    }
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    /// Its books follow from the recorded inputs and facts alone (journal.md 8, adopt).
    shadow: Engine,
    pub(crate) out: Outputs,
    pub(crate) day: Date,
    /// Every order that left, as last sent or replaced.
    pub(crate) sent: Vec<NewOrder>,
    /// Every fact so far.
    pub(crate) facts: Vec<Fact>,
    script: Vec<Script>,
    seq: u64,
    executions: u64,
    setting: Setting,
    data: DataPolicy,
    /// Every question so far.
    pub(crate) queries: Vec<Query>,
    restores: bool,
}

/// What an engine of the tests is built from.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) limits: Limits,
    pub(crate) brokers: Vec<BrokerTraits>,
    pub(crate) opening_failover: bool,
}

/// The calendar takes a while to build in debug mode: once for all tests.
pub(crate) fn calendar() -> Arc<Calendar> {
    static CALENDAR: OnceLock<Arc<Calendar>> = OnceLock::new();
    Arc::clone(CALENDAR.get_or_init(|| Arc::new(Calendar::nyse())))
}

pub(crate) fn build(setting: &Setting, data: &DataPolicy, scripts: &[Script]) -> Engine {
    let strategy = |script: &Script| -> Box<dyn Strategy> { Box::new(Scripted(script.clone(), 0)) };
    let engine = Engine::new(EngineConfig {
        symbols: (0..8).map(|n| format!("SYM{n}").parse().unwrap()).collect(),
        strategies: scripts
            .iter()
            .map(|s| Instance { name: "scripted".into(), strategy: strategy(s) })
            .collect(),
        cash: Cash::from_dollars(100_000).unwrap(),
        limits: setting.limits.clone(),
        calendar: calendar(),
        ticks: TickTable::us(),
        tag: *b"BW\0\0",
        brokers: setting.brokers.clone(),
        opening_failover: setting.opening_failover,
        record_all: false,
        data: data.clone(),
    });
    match without_control() {
        Some(control) => engine.without_control(control),
        None => engine,
    }
}

/// The control that `cargo xtask mutants` takes out of the gate to see that a test fails.
#[expect(clippy::disallowed_methods, reason = "the mutation test names a control")]
fn without_control() -> Option<ControlId> {
    ControlId::from_name(&std::env::var("BELLWETHER_WITHOUT_CONTROL").ok()?)
}

impl World {
    /// A running engine at 09:30 of a full day, two strategies, eight symbols.
    pub(crate) fn new(limits: Limits) -> Self {
        Self::on("2026-06-01", limits)
    }

    /// The same with a broker whose venue can do less.
    pub(crate) fn at_venue(limits: Limits, venue: VenueCapabilities) -> Self {
        let brokers = vec![BrokerTraits { capabilities: venue, ..BrokerTraits::simulated() }];
        Self::with(Setting { limits, brokers, opening_failover: false })
    }

    /// The same with brokers of the test's choice.
    pub(crate) fn with(setting: Setting) -> Self {
        Self::begin("2026-06-01", setting, DataPolicy::default(), true)
    }

    /// The same for tests with many worlds: that state survives a restore is left to the others.
    pub(crate) fn lean(setting: Setting) -> Self {
        Self::begin("2026-06-01", setting, DataPolicy::default(), false)
    }

    /// The same on another day.
    pub(crate) fn on(day: &str, limits: Limits) -> Self {
        let brokers = vec![BrokerTraits::simulated()];
        let setting = Setting { limits, brokers, opening_failover: false };
        Self::begin(day, setting, DataPolicy::default(), true)
    }

    /// The same on a feed that is held to other rules than stored data.
    pub(crate) fn on_feed(data: DataPolicy) -> Self {
        let brokers = vec![BrokerTraits::simulated()];
        let setting = Setting { limits: Limits::default(), brokers, opening_failover: false };
        Self::begin("2026-06-01", setting, data, true)
    }

    fn begin(day: &str, setting: Setting, data: DataPolicy, restores: bool) -> Self {
        let script: Vec<Script> = vec![Script::default(), Script::default()];
        let mut world = Self {
            engine: build(&setting, &data, &script),
            shadow: build(&setting, &data, &script),
            out: Outputs::default(),
            day: day.parse().unwrap(),
            sent: Vec::new(),
            facts: Vec::new(),
            script,
            seq: 0,
            executions: 0,
            setting,
            data,
            queries: Vec::new(),
            restores,
        };
        world.start(world.at("04:00"), Start::default());
        world.apply(world.at("09:30"), Input::Time);
        world
    }

    /// Goes on to 09:30 of a later session; working orders expire at the close on the way.
    pub(crate) fn go_on_to(&mut self, day: &str) {
        self.apply(self.at("16:00"), Input::Time);
        for order in self.sent.clone() {
            let orders = self.engine.books().orders();
            let known = orders.get(order.client_id.number);
            if known.is_some_and(|order| !order.state.is_terminal()) {
                self.report(&order, ExecType::Expired);
            }
        }
        self.apply(self.at("20:00"), Input::Time);
        self.day = day.parse().unwrap();
        self.apply(self.at("04:00"), Input::Time);
        self.apply(self.at("09:30"), Input::Time);
    }

    pub(crate) fn at(&self, clock: &str) -> Timestamp {
        let (hour, minute) = clock.split_once(':').unwrap();
        from_new_york(self.day, hour.parse().unwrap(), minute.parse().unwrap(), 0)
    }

    /// Applies an input and checks the books (I3, I11, C16) and that state saves and loads.
    pub(crate) fn apply(&mut self, time: Timestamp, item: Input) {
        self.seq += 1;
        let input = Sequenced { seq: self.seq, time, item };
        self.engine.apply(&input, &mut self.out);
        self.shadow.adopt(&input, &self.out.facts, self.out.deadline_facts);
        assert_eq!(
            self.shadow.books().hash(),
            self.engine.books().hash(),
            "books by adopt replay differ after {input:?}"
        );
        self.engine.books().check().unwrap();
        for command in &self.out.commands {
            match command {
                Command::Submit(order) => self.sent.push(*order),
                Command::Query(query) => self.queries.push(*query),
                Command::Replace(request) => {
                    let old = self.sent.iter_mut().find(|o| o.client_id == request.client_id);
                    let old = old.expect("a replaced order was sent");
                    old.client_id = request.new_client_id;
                    old.kind = request.kind;
                    old.quantity = request.quantity;
                }
                Command::Cancel(request) => {
                    let number = request.client_id.number;
                    assert!(self.sent.iter().any(|o| o.client_id.number == number));
                }
            }
        }
        self.facts.append(&mut self.out.facts);
        if self.restores {
            self.check_restore();
        }
    }

    /// Saves the engine, loads it into a fresh one and compares the encodings byte for byte.
    fn check_restore(&self) {
        let bytes = model::record::encode(&self.engine);
        let mut other = build(&self.setting, &self.data, &self.script);
        other.load(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(model::record::encode(&other), bytes, "state does not survive a restore");
    }

    /// Feeds a flat bar at `clock` with all prices at `at`, after telling `strategy` its wish.
    pub(crate) fn bar_with(
        &mut self,
        strategy: usize,
        symbol: u32,
        clock: &str,
        at: &str,
        wish: Wish,
    ) {
        self.script[strategy].lock().unwrap().push_back((SymbolId(symbol), wish));
        self.bar(symbol, clock, at);
    }

    pub(crate) fn bar(&mut self, symbol: u32, clock: &str, at: &str) {
        let bar = Bar {
            start: self.at(clock),
            open: price(at),
            high: price(at),
            low: price(at),
            close: price(at),
            volume: Volume(1_000_000),
        };
        let event = MarketEvent::Bar { symbol: SymbolId(symbol), bar };
        self.apply(bar.end(), Input::Market { source: SourceId(0), event });
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: i64) {
        self.apply(self.engine.now().plus_nanos(seconds * model::SECOND_NS), Input::Time);
    }

    /// Tells a strategy what to want at its next bar in a symbol.
    pub(crate) fn wish(&self, strategy: usize, symbol: u32, wish: Wish) {
        self.script[strategy].lock().unwrap().push_back((SymbolId(symbol), wish));
    }

    /// Feeds a flat bar of the minute that begins at `start`.
    pub(crate) fn bar_at(&mut self, symbol: u32, start: Timestamp, at: &str) {
        let (price, volume) = (price(at), Volume(1_000_000));
        let bar = Bar { start, open: price, high: price, low: price, close: price, volume };
        let event = MarketEvent::Bar { symbol: SymbolId(symbol), bar };
        self.apply(bar.end(), Input::Market { source: SourceId(0), event });
    }

    /// Feeds a market event of a source.
    pub(crate) fn market(&mut self, time: Timestamp, source: u8, event: MarketEvent) {
        self.apply(time, Input::Market { source: SourceId(source), event });
    }

    pub(crate) fn control(&mut self, control: Control) {
        self.apply(self.engine.now(), Input::from(control));
    }

    /// Returns the last order of a role.
    pub(crate) fn last(&self, role: OrderRole) -> NewOrder {
        *self.sent.iter().rev().find(|order| order.role == role).expect("an order of that role")
    }

    pub(crate) fn count(&self, role: OrderRole) -> usize {
        self.sent.iter().filter(|order| order.role == role).count()
    }

    pub(crate) fn report(&mut self, order: &NewOrder, exec: ExecType) {
        self.report_stating(order, exec, None);
    }

    /// The same with the shares of the order that the broker says are filled.
    pub(crate) fn report_stating(
        &mut self,
        order: &NewOrder,
        exec: ExecType,
        cum_qty: Option<Quantity>,
    ) {
        let report = ExecutionReport {
            client_id: order.client_id,
            broker: order.broker,
            symbol: order.symbol,
            exec,
            time: self.engine.now(),
            cum_qty,
            broker_id: None,
        };
        self.apply(
            self.engine.now(),
            Input::Broker { broker: order.broker, event: BrokerEvent::Report(report) },
        );
    }

    /// Starts a process with the tests' epoch 7, or the one given.
    pub(crate) fn start(&mut self, time: Timestamp, start: Start) {
        let epoch = if start.epoch == 0 { 7 } else { start.epoch };
        let wall = if start.wall == Timestamp::default() { time } else { start.wall };
        let mode = if start.mode.is_empty() { "backtest".to_owned() } else { start.mode };
        self.apply(time, Input::Start(Box::new(Start { epoch, wall, mode, ..start })));
    }

    /// Reports what became of a request for an order.
    pub(crate) fn outcome(&mut self, order: &NewOrder, request: RequestKind, outcome: SendOutcome) {
        let event = BrokerEvent::Outcome { client_id: order.client_id, request, outcome };
        self.apply(self.engine.now(), Input::Broker { broker: order.broker, event });
    }

    /// Answers a question with one page.
    pub(crate) fn answer(&mut self, query: &Query, rows: Rows) {
        let reports = self.engine.books().brokers().get(query.broker).reports;
        let page = Page {
            query: query.id,
            page: 0,
            last: true,
            asked_after: reports,
            answered_after: reports,
            rows,
        };
        self.page(query.broker, page);
    }

    pub(crate) fn page(&mut self, broker: BrokerId, page: Page) {
        let event = BrokerEvent::Page(Box::new(page));
        self.apply(self.engine.now(), Input::Broker { broker, event });
    }

    pub(crate) fn connection(&mut self, broker: u8, up: bool) {
        let link = Link::Broker(BrokerId(broker));
        self.apply(self.engine.now(), Input::Connection { link, up });
    }

    /// Lets time pass; deadlines on the way fire one by one.
    pub(crate) fn pass(&mut self, nanos: i64) {
        let end = self.engine.now().plus_nanos(nanos);
        while let Some(next) = self.engine.next_deadline().filter(|&next| next <= end) {
            self.apply(next, Input::Time);
        }
        self.apply(end, Input::Time);
    }

    /// Reports a fill and returns its execution.
    pub(crate) fn fill(&mut self, order: &NewOrder, quantity: i64, at: &str) -> Fill {
        self.executions += 1;
        let fill = Fill {
            exec_id: ExecId::simulated(self.executions),
            side: order.side,
            quantity: shares(quantity),
            price: price(at),
            fee: Cash::from_raw(1),
        };
        self.report(order, ExecType::Trade(fill));
        fill
    }

    pub(crate) fn held(&self, strategy: u16, symbol: u32) -> i64 {
        let key = engine::SlotKey { strategy: StrategyId(strategy), symbol: SymbolId(symbol) };
        self.engine.books().position(key).map_or(0, |position| position.signed_qty().shares())
    }

    /// Returns how many events a strategy was told since it was prepared.
    pub(crate) fn told(&self, strategy: usize) -> u32 {
        let mut scripted = Scripted(Script::default(), 0);
        let mut writer = Writer::new();
        self.engine.strategies()[strategy].strategy.save(&mut writer);
        scripted.load(&mut Reader::new(writer.bytes())).unwrap();
        scripted.1
    }

    /// Returns what is held in a symbol without a plan.
    pub(crate) fn external(&self, symbol: u32) -> i64 {
        let of = self.engine.books().externals().iter().filter(|e| e.symbol == SymbolId(symbol));
        of.map(|external| external.quantity.shares()).sum()
    }

    /// Returns true when nothing may be opened in a symbol because of something unexplained.
    pub(crate) fn in_suspense(&self, symbol: u32) -> bool {
        let scope = Scope::Symbol(SymbolId(symbol));
        self.engine.books().blocks().holds(Block::new(scope, BlockReason::Suspense))
    }

    /// Returns the kinds of the alerts so far.
    pub(crate) fn alerts(&self) -> Vec<engine::alert_system::AlertKind> {
        let alert = |fact: &Fact| if let Fact::Alert(a) = fact { Some(a.kind) } else { None };
        self.facts.iter().filter_map(alert).collect()
    }

    /// Returns the reasons of the refusals so far.
    pub(crate) fn refusals(&self) -> Vec<&'static str> {
        use engine::strategy_engine::Rule;
        let refusal = |fact: &Fact| match fact {
            Fact::Decision(d) => match d.rule {
                Rule::Gate(code) => Some(code.name()),
                Rule::Strategy(_) => None,
            },
            _ => None,
        };
        self.facts.iter().filter_map(refusal).collect()
    }

    /// Returns the orders that a cancel was sent for.
    pub(crate) fn cancelled(&self) -> Vec<OrderRole> {
        let role = |fact: &Fact| {
            let Fact::Cancel(cancel) = fact else { return None };
            let number = cancel.request.client_id.number;
            self.sent.iter().find(|o| o.client_id.number == number).map(|o| o.role)
        };
        self.facts.iter().filter_map(role).collect()
    }
}
