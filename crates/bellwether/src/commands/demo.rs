//! `demo`: an accelerated market day through the whole system, with a journal in a temporary folder
//! and the paper broker, told as it happens; at the end the first failing rules, the health object,
//! the queues, a summary and the report.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use analytics::report::Report;
use model::{Date, Symbol};
use playback::Days;
use runtime::view::{Health, Status};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::config::{Effective, Layers};
use crate::days::{self, Wanted};
use crate::demo::listener::Listener;
use crate::demo::system::{Listen, System};
use crate::exit::{Exit, Failure};
use crate::market::Loaded;
use crate::report::{self, Extras};
use crate::run::Setup;
use crate::spec::StrategySpec;
use crate::terminal::{self, TITLE};
use crate::{BUILD, files, log};

/// The demo's own defaults, below file, environment and flags.
const DEFAULTS: &[(&str, &str)] = &[
    ("system.active_strategies", "gap_and_go,vwap_reclaim"),
    ("risk.max_positions", "3"),
    ("risk.max_daily_loss_pct", "0.03"),
];

/// Terms without reference data that are printed.
const NOT_CHECKED_SHOWN: usize = 5;

/// Flags of `demo`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether demo --seconds 30 --seed 7\n  bellwether demo --data lean --symbols SPY --date 2011-03-15 --json"
)]
pub(crate) struct Args {
    /// Spread the day over this many seconds [default: as fast as it goes]
    #[arg(long, value_name = "N", value_parser = seconds)]
    seconds: Option<f64>,
    /// Seed of the generated market
    #[arg(long, value_name = "N", default_value_t = 42, conflicts_with = "data")]
    seed: u64,
    /// A recorded day of a store or a LEAN folder instead of a generated one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only these symbols
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    symbols: Vec<Symbol>,
    /// The day [default: 2026-11-24, or the last recorded one]
    #[arg(long, value_name = "D")]
    date: Option<Date>,
    /// Serve the API at this address [default: server.listen, or a free port where that is taken]
    #[arg(long, value_name = "ADDR", conflicts_with = "no_listen")]
    listen: Option<SocketAddr>,
    /// Serve no API
    #[arg(long)]
    no_listen: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if (0.0..=86_400.0).contains(&number) {
        Ok(number)
    } else {
        Err("expected a number of seconds from 0 to 86400".to_owned())
    }
}

/// Runs `demo`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let layers = Layers { command: Some(("demo", DEFAULTS)), ..context.layers() };
    let effective = context.configure(&layers)?;
    log::to_files(&context.global.data_dir, effective.config.system.data_retention_days)?;
    let setup = Setup::new(&effective, &context.registry, &[] as &[StrategySpec], false)?;
    let setup = setup.on_paper(&effective.config);
    let started = Instant::now();
    let days = find(args, &effective, &setup)?;
    let date = days.first();
    let data = days.load(date, date).map_err(days::failure)?;
    let loaded = Loaded { data, from: date, to: date };
    let mut extras = Extras { load: started.elapsed(), ..Extras::default() };
    let symbols: Vec<Symbol> = loaded.data.symbols().iter().map(|data| data.symbol).collect();
    if !args.json {
        terminal::styled(&headline(args, &loaded, &setup))?;
    }
    let session = setup.tables.calendar.session(date).ok().flatten();
    let session = session.ok_or_else(|| Failure::internal("the day has no session"))?;
    let mut listener = Listener::new(symbols.clone(), args.json);
    let started = Instant::now();
    let seconds = args.seconds;
    let listen = match (args.no_listen, args.listen) {
        (true, _) => Listen::Nowhere,
        (false, Some(address)) => Listen::At(address),
        (false, None) => Listen::Somewhere,
    };
    let (effective, setup) = (&effective, &setup);
    let system = System { context, effective, setup, days, session, listen, seconds };
    let mut played = system.run(&mut listener)?;
    extras.engine = started.elapsed();
    listener.check()?;
    let none = || Failure::internal("no session was run");
    let (health, status) = listener.health.take().ok_or_else(none)?;
    let result = played.sessions.pop().ok_or_else(none)?;
    let report = report::build(
        setup,
        &context.registry,
        &loaded.covered(),
        result,
        &listener.recorder,
        extras,
    );
    let written = write_reports(context, args, &loaded, &report)?;
    let names: Vec<String> = setup.specs.iter().map(|spec| spec.instance.clone()).collect();
    if args.json {
        terminal::json(&json!({
            "health": health,
            "summary": report.summary,
            "report": { "html": written.html, "json": written.json },
            "seed": args.data.is_none().then_some(args.seed),
            "date": loaded.from,
            "data": args.data.as_ref().map(|path| path.display().to_string()),
            "build": BUILD,
            "trades": report.trades,
            "decisions": listener.tally.to_json(&names, &symbols),
            "decision_hash": report.decision_hash,
            "status": status,
        }))?;
        return Ok(Exit::Done);
    }
    let tally = listener.tally.to_text(&names, &symbols);
    let text = format!(
        "\n{TITLE}What decided the evaluations that led to no order{TITLE:#} (New York time)\n{tally}\n{}\n{}\n{TITLE}Summary{TITLE:#}\n{}{}\nreport: {}\n        {}\n",
        health_text(&health),
        queues_text(&status),
        analytics::text::summary(&report),
        not_checked_text(&report),
        written.html,
        written.json
    );
    terminal::styled(&text)?;
    Ok(Exit::Done)
}

