//! Exposure with every open and unknown order filled (I5).

use model::{Cash, OrderRow, Price, Side, SymbolId, Timestamp};

use crate::books::{Books, External};
use crate::fact::SlotKey;
use crate::order_manager::Terms;

/// What the account would hold if everything that works were filled; of the slot that asks its
/// working entry is left out, since a replacement takes its place.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct WorstCase {
    /// Value held or ordered in the proposal's symbol.
    pub in_symbol: Cash,
    /// Value held or ordered in all symbols.
    pub gross: Cash,
    /// Value of the long positions.
    pub held_long: Cash,
    /// Value of the short positions.
    pub held_short: Cash,
    /// Value of the working entries that buy.
    pub buys: Cash,
    /// Value of the working entries that sell short.
    pub sells: Cash,
    /// Symbols with a position or an entry, the proposal's own left out.
    pub other_symbols: u32,
    /// Entries at work in other slots.
    pub entries: u32,
    /// Another strategy has a position or an entry in the proposal's symbol.
    pub taken: bool,
    /// What every working entry may cost.
    pub entry_value: Cash,
    /// Another strategy has an order in the proposal's symbol on the opposite side (C18).
    pub opposed: bool,
    /// Orders at work.
    pub orders: u32,
    /// Orders at work in the proposal's symbol.
    pub symbol_orders: u32,
    /// What is lost if every position closes at its stop.
    pub open_risk: Cash,
    /// What is lost if every working entry fills and closes at its stop.
    pub entry_risk: Cash,
    /// Largest value held or ordered in one slot.
    pub largest: Cash,
    /// Value of the entries that were sent after the broker's figures (C09).
    pub unreported: Cash,
    /// Positions opened today: each becomes a day trade when it is closed today (C24).
    pub opened_today: u32,
}

impl WorstCase {
    /// Computes the worst case from the books as an order of `side` in slot `own` sees it; `mark`
    /// gives a symbol's last price.
    pub fn of(books: &Books, own: SlotKey, side: Side, mark: impl Fn(SymbolId) -> Price) -> Self {
        let mut worst = Self::default();
        for &key in books.active() {
            worst.count_orders(books, key, own, side);
            if key == own && books.position(key).is_none() {
                continue;
            }
            let value = worst.add(books, key, mark(key.symbol));
            if key.symbol == own.symbol {
                worst.in_symbol = worst.in_symbol.plus(value);
                worst.taken |= key.strategy != own.strategy;
            } else if books.active_in(key.symbol).first() == Some(&key.strategy) {
                // A symbol counts once, whatever number of strategies is in it.
                worst.other_symbols += 1;
            }
        }
        for external in books.externals() {
            worst.add_external(books, external, own.symbol, mark(external.symbol));
        }
        worst.add_unheard(books, own.symbol);
        for (_, row) in books.brokers().foreign() {
            worst.add_foreign(row, own.symbol, row.symbol.map(&mark));
        }
        worst.gross = worst.gross.plus(books.brokers().outside());
        worst
    }

    /// Adds an open order that is not ours, as if it were filled (F18).
    fn add_foreign(&mut self, row: &OrderRow, symbol: SymbolId, mark: Option<Price>) {
        let price = row.kind.limit().or(row.kind.stop()).or(mark).unwrap_or_default();
        let value = price.notional(row.quantity.minus(row.filled)).unwrap_or_default();
        self.gross = self.gross.plus(value);
        if row.symbol == Some(symbol) {
            self.in_symbol = self.in_symbol.plus(value);
        }
    }

    /// Adds what is held without a plan (F18): it counts like a position without a stop.
    fn add_external(&mut self, books: &Books, external: &External, symbol: SymbolId, mark: Price) {
        let value = external.value_at(mark);
        let value = value.max(value.negated());
        self.gross = self.gross.plus(value);
        let side =
            if external.quantity.raw() < 0 { &mut self.held_short } else { &mut self.held_long };
        *side = side.plus(value);
        self.open_risk = self.open_risk.plus(value);
        if external.symbol == symbol {
            self.in_symbol = self.in_symbol.plus(value);
        } else if !external.quantity.is_zero() && !books.is_symbol_active(external.symbol) {
            self.other_symbols += 1;
        }
    }

