//! Minimum price increments by symbol and date, and passive rounding to them (TB11, C05).
//!
//! Invariant: rounding for an order never makes it more aggressive: a limit pays no more and asks
//! no less, a stop triggers no nearer to the market.

use super::overrides::{self, OverrideError};
use crate::{Date, Price, Rounding, SCALE, Side, Symbol};

const DOLLAR: Price = Price::from_raw(SCALE);
const CENT: Price = Price::from_raw(SCALE / 100);
const HUNDREDTH_CENT: Price = Price::from_raw(SCALE / 10_000);

/// An increment assigned to one symbol for a range of dates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Assignment {
    symbol: Symbol,
    from: Date,
    /// First date on which it no longer holds.
    until: Option<Date>,
    tick: Price,
}

/// The increments of all symbols.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TickTable {
    /// Sorted by symbol and `from`; empty as shipped.
    assignments: Vec<Assignment>,
}

impl TickTable {
    /// Returns the shipped table: 0.01 from 1 USD and 0.0001 below, for every symbol and date.
    ///
    /// No symbol has 0.005: the rule that assigns it had its compliance date postponed. Assigned
    /// symbols are added with [`assign`](Self::assign) or [`with_overrides`](Self::with_overrides).
    pub fn us() -> Self {
        Self::default()
    }

    /// Assigns `tick` to a symbol from 1 USD on, from the date `from` until the day before
    /// `until`; the newest assignment in force on a date holds. Ignored when `tick` is not
    /// positive.
    pub fn assign(&mut self, symbol: Symbol, from: Date, until: Option<Date>, tick: Price) {
        if !tick.is_positive() {
            return;
        }
        let at = self.assignments.partition_point(|row| (row.symbol, row.from) <= (symbol, from));
        self.assignments.insert(at, Assignment { symbol, from, until, tick });
    }

    /// Returns the table with an operator's assignments added.
    ///
    /// One a line, `SYMBOL FROM [UNTIL] TICK`, `UNTIL` being the first date on which it no longer
    /// holds: `AAPL 2027-11-01 2028-05-01 0.005`. A refused line refuses the whole text.
    pub fn with_overrides(mut self, text: &str) -> Result<Self, OverrideError> {
        const DATE: &str = "a date such as 2027-11-01";
        for line in overrides::lines(text)? {
            if !(3..=4).contains(&line.words.len()) {
                return Err(line.error_of_line("SYMBOL FROM [UNTIL] TICK"));
            }
            let symbol = line.parse(0, "a ticker such as AAPL")?;
            let from: Date = line.parse(1, DATE)?;
            let until = if line.words.len() == 4 { Some(line.parse(2, DATE)?) } else { None };
            if until.is_some_and(|until: Date| until <= from) {
                return Err(line.error(&line.words[2], format_args!("a date after {from}")));
            }
            let last = line.words.len() - 1;
            let expected = "an increment above 0 and up to 1, such as 0.005";
            let tick: Price = line.parse(last, expected)?;
            if !tick.is_positive() || tick > DOLLAR {
                return Err(line.error(&line.words[last], expected));
            }
            self.assign(symbol, from, until, tick);
        }
        Ok(self)
    }

    /// Returns true when no symbol has an increment of its own on any date.
    #[inline]
    pub fn is_general(&self) -> bool {
        self.assignments.is_empty()
    }

    /// Returns the increment of `symbol` on `date` at `price`.
    #[inline]
    pub fn tick(&self, symbol: Symbol, date: Date, price: Price) -> Price {
        if price < DOLLAR {
            return HUNDREDTH_CENT;
        }
        if self.assignments.is_empty() { CENT } else { self.assigned(symbol, date) }
    }

    fn assigned(&self, symbol: Symbol, date: Date) -> Price {
        let end = self.assignments.partition_point(|row| (row.symbol, row.from) <= (symbol, date));
        let earlier = self.assignments[..end].iter().rev();
        let in_force = earlier
            .take_while(|row| row.symbol == symbol)
            .find(|row| row.until.is_none_or(|until| date < until));
        in_force.map_or(CENT, |row| row.tick)
    }

    /// Rounds the limit price of an order, targets included: a buy down, a sell up.
    #[inline]
    pub fn round_limit(&self, symbol: Symbol, date: Date, side: Side, price: Price) -> Price {
        let rounding = if side.is_buy() { Rounding::Down } else { Rounding::Up };
        price.round_to(self.tick(symbol, date, price), rounding)
    }

    /// Rounds the trigger of a stop order away from the market: a buy up, a sell down.
    #[inline]
    pub fn round_stop(&self, symbol: Symbol, date: Date, side: Side, price: Price) -> Price {
        let rounding = if side.is_buy() { Rounding::Up } else { Rounding::Down };
        price.round_to(self.tick(symbol, date, price), rounding)
    }

    /// Returns true when `price` is a price that an order may have: above zero and on the grid.
    #[inline]
    pub fn is_valid(&self, symbol: Symbol, date: Date, price: Price) -> bool {
        price.is_positive() && price.is_on(self.tick(symbol, date, price))
    }
}
