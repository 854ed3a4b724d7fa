//! Where the days come from that are played.

use std::fmt::Debug;
use std::sync::Arc;

use backtest::{MarketData, SymbolData};
use model::exchange::Calendar;
use model::{Date, Symbol};
use simulator::generator::{GenerateError, GeneratorConfig, generate};

/// Sessions kept before the ones asked for: the daily ATR looks back on 300 (TI4).
const LOOK_BACK: usize = 320;

/// Days of one market, in order.
pub trait Days: Send + Sync + Debug {
    /// Returns the symbols in order of tickers: ids are places in it.
    fn symbols(&self) -> &[Symbol];

    /// Returns the first session that is played.
    fn first(&self) -> Date;

    /// Returns the last session there is; `None` when they go on for ever.
    fn last(&self) -> Option<Date>;

    /// Loads sessions, with as many before them as reference data looks back on (TB7).
    ///
    /// # Errors
    /// They are not there, or cannot be read.
    fn load(&self, from: Date, to: Date) -> Result<MarketData, DaysError>;
}

/// Why days cannot be played.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DaysError {
    /// The market of a seed cannot be generated.
    #[error("generate the days of seed {seed} up to {to}")]
    Generate {
        /// The seed.
        seed: u64,
        /// The last day wanted.
        to: Date,
        /// Why.
        source: GenerateError,
    },
    /// A symbol is wanted that the market does not have.
    #[error("{symbol} is no symbol of the generated market, which has {known}")]
    UnknownSymbol {
        /// The symbol.
        symbol: Symbol,
        /// All that there are.
        known: String,
    },
    /// Recorded days cannot be read.
    #[error("{why}")]
    Recorded {
        /// They are there and damaged.
        corrupt: bool,
        /// What is wrong.
        why: String,
    },
}

/// The market of a seed: days without end, the same on every machine.
#[derive(Clone, Debug)]
pub struct Generated {
    seed: u64,
    first: Date,
    symbols: Vec<Symbol>,
    calendar: Arc<Calendar>,
}

impl Generated {
    /// Prepares the market of a seed from a first day on; only `symbols` of it, or all.
    ///
    /// # Errors
    /// The day has no session, or a symbol is not of the market.
    pub fn new(
        seed: u64,
        first: Date,
        symbols: &[Symbol],
        calendar: Arc<Calendar>,
    ) -> Result<Self, DaysError> {
        let error = |source| DaysError::Generate { seed, to: first, source };
        let config = GeneratorConfig::new(seed, first);
        // What the symbols are does not depend on the history before the day.
        let config = GeneratorConfig { history_sessions: 0, ..config };
        let market = generate(&config, &calendar).map_err(error)?;
        let mut known: Vec<Symbol> = market.iter().map(|generated| generated.symbol).collect();
        if let Some(&symbol) = symbols.iter().find(|symbol| !known.contains(symbol)) {
            let names: Vec<&str> = known.iter().map(Symbol::as_str).collect();
            return Err(DaysError::UnknownSymbol { symbol, known: names.join(", ") });
        }
        known.retain(|symbol| symbols.is_empty() || symbols.contains(symbol));
        known.sort_unstable();
        Ok(Self { seed, first, symbols: known, calendar })
    }
}

impl Days for Generated {
    fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    fn first(&self) -> Date {
        self.first
    }

    fn last(&self) -> Option<Date> {
        None
    }

    fn load(&self, from: Date, to: Date) -> Result<MarketData, DaysError> {
        let error = |source| DaysError::Generate { seed: self.seed, to, source };
        let calendar = &self.calendar;
        let sessions = calendar.sessions(self.first, to).map_err(|e| error(e.into()))?;
        let days = sessions.len().max(1);
        let config = GeneratorConfig { days, ..GeneratorConfig::new(self.seed, self.first) };
        let market = generate(&config, calendar).map_err(error)?;
        let before = sessions.iter().filter(|session| session.date < from).count();
        let oldest = before.checked_sub(LOOK_BACK).and_then(|at| sessions.get(at));
        let symbols = market.into_iter().filter(|g| self.symbols.contains(&g.symbol));
        let symbols = symbols.map(|mut generated| {
            if let Some(oldest) = oldest {
                generated.bars.retain(|bar| bar.start >= oldest.pre_open);
            }
            SymbolData {
                bars: generated.bars,
                halts: generated.halts,
                float_shares: Some(generated.float_shares),
                ..SymbolData::new(generated.symbol)
            }
        });
        MarketData::new(symbols.collect())
            .map_err(|error| DaysError::Recorded { corrupt: true, why: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(symbols: &[Symbol]) -> Result<Generated, DaysError> {
        let first = "2026-11-24".parse().unwrap();
        Generated::new(7, first, symbols, Arc::new(Calendar::nyse()))
    }

    /// Days that are loaded later go on where the earlier ones ended: the same bars as in one go.
    #[test]
    fn days_do_not_depend_on_how_they_are_loaded() {
        let wanted = ["SYM3".parse().unwrap(), "SYM1".parse().unwrap()];
        let days = market(&wanted).unwrap();
        assert_eq!(days.symbols(), [wanted[1], wanted[0]]);
        let [first, second] = ["2026-11-24", "2026-11-25"].map(|day| day.parse().unwrap());
        let (one, both) = (days.load(first, first).unwrap(), days.load(first, second).unwrap());
        for (one, both) in one.symbols().iter().zip(both.symbols()) {
            assert_eq!(one.bars, both.bars[..one.bars.len()]);
            assert!(both.bars.len() > one.bars.len());
        }
    }

    #[test]
    fn unknown_symbols_are_named() {
        let error = market(&["NOPE".parse().unwrap()]).unwrap_err();
        assert!(error.to_string().starts_with("NOPE is no symbol of the generated market"));
    }
}
