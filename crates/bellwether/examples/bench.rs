//! `cargo xtask bench`: W1, W2 and W4 through the full engine (tests/data/bench/README.md).
//!
//! Takes `--data DIR` (w1.parquet, w2.parquet and w4.parquet of gen.py), `--smoke` (one repetition) and
//! `--json`. Imports all once into a temporary store, then measures: loading, the engine alone
//! with 1, 2 and 4 instances of `vwap_cross` under `next_open` (no risk limits, no report), and the
//! whole process. W4, ten million prints, runs once more on the minute bars of its prints. Prints
//! figures and asserts none of them, but ends with an error when prints and bars do not give one
//! result (TB1); what else the results must be is tested elsewhere.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use backtest::{MarketData, NoSink, RunConfig, RunResult, SymbolData};
use catalog::{ImportFormat, ImportOptions, Resolution, Store};
use engine::Instance;
use engine::risk_manager::Limits;
use model::exchange::{Calendar, CommissionPlan, TickTable, new_york_date};
use model::{Cash, Date, Symbol};
use simulator::{ExchangeConfig, FillMode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Instances whose cost is compared: it must grow with the orders, no faster.
const INSTANCES: [usize; 3] = [1, 2, 4];
/// Repetitions of a measurement. The best one counts, the median stands beside it: other work on
/// the machine only ever adds time.
const REPETITIONS: usize = 9;
/// Most repetitions of a whole process.
const PROCESSES: usize = 3;

struct Options {
    data: PathBuf,
    repetitions: usize,
    json: bool,
}

/// One line of the result.
#[derive(serde::Serialize)]
struct Figure {
    workload: &'static str,
    instances: usize,
    bars: u64,
    ticks: u64,
    orders: u64,
    trades: usize,
    net_pnl: String,
    load_s: f64,
    /// Best repetition.
    engine_s: f64,
    /// Median repetition.
    engine_median_s: f64,
    /// Bars, or prints where there are any, over the best repetition.
    events_per_s: f64,
    /// Nanoseconds that one more order costs, against one instance.
    ns_per_added_order: Option<f64>,
    /// Time of the whole process from the store, report included, best repetition; one instance
    /// only.
    process_s: Option<f64>,
}

fn main() -> ExitCode {
    // Called by `process_once`: this build of the program, so that no other one is measured.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "backtest") {
        return bellwether::main(strategies::Registry::builtin());
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let options = options()?;
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let mut figures = Vec::new();
    for workload in ["w1", "w2"] {
        let root = folder.path().join(workload);
        import(&options.data.join(format!("{workload}.parquet")), &root, None)?;
        let store = Store::open(&root)?;
        let instances = if workload == "w1" { &INSTANCES[..] } else { &INSTANCES[..1] };
        figures.extend(measure(workload, &store, instances, options.repetitions)?);
    }
    figures.extend(measure_ticks(&options, &folder.path().join("w4"))?);
    if options.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print(&figures);
    }
    Ok(())
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options { data: PathBuf::new(), repetitions: REPETITIONS, json: false };
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--data") => options.data = arguments.next().context("--data DIR")?.into(),
            Some("--smoke") => options.repetitions = 1,
            Some("--json") => options.json = true,
            // `cargo bench` and `cargo test` pass flags of their own to examples they run.
            _ => bail!("usage: bench --data DIR [--smoke] [--json]"),
        }
    }
    if options.data.as_os_str().is_empty() {
        bail!("usage: bench --data DIR [--smoke] [--json]");
    }
    Ok(options)
}

fn import(file: &Path, into: &Path, symbol: Option<Symbol>) -> anyhow::Result<()> {
    let options = ImportOptions {
        paths: vec![file.to_owned()],
        into: into.to_owned(),
        format: Some(ImportFormat::Parquet),
        symbol,
        ..ImportOptions::default()
    };
    let report = catalog::import(&options, &Calendar::nyse(), &mut |_| {})?;
    if report.rows != report.stored {
        bail!("{}: {} rows, {} stored", file.display(), report.rows, report.stored);
    }
    Ok(())
}

