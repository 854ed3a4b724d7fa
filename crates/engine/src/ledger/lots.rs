//! Tax lots of the whole account, over all strategies and brokers, first in first out (C26, TP14).
//!
//! Trades of strategies are judged elsewhere; this is the separate report for the tax return.
//! Nothing here ever stands in the way of an order.
//!
//! A loss is *washed* as far as as many shares of the same symbol and direction were acquired
//! within 30 days before or after it: the loss of those shares does not count now but raises the
//! basis of the shares acquired. Shares acquired on the day of the loss or before count only while
//! they are still held.
//!
//! Invariants: the lots of a symbol sum to its position; what was paid and received is in open
//! lots and closed parts, to the last billionth; memory is bounded by the open lots and the closed
//! parts of 61 days.

use std::collections::VecDeque;

use model::{Cash, Date, Quantity, Side, SplitRatio, SymbolId, record};

/// Days on each side of a loss within which a purchase washes it (C26).
pub const WASH_DAYS: i32 = 30;
/// Days after which nothing can change a closed part any more: both sides and the day itself.
const KEPT_DAYS: i32 = 2 * WASH_DAYS + 1;

/// Shares acquired together: bought, or sold short.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lot {
    /// Trade date of the acquisition.
    pub acquired: Date,
    /// Shares, below zero for a short lot.
    pub quantity: Quantity,
    /// What was paid for them, fees included; below zero for what a short sale brought.
    pub basis: Cash,
    /// The part of the basis that is a washed loss of other shares.
    pub washed: Cash,
    /// The shares took the place of shares sold at a loss, and can do so only once.
    pub replacement: bool,
}

/// A part of a lot that was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClosedLot {
    /// Trade date of the acquisition.
    pub acquired: Date,
    /// Trade date of the closing.
    pub closed: Date,
    /// Shares, below zero for a short lot.
    pub quantity: Quantity,
    /// What the shares had cost, fees and washed losses included; below zero for a short lot.
    pub basis: Cash,
    /// What closing brought, after fees; below zero for a short lot.
    pub proceeds: Cash,
    /// Shares whose loss is washed: the tag of C26.
    pub washed_quantity: Quantity,
    /// The loss that does not count, above zero.
    pub disallowed: Cash,
}

impl ClosedLot {
    /// Returns gain or loss before the wash-sale rule.
    pub fn gain(&self) -> Cash {
        self.proceeds.minus(self.basis)
    }

    /// Returns the shares of a loss that nothing has washed yet.
    fn washable(&self) -> Quantity {
        if self.gain() >= Cash::ZERO {
            return Quantity::ZERO;
        }
        self.quantity.abs().minus(self.washed_quantity)
    }

    /// Washes `quantity` more shares of the loss; returns what they lost.
    fn wash(&mut self, quantity: Quantity) -> Cash {
        let loss = self.gain().negated();
        let all = self.washed_quantity.plus(quantity);
        // The last share takes what rounding left.
        let due = loss.share_of(all, self.quantity.abs()).unwrap_or(loss);
        let part = due.minus(self.disallowed);
        self.washed_quantity = all;
        self.disallowed = due;
        part
    }
}

/// What became of closed parts, by year of closing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct YearTotals {
    /// The year.
    pub year: i16,
    /// Closed parts.
    pub parts: u64,
    /// Sum of gains and losses before the wash-sale rule.
    pub gain: Cash,
    /// Sum of the losses that do not count.
    pub disallowed: Cash,
}

/// The lots of one symbol.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SymbolLots {
    /// Open lots, oldest first; all long or all short.
    open: VecDeque<Lot>,
    /// Closed parts of the last 61 days, oldest first.
    closed: VecDeque<ClosedLot>,
    /// Closed parts before this place can be washed no more.
    unwashed_from: u64,
    years: Vec<YearTotals>,
}

/// One execution as the account sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LotFill {
    /// What was traded.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// Shares, above zero.
    pub quantity: Quantity,
    /// Price times shares, above zero.
    pub value: Cash,
    /// Commission and fees.
    pub fee: Cash,
}

