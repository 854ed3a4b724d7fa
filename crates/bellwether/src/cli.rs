//! The arguments of the process: global flags and the list of commands.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use strategies::Registry;
use tracing::debug;

use crate::commands;
use crate::config::{Effective, Layers, LogLevel, load};
use crate::exit::{Exit, Failure};
use crate::{log, terminal};

/// The folder for everything the program writes, unless another is named.
pub(crate) const DEFAULT_DATA_DIR: &str = "bellwether-data";

/// Trades US equities intraday, safely: backtests and demos on recorded or generated markets.
#[derive(Debug, Parser)]
#[command(
    name = "bellwether",
    version = crate::BUILD,
    disable_help_subcommand = true,
    after_help = "Examples:\n  bellwether demo\n  bellwether backtest --data market --strategy vwap_reclaim --from 2011-03-01"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Configuration file [default: bellwether.toml where it is there]
    #[arg(long, global = true, value_name = "FILE", env = "BELLWETHER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for everything that is written
    #[arg(long, global = true, value_name = "DIR", default_value = DEFAULT_DATA_DIR, env = "BELLWETHER_DATA_DIR")]
    pub(crate) data_dir: PathBuf,
    /// How much is logged to stderr
    #[arg(long, global = true, value_name = "LEVEL", ignore_case = true,
        value_parser = clap::builder::PossibleValuesParser::new(LogLevel::NAMES))]
    pub(crate) log_level: Option<String>,
    /// How it is logged [default: text; json outside development]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// When text has colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For a collector: one JSON object a line.
    Json,
}

/// When text has colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On terminals.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an accelerated market day through the whole system
    Demo(commands::demo::Args),
    /// Run the system until it is stopped
    Run(commands::run::Args),
    /// Run strategies over stored data and report
    Backtest(commands::backtest::Args),
    /// Market data on disk
    Data(commands::data::Args),
    /// What a running system does
    Status(commands::reading::Args),
    /// How the components of a running system are
    Health(commands::reading::Args),
    /// Open positions of a running system, and corrections to them
    Positions(commands::operating::PositionsArgs),
    /// Orders of a running system, and decisions on them
    Orders(commands::operating::OrdersArgs),
    /// Closed trades of a running system
    Trades(commands::reading::ListArgs),
    /// Alerts of a running system
    Alerts(commands::reading::ListArgs),
    /// Why a running system did or did not trade a symbol
    Why(commands::reading::WhyArgs),
    /// Let a running system open nothing; exits go on
    Pause(commands::control::Args),
    /// Lift a pause or an emergency stop: takes the role admin and a reason
    Resume(commands::control::Args),
    /// Let nothing be opened at once and cancel every entry; exits stay
    EmergencyStop(commands::control::EmergencyArgs),
    /// Close the positions of a running system
    Flatten(commands::control::Args),
    /// Reduce the positions of a running system to its limits
    Rebalance(commands::control::Args),
    /// Stop a running system in order
    Stop(commands::control::StopArgs),
    /// Acknowledge an alert
    Ack(commands::control::AckArgs),
    /// Change the limits of a running system
    Limits(commands::operating::LimitsArgs),
    /// Accept that a running system's time is anchored anew to the wall clock
    AcceptClock(commands::operating::ClockArgs),
    /// API tokens: make, list, revoke
    Tokens(commands::tokens::Args),
    /// Reports on the system: every control with its limit and test
    Report(commands::report::Args),
    /// The write-ahead log: verify, dump, compare, repair, measure
    Journal(commands::journal::Args),
    /// List strategies and their parameters
    Strategies(commands::strategies::Args),
    /// Sessions, closures and early closes of the exchange
    Calendar(commands::calendar::Args),
    /// The configuration
    Config(commands::config::Args),
    /// Local stand-ins for brokers, as processes of their own
    Venue(commands::venue::Args),
    /// Run a journal again and compare what follows with what was recorded
    Replay(commands::replay::Args),
    /// Show what the engine knows, from a data directory
    State(commands::state::Args),
    /// Copy journal, snapshots and paper book to a folder
    Backup(commands::backup::BackupArgs),
    /// Bring a backup back, to go on under a higher epoch
    Restore(commands::backup::RestoreArgs),
    /// Print completions for a shell
    Completions(commands::completions::Args),
    /// Cancel the entry orders of a system that is silent; `run` starts it
    #[command(hide = true)]
    Guard(commands::guard::Args),
}

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Context {
    /// Global flags.
    pub(crate) global: Global,
    /// The strategies of this build.
    pub(crate) registry: Registry,
}

