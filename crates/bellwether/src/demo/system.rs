//! The demo's system: the live shell on a data directory of its own, which goes away with it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use backtest::RunConfig;
use engine::Engine;
use engine::lifecycle::health::HeartbeatLimits;
use journal::Author;
use journal::disk::RealDisk;
use model::exchange::Session;
use paper::Book;
use playback::Days;
use runtime::Handle;
use runtime::alerts::AlertSettings;
use runtime::clock::{Clock, boot_nanos};
use runtime::inbox::InboxConfig;
use runtime::monitor::{HEALTH_EVERY, Monitor, MonitorSettings};
use runtime::recovery::Place;
use runtime::shell::{NoDispatch, Settings, Shell, SnapshotRule, raise};
use runtime::startup::{CrashLoop, Startup, open};
use runtime::stepped::{Course, Played, step};
use runtime::view::{Build, Run};
use server::Server;
use server::auth::CLI_TOKEN_FILE;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::listener::Listener;
use crate::BUILD;
use crate::cli::Context;
use crate::config::Effective;
use crate::exit::{Exit, Failure};
use crate::run::Setup;
use crate::run::foundry::{Described, Drive, EngineFoundry};
use crate::{serving, terminal};

/// Bytes of a segment of the demo's journal.
const SEGMENT_BYTES: u64 = 8 << 20;
/// Bytes that may wait for the disk.
const RING_BYTES: usize = 32 << 20;
/// Room of each queue (contract.md 8).
const QUEUE: usize = 1_000;
/// How often the view is published: a day at full speed lasts about a second.
const UPDATE_EVERY: Duration = Duration::from_millis(50);
/// How long answers of the API may still take at the end.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// Hash of the demo's account, which nobody else has.
const ACCOUNT: u64 = 0;

/// Where the demo's API is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Listen {
    /// Nowhere.
    Nowhere,
    /// At this address and no other.
    At(SocketAddr),
    /// At the configuration's address, or at a free port where that is taken.
    Somewhere,
}

/// What the demo runs.
pub(crate) struct System<'a> {
    pub(crate) context: &'a Context,
    pub(crate) effective: &'a Effective,
    pub(crate) setup: &'a Setup,
    /// Where the day comes from.
    pub(crate) days: Arc<dyn Days>,
    /// The day.
    pub(crate) session: Session,
    /// Where its API is served.
    pub(crate) listen: Listen,
    /// Seconds of wall time over which the day is spread; `None`: as fast as it goes.
    pub(crate) seconds: Option<f64>,
}

