//! `cargo xtask mutants`: takes each control out of the risk gate and expects its test to fail.
//!
//! One build of the engine's tests serves all controls: their harness leaves the control out that
//! the environment names. The list of controls and their tests is the program's own
//! (`bellwether report controls --json`).
//!
//! Invariant: a control without which every test passes is a failure, and so is a test that the
//! list names and that does not exist.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::{
    context::Context,
    outcome::Outcome,
    process,
    release::{Program, build_debug_binary},
    steps::checks::CARGO_LIMIT,
};

/// Longest time the tests of one control may take.
const TEST_LIMIT: Duration = Duration::from_secs(120);
/// The variable that the tests' harness reads.
const WITHOUT: &str = "BELLWETHER_WITHOUT_CONTROL";
/// The parts of the engine's tests that are about controls.
const PARTS: [&str; 6] =
    ["risk_manager::", "data_manager::", "limits::", "controls::", "account::", "reconciliation::"];

struct Control {
    id: String,
    test: String,
    in_gate: bool,
}

/// Runs it as a command of its own.
pub(crate) fn run_and_print(context: &Context) -> anyhow::Result<bool> {
    let outcome = step(context)?;
    outcome.notes.iter().for_each(|note| println!("{note}"));
    println!("{} controls have their test, {} do not", outcome.passed, outcome.failed);
    Ok(outcome.failed == 0)
}

/// The step of `cargo xtask test`.
pub(crate) fn step(context: &Context) -> anyhow::Result<Outcome> {
    let controls = controls(context)?;
    let programs = test_programs(context)?;
    let mut outcome = Outcome::ok();
    let (passed, failed) = run_tests(context, &programs, None)?;
    ensure!(failed.is_empty(), "with all controls in place these tests fail: {failed:?}");
    for control in &controls {
        let known = passed.iter().filter(|name| name.ends_with(&control.test)).count();
        let verdict = if known != 1 {
            Err(format!("{} tests are named {}", known, control.test))
        } else if control.in_gate {
            let (_, failed) = run_tests(context, &programs, Some(&control.id))?;
            judge(&control.test, &failed)
        } else {
            Ok(format!("acts outside of the gate; {}", control.test))
        };
        match verdict {
            Ok(text) => {
                outcome.passed += 1;
                outcome.notes.push(format!("{}: {text}", control.id));
            }
            Err(text) => {
                outcome.failed += 1;
                outcome.notes.push(format!("{}: NOT NOTICED: {text}", control.id));
            }
        }
    }
    Ok(outcome)
}

/// Says which tests noticed that a control is gone; its own test must be one of them.
fn judge(test: &str, failed: &[String]) -> Result<String, String> {
    if !failed.iter().any(|name| name.ends_with(test)) {
        return Err(format!("{test} passes without it"));
    }
    let others = failed.len() - 1;
    Ok(format!(
        "{test} fails without it{}",
        match others {
            0 => String::new(),
            n => format!(", and {n} more"),
        }
    ))
}

/// Reads the controls that act from the program.
fn controls(context: &Context) -> anyhow::Result<Vec<Control>> {
    build_debug_binary(context)?;
    let program = Program::new(context, "debug", context.empty_scratch("mutants")?);
    let list = program.json("mutants-controls", &["report", "controls", "--json"], 0)?;
    let list = list.as_array().context("report controls printed no list")?;
    let text = |control: &Value, field: &str| {
        control[field].as_str().map(str::to_owned).with_context(|| format!("{field} is missing"))
    };
    let mut controls = Vec::new();
    for control in list {
        let test = text(control, "test")?;
        // A control that is off by default acts as well: what counts is that it has a test.
        if !test.is_empty() {
            let in_gate = control["in_gate"] == Value::Bool(true);
            controls.push(Control { id: text(control, "control")?, test, in_gate });
        }
    }
    ensure!(!controls.is_empty(), "no control has a test");
    Ok(controls)
}

/// Builds the engine's tests and returns their programs.
fn test_programs(context: &Context) -> anyhow::Result<Vec<PathBuf>> {
    // The selection of the test step, so that its dependencies are used and not built again.
    let mut build = context.cargo(["test", "--workspace", "--lib", "--bins", "--tests"]);
    build.args(["--no-run", "--message-format", "json"]).args(context.locked());
    let built = process::run(context, "mutants-build", &mut build, CARGO_LIMIT)?
        .expect_success("cargo test --no-run")?;
    let programs: Vec<PathBuf> = built
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["src_path"].as_str().is_some_and(of_engine))
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect();
    ensure!(programs.len() >= 2, "the engine's tests are {} programs", programs.len());
    Ok(programs)
}

fn of_engine(path: &str) -> bool {
    let path = path.replace('\\', "/");
    path.ends_with("crates/engine/src/lib.rs") || path.ends_with("crates/engine/tests/it/main.rs")
}

/// Runs the tests about controls and returns the names of those that passed and that failed.
fn run_tests(
    context: &Context,
    programs: &[PathBuf],
    without: Option<&str>,
) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (mut passed, mut failed) = (Vec::new(), Vec::new());
    for (index, program) in programs.iter().enumerate() {
        let mut command = Command::new(program);
        command.args(PARTS).args(["--color", "never"]);
        command.current_dir(context.root.join("crates/engine")).env_remove(WITHOUT);
        if let Some(control) = without {
            command.env(WITHOUT, control);
        }
        let log = format!("mutants-{}-{index}", without.unwrap_or("none"));
        let finished = process::run(context, &log, &mut command, TEST_LIMIT)?;
        ensure!(finished.status.is_some(), "the tests without {without:?} took too long");
        for line in &finished.lines {
            let Some((name, verdict)) =
                line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
            else {
                continue;
            };
            match verdict.split_whitespace().next() {
                Some("ok") => passed.push(name.to_owned()),
                Some("FAILED") => failed.push(name.to_owned()),
                _ => {}
            }
        }
    }
    Ok((passed, failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controls_own_test_must_fail() {
        let failed = ["risk_manager::controls::a::tests::x".to_owned(), "limits::y".to_owned()];
        assert!(judge("controls::a::tests::x", &failed).unwrap().contains("1 more"));
        assert!(judge("limits::y", &failed[..1]).is_err());
    }
}
