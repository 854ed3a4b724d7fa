//! `journal bench`: from appending a group to its being durable, at a steady rate (J5).

use std::time::Duration;

use journal::Load;
use serde_json::json;

use super::disk;
use crate::cli::Context;
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Flags of `journal bench`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether journal bench\n  bellwether --data-dir /var/lib/bellwether journal bench --seconds 20 --json"
)]
pub(crate) struct Args {
    /// Groups a second, each of them urgent
    #[arg(long, value_name = "N", default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    groups_per_second: u32,
    /// Bytes of each group
    #[arg(long, value_name = "N", default_value_t = 400,
        value_parser = clap::value_parser!(u32).range(1..=65_536))]
    bytes: u32,
    /// For how long
    #[arg(long, value_name = "N", default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `journal bench` in a folder of its own on the data directory's disk.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let data_dir = &context.global.data_dir;
    disk()
        .create_dir(data_dir)
        .map_err(|error| Failure::io(format_args!("make {}", data_dir.display()), error))?;
    let folder = tempfile::Builder::new()
        .prefix("journal-bench-")
        .tempdir_in(data_dir)
        .map_err(|error| Failure::io("make a folder to measure in", error))?;
    let load = Load {
        groups_per_second: args.groups_per_second,
        group_bytes: args.bytes as usize,
        duration: Duration::from_secs(u64::from(args.seconds)),
    };
    let found = journal::bench(disk(), &folder.path().join("journal"), &load)
        .map_err(|error| Failure::new(Exit::Io, error))?;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    if args.json {
        terminal::json(&json!({
            "groups": found.groups,
            "groups_per_s": found.groups_per_second,
            "syncs": found.syncs,
            "p50_ms": ms(found.p50),
            "p99_ms": ms(found.p99),
            "max_ms": ms(found.max),
        }))?;
    } else {
        terminal::raw(&format!(
            "{} groups, {:.0} a second, {} syncs\nuntil durable: p50 {:.3} ms, p99 {:.3} ms, longest {:.3} ms\n",
            found.groups,
            found.groups_per_second,
            found.syncs,
            ms(found.p50),
            ms(found.p99),
            ms(found.max)
        ))?;
    }
    Ok(Exit::Done)
}
