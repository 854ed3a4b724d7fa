//! Regulatory and venue fees as dated tables, looked up by trade date (TK, TK7).
//!
//! What a broker adds on top is in [`commission`](super::commission), sums and the broker's own
//! rounding in [`FeeAccount`](super::FeeAccount).
//!
//! Invariant: a fee is exact before its one rounding, half-even to 1e-9 USD.

use super::financing::FinancingRates;
use super::overrides::{self, Line, OverrideError};
use crate::{Cash, Date, Price, Quantity, SCALE, decimal};

/// A table of values by the first trade date on which they hold, ascending, never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Dated<T> {
    rows: Vec<(Date, T, String)>,
}

impl<T: Copy> Dated<T> {
    pub(super) fn new(rows: &[((i16, i8, i8), T)], source: &str) -> Self {
        let date = |(year, month, day)| Date::from_ymd(year, month, day).unwrap_or_default();
        Self {
            rows: rows.iter().map(|&(from, value)| (date(from), value, source.into())).collect(),
        }
    }

    /// Returns the row in force; before the first row that one (TK7).
    #[inline]
    pub(super) fn at(&self, date: Date) -> T {
        let after = self.rows.partition_point(|row| row.0 <= date);
        self.rows[after.saturating_sub(1)].1
    }

    pub(super) fn source(&self, date: Date) -> &str {
        let after = self.rows.partition_point(|row| row.0 <= date);
        &self.rows[after.saturating_sub(1)].2
    }

    pub(super) fn is_before_first(&self, date: Date) -> bool {
        date < self.rows[0].0
    }

    /// Adds a row or takes the place of the one with the same date.
    pub(super) fn set(&mut self, from: Date, value: T, source: String) {
        match self.rows.binary_search_by_key(&from, |row| row.0) {
            Ok(at) => self.rows[at] = (from, value, source),
            Err(at) => self.rows.insert(at, (from, value, source)),
        }
    }
}

/// Returns `a * b` of two values in units of 1e-9, divided by `divisor`, half-even to 1e-9.
/// Saturates: an amount beyond [`Cash`] belongs to no order that passes the gate.
pub(super) fn product(a: i64, b: i64, divisor: i64) -> Cash {
    let numerator = i128::from(a) * i128::from(b);
    let denominator = i128::from(SCALE) * i128::from(divisor);
    let limit = if (a < 0) == (b < 0) { i64::MAX } else { i64::MIN };
    Cash::from_raw(decimal::div_half_even(numerator, denominator).unwrap_or(limit))
}

/// Makes a rate of the tables below from units of 1e-9 USD.
pub(super) const fn nanos(raw: i64) -> Price {
    Price::from_raw(raw)
}

/// Rate per share and cap per trade of FINRA's trading activity fee.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct TafRate {
    per_share: Price,
    cap: Cash,
}

const fn taf_rate(per_share_nanos: i64, cap_cents: i64) -> TafRate {
    let cap = Cash::from_raw(cap_cents * (SCALE / 100));
    TafRate { per_share: nanos(per_share_nanos), cap }
}

/// Fees of the regulators: SEC section 31, FINRA TAF, consolidated audit trail (CAT).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegulatoryFees {
    /// USD per million USD of proceeds.
    sec: Dated<Price>,
    taf: Dated<TafRate>,
    /// USD per share.
    cat: Dated<Price>,
}

