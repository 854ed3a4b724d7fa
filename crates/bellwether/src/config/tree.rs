//! The typed configuration and its defaults.

use std::net::SocketAddr;
use std::path::PathBuf;

use engine::risk_manager::Limits;
use model::exchange::CommissionPlan;
use model::{Cash, Date, Ppm, Symbol};
use simulator::{FillMode, LimitFill};

/// Where the program runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Environment {
    /// At a desk: logs are text.
    #[default]
    Development,
    /// In a test system: logs are JSON lines.
    Testing,
    /// Before production: logs are JSON lines.
    Staging,
    /// Where money is: logs are JSON lines.
    Production,
}

impl Environment {
    /// All environments.
    pub(crate) const ALL: [Self; 4] =
        [Self::Development, Self::Testing, Self::Staging, Self::Production];
    /// Names in the configuration, in the order of the variants.
    pub(crate) const NAMES: &[&str] = &["development", "testing", "staging", "production"];

    /// Returns the name in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Testing => "testing",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum LogLevel {
    /// What failed.
    Error,
    /// And what is suspicious.
    Warn,
    /// And what happens.
    #[default]
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// All levels.
    pub(crate) const ALL: [Self; 5] =
        [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];
    /// Names in the configuration; case does not count, and `WARN` is `WARNING`.
    pub(crate) const NAMES: &[&str] = &["ERROR", "WARNING", "WARN", "INFO", "DEBUG", "TRACE"];

    /// Returns the level of one of the names.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let name = if name == "WARN" { "WARNING" } else { name };
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Returns the name in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARNING",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }
}

/// `[system]`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct System {
    /// Cash at the start.
    pub(crate) account_size: Cash,
    /// Where the program runs.
    pub(crate) environment: Environment,
    /// How much is logged.
    pub(crate) log_level: LogLevel,
    /// Strategies that run when none is named on the command line: `NAME` or `NAME@tag`.
    pub(crate) active_strategies: Vec<String>,
    /// Symbols that are traded when none is named on the command line; all when empty.
    pub(crate) universe: Vec<Symbol>,
    /// Days for which log files, and market data in the journal, are kept.
    pub(crate) data_retention_days: u16,
    /// What time follows; `None`: what the market data says.
    pub(crate) clock: Option<Clock>,
}

/// What a running system's time follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Clock {
    /// The wall clock.
    Wall,
    /// The market data's time: session gate and timers follow it.
    Feed,
}

impl Clock {
    /// All clocks.
    pub(crate) const ALL: [Self; 2] = [Self::Wall, Self::Feed];
    /// Names in the configuration.
    pub(crate) const NAMES: &[&str] = &["auto", "wall", "feed"];

    /// Returns the name in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Feed => "feed",
        }
    }
}

/// `[data]`: where a running system's market data comes from.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Data {
    /// The provider.
    pub(crate) primary: Primary,
    /// `[data.playback]`.
    pub(crate) playback: Playback,
}

/// A market-data provider of this build.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Primary {
    /// Days are played back.
    #[default]
    Playback,
}

impl Primary {
    /// Names in the configuration.
    pub(crate) const NAMES: &[&str] = &["playback"];

    /// Returns the name in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Playback => "playback",
        }
    }
}

/// `[data.playback]`: which days are played.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Playback {
    /// A store or a LEAN folder; `None`: generated days.
    pub(crate) source: Option<PathBuf>,
    /// Seed of generated days.
    pub(crate) seed: u64,
    /// The first day; `None`: the source's own default.
    pub(crate) date: Option<Date>,
    /// Only these symbols; empty: the universe, or all.
    pub(crate) symbols: Vec<Symbol>,
    /// Times faster than the wall clock; 0: as fast as it goes.
    pub(crate) speed: u32,
}

impl Default for Playback {
    fn default() -> Self {
        Self { source: None, seed: 42, date: None, symbols: Vec::new(), speed: 1 }
    }
}

/// `[simulation]`: how backtest and demo fill orders.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Simulation {
    /// The fill mode.
    pub(crate) fill: FillMode,
    /// The commission plan.
    pub(crate) commission: CommissionPlan,
    /// Ticks of slippage; `None` is the mode's own (1, or 0 in the comparison conventions).
    pub(crate) slippage_ticks: Option<u32>,
    /// Use the spread table instead of a number of ticks (TF11).
    pub(crate) slippage_model: bool,
    /// Largest share of a bar's volume (TF10).
    pub(crate) participation: Ppm,
    /// When a resting limit order fills (TF4).
    pub(crate) limit_fill: LimitFill,
}

