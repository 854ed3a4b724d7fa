//! `replay`: runs a journal again and compares what follows with what was recorded (journal.md 19).

use std::path::PathBuf;

use engine::{Engine, Start};
use model::Timestamp;
use runtime::recovery::{Difference, Plan, Replay, Replayed};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::run::foundry::EngineFoundry;
use crate::run::offline;
use crate::terminal;

/// Flags of `replay`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether replay bellwether-data/journal --diff\n  bellwether replay bellwether-data/journal --until 2026-11-24T15:30:00Z --state --json"
)]
pub(crate) struct Args {
    /// The journal's folder, or the data directory that holds it
    #[arg(value_name = "JOURNAL_DIR")]
    journal: PathBuf,
    /// Stop after this sequence, or after this time
    #[arg(long, value_name = "SEQ|TIME")]
    until: Option<Until>,
    /// Print the hash of the state alone
    #[arg(long)]
    state_hash: bool,
    /// Print the state reached
    #[arg(long)]
    state: bool,
    /// Print each difference with what was recorded and what was replayed
    #[arg(long)]
    diff: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Where a replay stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Until {
    Seq(u64),
    Time(Timestamp),
}

impl std::str::FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seq) = text.parse() {
            return Ok(Self::Seq(seq));
        }
        text.parse().map(Self::Time).map_err(|_| {
            "expected a sequence such as 1200, or a time such as 2026-11-24T15:30:00Z".to_owned()
        })
    }
}

/// Runs `replay`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let place = offline::place(&args.journal)?;
    let foundry = EngineFoundry { registry: context.registry.clone() };
    let plan = Plan { build: crate::BUILD.to_owned(), adopt: false, stop_at_difference: false };
    let mut replay = Replay::new(&foundry, plan);
    let mut reader = offline::read(&place)?;
    while let Some(group) = reader.next_group().map_err(offline::read_failure)? {
        let beyond = match args.until {
            None => false,
            Some(Until::Seq(seq)) => group.first_seq > seq,
            Some(Until::Time(time)) => group.records().next().is_some_and(|r| r.time > time),
        };
        if beyond {
            break;
        }
        replay.take(&group).map_err(|error| offline::recover_failure(error.into()))?;
    }
    let exact = replay.is_exact() || replay.found().difference_count > 0;
    let (found, state) = replay.finish();
    let Some((start, engine)) = state else {
        return Err(Failure::missing("there is no start up to there: nothing to replay"));
    };
    print(context, args, &found, (&start, &engine), exact)?;
    Ok(if found.difference_count == 0 { Exit::Done } else { Exit::No })
}

fn print(
    context: &Context,
    args: &Args,
    found: &Replayed,
    (start, engine): (&Start, &Engine),
    exact: bool,
) -> Result<(), Failure> {
    let hash = format!("{:032x}", engine.state_hash());
    if args.json {
        let mut document = json!({
            "records": found.records,
            "from_seq": found.from_seq,
            "to_seq": found.to_seq,
            "time": found.time,
            "exact": exact,
            "state_hash": exact.then_some(&hash),
            "books_hash": format!("{:032x}", engine.books().hash()),
            "marks": found.marks,
            "epoch": found.epoch,
            "skipped": found.skipped,
            "difference_count": found.difference_count,
            "differences": found.differences.iter().map(difference).collect::<Vec<Value>>(),
        });
        if args.state {
            document["state"] = offline::state(engine, start, &context.registry)?;
        }
        return terminal::json(&document);
    }
    if args.state_hash {
        return terminal::raw(&format!("{hash}\n"));
    }
    terminal::raw(&in_words(found, engine, exact))?;
    if args.diff {
        for found in &found.differences {
            terminal::raw(&format!(
                "  {} {}\n    recorded {}\n    replayed {}\n",
                found.seq, found.kind, found.recorded, found.replayed
            ))?;
        }
    }
    if args.state {
        terminal::json(&offline::state(engine, start, &context.registry)?)?;
    }
    Ok(())
}

fn difference(found: &Difference) -> Value {
    json!({
        "seq": found.seq,
        "kind": found.kind,
        "recorded": found.recorded,
        "replayed": found.replayed,
    })
}

fn in_words(found: &Replayed, engine: &Engine, exact: bool) -> String {
    let way = if exact { "replayed" } else { "adopted (another build wrote them)" };
    let time = found.time.map(|time| time.to_string()).unwrap_or_default();
    format!(
        "{} records {way}, up to {} at {time}\n{} marks agree, {} differences\nstate {:032x}\nbooks {:032x}\n",
        terminal::thousands(found.records),
        found.to_seq.unwrap_or_default(),
        found.marks,
        found.difference_count,
        engine.state_hash(),
        engine.books().hash(),
    )
}