/// The lots of the account.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lots {
    today: Date,
    symbols: Vec<SymbolLots>,
}

impl Lots {
    /// Returns a symbol's lots, if it was ever traded.
    pub fn symbol(&self, symbol: SymbolId) -> Option<&SymbolLots> {
        self.symbols.get(symbol.index())
    }

    /// Returns the cash that all executions together brought, from the lots alone.
    pub(super) fn cash(&self) -> Cash {
        self.symbols.iter().map(SymbolLots::cash).sum()
    }

    /// Returns the totals of every symbol and year in which something was closed.
    pub fn totals(&self) -> impl Iterator<Item = (SymbolId, YearTotals)> {
        let symbols = self.symbols.iter().enumerate();
        symbols.flat_map(|(index, lots)| {
            let symbol = SymbolId(u32::try_from(index).unwrap_or(u32::MAX));
            lots.years().into_iter().map(move |totals| (symbol, totals))
        })
    }

    /// Begins a trade date (TC6): parts closed more than 61 days ago become totals.
    pub(crate) fn begin_day(&mut self, today: Date) {
        self.today = today;
        for lots in &mut self.symbols {
            lots.compact(today);
        }
    }

    /// Books an execution: it closes lots of the other direction, oldest first, and opens a lot
    /// with the rest.
    pub(crate) fn book(&mut self, fill: &LotFill) {
        let today = self.today;
        self.symbol_mut(fill.symbol).book(fill, today);
    }

    /// Takes an execution back that never was (F12): the newest lot of its side shrinks by it.
    pub(crate) fn take_back(&mut self, fill: &LotFill) {
        let today = self.today;
        self.symbol_mut(fill.symbol).take_back(fill, today);
    }

    /// Restates the lots of a symbol in the shares after a split: quantities change, what was paid
    /// does not (F27). `held` is what the account holds then; rounding leaves none of it out.
    pub(crate) fn restate(&mut self, symbol: SymbolId, ratio: SplitRatio, held: Quantity) {
        let lots = self.symbol_mut(symbol);
        let (mut before, mut after) = (Quantity::ZERO, Quantity::ZERO);
        let count = lots.open.len();
        for (at, lot) in lots.open.iter_mut().enumerate() {
            before = before.plus(lot.quantity);
            let sum = if at + 1 == count { held } else { ratio.quantity(before) };
            lot.quantity = sum.minus(after);
            after = sum;
        }
        for part in &mut lots.closed {
            part.quantity = ratio.quantity(part.quantity);
            part.washed_quantity = ratio.quantity(part.washed_quantity);
        }
    }

    fn symbol_mut(&mut self, symbol: SymbolId) -> &mut SymbolLots {
        let index = symbol.index();
        if self.symbols.len() <= index {
            self.symbols.resize_with(index + 1, SymbolLots::default);
        }
        // The line above made the place.
        &mut self.symbols[index]
    }
}

