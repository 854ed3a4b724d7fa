//! The paper broker: an account and a book of its own, durable before each answer (journal.md 18).
//!
//! [`Book`] is the simulated exchange with a log of its own: synchronous, deterministic, without
//! locks. [`MemoryBroker`] puts it on a thread of its own inside the process; [`Server`] serves one to
//! [`TcpBroker`] in another process and makes the faults it is told to make. What fills and at
//! which price is `simulator`'s; what is sent and why is decided elsewhere.
//!
//! Invariant: no answer and no report leaves before the log that holds it is on disk, and "not
//! found" is final.

mod admin;
pub mod book;
mod client;
mod desk;
mod faults;
pub mod feed;
mod memory;
mod server;
mod wire;

pub use admin::Admin;
pub use book::{Book, BookError, CHECKPOINT, OpenError, Settings};
pub use client::{TcpBroker, TcpSettings};
pub use desk::{Clock, Desk, Shown};
pub use faults::{FAULTS, Fault, FaultError, FaultFile, FaultRule, Faults, On};
pub use memory::MemoryBroker;
pub use server::{Logged, Server};

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
