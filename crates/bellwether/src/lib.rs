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
//! One command is one file in `commands`; trading itself is in `engine`, `backtest` and the
//! crates below. Invariant: with `--json` stdout carries exactly one JSON document; everything
//! for people goes to stderr then.

mod cli;
mod client;
mod commands;
mod config;
mod days;
mod decisions;
mod demo;
mod exit;
mod files;
mod log;
mod market;
mod progress;
mod report;
mod run;
mod running;
mod secrets;
mod serving;
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
    exit_of(|| cli::run(registry)).into()
}

/// Returns how a command ended; a failure is printed, a panic is an internal fault.
fn exit_of(command: impl FnOnce() -> Result<Exit, Failure>) -> Exit {
    let outcome = catch_unwind(AssertUnwindSafe(command)).unwrap_or_else(|_| {
        // The panic's own message and place were printed by the panic hook.
        Err(Failure::internal("internal fault; please report it with the lines above"))
    });
    outcome.unwrap_or_else(|failure| {
        failure.print();
        failure.code()
    })
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// contract.md section 2: a panic is exit 70, and nothing else about it differs.
    #[test]
    fn a_panic_is_an_internal_fault() {
        assert_eq!(exit_of(|| panic!("expected by this test")), Exit::Internal);
        assert_eq!(exit_of(|| Ok(Exit::No)), Exit::No);
        assert_eq!(exit_of(|| Err(Failure::missing("expected by this test"))), Exit::Missing);
    }
}
