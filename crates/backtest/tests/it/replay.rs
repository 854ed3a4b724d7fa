//! I7, J10: an engine restored from a snapshot goes on exactly as the one that was saved. The
//! inputs of a day are recorded and played to restored engines; every fact must come again.

use engine::execution_engine::BrokerTraits;
use engine::{
    BrokerEvent, Command, Engine, EngineConfig, Fact, Input, MarketEvent, Outputs, Sequenced,
    SlotKey, Start,
};
use model::exchange::{Segment, Session, new_york_date};
use model::record::{Reader, Record};
use model::{Date, MINUTE_NS, SourceId, StrategyId, SymbolDay, SymbolId, Timestamp};
use simulator::{Exchange, FillMode};

use backtest::{RunConfig, SymbolData};

use crate::support::*;

const STRATEGIES: [&str; 4] = [GAP_BOTH, "gap_and_go", RECLAIM_SHORT, "vwap_cross"];

/// A recorded day: inputs, the facts of each, and snapshots with the number of inputs before.
pub(crate) struct Tape {
    engine: Engine,
    exchange: Exchange,
    pub(crate) config: RunConfig,
    pub(crate) symbols: Vec<model::Symbol>,
    out: Outputs,
    pub(crate) inputs: Vec<Sequenced<Input>>,
    facts: Vec<Vec<u8>>,
    snapshots: Vec<(usize, Vec<u8>)>,
    random: Random,
    /// How many points are taken, each input as likely as the other; `None` takes moments with
    /// orders on their way more often.
    points: Option<usize>,
}

pub(crate) fn fresh(config: &RunConfig, symbols: &[model::Symbol]) -> Engine {
    Engine::new(EngineConfig {
        symbols: symbols.to_vec(),
        strategies: STRATEGIES.iter().map(|text| strategy(text)).collect(),
        cash: config.cash,
        limits: config.limits.clone(),
        calendar: calendar(),
        ticks: config.ticks.clone(),
        tag: *b"BW\0\0",
        brokers: vec![BrokerTraits::simulated()],
        opening_failover: false,
        record_all: true,
        data: engine::data_manager::DataPolicy::default(),
    })
}

/// Returns the facts of one input as bytes, evaluations included.
fn spoken(out: &Outputs) -> Vec<u8> {
    let mut bytes: Vec<u8> = out.facts.iter().flat_map(encoded).collect();
    for decision in &out.evaluations {
        bytes.extend(encoded(&Fact::Decision(*decision)));
    }
    bytes
}

impl Tape {
    /// Records a day in a plain driver of one session.
    pub(crate) fn record(
        seed: u64,
        mode: FillMode,
        data: &[SymbolData],
        session: &Session,
        points: Option<usize>,
    ) -> Self {
        let mut config = config(session.date, session.date);
        config.exchange.mode = mode;
        config.limits.exclusive_symbols = seed.is_multiple_of(2);
        let symbols: Vec<_> = data.iter().map(|symbol| symbol.symbol).collect();
        let mut tape = Self {
            engine: fresh(&config, &symbols),
            exchange: Exchange::new(config.exchange.clone(), symbols.len()),
            config,
            symbols,
            out: Outputs::default(),
            inputs: Vec::new(),
            facts: Vec::new(),
            snapshots: Vec::new(),
            random: Random(seed),
            points,
        };
        tape.play(data, session);
        tape
    }

    fn play(&mut self, data: &[SymbolData], session: &Session) {
        for (index, symbol) in data.iter().enumerate() {
            let before = |bar: &&model::Bar| bar.start < session.pre_open;
            let last = symbol.bars.iter().rev().find(before);
            let day = SymbolDay {
                prev_close: last.map(|bar| bar.close),
                adv20: Some(5e6),
                ..SymbolDay::unknown(SymbolId(index as u32), session.date)
            };
            self.apply(session.pre_open, Input::Reference(Box::new(day)));
        }
        let start = Start::fresh(1, "backtest", session.pre_open);
        self.apply(session.pre_open, Input::Start(Box::new(start)));
        self.exchange.begin_session(session);
        let minutes = session.post_close.since(session.pre_open) / MINUTE_NS;
        for minute in 0..minutes {
            let start = session.pre_open.plus_nanos(minute * MINUTE_NS);
            if start == session.close {
                self.exchange.close_session(session.close);
                self.settle(session.close);
            }
            self.minute(data, start, session.segment(start) == Some(Segment::Rth));
        }
    }

    fn minute(&mut self, data: &[SymbolData], start: Timestamp, rth: bool) {
        let end = start.plus_nanos(MINUTE_NS);
        for (index, symbol) in data.iter().enumerate() {
            for &halt in symbol.halts.iter().filter(|h| start <= h.time && h.time < end) {
                let symbol = SymbolId(index as u32);
                self.exchange.halt(symbol, halt.halted);
                let event = MarketEvent::Halt { symbol, halt };
                self.apply(halt.time, Input::Market { source: SourceId(0), event });
                self.settle(halt.time);
            }
        }
        for fills in [true, false] {
            for (index, symbol) in data.iter().enumerate() {
                let found = symbol.bars.binary_search_by_key(&start, |bar| bar.start);
                let Ok(bar) = found.map(|at| symbol.bars[at]) else { continue };
                let symbol = SymbolId(index as u32);
                if fills {
                    self.exchange.begin_bar(symbol, &bar, rth);
                    self.settle(end);
                    self.exchange.end_bar();
                } else {
                    let event = MarketEvent::Bar { symbol, bar };
                    self.apply(end, Input::Market { source: SourceId(0), event });
                }
                self.settle(end);
            }
        }
        while self.engine.next_deadline().is_some_and(|next| next <= end) {
            self.apply(end, Input::Time);
            self.settle(end);
        }
    }