impl Context {
    /// Returns the layers of configuration that the process was started with.
    pub(crate) fn layers(&self) -> Layers {
        // A variable that is not UTF-8 cannot hold a value of ours.
        let env = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Layers { file: self.global.config.clone(), command: None, env: env.collect() }
    }

    /// Loads the configuration, starts logging with it and prints its warnings.
    pub(crate) fn configure(&self, layers: &Layers) -> Result<Effective, Failure> {
        let mut effective = load(layers, &self.registry)?;
        if let Some(level) = &self.global.log_level {
            effective.set_flag("system.log_level", "--log-level", level)?;
        }
        log::start(&effective.config.system, self.global.log_format);
        if let Some(file) = &effective.file {
            debug!(file = %file.display(), "read the configuration");
        }
        effective.warnings().iter().for_each(|warning| terminal::warn(warning));
        Ok(effective)
    }

    /// Returns the folder of the store that is used when none is named.
    pub(crate) fn catalog_dir(&self) -> PathBuf {
        self.global.data_dir.join("catalog")
    }
}

/// Reads the arguments of the process and runs what they say.
pub(crate) fn run(registry: Registry) -> Result<Exit, Failure> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no error; the rest is wrong use.
            error.print()?;
            return Ok(if error.use_stderr() { Exit::Usage } else { Exit::Done });
        }
    };
    match cli.global.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let context = Context { global: cli.global, registry };
    match cli.command {
        Command::Demo(args) => commands::demo::run(&context, &args),
        Command::Run(args) => commands::run::run(&context, &args),
        Command::Backtest(args) => commands::backtest::run(&context, &args),
        Command::Data(args) => commands::data::run(&context, &args),
        Command::Status(args) => commands::reading::status(&context, &args),
        Command::Health(args) => commands::reading::health(&context, &args),
        Command::Positions(args) => commands::operating::positions(&context, &args),
        Command::Orders(args) => commands::operating::orders(&context, &args),
        Command::Trades(args) => commands::reading::trades(&context, &args),
        Command::Alerts(args) => commands::reading::alerts(&context, &args),
        Command::Why(args) => commands::reading::why(&context, &args),
        Command::Pause(args) => commands::control::run(&context, "pause", &args),
        Command::Resume(args) => commands::control::run(&context, "resume", &args),
        Command::EmergencyStop(args) => commands::control::emergency_stop(&context, &args),
        Command::Flatten(args) => commands::control::run(&context, "flatten", &args),
        Command::Rebalance(args) => commands::control::run(&context, "rebalance", &args),
        Command::Stop(args) => commands::control::stop(&context, &args),
        Command::Ack(args) => commands::control::acknowledge(&context, &args),
        Command::Limits(args) => commands::operating::limits(&context, &args),
        Command::AcceptClock(args) => commands::operating::accept_clock(&context, &args),
        Command::Tokens(args) => commands::tokens::run(&context, &args),
        Command::Report(args) => commands::report::run(&context, &args),
        Command::Journal(args) => commands::journal::run(&context, &args),
        Command::Strategies(args) => commands::strategies::run(&context, &args),
        Command::Calendar(args) => commands::calendar::run(&context, &args),
        Command::Config(args) => commands::config::run(&context, &args),
        Command::Venue(args) => commands::venue::run(&context, &args),
        Command::Replay(args) => commands::replay::run(&context, &args),
        Command::State(args) => commands::state::run(&context, &args),
        Command::Backup(args) => commands::backup::backup(&context, &args),
        Command::Restore(args) => commands::backup::restore(&context, &args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Guard(args) => commands::guard::run(&context, &args),
    }
}

/// Returns the whole command line for completions.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definition_is_consistent() {
        definition().debug_assert();
    }
}
