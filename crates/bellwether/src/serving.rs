//! The API of a running system (contract.md 6), and the token of the command line.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use runtime::Handle;
use server::auth::{Auth, ensure_cli_token};
use server::{ReadLimits, ServeError, Server, Settings};
use tokio::runtime::Runtime;

use crate::config::{Config, limits_from};
use crate::exit::{Exit, Failure};
use crate::secrets;

/// Begins to serve at an address, with the tokens of a data directory.
pub(crate) fn start(
    config: &Config,
    data_dir: &Path,
    listen: SocketAddr,
    handle: &Handle,
    on: &Runtime,
) -> Result<Server, Failure> {
    try_to_start(config, data_dir, listen, handle, on)?.map_err(not_served)
}

/// The same at an address that is nobody's wish: where it is taken, at a free port.
pub(crate) fn start_somewhere(
    config: &Config,
    data_dir: &Path,
    listen: SocketAddr,
    handle: &Handle,
    on: &Runtime,
) -> Result<Server, Failure> {
    match try_to_start(config, data_dir, listen, handle, on)? {
        Err(ServeError::Bind { .. }) => {
            let free = SocketAddr::new(listen.ip(), 0);
            start(config, data_dir, free, handle, on)
        }
        other => other.map_err(not_served),
    }
}

fn try_to_start(
    config: &Config,
    data_dir: &Path,
    listen: SocketAddr,
    handle: &Handle,
    on: &Runtime,
) -> Result<Result<Server, ServeError>, Failure> {
    let auth = if config.server.auth { Some(Arc::new(tokens(data_dir)?)) } else { None };
    let read_limits: ReadLimits = Arc::new(limits_from);
    // This build has simulated money only.
    let wanted = Settings { listen, auth, live: false, read_limits };
    Ok(Server::start(Arc::new(handle.clone()), wanted, on.handle()))
}

fn not_served(error: ServeError) -> Failure {
    Failure::new(Exit::Io, error).hint("server.listen names the address")
}

/// Opens the tokens and sees that the command line has one.
fn tokens(dir: &Path) -> Result<Auth, Failure> {
    let failed = |error| Failure::new(Exit::Io, error);
    let auth = Auth::open(dir).map_err(failed)?;
    let file = ensure_cli_token(&auth, dir, runtime::clock::wall()).map_err(failed)?;
    let read = |error| Failure::io(format_args!("read {}", file.display()), error);
    secrets::register(std::fs::read_to_string(&file).map_err(read)?.trim());
    Ok(auth)
}
