//! `data`: market data on disk (contract.md section 4).

mod check;
mod export;
mod import;
mod list;

use std::path::{Path, PathBuf};

use catalog::{Progress as Done, Stage, Store};
use clap::Subcommand;

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;

/// Flags of `data`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether data import --format lean lean --into market\n  bellwether data list --data market"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring files into a store
    Import(Box<import::Args>),
    /// Show what a store holds
    List(list::Args),
    /// Look for gaps, duplicates, outliers and bars outside the calendar
    Check(check::Args),
    /// Write bars to a Parquet or CSV file
    Export(export::Args),
}

/// Runs `data`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Action::Import(args) => import::run(context, args),
        Action::List(args) => list::run(context, args),
        Action::Check(args) => check::run(context, args),
        Action::Export(args) => export::run(context, args),
    }
}

/// Opens the store named, or the one in the data folder.
fn open_store(context: &Context, named: Option<&Path>) -> Result<Store, Failure> {
    let path = named.map_or_else(|| context.catalog_dir(), PathBuf::from);
    Store::open(&path).map_err(|error| {
        Failure::from(error).hint("`bellwether data import PATH --into DIR` makes a store")
    })
}

/// Shows the catalog's progress.
fn show(progress: &mut Progress, done: Done) {
    let (label, unit) = match done.stage {
        Stage::Reading => ("reading", "bytes"),
        Stage::Writing => ("writing", "files"),
        Stage::Scanning => ("scanning", "symbols"),
    };
    progress.stage(label, unit);
    progress.update(done.done, done.total);
}

/// Returns the callback that shows the progress of a call to the catalog.
pub(crate) fn reporter(progress: &mut Progress) -> impl FnMut(Done) + '_ {
    move |done| show(progress, done)
}
