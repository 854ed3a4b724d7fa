//! `backup` and `restore`: a data directory's journal, snapshots and paper book, to a folder and
//! back.
//!
//! A backup may be taken while the system runs: snapshots are copied before the journal that goes
//! on behind them, the journal before the broker's own book. A restored journal goes on under a
//! higher epoch, and the books are compared with the broker's before anything is opened.

use std::fs;
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

/// What a backup holds, in the order in which it is copied.
const PARTS: [&str; 5] = ["identity", "epoch", "snapshots", "journal", "paper"];

/// Flags of `backup`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether backup /mnt/backup/2026-11-24\n  bellwether --data-dir paper backup night --json"
)]
pub(crate) struct BackupArgs {
    /// The folder to write; it must not exist yet
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
    if args.to.exists() {
        return Err(Failure::usage(format_args!("{} exists already", args.to.display())));
    }
    let bytes = copy_parts(from, &args.to)?;
    report("backup", &args.to, &args.to, bytes, args.json)
}

/// Runs `restore`.
pub(crate) fn restore(context: &Context, args: &RestoreArgs) -> Result<Exit, Failure> {
    let to = &context.global.data_dir;
    if !args.from.join("journal").is_dir() {
        return Err(Failure::missing(format_args!("{} is no backup", args.from.display())));
    }
    if to.join("journal").exists() {
        return Err(Failure::usage(format_args!("{} holds a journal already", to.display()))
            .hint("restore into another data directory, or move this one away"));
    }
    files::make_folder(to)?;
    let _lock = Lock::acquire(to).map_err(|error| match error {
        LockError::Held { .. } => Failure::new(Exit::Locked, error),
        LockError::Disk { .. } => Failure::new(Exit::Io, error),
    })?;
    let bytes = copy_parts(&args.from, to)?;
    let disk = RealDisk::default();
    let fail = |error| Failure::io(format_args!("raise the epoch in {}", to.display()), error);
    let known = epoch::read(&disk, to).map_err(fail)?;
    let seconds = runtime::clock::wall().nanos() / model::SECOND_NS;
    let raised = epoch::next(known, u64::try_from(seconds).unwrap_or(0));
    epoch::write(&disk, to, raised).map_err(fail)?;
    report("restored", to, to, bytes, args.json)
}

/// Copies what is there of the parts and returns the bytes.
fn copy_parts(from: &Path, to: &Path) -> Result<u64, Failure> {
    files::make_folder(to)?;
    let mut bytes = 0;
    for part in PARTS {
        let (source, target) = (from.join(part), to.join(part));
        if source.is_dir() {
            files::make_folder(&target)?;
            let failed = |error| Failure::io(format_args!("list {}", source.display()), error);
            // A checkpoint names a piece of the log: the names of the pieces are asked for after it.
            let checkpoint = source.join(paper::CHECKPOINT);
            if checkpoint.exists() {
                bytes += copy(&checkpoint, &target.join(paper::CHECKPOINT))?;
            }
            let names = RealDisk::default().list(&source).map_err(failed)?;
            // What is being written will have another name when it is whole.
            let whole = |name: &&String| *name != paper::CHECKPOINT && !name.ends_with(".new");
            for name in names.iter().filter(whole) {
                bytes += copy(&source.join(name), &target.join(name))?;
            }
        } else if source.exists() {
            bytes += copy(&source, &target)?;
        }
    }
    Ok(bytes)
}

/// Copies one file and makes it durable.
fn copy(from: &Path, to: &Path) -> Result<u64, Failure> {
    let failed =
        |error| Failure::io(format_args!("copy {} to {}", from.display(), to.display()), error);
    let bytes = fs::copy(from, to).map_err(failed)?;
    let file = fs::File::open(to).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    Ok(bytes)
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
