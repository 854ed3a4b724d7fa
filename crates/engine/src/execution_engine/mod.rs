//! Which broker an order goes to, what became of what was sent, and what is asked about it.
//!
//! States and exit groups of orders are the order manager's; sockets and pacing the gateway's.
//! Outcomes of requests ([`meaning`]), doubts and their questions, fail-over (R1-R7) belong here.
//!
//! Invariants: an exit goes where its position is held (R4); an order's fate is never guessed
//! (I10); nothing goes to a second broker while the first may hold it (I1).

mod adopting;
mod attempt;
mod capabilities;
mod comparing;
mod connections;
mod doubt;
mod history;
mod meaning;
pub(crate) mod outcomes;
pub(crate) mod reconciliation;
mod round;
pub(crate) mod routing;
mod state;
mod traits;
pub(crate) mod unheard;

pub use adopting::adopted;
pub use attempt::{AttemptClosed, AttemptState, Closed, calls_for_another_broker, may_fail_over};
pub use capabilities::VenueCapabilities;
pub use comparing::{Compared, Difference, compare, ours};
pub(crate) use connections::{on_connection, on_start};
pub(crate) use doubt::pause_ns;
pub use doubt::{Doubt, Evidence, Fence, Retry};
pub use history::OrderHistory;
pub use meaning::{Meaning, meaning};
pub use round::{Progress, Round};
pub use routing::exclusive;
pub use state::{Answer, BrokerState, Brokers, CashBase, OpenQuery, Refused};
pub use traits::{BrokerTraits, NotFound};
pub use unheard::Unheard;
