//! Where the days come from that are played.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use backtest::{MarketData, SymbolData};
use model::exchange::{Calendar, Session};
use model::{Date, Symbol, Timestamp};
use simulator::generator::{GenerateError, GeneratedSymbol, GeneratorConfig, Market, generate};

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
///
/// It remembers where it stands, so that the next day costs one day however many went before.
#[derive(Debug)]
pub struct Generated {
    seed: u64,
    first: Date,
    symbols: Vec<Symbol>,
    calendar: Arc<Calendar>,
    walk: Mutex<Option<Walk>>,
}

/// The days generated so far, those that nothing looks back on any more left out.
#[derive(Debug)]
struct Walk {
    market: Market,
    generated: Vec<GeneratedSymbol>,
    /// Days generated.
    days: usize,
    /// Days at the beginning that are left out.
    left_out: usize,
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
        Ok(Self { seed, first, symbols: known, calendar, walk: Mutex::default() })
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
        let before = sessions.iter().filter(|session| session.date < from).count();
        let left_out = before.saturating_sub(LOOK_BACK);
        let mut walk = self.walk.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out: what fails on its way is begun anew.
        let known = walk.take().filter(|walk| walk.left_out <= left_out);
        let known = known.map_or_else(|| self.begin(), Ok).map_err(error)?;
        let known = walk.insert(known.advanced(&sessions, left_out).map_err(error)?);
        let end = sessions.last().map_or(Timestamp::MIN, |session| session.post_close);
        let symbols = known.generated.iter().map(|generated| SymbolData {
            bars: until(&generated.bars, |bar| bar.start < end),
            halts: until(&generated.halts, |halt| halt.time < end),
            float_shares: Some(generated.float_shares),
            ..SymbolData::new(generated.symbol)
        });
        MarketData::new(symbols.collect())
            .map_err(|error| DaysError::Recorded { corrupt: true, why: error.to_string() })
    }
}

impl Generated {
    /// Stands before the first day.
    fn begin(&self) -> Result<Walk, GenerateError> {
        let config = GeneratorConfig::new(self.seed, self.first);
        let wanted = |symbol| self.symbols.contains(&symbol);
        let (market, generated) = Market::begin(&config, &self.calendar, wanted)?;
        Ok(Walk { market, generated, days: 0, left_out: 0 })
    }
}

impl Walk {
    /// Goes on to the last of the sessions, all from the first day on, and drops the bars of the
    /// first `left_out`.
    fn advanced(mut self, sessions: &[Session], left_out: usize) -> Result<Self, GenerateError> {
        for session in sessions.iter().skip(self.days) {
            self.market.go_on(session, &mut self.generated)?;
            self.days += 1;
        }
        if let Some(oldest) = sessions.get(left_out).filter(|_| left_out > self.left_out) {
            for generated in &mut self.generated {
                let old = generated.bars.partition_point(|bar| bar.start < oldest.pre_open);
                generated.bars.drain(..old);
            }
            self.left_out = left_out;
        }
        Ok(self)
    }
}

/// Returns the first items, as long as they are `within`.
fn until<T: Clone>(items: &[T], within: impl Fn(&T) -> bool) -> Vec<T> {
    items.get(..items.partition_point(within)).unwrap_or_default().to_vec()
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

    /// Going on, going back and a new beginning lead to the same days, those beyond the look-back
    /// left out.
    #[test]
    fn a_walk_is_what_a_new_beginning_is() {
        let wanted = ["SYM3".parse().unwrap()];
        let calendar = Calendar::nyse();
        let sessions: Vec<Session> = {
            let first = calendar.session("2026-11-24".parse().unwrap()).unwrap().unwrap();
            let next = |session: &Session| calendar.next_session(session.date);
            std::iter::successors(Some(first), next).take(LOOK_BACK + 6).collect()
        };
        let walking = market(&wanted).unwrap();
        for at in [0, 1, 4, 2, LOOK_BACK + 2, LOOK_BACK + 5, LOOK_BACK + 3, 3] {
            let date = sessions[at].date;
            let (walked, anew) =
                (walking.load(date, date), market(&wanted).unwrap().load(date, date));
            let (walked, anew) = (walked.unwrap(), anew.unwrap());
            assert_eq!(walked.symbols()[0].bars, anew.symbols()[0].bars, "day {at}");
            assert_eq!(walked.symbols()[0].halts, anew.symbols()[0].halts, "day {at}");
            let bars = &walked.symbols()[0].bars;
            assert!(bars.last().unwrap().start >= sessions[at].pre_open, "day {at}");
            let oldest =
                at.checked_sub(LOOK_BACK).map_or(Timestamp::MIN, |at| sessions[at].pre_open);
            assert!(bars[0].start >= oldest, "day {at}");
        }
    }

    /// The next day is one day, however many went before: what stands is gone on with, and not
    /// begun anew.
    #[test]
    fn the_next_day_is_one_day() {
        const MARK: f64 = 12_345.0;
        let days = market(&["SYM1".parse().unwrap()]).unwrap();
        let calendar = Calendar::nyse();
        let mut session = calendar.session(days.first()).unwrap().unwrap();
        days.load(session.date, session.date).unwrap();
        days.walk.lock().unwrap().as_mut().unwrap().generated[0].float_shares = MARK;
        for day in 2..=6 {
            session = calendar.next_session(session.date).unwrap();
            let data = days.load(session.date, session.date).unwrap();
            assert_eq!(data.symbols()[0].float_shares, Some(MARK), "day {day}");
            let generated = days.walk.lock().unwrap().as_ref().unwrap().generated[0].days.len();
            assert_eq!(generated, day);
        }
    }

    #[test]
    fn unknown_symbols_are_named() {
        let error = market(&["NOPE".parse().unwrap()]).unwrap_err();
        assert!(error.to_string().starts_with("NOPE is no symbol of the generated market"));
    }
}
