//! `journal diff`: two journals record by record: kind, time, marks and content.

use std::cmp::Ordering;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::rows::{Row, Rows};
use super::{existing, failure};
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Flags of `journal diff`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether journal diff bellwether-data backup\n  bellwether journal diff a/journal b/journal --json"
)]
pub(crate) struct Args {
    /// One data directory or folder of segments
    one: PathBuf,
    /// The other
    other: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Differences that are listed; all are counted.
const LISTED: usize = 1_000;

/// A sequence at which the journals differ; where one has no record there is none.
type Difference = (u64, Option<Row>, Option<Row>);

/// Runs `journal diff`.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let open = |path| Rows::open(&existing(path)?, 1).map_err(failure);
    let (records, differences, count) = compare(open(&args.one)?, open(&args.other)?)?;
    if args.json {
        let rows: Vec<Value> = differences
            .iter()
            .map(|(seq, one, other)| {
                json!({
                    "seq": seq,
                    "one": one.as_ref().map(Row::document),
                    "other": other.as_ref().map(Row::document),
                })
            })
            .collect();
        terminal::json(
            &json!({ "records": records, "difference_count": count, "differences": rows }),
        )?;
    } else {
        let mut text = String::new();
        for (seq, one, other) in &differences {
            let line = |row: &Option<Row>| row.as_ref().map_or("nothing".to_owned(), Row::line);
            text.push_str(&format!("{seq}\n- {}\n+ {}\n", line(one), line(other)));
        }
        terminal::raw(&format!("{text}{records} records compared, {count} differ\n"))?;
    }
    Ok(if count == 0 { Exit::Done } else { Exit::No })
}

/// Goes through both by sequence and returns records compared, differences, and their number.
fn compare(mut one: Rows, mut other: Rows) -> Result<(u64, Vec<Difference>, u64), Failure> {
    let (mut records, mut differences, mut count) = (0, Vec::new(), 0);
    let mut left = one.next().map_err(failure)?;
    let mut right = other.next().map_err(failure)?;
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok((records, differences, count)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.seq.cmp(&right.seq),
        };
        let from_one = if order.is_le() { left.take() } else { None };
        let from_other = if order.is_ge() { right.take() } else { None };
        records += 1;
        if from_one != from_other {
            count += 1;
            if differences.len() < LISTED {
                let seq = from_one.as_ref().or(from_other.as_ref()).map_or(0, |row| row.seq);
                differences.push((seq, from_one, from_other));
            }
        }
        if order.is_le() {
            left = one.next().map_err(failure)?;
        }
        if order.is_ge() {
            right = other.next().map_err(failure)?;
        }
    }
}
