//! The days that demo and `run` play: generated from a seed, or recorded in a store or a LEAN
//! folder.

use std::path::Path;
use std::sync::Arc;

use backtest::MarketData;
use catalog::OpenData;
use model::exchange::Calendar;
use model::{Date, Symbol};
use playback::{Days, DaysError, Generated};
use simulator::generator::GenerateError;

use crate::exit::{Exit, Failure};
use crate::market::{self, Selection};

/// The first generated day when none is named: a Tuesday with regular hours.
const DEFAULT_DATE: (i16, i8, i8) = (2026, 11, 24);

/// Which days are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    /// A store or a LEAN folder; `None`: generated days.
    pub(crate) source: Option<&'a Path>,
    /// Seed of generated days.
    pub(crate) seed: u64,
    /// The first day; `None`: the default one, or the last recorded one.
    pub(crate) date: Option<Date>,
    /// Only these symbols; empty: all that there are.
    pub(crate) symbols: &'a [Symbol],
}

/// Finds the days.
pub(crate) fn find(
    wanted: &Wanted<'_>,
    calendar: &Arc<Calendar>,
) -> Result<Arc<dyn Days>, Failure> {
    match wanted.source {
        Some(path) => Ok(Arc::new(Stored::open(path, wanted, calendar)?)),
        None => Ok(Arc::new(generated(wanted, calendar)?)),
    }
}

fn generated(wanted: &Wanted<'_>, calendar: &Arc<Calendar>) -> Result<Generated, Failure> {
    let (year, month, day) = DEFAULT_DATE;
    let date = wanted.date.or_else(|| Date::from_ymd(year, month, day)).unwrap_or_default();
    require_session(calendar, date)?;
    Generated::new(wanted.seed, date, wanted.symbols, Arc::clone(calendar)).map_err(failure)
}

/// Says why days are not there.
pub(crate) fn failure(error: DaysError) -> Failure {
    match error {
        DaysError::Generate {
            source: source @ (GenerateError::Calendar(_) | GenerateError::TooFewSessions(..)),
            ..
        } => Failure::missing(source),
        DaysError::Generate { .. } => Failure::internal(error),
        DaysError::UnknownSymbol { symbol, known } => {
            Failure::missing(format_args!("{symbol} is no symbol of the generated market"))
                .hint(format!("it has {known}"))
        }
        DaysError::Recorded { corrupt: true, why } => Failure::corrupt(why),
        DaysError::Recorded { corrupt: false, why } => Failure::missing(why),
    }
}

fn require_session(calendar: &Calendar, date: Date) -> Result<(), Failure> {
    match calendar.session(date).map_err(Failure::missing)? {
        Some(_) => Ok(()),
        None => {
            let reason = calendar.closure_reason(date).unwrap_or_default();
            Err(Failure::missing(format_args!("{date} has no session ({reason})"))
                .hint(format_args!("`bellwether calendar {date}` shows the next one")))
        }
    }
}

/// Recorded days.
#[derive(Debug)]
struct Stored {
    opened: OpenData,
    calendar: Arc<Calendar>,
    symbols: Vec<Symbol>,
    first: Date,
    last: Date,
}

impl Stored {
    fn open(path: &Path, wanted: &Wanted<'_>, calendar: &Arc<Calendar>) -> Result<Self, Failure> {
        let opened = market::open(path, calendar)?;
        let symbols = market::symbols_of(&opened.store, wanted.symbols)?;
        // A day that is named needs no other one to be there.
        let last = match (market::last_session(&opened.store, calendar, &symbols), wanted.date) {
            (Ok(last), _) => last,
            (Err(_), Some(date)) => date,
            (Err(failure), None) => return Err(failure),
        };
        let first = wanted.date.unwrap_or(last);
        require_session(calendar, first)?;
        let last = last.max(first);
        Ok(Self { opened, calendar: Arc::clone(calendar), symbols, first, last })
    }
}

impl Days for Stored {
    fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    fn first(&self) -> Date {
        self.first
    }

    fn last(&self) -> Option<Date> {
        Some(self.last)
    }

    fn load(&self, from: Date, to: Date) -> Result<MarketData, DaysError> {
        let symbols = self.symbols.clone();
        let selection = Selection { symbols, from: Some(from), to: Some(to) };
        let loaded = market::load(&self.opened.store, &self.calendar, &selection);
        loaded.map(|loaded| loaded.data).map_err(|error| DaysError::Recorded {
            corrupt: error.code() == Exit::Corrupt,
            why: error.text(),
        })
    }
}
