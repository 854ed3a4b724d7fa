//! What a night costs: borrowed shares and borrowed money, as dated tables (TK5, TK6).
//!
//! Which shares are short and which cash is owed overnight is the broker's matter; here are only
//! the rates and the two formulas.
//!
//! Invariant: a charge is exact before its one rounding, half-even to 1e-9 USD; never negative.

use super::fees::{Dated, product};
use super::overrides::{Line, OverrideError};
use crate::{Cash, Date, Price, Quantity, SCALE, Symbol};

/// Days of the money market's year, in both formulas.
const YEAR_DAYS: i64 = 360;
/// Cash that must be deposited for borrowed shares: 102 % of the close, up to the next dollar.
const COLLATERAL_PERCENT: i128 = 102;

/// A rate in percent a year, in units of 1e-9.
type Percent = Price;

/// Rates of borrow and interest by the day on which they hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FinancingRates {
    benchmark: Dated<Percent>,
    spread: Dated<Percent>,
    borrow: Dated<Percent>,
    /// Rates of single symbols, ascending by ticker.
    special: Vec<(Symbol, Dated<Percent>)>,
}

const fn percent(hundredths: i64) -> Percent {
    Price::from_raw(hundredths * (SCALE / 100))
}

impl FinancingRates {
    /// Returns the shipped rates. They are the dear side of what is published: the upper limit of
    /// the Federal Reserve's target range, the spread of Interactive Brokers' smallest balances,
    /// and its usual rate for shares that are easy to borrow. Shares that are hard to borrow need
    /// a row of their own from the broker's list.
    pub fn us() -> Self {
        const SOURCE: &str = "Federal Reserve, target range of the federal funds rate, upper limit";
        let benchmark = [
            ((2008, 12, 16), percent(25)),
            ((2015, 12, 17), percent(50)),
            ((2016, 12, 15), percent(75)),
            ((2017, 3, 16), percent(100)),
            ((2017, 6, 15), percent(125)),
            ((2017, 12, 14), percent(150)),
            ((2018, 3, 22), percent(175)),
            ((2018, 6, 14), percent(200)),
            ((2018, 9, 27), percent(225)),
            ((2018, 12, 20), percent(250)),
            ((2019, 8, 1), percent(225)),
            ((2019, 9, 19), percent(200)),
            ((2019, 10, 31), percent(175)),
            ((2020, 3, 4), percent(125)),
            ((2020, 3, 16), percent(25)),
            ((2022, 3, 17), percent(50)),
            ((2022, 5, 5), percent(100)),
            ((2022, 6, 16), percent(175)),
            ((2022, 7, 28), percent(250)),
            ((2022, 9, 22), percent(325)),
            ((2022, 11, 3), percent(400)),
            ((2022, 12, 15), percent(450)),
            ((2023, 2, 2), percent(475)),
            ((2023, 3, 23), percent(500)),
            ((2023, 5, 4), percent(525)),
            ((2023, 7, 27), percent(550)),
            ((2024, 9, 19), percent(500)),
            ((2024, 11, 8), percent(475)),
            ((2024, 12, 19), percent(450)),
            ((2025, 9, 18), percent(425)),
            ((2025, 10, 30), percent(400)),
            ((2025, 12, 11), percent(375)),
        ];
        let since = (2008, 12, 16);
        Self {
            benchmark: Dated::new(&benchmark, SOURCE),
            spread: Dated::new(
                &[(since, percent(150))],
                "Interactive Brokers Pro, margin rates, up to 100,000 USD",
            ),
            borrow: Dated::new(
                &[(since, percent(25))],
                "Interactive Brokers, usual rate of shares that are easy to borrow",
            ),
            special: Vec::new(),
        }
    }

    /// Returns what borrowing `quantity` shares costs for `days` calendar days from `date`, given
    /// the close of that day (TK5): `ceil(1.02 * close)` dollars a share, times rate, over 360.
    pub fn borrow(
        &self,
        date: Date,
        symbol: Option<Symbol>,
        quantity: Quantity,
        close: Price,
        days: u32,
    ) -> Cash {
        let base = i128::from(close.raw().max(0)) * COLLATERAL_PERCENT;
        let hundred_dollars = i128::from(SCALE) * 100;
        let dollars = (base + hundred_dollars - 1) / hundred_dollars;
        let collateral = i64::try_from(dollars * i128::from(SCALE)).unwrap_or(i64::MAX);
        let value = Price::from_raw(collateral).notional(quantity.abs());
        interest(value.unwrap_or(Cash::from_raw(i64::MAX)), self.rate_of(date, symbol), days)
    }

    /// Returns the interest on `debit`, the cash owed, for `days` calendar days from `date` (TK6);
    /// none when nothing is owed.
    pub fn margin_interest(&self, date: Date, debit: Cash, days: u32) -> Cash {
        interest(debit, self.benchmark.at(date).plus(self.spread.at(date)), days)
    }

