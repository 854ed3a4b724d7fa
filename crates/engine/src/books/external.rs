//! What no plan of ours explains: fills beyond a position, on the wrong side, on orders that are
//! not ours or long forgotten (F18, F19).
//!
//! It is part of the account (I3) and counts against its limits (I5); nothing here is ever traded
//! by itself: an operator claims it or the broker takes it back.

use model::{BrokerId, Cash, ExecId, Price, Quantity, SplitRatio, SymbolId, record};

use crate::ledger::Totals;
use crate::order_manager::BookedFill;

/// What is held in a symbol at a broker without a plan.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct External {
    /// Where it is held.
    pub broker: BrokerId,
    /// What is held.
    pub symbol: SymbolId,
    /// Shares, negative for a short position.
    pub quantity: Quantity,
    /// What its fills did to the account; the cost is that of the shares held.
    totals: Totals,
    /// Its fills, in the order in which they were booked.
    fills: Vec<BookedFill>,
}

impl External {
    /// Makes an empty one.
    pub fn new(broker: BrokerId, symbol: SymbolId) -> Self {
        Self { broker, symbol, ..Self::default() }
    }

    /// Returns what its fills did to the account.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Returns its value at `mark`, signed like the quantity; at cost when there is no mark.
    pub fn value_at(&self, mark: Price) -> Cash {
        let at_mark = mark.notional(self.quantity).filter(|_| mark.is_positive());
        at_mark.unwrap_or(self.totals.cost)
    }

    /// Returns its fills.
    pub fn fills(&self) -> &[BookedFill] {
        &self.fills
    }

    /// Returns true when the execution was booked here.
    pub fn knows(&self, id: ExecId) -> bool {
        self.fills.iter().any(|booked| booked.split.is_none() && booked.exec_id == id)
    }

    /// Books a fill.
    pub fn book(&mut self, booked: BookedFill) {
        if let Some(ratio) = booked.split {
            self.book_split(booked, ratio);
            return;
        }
        let fill = &booked.fill;
        let value = booked.value();
        let signed = if fill.side.is_buy() { value } else { value.negated() };
        let change = if fill.side.is_buy() { fill.quantity } else { fill.quantity.negated() };
        let reduces = self.quantity.raw().signum() * change.raw().signum() < 0;
        let cost = if reduces {
            let within = fill.quantity.min(self.quantity.abs());
            let part = self.totals.cost.share_of(within, self.quantity.abs());
            let rest = signed.share_of(fill.quantity.minus(within), fill.quantity);
            // What goes through zero is held at its own price.
            rest.unwrap_or(Cash::ZERO).minus(part.unwrap_or(self.totals.cost))
        } else {
            signed
        };
        self.quantity = self.quantity.plus(change);
        self.totals = self.totals.plus(Totals { flow: signed.negated(), cost, fees: fill.fee });
        self.fills.push(booked);
    }

    /// Restates the shares in those after a split: values stay (F27).
    fn book_split(&mut self, booked: BookedFill, ratio: SplitRatio) {
        if !self.fills.is_empty() {
            self.quantity = ratio.quantity(self.quantity);
            self.fills.push(booked);
        }
    }

    /// Takes the fills out that `which` names and books the others anew.
    pub fn take(&mut self, which: impl Fn(&BookedFill) -> bool) -> Vec<BookedFill> {
        if !self.fills.iter().any(&which) {
            return Vec::new();
        }
        let (taken, kept) = std::mem::take(&mut self.fills).into_iter().partition(which);
        let kept: Vec<BookedFill> = kept;
        *self = Self::new(self.broker, self.symbol);
        kept.into_iter().for_each(|booked| self.book(booked));
        taken
    }
}

record!(External { 1: broker, 2: symbol, 3: quantity, 4: totals, 5: fills });

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Side, TradeFill};

    fn fill(id: u64, side: Side, shares: i64, price: &str) -> BookedFill {
        let fill = TradeFill {
            side,
            quantity: Quantity::from_shares(shares).unwrap(),
            price: price.parse().unwrap(),
            ..TradeFill::default()
        };
        BookedFill { exec_id: ExecId::simulated(id), fill, ..BookedFill::default() }
    }

    /// I3, I11: the sum of the fills through zero and back; taking one out is as if it had never
    /// been.
    #[test]
    fn fills_net_and_can_be_taken_out() {
        let mut external = External::default();
        external.book(fill(1, Side::Sell, 100, "10.00"));
        external.book(fill(2, Side::Buy, 150, "9.00"));
        assert_eq!(external.quantity.shares(), 50);
        let totals = external.totals();
        assert_eq!(totals.cost.to_string(), "450.00", "50 at 9.00");
        assert_eq!(totals.flow.to_string(), "-350.00", "1000 - 1350");
        let taken = external.take(|booked| booked.exec_id == ExecId::simulated(1));
        assert_eq!(taken.len(), 1);
        assert_eq!(external.quantity.shares(), 150);
        assert_eq!(external.totals().cost.to_string(), "1350.00");
        external.take(|_| true);
        assert_eq!((external.quantity, external.totals()), (Quantity::ZERO, Totals::default()));
    }
}