/// Finds the day that is asked for.
fn find(args: &Args, effective: &Effective, setup: &Setup) -> Result<Arc<dyn Days>, Failure> {
    let universe = &effective.config.system.universe;
    let symbols = match (&args.data, &args.symbols[..]) {
        (Some(_), []) => universe,
        (_, named) => named,
    };
    let wanted = Wanted { source: args.data.as_deref(), seed: args.seed, date: args.date, symbols };
    days::find(&wanted, &setup.tables.calendar)
}

fn headline(args: &Args, loaded: &Loaded, setup: &Setup) -> String {
    let market = match &args.data {
        Some(path) => format!("recorded in {}", path.display()),
        None => format!("generated with seed {}", args.seed),
    };
    let names: Vec<&str> = setup.specs.iter().map(|spec| spec.instance.as_str()).collect();
    format!(
        "{TITLE}Demo{TITLE:#} {} {market}: {} symbols, strategies {}, times in New York\n",
        loaded.from,
        loaded.data.symbols().len(),
        names.join(", ")
    )
}

/// Paths of the reports.
struct Written {
    html: String,
    json: String,
}

fn write_reports(
    context: &Context,
    args: &Args,
    loaded: &Loaded,
    report: &Report,
) -> Result<Written, Failure> {
    let folder = context.global.data_dir.join("reports");
    files::make_folder(&folder)?;
    let source = match &args.data {
        Some(_) => "recorded".to_owned(),
        None => format!("seed{}", args.seed),
    };
    let path = |ending: &str| folder.join(format!("demo-{}-{source}.{ending}", loaded.from));
    let (html, json) = (path("html"), path("json"));
    files::write(&html, &analytics::html::page(report))?;
    files::write(&json, &report.to_json())?;
    Ok(Written { html: html.display().to_string(), json: json.display().to_string() })
}

/// Returns the terms that were skipped, which a reader of "not checked" wants to know.
fn not_checked_text(report: &Report) -> String {
    let shown = report.not_checked.iter().take(NOT_CHECKED_SHOWN);
    let mut text: String = shown.map(|term| format!("not checked: {term}\n")).collect();
    let more = report.not_checked.len().saturating_sub(NOT_CHECKED_SHOWN);
    if more > 0 {
        text.push_str(&format!("not checked: {more} more terms, in the report\n"));
    }
    text
}

fn health_text(health: &Health) -> String {
    let mut table = terminal::table(["component", "healthy", "running", "detail"], &[]);
    for (name, component) in &health.components {
        let word = |key: &str| if component[key] == json!(true) { "yes" } else { "no" };
        let detail = detail_text(&component["detail"]);
        table.add_row([name.as_str(), word("is_healthy"), word("running"), &detail]);
    }
    let issues: String = health.issues.iter().map(|issue| format!("issue: {issue}\n")).collect();
    let table = terminal::text_of(&table);
    format!("{TITLE}Health{TITLE:#}: {}\n{table}{issues}", health.overall_status)
}

/// Returns the six queues with what passed through them.
fn queues_text(status: &Status) -> String {
    let header = ["queue", "capacity", "most at once", "dropped", "conflated"];
    let mut table = terminal::table(header, &[1, 2, 3, 4]);
    for (name, queue) in &status.queues {
        table.add_row([
            (*name).to_owned(),
            queue.capacity.to_string(),
            queue.high_water.to_string(),
            queue.dropped.to_string(),
            queue.conflated.to_string(),
        ]);
    }
    format!("{TITLE}Queues{TITLE:#}\n{}", terminal::text_of(&table))
}

fn detail_text(detail: &Value) -> String {
    let Value::Object(fields) = detail else { return String::new() };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            // Brokers and providers are named; the status has the rest.
            let name = |item: &Value| item.as_str().or(item["name"].as_str()).map(str::to_owned);
            let items: Vec<String> = items.iter().filter_map(name).collect();
            items.join(" ")
        }
        other => other.to_string(),
    };
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{} {}", name.replace('_', " "), text(value)))
        .collect();
    fields.join(", ")
}
