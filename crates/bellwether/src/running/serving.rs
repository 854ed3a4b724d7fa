//! The API of the running system (contract.md 6).

use std::net::SocketAddr;

use runtime::Handle;
use tokio::runtime::Runtime;

use super::Plan;
use crate::exit::Failure;

/// The API, where it is served.
#[derive(Debug)]
pub(super) struct Serving {
    server: Option<server::Server>,
}

impl Serving {
    /// Returns where it listens.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(server::Server::address)
    }

    /// Ends listening.
    pub(super) fn stop(self) {
        drop(self.server);
    }
}

/// Begins to serve.
pub(super) fn start(_: &Plan<'_>, _: &Handle, _: &Runtime) -> Result<Serving, Failure> {
    Ok(Serving { server: None })
}
