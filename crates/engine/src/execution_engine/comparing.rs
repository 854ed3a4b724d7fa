//! The books of a broker beside ours: what differs and what follows from it (C34).
//!
//! Pure: it reads a whole round and the books. Executions that we missed are booked before, like
//! late reports (F13). Invariant: nothing is ever traded to make a difference go away; what cannot
//! be decided is left for the next round.

use model::{
    AccountRow, BrokerId, Cash, OrderNumber, OrderRow, OrderState, PositionRow, Quantity, SymbolId,
    Timestamp, record,
};

use super::round::Round;
use super::state::is_wide;
use crate::books::Books;

/// A position that differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Difference {
    /// The symbol.
    pub symbol: SymbolId,
    /// Shares in our books.
    pub ours: Quantity,
    /// Shares at the broker.
    pub theirs: Quantity,
    /// Value of the difference, not negative.
    pub value: Cash,
}

/// The result of a comparison.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Compared {
    /// Whose books.
    pub broker: BrokerId,
    /// When the questions were asked.
    pub asked_at: Timestamp,
    /// When the last answer was there.
    pub time: Timestamp,
    /// Symbols about which nothing was concluded: reports came in between (F16).
    pub skipped: Vec<SymbolId>,
    /// Positions that differ.
    pub differences: Vec<Difference>,
    /// Orders of ours that the broker does not list: their fate is not known.
    pub missing: Vec<OrderNumber>,
    /// Open orders that are not ours (F18).
    pub foreign: Vec<OrderRow>,
    /// Positions that were there before us: shown as external from now on (F18).
    pub found: Vec<PositionRow>,
    /// Value of positions in symbols that are not of the run, not negative.
    pub outside: Cash,
    /// The broker's figures.
    pub account: AccountRow,
    /// How far the broker's cash has moved away from ours since the first comparison; `None` when
    /// it cannot be said.
    pub drift: Option<Cash>,
}

impl Compared {
    /// Returns true when more than one symbol or more than 1 % of `equity` differs: then nothing
    /// is opened at all (C34).
    pub fn is_wide(&self, equity: Cash) -> bool {
        is_wide(&self.differences, self.drift.unwrap_or_default(), equity)
    }
}

/// Compares a whole round with our books.
pub fn compare(books: &Books, broker: BrokerId, round: &Round, now: Timestamp) -> Compared {
    let skipped = round.skipped();
    let state = books.brokers().get(broker);
    let mut compared = Compared {
        broker,
        asked_at: round.asked_at,
        time: now,
        account: round.account,
        missing: missing(books, broker, round, &skipped),
        foreign: foreign(books, broker, round),
        outside: outside(round),
        ..Compared::default()
    };
    for symbol in symbols(books, broker, round) {
        if skipped.contains(&symbol) {
            // What was found before is not settled by not looking.
            compared
                .differences
                .extend(state.differences.iter().filter(|old| old.symbol == symbol));
            continue;
        }
        let ours = ours(books, broker, symbol);
        let row = theirs(round, symbol);
        if row.quantity == ours {
            continue;
        }
        if state.compared.is_none() && ours.is_zero() && !books.is_symbol_active(symbol) {
            compared.found.push(row);
            continue;
        }
        let theirs = row.quantity;
        let value = value_of(&row, ours);
        compared.differences.push(Difference { symbol, ours, theirs, value });
    }
    if skipped.is_empty() {
        compared.drift = state.cash_base.map(|base| {
            let moved = state.flow.minus(base.flow);
            round.account.cash.minus(base.cash).minus(moved)
        });
    }
    compared.skipped = skipped;
    compared
}

/// Returns what we hold in a symbol at a broker, external shares included (I3).
pub fn ours(books: &Books, broker: BrokerId, symbol: SymbolId) -> Quantity {
    let planned = books
        .active()
        .iter()
        .filter(|key| key.symbol == symbol)
        .filter_map(|&key| books.position(key))
        .filter(|position| position.broker == broker)
        .map(|position| position.signed_qty());
    let external = books
        .externals()
        .iter()
        .filter(|external| external.broker == broker && external.symbol == symbol)
        .map(|external| external.quantity);
    planned.chain(external).fold(Quantity::ZERO, Quantity::plus)
}

fn theirs(round: &Round, symbol: SymbolId) -> PositionRow {
    let rows = round.positions.iter().filter(|row| row.symbol == Some(symbol));
    rows.fold(PositionRow { symbol: Some(symbol), ..PositionRow::default() }, |sum, row| {
        PositionRow {
            quantity: sum.quantity.plus(row.quantity),
            value: sum.value.plus(row.value),
            ..sum
        }
    })
}

/// Returns the symbols that either side holds, in ascending order.
fn symbols(books: &Books, broker: BrokerId, round: &Round) -> Vec<SymbolId> {
    let held = books
        .active()
        .iter()
        .filter(|&&key| books.position(key).is_some_and(|position| position.broker == broker));
    let external = books.externals().iter().filter(|external| external.broker == broker);
    let mut symbols: Vec<SymbolId> = held
        .map(|key| key.symbol)
        .chain(external.map(|external| external.symbol))
        .chain(round.positions.iter().filter_map(|row| row.symbol))
        .collect();
    symbols.sort_unstable();
    symbols.dedup();
    symbols
}

/// Returns the value of what differs, by the broker's mark; the whole of what we hold when the
/// broker holds nothing.
fn value_of(row: &PositionRow, ours: Quantity) -> Cash {
    let apart = row.quantity.minus(ours).abs();
    let value = row.value.max(row.value.negated());
    value.share_of(apart, row.quantity.abs()).unwrap_or(value)
}

/// Returns our orders that should be open at the broker and are not listed.
fn missing(
    books: &Books,
    broker: BrokerId,
    round: &Round,
    skipped: &[SymbolId],
) -> Vec<OrderNumber> {
    let known = |state| {
        matches!(state, OrderState::Accepted | OrderState::Working | OrderState::PartiallyFilled)
    };
    books
        .orders()
        .iter()
        .filter(|order| order.request.broker == broker && known(order.state))
        .filter(|order| order.updated < round.asked_at)
        .filter(|order| !skipped.contains(&order.request.symbol))
        .map(|order| order.request.client_id.number)
        .filter(|&number| {
            let listed = |row: &OrderRow| row.client_id.is_some_and(|id| id.number == number);
            !round.orders.iter().any(listed)
        })
        .collect()
}

/// Returns the broker's open orders that are not ours.
fn foreign(books: &Books, broker: BrokerId, round: &Round) -> Vec<OrderRow> {
    let ours = |row: &&OrderRow| {
        row.client_id.is_some_and(|id| books.orders().find(&id, broker).is_some())
    };
    round.orders.iter().filter(|row| !ours(row)).copied().collect()
}

fn outside(round: &Round) -> Cash {
    let rows = round.positions.iter().filter(|row| row.symbol.is_none());
    rows.map(|row| row.value.max(row.value.negated())).sum()
}

record!(Difference { 1: symbol, 2: ours, 3: theirs, 4: value });
record!(Compared {
    1: broker,
    2: asked_at,
    3: time,
    4: skipped,
    5: differences,
    6: missing,
    7: foreign,
    8: found,
    9: outside,
    10: account,
    11: drift,
});
