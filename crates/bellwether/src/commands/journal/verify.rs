//! `journal verify`: a torn tail is no error, anything else that is not as it was written is.

use std::path::PathBuf;

use journal::Verification;
use serde_json::{Value, json};

use super::{REPAIR, damage_json, disk, failure, folder};
use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Flags of `journal verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether journal verify\n  bellwether journal verify backup/journal --json"
)]
pub(crate) struct Args {
    /// Data directory or folder of segments [default: the data directory]
    folder: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `journal verify`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let folder = folder(context, args.folder.as_deref())?;
    let found = journal::verify(&disk(), &folder).map_err(failure)?;
    if args.json {
        terminal::json(&document(&found))?;
    } else {
        terminal::raw(&text(&found))?;
    }
    if found.errors.is_empty() {
        return Ok(Exit::Done);
    }
    terminal::warn(REPAIR);
    Ok(Exit::Corrupt)
}

fn document(found: &Verification) -> Value {
    json!({
        "records": found.records,
        "segments": found.segments,
        "first_seq": found.first_seq,
        "last_seq": found.last_seq,
        "torn_tail": found.torn_tail.as_ref().map(|torn| json!({
            "segment": torn.segment,
            "offset": torn.offset,
            "bytes": torn.bytes,
        })),
        "errors": found.errors.iter().map(damage_json).collect::<Vec<_>>(),
    })
}

fn text(found: &Verification) -> String {
    let range = match (found.first_seq, found.last_seq) {
        (Some(first), Some(last)) => format!(", sequences {first} to {last}"),
        _ => String::new(),
    };
    let mut text = format!("{} records in {} segments{range}\n", found.records, found.segments);
    if let Some(torn) = &found.torn_tail {
        text.push_str(&format!(
            "torn tail of {} bytes in {} at offset {}: it never was durable, the next start cuts it\n",
            torn.bytes,
            torn.file.display(),
            torn.offset
        ));
    }
    for damage in &found.errors {
        text.push_str(&format!("{damage}\n"));
    }
    if found.errors.is_empty() {
        text.push_str("nothing is damaged\n");
    }
    text
}