    fn settle(&mut self, now: Timestamp) {
        while let Some(report) = self.exchange.next_report() {
            self.apply(
                now,
                Input::Broker { broker: report.broker, event: BrokerEvent::Report(report) },
            );
        }
    }

    fn apply(&mut self, time: Timestamp, item: Input) {
        let input = Sequenced { seq: self.inputs.len() as u64 + 1, time, item };
        self.engine.apply(&input, &mut self.out);
        self.inputs.push(input);
        self.facts.push(spoken(&self.out));
        for command in &self.out.commands {
            match command {
                Command::Submit(order) => self.exchange.submit(order, time),
                Command::Replace(request) => self.exchange.replace(request, time),
                Command::Cancel(request) => self.exchange.cancel(request, time),
                Command::Query(_) => {}
            }
        }
        let done = self.inputs.len();
        let place = match self.points {
            None => {
                // Moments with orders on their way are rare and telling.
                let chance = if self.out.commands.is_empty() { 700 } else { 12 };
                self.random.once_in(chance).then_some(self.snapshots.len())
            }
            // A reservoir: the number of inputs is not known before the end.
            Some(points) if done <= points => Some(done - 1),
            Some(points) => {
                let place = self.random.between(0, done as i64 - 1) as usize;
                (place < points).then_some(place)
            }
        };
        if let Some(place) = place {
            let snapshot = (done, model::record::encode(&self.engine));
            match self.snapshots.get_mut(place) {
                Some(kept) => *kept = snapshot,
                None => self.snapshots.push(snapshot),
            }
        }
    }

    /// Restores an engine from a snapshot and plays the rest of the day to it.
    fn check(&self, done: usize, bytes: &[u8], name: &str) {
        let mut engine = fresh(&self.config, &self.symbols);
        engine.load(&mut Reader::new(bytes)).unwrap();
        let mut out = Outputs::default();
        for (input, facts) in self.inputs.iter().zip(&self.facts).skip(done) {
            engine.apply(input, &mut out);
            assert!(
                spoken(&out) == *facts,
                "I7: {name}: restored after {done} inputs, input {} at {} gives {:?}",
                input.seq,
                input.time,
                out.facts
            );
        }
        let state = model::record::encode(&engine) == model::record::encode(&self.engine);
        assert!(state, "I7: {name}: restored after {done} inputs, another state at the end");
        assert_eq!(engine.equity(), self.engine.equity(), "{name}");
    }
}

#[test]
fn a_restored_engine_goes_on_as_the_saved_one() {
    let day = date("2026-06-01");
    let session = calendar().session(day).unwrap().unwrap();
    let (mut checked, mut held, mut trades) = (0, 0, 0);
    for (seed, mode) in (11..=14_u64).zip(FillMode::ALL) {
        let data = generated(seed, day, [1, 8, 1]);
        let tape = Tape::record(seed, mode, &data, &session, None);
        let name = format!("seed {seed} {mode}");
        trades += tape.engine.books().trades();
        for (done, bytes) in &tape.snapshots {
            tape.check(*done, bytes, &name);
            checked += 1;
            let mut engine = fresh(&tape.config, &tape.symbols);
            engine.load(&mut Reader::new(bytes)).unwrap();
            let slots = (0..STRATEGIES.len()).flat_map(|s| (0..data.len()).map(move |d| (s, d)));
            let keys = slots.map(|(strategy, symbol)| SlotKey {
                strategy: StrategyId(strategy as u16),
                symbol: SymbolId(symbol as u32),
            });
            held += usize::from(keys.into_iter().any(|k| engine.books().position(k).is_some()));
        }
    }
    eprintln!("replay: {checked} restores, {held} with a position, {trades} trades");
    assert!(checked > 20 && held > 10 && trades > 20, "{checked} {held} {trades}");
}

/// I7: each recorded day, restored at 20 seeded points.
#[test]
fn recorded_days_go_on_from_any_point() {
    let test = "recorded_days_go_on_from_any_point";
    let Some(data) = recorded(test) else { return };
    let mut days: Vec<Date> = data
        .iter()
        .flat_map(|symbol| symbol.bars.iter().map(|bar| new_york_date(bar.start)))
        .collect();
    days.sort_unstable();
    days.dedup();
    let mut checked = 0;
    for (seed, &day) in days.iter().enumerate() {
        let Ok(Some(session)) = calendar().session(day) else { continue };
        let until = session.post_close;
        let of_day: Vec<SymbolData> = data
            .iter()
            .filter(|symbol| symbol.bars.iter().any(|bar| session.segment(bar.start).is_some()))
            .map(|symbol| {
                let end = symbol.bars.partition_point(|bar| bar.start < until);
                let begin = symbol.bars.partition_point(|bar| bar.start < session.pre_open);
                let bars = symbol.bars[begin.saturating_sub(1)..end].to_vec();
                SymbolData { bars, ..SymbolData::new(symbol.symbol) }
            })
            .collect();
        let seed = seed as u64 + 1;
        let tape = Tape::record(seed, FillMode::Conservative, &of_day, &session, Some(20));
        for (done, bytes) in &tape.snapshots {
            tape.check(*done, bytes, &format!("{day}, seed {seed}"));
            checked += 1;
        }
        assert_eq!(tape.snapshots.len(), 20, "{day}");
    }
    eprintln!("replay: {} recorded days, {checked} restores", days.len());
    assert!(checked >= 20 * 20, "{checked} restores of {} days", days.len());
}
