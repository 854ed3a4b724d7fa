//! What backtest and demo share: strategies, limits and exchange of a run, from configuration and
//! flags to [`backtest::run`].

pub(crate) mod benchmark;
pub(crate) mod foundry;
pub(crate) mod offline;
pub(crate) mod recorder;
pub(crate) mod tables;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use analytics::report::StrategyFacts;
use backtest::RunConfig;
use engine::Instance;
use engine::risk_manager::Limits;
use model::{Cash, Date};
use simulator::{ExchangeConfig, Slippage, SlippageModel};
use strategies::{MakeError, Registry};
use twox_hash::xxhash3_128::Hasher;

use crate::config::{Config, Effective, KEYS, Key};
use crate::exit::Failure;
use crate::spec::{self, StrategySpec};
use tables::Tables;

/// Everything a run is made of but its data.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Strategy instances with all parameters that were given.
    pub(crate) specs: Vec<StrategySpec>,
    /// Cash at the start.
    pub(crate) cash: Cash,
    /// Limits in force.
    pub(crate) limits: Limits,
    /// True when sizing and caps are off.
    pub(crate) limits_off: bool,
    /// The simulated exchange.
    pub(crate) exchange: ExchangeConfig,
    /// The exchange's dated tables.
    pub(crate) tables: Tables,
    /// Hash of all of this, hexadecimal.
    pub(crate) config_hash: String,
}

impl Setup {
    /// Puts configuration and strategies together; `specs` may be empty, then the active
    /// strategies of the configuration run.
    pub(crate) fn new(
        effective: &Effective,
        registry: &Registry,
        specs: &[StrategySpec],
        limits_off: bool,
    ) -> Result<Self, Failure> {
        let tables = Tables::load(&effective.config)?;
        Self::with_tables(effective, registry, specs, limits_off, tables)
    }

    /// The same with tables that were loaded before.
    pub(crate) fn with_tables(
        effective: &Effective,
        registry: &Registry,
        specs: &[StrategySpec],
        limits_off: bool,
        tables: Tables,
    ) -> Result<Self, Failure> {
        let config = &effective.config;
        let specs = resolve(effective, specs)?;
        for spec in &specs {
            registry.make(spec::base_name(&spec.instance), &spec.parameters).map_err(refused)?;
        }
        let exchange = exchange(config, &tables)?;
        let limits = if limits_off { Limits::unlimited() } else { config.risk.clone() };
        let config_hash = hash(config, &specs, limits_off);
        let cash = config.system.account_size;
        Ok(Self { specs, cash, limits, limits_off, exchange, tables, config_hash })
    }

    /// Returns the setup of a run whose broker is the paper broker: core and broker begin with its
    /// account's cash.
    pub(crate) fn on_paper(self, config: &Config) -> Self {
        Self { cash: config.paper_cash(), ..self }
    }

    /// Makes fresh instances of the strategies.
    pub(crate) fn instances(&self, registry: &Registry) -> Result<Vec<Instance>, Failure> {
        let make = |spec: &StrategySpec| {
            let made = registry.make(spec::base_name(&spec.instance), &spec.parameters);
            let strategy = made.map_err(refused)?;
            Ok(Instance { name: spec.instance.clone(), strategy })
        };
        self.specs.iter().map(make).collect()
    }

    /// Returns the settings of a run over a range of sessions.
    pub(crate) fn run_config(&self, from: Date, to: Date, record_all: bool) -> RunConfig {
        RunConfig {
            from,
            to,
            cash: self.cash,
            limits: self.limits.clone(),
            exchange: self.exchange.clone(),
            calendar: self.tables.calendar.clone(),
            ticks: self.tables.ticks.clone(),
            record_all,
        }
    }

    /// Returns the strategies with all parameters, defaults included, for the report.
    pub(crate) fn strategy_facts(&self, registry: &Registry) -> Vec<StrategyFacts> {
        let facts = |spec: &StrategySpec| {
            let info = registry.find(spec::base_name(&spec.instance)).ok();
            let table = info.map_or(&[][..], |info| info.parameters);
            let mut parameters: BTreeMap<String, String> =
                table.iter().map(|p| (p.name.to_owned(), p.default.to_owned())).collect();
            parameters.extend(spec.parameters.iter().cloned());
            StrategyFacts { name: spec.instance.clone(), parameters }
        };
        self.specs.iter().map(facts).collect()
    }

    /// Returns the slippage in words.
    pub(crate) fn slippage_text(&self) -> String {
        match &self.exchange.slippage {
            Slippage::Ticks(1) => "1 tick".to_owned(),
            Slippage::Ticks(ticks) => format!("{ticks} ticks"),
            Slippage::Model(_) => "spread table".to_owned(),
        }
    }
}

/// A strategy or parameter that does not exist was named on the command line: what the
/// configuration names was checked when it was loaded.
fn refused(error: MakeError) -> Failure {
    Failure::usage(error)
}

/// Adds the configuration's parameters to the strategies named, or takes the active ones.
fn resolve(effective: &Effective, specs: &[StrategySpec]) -> Result<Vec<StrategySpec>, Failure> {
    let active = &effective.config.system.active_strategies;
    let named: Vec<StrategySpec> = if specs.is_empty() {
        let spec = |name: &String| StrategySpec { instance: name.clone(), parameters: Vec::new() };
        active.iter().map(spec).collect()
    } else {
        specs.to_vec()
    };
    if named.is_empty() {
        return Err(Failure::usage("no strategy named")
            .hint("--strategy NAME, or system.active_strategies in the configuration; `bellwether strategies` lists them"));
    }
    let mut resolved: Vec<StrategySpec> = Vec::with_capacity(named.len());
    for spec in named {
        if resolved.iter().any(|other| other.instance == spec.instance) {
            let message = format!("strategy {} is named twice", spec.instance);
            return Err(Failure::usage(message).hint("give each instance a tag: NAME@a, NAME@b"));
        }
        let mut parameters = effective.parameters(&spec.instance);
        parameters.extend(spec.parameters);
        resolved.push(StrategySpec { instance: spec.instance, parameters });
    }
    Ok(resolved)
}

pub(crate) fn exchange(config: &Config, tables: &Tables) -> Result<ExchangeConfig, Failure> {
    let simulation = &config.simulation;
    let mut exchange = ExchangeConfig::new(simulation.fill, simulation.commission);
    if let Some(ticks) = simulation.slippage_ticks {
        exchange.slippage = Slippage::Ticks(ticks);
    }
    if simulation.slippage_model {
        exchange.slippage = Slippage::Model(SlippageModel::default());
    }
    exchange.fees = tables.fees.clone();
    exchange.ticks = tables.ticks.clone();
    exchange.participation_ppm = simulation.participation.0;
    exchange.limit_fill = simulation.limit_fill;
    exchange.check().map_err(Failure::config)?;
    Ok(exchange)
}

/// Hashes every value that can change a result; logging is none of them, and which data a running
/// system takes is not either.
fn hash(config: &Config, specs: &[StrategySpec], limits_off: bool) -> String {
    let mut text = String::new();
    let run = |key: &&Key| !matches!(key.section(), "system" | "data" | "data.playback");
    for key in KEYS.iter().filter(run) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}={}", key.path, (key.get)(config));
    }
    let _ = writeln!(text, "cash={} limits_off={limits_off}", config.system.account_size);
    for spec in specs {
        let _ = writeln!(text, "{spec}");
    }
    let mut hasher = Hasher::new();
    hasher.write(text.as_bytes());
    format!("{:032x}", hasher.finish_128())
}
