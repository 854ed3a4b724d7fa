//! What the journal keeps of a run's configuration, and the engine that is built of it again.
//!
//! A start holds every value of the configuration, the symbols and strategies in their order, and
//! the texts of overridden tables: recovery, replay and the check of snapshots need nothing else
//! (journal.md 9). Secrets are in no key and therefore not here.

use std::fmt::Write as _;

use engine::data_manager::DataPolicy;
use engine::execution_engine::BrokerTraits;
use engine::{Engine, EngineConfig, Start};
use model::Symbol;
use runtime::{Foundry, FoundryError};
use serde::{Deserialize, Serialize};
use strategies::Registry;

use super::Setup;
use super::tables::{TableTexts, Tables};
use crate::config::{Config, KEYS, load_text};
use crate::exit::Failure;
use crate::spec::StrategySpec;

/// The installation's tag in client order ids (R10).
pub(crate) const TAG: [u8; 4] = *b"BW\0\0";

/// How the core is driven: it decides on what the broker is known to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Drive {
    /// By the time of its data, with the paper broker in the process.
    Stepped,
    /// As things come, with a broker of its own connection and books.
    Live,
}

/// A run as the journal keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Described {
    /// How the core is driven.
    pub(crate) drive: Drive,
    /// The symbols; their ids are their places.
    pub(crate) symbols: Vec<Symbol>,
    /// The strategies with their parameters; their ids are their places.
    pub(crate) strategies: Vec<String>,
    /// Overridden tables.
    #[serde(default)]
    pub(crate) tables: TableTexts,
    /// All keys of the configuration, as a configuration file.
    pub(crate) keys: String,
}

impl Described {
    /// Describes a run; the setup holds its strategies.
    pub(crate) fn new(
        drive: Drive,
        config: &Config,
        setup: &Setup,
        symbols: Vec<Symbol>,
    ) -> Result<Self, Failure> {
        let strategies = setup.specs.iter().map(ToString::to_string).collect();
        let tables = TableTexts::read(config)?;
        Ok(Self { drive, symbols, strategies, tables, keys: keys_of(config) })
    }

    /// Writes it for the journal.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(Failure::internal)
    }

    /// Reads it from a start.
    pub(crate) fn read(start: &Start) -> Result<Self, FoundryError> {
        serde_json::from_str(&start.config)
            .map_err(|error| FoundryError(format!("the start's configuration: {error}")))
    }

    /// Sets the run up again: its configuration and its strategies.
    pub(crate) fn setup(&self, registry: &Registry) -> Result<(Config, Setup), Failure> {
        let effective = load_text(&self.keys, registry)?;
        let specs: Result<Vec<StrategySpec>, _> =
            self.strategies.iter().map(|text| text.parse()).collect();
        let specs = specs.map_err(Failure::config)?;
        let tables = Tables::of(&self.tables, &effective.config)?;
        let setup = Setup::with_tables(&effective, registry, &specs, false, tables)?;
        Ok((effective.config, setup))
    }
}

/// Writes every key as a configuration file does.
fn keys_of(config: &Config) -> String {
    let mut text = String::new();
    for key in KEYS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} = {}", key.path, (key.get)(config));
    }
    text
}

/// Builds engines from starts.
#[derive(Clone, Debug)]
pub(crate) struct EngineFoundry {
    /// The strategies of this build.
    pub(crate) registry: Registry,
}

impl Foundry for EngineFoundry {
    fn engine(&self, start: &Start) -> Result<Engine, FoundryError> {
        let described = Described::read(start)?;
        let wrong = |failure: Failure| FoundryError(failure.text());
        let (_, setup) = described.setup(&self.registry).map_err(wrong)?;
        Ok(Engine::new(EngineConfig {
            symbols: described.symbols,
            strategies: setup.instances(&self.registry).map_err(wrong)?,
            cash: setup.cash,
            limits: setup.limits,
            calendar: setup.tables.calendar,
            ticks: setup.tables.ticks,
            tag: TAG,
            brokers: brokers(described.drive),
            opening_failover: false,
            record_all: true,
            data: data_policy(described.drive),
        }))
    }

