//! `state`: what the engine knows, from a data directory, without a running system.

use runtime::recovery::recover;
use serde_json::json;

use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::run::foundry::EngineFoundry;
use crate::run::offline;
use crate::terminal;

/// Flags of `state`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bellwether state\n  bellwether --data-dir paper state --json")]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `state`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let place = offline::place(&context.global.data_dir)?;
    let foundry = EngineFoundry { registry: context.registry.clone() };
    let recovered = recover(&place, &foundry, crate::BUILD).map_err(offline::recover_failure)?;
    let Some((start, engine)) = &recovered.state else {
        let path = context.global.data_dir.display();
        return Err(Failure::missing(format_args!("{path} holds no journal yet"))
            .hint("`bellwether run --init` makes one"));
    };
    let state = offline::state(engine, start, &context.registry)?;
    let hash = recovered.warm.then(|| format!("{:032x}", engine.state_hash()));
    let document = json!({
        "seq": recovered.tail.last_seq,
        "time": engine.now(),
        "exact": recovered.warm,
        "adopted": recovered.adopted,
        "state_hash": hash,
        "books_hash": format!("{:032x}", engine.books().hash()),
        "snapshot_seq": recovered.snapshot_seq,
        "start": {
            "epoch": start.epoch,
            "build": start.build,
            "mode": start.mode,
            "wall": start.wall,
            "last_end": start.last_end.name(),
        },
        "state": state,
    });
    if args.json {
        terminal::json(&document)?;
        return Ok(Exit::Done);
    }
    let status = &document["state"]["status"];
    let text = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
    terminal::raw(&format!(
        "at {} (sequence {}): {}, equity {}, cash {}\n{} positions, {} open orders, {} unknown\nepoch {}, build {}\n",
        engine.now(),
        recovered.tail.last_seq,
        text("state"),
        text("equity"),
        text("cash"),
        status["open_positions"],
        status["open_orders"],
        status["unknown_orders"],
        start.epoch,
        start.build,
    ))?;
    Ok(Exit::Done)
}
