//! One order on the book and how it stands in the bar in progress.
//!
//! Invariant: `cum_qty <= order_qty <= total_qty()`.

use model::exchange::OrderCommission;
use model::{
    ClientOrderId, GroupId, NewOrder, OrderKind, OrderRole, Quantity, Side, SymbolId, TimeInForce,
    Timestamp, record,
};

/// What an order may do in the bar in progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum BarUse {
    /// Not live in this bar.
    #[default]
    Idle,
    /// Live.
    Live,
    /// Has had its event in this bar.
    Done,
}

/// An accepted replacement that waits for the next bar (TF1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amendment {
    pub(super) kind: OrderKind,
    pub(super) quantity: Quantity,
}

/// An order that works.
#[derive(Clone, Debug, Default)]
pub(super) struct Working {
    pub(super) client_id: ClientOrderId,
    pub(super) symbol: SymbolId,
    pub(super) side: Side,
    pub(super) role: OrderRole,
    pub(super) group: Option<GroupId>,
    pub(super) time_in_force: TimeInForce,
    pub(super) kind: OrderKind,
    /// Total quantity in force in this bar.
    pub(super) order_qty: Quantity,
    pub(super) cum_qty: Quantity,
    pub(super) amendment: Option<Amendment>,
    /// When it came, to the nanosecond.
    pub(super) submitted: Timestamp,
    /// Bars that start before this instant do not see it (TB2, TF1).
    pub(super) live_from: Timestamp,
    /// Order of arrival at the exchange.
    pub(super) sequence: u64,
    /// The stop was touched: what is left is a market order or, with a limit, a resting limit.
    pub(super) triggered: bool,
    /// No bar has been live for it yet: TF4's first-bar clause applies.
    pub(super) fresh: bool,
    /// The next bar opens with an auction for it (TF4).
    pub(super) auction: bool,
    pub(super) bar_use: BarUse,
    /// It came while its first bar was in progress, in answer to a fill.
    pub(super) joined: bool,
    /// Commission is accumulated per order; a modified order stays one order (TK4).
    pub(super) commission: OrderCommission,
}

record!(Amendment { 1: kind, 2: quantity });
// How it stands in a bar is left out: an exchange is saved between bars.
record!(Working {
    1: client_id,
    2: symbol,
    3: side,
    4: role,
    5: group,
    6: time_in_force,
    7: kind,
    8: order_qty,
    9: cum_qty,
    10: amendment,
    11: submitted,
    12: live_from,
    13: sequence,
    14: triggered,
    15: fresh,
    16: auction,
    17: commission,
});

impl Working {
    pub(super) fn new(order: &NewOrder, now: Timestamp, sequence: u64) -> Self {
        Self {
            client_id: order.client_id,
            symbol: order.symbol,
            side: order.side,
            role: order.role,
            group: order.group,
            time_in_force: order.time_in_force,
            kind: order.kind,
            order_qty: order.quantity,
            cum_qty: Quantity::ZERO,
            amendment: None,
            submitted: now,
            // A latency below one bar means the next bar's open (TF14).
            live_from: floor_to_minute(now),
            sequence,
            triggered: false,
            fresh: true,
            auction: false,
            bar_use: BarUse::Idle,
            joined: false,
            commission: OrderCommission::default(),
        }
    }

    /// Returns the shares that may still fill in this bar.
    pub(super) fn leaves_qty(&self) -> Quantity {
        self.order_qty.minus(self.cum_qty)
    }

    /// Returns the total quantity with an accepted replacement counted.
    pub(super) fn total_qty(&self) -> Quantity {
        self.amendment.map_or(self.order_qty, |amendment| amendment.quantity)
    }

    /// Returns true when nothing is left to fill, in this bar and later.
    pub(super) fn is_done(&self) -> bool {
        self.total_qty() <= self.cum_qty
    }

    /// Returns what the order is now: a triggered stop is a market order, a triggered stop-limit
    /// a limit order (TF5, TF10).
    pub(super) fn effective_kind(&self) -> OrderKind {
        match self.kind {
            OrderKind::Stop { .. } if self.triggered => OrderKind::Market,
            OrderKind::StopLimit { limit, .. } if self.triggered => OrderKind::Limit { limit },
            kind => kind,
        }
    }

