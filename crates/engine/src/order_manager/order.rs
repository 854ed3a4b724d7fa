//! An order as the core knows it: the request in force, its state, what was filled.

use arrayvec::ArrayVec;
use model::{
    BrokerOrderId, Cash, ClientOrderId, ExecId, ExitReason, GroupId, NewOrder, OrderKind,
    OrderNumber, OrderState, Quantity, StrategyId, Timestamp, record,
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
    /// How many requests to replace or cancel it were refused in a row.
    pub refusals: u8,
    /// When the last of them was refused.
    pub refused_at: Option<Timestamp>,
    /// The broker's id of it, as last told; none until the broker says one.
    pub broker_id: Option<Box<BrokerOrderId>>,
    /// Executions of this order; a repeated one changes nothing (I4).
    executions: Vec<Execution>,
}

/// One execution of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Execution {
    /// The broker's id.
    pub id: ExecId,
    /// Shares that count for the order; none of an execution on the wrong side (F19).
    pub quantity: Quantity,
    /// Value of the shares.
    pub value: Cash,
    /// Shares that the broker reported first; zero until that report is heard.
    pub reported: Quantity,
    /// When it was executed; `None` when only its cancellation was heard of yet.
    pub time: Option<Timestamp>,
    /// It was cancelled, or replaced by a correction (F12).
    pub voided: bool,
}

impl Execution {
    /// Makes one that gave the order no shares.
    pub fn at(id: ExecId, time: Timestamp) -> Self {
        Self {
            id,
            quantity: Quantity::ZERO,
            value: Cash::ZERO,
            reported: Quantity::ZERO,
            time: Some(time),
            voided: false,
        }
    }
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
        !self.state.is_terminal()
            && self.state != OrderState::Unknown
            && !self.cancel_pending
            && self.replace_pending.is_none()
    }

    /// Returns true within the pause after a refused request (R9).
    pub fn is_waiting_to_retry(&self, now: Timestamp) -> bool {
        self.refused_at.is_some_and(|at| {
            let passed = now.since(at);
            (0..retry_pause_ns(self.refusals)).contains(&passed)
        })
    }

    /// Notes that the broker refused to replace or cancel the order.
    pub(crate) fn note_refusal(&mut self, time: Timestamp) {
        self.refusals = self.refusals.saturating_add(1);
        self.refused_at = Some(time);
    }

    /// Names the slot the order belongs to.
    #[inline]
    pub fn slot(&self) -> SlotKey {
        SlotKey { strategy: self.strategy, symbol: self.request.symbol }
    }

    /// Returns what is known of an execution.
    pub fn execution(&self, id: ExecId) -> Option<&Execution> {
        self.executions.iter().find(|execution| execution.id == id)
    }

    /// Notes an execution and counts its shares; false when it was heard of before (I4).
    pub fn note_execution(&mut self, execution: Execution) -> bool {
        if let Some(known) = self.executions.iter_mut().find(|known| known.id == execution.id) {
            // Its cancellation was faster: it still tells how much of the order is done.
            if known.reported.is_zero() && known.voided {
                known.reported = execution.reported;
                known.time = execution.time;
            }
            return false;
        }
        self.cum_qty = self.cum_qty.plus(execution.quantity);
        self.cum_value = self.cum_value.plus(execution.value);
        if self.executions.is_empty() {
            // Most orders are executed at once: no room is made for more.
            self.executions = Vec::with_capacity(1);
        }
        self.executions.push(execution);
        true
    }

    /// Returns true when the broker has executed all that is asked for, corrected or cancelled
    /// executions included; while a replacement is under way, all of the larger of both.
    pub fn is_complete(&self) -> bool {
        let pending = self.replace_pending.as_ref().map_or(Quantity::ZERO, |r| r.quantity);
        self.heard_qty() >= self.request.quantity.max(pending)
    }

    /// Returns the shares that the broker has reported as executed, corrected or cancelled
    /// executions included.
    pub fn heard_qty(&self) -> Quantity {
        let reported = self.executions.iter().map(|execution| execution.reported);
        reported.fold(Quantity::ZERO, Quantity::plus).max(self.cum_qty)
    }

    /// Takes an execution out of the sums (F12); the id stays known, so that the execution is not
    /// booked when its own report comes late.
    pub fn void_execution(&mut self, id: ExecId) {
        match self.executions.iter_mut().find(|execution| execution.id == id) {
            Some(execution) => {
                let (quantity, value) = (execution.quantity, execution.value);
                (execution.quantity, execution.value) = (Quantity::ZERO, Cash::ZERO);
                execution.voided = true;
                self.cum_qty = self.cum_qty.minus(quantity);
                self.cum_value = self.cum_value.minus(value);
            }
            None => {
                self.executions.push(Execution { id, voided: true, ..Execution::default() });
            }
        }
    }

    /// Forgets a voided execution whose correction bears the same id.
    pub fn forget_execution(&mut self, id: ExecId) {
        self.executions.retain(|execution| execution.id != id || !execution.voided);
    }

    /// Returns the exit group of the order: that of the position that an entry opens, or that an
    /// exit belongs to.
    #[inline]
    pub fn group(&self) -> GroupId {
        self.request.group.unwrap_or(GroupId(self.request.client_id.number.0))
    }
}

/// Returns how long to wait after so many refusals in a row before a request is made again (R9).
pub(crate) fn retry_pause_ns(refusals: u8) -> i64 {
    let seconds = match refusals {
        0 | 1 => 1,
        2 => 2,
        3 => 5,
        4 => 10,
        5 => 30,
        _ => 60,
    };
    seconds * model::SECOND_NS
}

/// The numbers of at most three orders.
pub type OrderList = ArrayVec<OrderNumber, 3>;

record!(Execution { 1: id, 2: quantity, 3: value, 4: time, 5: voided, 6: reported });
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
    13: refusals,
    14: refused_at,
    15: broker_id,
});