    /// Returns true when `date` is before the first row of one of the tables (TK7).
    pub fn extrapolated(&self, date: Date) -> bool {
        [&self.benchmark, &self.spread, &self.borrow]
            .iter()
            .any(|table| table.is_before_first(date))
    }

    fn rate_of(&self, date: Date, symbol: Option<Symbol>) -> Percent {
        let special = symbol.and_then(|symbol| self.table_of(symbol).ok());
        match special.and_then(|at| self.special.get(at)) {
            Some((_, table)) if !table.is_before_first(date) => table.at(date),
            _ => self.borrow.at(date),
        }
    }

    fn table_of(&self, symbol: Symbol) -> Result<usize, usize> {
        self.special.binary_search_by_key(&symbol, |(of, _)| *of)
    }

    pub(super) fn sources(&self, date: Date) -> [&str; 3] {
        [self.benchmark.source(date), self.spread.source(date), self.borrow.source(date)]
    }

    /// Takes an operator's row in: `benchmark | spread FROM PERCENT "source"`, or
    /// `borrow FROM PERCENT [SYMBOL] "source"`.
    pub(super) fn set_row(&mut self, kind: &str, line: &Line) -> Result<(), OverrideError> {
        const RATE: &str = "a rate in percent a year such as 5.33, from 0 to 1000";
        let symbol_given = kind == "borrow" && line.words.len() == 5;
        if line.words.len() != 4 + usize::from(symbol_given)
            || line.words.last().is_none_or(String::is_empty)
        {
            let symbol = if kind == "borrow" { "[SYMBOL] " } else { "" };
            return Err(line.error_of_line(format_args!("{kind} FROM PERCENT {symbol}\"source\"")));
        }
        let from: Date = line.parse(1, "a date such as 2027-01-01")?;
        let rate: Price = line.parse(2, RATE)?;
        if !(0..=1_000 * SCALE).contains(&rate.raw()) {
            return Err(line.error(&line.words[2], RATE));
        }
        let source = line.words.last().cloned().unwrap_or_default();
        match kind {
            "benchmark" => self.benchmark.set(from, rate, source),
            "spread" => self.spread.set(from, rate, source),
            _ if symbol_given => {
                let symbol: Symbol = line.parse(3, "a ticker such as GME")?;
                match self.table_of(symbol) {
                    Ok(at) => self.special[at].1.set(from, rate, source),
                    Err(at) => {
                        let (year, month, day) = from.ymd();
                        let table = Dated::new(&[((year, month, day), rate)], &source);
                        self.special.insert(at, (symbol, table));
                    }
                }
            }
            _ => self.borrow.set(from, rate, source),
        }
        Ok(())
    }
}

/// Returns `amount * percent / 100 * days / 360`; none of an amount that is not above zero.
fn interest(amount: Cash, percent: Percent, days: u32) -> Cash {
    if !amount.is_positive() {
        return Cash::ZERO;
    }
    product(amount.raw(), percent.raw().saturating_mul(i64::from(days)), 100 * YEAR_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// TK5: 102 % of the close, up to the next dollar; per calendar day over 360.
    #[test]
    fn borrow_is_charged_on_rounded_collateral() {
        let rates = FinancingRates::us();
        let fee = |close: &str, days| {
            let quantity = Quantity::from_shares(-1_000).unwrap();
            rates.borrow(date("2026-06-05"), None, quantity, close.parse().unwrap(), days)
        };
        // 50.00 * 1.02 = 51.00 stays, one cent more makes 52: * 1000 * 0.25 % / 360.
        assert_eq!(fee("50.00", 1).to_string(), "0.354166667");
        assert_eq!(fee("50.01", 1).to_string(), "0.361111111");
        assert_eq!(fee("50.00", 3).to_string(), "1.0625", "three days over a weekend");
    }

    /// TK6: benchmark and spread of the day, over 360; nothing without a debit.
    #[test]
    fn interest_follows_the_dated_benchmark() {
        let rates = FinancingRates::us();
        let on = |day: &str, dollars| {
            let debit = Cash::from_dollars(dollars).unwrap();
            rates.margin_interest(date(day), debit, 1).to_string()
        };
        // 36,000 USD: 7.00 % until 2024-09-18, 6.50 % from the 19th.
        assert_eq!(
            (on("2024-09-18", 36_000), on("2024-09-19", 36_000)),
            ("7.00".into(), "6.50".into())
        );
        assert_eq!((on("2024-09-18", 0), on("2024-09-18", -5)), ("0.00".into(), "0.00".into()));
        assert!(rates.extrapolated(date("2008-12-15")) && !rates.extrapolated(date("2008-12-16")));
    }
}
