//! `data list`: symbols, resolutions and ranges of a store.

use std::path::PathBuf;

use super::open_store;
use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::terminal::{self, thousands};

/// Flags of `data list`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether data list --data market\n  bellwether data list --json"
)]
pub(super) struct Args {
    /// The store [default: DATA_DIR/catalog]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `data list`.
pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    context.configure(&context.layers())?;
    let listing = open_store(context, args.data.as_deref())?.list()?;
    if args.json {
        terminal::json(&listing)?;
        return Ok(Exit::Done);
    }
    terminal::raw(&super::import::series_table(&listing.symbols))?;
    terminal::raw(&super::import::ticks_table(&listing.ticks))?;
    let bars: u64 = listing.symbols.iter().map(|series| series.bars).sum();
    let ticks: u64 = listing.ticks.iter().map(|series| series.ticks).sum();
    let series = listing.symbols.len() + listing.ticks.len();
    let ticks = if ticks > 0 { format!(", {} ticks", thousands(ticks)) } else { String::new() };
    terminal::raw(&format!("{series} series, {} bars{ticks}\n", thousands(bars)))?;
    Ok(Exit::Done)
}
