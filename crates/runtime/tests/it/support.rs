//! Shared scenery: an engine foundry, a folder with a journal, a generated day of inputs.

use std::sync::{Arc, OnceLock};

use engine::execution_engine::BrokerTraits;
use engine::record::{DecodeError, Reader, Writer};
use engine::risk_manager::Limits;
use engine::strategy_engine::{Context, Event, RuleInfo, Strategy};
use engine::{Engine, EngineConfig, Instance, Start};
use model::exchange::{Calendar, TickTable};
use model::{Cash, Date, StrategyId, Symbol};
use runtime::{Foundry, FoundryError};
use simulator::generator::{GeneratedSymbol, GeneratorConfig, generate};
use strategies::Registry;

use crate::patient::{PATIENT, Patient, Trap};

/// The calendar takes a while to build in debug mode: once for all tests.
pub(crate) fn calendar() -> Arc<Calendar> {
    static CALENDAR: OnceLock<Arc<Calendar>> = OnceLock::new();
    Arc::clone(CALENDAR.get_or_init(|| Arc::new(Calendar::nyse())))
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// Strategies that trade a lot on generated days.
pub(crate) const BUSY: [&str; 3] = [
    "gap_and_go:min_gap_percent=1,max_gap_percent=500,min_pm_volume=0,min_pm_dollar_volume=0,\
     min_rvol_pm=0,price_min=0.5,price_max=2000,max_float=none,max_pullback_in_range=1,\
     min_gap_retained=0,min_rvol_first_bar=0,require_green_first_bar=false,above_vwap=false,\
     entry_end=open+180m,min_stop_percent=0.05,max_stop_percent=20,max_entries=5,cool_down_bars=0",
    "vwap_reclaim:price_min=0.5,price_max=100000,min_adv=0,min_atr=0,in_play=false,\
     min_bars_below=2,min_depth_percent=0,max_depth_percent=50,min_volume_ratio=0,\
     upper_half=false,hold_bars=0,min_stop_percent=0.01,max_stop_percent=20,max_entries=10",
    "vwap_cross",
];

/// Makes an instance of a strategy, `NAME` or `NAME:key=value,key=value`.
pub(crate) fn strategy(text: &str) -> Instance {
    let (name, parameters) = text.split_once(':').unwrap_or((text, ""));
    let parameters: Vec<(String, String)> = parameters
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let strategy = Registry::builtin().make(name, &parameters).unwrap();
    Instance { name: name.to_owned(), strategy }
}

/// Builds engines for tests; the start's configuration names the strategies, one a line.
#[derive(Clone, Debug)]
pub(crate) struct TestFoundry {
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) brokers: Vec<BrokerTraits>,
    pub(crate) limits: Limits,
    /// Builds another strategy than the configuration names.
    pub(crate) instead: Option<(&'static str, &'static str)>,
    /// Strategies fail when their state is to be saved.
    pub(crate) unsound: bool,
    /// So many positions at most where the configuration says `quantity=` the same number.
    pub(crate) most: Option<u32>,
    /// What makes the strategy `patient` do wrong.
    pub(crate) trap: Arc<Trap>,
}

/// A strategy that cannot be saved.
#[derive(Debug)]
struct Unsound(Box<dyn Strategy>);

impl Strategy for Unsound {
    fn rules(&self) -> &'static [RuleInfo] {
        self.0.rules()
    }
    fn prepare(&mut self, symbols: usize) {
        self.0.prepare(symbols);
    }
    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>) {
        self.0.on_event(ctx, event);
    }
    fn save(&self, _: &mut Writer) {
        panic!("expected by this test: the state cannot be saved");
    }
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.0.load(reader)
    }
}

impl TestFoundry {
    pub(crate) fn new(symbols: Vec<Symbol>) -> Self {
        let limits = Limits::default();
        Self {
            symbols,
            brokers: vec![BrokerTraits::simulated()],
            limits,
            instead: None,
            unsound: false,
            most: None,
            trap: Arc::default(),
        }
    }
}

impl Foundry for TestFoundry {
    fn engine(&self, start: &Start) -> Result<Engine, FoundryError> {
        let named = |line: &str| {
            let line = line.trim_start_matches('!');
            let Instance { name, strategy } = match self.instead {
                Some((from, to)) if from == line => strategy(to),
                _ if line == PATIENT => {
                    let patient = Box::new(Patient::new(&self.trap));
                    Instance { name: line.to_owned(), strategy: patient }
                }
                _ => strategy(line),
            };
            let strategy = if self.unsound { Box::new(Unsound(strategy)) } else { strategy };
            Instance { name, strategy }
        };
        let mut limits = self.limits.clone();
        if self.most.is_some_and(|most| start.config.contains(&format!("quantity={most}"))) {
            limits.max_positions = self.most;
        }
        Ok(Engine::new(EngineConfig {
            symbols: self.symbols.clone(),
            strategies: start.config.lines().map(named).collect(),
            cash: Cash::from_dollars(100_000).unwrap(),
            limits,
            calendar: calendar(),
            ticks: TickTable::us(),
            tag: *b"BW\0\0",
            brokers: self.brokers.clone(),
            opening_failover: false,
            record_all: true,
            data: engine::data_manager::DataPolicy::default(),
        }))
    }

    /// A strategy that is wanted no more keeps its line, behind a `!`.
    fn follow(&self, old: &Start, new: &Start) -> Result<String, FoundryError> {
        let name = |line: &str| line.trim_start_matches('!').split(':').next().unwrap().to_owned();
        let mut wanted: Vec<&str> = new.config.lines().collect();
        let mut lines = Vec::new();
        for before in old.config.lines() {
            let at = wanted.iter().position(|line| name(line) == name(before));
            lines.push(match at {
                Some(at) => wanted.remove(at).to_owned(),
                None => format!("!{}", before.trim_start_matches('!')),
            });
        }
        lines.extend(wanted.into_iter().map(str::to_owned));
        Ok(lines.join("\n"))
    }

    fn retired(&self, start: &Start) -> Result<Vec<StrategyId>, FoundryError> {
        let lines = (0..).map(StrategyId).zip(start.config.lines());
        Ok(lines.filter(|(_, line)| line.starts_with('!')).map(|(id, _)| id).collect())
    }
}

/// Generates one day of `symbols` symbols.
pub(crate) fn generated(seed: u64, date: Date, symbols: usize) -> Vec<GeneratedSymbol> {
    let config = GeneratorConfig {
        days: 1,
        symbols,
        history_sessions: 1,
        ..GeneratorConfig::new(seed, date)
    };
    generate(&config, &calendar()).unwrap()
}

/// Seeded random numbers (splitmix64): a test that fails prints its seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }
}
