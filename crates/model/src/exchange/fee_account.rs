//! The costs of one account: what each fill is charged, the month's volume, and the rounding of a
//! day (TK1, TK3, TK4, TK7).
//!
//! Booking the amounts is the ledger's work; borrow, interest and data fees are not per fill and
//! not here (TK5, TK6, TK8).
//!
//! Invariant: fees of fills stay raw; what a broker's rounding adds appears once a day, apart.

use super::{CommissionPlan, FeeSchedule, FinancingRates, Liquidity, OrderCommission};
use crate::{Cash, Date, Price, Quantity, Side, decimal};

/// Clearing of tiered plans, per share (TK3): 0.00020 USD.
const CLEARING_RATE: Price = Price::from_raw(200_000);
/// Pass-throughs of tiered plans as parts of the commission, in 1e-6: 0.000175 and 0.00056 (TK3).
const PASS_THROUGH_PPM: i128 = 175 + 560;

/// The costs of one fill, each raw (half-even to 1e-9).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FillCharges {
    /// What the fill adds to its order's commission (TK4).
    pub commission: Cash,
    /// SEC section 31 fee, on sales.
    pub sec: Cash,
    /// FINRA trading activity fee, on sales.
    pub taf: Cash,
    /// Consolidated audit trail fee.
    pub cat: Cash,
    /// Clearing, on tiered plans.
    pub clearing: Cash,
    /// Fee of the venue on tiered plans; negative is a rebate.
    pub venue: Cash,
    /// Small parts of the commission that tiered plans pass through.
    pub pass_through: Cash,
}

impl FillCharges {
    /// Returns the sum.
    pub fn total(&self) -> Cash {
        let parts = [self.sec, self.taf, self.cat, self.clearing, self.venue, self.pass_through];
        parts.into_iter().fold(self.commission, Cash::plus)
    }
}

/// One execution to be charged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Execution {
    /// Trade date, which selects the rates (TK).
    pub date: Date,
    /// Side of the execution; short sales pay as sales.
    pub side: Side,
    /// Shares, above zero.
    pub quantity: Quantity,
    /// Price, above zero.
    pub price: Price,
    /// What it did to the order book; only tiered plans read it.
    pub liquidity: Liquidity,
}

/// The running costs of one account under one plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeeAccount {
    plan: CommissionPlan,
    schedule: FeeSchedule,
    /// Trade date of the newest fill; its month is the one of `month_volume`.
    last_date: Option<Date>,
    month_volume: Quantity,
    day: Option<Date>,
    /// SEC, TAF and CAT of `day`, raw.
    day_fees: [Cash; 3],
    /// Rounding of earlier days that nobody closed.
    unbooked_rounding: Cash,
    extrapolated: bool,
}

// Plan and schedule are settings: who restores an account brings them.
crate::record!(FeeAccount {
    1: last_date,
    2: month_volume,
    3: day,
    4: day_fees,
    5: unbooked_rounding,
    6: extrapolated,
});

impl FeeAccount {
    /// Opens an account that has not traded this month.
    pub fn new(plan: CommissionPlan, schedule: FeeSchedule) -> Self {
        Self {
            plan,
            schedule,
            last_date: None,
            month_volume: Quantity::ZERO,
            day: None,
            day_fees: [Cash::ZERO; 3],
            unbooked_rounding: Cash::ZERO,
            extrapolated: false,
        }
    }

    /// Returns the plan.
    pub const fn plan(&self) -> CommissionPlan {
        self.plan
    }

    /// Charges one fill of the order that `order` belongs to; fills come in order of trade date.
    pub fn charge(&mut self, order: &mut OrderCommission, fill: &Execution) -> FillCharges {
        if !fill.quantity.is_positive() || !fill.price.is_positive() {
            return FillCharges::default();
        }
        let mut charges = FillCharges {
            commission: order.add(
                self.plan,
                self.month_volume_on(fill.date),
                fill.quantity,
                fill.price,
            ),
            ..FillCharges::default()
        };
        self.month_volume = self.month_volume.plus(fill.quantity);
        if self.plan == CommissionPlan::IbkrTiered {
            self.add_tiered(fill, &mut charges);
        }
        if self.plan.charges_regulatory_fees() {
            self.add_regulatory(fill, &mut charges);
        }
        charges
    }

    /// Returns the dated rates of borrow and interest when the plan charges them (TK5, TK6).
    pub fn financing(&self) -> Option<&FinancingRates> {
        self.plan.charges_financing().then_some(&self.schedule.financing)
    }

    /// Notes that financing was charged on `date`, for [`extrapolated`](Self::extrapolated).
    pub fn note_financing(&mut self, date: Date) {
        self.extrapolated |= self.schedule.financing.extrapolated(date);
    }

    /// Ends the trade date: returns what the broker's rounding adds to the day's raw fees, an
    /// entry of its own named `fee_rounding` (TK7). Zero for brokers that do not round.
    pub fn close_day(&mut self) -> Cash {
        self.roll_day(None);
        std::mem::take(&mut self.unbooked_rounding)
    }

    /// Returns true when a fill so far was charged by a table's first row although its date is
    /// before it (TK7: `fees_extrapolated`).
    pub const fn extrapolated(&self) -> bool {
        self.extrapolated
    }

    fn month_volume_on(&mut self, date: Date) -> Quantity {
        let month = |date: Date| (date.ymd().0, date.ymd().1);
        if self.last_date != Some(date) {
            if self.last_date.map(month) != Some(month(date)) {
                self.month_volume = Quantity::ZERO;
            }
            self.last_date = Some(date);
        }
        self.month_volume
    }

    fn add_tiered(&mut self, fill: &Execution, charges: &mut FillCharges) {
        let venue = &self.schedule.venue;
        charges.clearing = CLEARING_RATE.notional(fill.quantity).unwrap_or_default();
        charges.venue = venue.fee(fill.date, fill.quantity, fill.price, fill.liquidity);
        let parts = i128::from(charges.commission.raw()) * PASS_THROUGH_PPM;
        let raw = decimal::div_half_even(parts, 1_000_000).unwrap_or_default();
        charges.pass_through = Cash::from_raw(raw);
        self.extrapolated |= venue.extrapolated(fill.date);
    }

    fn add_regulatory(&mut self, fill: &Execution, charges: &mut FillCharges) {
        let fees = &self.schedule.regulatory;
        charges.cat = fees.cat(fill.date, fill.quantity);
        if !fill.side.is_buy() {
            let proceeds = fill.price.notional(fill.quantity).unwrap_or(Cash::from_raw(i64::MAX));
            charges.sec = fees.sec_fee(fill.date, proceeds);
            charges.taf = fees.taf(fill.date, fill.quantity);
        }
        self.extrapolated |= fees.extrapolated(fill.date);
        self.roll_day(Some(fill.date));
        let parts = [charges.sec, charges.taf, charges.cat];
        for (sum, fee) in self.day_fees.iter_mut().zip(parts) {
            *sum = sum.plus(fee);
        }
    }

    /// Moves on to another day; the rounding of the one that ends is kept for `close_day`.
    fn roll_day(&mut self, next: Option<Date>) {
        if self.day == next {
            return;
        }
        self.day = next;
        for sum in std::mem::take(&mut self.day_fees) {
            // TK1: Alpaca rounds each fee's day total up to the cent; the others charge raw.
            if self.plan == CommissionPlan::Alpaca {
                let rounding = sum.ceil_to_cents().minus(sum);
                self.unbooked_rounding = self.unbooked_rounding.plus(rounding);
            }
        }
    }
}
