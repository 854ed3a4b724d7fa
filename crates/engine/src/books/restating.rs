//! Corrections and busts restate what was booked (I4, F12).
//!
//! The execution is taken out as if it had never been, wherever it lies by now: in an open
//! position, in a closed one, in a recorded trade, or beyond them all. A correction is booked in
//! its place. Either may arrive before the execution that it names.

use model::{ExecId, Fill, OrderNumber, Quantity, Timestamp};

use crate::fact::{SlotKey, TradeVoided};
use crate::order_manager::Position;

use super::{Anomaly, Books, Observed};

impl Books {
    /// Takes an execution out and books `fill`, if there is one, in its place.
    pub(super) fn restate(
        &mut self,
        number: OrderNumber,
        gone: ExecId,
        fill: Option<&Fill>,
        time: Timestamp,
        observed: &mut Observed,
    ) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let executed = order.execution(gone).and_then(|execution| execution.time);
        let news = match fill {
            Some(fill) => order.execution(fill.exec_id).is_none() || fill.exec_id == gone,
            None => order.execution(gone).is_none_or(|execution| !execution.voided),
        };
        if !news {
            return;
        }
        let (key, broker) = (order.slot(), order.request.broker);
        let parts = self.parts_of(gone, key, broker);
        let held = self.held_in(key.symbol);
        let Some(order) = self.orders.get_mut(number) else { return };
        order.void_execution(gone);
        if fill.is_some_and(|fill| fill.exec_id == gone) {
            order.forget_execution(gone);
        }
        order.updated = order.updated.max(time);
        self.withdraw(key, number, gone, observed);
        self.take_execution_back(key.symbol, &parts, held);
        if let Some(fill) = fill {
            // It stands where the execution stood that it corrects.
            self.book_fill(number, fill, Quantity::ZERO, executed.unwrap_or(time), observed);
        }
        observed.filled = true;
        observed.anomaly = Some(Anomaly::Restated(number, gone));
    }

    /// Takes an execution out of the position, trade or external holding that it is in.
    fn withdraw(
        &mut self,
        key: SlotKey,
        number: OrderNumber,
        gone: ExecId,
        observed: &mut Observed,
    ) {
        let Some(order) = self.orders.get(number) else { return };
        let broker = order.request.broker;
        let holds = |of: &SlotKey, position: &Position| *of == key && position.knows(gone);
        let excess = if self.position(key).is_some_and(|position| position.knows(gone)) {
            self.change_open(key, Some(gone), None)
        } else if let Some(at) = self.closed.iter().position(|(of, p)| holds(of, p)) {
            let (_, position) = self.closed.remove(at);
            self.change(key, position, Some(gone), None)
        } else if let Some(at) = self.settled.iter().position(|s| holds(&s.key, &s.position)) {
            let settled = self.settled.remove(at);
            observed.voided = Some(TradeVoided { trade: settled.trade, slot: key, r: settled.r });
            self.change(key, settled.position, Some(gone), None)
        } else {
            self.take_external(broker, key.symbol, |booked, _| booked.exec_id == gone);
            return;
        };
        for part in excess {
            self.book_external(broker, key.symbol, part);
            observed.suspense = Some(key.symbol);
        }
    }
}
