//! The paper broker: an account and a book of its own, durable before each answer (journal.md 18).
//!
//! [`Book`] is the simulated exchange with a log of its own: synchronous, deterministic, without
//! locks. [`MemoryBroker`] puts it on a thread of its own inside the process. What fills and at
//! which price is `simulator`'s; what is sent and why is decided elsewhere.
//!
//! Invariant: no answer and no report leaves before the log that holds it is on disk, and "not
//! found" is final.

pub mod book;
mod desk;
mod memory;

pub use book::{Book, BookError, OpenError, Settings};
pub use desk::{Clock, Desk, Shown};
pub use memory::MemoryBroker;

use engine::execution_engine::{BrokerTraits, NotFound, VenueCapabilities};

/// Returns what is known of the paper broker before anything is sent: it can what the simulated
/// exchange can, and its "not found" is final (journal.md 18). With `remote` it has a connection
/// and its books are compared with ours.
pub fn traits(remote: bool) -> BrokerTraits {
    BrokerTraits {
        name: "paper".to_owned(),
        capabilities: VenueCapabilities::SIMULATED,
        not_found: NotFound::FINAL,
        remote,
    }
}