/// `[server]`: the API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ServerSettings {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Whether a token is asked for.
    pub(crate) auth: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)), auth: true }
    }
}

/// What only a running system needs: `[system]`, `[journal]`, `[queues]`, `[brokers.paper]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Running {
    /// What is traded with.
    pub(crate) mode: Mode,
    /// How often views are published, in milliseconds.
    pub(crate) update_frequency_ms: u64,
    /// So many starts are a crash loop ...
    pub(crate) crash_loop_starts: u32,
    /// ... within so many minutes.
    pub(crate) crash_loop_minutes: u32,
    /// Length of a file of the journal in MiB.
    pub(crate) segment_mib: u64,
    /// Shortest time between two quotes of a symbol, in milliseconds.
    pub(crate) quote_interval_ms: i64,
    /// Room of the queues.
    pub(crate) queues: Queues,
    /// Where the paper broker is.
    pub(crate) transport: Transport,
    /// Cash of a paper account that is opened; `None`: the account's size.
    pub(crate) paper_cash: Option<Cash>,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            mode: Mode::Paper,
            update_frequency_ms: 1_000,
            crash_loop_starts: 3,
            crash_loop_minutes: 10,
            segment_mib: 64,
            quote_interval_ms: 100,
            queues: Queues::default(),
            transport: Transport::Memory,
            paper_cash: None,
        }
    }
}

/// What is traded with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Simulated money.
    Paper,
}

impl Mode {
    /// All modes of this build.
    pub(crate) const ALL: [Self; 1] = [Self::Paper];
    /// Names in the configuration.
    pub(crate) const NAMES: &[&str] = &["paper"];

    /// Returns the name in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
        }
    }
}

/// Room of the queues; `None`: the room of all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Queues {
    /// Room of each queue that has none of its own.
    pub(crate) capacity: usize,
    /// Providers to core.
    pub(crate) market_data: Option<usize>,
    /// Core to brokers.
    pub(crate) order_commands: Option<usize>,
    /// Core to the delivery of alerts.
    pub(crate) risk_alerts: Option<usize>,
    /// Core to lists and pages.
    pub(crate) performance_updates: Option<usize>,
    /// Operators and supervisors to core.
    pub(crate) system_events: Option<usize>,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            capacity: engine::queues::DEFAULT_CAPACITY,
            market_data: None,
            order_commands: None,
            risk_alerts: None,
            performance_updates: None,
            system_events: None,
        }
    }
}

/// Where the paper broker is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    /// In the process.
    Memory,
    /// A process of its own at this address.
    Tcp(String),
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// `[exchange]`: an operator's dated lines on top of the shipped tables.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct ExchangeFiles {
    /// Sessions.
    pub(crate) calendar: Option<PathBuf>,
    /// Tick sizes.
    pub(crate) ticks: Option<PathBuf>,
    /// Fees.
    pub(crate) fees: Option<PathBuf>,
}

/// The whole configuration but the strategies' own parameters.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Config {
    /// `[system]`.
    pub(crate) system: System,
    /// `[risk]`.
    pub(crate) risk: Limits,
    /// `[simulation]`.
    pub(crate) simulation: Simulation,
    /// `[exchange]`.
    pub(crate) exchange: ExchangeFiles,
    /// `[server]`.
    pub(crate) server: ServerSettings,
    /// `[data]`.
    pub(crate) data: Data,
    /// What only a running system needs.
    pub(crate) running: Running,
}

impl Config {
    /// Returns the cash of a paper account that is opened for the first time.
    pub(crate) fn paper_cash(&self) -> Cash {
        self.running.paper_cash.unwrap_or(self.system.account_size)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            system: System {
                account_size: Cash::from_dollars(100_000).unwrap_or_default(),
                environment: Environment::default(),
                log_level: LogLevel::default(),
                active_strategies: Vec::new(),
                universe: Vec::new(),
                data_retention_days: 30,
                clock: None,
            },
            risk: Limits::default(),
            simulation: Simulation {
                fill: FillMode::default(),
                commission: CommissionPlan::IbkrFixed,
                slippage_ticks: None,
                slippage_model: false,
                participation: Ppm(100_000),
                limit_fill: LimitFill::Through,
            },
            exchange: ExchangeFiles::default(),
            server: ServerSettings::default(),
            data: Data::default(),
            running: Running::default(),
        }
    }
}
