//! The entry orders that were handed over and are not known to have ended: what the kill switch
//! cancels (journal.md 13 K2).
//!
//! Invariant: an order leaves the table only by evidence: not sent, refused, reported as ended.

use std::collections::BTreeMap;

use model::{
    ClientOrderId, ExecType, ExecutionReport, NewOrder, OrderRow, Quantity, RejectClass,
    ReplaceRequest, RequestKind, SendOutcome, SymbolId,
};

use super::Standing;

/// The entry orders of one broker.
#[derive(Debug, Default)]
pub(super) struct Table {
    orders: BTreeMap<ClientOrderId, Handed>,
}

/// An order that may be at the broker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handed {
    pub(super) symbol: SymbolId,
    quantity: Quantity,
    filled: Quantity,
    /// How often the switch has asked for its cancel.
    pub(super) asked: u32,
    /// A submit or replacement that makes it is not answered yet.
    pub(super) unanswered: bool,
}

impl Handed {
    fn new(symbol: SymbolId, quantity: Quantity, unanswered: bool) -> Self {
        Self { symbol, quantity, filled: Quantity::ZERO, asked: 0, unanswered }
    }
}

impl Table {
    /// An order is handed over.
    pub(super) fn submit(&mut self, order: &NewOrder) {
        if !order.client_id.exit {
            let handed = Handed::new(order.symbol, order.quantity, true);
            self.orders.insert(order.client_id, handed);
        }
    }

    /// A replacement is handed over: either of both may be what works.
    pub(super) fn replace(&mut self, request: &ReplaceRequest) {
        if !request.new_client_id.exit {
            let handed = Handed::new(request.symbol, request.quantity, true);
            self.orders.insert(request.new_client_id, handed);
        }
    }

    /// An order of an earlier run stands at the broker.
    pub(super) fn stands(&mut self, standing: &Standing) {
        if !standing.client_id.exit {
            let mut handed = Handed::new(standing.symbol, standing.quantity, false);
            handed.filled = standing.filled;
            self.orders.entry(standing.client_id).or_insert(handed);
        }
    }

    /// A broker lists an order that is not done.
    pub(super) fn listed(&mut self, row: &OrderRow) {
        if let (Some(client_id), Some(symbol)) = (row.client_id, row.symbol)
            && !row.state.is_terminal()
        {
            let (quantity, filled) = (row.quantity, row.filled);
            self.stands(&Standing { client_id, symbol, quantity, filled });
        }
    }

    /// A request was answered.
    pub(super) fn answered(
        &mut self,
        id: ClientOrderId,
        request: RequestKind,
        outcome: SendOutcome,
    ) {
        if request == RequestKind::Cancel {
            return; // Accepted is not cancelled; a refusal is followed by a report or an answer.
        }
        if refuses(outcome) {
            self.orders.remove(&id);
        } else if let Some(handed) = self.orders.get_mut(&id) {
            handed.unanswered = false;
        }
    }

    /// A broker reports on an order; `replaces` is the id before a replacement.
    pub(super) fn reported(&mut self, report: &ExecutionReport, replaces: Option<ClientOrderId>) {
        let id = report.client_id;
        if let Some(old) = replaces {
            self.orders.remove(&old);
        }
        match report.exec {
            ExecType::Cancelled | ExecType::Expired | ExecType::Rejected(_) => {
                self.orders.remove(&id);
            }
            ExecType::Trade(fill) => {
                let Some(handed) = self.orders.get_mut(&id) else { return };
                handed.filled = handed.filled.plus(fill.quantity);
                if handed.filled >= handed.quantity {
                    self.orders.remove(&id);
                }
            }
            ExecType::Restated { order_qty } => {
                if let Some(handed) = self.orders.get_mut(&id) {
                    handed.quantity = order_qty;
                }
            }
            _ => {}
        }
    }

    /// Returns the orders, for change.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&ClientOrderId, &mut Handed)> {
        self.orders.iter_mut()
    }

    /// Returns an order.
    pub(super) fn get(&self, id: ClientOrderId) -> Option<&Handed> {
        self.orders.get(&id)
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.orders.len()
    }
}

/// Returns true when an outcome is evidence that the broker does not have the request.
pub(super) fn refuses(outcome: SendOutcome) -> bool {
    match outcome {
        SendOutcome::NotSent(_) => true,
        SendOutcome::Rejected(reason) => reason.class() != RejectClass::Exists,
        SendOutcome::Accepted | SendOutcome::Unknown(_) => false,
    }
}
