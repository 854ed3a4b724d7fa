//! Orders: what we ask for and the states they pass through.

use crate::{BrokerId, ClientOrderId, GroupId, OrderRole, Price, Quantity, Query, SymbolId};

/// The side of an order. A short sale is marked as such (C19).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// Buys, to open a long position or to cover a short one.
    Buy,
    /// Sells shares that are held.
    Sell,
    /// Sells shares that are not held.
    SellShort,
}

impl Side {
    /// Returns +1 for buying and -1 for selling.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell | Self::SellShort => -1,
        }
    }

    /// Returns true for [`Side::Buy`].
    #[inline]
    pub const fn is_buy(self) -> bool {
        matches!(self, Self::Buy)
    }

    /// Returns the name in JSON: `buy`, `sell` or `sell_short`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
            Self::SellShort => "sell_short",
        }
    }
}

/// How long an order works.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TimeInForce {
    /// Until the close of its session.
    Day,
    /// Until cancelled.
    Gtc,
    /// What can be done at once; the rest is cancelled.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// In the opening auction.
    Opg,
    /// In the closing auction.
    Cls,
}

/// The kind of an order with its prices.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OrderKind {
    /// At the market.
    Market,
    /// At the limit or better.
    Limit {
        /// Worst price to trade at.
        limit: Price,
    },
    /// At the market once the stop is touched.
    Stop {
        /// Price that triggers.
        stop: Price,
    },
    /// At the limit or better once the stop is touched.
    StopLimit {
        /// Price that triggers.
        stop: Price,
        /// Worst price to trade at.
        limit: Price,
    },
}

impl OrderKind {
    /// Returns the limit price, if the kind has one.
    #[inline]
    pub const fn limit(self) -> Option<Price> {
        match self {
            Self::Limit { limit } | Self::StopLimit { limit, .. } => Some(limit),
            Self::Market | Self::Stop { .. } => None,
        }
    }

    /// Returns the trigger price, if the kind has one.
    #[inline]
    pub const fn stop(self) -> Option<Price> {
        match self {
            Self::Stop { stop } | Self::StopLimit { stop, .. } => Some(stop),
            Self::Market | Self::Limit { .. } => None,
        }
    }

    /// Returns the name in JSON: `market`, `limit`, `stop` or `stop_limit`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit { .. } => "limit",
            Self::Stop { .. } => "stop",
            Self::StopLimit { .. } => "stop_limit",
        }
    }
}

/// A request for a new order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewOrder {
    /// Our id, made before sending.
    pub client_id: ClientOrderId,
    /// Where it goes.
    pub broker: BrokerId,
    /// What is traded.
    pub symbol: SymbolId,
    /// Buy or sell.
    pub side: Side,
    /// Kind and prices.
    pub kind: OrderKind,
    /// Shares ordered, above zero.
    pub quantity: Quantity,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// What it is for. Stops and targets are bracket children and count as resting (TF6).
    pub role: OrderRole,
    /// The exit group it belongs to: a fill of one member reduces the others (TF8).
    pub group: Option<GroupId>,
}

/// A request to cancel an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CancelRequest {
    /// Our id of the order.
    pub client_id: ClientOrderId,
    /// Where it works.
    pub broker: BrokerId,
    /// Its symbol.
    pub symbol: SymbolId,
}

/// A request to replace an order's prices and quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplaceRequest {
    /// Our id of the order that works now.
    pub client_id: ClientOrderId,
    /// Our id of the order after the replacement: the same number, the next attempt.
    pub new_client_id: ClientOrderId,
    /// Where it works.
    pub broker: BrokerId,
    /// Its symbol.
    pub symbol: SymbolId,
    /// New kind and prices.
    pub kind: OrderKind,
    /// New total quantity, shares already filled included.
    pub quantity: Quantity,
}

/// A command to a broker; it leaves only when its group is durable (journal.md 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Sends an order.
    Submit(NewOrder),
    /// Replaces an order.
    Replace(ReplaceRequest),
    /// Cancels an order.
    Cancel(CancelRequest),
    /// Asks a question; the answer comes in pages.
    Query(Query),
}

/// The state of an order; `cancel_pending` and `replace_pending` are overlays beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OrderState {
    /// Inside the core.
    Created,
    /// Its intent exists: bytes may have left (journal.md 7).
    Sent,
    /// The broker has it; not at a market yet, or held.
    Accepted,
    /// At the market.
    Working,
    /// At the market with a part filled.
    PartiallyFilled,
    /// Done in full.
    Filled,
    /// Done: cancelled.
    Cancelled,
    /// Done: its time ran out.
    Expired,
    /// Done: refused by the broker.
    Rejected,
    /// Done: another order took its place.
    Replaced,
    /// Quarantined until there is evidence (I10).
    Unknown,
}

impl OrderState {
    /// All states, in the order of their definition.
    pub const ALL: [Self; 11] = [
        Self::Created,
        Self::Sent,
        Self::Accepted,
        Self::Working,
        Self::PartiallyFilled,
        Self::Filled,
        Self::Cancelled,
        Self::Expired,
        Self::Rejected,
        Self::Replaced,
        Self::Unknown,
    ];

    /// Returns true when only late fills, corrections and busts may still come (I9).
    #[inline]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Filled | Self::Cancelled | Self::Expired | Self::Rejected | Self::Replaced
        )
    }

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Working => "working",
            Self::PartiallyFilled => "partially_filled",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Replaced => "replaced",
            Self::Unknown => "unknown",
        }
    }
}
