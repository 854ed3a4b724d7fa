//! `run`: the system until it is stopped, in the mode of the configuration.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::running::{self, Wish};

/// Flags of `run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether run --init\n  bellwether --config paper.toml run --mode paper --ready-file ready.json"
)]
pub(crate) struct Args {
    /// Make the data directory for this account, once
    #[arg(long)]
    init: bool,
    /// What is traded with [default: system.mode]
    #[arg(long, value_name = "MODE")]
    mode: Option<Mode>,
    /// The account that real money may be traded on
    #[arg(long, value_name = "ACCOUNT_ID")]
    confirm_live: Option<String>,
    /// Written when the start-up has ended
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

/// The modes of the contract; this build has the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Mode {
    /// Simulated money
    Paper,
    /// Local stand-ins of the vendors
    Rehearsal,
    /// Real money
    Live,
}

/// Runs `run`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let effective = context.configure(&context.layers())?;
    if let Some(mode @ (Mode::Rehearsal | Mode::Live)) = args.mode {
        let name = if mode == Mode::Live { "live" } else { "rehearsal" };
        return Err(Failure::config(format_args!(
            "--mode {name}: this build has the paper broker only"
        )));
    }
    if args.confirm_live.is_some() {
        return Err(Failure::usage("--confirm-live goes with --mode live"));
    }
    let wish = Wish { init: args.init, ready_file: args.ready_file.clone() };
    running::run(context, &effective, wish)
}
