//! Developer commands: `cargo xtask test`, `cargo xtask tidy`, `cargo xtask mutants`,
//! `cargo xtask killtest`, `cargo xtask bench`.
//!
//! This program knows how the repository is built and checked; it knows nothing about trading.
//! It depends on three small crates so that it compiles in seconds, and it reaches the product
//! only as a user does: through cargo and through the `bellwether` binary.
//!
//! Invariant: a command exits with 0 only when everything it was asked to check was checked and
//! held; what could not be checked is printed as SKIPPED with its reason.

mod bench;
mod context;
mod durable;
mod hardship;
mod killtest;
mod mutants;
mod outcome;
mod process;
mod python;
mod release;
mod rig;
mod steps;
mod suite;
mod tidy;
mod workloads;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::context::Context;

/// Developer commands of Bellwether.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what the tests need and runs everything: format, lints, tidy, tests, docs,
    /// licences, the program end to end, benchmarks in smoke mode.
    #[command(after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --only fmt,tidy")]
    Test {
        /// A skipped part is a failure unless its reason is `data absent`, `fixtures absent` or
        /// `advisories unreachable`; missing tools are installed.
        #[arg(long)]
        strict: bool,
        /// Runs only these steps, and the steps they need.
        #[arg(long, value_name = "STEP", value_delimiter = ',')]
        only: Vec<String>,
        /// Lists the steps and ends.
        #[arg(long)]
        list: bool,
    },
    /// Checks the shape of the repository: crate arrows, purity, links, licences, stray paths;
    /// prints files and functions that grew too long.
    #[command(after_help = "Examples:\n  cargo xtask tidy\n  cargo xtask test --only tidy")]
    Tidy,
    /// Takes each control out of the risk gate and expects its test to fail; prints which tests
    /// noticed.
    #[command(after_help = "Examples:\n  cargo xtask mutants\n  cargo xtask test --only mutants")]
    Mutants,
    /// Kills the running system again and again and lets the broker's own log judge it.
    #[command(
        after_help = "Examples:\n  cargo xtask killtest --cycles 500\n  cargo xtask killtest --cycles 20 --seed 7 --debug"
    )]
    Killtest {
        /// How many times it is started and ended.
        #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
        cycles: u64,
        /// Seed of the moments.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Kills the debug build instead of the release build.
        #[arg(long)]
        debug: bool,
    },
    /// Runs the system with bad disks, a second instance, and emergency stops in every state.
    #[command(
        after_help = "Examples:\n  cargo xtask hardship\n  cargo xtask hardship --case direct"
    )]
    Hardship {
        /// Only the cases whose names contain this.
        #[arg(long, default_value = "")]
        case: String,
    },
    /// Builds the benchmark in release mode, makes its data and prints its figures.
    #[command(after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench --smoke --json")]
    Bench {
        /// A short run that shows that everything works; its figures mean nothing.
        #[arg(long)]
        smoke: bool,
        /// Prints one JSON document on stdout.
        #[arg(long)]
        json: bool,
        /// Seed of the generated market.
        #[arg(long, default_value_t = workloads::PUBLISHED_SEED)]
        seed: u64,
    },
}

fn main() -> ExitCode {
    match dispatch(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command; `false` means that a check did not hold.
fn dispatch(arguments: Arguments) -> anyhow::Result<bool> {
    match arguments.command {
        Command::Test { list: true, .. } => {
            suite::list();
            Ok(true)
        }
        Command::Test { strict, only, .. } => suite::run(&Context::new(strict)?, &only),
        Command::Tidy => tidy::run_and_print(&Context::new(false)?),
        Command::Mutants => mutants::run_and_print(&Context::new(false)?),
        Command::Killtest { cycles, seed, debug } => {
            let profile = if debug { "debug" } else { "release" };
            let wish = killtest::Wish { cycles, seed, profile };
            killtest::run_and_print(&Context::new(false)?, wish)
        }
        Command::Hardship { case } => hardship::run_and_print(&Context::new(false)?, &case),
        Command::Bench { smoke, json, seed } => {
            bench::run_and_print(&Context::new(false)?, smoke, json, seed)
        }
    }
}
