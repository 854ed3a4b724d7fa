//! `run`: a system until it is stopped, put together from the configuration.
//!
//! The start-up gate comes first (lock, identity, recovery), then journal, brokers, the core's
//! thread and the API; signals stop in order. How the core is driven follows from where the paper
//! broker is: in the process it is stepped by the time of the data, as its own process it is live.

pub(crate) mod direct;
mod guarding;
mod live;
mod readiness;
mod signals;
mod stepped;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use engine::lifecycle::health::HeartbeatLimits;
use journal::Author;
use journal::disk::RealDisk;
use model::Symbol;
use playback::Days;
use runtime::Handle;
use runtime::alerts::AlertSettings;
use runtime::inbox::InboxConfig;
use runtime::monitor::{HEALTH_EVERY, Monitor, MonitorSettings};
use runtime::recovery::Place;
use runtime::shell::{Finished, RaiseError, Settings, SnapshotRule};
use runtime::startup::{CrashLoop, OpenError, Opened, Startup, open};
use runtime::view::{Build, Run};
use server::Server;
use tokio::runtime::Runtime;
use twox_hash::xxhash3_128::Hasher;

use crate::cli::Context;
use crate::config::{Config, Effective, Transport};
use crate::days::{self, Wanted};
use crate::exit::{Exit, Failure};
use crate::files;
use crate::log;
use crate::run::Setup;
use crate::run::foundry::{Described, Drive, EngineFoundry};
use crate::run::tables::Tables;
use crate::serving;
use crate::terminal;

/// The account that the paper broker keeps.
const PAPER_ACCOUNT: &str = "paper";

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// Makes the data directory.
    pub(crate) init: bool,
    /// Where to say that the start-up has ended.
    pub(crate) ready_file: Option<PathBuf>,
}

/// A run before it begins.
struct Plan<'a> {
    context: &'a Context,
    config: &'a Config,
    wish: Wish,
    setup: Setup,
    days: Arc<dyn Days>,
    symbols: Vec<Symbol>,
    foundry: EngineFoundry,
}

/// Runs until it is stopped.
pub(crate) fn run(context: &Context, effective: &Effective, wish: Wish) -> Result<Exit, Failure> {
    let config = &effective.config;
    let setup = Setup::new(effective, &context.registry, &[], false)?.on_paper(config);
    let days = find_days(config, &setup.tables)?;
    let symbols = days.symbols().to_vec();
    let foundry = EngineFoundry { registry: context.registry.clone() };
    let plan = Plan { context, config, wish, setup, days, symbols, foundry };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the threads of the shell", error))?;
    let finished = match &config.running.transport {
        Transport::Tcp(address) => live::run(&plan, address, &runtime)?,
        Transport::Memory => stepped::run(&plan, &runtime)?,
    };
    // Sockets and timers that are left end with the process.
    runtime.shutdown_timeout(Duration::from_millis(500));
    Ok(ended(finished))
}

/// Returns the symbols of a run by this configuration.
pub(crate) fn symbols(config: &Config) -> Result<Vec<Symbol>, Failure> {
    let tables = Tables::load(config)?;
    Ok(find_days(config, &tables)?.symbols().to_vec())
}

/// Finds the days that are played back.
fn find_days(config: &Config, tables: &Tables) -> Result<Arc<dyn Days>, Failure> {
    let playback = &config.data.playback;
    let named = match playback.symbols.is_empty() {
        true => &config.system.universe,
        false => &playback.symbols,
    };
    let wanted = Wanted {
        source: playback.source.as_deref(),
        seed: playback.seed,
        date: playback.date,
        symbols: named,
    };
    days::find(&wanted, &tables.calendar)
}

/// Says how a run ended.
fn ended(finished: Finished) -> Exit {
    let exit = Exit::from_code(finished.exit_code);
    match finished.why {
        Some(why) => terminal::complain(&format!("error: {why}")),
        None => tracing::info!("stopped in order"),
    }
    exit
}

