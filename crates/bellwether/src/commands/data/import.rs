//! `data import`: files of other programs into a store; rejected rows are named and counted.

use std::fmt::Write as _;
use std::path::PathBuf;

use catalog::{
    ImportFormat, ImportOptions, ImportReport, OnConflict, Resolution, Series, StampSide,
    TickSeries, import,
};
use clap::ValueEnum;
use model::Symbol;
use tracing::debug;

use super::reporter;
use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::run::tables::Tables;
use crate::terminal::{self, thousands};

/// Rejected rows shown to people; JSON has more.
const SHOWN: usize = 12;

/// Flags of `data import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether data import --format lean lean --into market\n  bellwether data import --tz America/New_York --symbol SPY spy.csv --into market --json"
)]
pub(super) struct Args {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The store, made when it is not there [default: DATA_DIR/catalog]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Format of the files [default: told by the path]
    #[arg(long)]
    format: Option<Format>,
    /// Zone of times that name none, such as UTC or America/New_York
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Which end of a bar its time names
    #[arg(long, default_value = "open")]
    timestamp: Side,
    /// Length of the bars: 1min, 5min, 30min or 1day [default: told by the rows]
    #[arg(long, value_name = "R")]
    resolution: Option<Resolution>,
    /// Leave out rows with volume or size 0: they are no prints
    #[arg(long)]
    skip_empty: bool,
    /// What to do where the store holds other values for a bar
    #[arg(long, default_value = "keep")]
    on_conflict: Conflict,
    /// Symbol of files without a symbol column
    #[arg(long, value_name = "NAME")]
    symbol: Option<Symbol>,
    /// Columns of CSV files without a header, such as ts,open,high,low,close,volume
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    columns: Option<Vec<String>>,
    /// Delimiter of CSV files: one character, or tab [default: told by the first line]
    #[arg(long, value_name = "C", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Format of text times, such as %Y%m%d %H%M%S or yyyyMMdd HHmmss
    #[arg(long, value_name = "F")]
    time_format: Option<String>,
    /// Take splits and dividends from the files
    #[arg(long)]
    actions: bool,
    /// Store nothing when a row is rejected
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A folder in LEAN's layout, a place inside it, or one of its zips
    Lean,
    /// Delimited text
    Csv,
    /// Parquet
    Parquet,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Side {
    /// Its start
    Open,
    /// Its end
    Close,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Conflict {
    /// The store's bar stays
    Keep,
    /// The import's bar takes its place
    Replace,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\\t" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii_punctuation() || matches!(byte, b' ' | b'\t') => Ok(*byte),
            _ => Err("expected one character such as ; or the word tab".to_owned()),
        },
    }
}

/// Runs `data import`.
pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let effective = context.configure(&context.layers())?;
    let calendar = Tables::load(&effective.config)?.calendar;
    let options = args.options(context);
    let mut progress = Progress::new("reading", "bytes");
    let report = import(&options, &calendar, &mut reporter(&mut progress))?;
    drop(progress);
    debug!(rows = report.rows, stored = report.stored, into = %options.into.display(), "import ended");
    if args.json {
        terminal::json(&report)?;
    } else {
        terminal::raw(&to_text(&report))?;
    }
    Ok(Exit::from_code(report.exit_code()))
}

impl Args {
    fn options(&self, context: &Context) -> ImportOptions {
        ImportOptions {
            paths: self.paths.clone(),
            into: self.into.clone().unwrap_or_else(|| context.catalog_dir()),
            format: self.format.map(|format| match format {
                Format::Lean => ImportFormat::Lean,
                Format::Csv => ImportFormat::Csv,
                Format::Parquet => ImportFormat::Parquet,
            }),
            tz: self.tz.clone(),
            timestamp: match self.timestamp {
                Side::Open => StampSide::Open,
                Side::Close => StampSide::Close,
            },
            resolution: self.resolution,
            skip_empty: self.skip_empty,
            on_conflict: match self.on_conflict {
                Conflict::Keep => OnConflict::Keep,
                Conflict::Replace => OnConflict::Replace,
            },
            symbol: self.symbol,
            columns: self.columns.clone(),
            delimiter: self.delimiter,
            time_format: self.time_format.clone(),
            actions: self.actions,
            strict: self.strict,
        }
    }
}

/// Returns the table of what a store holds.
pub(super) fn series_table(series: &[Series]) -> String {
    let header = ["symbol", "resolution", "from", "to", "sessions", "bars"];
    let mut table = terminal::table(header, &[4, 5]);
    for row in series {
        table.add_row([
            row.symbol.to_string(),
            row.resolution.to_string(),
            row.from.to_string(),
            row.to.to_string(),
            thousands(row.sessions),
            thousands(row.bars),
        ]);
    }
    terminal::text_of(&table)
}

/// Returns the table of the prints and quotes a store holds; nothing when there are none.
pub(super) fn ticks_table(series: &[TickSeries]) -> String {
    if series.is_empty() {
        return String::new();
    }
    let header = ["symbol", "kind", "from", "to", "sessions", "ticks"];
    let mut table = terminal::table(header, &[4, 5]);
    for row in series {
        table.add_row([
            row.symbol.to_string(),
            row.kind.name().to_owned(),
            row.from.to_string(),
            row.to.to_string(),
            thousands(row.sessions),
            thousands(row.ticks),
        ]);
    }
    terminal::text_of(&table)
}

/// Returns the report for people; what did not go in comes last, next to the prompt.
pub(crate) fn to_text(report: &ImportReport) -> String {
    let mut text = series_table(&report.symbols);
    text.push_str(&ticks_table(&report.ticks));
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} files, {} rows: {} stored, {} duplicates, {} conflicts, {} rejected, {} skipped",
        thousands(report.files),
        thousands(report.rows),
        thousands(report.stored),
        thousands(report.duplicates),
        thousands(report.conflicts),
        thousands(report.rejected_total()),
        thousands(report.skipped),
    );
    let actions = &report.actions;
    if actions.rows > 0 {
        let _ = writeln!(text, "{} splits and dividends, {} new", actions.rows, actions.stored);
    }
    for skipped in &report.skipped_files {
        let _ = writeln!(
            text,
            "not read: {} files, {} ({})",
            skipped.count, skipped.reason, skipped.example
        );
    }
    for column in &report.ignored_columns {
        let _ = writeln!(text, "not used: column {} of {} files", column.column, column.files);
    }
    for (reason, count) in &report.rejected_by_reason {
        let _ = writeln!(text, "rejected: {count} rows, {reason}");
    }
    for (reason, count) in &actions.rejected_by_reason {
        let _ = writeln!(text, "rejected: {count} splits or dividends, {reason}");
    }
    for rejection in report.rejected.iter().chain(&actions.rejected).take(SHOWN) {
        let _ = writeln!(
            text,
            "  {}:{}: {}: {}",
            rejection.file,
            rejection.line,
            rejection.reason.code(),
            rejection.value
        );
    }
    let more = (report.rejected.len() + actions.rejected.len()).saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more; --json lists up to 1,000");
    }
    for broken in &report.broken_files {
        let _ = writeln!(text, "broken: {}: {}", broken.file, broken.error);
    }
    if report.refused {
        text.push_str("--strict: nothing was stored\n");
    }
    text
}