fn measure(
    workload: &'static str,
    store: &Store,
    instances: &[usize],
    repetitions: usize,
) -> anyhow::Result<Vec<Figure>> {
    // The first loading makes the compact cache; the second is what users have.
    load(store)?;
    let started = Instant::now();
    let (data, from, to) = load(store)?;
    let load_s = started.elapsed().as_secs_f64();
    let mut figures: Vec<Figure> = Vec::new();
    for &count in instances {
        let mut times = Vec::new();
        let mut last = None;
        for _ in 0..repetitions {
            let (result, time) = engine_once(&data, from, to, count)?;
            times.push(time);
            last = Some(result);
        }
        let result = last.context("no repetition")?;
        let mut figure = figure(workload, count, &result, times, load_s);
        figure.ns_per_added_order = figures.first().map(|first| {
            let added = result.orders.saturating_sub(first.orders).max(1);
            (figure.engine_s - first.engine_s) * 1e9 / added as f64
        });
        if count == 1 {
            figure.process_s = Some(process(store.root(), repetitions.min(PROCESSES))?);
        }
        figures.push(figure);
    }
    Ok(figures)
}

fn figure(
    workload: &'static str,
    instances: usize,
    result: &RunResult,
    mut times: Vec<Duration>,
    load_s: f64,
) -> Figure {
    times.sort();
    let engine_s = times.first().copied().unwrap_or_default().as_secs_f64();
    let engine_median_s = times.get(times.len() / 2).copied().unwrap_or_default();
    let events = if result.ticks > 0 { result.ticks } else { result.bars };
    Figure {
        workload,
        instances,
        bars: result.bars,
        ticks: result.ticks,
        orders: result.orders,
        trades: result.trades.len(),
        net_pnl: net(result),
        load_s,
        engine_s,
        engine_median_s: engine_median_s.as_secs_f64(),
        events_per_s: events as f64 / engine_s,
        ns_per_added_order: None,
        process_s: None,
    }
}

fn net(result: &RunResult) -> String {
    result.trades.iter().map(|trade| trade.net_pnl).sum::<Cash>().to_string()
}

/// W4: the prints of one day, and the minute bars of these prints; both give one result (TB1).
fn measure_ticks(options: &Options, root: &Path) -> anyhow::Result<Vec<Figure>> {
    let symbol: Symbol = "TICK".parse()?;
    import(&options.data.join("w4.parquet"), root, Some(symbol))?;
    let store = Store::open(root)?;
    let (first, last) = whole_range();
    store.load_trades(symbol, first, last)?;
    let started = Instant::now();
    let trades = store.load_trades(symbol, first, last)?;
    let load_s = started.elapsed().as_secs_f64();
    let (Some(begin), Some(end)) = (trades.first(), trades.last()) else {
        bail!("w4.parquet has no trades");
    };
    let (from, to) = (new_york_date(begin.time), new_york_date(end.time));
    let bars = backtest::minute_bars(&trades);
    let prints = SymbolData { trades, ..SymbolData::new(symbol) };
    let bars = SymbolData { bars, ..SymbolData::new(symbol) };
    let mut figures = Vec::new();
    let mut results = Vec::new();
    for (workload, data) in [("w4", prints), ("w4 bars", bars)] {
        let data = MarketData::new(vec![data])?;
        let mut times = Vec::new();
        let mut last = None;
        for _ in 0..options.repetitions {
            let (result, time) = engine_once(&data, from, to, 1)?;
            times.push(time);
            last = Some(result);
        }
        let result = last.context("no repetition")?;
        figures.push(figure(workload, 1, &result, times, load_s));
        results.push((result.trades.len(), result.orders, net(&result), result.end_equity));
    }
    if let [prints, bars] = results.as_slice()
        && prints != bars
    {
        bail!("w4: the prints give {prints:?}, their minute bars {bars:?}");
    }
    if let Some(figure) = figures.first_mut() {
        figure.process_s = Some(process(store.root(), 1)?);
    }
    Ok(figures)
}

