//! What a broker says about an order.

use crate::{
    BrokerId, BrokerOrderId, Cash, ClientOrderId, ExecId, Price, Quantity, Side, SymbolId,
    Timestamp,
};

/// One execution of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    /// The broker's id of the execution: the key for booking it once (I4).
    pub exec_id: ExecId,
    /// Side of the execution.
    pub side: Side,
    /// Shares of this execution, above zero.
    pub quantity: Quantity,
    /// Price of this execution.
    pub price: Price,
    /// Commission and fees of this execution, kept raw (TK7).
    pub fee: Cash,
}

/// Why a broker refused a request (mapped per broker, F20).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RejectReason {
    /// The request is malformed.
    Invalid,
    /// Not enough buying power.
    BuyingPower,
    /// The order's id was used before: the order exists, query it.
    DuplicateId,
    /// No such order.
    UnknownOrder,
    /// Too late: filled, cancelled or expired.
    TooLate,
    /// Trading in the symbol is halted.
    Halted,
    /// The market is closed for this kind of order.
    MarketClosed,
    /// The broker itself is not available.
    BrokerUnavailable,
    /// Too many messages; documented as not accepted.
    RateLimited,
    /// Short selling is not possible: not shortable, no locate, restricted.
    ShortSale,
    /// It would trade with an order of our own.
    SelfTrade,
    /// The symbol or the account is restricted.
    Restricted,
    /// It never left: denied or not connected on our side.
    NotSent,
    /// Anything else.
    Other,
}

impl RejectReason {
    /// All reasons.
    pub const ALL: [Self; 14] = [
        Self::Invalid,
        Self::BuyingPower,
        Self::DuplicateId,
        Self::UnknownOrder,
        Self::TooLate,
        Self::Halted,
        Self::MarketClosed,
        Self::BrokerUnavailable,
        Self::RateLimited,
        Self::ShortSale,
        Self::SelfTrade,
        Self::Restricted,
        Self::NotSent,
        Self::Other,
    ];

    /// Returns the reason in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::BuyingPower => "buying power",
            Self::DuplicateId => "duplicate id",
            Self::UnknownOrder => "unknown order",
            Self::TooLate => "too late",
            Self::Halted => "halted",
            Self::MarketClosed => "market closed",
            Self::BrokerUnavailable => "broker unavailable",
            Self::RateLimited => "rate limited",
            Self::ShortSale => "short sale",
            Self::SelfTrade => "self-trade",
            Self::Restricted => "restricted",
            Self::NotSent => "not sent",
            Self::Other => "other",
        }
    }
}

/// What happened to an order (ExecType of FIX, with our names).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExecType {
    /// The broker has the order; it is not at a market yet.
    Accepted,
    /// The order is at a market.
    New,
    /// A part of the order, or all of it, was executed.
    Trade(Fill),
    /// The order is done: cancelled.
    Cancelled,
    /// The order is done: its time ran out.
    Expired,
    /// The order was refused.
    Rejected(RejectReason),
    /// A cancel request was received and is not done yet.
    PendingCancel,
    /// A cancel request was refused.
    CancelRejected(RejectReason),
    /// A replacement was received and is not done yet.
    PendingReplace,
    /// The replacement is in force; the report bears the new client id.
    Replaced,
    /// A replacement was refused; the old order stands.
    ReplaceRejected(RejectReason),
    /// The broker changed the order's total quantity itself (an exit group's fill, TF8).
    Restated {
        /// New total quantity, shares already filled included.
        order_qty: Quantity,
    },
    /// An execution was corrected: `fill` takes the place of the one named `replaces` (F12).
    Correct {
        /// The execution that is corrected.
        replaces: ExecId,
        /// The execution as it stands now.
        fill: Fill,
    },
    /// An execution was cancelled (F12).
    Bust {
        /// The execution that never was.
        exec_id: ExecId,
    },
}

/// A broker's report on one order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExecutionReport {
    /// Our id of the order.
    pub client_id: ClientOrderId,
    /// Who reports.
    pub broker: BrokerId,
    /// Symbol of the order.
    pub symbol: SymbolId,
    /// What happened.
    pub exec: ExecType,
    /// When it happened, by the broker's clock.
    pub time: Timestamp,
    /// Shares of the order filled so far, as the broker states it; `None` when it does not. A
    /// cross-check, never a booking: fills come from executions only (venues.md 0.2).
    pub cum_qty: Option<Quantity>,
    /// The broker's id of the order, where it tells one.
    pub broker_id: Option<BrokerOrderId>,
}