impl SymbolLots {
    /// Returns the open lots, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Lot> {
        self.open.iter()
    }

    /// Returns the parts closed in the last 61 days, oldest first.
    pub fn closed(&self) -> impl Iterator<Item = &ClosedLot> {
        self.closed.iter()
    }

    /// Returns the totals of all closed parts by year, those of the last 61 days included.
    pub fn years(&self) -> Vec<YearTotals> {
        let mut years = self.years.clone();
        self.closed.iter().for_each(|part| add_to_year(&mut years, part));
        years
    }

    /// Returns the shares of all open lots, below zero for short ones.
    pub fn quantity(&self) -> Quantity {
        self.open.iter().fold(Quantity::ZERO, |sum, lot| sum.plus(lot.quantity))
    }

    /// Returns the cash that the executions brought: gains, less what open lots cost, with the
    /// losses back that moved into their basis.
    fn cash(&self) -> Cash {
        let old = self.years.iter().map(|totals| totals.gain.plus(totals.disallowed));
        let gains = old.chain(self.closed.iter().map(|part| part.gain().plus(part.disallowed)));
        self.open.iter().fold(gains.sum(), |sum: Cash, lot| sum.minus(lot.basis))
    }

    /// Returns true when acquiring shares in a direction on `today` would wash a loss (C26).
    pub fn would_wash(&self, long: bool, today: Date) -> bool {
        let recent = self.closed.iter().rev().take_while(|part| within_window(part.closed, today));
        recent.into_iter().any(|part| is_long(part.quantity) == long && !part.washable().is_zero())
    }

    fn book(&mut self, fill: &LotFill, today: Date) {
        let long = fill.side.is_buy();
        let mut rest = fill.quantity;
        // Cash that leaves the account counts up for a purchase, down for a sale.
        let signed = |cash: Cash| if long { cash } else { cash.negated() };
        let mut amount = signed(fill.value).plus(fill.fee);
        while rest.is_positive()
            && let Some(lot) = self.open.front_mut().filter(|lot| is_long(lot.quantity) != long)
        {
            let quantity = rest.min(lot.quantity.abs());
            let part = lot.split_off(quantity);
            let rest_of_it = usize::from(!lot.quantity.is_zero());
            if rest_of_it == 0 {
                self.open.pop_front();
            }
            let paid = amount.share_of(quantity, rest).unwrap_or(amount);
            rest = rest.minus(quantity);
            amount = amount.minus(paid);
            self.close(&part, paid.negated(), today, rest_of_it);
        }
        if rest.is_positive() {
            let quantity = if long { rest } else { rest.negated() };
            self.acquire(Lot { acquired: today, quantity, basis: amount, ..Lot::default() });
        }
    }

    /// Closes a lot; a loss is washed by what was acquired in the 30 days before and is still held,
    /// oldest first. The rest of the same lot (`rest_of_it` first lots) is no purchase of its own
    /// (Revenue Ruling 56-602).
    fn close(&mut self, lot: &Lot, proceeds: Cash, today: Date, rest_of_it: usize) {
        let mut part = ClosedLot {
            acquired: lot.acquired,
            closed: today,
            quantity: lot.quantity,
            basis: lot.basis,
            proceeds,
            ..ClosedLot::default()
        };
        let mut at =
            self.open.partition_point(|held| !within_window(held.acquired, today)).max(rest_of_it);
        while part.washable().is_positive()
            && let Some(held) = self.open.get(at)
        {
            if !held.replacement {
                let quantity = part.washable().min(held.quantity.abs());
                let loss = part.wash(quantity);
                self.mark_replacement(at, quantity, loss);
            }
            at += 1;
        }
        self.closed.push_back(part);
    }

    /// Opens a lot; it washes losses of the last 30 days, oldest first.
    fn acquire(&mut self, mut lot: Lot) {
        let today = lot.acquired;
        let mut at = usize::try_from(self.unwashed_from).unwrap_or(usize::MAX);
        let mut leading = true;
        // What replaces is one lot, whatever number of losses it takes over.
        let mut replaced = Lot { quantity: Quantity::ZERO, basis: Cash::ZERO, ..lot };
        while lot.quantity.abs().is_positive()
            && let Some(part) = self.closed.get_mut(at)
        {
            let same = is_long(part.quantity) == is_long(lot.quantity);
            let open = part.washable().is_positive() && within_window(part.closed, today);
            if !open && leading {
                self.unwashed_from += 1;
            }
            leading &= !open;
            if open && same {
                let quantity = part.washable().min(lot.quantity.abs());
                let loss = part.wash(quantity);
                replaced.join(&lot.split_off(quantity));
                replaced.replace(loss);
            }
            at += 1;
        }
        if !replaced.quantity.is_zero() {
            self.open.push_back(replaced);
        }
        if !lot.quantity.is_zero() {
            self.open.push_back(lot);
        }
    }

    /// Marks `quantity` shares of an open lot as a replacement that takes a loss over.
    fn mark_replacement(&mut self, at: usize, quantity: Quantity, loss: Cash) {
        let Some(lot) = self.open.get_mut(at) else { return };
        let mut replaced = lot.split_off(quantity);
        replaced.replace(loss);
        if lot.quantity.is_zero() {
            *lot = replaced;
            return;
        }
        // Several losses that one purchase takes over make one lot of it, not many.
        let before = at.checked_sub(1).and_then(|before| self.open.get_mut(before));
        match before.filter(|lot| lot.replacement && lot.acquired == replaced.acquired) {
            Some(before) => before.join(&replaced),
            None => self.open.insert(at, replaced),
        }
    }

    fn take_back(&mut self, fill: &LotFill, today: Date) {
        let long = fill.side.is_buy();
        let opposite = LotFill {
            side: if long { Side::Sell } else { Side::Buy },
            fee: fill.fee.negated(),
            ..*fill
        };
        let same = |lot: &Lot| is_long(lot.quantity) == long;
        match self.open.back_mut().filter(|lot| same(lot) && lot.quantity.abs() >= fill.quantity) {
            Some(lot) => {
                let signed = if long { fill.value } else { fill.value.negated() };
                let quantity = if long { fill.quantity } else { fill.quantity.negated() };
                lot.quantity = lot.quantity.minus(quantity);
                lot.basis = lot.basis.minus(signed.plus(fill.fee));
                if lot.quantity.is_zero() {
                    // What a part of another price left in the basis is a result.
                    let rest = *lot;
                    self.open.pop_back();
                    if !rest.basis.is_zero() {
                        self.close(&rest, Cash::ZERO, today, 0);
                    }
                }
            }
            None => self.book(&opposite, today),
        }
    }

    fn compact(&mut self, today: Date) {
        while let Some(part) = self.closed.front()
            && today.days() - part.closed.days() > KEPT_DAYS
        {
            add_to_year(&mut self.years, part);
            self.closed.pop_front();
            self.unwashed_from = self.unwashed_from.saturating_sub(1);
        }
    }
}

