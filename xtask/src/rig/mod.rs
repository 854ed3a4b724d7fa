//! The shipped program as a system that runs: its own paper broker in a process of its own, a proxy
//! between the two, and what a person or a judge can see of both from outside.
//!
//! Nothing here reads a file format of the product or trusts what the program says of itself: what
//! happened at the broker is what the broker's process says.
//!
//! Invariant: whatever was started is ended when its value is dropped.

pub(crate) mod clock;
pub(crate) mod daemon;
pub(crate) mod dice;
pub(crate) mod http;
pub(crate) mod lateness;
pub(crate) mod proxy;
pub(crate) mod stage;
pub(crate) mod system;
pub(crate) mod truth;
pub(crate) mod venue;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

/// Returns an address of this machine at which nothing listens now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    listener.local_addr().context("ask for the address of a free port")
}

/// Asks again and again until something comes, at most `limit`.
pub(crate) fn wait_for<T>(
    limit: Duration,
    mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask()? {
            return Ok(Some(found));
        }
        if begun.elapsed() >= limit {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}