fn whole_range() -> (Date, Date) {
    let day = |year, month, day| Date::from_ymd(year, month, day).unwrap_or_default();
    (day(1990, 1, 1), day(2030, 12, 31))
}

fn load(store: &Store) -> anyhow::Result<(MarketData, Date, Date)> {
    let (first, last) = whole_range();
    let mut symbols = Vec::new();
    for symbol in store.symbols()? {
        symbols.push(SymbolData {
            bars: store.load(symbol, Resolution::Minute1, first, last)?,
            ..SymbolData::new(symbol)
        });
    }
    let data = MarketData::new(symbols)?;
    let starts = data.symbols().iter().filter_map(|s| Some((s.bars.first()?, s.bars.last()?)));
    let range = starts
        .map(|(first, last)| (new_york_date(first.start), new_york_date(last.start)))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (from, to) = range.context("the workload has no bars")?;
    Ok((data, from, to))
}

fn engine_once(
    data: &MarketData,
    from: Date,
    to: Date,
    instances: usize,
) -> anyhow::Result<(RunResult, Duration)> {
    let registry = strategies::Registry::builtin();
    let mut list = Vec::new();
    for tag in ["a", "b", "c", "d"].into_iter().take(instances) {
        let strategy = registry.make("vwap_cross", &[])?;
        list.push(Instance { name: format!("vwap_cross@{tag}"), strategy });
    }
    let plan = CommissionPlan::PerShare("0.005".parse()?);
    let config = RunConfig {
        from,
        to,
        cash: Cash::from_dollars(100_000).context("cash")?,
        limits: Limits::unlimited(),
        exchange: ExchangeConfig::new(FillMode::NextOpen, plan),
        calendar: Arc::new(Calendar::nyse()),
        ticks: TickTable::us(),
        record_all: false,
    };
    let started = Instant::now();
    let result = backtest::run(data, list, &config, &mut NoSink)?;
    Ok((result, started.elapsed()))
}

/// Returns the best time of so many runs of the program in processes of their own.
fn process(store: &Path, repetitions: usize) -> anyhow::Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..repetitions {
        best = best.min(process_once(store)?);
    }
    Ok(best)
}

/// Runs the program with `backtest` on the store, in a process of its own.
fn process_once(store: &Path) -> anyhow::Result<f64> {
    let program = std::env::current_exe().context("find this program")?;
    let started = Instant::now();
    let output = Command::new(program)
        .args(["backtest", "--strategy", "vwap_cross", "--fill", "next_open"])
        .args(["--commission", "per_share:0.005", "--no-risk-limits", "--json", "--data"])
        .arg(store)
        .stdin(Stdio::null())
        .output()
        .context("run the program")?;
    let elapsed = started.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!("backtest: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(elapsed)
}

fn print(figures: &[Figure]) {
    println!(
        "workload  instances     events     orders  load s  best s  median s  M events/s  ns/added order  process s  net"
    );
    for f in figures {
        let added = f.ns_per_added_order.map_or_else(|| "-".to_owned(), |ns| format!("{ns:.0}"));
        let process = f.process_s.map_or_else(|| "-".to_owned(), |s| format!("{s:.3}"));
        println!(
            "{:<8}  {:>9}  {:>9}  {:>9}  {:>6.3}  {:>6.3}  {:>8.3}  {:>10.2}  {added:>14}  {process:>9}  {}",
            f.workload,
            f.instances,
            f.bars.max(f.ticks),
            f.orders,
            f.load_s,
            f.engine_s,
            f.engine_median_s,
            f.events_per_s / 1e6,
            f.net_pnl
        );
    }
    println!(
        "engine only: data loaded, no report; events are bars, for w4 prints; M events/s by the best repetition; a loop without an engine does 47-61 M bars/s"
    );
}
