//! `journal repair`: the explicit way on when a start refuses a damaged journal (J8).

use std::path::{Path, PathBuf};

use journal::{Author, Lock, LockError, RepairError, Snapshots};
use serde_json::json;

use super::{damage_json, disk, failure};
use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Flags of `journal repair`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether journal repair\n  bellwether journal repair restored-data --json"
)]
pub(crate) struct Args {
    /// The data directory [default: that of --data-dir]
    data_dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `journal repair`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let data_dir = args.data_dir.as_ref().unwrap_or(&context.global.data_dir);
    let folder = data_dir.join("journal");
    if !folder.is_dir() {
        return Err(Failure::missing(format_args!("there is no {}", folder.display()))
            .hint("name a data directory: a repair looks at its snapshots, too"));
    }
    let _lock = Lock::acquire(data_dir).map_err(locked)?;
    let snapshots = Snapshots::new(disk(), data_dir.join("snapshots"));
    let author = author(&folder)?;
    let repaired = journal::repair(&disk(), &folder, &snapshots, author).map_err(refused)?;
    let Some(repaired) = repaired else {
        if args.json {
            terminal::json(&json!({ "repaired": false, "damage": null }))?;
        } else {
            terminal::raw("nothing that a start needs is damaged; nothing was changed\n")?;
        }
        return Ok(Exit::Done);
    };
    if args.json {
        terminal::json(&json!({
            "repaired": true,
            "damage": damage_json(&repaired.damage),
            "last_seq": repaired.last_seq,
            "original": repaired.original,
            "snapshots": repaired.snapshots,
        }))?;
        return Ok(Exit::Done);
    }
    terminal::raw(&format!(
        "{}\ncut behind sequence {}; the original is {}\n\
         the books may be behind the broker's: the next start compares them before it opens\n",
        repaired.damage,
        repaired.last_seq,
        repaired.original.display()
    ))?;
    Ok(Exit::Done)
}

/// The cut is written for whoever wrote the journal: a repair changes neither account nor schema.
fn author(folder: &Path) -> Result<Author, Failure> {
    let heads = journal::segments(&disk(), folder).map_err(failure)?;
    let last = heads.into_iter().filter_map(|segment| segment.author).next_back();
    Ok(Author { build: crate::BUILD.to_owned(), ..last.unwrap_or_default() })
}

fn locked(error: LockError) -> Failure {
    match error {
        LockError::Held { .. } => {
            Failure::new(Exit::Locked, error).hint("stop it first: `bellwether stop`")
        }
        LockError::Disk { .. } => Failure::new(Exit::Io, error),
    }
}

fn refused(error: RepairError) -> Failure {
    match error {
        RepairError::Read(error) => failure(error),
        other => Failure::new(Exit::Io, other),
    }
}
