//! `data export`: bars of a store as one CSV or Parquet file.

use std::path::PathBuf;

use catalog::{ExportFormat, ExportOptions, Resolution, export};
use clap::ValueEnum;
use model::{Date, Symbol};

use super::{open_store, reporter};
use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::terminal::{self, thousands};

/// Flags of `data export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether data export --data market spy.csv --symbols SPY\n  bellwether data export --data market all.parquet --from 2023-05-24 --to 2023-05-26"
)]
pub(super) struct Args {
    /// The file to write; one that is there is replaced
    out: PathBuf,
    /// The store [default: DATA_DIR/catalog]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only these symbols
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    symbols: Vec<Symbol>,
    /// Length of the bars: 1min, 5min, 30min or 1day
    #[arg(long, default_value = "1min")]
    resolution: Resolution,
    /// First session
    #[arg(long, value_name = "D")]
    from: Option<Date>,
    /// Last session
    #[arg(long, value_name = "D")]
    to: Option<Date>,
    /// Format of the file [default: told by its name]
    #[arg(long)]
    format: Option<Format>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Text; prices in dollars
    Csv,
    /// Prices INT64 in units of 1e-9
    Parquet,
}

/// Runs `data export`.
pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    context.configure(&context.layers())?;
    let format = match args.format {
        Some(Format::Csv) => ExportFormat::Csv,
        Some(Format::Parquet) => ExportFormat::Parquet,
        None => ExportFormat::told_by(&args.out).ok_or_else(|| {
            let message = format!("{}: its name does not tell the format", args.out.display());
            Failure::usage(message).hint("name it .csv or .parquet, or state --format")
        })?,
    };
    let store = open_store(context, args.data.as_deref())?;
    let options = ExportOptions {
        symbols: args.symbols.clone(),
        resolution: args.resolution,
        from: args.from,
        to: args.to,
        format,
        out: args.out.clone(),
    };
    let mut progress = Progress::new("exporting", "symbols");
    let report = export(&store, &options, &mut reporter(&mut progress))?;
    drop(progress);
    if args.json {
        terminal::json(&report)?;
    } else {
        let (bars, symbols) = (thousands(report.bars), report.symbols.len());
        let file = report.file.display();
        terminal::raw(&format!("{bars} bars of {symbols} symbols written to {file}\n"))?;
    }
    Ok(Exit::Done)
}
