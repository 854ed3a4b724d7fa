//! An order as the core knows it: the request in force, its state, what was filled.

use arrayvec::ArrayVec;
use model::{
    Cash, ClientOrderId, ExecId, ExitReason, NewOrder, OrderKind, OrderNumber, OrderState,
    Quantity, StrategyId, Timestamp, record,
};

use crate::fact::SlotKey;
use crate::risk_manager::Sizing;
use crate::strategy_engine::Plan;

/// An order and what became of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Order {
    /// The request in force: the last one that the broker confirmed.
    pub request: NewOrder,
    /// Whose order it is.
    pub strategy: StrategyId,
    /// Its state.
    pub state: OrderState,
    /// Shares filled.
    pub cum_qty: Quantity,
    /// Value of the shares filled.
    pub cum_value: Cash,
    /// A cancel is under way: sent is not cancelled (R9).
    pub cancel_pending: bool,
    /// A replacement under way.
    pub replace_pending: Option<Box<Replacement>>,
    /// Why the position is closed, for an order that closes one.
    pub reason: Option<ExitReason>,
    /// Plan and size of an entry. They stay with the order, so that a late fill is protected as
    /// planned (F09).
    pub terms: Option<Box<Terms>>,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Executions booked on this order; a repeated one changes nothing (I4).
    executions: Vec<ExecId>,
}

/// Plan and size of an entry.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Terms {
    /// The plan in force.
    pub plan: Plan,
    /// How the size was found.
    pub sizing: Sizing,
}

/// A replacement under way.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Replacement {
    /// The id after the replacement.
    pub client_id: ClientOrderId,
    /// Kind and prices after the replacement.
    pub kind: OrderKind,
    /// Total quantity after the replacement.
    pub quantity: Quantity,
    /// Plan and size of an entry after the replacement.
    pub terms: Option<Terms>,
}

impl Order {
    /// Makes an order whose intent exists: bytes may have left (journal.md 7).
    pub fn sent(
        request: NewOrder,
        strategy: StrategyId,
        reason: Option<ExitReason>,
        terms: Option<Box<Terms>>,
        time: Timestamp,
    ) -> Self {
        Self {
            request,
            strategy,
            state: OrderState::Sent,
            reason,
            terms,
            created: time,
            updated: time,
            ..Self::default()
        }
    }

    /// Returns the shares still open; zero once the order is done.
    #[inline]
    pub fn leaves_qty(&self) -> Quantity {
        if self.state.is_terminal() {
            return Quantity::ZERO;
        }
        self.request.quantity.minus(self.cum_qty).max(Quantity::ZERO)
    }

    /// Returns the shares to count against limits: while a replacement is under way the larger of
    /// old and new, not their sum (R9).
    pub fn reserved_qty(&self) -> Quantity {
        let pending = self.replace_pending.as_ref().map_or(Quantity::ZERO, |r| r.quantity);
        if self.state.is_terminal() {
            return Quantity::ZERO;
        }
        self.leaves_qty().max(pending.minus(self.cum_qty))
    }

    /// Returns true while the order can be replaced or cancelled.
    #[inline]
    pub fn is_settled(&self) -> bool {
        !self.state.is_terminal() && !self.cancel_pending && self.replace_pending.is_none()
    }

    /// Names the slot the order belongs to.
    #[inline]
    pub fn slot(&self) -> SlotKey {
        SlotKey { strategy: self.strategy, symbol: self.request.symbol }
    }

    /// Notes an execution; false when it was booked before (I4).
    pub fn note_execution(&mut self, id: ExecId) -> bool {
        if self.executions.contains(&id) {
            return false;
        }
        self.executions.push(id);
        true
    }
}

/// The numbers of at most three orders.
pub type OrderList = ArrayVec<OrderNumber, 3>;

record!(Terms { 1: plan, 2: sizing });
record!(Replacement { 1: client_id, 2: kind, 3: quantity, 4: terms });
record!(Order {
    1: request,
    2: strategy,
    3: state,
    4: cum_qty,
    5: cum_value,
    6: cancel_pending,
    7: replace_pending,
    8: reason,
    9: terms,
    10: created,
    11: updated,
    12: executions,
});
