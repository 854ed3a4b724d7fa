//! The account: cash, cost of positions, realised result, fees. Integer, double entry.
//!
//! Positions by strategy live in [`Books`](crate::Books); the ledger keeps the account's sums.
//! Invariants: I11 (the change of cash of a fill is minus its signed value minus its fee,
//! exactly) and the sum of all accounts is zero.

mod lots;
mod unsettled;

use model::{Cash, ChargeKind, Date, Quantity, SplitRatio, SymbolId, record};

pub use lots::{ClosedLot, Lot, LotFill, Lots, SymbolLots, WASH_DAYS, YearTotals};
pub use unsettled::Unsettled;

/// The account's sums.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    capital: Cash,
    cash: Cash,
    inventory: Cash,
    realised: Cash,
    fees: Cash,
    charges: [Cash; ChargeKind::COUNT],
    dividends: Cash,
    lots: Lots,
    unsettled: Unsettled,
}

/// What a set of fills did to the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Signed cash flow before fees.
    pub flow: Cash,
    /// Cost of what is held: positive for long, negative for short.
    pub cost: Cash,
    /// Fees.
    pub fees: Cash,
}

impl Totals {
    /// Returns both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            flow: self.flow.plus(other.flow),
            cost: self.cost.plus(other.cost),
            fees: self.fees.plus(other.fees),
        }
    }

    /// Returns what has to be added to `before` to get this.
    pub fn since(self, before: Self) -> Self {
        Self {
            flow: self.flow.minus(before.flow),
            cost: self.cost.minus(before.cost),
            fees: self.fees.minus(before.fees),
        }
    }
}

impl Ledger {
    /// Opens an account with a deposit.
    pub fn new(deposit: Cash) -> Self {
        Self { capital: deposit, cash: deposit, ..Self::default() }
    }

    /// Books what fills changed: the signed cash flow before fees (negative when buying), the
    /// cost of what is held, and what is paid beside it.
    ///
    /// The realised result is what is left: flow plus change of cost.
    pub fn book(&mut self, change: Totals) {
        let Totals { flow, cost, fees } = change;
        self.cash = self.cash.plus(flow).minus(fees);
        self.inventory = self.inventory.plus(cost);
        self.realised = self.realised.plus(flow).plus(cost);
        self.fees = self.fees.plus(fees);
    }

    /// Books a dividend received; negative when it is paid, on a short position (F27).
    pub fn book_dividend(&mut self, amount: Cash) {
        self.cash = self.cash.plus(amount);
        self.dividends = self.dividends.plus(amount);
    }

    /// Restates the tax lots of a symbol after a split; `held` are all its shares then (F27).
    pub fn restate_lots(&mut self, symbol: SymbolId, ratio: SplitRatio, held: Quantity) {
        self.lots.restate(symbol, ratio, held);
    }

    /// Begins a session, whose trades settle on `settles` (TC6, TC8).
    pub fn begin_day(&mut self, session: Date, settles: Option<Date>) {
        self.lots.begin_day(session);
        self.unsettled.begin_day(session, settles);
    }

    /// Takes an execution in once, whatever position it belongs to: tax lots and settlement follow
    /// the account alone (C25, C26).
    pub fn note_execution(&mut self, fill: &LotFill) {
        self.lots.book(fill);
        if !fill.side.is_buy() {
            self.unsettled.add(fill.value.minus(fill.fee));
        }
    }

    /// Takes an execution back that never was (F12).
    pub fn take_back(&mut self, fill: &LotFill) {
        self.lots.take_back(fill);
        if !fill.side.is_buy() {
            self.unsettled.add(fill.fee.minus(fill.value));
        }
    }

    /// Returns the tax lots (C26).
    pub fn lots(&self) -> &Lots {
        &self.lots
    }

    /// Returns the part of the executions' cash that is in no tax lot, which is zero (I11).
    pub fn lots_balance(&self) -> Cash {
        let charged: Cash = self.charges.iter().copied().sum();
        let other = self.capital.plus(self.dividends);
        self.cash.minus(other).plus(charged).minus(self.lots.cash())
    }

    /// Returns the cash that has settled: all that a cash account may spend (C25).
    pub fn settled_cash(&self) -> Cash {
        self.cash.minus(self.unsettled.sum())
    }

    /// Books what is brought in, or taken out when negative: it is capital, not a result.
    pub fn deposit(&mut self, amount: Cash) {
        self.cash = self.cash.plus(amount);
        self.capital = self.capital.plus(amount);
    }

    /// Books a charge that belongs to no fill (TK5-TK8): it is a fee, and kept by kind.
    pub fn book_charge(&mut self, kind: ChargeKind, amount: Cash) {
        self.cash = self.cash.minus(amount);
        self.fees = self.fees.plus(amount);
        if let Some(sum) = self.charges.get_mut(kind as usize) {
            *sum = sum.plus(amount);
        }
    }

    /// Returns the cash.
    pub fn cash(&self) -> Cash {
        self.cash
    }

    /// Returns the cost of the open positions: positive for long, negative for short ones.
    pub fn inventory(&self) -> Cash {
        self.inventory
    }

    /// Returns the realised result before fees.
    pub fn realised(&self) -> Cash {
        self.realised
    }

    /// Returns the dividends received less those paid.
    pub fn dividends(&self) -> Cash {
        self.dividends
    }

    /// Returns what was charged of a kind.
    pub fn charged(&self, kind: ChargeKind) -> Cash {
        self.charges.get(kind as usize).copied().unwrap_or_default()
    }

    /// Returns all fees paid: those of fills and all charges.
    pub fn fees(&self) -> Cash {
        self.fees
    }

    /// Returns the sum of all accounts, which is zero (I11).
    pub fn balance(&self) -> Cash {
        let assets = self.cash.plus(self.inventory).plus(self.fees);
        let sources = [self.capital, self.realised, self.dividends];
        assets.minus(sources.into_iter().sum())
    }
}

record!(Ledger {
    1: capital,
    2: cash,
    3: inventory,
    4: realised,
    5: fees,
    6: charges,
    7: lots,
    8: unsettled,
    9: dividends,
});
record!(Totals { 1: flow, 2: cost, 3: fees });

#[cfg(test)]
mod tests {
    use super::*;

    /// I11: buy 100 at 10.00, sell 100 at 10.50, one dollar each.
    #[test]
    fn the_books_balance() {
        let dollars = |d| Cash::from_dollars(d).unwrap();
        let mut ledger = Ledger::new(dollars(5_000));
        let change = |flow, cost, fees| Totals {
            flow: dollars(flow),
            cost: dollars(cost),
            fees: dollars(fees),
        };
        ledger.book(change(-1_000, 1_000, 1));
        assert_eq!((ledger.cash(), ledger.balance()), (dollars(3_999), Cash::ZERO));
        ledger.book(change(1_050, -1_000, 1));
        assert_eq!((ledger.realised(), ledger.fees()), (dollars(50), dollars(2)));
        assert_eq!((ledger.cash(), ledger.inventory()), (dollars(5_048), Cash::ZERO));
        ledger.book_charge(ChargeKind::ShortBorrow, Cash::from_raw(5));
        assert_eq!(ledger.charged(ChargeKind::ShortBorrow), Cash::from_raw(5));
        assert_eq!(ledger.charged(ChargeKind::MarginInterest), Cash::ZERO);
        assert_eq!(ledger.fees(), dollars(2).plus(Cash::from_raw(5)));
        assert_eq!(ledger.balance(), Cash::ZERO);
    }
}