    /// Returns true for bracket children, which always count as resting (TF6).
    pub(super) fn is_bracket_child(&self) -> bool {
        matches!(self.role, OrderRole::Stop | OrderRole::Target)
    }

    /// Returns true when the order, emitted in answer to a fill, is live for the rest of that bar:
    /// exits that can rest. Market orders and marketable limits that close wait for the next bar's
    /// open, and so does everything that opens.
    pub(super) fn joins_bar_in_progress(&self) -> bool {
        match self.role {
            OrderRole::Stop | OrderRole::Target => self.kind != OrderKind::Market,
            OrderRole::Close => self.kind.stop().is_some(),
            OrderRole::Entry => false,
        }
    }

    /// Accepts a replacement: a smaller quantity holds at once, the rest from the next bar (TF1).
    pub(super) fn amend(&mut self, kind: OrderKind, quantity: Quantity) {
        self.order_qty = self.order_qty.min(quantity);
        self.amendment = Some(Amendment { kind, quantity });
    }

    /// Prepares the order for a bar that starts at `start` and that can fill it.
    pub(super) fn enter_bar(&mut self, start: Timestamp) {
        self.enter(self.live_from <= start);
    }

    /// Prepares the order for a print or quote: it arrives `latency_ns` after its time (TF14).
    pub(super) fn enter_instant(&mut self, time: Timestamp, latency_ns: i64) {
        self.enter(self.submitted.plus_nanos(latency_ns) <= time);
    }

    fn enter(&mut self, live: bool) {
        if let Some(Amendment { kind, quantity }) = self.amendment.take() {
            // A new limit arrives at the market anew, so TF4's first-bar clause applies again.
            self.fresh |= kind.limit() != self.kind.limit();
            self.triggered &= kind == self.kind;
            self.kind = kind;
            self.order_qty = quantity;
        }
        self.bar_use = if live { BarUse::Live } else { BarUse::Idle };
    }

    /// Ends the bar for the order.
    pub(super) fn leave_bar(&mut self) {
        if self.bar_use != BarUse::Idle {
            self.fresh = false;
            self.auction = false;
        }
        self.bar_use = BarUse::Idle;
        self.joined = false;
    }

    /// Reduces the open quantity by a fill of another member of the group (TF8).
    pub(super) fn reduce(&mut self, quantity: Quantity) {
        self.order_qty = self.order_qty.minus(quantity).max(self.cum_qty);
        if let Some(amendment) = &mut self.amendment {
            amendment.quantity = amendment.quantity.minus(quantity).max(self.cum_qty);
        }
    }
}

fn floor_to_minute(time: Timestamp) -> Timestamp {
    time.plus_nanos(-time.nanos().rem_euclid(model::MINUTE_NS))
}

/// An order as the exchange sees it: the truth for tests and for queries of open orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkingOrder {
    /// Our id of the order.
    pub client_id: ClientOrderId,
    /// Its symbol.
    pub symbol: SymbolId,
    /// Its side.
    pub side: Side,
    /// What it is for.
    pub role: OrderRole,
    /// Its exit group.
    pub group: Option<GroupId>,
    /// Kind and prices, an accepted replacement included.
    pub kind: OrderKind,
    /// Total quantity, an accepted replacement included.
    pub order_qty: Quantity,
    /// Shares filled.
    pub cum_qty: Quantity,
    /// True when the stop was touched.
    pub triggered: bool,
    /// When it was submitted.
    pub submitted: Timestamp,
}

impl From<&Working> for WorkingOrder {
    fn from(order: &Working) -> Self {
        Self {
            client_id: order.client_id,
            symbol: order.symbol,
            side: order.side,
            role: order.role,
            group: order.group,
            kind: order.amendment.map_or(order.kind, |amendment| amendment.kind),
            order_qty: order.total_qty(),
            cum_qty: order.cum_qty,
            triggered: order.triggered,
            submitted: order.submitted,
        }
    }
}