impl System<'_> {
    /// Starts the system, plays the day and stops it in order.
    pub(crate) fn run(&self, listener: &mut Listener) -> Result<Played, Failure> {
        let folder = tempfile::tempdir()
            .map_err(|error| Failure::io("make a temporary folder for the demo", error))?;
        let date = self.session.date;
        let config: RunConfig = self.setup.run_config(date, date, true);
        let settings = paper::Settings {
            exchange: config.exchange.clone(),
            symbols: self.days.symbols().to_vec(),
            cash: config.cash,
        };
        let book =
            Book::open(&folder.path().join("paper"), &settings).map_err(Failure::internal)?;
        let shell = self.raise(&folder)?;
        let handle = shell.handle.clone();
        let network = network()?;
        let server = self.serve(folder.path(), &handle, &network)?;
        let monitor = MonitorSettings {
            health_every: HEALTH_EVERY,
            limits: HeartbeatLimits::default(),
            web: Arc::new(AtomicBool::new(server.is_some())),
        };
        let monitor = Monitor::start(handle.clone(), monitor)
            .map_err(|error| Failure::io("start the monitor's thread", error))?;
        listener.watch(handle, monitor);
        let course = Course {
            days: Arc::clone(&self.days),
            config,
            last: Some(date),
            speed: self.speed(),
            stays: false,
        };
        let played = step(shell, &course, book, listener).map_err(Failure::internal)?;
        listener.rest();
        server.into_iter().for_each(Server::stop);
        network.shutdown_timeout(LAST_ANSWERS);
        match (&played.finished.why, &played.missing) {
            (Some(why), _) => {
                let code = Exit::from_code(played.finished.exit_code);
                Err(Failure::new(code, anyhow::Error::msg(why.clone())))
            }
            (None, Some(missing)) => Err(crate::days::failure(missing.clone())),
            (None, None) => Ok(played),
        }
    }

    /// Serves the API while the demo runs, and says where.
    fn serve(
        &self,
        data_dir: &Path,
        handle: &Handle,
        on: &Runtime,
    ) -> Result<Option<Server>, Failure> {
        let config = &self.effective.config;
        let wanted = config.server.listen;
        let server = match self.listen {
            Listen::Nowhere => return Ok(None),
            Listen::At(address) => serving::start(config, data_dir, address, handle, on)?,
            Listen::Somewhere => serving::start_somewhere(config, data_dir, wanted, handle, on)?,
        };
        let address = server.address();
        let token = match config.server.auth {
            true => format!(" --token-file {}", data_dir.join(CLI_TOKEN_FILE).display()),
            false => String::new(),
        };
        terminal::complain(&format!(
            "while the demo runs its API is at http://{address}; look at it with\n  \
             bellwether status --watch --url http://{address}{token}"
        ));
        if self.listen == Listen::Somewhere && wanted.port() != 0 && address != wanted {
            terminal::complain(&format!("({wanted} is taken; --listen names another address)"));
        }
        Ok(Some(server))
    }

    /// Opens the temporary data directory and puts the shell together.
    fn raise(&self, folder: &TempDir) -> Result<Shell, Failure> {
        let (effective, setup) = (self.effective, self.setup);
        let symbols = self.days.symbols().to_vec();
        let described = Described::new(Drive::Stepped, &effective.config, setup, symbols.clone())?;
        let disk = Arc::new(RealDisk::default());
        let foundry = EngineFoundry { registry: self.context.registry.clone() };
        let startup = Startup {
            data_dir: folder.path().to_owned(),
            disk: disk.clone(),
            init: true,
            build: BUILD.to_owned(),
            mode: "demo".to_owned(),
            config: described.text()?,
            account: ACCOUNT,
            crash_loop: CrashLoop { starts: 0, minutes: 0 },
            feed: Some(Clock::new(self.session.pre_open, boot_nanos(), 1)),
        };
        let opened = open(startup, &foundry)
            .map_err(|error| Failure::new(Exit::from_code(error.exit_code()), error))?;
        let settings = Settings {
            place: Place::of(disk, folder.path(), Some(ACCOUNT)),
            author: Author { build: BUILD.to_owned(), account: ACCOUNT, ..Author::default() },
            segment_bytes: SEGMENT_BYTES,
            ring_bytes: RING_BYTES,
            inbox: InboxConfig {
                market_data: QUEUE,
                system_events: QUEUE,
                symbols: symbols.len(),
                quote_interval_ns: 0,
            },
            performance_updates: QUEUE,
            alerts: AlertSettings { capacity: QUEUE, ..AlertSettings::default() },
            update_every: UPDATE_EVERY,
            snapshots: SnapshotRule::default(),
            watch_space: false,
        };
        let environment = effective.config.system.environment.name();
        let calendar = Arc::clone(&setup.tables.calendar);
        let run = move |engine: &Engine| {
            let build = Build { version: BUILD.to_owned(), commit: String::new() };
            Run::new(engine, "demo", environment, build, calendar, &["paper"], &["playback"])
        };
        let mut shell = raise(opened, settings, run, Arc::new(foundry), NoDispatch)
            .map_err(|error| Failure::new(Exit::Io, error))?;
        // The directory is new at each run: equal seeds give equal ids of orders.
        shell.start.epoch = 1;
        Ok(shell)
    }

    /// Returns how many times faster than the wall clock the day passes.
    fn speed(&self) -> u32 {
        let whole = self.session.post_close.since(self.session.pre_open) as f64;
        let seconds = self.seconds.filter(|seconds| *seconds > 0.0);
        seconds.map_or(0, |seconds| {
            (whole / model::SECOND_NS as f64 / seconds).round().max(1.0) as u32
        })
    }
}

/// Makes the threads of the network.
fn network() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the threads of the network", error))
}