impl RegulatoryFees {
    /// Returns the shipped rates (table of trading.md section 8).
    pub fn us() -> Self {
        const CENT: i64 = SCALE / 100;
        let sec = [
            ((2021, 2, 25), nanos(510 * CENT)),
            ((2022, 5, 14), nanos(2_290 * CENT)),
            ((2023, 2, 27), nanos(800 * CENT)),
            ((2024, 5, 22), nanos(2_780 * CENT)),
            ((2025, 5, 14), nanos(0)),
            ((2026, 4, 4), nanos(2_060 * CENT)),
        ];
        let taf = [
            ((2012, 7, 1), taf_rate(119_000, 595)),
            ((2022, 1, 1), taf_rate(130_000, 649)),
            ((2023, 1, 1), taf_rate(145_000, 727)),
            ((2024, 1, 1), taf_rate(166_000, 830)),
            ((2026, 1, 1), taf_rate(195_000, 979)),
        ];
        // The rate changes several times a year and depends on the broker: each year has the
        // highest that is known to have been charged.
        let cat = [
            ((2024, 1, 1), nanos(53_000)),
            ((2025, 1, 1), nanos(26_500)),
            ((2026, 1, 1), nanos(3_000)),
        ];
        Self {
            sec: Dated::new(&sec, "SEC fee rate advisories"),
            taf: Dated::new(&taf, "FINRA By-Laws, Schedule A, section 1"),
            cat: Dated::new(&cat, "CAT funding notices; yearly maximum"),
        }
    }

    /// Returns the SEC fee on the proceeds of a sale, raw (half-even to 1e-9); buys pay none.
    pub fn sec_fee(&self, date: Date, proceeds: Cash) -> Cash {
        product(proceeds.raw(), self.sec.at(date).raw(), 1_000_000)
    }

    /// Returns FINRA's fee on one sale of `quantity` shares, capped per trade; buys pay none.
    pub fn taf(&self, date: Date, quantity: Quantity) -> Cash {
        let rate = self.taf.at(date);
        product(quantity.raw(), rate.per_share.raw(), 1).min(rate.cap)
    }

    /// Returns the audit-trail fee of `quantity` shares, bought or sold.
    pub fn cat(&self, date: Date, quantity: Quantity) -> Cash {
        product(quantity.raw(), self.cat.at(date).raw(), 1)
    }

    /// Returns true when `date` is before the first row of one of the tables, whose oldest row is
    /// used then (TK7: `fees_extrapolated` on the report).
    pub fn extrapolated(&self, date: Date) -> bool {
        self.sec.is_before_first(date)
            || self.taf.is_before_first(date)
            || self.cat.is_before_first(date)
    }
}

/// What an execution did to the order book (TK3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Liquidity {
    /// It took a resting order: the venue charges. Assumed when nobody said otherwise.
    #[default]
    Removed,
    /// It was the resting order: the venue may pay a rebate.
    Added,
}

/// Venue fee per share; negative is a rebate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct VenueRate {
    removed: Price,
    added: Price,
}

/// Fees of the trading venues, which plans with "cost plus" pricing pass on (TK3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VenueFees {
    rates: Dated<VenueRate>,
}

impl VenueFees {
    /// Returns the shipped rates: the access-fee cap of 0.0030 a share for taking and no rebate
    /// for making, the dearest case. The amended cap of 0.0010 is not in it, because its
    /// compliance date was postponed; it is one line of an override.
    pub fn us() -> Self {
        let rate = VenueRate { removed: nanos(3_000_000), added: nanos(0) };
        Self { rates: Dated::new(&[((2007, 8, 20), rate)], "Regulation NMS, rule 610(c)") }
    }

    /// Returns the venue's fee for one execution; a rebate is negative. Below 1 USD the cap is the
    /// same number as a fraction of the price.
    pub fn fee(&self, date: Date, quantity: Quantity, price: Price, liquidity: Liquidity) -> Cash {
        let rate = self.rates.at(date);
        let per_share = match liquidity {
            Liquidity::Removed => rate.removed,
            Liquidity::Added => rate.added,
        };
        let base = price.raw().clamp(0, SCALE);
        if base == SCALE {
            return product(quantity.raw(), per_share.raw(), 1);
        }
        let value = Price::from_raw(base).notional(quantity).unwrap_or_default();
        product(value.raw(), per_share.raw(), 1)
    }

    /// Returns true when `date` is before the first row (TK7).
    pub fn extrapolated(&self, date: Date) -> bool {
        self.rates.is_before_first(date)
    }
}

