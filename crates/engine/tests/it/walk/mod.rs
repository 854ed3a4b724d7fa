//! A seeded random walk over orders, reports, controls and restarts: pure, in process.
//!
//! After every event: I3, I11, C16 (the books' own check), I1, I5, I8, I9, I12, I13, I15; books by
//! adopt replay equal books by exact replay (journal.md 2), and once the wire is empty our
//! positions are the venue's (I3, I4). A failure prints the seed and the command that replays it.
//! `WALK_EVENTS` asks for more events in all (the test command asks for a million),
//! `WALK_SEEDS=A..B` for certain seeds, with so many events each.

mod checks;
mod venue;

use std::collections::{BTreeMap, BTreeSet};

use engine::data_manager::DataPolicy;
use engine::execution_engine::{BrokerTraits, VenueCapabilities};
use engine::risk_manager::{Block, BlockReason, Limits, Scope};
use engine::strategy_engine::{
    Breakeven, Direction, Plan, Rule, Size, Target, TargetAt, Trail, TrailRule,
};
use engine::{
    BrokerEvent, Control, Engine, Fact, Input, MarketEvent, Outputs, Sequenced, SlotKey, Start,
};
use model::exchange::{Session, from_new_york};
use model::record::{Reader, Record};
use model::{
    Bar, BrokerId, Halt, MINUTE_NS, OrderKind, OrderRole, Ppm, Price, SECOND_NS, SourceId,
    StrategyId, SymbolId, Timestamp, Volume,
};

use self::venue::Venue;
use crate::random::Random;
use crate::world::{Script, Setting, Wish, build, calendar};

const SYMBOLS: u32 = 6;
const STRATEGIES: u16 = 2;
/// Events of the walk over all its parts, unless more are asked for.
const EVENTS: u64 = 80_000;
const PARTS: u64 = 8;

struct Walk {
    random: Random,
    setting: Setting,
    scripts: Vec<Script>,
    engine: Engine,
    shadow: Engine,
    out: Outputs,
    venue: Venue,
    session: Session,
    now: Timestamp,
    seq: u64,
    events: u64,
    epoch: u32,
    /// Last close by symbol, in cents.
    cents: Vec<i64>,
    halted: BTreeMap<u32, Option<Timestamp>>,
    killed: BTreeSet<Scope>,
    /// Filled quantity and whether it is done, by order, as last seen (I9).
    seen: BTreeMap<u64, (i64, bool)>,
    /// Orders in doubt, as last seen (I10).
    unknown: BTreeSet<u64>,
    sizes: Vec<usize>,
    counts: BTreeMap<&'static str, u64>,
}

