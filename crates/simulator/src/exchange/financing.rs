//! What the broker charges for a night: borrowed shares and borrowed cash (TK5, TK6).
//!
//! Both follow the *settled* account: what is bought or sold short today is delivered and paid
//! at its settlement date (TC8), so a round trip within a day costs nothing, and a short that is
//! covered today is still borrowed until the cover settles.
//!
//! Invariant: an account without settled shorts and without a settled debit is charged nothing.

use std::collections::VecDeque;

use model::{Cash, ChargeKind, Date, Price, Quantity, SymbolId, record};

use super::Exchange;

/// The night after a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Night {
    /// The session that has ended.
    pub session: Date,
    /// When its trades settle (TC8); `None` beyond the calendar's years: then they never do.
    pub settles: Option<Date>,
    /// Calendar days until the next session: three over an ordinary weekend.
    pub days: u32,
}

/// The account at the end of a trade date.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Balance {
    settles: Option<Date>,
    cash: Cash,
    /// Short positions, as shares below zero.
    shorts: Vec<(SymbolId, Quantity)>,
}

record!(Balance { 1: settles, 2: cash, 3: shorts });

/// Balances that have settled or will.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Settlement {
    settled: Balance,
    pending: VecDeque<Balance>,
}

record!(Settlement { 1: settled, 2: pending });

impl Settlement {
    /// Begins with a deposit that is settled.
    pub(super) fn new(deposit: Cash) -> Self {
        let settled = Balance { cash: deposit, ..Balance::default() };
        Self { settled, pending: VecDeque::new() }
    }

    /// Restates the short positions of a symbol in new shares (F27).
    pub(super) fn restate(&mut self, symbol: SymbolId, change: impl Fn(Quantity) -> Quantity) {
        for balance in self.pending.iter_mut().chain([&mut self.settled]) {
            for (of, quantity) in &mut balance.shorts {
                if *of == symbol {
                    *quantity = change(*quantity);
                }
            }
        }
    }

    fn push(&mut self, balance: Balance, today: Date) {
        self.pending.push_back(balance);
        let due = |balance: &Balance| balance.settles.is_some_and(|date| date <= today);
        while self.pending.front().is_some_and(due) {
            if let Some(balance) = self.pending.pop_front() {
                self.settled = balance;
            }
        }
    }
}

impl Exchange {
    /// Pays cash into the account, settled at once; what is owed overnight counts from it (TK6).
    pub fn deposit(&mut self, amount: Cash) {
        self.cash = self.cash.plus(amount);
        self.settlement = Settlement::new(self.cash);
    }

    /// Returns the account's cash.
    pub fn cash(&self) -> Cash {
        self.cash
    }

    /// Tells the official close of a symbol's session, by which borrowed shares are charged (TK5);
    /// without it the last bar shown counts.
    pub fn set_close(&mut self, symbol: SymbolId, close: Price) {
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            state.close = Some(close);
        }
    }

    /// Ends the day for costs: returns what the account is charged beside the fees of its fills,
    /// by kind: the broker's rounding of the day (TK1, TK7), borrow (TK5) and interest (TK6).
    pub fn day_roll(&mut self, night: Night) -> Vec<(ChargeKind, Cash)> {
        let shorts = self.symbols.iter().enumerate().filter_map(|(index, state)| {
            let symbol = SymbolId(u32::try_from(index).ok()?);
            (state.position < Quantity::ZERO).then_some((symbol, state.position))
        });
        let balance = Balance { settles: night.settles, cash: self.cash, shorts: shorts.collect() };
        self.settlement.push(balance, night.session);
        let (borrow, interest) = self.financing(night);
        let kinds = [
            (ChargeKind::FeeRounding, self.fees.close_day()),
            (ChargeKind::ShortBorrow, borrow),
            (ChargeKind::MarginInterest, interest),
        ];
        if !borrow.is_zero() || !interest.is_zero() {
            self.fees.note_financing(night.session);
        }
        let charges: Vec<_> = kinds.into_iter().filter(|(_, fee)| !fee.is_zero()).collect();
        self.cash = charges.iter().fold(self.cash, |cash, (_, fee)| cash.minus(*fee));
        charges
    }

    /// Returns borrow and interest of a night on what is settled at its session.
    fn financing(&self, night: Night) -> (Cash, Cash) {
        let Some(rates) = self.fees.financing() else { return (Cash::ZERO, Cash::ZERO) };
        let settled = &self.settlement.settled;
        let mut borrow = Cash::ZERO;
        // The proceeds of short sales lie with the lender: they earn nothing and pay no debit.
        let mut free = settled.cash;
        for &(symbol, quantity) in &settled.shorts {
            let Some(state) = self.symbols.get(symbol.index()) else { continue };
            let last = state.last.map(|bar| bar.close);
            let close = state.close.or(last).unwrap_or(Price::ZERO);
            let fee = rates.borrow(night.session, state.name, quantity, close, night.days);
            borrow = borrow.plus(fee);
            free = free.plus(close.notional(quantity).unwrap_or(Cash::ZERO));
        }
        (borrow, rates.margin_interest(night.session, free.negated(), night.days))
    }
}