    fn may_follow(&self, old: &Start, new: &Start) -> Result<(), FoundryError> {
        let (old, new) = (Described::read(old)?, Described::read(new)?);
        let names = |of: &Described| -> Vec<String> {
            let name = |text: &String| text.split(':').next().unwrap_or_default().to_owned();
            of.strategies.iter().map(name).collect()
        };
        let tickers = |of: &Described| of.symbols.iter().map(|s| s.as_str().to_owned()).collect();
        same("symbols", &tickers(&old), &tickers(&new))?;
        same("strategies", &names(&old), &names(&new))
    }
}

/// Positions and orders belong to a place in these lists, so the lists stay as they are.
fn same(what: &str, old: &Vec<String>, new: &Vec<String>) -> Result<(), FoundryError> {
    if old == new {
        return Ok(());
    }
    Err(FoundryError(format!(
        "the books were kept for the {what} {}; this configuration names {}: restore the list, or \
         start with another data directory",
        old.join(", "),
        new.join(", ")
    )))
}

/// Returns what the core knows of its broker. In the stepped drive it is the simulated exchange of
/// a backtest, so that a paper day is the backtest of that day.
fn brokers(drive: Drive) -> Vec<BrokerTraits> {
    vec![paper::traits(drive == Drive::Live)]
}

/// Returns how market data is judged: played days have no age, but minutes of a live feed may come
/// a little after their end.
fn data_policy(drive: Drive) -> DataPolicy {
    match drive {
        Drive::Stepped => DataPolicy::default(),
        Drive::Live => DataPolicy { staleness: None, ..DataPolicy::live() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, load};

    fn described(strategies: &[&str]) -> (Described, Registry) {
        let registry = Registry::builtin();
        let env = vec![("BELLWETHER_RISK__MAX_POSITIONS".to_owned(), "3".to_owned())];
        let effective = load(&Layers { env, ..Layers::default() }, &registry).unwrap();
        let specs: Vec<StrategySpec> =
            strategies.iter().map(|text| text.parse().unwrap()).collect();
        let setup = Setup::new(&effective, &registry, &specs, false).unwrap();
        let symbols = vec!["AAA".parse().unwrap(), "BBB".parse().unwrap()];
        let described = Described::new(Drive::Live, &effective.config, &setup, symbols).unwrap();
        (described, registry)
    }

    fn start(described: &Described) -> Start {
        Start { config: described.text().unwrap(), ..Start::default() }
    }

    /// Journal.md 9: what the journal keeps builds the same engine again, every key included.
    #[test]
    fn the_journal_keeps_all_that_an_engine_needs() {
        let (described, registry) = described(&["vwap_cross@a:min_bars=20", "vwap_reclaim"]);
        let foundry = EngineFoundry { registry };
        let engine = foundry.engine(&start(&described)).unwrap();
        let names: Vec<&str> = engine.strategies().iter().map(|i| i.name.as_str()).collect();
        assert_eq!(names, ["vwap_cross@a", "vwap_reclaim"]);
        assert_eq!(engine.books().gate().limits().max_positions, Some(3));
        let again = foundry.engine(&start(&described)).unwrap();
        assert_eq!(again.state_hash(), engine.state_hash());
        let (config, _) = described.setup(&foundry.registry).unwrap();
        assert_eq!(keys_of(&config), described.keys, "every key reads back");
    }

    /// Journal.md 8: books go on only under the same symbols and strategies, parameters aside.
    #[test]
    fn places_stay_what_they_are() {
        let (old, registry) = described(&["vwap_cross:min_bars=20"]);
        let (new, _) = described(&["vwap_cross"]);
        let (other, _) = described(&["vwap_reclaim"]);
        let foundry = EngineFoundry { registry };
        assert_eq!(foundry.may_follow(&start(&old), &start(&new)), Ok(()));
        let refused = foundry.may_follow(&start(&old), &start(&other)).unwrap_err();
        assert!(refused.to_string().contains("vwap_cross"), "{refused}");
    }
}
