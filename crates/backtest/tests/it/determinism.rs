//! I7: equal inputs give equal results, and the engine's state is all in its encoding.

use backtest::{RunConfig, RunResult, Sink, SymbolData};
use engine::execution_engine::BrokerTraits;
use engine::{Engine, EngineConfig, Fact};
use model::Date;
use model::record::{Reader, Record};
use model::{OrderRole, Symbol};
use simulator::FillMode;

use crate::support::*;

const STRATEGIES: [&str; 3] = [GAP_BOTH, RECLAIM_SHORT, "vwap_cross"];
const SEEDS: [u64; 3] = [1, 2, 3];

/// Two days with halts among them, and the settings to run them.
fn scene(seed: u64) -> (Vec<SymbolData>, RunConfig) {
    let first = date("2026-06-01");
    let last = calendar().next_session(first).unwrap().date;
    let data = generated(seed, first, [2, 9, 3]);
    assert!(data.iter().any(|symbol| !symbol.halts.is_empty()), "seed {seed}: no halt");
    (data, config(first, last))
}

fn assert_same(a: &RunResult, b: &RunResult, what: &str) {
    assert_eq!(a.decision_hash, b.decision_hash, "{what}");
    assert_eq!(a, b, "{what}");
}

/// I7: the same run three times, and with its symbols named in another order.
#[test]
fn runs_repeat() {
    for seed in SEEDS {
        let (mut data, config) = scene(seed);
        let first = run_quietly(data.clone(), &STRATEGIES, &config);
        assert!(!first.trades.is_empty(), "seed {seed}: no trade");
        for _ in 0..2 {
            let again = run_quietly(data.clone(), &STRATEGIES, &config);
            assert_same(&first, &again, &format!("seed {seed}"));
        }
        let mut random = Random(seed);
        for index in (1..data.len()).rev() {
            data.swap(index, random.between(0, index as i64) as usize);
        }
        let shuffled = run_quietly(data, &STRATEGIES, &config);
        assert_same(&first, &shuffled, &format!("seed {seed}, symbols in another order"));
    }
}

/// Counts evaluations that led to nothing.
#[derive(Default)]
struct Evaluations(u64);

impl Sink for Evaluations {
    fn evaluation(&mut self, _: &Engine, _: &engine::strategy_engine::Decision) {
        self.0 += 1;
    }
}

/// I7: asking for all evaluations changes nothing that is decided; another slippage does.
#[test]
fn recording_changes_nothing() {
    for seed in SEEDS {
        let (data, mut config) = scene(seed);
        let mut quiet = Evaluations::default();
        let without = run_with(data.clone(), &STRATEGIES, &config, &mut quiet);
        config.record_all = true;
        let mut heard = Evaluations::default();
        let with = run_with(data.clone(), &STRATEGIES, &config, &mut heard);
        assert_same(&without, &with, &format!("seed {seed}"));
        assert!(quiet.0 == 0 && heard.0 > 0, "seed {seed}: {} and {}", quiet.0, heard.0);
        config.exchange.slippage = simulator::Slippage::Ticks(2);
        let other = run_quietly(data, &STRATEGIES, &config);
        assert_ne!(with.decision_hash, other.decision_hash, "seed {seed}: slippage is seen");
    }
}

/// Saves the engine at random facts and loads it into a new one.
struct Restorer {
    symbols: Vec<Symbol>,
    config: RunConfig,
    random: Random,
    checked: u64,
    with_position: u64,
    with_entry: u64,
}

impl Restorer {
    fn fresh(&self) -> Engine {
        let config = &self.config;
        Engine::new(EngineConfig {
            symbols: self.symbols.clone(),
            strategies: STRATEGIES.iter().map(|text| strategy(text)).collect(),
            cash: config.cash,
            limits: config.limits.clone(),
            calendar: calendar(),
            ticks: config.ticks.clone(),
            tag: *b"BW\0\0",
            brokers: vec![BrokerTraits::simulated()],
            opening_failover: false,
            record_all: config.record_all,
            data: engine::data_manager::DataPolicy::default(),
        })
    }
}

impl Sink for Restorer {
    fn fact(&mut self, engine: &Engine, fact: &Fact) {
        // Rare and telling moments always, the others by chance.
        let exit = matches!(fact, Fact::Intent(intent) if intent.order.role == OrderRole::Close);
        if !exit && !self.random.once_in(12) {
            return;
        }
        let bytes = model::record::encode(engine);
        let mut other = self.fresh();
        other.load(&mut Reader::new(&bytes)).unwrap();
        assert!(
            model::record::encode(&other) == bytes,
            "I7: state does not survive a restore at {}",
            engine.now()
        );
        assert_eq!(other.next_deadline(), engine.next_deadline());
        assert_eq!((other.now(), other.equity()), (engine.now(), engine.equity()));
        assert_eq!(other.session(), engine.session());
        assert_eq!(other.books().active(), engine.books().active());
        other.books().check().unwrap();
        let books = engine.books();
        let positions = books.active().iter().filter(|key| books.position(**key).is_some());
        self.with_position += u64::from(positions.count() > 0);
        let entries = books.active().iter().filter(|key| books.working_entry(**key).is_some());
        self.with_entry += u64::from(entries.count() > 0);
        self.checked += 1;
    }
}

/// J9: at seeded points the engine survives saving and loading, positions and orders included.
#[test]
fn the_engine_survives_a_restore() {
    for (seed, mode) in SEEDS.into_iter().zip(FillMode::ALL) {
        let (data, mut config) = scene(seed);
        config.exchange.mode = mode;
        let mut symbols: Vec<Symbol> = data.iter().map(|symbol| symbol.symbol).collect();
        symbols.sort_unstable();
        let mut restorer = Restorer {
            symbols,
            config: config.clone(),
            random: Random(seed),
            checked: 0,
            with_position: 0,
            with_entry: 0,
        };
        run_with(data, &STRATEGIES, &config, &mut restorer);
        let Restorer { checked, with_position, with_entry, .. } = restorer;
        eprintln!("seed {seed}: {checked} restores, {with_position} with a position");
        assert!(
            checked >= 20 && with_position > 0 && with_entry > 0,
            "seed {seed}: {checked} {with_position} {with_entry}"
        );
    }
}

/// I7: a run of two days begins with the run of the first day.
#[test]
fn a_longer_run_begins_with_the_shorter_one() {
    for seed in SEEDS {
        let (data, mut config) = scene(seed);
        let long = run_quietly(data.clone(), &STRATEGIES, &config);
        config.to = config.from;
        let short = run_quietly(data, &STRATEGIES, &config);
        assert_eq!(short.trades, long.trades[..short.trades.len()], "seed {seed}");
        assert_eq!(short.equity, long.equity[..short.equity.len()], "seed {seed}");
        let day: Vec<Date> = short.equity.iter().map(|(date, _)| *date).collect();
        assert_eq!(day.last(), Some(&config.from), "seed {seed}");
    }
}
