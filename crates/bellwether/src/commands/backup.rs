//! `backup` and `restore`: a data directory's journal, snapshots and paper book, to a folder and
//! back.
//!
//! A backup may be taken while the system runs: snapshots are copied before the journal that goes
//! on behind them, the journal before the broker's own book. A backup of the same data directory may
//! be brought up to date: what is there already is not written again. A restored journal goes on
//! under a higher epoch, and the books are compared with the broker's before anything is opened.

mod copies;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::disk::{Disk, RealDisk};
use journal::{Lock, LockError, epoch, verify};
use serde_json::json;

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::run::offline;
use crate::terminal;

/// Flags of `backup`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether backup /mnt/backup/2026-11-24\n  bellwether --data-dir paper backup night --json"
)]
pub(crate) struct BackupArgs {
    /// The folder to write: a new one, or an earlier backup of this data directory
    to: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Flags of `restore`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether restore /mnt/backup/2026-11-24\n  bellwether --data-dir second restore night --json"
)]
pub(crate) struct RestoreArgs {
    /// The folder of a backup
    from: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `backup`.
pub(crate) fn backup(context: &Context, args: &BackupArgs) -> Result<Exit, Failure> {
    let from = &context.global.data_dir;
    if !from.join("journal").is_dir() {
        return Err(Failure::missing(format_args!("{} holds no journal", from.display())));
    }
    if args.to.exists() && !copies::is_backup_of(&args.to, from)? {
        let what = "exists already and is no backup of this data directory";
        return Err(Failure::usage(format_args!("{} {what}", args.to.display())));
    }
    let copied = copies::copy_parts(from, &args.to)?;
    copied.list.write(&args.to)?;
    report("backup", &args.to, &args.to, copied.bytes, args.json)
}

/// Runs `restore`.
pub(crate) fn restore(context: &Context, args: &RestoreArgs) -> Result<Exit, Failure> {
    let to = &context.global.data_dir;
    if !args.from.join("journal").is_dir() {
        return Err(Failure::missing(format_args!("{} is no backup", args.from.display())));
    }
    // Files of another life beside the restored ones would be taken for theirs.
    let parts = [("journal", "a journal"), ("snapshots", "snapshots"), ("paper", "a paper book")];
    if let Some((_, what)) = parts.into_iter().find(|(part, _)| to.join(part).exists()) {
        return Err(Failure::usage(format_args!("{} holds {what} already", to.display()))
            .hint("restore into another data directory, or move this one away"));
    }
    copies::List::read(&args.from)?.map_or(Ok(()), |list| list.check(&args.from))?;
    files::make_folder(to)?;
    let _lock = Lock::acquire(to).map_err(|error| match error {
        LockError::Held { .. } => Failure::new(Exit::Locked, error),
        LockError::Disk { .. } => Failure::new(Exit::Io, error),
    })?;
    let bytes = copies::copy_parts(&args.from, to)?.bytes;
    let disk = RealDisk::default();
    let fail = |error| Failure::io(format_args!("raise the epoch in {}", to.display()), error);
    let known = epoch::read(&disk, to).map_err(fail)?;
    let seconds = runtime::clock::wall().nanos() / model::SECOND_NS;
    let raised = epoch::next(known, u64::try_from(seconds).unwrap_or(0));
    epoch::write(&disk, to, raised).map_err(fail)?;
    report("restored", to, to, bytes, args.json)
}

/// Verifies what was written and says so.
fn report(what: &str, path: &Path, dir: &Path, bytes: u64, as_json: bool) -> Result<Exit, Failure> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
    let found = verify(&disk, &dir.join("journal")).map_err(offline::read_failure)?;
    if as_json {
        terminal::json(&json!({
            "path": path.display().to_string(),
            "bytes": bytes,
            "records": found.records,
            "segments": found.segments,
            "last_seq": found.last_seq,
            "errors": found.errors.len(),
        }))?;
    } else {
        terminal::raw(&format!(
            "{what}: {} with {} records up to {}, {} bytes\n",
            path.display(),
            terminal::thousands(found.records),
            found.last_seq.unwrap_or_default(),
            terminal::thousands(bytes),
        ))?;
    }
    Ok(if found.errors.is_empty() { Exit::Done } else { Exit::Corrupt })
}
