//! The exchange's dated tables with an operator's files on top (TC1, C05, TK4).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::exchange::{Calendar, FeeSchedule, TickTable};

use crate::config::Config;
use crate::exit::Failure;

/// Calendar, ticks and fees in force.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// Sessions.
    pub(crate) calendar: Arc<Calendar>,
    /// Minimum price increments.
    pub(crate) ticks: TickTable,
    /// Fees.
    pub(crate) fees: FeeSchedule,
}

/// An operator's overrides as texts: what the journal keeps of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct TableTexts {
    /// Sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) calendar: Option<String>,
    /// Minimum price increments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ticks: Option<String>,
    /// Fees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fees: Option<String>,
}

impl TableTexts {
    /// Reads the files that the configuration names.
    pub(crate) fn read(config: &Config) -> Result<Self, Failure> {
        let files = &config.exchange;
        let text = |key: &str, path: &Option<PathBuf>| match path {
            Some(path) => read(key, path).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            calendar: text("exchange.calendar_file", &files.calendar)?,
            ticks: text("exchange.ticks_file", &files.ticks)?,
            fees: text("exchange.fees_file", &files.fees)?,
        })
    }
}

impl Tables {
    /// Loads the tables; a refused line of a file refuses all of it.
    pub(crate) fn load(config: &Config) -> Result<Self, Failure> {
        Self::of(&TableTexts::read(config)?, config)
    }

    /// Makes the tables of texts that were read before; the configuration names their files.
    pub(crate) fn of(texts: &TableTexts, config: &Config) -> Result<Self, Failure> {
        let files = &config.exchange;
        let name = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
        let calendar = match &texts.calendar {
            None => Calendar::nyse(),
            Some(text) => Calendar::nyse()
                .with_overrides(text)
                .map_err(|error| refused(&name(&files.calendar), error))?,
        };
        let ticks = match &texts.ticks {
            None => TickTable::us(),
            Some(text) => TickTable::us()
                .with_overrides(text)
                .map_err(|error| refused(&name(&files.ticks), error))?,
        };
        let fees = match &texts.fees {
            None => FeeSchedule::us(),
            Some(text) => FeeSchedule::us()
                .with_overrides(text)
                .map_err(|error| refused(&name(&files.fees), error))?,
        };
        Ok(Self { calendar: Arc::new(calendar), ticks, fees })
    }
}

fn read(key: &str, path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::config(format_args!(
            "{key} = {:?}: the file cannot be read: {error}",
            path.display()
        ))
    })
}

fn refused(path: &Path, error: impl fmt::Display) -> Failure {
    Failure::config(format_args!("{}: {error}", path.display()))
}
