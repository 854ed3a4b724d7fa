//! Strategies by name: what there is, with which parameters, and how to make one.

use engine::strategy_engine::Strategy;

use crate::parameters::{Parameter, ParameterError, Settings, did_you_mean, nearest};
use crate::{gap_and_go, storm, vwap_cross, vwap_reclaim};

/// A kind of strategy.
#[derive(Clone, Copy, Debug)]
pub struct StrategyInfo {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub description: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// True for a strategy that tests the system and is nothing to trade: live mode refuses it.
    pub for_tests: bool,
    /// Makes an instance from checked parameters.
    pub make: fn(&Settings) -> Box<dyn Strategy>,
}

/// Why a strategy could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// There is no strategy of that name.
    #[error(
        "unknown strategy {name:?}{} (`bellwether strategies` lists them)",
        did_you_mean(*suggestion)
    )]
    Unknown {
        /// The name given.
        name: String,
        /// The nearest name, if one is near.
        suggestion: Option<&'static str>,
    },
    /// A parameter is not usable.
    #[error("strategy {strategy}: {source}")]
    Parameter {
        /// The strategy.
        strategy: &'static str,
        /// What is wrong.
        source: ParameterError,
    },
}

/// The strategies that a build knows.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    strategies: Vec<StrategyInfo>,
}

impl Registry {
    /// Returns the strategies that ship with Bellwether.
    pub fn builtin() -> Self {
        Self {
            strategies: vec![gap_and_go::INFO, vwap_reclaim::INFO, vwap_cross::INFO, storm::INFO],
        }
    }

    /// Adds a strategy; one of the same name takes the place of the other.
    pub fn add(&mut self, info: StrategyInfo) {
        self.strategies.retain(|other| other.name != info.name);
        self.strategies.push(info);
    }

    /// Returns the strategies in the order in which they were added.
    pub fn list(&self) -> &[StrategyInfo] {
        &self.strategies
    }

    /// Returns a strategy by name.
    pub fn find(&self, name: &str) -> Result<&StrategyInfo, MakeError> {
        self.strategies.iter().find(|info| info.name == name).ok_or_else(|| MakeError::Unknown {
            name: name.to_owned(),
            suggestion: nearest(name, self.strategies.iter().map(|info| info.name)),
        })
    }

    /// Makes an instance by name with the given parameters.
    pub fn make(
        &self,
        name: &str,
        parameters: &[(String, String)],
    ) -> Result<Box<dyn Strategy>, MakeError> {
        let info = self.find(name)?;
        let settings = Settings::read(info.parameters, parameters)
            .map_err(|source| MakeError::Parameter { strategy: info.name, source })?;
        Ok((info.make)(&settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every default of every table is inside its own bounds.
    #[test]
    fn defaults_are_valid() {
        for info in Registry::builtin().list() {
            let made = Registry::builtin().make(info.name, &[]);
            assert!(made.is_ok(), "{}: {:?}", info.name, made.err());
        }
    }
}
