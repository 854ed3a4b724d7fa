//! What became of handing a request to a broker (safety.md section 3).
//!
//! Each broker's table maps its codes to these values; a code that no table knows is
//! [`UnknownCause::Unmapped`]. Invariant: only evidence of non-acceptance is a refusal; everything
//! else is unknown (I10).

use crate::RejectReason;

/// A request that can be handed to a broker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RequestKind {
    /// A new order.
    Submit,
    /// A replacement of an order's prices and quantity.
    Replace,
    /// A cancellation.
    Cancel,
}

impl RequestKind {
    /// All kinds, in the order of their definition.
    pub const ALL: [Self; 3] = [Self::Submit, Self::Replace, Self::Cancel];
}

/// The outcome of handing a request to a broker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SendOutcome {
    /// No byte left.
    NotSent(NotSentReason),
    /// The broker refused it, definitively.
    Rejected(RejectReason),
    /// The broker has it.
    Accepted,
    /// The broker may have it (I10).
    Unknown(UnknownCause),
}

/// Why no byte left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NotSentReason {
    /// The broker could not be reached: connect or TLS refused or failed, no session.
    NotConnected,
    /// A cancel met the order before it was released and withdrew it (journal.md 6).
    Withdrawn,
    /// The kill switch was set (I8).
    Killed,
    /// The order was too old when its turn came (R3).
    TooOld,
    /// The broker's message budget was used up (C13).
    Budget,
    /// The check at the last point before the wire refused it (C16).
    LastCheck,
    /// The lock or the epoch was lost: another writer may be there (I16).
    Fenced,
}

impl NotSentReason {
    /// All reasons, in the order of their definition.
    pub const ALL: [Self; 7] = [
        Self::NotConnected,
        Self::Withdrawn,
        Self::Killed,
        Self::TooOld,
        Self::Budget,
        Self::LastCheck,
        Self::Fenced,
    ];
}

/// Why nobody knows whether the broker has a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UnknownCause {
    /// No answer in time.
    Timeout,
    /// The connection broke after bytes had left.
    ConnectionLost,
    /// A server error (5xx, 408, 409): the request may have been taken.
    ServerError,
    /// The answer is truncated or not readable.
    Unparsable,
    /// Rate limited, without a promise that the request was not taken.
    RateLimited,
    /// A code that the broker's table does not know.
    Unmapped,
    /// The broker says that the id was used before: the order exists.
    DuplicateId,
    /// The process ended between the intent and its outcome (journal.md 9).
    Restart,
    /// The order is missing in the broker's list of open orders (C34).
    Missing,
}

impl UnknownCause {
    /// All causes, in the order of their definition.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::ConnectionLost,
        Self::ServerError,
        Self::Unparsable,
        Self::RateLimited,
        Self::Unmapped,
        Self::DuplicateId,
        Self::Restart,
        Self::Missing,
    ];

    /// Returns the cause in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "no answer in time",
            Self::ConnectionLost => "the connection broke",
            Self::ServerError => "a server error",
            Self::Unparsable => "an unreadable answer",
            Self::RateLimited => "rate limited",
            Self::Unmapped => "an unknown code",
            Self::DuplicateId => "its id was used before",
            Self::Restart => "the process ended before the answer",
            Self::Missing => "missing in the broker's list",
        }
    }
}

/// What a refusal permits next (safety.md section 3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RejectClass {
    /// The broker itself is not available: another one may be asked (R1).
    Unavailable,
    /// Too many messages, documented as not accepted: the same broker, later (F21).
    Throttled,
    /// About the order: never sent elsewhere, that would evade a control.
    Business,
    /// Not a refusal at all: the order exists, it has to be queried.
    Exists,
}

impl RejectReason {
    /// Returns what the refusal permits next.
    pub const fn class(self) -> RejectClass {
        match self {
            Self::BrokerUnavailable => RejectClass::Unavailable,
            Self::RateLimited => RejectClass::Throttled,
            Self::DuplicateId => RejectClass::Exists,
            Self::Invalid
            | Self::BuyingPower
            | Self::UnknownOrder
            | Self::TooLate
            | Self::Halted
            | Self::MarketClosed
            | Self::ShortSale
            | Self::SelfTrade
            | Self::Restricted
            | Self::NotSent
            | Self::Other => RejectClass::Business,
        }
    }
}