impl Plan<'_> {
    /// Opens the data directory and says what was found.
    fn open(&self, drive: Drive, feed: Option<runtime::clock::Clock>) -> Result<Opened, Failure> {
        let described = Described::new(drive, self.config, &self.setup, self.symbols.clone())?;
        let running = &self.config.running;
        let startup = Startup {
            data_dir: self.context.global.data_dir.clone(),
            disk: Arc::new(RealDisk::default()),
            init: self.wish.init,
            build: crate::BUILD.to_owned(),
            mode: running.mode.name().to_owned(),
            config: described.text()?,
            account: account(),
            crash_loop: CrashLoop {
                starts: running.crash_loop_starts,
                minutes: running.crash_loop_minutes,
            },
            feed,
        };
        let opened = open(startup, &self.foundry).map_err(refused)?;
        // From here on the data directory is ours to write in.
        let keep_days = self.config.system.data_retention_days;
        log::to_files(&self.context.global.data_dir, keep_days)?;
        opened.notes.iter().for_each(|note| tracing::info!("{note}"));
        for failed in &opened.failed {
            tracing::error!("start-up check failed: {failed}");
        }
        if let Some(why) = &opened.held {
            tracing::warn!("entries stay blocked until resumed: {why}");
        }
        Ok(opened)
    }

    fn settings(&self) -> Settings {
        let (running, queues) = (&self.config.running, &self.config.running.queues);
        let room = |own: Option<usize>| own.unwrap_or(queues.capacity);
        Settings {
            place: Place::of(
                Arc::new(RealDisk::default()),
                &self.context.global.data_dir,
                Some(account()),
            ),
            author: Author {
                build: crate::BUILD.to_owned(),
                config_hash: u64::from_str_radix(
                    self.setup.config_hash.get(..16).unwrap_or_default(),
                    16,
                )
                .unwrap_or_default(),
                account: account(),
                schema: runtime::codec::SCHEMA,
            },
            segment_bytes: running.segment_mib << 20,
            ring_bytes: 32 << 20,
            inbox: InboxConfig {
                market_data: room(queues.market_data),
                system_events: room(queues.system_events),
                symbols: self.symbols.len(),
                quote_interval_ns: running.quote_interval_ms * 1_000_000,
            },
            performance_updates: room(queues.performance_updates),
            alerts: AlertSettings {
                capacity: room(queues.risk_alerts),
                ..AlertSettings::default()
            },
            update_every: Duration::from_millis(running.update_frequency_ms),
            snapshots: SnapshotRule {
                market_days: self.config.system.data_retention_days,
                ..SnapshotRule::default()
            },
            watch_space: true,
        }
    }

    /// Begins to serve the API.
    fn serve(&self, handle: &Handle, on: &Runtime) -> Result<Server, Failure> {
        let data_dir = &self.context.global.data_dir;
        serving::start(self.config, data_dir, self.config.server.listen, handle, on)
    }

    /// Names what the views show by number.
    fn names(&self, engine: &engine::Engine) -> Run {
        let build = Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: env!("BELLWETHER_COMMIT").to_owned(),
        };
        let (mode, environment) =
            (self.config.running.mode.name(), self.config.system.environment.name());
        let calendar = Arc::clone(&self.setup.tables.calendar);
        Run::new(engine, mode, environment, build, calendar, &["paper"], &["playback"])
    }
}

/// Begins to watch the components, with the API among them.
fn watching(handle: Handle) -> Result<Monitor, Failure> {
    let settings = MonitorSettings {
        health_every: HEALTH_EVERY,
        limits: HeartbeatLimits::default(),
        web: Arc::new(AtomicBool::new(true)),
    };
    Monitor::start(handle, settings)
        .map_err(|error| Failure::io("start the monitor's thread", error))
}

/// Returns the hash of the account's id.
fn account() -> u64 {
    let mut hasher = Hasher::new();
    hasher.write(PAPER_ACCOUNT.as_bytes());
    (hasher.finish_128() >> 64) as u64
}

/// Says why a process may not start (C33).
fn refused(error: OpenError) -> Failure {
    let code = Exit::from_code(error.exit_code());
    let hint = match &error {
        OpenError::Lock(_) => "stop the other one, or name another --data-dir",
        OpenError::NotInitialised { .. } => {
            "run with --init, once; where there should be a journal, restore a backup"
        }
        OpenError::Identity { .. } => "name the data directory of this account with --data-dir",
        OpenError::Recover(_) => "`bellwether journal verify` shows what is wrong with the journal",
        OpenError::Disk { .. } | OpenError::Resume { .. } => "see the message above",
    };
    Failure::new(code, error).hint(hint)
}

/// Says why the process could not be put together.
fn not_raised(error: RaiseError) -> Failure {
    Failure::new(Exit::Io, error)
}

/// Makes the folder for what the run writes beside the journal.
fn make_data_dir(plan: &Plan<'_>) -> Result<(), Failure> {
    if plan.wish.init { files::make_folder(&plan.context.global.data_dir) } else { Ok(()) }
}