    /// Adds what ended entries have opened without a report of it: it counts like a position
    /// without a stop. Of an entry that works the whole rest counts anyway.
    fn add_unheard(&mut self, books: &Books, symbol: SymbolId) {
        for (order, quantity) in books.unheard().filter(|(order, _)| order.state.is_terminal()) {
            let Some(terms) = order.terms.as_deref() else { continue };
            let value = terms.plan.worst_price().notional(quantity).unwrap_or_default();
            self.gross = self.gross.plus(value);
            self.open_risk = self.open_risk.plus(value);
            let buys = order.request.side.is_buy();
            let side = if buys { &mut self.held_long } else { &mut self.held_short };
            *side = side.plus(value);
            if order.request.symbol == symbol {
                self.in_symbol = self.in_symbol.plus(value);
            }
        }
    }

    /// Computes the worst case of the whole account; nothing is left out.
    pub fn of_account(books: &Books, mark: impl Fn(SymbolId) -> Price) -> Self {
        let nobody = SlotKey { strategy: model::StrategyId(u16::MAX), symbol: SymbolId(u32::MAX) };
        Self::of(books, nobody, Side::Buy, mark)
    }

    /// Counts a slot's orders at work; the entry of the slot that asks is the one to be replaced.
    fn count_orders(&mut self, books: &Books, key: SlotKey, own: SlotKey, side: Side) {
        let Some(slot) = books.slot(key) else { return };
        let position = slot.position.as_deref();
        let [stop, target, close] = position.map_or([None; 3], |p| [p.stop, p.target, p.close]);
        let entry = slot.entry.filter(|_| key != own);
        for number in [stop, target, close, entry] {
            let Some(order) = number.and_then(|n| books.orders().get(n)) else { continue };
            if order.state.is_terminal() {
                continue;
            }
            self.orders += 1;
            if key.symbol == own.symbol {
                self.symbol_orders += 1;
                self.opposed |= key != own && order.request.side.is_buy() != side.is_buy();
            }
        }
    }

    /// Adds a slot's values and risks and returns its value at the worst.
    fn add(&mut self, books: &Books, key: SlotKey, mark: Price) -> Cash {
        let value = self.add_position(books, key, mark).plus(self.add_entry(books, key));
        self.gross = self.gross.plus(value);
        self.largest = self.largest.max(value);
        value
    }

    fn add_position(&mut self, books: &Books, key: SlotKey, mark: Price) -> Cash {
        let Some(position) = books.position(key) else { return Cash::ZERO };
        let held = position.value_at(mark);
        let value = if held < Cash::ZERO { held.negated() } else { held };
        if position.signed_qty().raw() < 0 {
            self.held_short = self.held_short.plus(value);
        } else {
            self.held_long = self.held_long.plus(value);
        }
        let today = model::exchange::new_york_date(position.opened) == books.day().session;
        self.opened_today += u32::from(today);
        let stop = position
            .stop
            .and_then(|number| books.orders().get(number))
            .and_then(|order| order.request.kind.stop())
            .or(position.initial_stop);
        // Without a stop the whole value is at risk.
        let risk = stop.map_or(value, |stop| position.risk_to(stop));
        self.open_risk = self.open_risk.plus(risk);
        value
    }

    fn add_entry(&mut self, books: &Books, key: SlotKey) -> Cash {
        let order = books.working_entry(key);
        let Some((order, terms)) = order.and_then(|o| Some((o, o.terms.as_deref()?))) else {
            return Cash::ZERO;
        };
        // R9: while a replacement is under way the worse of both terms counts.
        let pending = order.replace_pending.as_deref().and_then(|r| r.terms.as_ref());
        let reserved = order.reserved_qty();
        let worst = |per_share: fn(&Terms) -> Price| {
            let at = pending.map_or(Price::ZERO, per_share).max(per_share(terms));
            at.notional(reserved).unwrap_or(Cash::ZERO)
        };
        let value = worst(|terms| terms.plan.worst_price());
        self.entries += 1;
        self.entry_value = self.entry_value.plus(value);
        if order.request.side.is_buy() {
            self.buys = self.buys.plus(value);
        } else {
            self.sells = self.sells.plus(value);
        }
        let risk = worst(|terms| terms.sizing.distance.unwrap_or(terms.plan.worst_price()));
        self.entry_risk = self.entry_risk.plus(risk);
        let reported = books.risk().account(order.request.broker).map(|account| account.time);
        if order.created > reported.unwrap_or(Timestamp::MAX) {
            self.unreported = self.unreported.plus(value);
        }
        value
    }
}
