//! `data check`: what may be wrong with stored data; exit 1 when anything was found.

use std::path::PathBuf;

use catalog::check;
use model::Symbol;
use serde_json::Value;

use super::{open_store, reporter};
use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::run::tables::Tables;
use crate::terminal;

/// Flags of `data check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether data check --data market\n  bellwether data check --data market --symbols SPY,AAPL --json"
)]
pub(super) struct Args {
    /// The store [default: DATA_DIR/catalog]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only these symbols
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    symbols: Vec<Symbol>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `data check`.
pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let effective = context.configure(&context.layers())?;
    let calendar = Tables::load(&effective.config)?.calendar;
    let store = open_store(context, args.data.as_deref())?;
    let mut progress = Progress::new("scanning", "symbols");
    let report = check(&store, &calendar, &args.symbols, &mut reporter(&mut progress))?;
    drop(progress);
    if args.json {
        terminal::json(&report)?;
        return Ok(Exit::from_code(report.exit_code()));
    }
    let mut table = terminal::table(["finding", "symbol", "date", "time", "detail"], &[]);
    for finding in &report.findings {
        let date = finding.date.map(|date| date.to_string()).unwrap_or_default();
        let time = finding.time.map(|time| time.to_string()).unwrap_or_default();
        let kind = name_of(&serde_json::to_value(finding.kind));
        table.add_row([&kind, finding.symbol.as_str(), &date, &time, &finding.detail]);
    }
    if !report.findings.is_empty() {
        terminal::raw(&terminal::text_of(&table))?;
    }
    let counts: Vec<String> = report
        .by_kind
        .iter()
        .map(|(kind, count)| format!("{} {count}", name_of(&serde_json::to_value(kind))))
        .collect();
    let summary = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
    terminal::raw(&format!("{summary}\n"))?;
    Ok(Exit::from_code(report.exit_code()))
}

/// Returns the name of a kind of finding, as in JSON.
fn name_of(value: &Result<Value, serde_json::Error>) -> String {
    value.as_ref().ok().and_then(Value::as_str).unwrap_or_default().to_owned()
}
