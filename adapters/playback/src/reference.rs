//! The facts that precede each session of the days that are played.

use std::sync::Arc;

use backtest::symbol_days;
use gateway::{ReferenceSource, Unavailable};
use model::exchange::Calendar;
use model::{Date, SymbolDay};

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

impl ReferenceSource for References {
    fn before(&self, date: Date) -> Result<Vec<SymbolDay>, Unavailable> {
        let unavailable = |why: String| Unavailable(why);
        if self.days.last().is_some_and(|last| date > last) {
            return Err(unavailable(format!("the days end before {date}")));
        }
        let session =
            self.calendar.session(date).map_err(|error| unavailable(error.to_string()))?;
        let session = session.ok_or_else(|| unavailable(format!("{date} has no session")))?;
        let data = self.days.load(date, date).map_err(|error| unavailable(error.to_string()))?;
        Ok(symbol_days(&data, &self.calendar, &session))
    }
}
