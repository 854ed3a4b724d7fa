//! `backtest`: strategies over stored data, and the report.

use std::path::PathBuf;
use std::time::Instant;

use analytics::report::{Report, SensitivityRow};
use backtest::{NoSink, RunResult, Sink};
use engine::strategy_engine::Decision;
use engine::{Engine, Fact};
use model::exchange::CommissionPlan;
use model::{Date, Symbol};
use simulator::{FillMode, LimitFill, Slippage};
use tracing::debug;

use crate::cli::Context;
use crate::config::Effective;
use crate::decisions::DecisionFile;
use crate::exit::{Exit, Failure};
use crate::market::{self, Loaded, Selection};
use crate::progress::Progress;
use crate::report::{self, Extras};
use crate::run::Setup;
use crate::run::benchmark::load_benchmark;
use crate::run::recorder::Recorder;
use crate::spec::StrategySpec;
use crate::{files, terminal};

/// Slippages of the sensitivity table (TF15).
const SENSITIVITY_TICKS: [u32; 4] = [0, 1, 2, 5];

/// Flags of `backtest`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether backtest --data market --strategy vwap_reclaim --from 2011-03-01 --html march.html\n  bellwether backtest --data lean --strategy vwap_cross@a:min_bars=20 --fill next_open --json"
)]
pub(crate) struct Args {
    /// A store or a LEAN folder [default: DATA_DIR/catalog]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// NAME, NAME@tag or NAME@tag:key=value,key=value (lists with |); repeatable [default: system.active_strategies]
    #[arg(long = "strategy", value_name = "SPEC")]
    strategies: Vec<StrategySpec>,
    /// Only these symbols [default: system.universe, else all]
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    symbols: Vec<Symbol>,
    /// First session [default: the first there is]
    #[arg(long, value_name = "D")]
    from: Option<Date>,
    /// Last session [default: the last there is]
    #[arg(long, value_name = "D")]
    to: Option<Date>,
    /// Cash at the start in USD [default: system.account_size]
    #[arg(long, value_name = "N")]
    cash: Option<String>,
    /// conservative, adaptive, ohlc, next_open, same_close or next_close [default: conservative]
    #[arg(long, value_name = "MODE")]
    fill: Option<FillMode>,
    /// ibkr_fixed, ibkr_tiered, alpaca, none or per_share:X [default: ibkr_fixed]
    #[arg(long, value_name = "PLAN")]
    commission: Option<CommissionPlan>,
    /// Ticks of slippage [default: 1; 0 in the comparison conventions]
    #[arg(long, value_name = "N")]
    slippage_ticks: Option<u32>,
    /// Slippage by a table of spreads instead (TF11)
    #[arg(long, conflicts_with = "slippage_ticks")]
    slippage_model: bool,
    /// Sizing and caps off, for comparisons with other engines
    #[arg(long)]
    no_risk_limits: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    json_out: Option<PathBuf>,
    /// Write the report as a web page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the closed trades as CSV
    #[arg(long, value_name = "FILE")]
    trades: Option<PathBuf>,
    /// Write signals, rejections and orders with their reasons as JSON lines
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// The same with every evaluation that led to nothing, run-length coded
    #[arg(long, value_name = "FILE")]
    decisions_all: Option<PathBuf>,
    /// Compare with buying and holding this symbol of the store
    #[arg(long, value_name = "SYMBOL")]
    benchmark: Option<Symbol>,
    /// Add net results under other fill assumptions (TF15)
    #[arg(long)]
    sensitivity: bool,
}

/// Runs `backtest`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let mut effective = context.configure(&context.layers())?;
    args.apply(&mut effective)?;
    let setup = Setup::new(&effective, &context.registry, &args.strategies, args.no_risk_limits)?;
    let started = Instant::now();
    let path = args.data.clone().unwrap_or_else(|| context.catalog_dir());
    let calendar = &setup.tables.calendar;
    let opened = market::open(&path, calendar)?;
    let symbols = match &args.symbols[..] {
        [] => effective.config.system.universe.clone(),
        named => named.to_vec(),
    };
    let selection = Selection { symbols, from: args.from, to: args.to };
    let loaded = market::load(&opened.store, calendar, &selection)?;
    let benchmark = match args.benchmark {
        Some(symbol) => Some(load_benchmark(&opened.store, calendar, symbol, &loaded)?),
        None => None,
    };
    let mut extras = Extras { benchmark, load: started.elapsed(), ..Extras::default() };
    let mut listener = Listener::new(args, &loaded)?;
    let started = Instant::now();
    let result = run_once(context, &setup, &loaded, args.decisions_all.is_some(), &mut listener)?;
    extras.engine = started.elapsed();
    let recorder = listener.finish()?;
    if result.refused > 0 {
        terminal::warn(&format!("{} bars were refused by the engine", result.refused));
    }
    if args.sensitivity {
        extras.sensitivity = sensitivity(context, &setup, &loaded)?;
    }
    debug!(bars = result.bars, trades = result.trades.len(), "backtest ended");
    let covered = loaded.covered();
    // The bars are most of what is held: the report is built in their memory.
    drop(loaded);
    let report = report::build(&setup, &context.registry, &covered, result, &recorder, extras);
    args.write(&report)?;
    Ok(Exit::Done)
}

