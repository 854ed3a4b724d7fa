//! The market of the demo: a generated day, or a recorded one of a store or a LEAN folder.

use std::path::Path;

use backtest::{MarketData, SymbolData};
use model::exchange::Calendar;
use model::{Date, Symbol};
use simulator::generator::{GenerateError, GeneratorConfig, generate};

use crate::exit::Failure;
use crate::market::{self, Loaded, Selection};

/// The generated day when none is named: a Tuesday with regular hours.
const DEFAULT_DATE: (i16, i8, i8) = (2026, 11, 24);

/// Loads a recorded day; the last regular one of the symbols when no date is named.
pub(crate) fn recorded(
    path: &Path,
    calendar: &Calendar,
    symbols: &[Symbol],
    date: Option<Date>,
) -> Result<Loaded, Failure> {
    let opened = market::open(path, calendar)?;
    let date = match date {
        Some(date) => date,
        None => market::last_session(&opened.store, calendar, symbols)?,
    };
    require_session(calendar, date)?;
    let selection = Selection { symbols: symbols.to_vec(), from: Some(date), to: Some(date) };
    market::load(&opened.store, calendar, &selection)
}

/// Generates a day; with `symbols` only those of it are traded.
pub(crate) fn generated(
    seed: u64,
    calendar: &Calendar,
    symbols: &[Symbol],
    date: Option<Date>,
) -> Result<Loaded, Failure> {
    let (year, month, day) = DEFAULT_DATE;
    let date = date.or_else(|| Date::from_ymd(year, month, day)).unwrap_or_default();
    require_session(calendar, date)?;
    let config = GeneratorConfig::new(seed, date);
    let market = generate(&config, calendar).map_err(|error| match error {
        GenerateError::Calendar(_) | GenerateError::TooFewSessions(..) => Failure::missing(error),
        other => Failure::internal(other),
    })?;
    let names: Vec<Symbol> = market.iter().map(|generated| generated.symbol).collect();
    if let Some(unknown) = symbols.iter().find(|symbol| !names.contains(symbol)) {
        let names: Vec<&str> = names.iter().map(Symbol::as_str).collect();
        let message = format!("{unknown} is no symbol of the generated market");
        return Err(Failure::missing(message).hint(format!("it has {}", names.join(", "))));
    }
    let chosen = market.into_iter().filter(|g| symbols.is_empty() || symbols.contains(&g.symbol));
    let data = chosen.map(|generated| SymbolData {
        bars: generated.bars,
        halts: generated.halts,
        float_shares: Some(generated.float_shares),
        ..SymbolData::new(generated.symbol)
    });
    let data = MarketData::new(data.collect()).map_err(Failure::internal)?;
    Ok(Loaded { data, from: date, to: date })
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
