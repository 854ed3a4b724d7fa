//! What is held at a broker without an order of ours: adjusted in kind, booked as external, or
//! given to a strategy (C34, F18).
//!
//! An adjustment is a fill at a stated price together with a deposit of the same value: positions
//! and capital change, cash does not, and every sum stays exact (I3, I11).

use model::{
    BrokerId, Cash, ClientOrderId, ExecId, ExecutionRow, Fill, GroupId, Price, Quantity, Side,
    SymbolId, Timestamp, TradeFill,
};

use crate::fact::SlotKey;
use crate::ledger::Totals;
use crate::order_manager::{BookedFill, Position};
use crate::strategy_engine::{Direction, Plan};

use super::Books;

impl Books {
    /// Adds `quantity` shares, or takes them away, at `price`: from the strategy's position that
    /// they reduce, else as external.
    pub(super) fn adjust(
        &mut self,
        broker: BrokerId,
        symbol: SymbolId,
        quantity: Quantity,
        price: Price,
        time: Timestamp,
    ) {
        let Some(value) = price.notional(quantity) else { return };
        self.brokers.adjustments += 1;
        let text = format!("ADJUST-{}", self.brokers.adjustments);
        let (Some(exec_id), false) = (ExecId::new(&text), quantity.is_zero()) else { return };
        let side = if quantity.is_positive() { Side::Buy } else { Side::Sell };
        let fill = TradeFill {
            time,
            side,
            quantity: quantity.abs(),
            price,
            fee: Cash::ZERO,
            order: ClientOrderId::default(),
        };
        let booked = BookedFill { exec_id, fill, ..BookedFill::default() };
        let reduces = |position: &Position| {
            position.broker == broker
                && position.signed_qty().raw().signum() * quantity.raw().signum() < 0
        };
        let strategy = self
            .active_in(symbol)
            .iter()
            .copied()
            .find(|&strategy| self.position(SlotKey { strategy, symbol }).is_some_and(reduces));
        self.ledger.deposit(value);
        let fee = Cash::ZERO;
        self.note_execution(symbol, &Fill { exec_id, side, quantity: quantity.abs(), price, fee });
        match strategy {
            Some(strategy) => {
                let exit = Some(model::ExitReason::External);
                let booked = BookedFill { exit, ..booked };
                for part in self.change_open(SlotKey { strategy, symbol }, None, Some(booked)) {
                    self.book_external(broker, symbol, part);
                }
            }
            None => self.book_external(broker, symbol, booked),
        }
    }

    /// Books an execution that is not of an order of ours, unless it was booked before or is not of
    /// a symbol of the run.
    pub(super) fn observe_external(&mut self, broker: BrokerId, row: &ExecutionRow) {
        let (Some(symbol), id) = (row.symbol, row.fill.exec_id) else { return };
        let known = self.externals.iter().any(|e| e.broker == broker && e.knows(id))
            || self.settled.iter().any(|settled| settled.position.knows(id));
        if known || !row.fill.quantity.is_positive() || row.fill.price < Price::ZERO {
            return;
        }
        let before = self.ledger.cash();
        let fill = TradeFill {
            time: row.time,
            side: row.fill.side,
            quantity: row.fill.quantity,
            price: row.fill.price,
            fee: row.fill.fee,
            order: row.client_id.unwrap_or_default(),
        };
        self.note_execution(symbol, &row.fill);
        self.book_external(
            broker,
            symbol,
            BookedFill { exec_id: id, fill, ..BookedFill::default() },
        );
        self.note_flow(broker, self.ledger.cash().minus(before));
    }

    /// Makes what is held without a plan the position of a strategy; false when there is nothing,
    /// when it was both bought and sold, or when the strategy is in the symbol.
    pub(super) fn claim(&mut self, broker: BrokerId, slot: SlotKey, time: Timestamp) -> bool {
        let same = |e: &super::External| e.broker == broker && e.symbol == slot.symbol;
        let Some(at) = self.externals.iter().position(same) else { return false };
        let Some(external) = self.externals.get_mut(at) else { return false };
        let quantity = external.quantity;
        let buys = quantity.is_positive();
        let mut executions = external.fills().iter().filter(|booked| booked.split.is_none());
        let one_side = executions.all(|booked| booked.fill.side.is_buy() == buys);
        let free = self
            .slots
            .get(slot.strategy.index() * self.symbols + slot.symbol.index())
            .is_some_and(|slot| !slot.is_active());
        if quantity.is_zero() || !one_side || !free {
            return false;
        }
        let Some(external) = self.externals.get_mut(at) else { return false };
        let before = external.totals();
        let fills = external.take(|_| true);
        self.ledger.book(external.totals().since(before));
        let direction = if buys { Direction::Long } else { Direction::Short };
        let plan = Plan { direction, ..Plan::default() };
        // No order of the slot can bear this group: the next one of it is an exit of this position.
        let group = GroupId(self.orders.next_number().0);
        let mut position = Position::open(group, broker, plan, quantity.abs(), time);
        for booked in fills {
            position.book(booked);
        }
        position.entry_done = true;
        self.ledger.book(position.totals().since(Totals::default()));
        self.with_slot(slot, |slot| slot.position = Some(Box::new(position)));
        true
    }

    /// Notes what a booking did to the cash at a broker.
    pub(super) fn note_flow(&mut self, broker: BrokerId, moved: Cash) {
        if !moved.is_zero() {
            let state = self.brokers.get_mut(broker);
            state.flow = state.flow.plus(moved);
        }
    }
}
