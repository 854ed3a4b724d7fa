//! The command line: reads flags and configuration, wires data, engine and reports by mode, and
//! turns every outcome into text or JSON and an exit code (contract.md sections 1-5).
//!
//! A stranger's crate adds its own strategies and keeps everything else:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     let registry = strategies::Registry::builtin();
//!     // registry.add(my_strategy::INFO);
//!     bellwether::main(registry)
//! }
//! ```
//!
//! One command is one file in [`commands`]; trading itself is in `engine`, `backtest` and the
//! crates below. Invariant: with `--json` stdout carries exactly one JSON document; everything
//! for people goes to stderr then.

mod cli;
mod commands;
mod config;
mod decisions;
mod demo;
mod exit;
mod files;
mod log;
mod market;
mod progress;
mod report;
mod run;
mod spec;
mod terminal;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use strategies::Registry;

use exit::{Exit, Failure};

/// Version and commit of this build, as reports name it.
pub(crate) const BUILD: &str =
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("BELLWETHER_COMMIT"), ")");

/// Runs the program with the strategies of `registry` on the arguments of the process and returns
/// its exit code (contract.md section 2).
pub fn main(registry: Registry) -> ExitCode {
    let outcome = catch_unwind(AssertUnwindSafe(|| cli::run(registry)));
    let outcome = outcome.unwrap_or_else(|_| {
        // The panic's own message and place were printed by the panic hook.
        Err(Failure::internal("internal fault; please report it with the lines above"))
    });
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.code().into()
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
