//! Which broker an order goes to, and what was sent: the history of orders.
//!
//! States and exit groups of orders are the order manager's; sockets and pacing the gateway's.
//! Fail-over between brokers (R1-R11) belongs here. Invariant: an exit goes where its position is
//! held (R4).

mod capabilities;
mod history;

pub use capabilities::VenueCapabilities;
pub use history::OrderHistory;

use model::BrokerId;

/// Returns the broker for a new entry. One broker is connected so far: the primary.
pub(crate) fn entry_route() -> BrokerId {
    BrokerId(0)
}
