//! What the journal keeps of a run's configuration, and the engine that is built of it again.
//!
//! A start holds every value of the configuration, the symbols and strategies in their order, and
//! the texts of overridden tables: recovery, replay and the check of snapshots need nothing else
//! (journal.md 9). Secrets are in no key and therefore not here.

use std::fmt::Write as _;

use engine::data_manager::DataPolicy;
use engine::execution_engine::BrokerTraits;
use engine::{Engine, EngineConfig, Start};
use model::{StrategyId, Symbol};
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
    /// Names of the strategies among them that the configuration names no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) retired: Vec<String>,
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
        let retired = Vec::new();
        Ok(Self { drive, symbols, strategies, retired, tables, keys: keys_of(config) })
    }

    /// Puts this run behind the one before: a strategy keeps its place, for positions and orders
    /// belong to it, with the parameters that are wanted now; new ones stand behind; one that is
    /// wanted no more is retired.
    fn behind(mut self, old: &Self) -> Result<Self, FoundryError> {
        if self.symbols != old.symbols {
            let list = |of: &Self| {
                let names: Vec<&str> = of.symbols.iter().map(Symbol::as_str).collect();
                names.join(", ")
            };
            return Err(FoundryError(format!(
                "the books were kept for the symbols {}; this configuration names {}: restore the \
                 list, or start with another data directory",
                list(old),
                list(&self)
            )));
        }
        let mut wanted = std::mem::take(&mut self.strategies);
        for before in &old.strategies {
            let name = name_of(before);
            let now = wanted.iter().position(|text| name_of(text) == name);
            self.strategies.push(match now {
                Some(at) => wanted.remove(at),
                None => {
                    self.retired.push(name.to_owned());
                    before.clone()
                }
            });
        }
        self.strategies.append(&mut wanted);
        Ok(self)
    }

    fn is_retired(&self, name: &str) -> bool {
        self.retired.iter().any(|retired| retired == name)
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
        let setup = setup.on_paper(&effective.config);
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
        let (config, setup) = described.setup(&self.registry).map_err(wrong)?;
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
            data: data_policy(described.drive, config.data.playback.speed),
        }))
    }

    fn follow(&self, old: &Start, new: &Start) -> Result<String, FoundryError> {
        let (old, new) = (Described::read(old)?, Described::read(new)?);
        new.behind(&old)?.text().map_err(|failure| FoundryError(failure.text()))
    }

    fn retired(&self, start: &Start) -> Result<Vec<StrategyId>, FoundryError> {
        let described = Described::read(start)?;
        let ids = (0..=u16::MAX).map(StrategyId).zip(&described.strategies);
        let retired = ids.filter(|(_, text)| described.is_retired(name_of(text)));
        Ok(retired.map(|(id, _)| id).collect())
    }
}

/// Returns the name of an instance in the text of a strategy with its parameters.
fn name_of(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

/// Returns what the core knows of its broker. In the stepped drive it is the simulated exchange of
/// a backtest, so that a paper day is the backtest of that day.
fn brokers(drive: Drive) -> Vec<BrokerTraits> {
    vec![paper::traits(drive == Drive::Live)]
}

/// Returns how market data is judged (decision 0117). Minutes of a live feed may come a little after
/// their end. What is played at the speed of the wall clock grows old as a live feed does (C28); played
/// faster, limits in the feed's time are moments of the machine's, and played data has no age.
fn data_policy(drive: Drive, speed: u32) -> DataPolicy {
    match (drive, speed) {
        (Drive::Stepped, _) => DataPolicy::default(),
        (Drive::Live, 1) => DataPolicy::live(),
        (Drive::Live, _) => DataPolicy { staleness: None, ..DataPolicy::live() },
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

    /// C28: limits hold for a live feed and for one that is played at the wall clock's speed.
    #[test]
    fn data_grows_old_at_the_speed_of_the_wall_clock() {
        let limits = |drive, speed| data_policy(drive, speed).staleness;
        let live = limits(Drive::Live, 1).unwrap();
        let seconds = [live.symbol_ns, live.bar_ns, live.heartbeat_ns].map(|ns| ns / 1_000_000_000);
        assert_eq!(seconds, [2, 90, 5]);
        assert_eq!(limits(Drive::Live, 60), None);
        assert_eq!(limits(Drive::Stepped, 1), None);
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
    /// Decision 0120: positions and orders belong to a place in the list.
    #[test]
    fn strategies_keep_their_places() {
        let (old, registry) = described(&["vwap_cross:min_bars=20", "gap_and_go"]);
        let (new, _) = described(&["vwap_reclaim", "vwap_cross"]);
        let foundry = EngineFoundry { registry };
        let followed = |old: &Start, new: &Described| {
            let config = foundry.follow(old, &start(new)).unwrap();
            let start = Start { config, ..Start::default() };
            (Described::read(&start).unwrap(), foundry.retired(&start).unwrap(), start)
        };
        let (described, retired, first) = followed(&start(&old), &new);
        let names: Vec<&str> = described.strategies.iter().map(|text| name_of(text)).collect();
        assert_eq!(names, ["vwap_cross", "gap_and_go", "vwap_reclaim"]);
        assert_eq!(described.strategies[0], new.strategies[1], "the parameters are the new ones");
        assert_eq!(retired, [StrategyId(1)]);
        assert!(foundry.engine(&first).is_ok());
        let (again, retired, _) = followed(&first, &old);
        assert_eq!(again.strategies.len(), 3);
        assert_eq!(retired, [StrategyId(2)], "the one is wanted again, the other no more");
    }

    #[test]
    fn symbols_stay_what_they_are() {
        let (old, registry) = described(&["vwap_cross"]);
        let other = Described { symbols: vec!["AAA".parse().unwrap()], ..old.clone() };
        let refused = EngineFoundry { registry }.follow(&start(&old), &start(&other)).unwrap_err();
        assert!(refused.to_string().contains("AAA, BBB"), "{refused}");
    }
}