impl Args {
    /// Puts the flags on top of the configuration.
    fn apply(&self, effective: &mut Effective) -> Result<(), Failure> {
        if let Some(cash) = &self.cash {
            effective.set_flag("system.account_size", "--cash", cash)?;
        }
        if let Some(fill) = self.fill {
            effective.set_flag("simulation.fill", "--fill", fill.name())?;
        }
        if let Some(plan) = self.commission {
            effective.set_flag("simulation.commission", "--commission", &plan.to_string())?;
        }
        if let Some(ticks) = self.slippage_ticks {
            let text = ticks.to_string();
            effective.set_flag("simulation.slippage_ticks", "--slippage-ticks", &text)?;
            effective.set_flag("simulation.slippage_model", "--slippage-ticks", "false")?;
        }
        if self.slippage_model {
            effective.set_flag("simulation.slippage_model", "--slippage-model", "true")?;
        }
        Ok(())
    }

    /// Writes the report where it was asked for.
    fn write(&self, report: &Report) -> Result<(), Failure> {
        if let Some(path) = &self.json_out {
            files::write(path, &report.to_json())?;
        }
        if let Some(path) = &self.html {
            files::write(path, &analytics::html::page(report))?;
        }
        if let Some(path) = &self.trades {
            files::write(path, &analytics::csv::trades(report))?;
        }
        if self.json {
            return terminal::json(report);
        }
        terminal::styled(&analytics::text::summary(report))?;
        let sensitivity = sensitivity_text(&report.sensitivity);
        terminal::styled(&sensitivity)
    }
}

fn run_once(
    context: &Context,
    setup: &Setup,
    loaded: &Loaded,
    record_all: bool,
    sink: &mut dyn Sink,
) -> Result<RunResult, Failure> {
    let strategies = setup.instances(&context.registry)?;
    let config = setup.run_config(loaded.from, loaded.to, record_all);
    backtest::run(&loaded.data, strategies, &config, sink).map_err(Failure::missing)
}

/// Runs again under other fill assumptions (TF15). A decision is never executed on its own bar, so
/// that "one bar later" is what every mode but `same_close` does already (TB2, TF14).
fn sensitivity(
    context: &Context,
    setup: &Setup,
    loaded: &Loaded,
) -> Result<Vec<SensitivityRow>, Failure> {
    let mut cases: Vec<(String, Setup)> = Vec::new();
    for ticks in SENSITIVITY_TICKS {
        let mut case = setup.clone();
        case.exchange.slippage = Slippage::Ticks(ticks);
        let unit = if ticks == 1 { "tick" } else { "ticks" };
        cases.push((format!("slippage {ticks} {unit}"), case));
    }
    for (name, limit_fill) in
        [("limits traded through", LimitFill::Through), ("limits touched", LimitFill::Touch)]
    {
        let mut case = setup.clone();
        case.exchange.limit_fill = limit_fill;
        cases.push((name.to_owned(), case));
    }
    let mut progress = Progress::new("sensitivity", "runs");
    let total = cases.len() as u64;
    let covered = loaded.covered();
    let mut rows = Vec::with_capacity(cases.len());
    for (done, (name, case)) in cases.into_iter().enumerate() {
        progress.update(done as u64, total);
        let result = run_once(context, &case, loaded, false, &mut NoSink)?;
        let extras = Extras { without_resampling: true, ..Extras::default() };
        let recorder = Recorder::default();
        let summary =
            report::build(&case, &context.registry, &covered, result, &recorder, extras).summary;
        rows.push(SensitivityRow {
            case: name,
            net_pnl: summary.net_pnl,
            trades: summary.trades,
            sharpe: summary.sharpe,
            max_drawdown: summary.max_drawdown,
        });
    }
    Ok(rows)
}

fn sensitivity_text(rows: &[SensitivityRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = terminal::table(["assumption", "net", "trades"], &[1, 2]);
    for row in rows {
        let net = format!("{:.2}", row.net_pnl.to_f64());
        table.add_row([row.case.clone(), net, terminal::thousands(row.trades)]);
    }
    format!("\n{}", terminal::text_of(&table))
}

/// Listens to the run for the report, the decision files and the progress bar.
struct Listener {
    recorder: Recorder,
    decisions: Option<DecisionFile>,
    all: Option<DecisionFile>,
    progress: Progress,
}

impl Listener {
    fn new(args: &Args, loaded: &Loaded) -> Result<Self, Failure> {
        let symbols: Vec<Symbol> = loaded.data.symbols().iter().map(|data| data.symbol).collect();
        let file = |path: &Option<PathBuf>, all| match path {
            Some(path) => DecisionFile::create(path, symbols.clone(), all).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            recorder: Recorder::default(),
            decisions: file(&args.decisions, false)?,
            all: file(&args.decisions_all, true)?,
            progress: Progress::new("running", "sessions"),
        })
    }

    fn take(&mut self, engine: &Engine, decision: &Decision) {
        for file in [&mut self.decisions, &mut self.all].into_iter().flatten() {
            file.take(engine, decision);
        }
    }

    fn finish(self) -> Result<Recorder, Failure> {
        for file in [self.decisions, self.all].into_iter().flatten() {
            file.finish()?;
        }
        Ok(self.recorder)
    }
}

impl Sink for Listener {
    fn fact(&mut self, engine: &Engine, fact: &Fact) {
        self.recorder.fact(engine, fact);
        if let Fact::Decision(decision) = fact {
            self.take(engine, decision);
        }
    }

    fn evaluation(&mut self, engine: &Engine, decision: &Decision) {
        self.take(engine, decision);
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.progress.update(done, total);
    }
}
