//! Exposure with every open and unknown order filled (I5).

use model::{Cash, Price, SymbolId};

use super::gate::Proposal;
use crate::books::{Books, External};
use crate::fact::SlotKey;
use crate::order_manager::Terms;

/// What the account would hold if everything that works were filled, the proposal left out.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct WorstCase {
    /// Value held or ordered in the proposal's symbol.
    pub in_symbol: Cash,
    /// Value held or ordered in all symbols.
    pub gross: Cash,
    /// Symbols with a position or an entry, the proposal's own left out.
    pub other_symbols: u32,
    /// Another strategy has a position or an entry in the proposal's symbol.
    pub taken: bool,
    /// What every working entry may cost.
    pub entry_value: Cash,
    /// What is lost if every position closes at its stop.
    pub open_risk: Cash,
    /// What is lost if every working entry fills and closes at its stop.
    pub entry_risk: Cash,
}

impl WorstCase {
    /// Computes the worst case from the books; `mark` gives a symbol's last price.
    ///
    /// The proposal's own working entry is left out: a replacement takes its place, and while it
    /// is under way the order reserves the larger of both (R9).
    pub fn of(books: &Books, proposal: &Proposal, mark: impl Fn(SymbolId) -> Price) -> Self {
        let mut worst = Self::default();
        for &key in books.active() {
            if key == proposal.slot() && books.position(key).is_none() {
                continue;
            }
            let value = worst.add_slot(books, key, mark(key.symbol));
            worst.gross = worst.gross.plus(value);
            if key.symbol == proposal.symbol {
                worst.in_symbol = worst.in_symbol.plus(value);
                worst.taken |= key.strategy != proposal.strategy;
            } else if books.active_in(key.symbol).first() == Some(&key.strategy) {
                // A symbol counts once, whatever number of strategies is in it.
                worst.other_symbols += 1;
            }
        }
        for external in books.externals() {
            worst.add_external(books, external, proposal.symbol, mark(external.symbol));
        }
        worst
    }

    /// Adds what is held without a plan (F18): it counts like a position without a stop.
    fn add_external(&mut self, books: &Books, external: &External, symbol: SymbolId, mark: Price) {
        let value = external.value_at(mark);
        let value = value.max(value.negated());
        self.gross = self.gross.plus(value);
        self.open_risk = self.open_risk.plus(value);
        if external.symbol == symbol {
            self.in_symbol = self.in_symbol.plus(value);
        } else if !external.quantity.is_zero() && !books.is_symbol_active(external.symbol) {
            self.other_symbols += 1;
        }
    }

    /// Adds a slot's risks and returns its value at the worst.
    fn add_slot(&mut self, books: &Books, key: SlotKey, mark: Price) -> Cash {
        let Some(slot) = books.slot(key) else { return Cash::ZERO };
        let mut value = Cash::ZERO;
        if let Some(position) = slot.position.as_deref() {
            let held = position.value_at(mark);
            value = if held < Cash::ZERO { held.negated() } else { held };
            let stop = position
                .stop
                .and_then(|number| books.orders().get(number))
                .and_then(|order| order.request.kind.stop())
                .or(position.initial_stop);
            // Without a stop the whole value is at risk.
            let risk = stop.map_or(value, |stop| position.risk_to(stop));
            self.open_risk = self.open_risk.plus(risk);
        }
        let order = books.working_entry(key);
        if let Some((order, terms)) = order.and_then(|o| Some((o, o.terms.as_deref()?))) {
            // R9: while a replacement is under way the worse of both terms counts.
            let pending = order.replace_pending.as_deref().and_then(|r| r.terms.as_ref());
            let reserved = order.reserved_qty();
            let worst = |per_share: fn(&Terms) -> Price| {
                let at = pending.map_or(Price::ZERO, per_share).max(per_share(terms));
                at.notional(reserved).unwrap_or(Cash::ZERO)
            };
            let ordered = worst(|terms| terms.plan.worst_price());
            self.entry_value = self.entry_value.plus(ordered);
            value = value.plus(ordered);
            let risk = worst(|terms| terms.sizing.distance.unwrap_or(terms.plan.worst_price()));
            self.entry_risk = self.entry_risk.plus(risk);
        }
        value
    }
}
