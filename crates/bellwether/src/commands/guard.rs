//! `guard`: the process beside a running system that cancels its entry orders when it is silent
//! (C32). `run` starts it; it is no command for people.

use std::io;
use std::time::{Duration, Instant};

use journal::Lock;
use runtime::guard::{SILENCE, Watched, watch};
use runtime::write_kill_file;

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::running::direct;
use crate::terminal;

/// How often it looks whether the system came back.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Flags of `guard`.
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(crate) struct Args {
    /// The process that is guarded
    #[arg(long, value_name = "PID")]
    process: u32,
}

/// Runs `guard`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    // What can be refused is refused now, while the system lives to hear of it.
    let effective = context.configure(&context.layers())?;
    let symbols = crate::running::symbols(&effective.config)?;
    let data_dir = &context.global.data_dir;
    match watch(io::stdin(), SILENCE) {
        Watched::Orderly => return Ok(Exit::Done),
        Watched::Silent => {
            let why = format!("the guard did not hear process {} for ten seconds", args.process);
            terminal::complain(&format!("error: {why}: entry orders are cancelled"));
            // Should it wake up, it opens nothing before a person looked.
            if let Err(error) = write_kill_file(data_dir, &why) {
                terminal::complain(&format!("error: the KILL file cannot be written: {error}"));
            }
        }
        Watched::Gone if comes_back(context, args.process) => return Ok(Exit::Done),
        Watched::Gone => terminal::complain(&format!(
            "error: process {} is gone and was not started again: entry orders are cancelled",
            args.process
        )),
    }
    Ok(direct::tell(&direct::stop_entries(&effective.config, &symbols)?))
}

/// Waits for another process to take the data directory over: it cares for the orders then.
fn comes_back(context: &Context, gone: u32) -> bool {
    let since = Instant::now();
    while since.elapsed() < SILENCE {
        if Lock::holder(&context.global.data_dir).is_some_and(|holder| holder != gone) {
            return true;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    false
}
