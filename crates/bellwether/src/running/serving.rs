//! The API of the running system (contract.md 6), and the token of the command line.

use std::sync::Arc;

use runtime::Handle;
use server::auth::{Auth, ensure_cli_token};
use server::{ReadLimits, Server, Settings};
use tokio::runtime::Runtime;

use super::Plan;
use crate::config::limits_from;
use crate::exit::{Exit, Failure};
use crate::secrets;

/// Begins to serve.
pub(super) fn start(plan: &Plan<'_>, handle: &Handle, on: &Runtime) -> Result<Server, Failure> {
    let settings = &plan.config.server;
    let auth = if settings.auth { Some(Arc::new(tokens(plan)?)) } else { None };
    let read_limits: ReadLimits = Arc::new(limits_from);
    // This build has simulated money only.
    let wanted = Settings { listen: settings.listen, auth, live: false, read_limits };
    Server::start(Arc::new(handle.clone()), wanted, on.handle())
        .map_err(|error| Failure::new(Exit::Io, error).hint("server.listen names the address"))
}

/// Opens the tokens and sees that the command line has one.
fn tokens(plan: &Plan<'_>) -> Result<Auth, Failure> {
    let dir = &plan.context.global.data_dir;
    let failed = |error| Failure::new(Exit::Io, error);
    let auth = Auth::open(dir).map_err(failed)?;
    let file = ensure_cli_token(&auth, dir, runtime::clock::wall()).map_err(failed)?;
    let read = |error| Failure::io(format_args!("read {}", file.display()), error);
    secrets::register(std::fs::read_to_string(&file).map_err(read)?.trim());
    Ok(auth)
}