impl Lot {
    /// Takes `quantity` shares, at most all, out of the lot with their part of the basis.
    fn split_off(&mut self, quantity: Quantity) -> Self {
        let whole = self.quantity.abs();
        let share = |cash: Cash| cash.share_of(quantity, whole).unwrap_or(cash);
        let signed = if is_long(self.quantity) { quantity } else { quantity.negated() };
        let part = Self {
            quantity: signed,
            basis: share(self.basis),
            washed: share(self.washed),
            ..*self
        };
        self.quantity = self.quantity.minus(signed);
        self.basis = self.basis.minus(part.basis);
        self.washed = self.washed.minus(part.washed);
        part
    }

    /// Adds the shares of another lot.
    fn join(&mut self, other: &Self) {
        self.quantity = self.quantity.plus(other.quantity);
        self.basis = self.basis.plus(other.basis);
        self.washed = self.washed.plus(other.washed);
    }

    /// Takes the loss of other shares over.
    fn replace(&mut self, loss: Cash) {
        self.replacement = true;
        self.basis = self.basis.plus(loss);
        self.washed = self.washed.plus(loss);
    }
}

/// Adds a closed part to the last year or begins a year with it.
fn add_to_year(years: &mut Vec<YearTotals>, part: &ClosedLot) {
    let year = part.closed.ymd().0;
    if years.last().is_none_or(|totals| totals.year != year) {
        years.push(YearTotals { year, ..YearTotals::default() });
    }
    if let Some(totals) = years.last_mut() {
        totals.parts += 1;
        totals.gain = totals.gain.plus(part.gain());
        totals.disallowed = totals.disallowed.plus(part.disallowed);
    }
}

fn is_long(quantity: Quantity) -> bool {
    quantity >= Quantity::ZERO
}

/// Returns true when two dates are at most 30 days apart.
fn within_window(earlier: Date, later: Date) -> bool {
    later.days() - earlier.days() <= WASH_DAYS
}

record!(Lot { 1: acquired, 2: quantity, 3: basis, 4: washed, 5: replacement });
record!(ClosedLot {
    1: acquired,
    2: closed,
    3: quantity,
    4: basis,
    5: proceeds,
    6: washed_quantity,
    7: disallowed,
});
record!(YearTotals { 1: year, 2: parts, 3: gain, 4: disallowed });
record!(SymbolLots { 1: open, 2: closed, 3: unwashed_from, 4: years });
record!(Lots { 1: today, 2: symbols });

#[cfg(test)]
mod tests;
