//! `cargo xtask bench`: builds the benchmarks in release mode, makes their data, prints the figures.
//!
//! Two examples: that of `bellwether` runs workloads through the engine (it takes `--data DIR` with
//! w1.parquet, w2.parquet, w4.parquet), that of `runtime` measures the shell: journal, applying and
//! encoding, recovery. Both take `--smoke` and `--json`. No figure is asserted: timed tests fail on
//! busy machines and teach people to ignore them.

use std::{path::PathBuf, process::Command, time::Duration};

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
    say("building the benchmarks in release mode");
    let shell = run_shell(context, smoke, json)?.stdout;
    let Some(finished) = run(context, smoke, json, seed)? else {
        print!("{shell}");
        eprintln!("SKIPPED: bench: {}", workloads::NO_PYTHON);
        return Ok(false);
    };
    if json {
        let document = |text: &str| serde_json::from_str::<serde_json::Value>(text);
        let both = serde_json::json!({
            "engine": document(&finished.stdout)?,
            "shell": document(&shell)?,
        });
        println!("{both:#}");
    } else {
        print!("{}{shell}", finished.stdout);
    }
    Ok(true)
}

/// The step of `cargo xtask test`: the benchmarks run to their end and print something.
pub(crate) fn smoke(context: &Context) -> anyhow::Result<Outcome> {
    let shell = run_shell(context, true, false)?;
    let Some(finished) = run(context, true, false, workloads::PUBLISHED_SEED)? else {
        return Ok(Outcome::skipped("bench", workloads::NO_PYTHON));
    };
    let mut outcome = Outcome::ok();
    for printed in [&finished.stdout, &shell.stdout] {
        if printed.trim().is_empty() {
            return Ok(Outcome::failure("a benchmark printed no figures"));
        }
        outcome.notes.extend(printed.lines().map(str::to_owned));
        outcome.passed += 1;
    }
    Ok(outcome)
}

fn run_shell(context: &Context, smoke: bool, json: bool) -> anyhow::Result<process::Finished> {
    let program = build(context, "runtime", "shell_bench")?;
    let mut bench = Command::new(program);
    bench.current_dir(context.scratch("bench")?);
    bench.args(smoke.then_some("--smoke")).args(json.then_some("--json"));
    process::run(context, "shell-bench", &mut bench, BENCH_LIMIT)?
        .expect_success("the shell's benchmark")
        .context("run the shell's benchmark")
}

/// Builds an example in release mode and returns where it is.
fn build(context: &Context, package: &str, example: &str) -> anyhow::Result<PathBuf> {
    let mut build = context.cargo(["build", "--release", "-p", package, "--example", example]);
    build.args(context.locked());
    process::run(context, "bench-build", &mut build, CARGO_LIMIT)?
        .expect_success("build the benchmark")?;
    let program = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    Ok(context.target_dir.join("release/examples").join(program))
}

fn run(
    context: &Context,
    smoke: bool,
    json: bool,
    seed: u64,
) -> anyhow::Result<Option<process::Finished>> {
    let Some(data) = workloads::generate_with_ticks(context, seed)? else { return Ok(None) };
    let mut bench = Command::new(build(context, "bellwether", "bench")?);
    bench.arg("--data").arg(&data.folder).current_dir(context.scratch("bench")?);
    bench.args(smoke.then_some("--smoke")).args(json.then_some("--json"));
    let finished = process::run(context, "bench", &mut bench, BENCH_LIMIT)?
        .expect_success("the benchmark")
        .context("run the benchmark")?;
    Ok(Some(finished))
}
