//! The facts that precede each session of the days that are played.

use std::sync::Arc;

use backtest::{MarketData, actions_before, symbol_days};
use gateway::{ReferenceSource, Unavailable};
use model::exchange::{Calendar, Session};
use model::{CorporateAction, Date, SymbolDay};

use crate::days::Days;

/// Computes the facts from the days before.
#[derive(Clone, Debug)]
pub struct References {
    days: Arc<dyn Days>,
    calendar: Arc<Calendar>,
}

impl References {
    /// Takes the days that are played.
    pub fn new(days: Arc<dyn Days>, calendar: Arc<Calendar>) -> Self {
        Self { days, calendar }
    }
}

impl References {
    /// Loads the session of a date with what precedes it.
    fn load(&self, date: Date) -> Result<(Session, MarketData), Unavailable> {
        if self.days.last().is_some_and(|last| date > last) {
            return Err(Unavailable(format!("the days end before {date}")));
        }
        let session =
            self.calendar.session(date).map_err(|error| Unavailable(error.to_string()))?;
        let session = session.ok_or_else(|| Unavailable(format!("{date} has no session")))?;
        let data = self.days.load(date, date).map_err(|error| Unavailable(error.to_string()))?;
        Ok((session, data))
    }
}

impl ReferenceSource for References {
    fn before(&self, date: Date) -> Result<Vec<SymbolDay>, Unavailable> {
        let (session, data) = self.load(date)?;
        Ok(symbol_days(&data, &self.calendar, &session))
    }

    fn actions(&self, date: Date) -> Result<Vec<CorporateAction>, Unavailable> {
        let (session, data) = self.load(date)?;
        Ok(actions_before(&data, &self.calendar, &session))
    }
}