/// All fee tables of the exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeeSchedule {
    /// SEC, TAF and CAT.
    pub regulatory: RegulatoryFees,
    /// Venues' fees and rebates.
    pub venue: VenueFees,
    /// Borrow and interest.
    pub financing: FinancingRates,
}

impl FeeSchedule {
    /// Returns the shipped tables.
    pub fn us() -> Self {
        Self {
            regulatory: RegulatoryFees::us(),
            venue: VenueFees::us(),
            financing: FinancingRates::us(),
        }
    }

    /// Returns the tables with an operator's rows added; a row with the date of an existing one
    /// takes its place.
    ///
    /// One row a line: the fee, the first trade date, the values, and where they are from.
    /// ```text
    /// sec   2027-05-01 22.90           "SEC advisory 2027-1"   # USD per million of proceeds
    /// taf   2027-01-01 0.000232 11.61  "FINRA notice 26-99"    # USD per share, cap per trade
    /// cat   2026-07-01 0.000004        "broker's statement"    # USD per share
    /// venue 2027-11-01 0.0010 -0.0002  "Regulation NMS"        # USD per share: taking, making
    /// benchmark 2027-01-28 3.50        "FOMC statement"        # percent a year (TK6)
    /// spread    2027-01-01 1.50        "broker's price list"   # percent a year (TK6)
    /// borrow    2027-01-01 0.25        "broker's price list"   # percent a year (TK5)
    /// borrow    2027-01-04 18.5 GME    "broker's short list"   # of one symbol
    /// ```
    /// A refused line refuses the whole text.
    pub fn with_overrides(mut self, text: &str) -> Result<Self, OverrideError> {
        for line in overrides::lines(text)? {
            self.set_row(&line)?;
        }
        Ok(self)
    }

    /// Returns where the rates in force on `date` are from: SEC, TAF, CAT, venue, benchmark, spread,
    /// borrow.
    pub fn sources(&self, date: Date) -> [&str; 7] {
        let [benchmark, spread, borrow] = self.financing.sources(date);
        let regulatory = &self.regulatory;
        [
            regulatory.sec.source(date),
            regulatory.taf.source(date),
            regulatory.cat.source(date),
            self.venue.rates.source(date),
            benchmark,
            spread,
            borrow,
        ]
    }

    fn set_row(&mut self, line: &Line) -> Result<(), OverrideError> {
        const RATE: &str = "a rate such as 0.000195, not negative";
        let kind = line.words[0].as_str();
        if matches!(kind, "benchmark" | "spread" | "borrow") {
            return self.financing.set_row(kind, line);
        }
        let values = match kind {
            "sec" | "cat" => 1,
            "taf" | "venue" => 2,
            _ => return Err(line.error(kind, "sec, taf, cat, venue, benchmark, spread or borrow")),
        };
        if line.words.len() != 3 + values || line.words[2 + values].is_empty() {
            let form = ["FROM RATE \"source\"", "FROM RATE RATE \"source\""][values - 1];
            return Err(line.error_of_line(format_args!("{kind} {form}")));
        }
        let from: Date = line.parse(1, "a date such as 2027-01-01")?;
        let rate: Price = line.parse(2, RATE)?;
        if rate < Price::ZERO {
            return Err(line.error(&line.words[2], RATE));
        }
        let source = line.words[2 + values].clone();
        match kind {
            "sec" => self.regulatory.sec.set(from, rate, source),
            "cat" => self.regulatory.cat.set(from, rate, source),
            "taf" => {
                let cap: Cash = line.parse(3, "a cap in USD such as 9.79")?;
                if !cap.is_positive() {
                    return Err(line.error(&line.words[3], "a cap above 0"));
                }
                self.regulatory.taf.set(from, TafRate { per_share: rate, cap }, source);
            }
            _ => {
                let added = line.parse(3, "a fee per share, negative for a rebate")?;
                self.venue.rates.set(from, VenueRate { removed: rate, added }, source);
            }
        }
        Ok(())
    }
}
