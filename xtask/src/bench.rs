//! `cargo xtask bench`: builds the benchmark in release mode, makes its data, prints its figures.
//!
//! The benchmark is an example of the `bellwether` crate (crates/bellwether/examples/bench.rs);
//! it takes `--data DIR` (w1.parquet, w2.parquet, w4.parquet), `--smoke` and `--json`. No figure is asserted:
//! timed tests fail on busy machines and teach people to ignore them.

use std::{process::Command, time::Duration};

use anyhow::Context as _;

use crate::{context::Context, outcome::Outcome, process, steps::checks::CARGO_LIMIT, workloads};

/// Longest time the benchmark itself may take.
const BENCH_LIMIT: Duration = Duration::from_secs(20 * 60);

/// Runs the benchmark and prints what it says.
pub(crate) fn run_and_print(
    context: &Context,
    smoke: bool,
    json: bool,
    seed: u64,
) -> anyhow::Result<bool> {
    let say = |text: &str| {
        if !json {
            println!("{text}");
        }
    };
    say("building the benchmark in release mode");
    let Some(finished) = run(context, smoke, json, seed)? else {
        eprintln!("SKIPPED: bench: {}", workloads::NO_PYTHON);
        return Ok(false);
    };
    print!("{}", finished.stdout);
    Ok(true)
}

/// The step of `cargo xtask test`: the benchmark runs to its end and prints something.
pub(crate) fn smoke(context: &Context) -> anyhow::Result<Outcome> {
    let Some(finished) = run(context, true, false, workloads::PUBLISHED_SEED)? else {
        return Ok(Outcome::skipped("bench", workloads::NO_PYTHON));
    };
    let mut outcome = Outcome::ok();
    outcome.notes.extend(finished.stdout.lines().map(str::to_owned));
    if outcome.notes.is_empty() {
        return Ok(Outcome::failure("the benchmark printed no figures"));
    }
    outcome.passed = 1;
    Ok(outcome)
}

fn run(
    context: &Context,
    smoke: bool,
    json: bool,
    seed: u64,
) -> anyhow::Result<Option<process::Finished>> {
    let Some(data) = workloads::generate_with_ticks(context, seed)? else { return Ok(None) };
    let mut build = context.cargo(["build", "--release", "-p", "bellwether", "--example", "bench"]);
    build.args(context.locked());
    process::run(context, "bench-build", &mut build, CARGO_LIMIT)?
        .expect_success("build the benchmark")?;
    let program = format!("bench{}", std::env::consts::EXE_SUFFIX);
    let mut bench = Command::new(context.target_dir.join("release/examples").join(program));
    bench.arg("--data").arg(&data.folder).current_dir(context.scratch("bench")?);
    bench.args(smoke.then_some("--smoke")).args(json.then_some("--json"));
    let finished = process::run(context, "bench", &mut bench, BENCH_LIMIT)?
        .expect_success("the benchmark")
        .context("run the benchmark")?;
    Ok(Some(finished))
}
