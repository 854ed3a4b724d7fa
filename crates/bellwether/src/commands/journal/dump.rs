//! `journal dump`: the records, as lines or as one JSON list.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use super::rows::{Row, Rows};
use super::{failure, folder};
use crate::cli::Context;
use crate::exit::{Exit, Failure};

/// Flags of `journal dump`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether journal dump --kind intent --kind broker\n  bellwether journal dump backup/journal --from 1200 --until 1300 --json"
)]
pub(crate) struct Args {
    /// Data directory or folder of segments [default: the data directory]
    folder: Option<PathBuf>,
    /// First sequence
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// Last sequence
    #[arg(long, value_name = "SEQ", default_value_t = u64::MAX, hide_default_value = true)]
    until: u64,
    /// Only records of this kind (intent, broker, market, mark ...); may be repeated
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Print one JSON list
    #[arg(long)]
    json: bool,
}

/// Runs `journal dump`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let folder = folder(context, args.folder.as_deref())?;
    let mut rows = Rows::open(&folder, args.from).map_err(failure)?;
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let (mut between, mut damage) = (if args.json { "[" } else { "" }, None);
    loop {
        let row = match rows.next() {
            Ok(Some(row)) if row.seq <= args.until => row,
            Ok(_) => break,
            Err(error) => {
                damage = Some(error);
                break;
            }
        };
        if !wanted(args, &row) {
            continue;
        }
        if args.json {
            write!(out, "{between}\n{}", row.document())?;
            between = ",";
        } else {
            writeln!(out, "{}", row.line())?;
        }
    }
    if args.json {
        // What was read before a damaged place is a whole list as well.
        writeln!(out, "{}\n]", if between == "[" { "[" } else { "" })?;
    }
    out.flush()?;
    damage.map_or(Ok(Exit::Done), |error| Err(failure(error)))
}

fn wanted(args: &Args, row: &Row) -> bool {
    row.seq >= args.from
        && (args.kind.is_empty() || args.kind.iter().any(|kind| kind == row.kind_name()))
}