fn limits() -> Limits {
    Limits::default()
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let venue = random.pick(&[
            VenueCapabilities::SIMULATED,
            VenueCapabilities::BARE,
            VenueCapabilities { reduce_group: false, ..VenueCapabilities::SIMULATED },
            VenueCapabilities { replace: false, ..VenueCapabilities::SIMULATED },
        ]);
        let mischief = random.one_in(2);
        let scripts: Vec<Script> = (0..STRATEGIES).map(|_| Script::default()).collect();
        let traits = BrokerTraits { capabilities: venue, ..BrokerTraits::simulated() };
        let setting = Setting { limits: limits(), brokers: vec![traits], opening_failover: false };
        let day = "2026-06-01".parse().unwrap();
        let session = calendar().session(day).unwrap().unwrap();
        let now = from_new_york(day, 4, 0, 0);
        let mut walk = Self {
            engine: build(&setting, &DataPolicy::default(), &scripts),
            shadow: build(&setting, &DataPolicy::default(), &scripts),
            random,
            setting,
            scripts,
            out: Outputs::default(),
            venue: Venue::new(venue, mischief),
            session,
            now,
            seq: 0,
            events: 0,
            epoch: 6,
            cents: vec![2_000; SYMBOLS as usize],
            halted: BTreeMap::new(),
            killed: BTreeSet::new(),
            seen: BTreeMap::new(),
            unknown: BTreeSet::new(),
            sizes: Vec::new(),
            counts: BTreeMap::new(),
        };
        walk.start();
        walk
    }

    fn start(&mut self) {
        self.epoch += 1;
        let start = Start::fresh(self.epoch, "backtest", self.now);
        self.apply(Input::Start(Box::new(start)));
    }

    /// Applies an input, carries its commands to the venue and checks everything.
    fn apply(&mut self, item: Input) {
        self.seq += 1;
        self.events += 1;
        let input = Sequenced { seq: self.seq, time: self.now, item };
        self.engine.apply(&input, &mut self.out);
        self.shadow.adopt(&input, &self.out.facts, self.out.deadline_facts);
        if let Err(why) = self.engine.books().check() {
            panic!("{why} after {:?}: {:#?}", input.item, self.involved());
        }
        if let Input::Broker { event: BrokerEvent::Report(report), .. } = &input.item {
            self.check_monotone(report);
        }
        self.check_unknown(&input.item);
        assert!(self.out.facts.len() < 500, "I15: {} facts of one input", self.out.facts.len());
        for fact in std::mem::take(&mut self.out.facts) {
            if let Fact::Intent(intent) = &fact
                && intent.order.role == OrderRole::Entry
            {
                self.check_opening(intent.strategy, &intent.order);
            }
            *self.counts.entry(name(&fact)).or_default() += 1;
        }
        let reports = self.engine.books().brokers().get(BrokerId(0)).reports;
        for command in std::mem::take(&mut self.out.commands) {
            self.venue.take(&command, self.now, reports, &mut self.random);
        }
        let kind = match &input.item {
            Input::Time => "input time",
            Input::Market { .. } => "input market",
            Input::Broker { .. } => "input broker",
            Input::Control(_) => "input control",
            _ => "input other",
        };
        *self.counts.entry(kind).or_default() += 1;
        if self.events.is_multiple_of(151) {
            self.check_adopt();
        }
    }

    fn price(&self, symbol: SymbolId) -> Price {
        Price::from_raw(self.cents[symbol.index()] * 10_000_000)
    }

    /// Lets some time pass; deadlines fire on the way.
    fn wait(&mut self, nanos: i64) {
        let until = self.now.plus_nanos(nanos);
        while let Some(due) = self.engine.next_deadline().filter(|&due| due <= until) {
            self.now = due.max(self.now);
            self.apply(Input::Time);
        }
        self.now = until;
    }

    fn plan(&mut self, symbol: SymbolId) -> Plan {
        let random = &mut self.random;
        let cents = self.cents[symbol.index()];
        let at = |cents: i64| Price::from_raw(cents * 10_000_000);
        let trigger = cents + random.between(-5, 5);
        let limit = trigger + random.between(0, 5);
        let entry = match random.below(3) {
            0 => OrderKind::StopLimit { stop: at(trigger), limit: at(limit) },
            1 => OrderKind::Limit { limit: at(limit) },
            _ => OrderKind::Stop { stop: at(trigger) },
        };
        let stop = at(trigger - random.between(5, 60));
        let target = |random: &mut Random| Target {
            at: TargetAt::R(Ppm(random.between(200_000, 3_000_000))),
            fraction: Ppm(random.between(100_000, 700_000)),
        };
        let targets = [
            (!random.one_in(3)).then(|| target(random)),
            random.one_in(3).then(|| target(random)),
            None,
        ];
        let rules = [
            TrailRule::Off,
            TrailRule::Ema9,
            TrailRule::Vwap { closes: 2 },
            TrailRule::LowOf { bars: 3 },
        ];
        Plan {
            direction: Direction::Long,
            entry,
            reference: at(trigger),
            stop: Some(stop),
            size: Size::ByRisk { min_stop: Ppm(100), max_stop: Ppm(200_000) },
            targets,
            breakeven: random.pick(&[
                Breakeven::Never,
                Breakeven::FirstTarget,
                Breakeven::AtR(Ppm(500_000)),
            ]),
            trail: Trail { rule: random.pick(&rules), after_first_target: random.one_in(2) },
            time_stop_minutes: random.one_in(3).then(|| random.between(1, 20) as u32),
            flat_by: random
                .one_in(5)
                .then(|| self.now.plus_nanos(random.between(1, 3_600) * SECOND_NS)),
            expires: random
                .one_in(3)
                .then(|| self.now.plus_nanos(random.between(1, 300) * SECOND_NS)),
        }
    }

    fn bar(&mut self, symbol: SymbolId, start: Timestamp) {
        let before = self.cents[symbol.index()];
        let after = (before + self.random.between(-12, 12)).clamp(1_000, 4_000);
        self.cents[symbol.index()] = after;
        for strategy in 0..STRATEGIES {
            let wish = match self.random.below(12) {
                0..=3 => Wish::Enter(self.plan(symbol)),
                4 => Wish::NoEntry,
                5 => Wish::Exit,
                _ => continue,
            };
            self.scripts[usize::from(strategy)].lock().unwrap().push_back((symbol, wish));
        }
        let at = |cents: i64| Price::from_raw(cents * 10_000_000);
        let bar = Bar {
            start,
            open: at(before),
            high: at(before.max(after) + self.random.between(0, 6)),
            low: at(before.min(after) - self.random.between(0, 6)),
            close: at(after),
            volume: Volume(1_000_000),
        };
        let event = MarketEvent::Bar { symbol, bar };
        self.apply(Input::Market { source: SourceId(0), event });
        self.scripts.iter().for_each(|script| script.lock().unwrap().clear());
    }

    fn scope(&mut self) -> Scope {
        match self.random.below(5) {
            0 => Scope::All,
            1 => Scope::Broker(BrokerId(0)),
            2 => Scope::Strategy(StrategyId(self.random.below(u64::from(STRATEGIES)) as u16)),
            _ => Scope::Symbol(SymbolId(self.random.below(u64::from(SYMBOLS)) as u32)),
        }
    }

    fn control(&mut self) {
        let scope = self.scope();
        let reason = self.random.pick(&[BlockReason::Journal, BlockReason::Clock]);
        let control = match self.random.below(8) {
            0 => Control::PauseTrading(scope),
            1 => Control::EmergencyStop(scope),
            2 => Control::Flatten(scope),
            3 => Control::Block(Block::new(scope, reason)),
            _ => {
                self.resume_everything();
                return;
            }
        };
        if let Control::EmergencyStop(scope) = control {
            self.killed.insert(scope);
        }
        self.apply(Input::from(control));
        if let Control::Block(block) = control {
            self.apply(Input::from(Control::Lift(block)));
        }
    }

    fn resume_everything(&mut self) {
        let blocks = self.engine.books().blocks().list().to_vec();
        self.apply(Input::from(Control::ResumeTrading(Scope::All)));
        for block in blocks {
            self.apply(Input::from(Control::ResumeTrading(block.scope)));
        }
        self.killed.clear();
    }

    fn halt(&mut self) {
        let symbol = SymbolId(self.random.below(u64::from(SYMBOLS)) as u32);
        let halted = !matches!(self.halted.get(&symbol.0), Some(None));
        let halt = Halt { time: self.now, halted };
        self.halted.insert(symbol.0, (!halted).then_some(self.now));
        let event = MarketEvent::Halt { symbol, halt };
        self.apply(Input::Market { source: SourceId(0), event });
    }

    /// The process ends and starts again: from a snapshot, or from the books alone.
    fn restart(&mut self) {
        self.check_adopt();
        let mut engine = build(&self.setting, &DataPolicy::default(), &self.scripts);
        let cold = self.random.one_in(2);
        if cold {
            let books = model::record::encode(self.shadow.books());
            engine.adopt_books(&mut Reader::new(&books)).unwrap();
            // Halts are known again only from the feed.
            self.halted.clear();
        } else {
            let bytes = model::record::encode(&self.engine);
            engine.load(&mut Reader::new(&bytes)).unwrap();
            assert!(model::record::encode(&engine) == bytes, "state does not survive a restore");
        }
        self.engine = engine;
        self.venue.forget_answers();
        self.start();
        *self.counts.entry(if cold { "cold starts" } else { "warm starts" }).or_default() += 1;
    }

    /// Delivers all that is on the wire; then what we hold is what the venue holds (I3, I4).
    fn agree(&mut self) {
        // Doubts are asked about again after a while: time goes on until all is told.
        for _ in 0..200 {
            for _ in 0..5_000 {
                let Some(event) = self.venue.deliver(&mut self.random) else { break };
                self.say(event);
            }
            if self.venue.wire.is_empty() && self.unknown.is_empty() {
                break;
            }
            self.wait(5 * SECOND_NS);
        }
        assert!(
            self.venue.wire.is_empty(),
            "orders and reports follow each other without end: {:#?}\n{:#?}",
            self.venue.wire,
            self.involved()
        );
        assert!(
            self.unknown.is_empty(),
            "doubts stay: {:#?}\n{:#?}\n{:#?}",
            self.involved(),
            self.engine.books().brokers().doubts(),
            self.unknown.iter().map(|number| self.venue.orders.get(number)).collect::<Vec<_>>()
        );
        for symbol in 0..SYMBOLS {
            let ours = self.held(SymbolId(symbol));
            let truth = self.venue.positions.get(&symbol).copied().unwrap_or(0);
            assert_eq!(ours, truth, "I3: symbol {symbol}: we hold {ours}, the venue {truth}");
        }
    }

    /// Whoever traded in our account takes it back: without that nothing would be opened again.
    fn clear_externals(&mut self) {
        let externals = self.engine.books().externals().iter();
        let held: Vec<(SymbolId, i64)> =
            externals.map(|e| (e.symbol, e.quantity.shares())).filter(|e| e.1 != 0).collect();
        for (symbol, shares) in held {
            let price = self.price(symbol);
            self.venue.trade_for_somebody(symbol, -shares, price, self.now);
        }
        while let Some(event) = self.venue.deliver(&mut self.random) {
            self.say(event);
        }
    }

    fn held(&self, symbol: SymbolId) -> i64 {
        let books = self.engine.books();
        let keys = (0..STRATEGIES).map(|s| SlotKey { strategy: StrategyId(s), symbol });
        let positions = keys.filter_map(|key| books.position(key));
        let external = books.externals().iter().filter(|e| e.symbol == symbol);
        positions.map(|p| p.signed_qty().shares()).sum::<i64>()
            + external.map(|e| e.quantity.shares()).sum::<i64>()
    }

    fn say(&mut self, event: BrokerEvent) {
        self.apply(Input::Broker { broker: BrokerId(0), event });
    }

    fn something(&mut self) {
        match self.random.below(100) {
            0..=39 => {
                if let Some(event) = self.venue.deliver(&mut self.random) {
                    self.say(event);
                }
            }
            40..=84 => {
                let cents = self.cents.clone();
                let price = |symbol: SymbolId| {
                    Price::from_raw(
                        cents.get(symbol.index()).copied().unwrap_or(1_000) * 10_000_000,
                    )
                };
                self.venue.stir(self.now, price, &mut self.random);
            }
            85..=94 => {
                let nanos = self.random.between(1, 3 * SECOND_NS);
                self.wait(nanos);
            }
            95 if self.random.one_in(4) => self.control(),
            96 if self.random.one_in(8) => self.halt(),
            97 if self.random.one_in(10) => self.restart(),
            98 if self.random.one_in(2) => {
                self.agree();
                if self.random.one_in(2) {
                    self.clear_externals();
                    self.resume_everything();
                }
            }
            _ => {}
        }
    }

    fn minute(&mut self, start: Timestamp) {
        let end = start.plus_nanos(MINUTE_NS);
        let quiet = self.random.between(2, 12) as u64;
        for symbol in 0..SYMBOLS {
            if !self.random.one_in(quiet) {
                continue;
            }
            self.now = self.now.max(end);
            self.bar(SymbolId(symbol), start);
        }
        for _ in 0..self.random.below(60) {
            self.something();
        }
    }

    /// Trades a part of a day, closes it and goes on to the next session.
    fn day(&mut self) {
        let date = self.session.date;
        let until = self.session.open.plus_nanos(-5 * MINUTE_NS).since(self.now);
        self.wait(until.max(0));
        let minutes = self.random.between(20, 390);
        let from = self.random.between(0, 390 - minutes);
        for minute in from..from + minutes {
            let start = self.session.open.plus_nanos(minute * MINUTE_NS);
            if start.plus_nanos(MINUTE_NS) >= self.now {
                self.minute(start);
            }
        }
        // The venue goes on to the close, so that what has to be flat can be.
        for _ in 0..300 {
            self.something();
        }
        let flat = self.session.close.plus_nanos(-4 * MINUTE_NS).since(self.now);
        self.wait(flat.max(0));
        for _ in 0..300 {
            if self.now.plus_nanos(10 * SECOND_NS) < self.session.close {
                self.something();
            }
        }
        let close = self.session.close.since(self.now);
        self.wait(close.max(0));
        self.venue.close_day(self.now);
        self.agree();
        if self.random.one_in(3) {
            self.resume_everything();
        }
        // Tax lots are kept for 61 days, longer than most walks.
        let lots = model::record::encode(self.engine.books().ledger().lots()).len();
        self.sizes.push(model::record::encode(&self.engine).len() - lots);
        let next = calendar().next_session(date).unwrap();
        let night = next.pre_open.since(self.now);
        self.wait(night);
        self.session = next;
        self.halted.clear();
        let still: Vec<u64> =
            self.engine.books().orders().iter().map(|o| o.request.client_id.number.0).collect();
        self.seen.retain(|number, _| still.binary_search(number).is_ok());
    }
}

