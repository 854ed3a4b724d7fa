//! The exchange's dated tables with an operator's files on top (TC1, C05, TK4).

use std::fmt;
use std::fs;
use std::path::Path;
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

impl Tables {
    /// Loads the tables; a refused line of a file refuses all of it.
    pub(crate) fn load(config: &Config) -> Result<Self, Failure> {
        let files = &config.exchange;
        let calendar = match &files.calendar {
            None => Calendar::nyse(),
            Some(path) => {
                let text = read("exchange.calendar_file", path)?;
                Calendar::nyse().with_overrides(&text).map_err(|error| refused(path, error))?
            }
        };
        let ticks = match &files.ticks {
            None => TickTable::us(),
            Some(path) => {
                let text = read("exchange.ticks_file", path)?;
                TickTable::us().with_overrides(&text).map_err(|error| refused(path, error))?
            }
        };
        let fees = match &files.fees {
            None => FeeSchedule::us(),
            Some(path) => {
                let text = read("exchange.fees_file", path)?;
                FeeSchedule::us().with_overrides(&text).map_err(|error| refused(path, error))?
            }
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
