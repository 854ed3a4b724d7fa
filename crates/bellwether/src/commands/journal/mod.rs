//! `journal`: looks into the write-ahead log of a data directory, or of a copy of it (J15).
//!
//! All of it reads only, but for `repair`, which says so, takes the lock and keeps the original.

mod bench;
mod diff;
mod dump;
mod repair;
mod rows;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use journal::disk::{Disk, NetworkFileSystems, RealDisk};
use journal::{Damage, ReadError};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::exit::{Exit, Failure};

/// Flags of `journal`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether journal verify bellwether-data --json\n  bellwether journal dump --from 1200 --until 1300"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check every record; exit 65 when one is damaged
    Verify(verify::Args),
    /// Print the records
    Dump(dump::Args),
    /// Compare two journals; exit 1 when they differ
    Diff(diff::Args),
    /// Cut a damaged journal at the damage; the original is kept beside it
    Repair(repair::Args),
    /// Measure how fast groups become durable on this disk
    Bench(bench::Args),
}

/// Runs `journal`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Action::Verify(args) => verify::run(context, args),
        Action::Dump(args) => dump::run(context, args),
        Action::Diff(args) => diff::run(args),
        Action::Repair(args) => repair::run(context, args),
        Action::Bench(args) => bench::run(context, args),
    }
}

/// The files as they are: a copy may lie anywhere.
fn disk() -> Arc<dyn Disk> {
    Arc::new(RealDisk::new(NetworkFileSystems::Forced))
}

/// Returns the journal's folder: that of the data directory named, or the folder named itself.
fn folder(context: &Context, named: Option<&Path>) -> Result<PathBuf, Failure> {
    existing(named.unwrap_or(&context.global.data_dir))
}

fn existing(named: &Path) -> Result<PathBuf, Failure> {
    let inside = named.join("journal");
    let folder = if inside.is_dir() { inside } else { named.to_owned() };
    let holds_segments =
        || journal::segments(&disk(), &folder).is_ok_and(|segments| !segments.is_empty());
    if folder.is_dir() && holds_segments() {
        return Ok(folder);
    }
    Err(Failure::missing(format_args!("there is no journal in {}", named.display()))
        .hint("name a data directory, or the folder that holds the .seg files"))
}

/// What is damaged is corrupt data (65), what the disk refuses an I/O error (74).
fn failure(error: ReadError) -> Failure {
    let code = match &error {
        ReadError::Disk { .. } => Exit::Io,
        ReadError::Account { .. } => Exit::Config,
        ReadError::Damage(_) | ReadError::Schema { .. } => Exit::Corrupt,
    };
    let damaged = matches!(error, ReadError::Damage(_));
    let failure = Failure::new(code, error);
    if damaged { failure.hint(REPAIR) } else { failure }
}

const REPAIR: &str = "`bellwether journal repair` cuts there and keeps the original";

fn damage_json(damage: &Damage) -> Value {
    json!({
        "file": damage.file,
        "offset": damage.offset,
        "seq": damage.seq,
        "reason": damage.reason,
    })
}