fn name(fact: &Fact) -> &'static str {
    match fact {
        Fact::Intent(intent) => intent.order.role.name(),
        Fact::Replace(_) => "replace",
        Fact::Cancel(_) => "cancel",
        Fact::TradeClosed(_) => "trade",
        Fact::TradeVoided(_) => "trade void",
        Fact::Alert(alert) => alert.kind.name(),
        Fact::Decision(decision) => match decision.rule {
            Rule::Gate(code) => code.name(),
            Rule::Strategy(_) => "decision",
        },
        _ => "other",
    }
}

/// Walks so many events from a seed; returns what happened.
fn walk(seed: u64, events: u64) -> BTreeMap<&'static str, u64> {
    let mut walk = Walk::new(seed);
    let run = std::panic::AssertUnwindSafe(|| {
        while walk.events < events {
            walk.day();
        }
        walk.check_bounded();
    });
    if let Err(panic) = std::panic::catch_unwind(run) {
        eprintln!(
            "seed {seed} failed at event {} ({}); replay with\n  \
             WALK_SEEDS={seed}..{} WALK_EVENTS={events} cargo test -p engine --test it walk",
            walk.events,
            walk.now,
            seed + 1
        );
        std::panic::resume_unwind(panic);
    }
    walk.counts
}

/// Walks one part of all events over its own seeds.
fn part(part: u64) {
    #[allow(clippy::disallowed_methods, reason = "whoever runs the test asks for more events")]
    let wish = |name: &str| std::env::var(name).ok();
    let events = wish("WALK_EVENTS").map_or(EVENTS, |text| text.parse().unwrap());
    if let Some(seeds) = wish("WALK_SEEDS") {
        let (from, to) = seeds.split_once("..").expect("WALK_SEEDS=A..B");
        for seed in from.parse().unwrap()..to.parse().unwrap() {
            if seed % PARTS == part {
                walk(seed, events);
            }
        }
        return;
    }
    // Several shorter walks meet more venues than a long one.
    let mut all: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in 0..5 {
        for (name, count) in walk(seed * PARTS + part, events / PARTS / 5) {
            *all.entry(name).or_default() += count;
        }
    }
    for name in
        ["entry", "stop", "target", "close", "cancel", "trade", "warm starts", "cold starts"]
    {
        assert!(all.contains_key(name), "the walk never met {name}: {all:?}");
    }
    println!("{all:?}");
}

macro_rules! parts {
    ($($name:ident = $part:expr;)*) => {
        $(#[test]
        fn $name() {
            part($part);
        })*
    };
}
parts! {
    part_0 = 0;
    part_1 = 1;
    part_2 = 2;
    part_3 = 3;
    part_4 = 4;
    part_5 = 5;
    part_6 = 6;
    part_7 = 7;
}
