//! Executions as the account sees them: tax lots and settlement (C25, C26) take each one in once
//! and give it back when it never was, whatever position it belongs to.

use model::{BrokerId, ExecId, Fill, Quantity, SymbolId};

use crate::fact::SlotKey;
use crate::ledger::LotFill;
use crate::order_manager::BookedFill;

use super::Books;

impl Books {
    /// Takes a new execution in.
    pub(super) fn note_execution(&mut self, symbol: SymbolId, fill: &Fill) {
        let Some(value) = fill.price.notional(fill.quantity) else { return };
        let (side, quantity, fee) = (fill.side, fill.quantity, fill.fee);
        self.ledger.note_execution(&LotFill { symbol, side, quantity, value, fee });
    }

    /// Takes the parts of an execution back that was booked and never was; `held` are the shares of
    /// its symbol before it was taken out of them, in which later splits have rounded it (F27).
    pub(super) fn take_execution_back(
        &mut self,
        symbol: SymbolId,
        parts: &[BookedFill],
        held: Quantity,
    ) {
        let Some(first) = parts.first() else { return };
        let quantity = held.minus(self.held_in(symbol)).abs();
        let value = parts.iter().map(BookedFill::value).sum();
        let fee = parts.iter().map(|booked| booked.fill.fee).sum();
        self.ledger.take_back(&LotFill { symbol, side: first.fill.side, quantity, value, fee });
    }

    /// Returns the net shares of a symbol, whoever holds them.
    pub(super) fn held_in(&self, symbol: SymbolId) -> Quantity {
        let own = self.active_in(symbol).iter().filter_map(|&strategy| {
            Some(self.position(SlotKey { strategy, symbol })?.signed_qty())
        });
        let beyond = self.externals.iter().filter(|e| e.symbol == symbol).map(|e| e.quantity);
        own.chain(beyond).fold(Quantity::ZERO, Quantity::plus)
    }

    /// Checks that the tax lots hold what positions and externals hold, and account for every
    /// dollar that moved with executions (I3, I11).
    pub(super) fn check_lots(&self) -> Result<(), String> {
        let mut held = vec![0_i64; self.symbols];
        let slots = self.slots.iter().enumerate();
        let own = slots.filter_map(|(at, slot)| {
            Some((at % self.symbols.max(1), slot.position.as_deref()?.signed_qty()))
        });
        let beyond = self.externals.iter().map(|e| (e.symbol.index(), e.quantity));
        for (symbol, quantity) in own.chain(beyond) {
            if let Some(sum) = held.get_mut(symbol) {
                *sum = sum.saturating_add(quantity.raw());
            }
        }
        for (index, &sum) in held.iter().enumerate() {
            let symbol = SymbolId(u32::try_from(index).unwrap_or(u32::MAX));
            let lots = self.ledger.lots().symbol(symbol);
            let lots = lots.map_or(0, |lots| lots.quantity().raw());
            if lots != sum {
                return Err(format!("I3: symbol {index}: lots sum to {lots}, holdings to {sum}"));
            }
        }
        let difference = self.ledger.lots_balance();
        if !difference.is_zero() {
            return Err(format!("I11: {difference} of the executions' cash is in no lot"));
        }
        Ok(())
    }

    /// Returns the parts in which an execution is booked: in the positions of a slot, open, closed
    /// or recorded, and beyond them.
    pub(super) fn parts_of(&self, id: ExecId, key: SlotKey, broker: BrokerId) -> Vec<BookedFill> {
        let open = self.position(key).into_iter();
        let closed = self.closed.iter().filter(|(of, _)| *of == key).map(|(_, p)| p.as_ref());
        let settled = self.settled.iter().filter(|s| s.key == key).map(|s| s.position.as_ref());
        let own = open.chain(closed).chain(settled).flat_map(|position| &position.fills);
        let externals = self.externals.iter();
        let beyond = externals.filter(|e| e.broker == broker && e.symbol == key.symbol);
        let fills = own.chain(beyond.flat_map(|external| external.fills()));
        let same = |booked: &&BookedFill| booked.exec_id == id && booked.split.is_none();
        fills.filter(same).copied().collect()
    }
}
