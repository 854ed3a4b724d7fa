//! The test runners: cargo nextest where it is installed, `cargo test` otherwise, doc tests.
//!
//! Tests whose data is not there print `SKIPPED: <test>: <reason>` and return; the runner counts
//! them as passed, this module counts them as skipped. Runners hide what a passing test prints
//! unless they are told not to, so both are told.

use std::collections::BTreeSet;

use anyhow::bail;

use super::checks::CARGO_LIMIT;
use crate::{
    context::Context,
    outcome::{Outcome, Skip},
    process::{self, Finished},
};

/// Events of the random walk over orders, reports, controls and restarts.
const WALK_EVENTS: &str = "1000000";

/// Runs unit and integration tests.
pub(crate) fn tests(context: &Context) -> anyhow::Result<Outcome> {
    if context.has_cargo_tool("nextest") {
        println!("    cargo nextest is installed and used");
        let mut nextest = context.cargo(["nextest", "run", "--workspace", "--no-fail-fast"]);
        nextest
            .args(context.locked())
            .args(["--success-output", "immediate", "--failure-output", "immediate-final"])
            .args(["--color", "never", "--no-input-handler"])
            .env("WALK_EVENTS", WALK_EVENTS);
        let finished = process::run(context, "tests", &mut nextest, CARGO_LIMIT)?;
        judge(&finished, nextest_counts(&finished.lines))
    } else {
        println!("    cargo nextest is not installed: cargo test is used");
        let mut test = context.cargo(["test", "--workspace", "--no-fail-fast"]);
        test.args(context.locked()).args([
            "--lib",
            "--bins",
            "--tests",
            "--color",
            "never",
            "--",
            "--show-output",
        ]);
        test.env("WALK_EVENTS", WALK_EVENTS);
        let finished = process::run(context, "tests", &mut test, CARGO_LIMIT)?;
        judge(&finished, cargo_test_counts(&finished.lines))
    }
}

/// Runs the examples in the documentation; nextest does not do that.
pub(crate) fn doc_tests(context: &Context) -> anyhow::Result<Outcome> {
    let mut test = context.cargo(["test", "--workspace", "--doc", "--no-fail-fast"]);
    test.args(context.locked()).args(["--color", "never"]);
    let finished = process::run(context, "doctests", &mut test, CARGO_LIMIT)?;
    judge(&finished, cargo_test_counts(&finished.lines))
}

/// What the runner itself counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Turns the runner's counts and the skips its tests printed into one outcome.
fn judge(finished: &Finished, counts: Option<Counts>) -> anyhow::Result<Outcome> {
    let Some(counts) = counts else {
        finished.print_tail();
        bail!("the tests did not run (log: {})", finished.log.display());
    };
    let printed: BTreeSet<Skip> =
        finished.lines.iter().filter_map(|line| Skip::parse(line)).collect();
    let mut outcome = Outcome {
        // A test that prints SKIPPED ends as "passed" for the runner.
        passed: counts.passed.saturating_sub(printed.len() as u64),
        failed: counts.failed,
        skips: printed.into_iter().collect(),
        ..Outcome::default()
    };
    outcome.skips.extend((0..counts.ignored).map(|_| Skip {
        what: "a test".into(),
        reason: "marked #[ignore], or `ignore` in a doc example".into(),
    }));
    if !finished.success() {
        for line in failure_lines(&finished.lines) {
            println!("    {line}");
        }
        let log = finished.log.display();
        outcome.failure = Some(format!("{} tests failed (log: {log})", counts.failed));
    }
    Ok(outcome)
}

/// Sums the closing lines of `cargo test`, one per test binary; `None` when there is none.
fn cargo_test_counts(lines: &[String]) -> Option<Counts> {
    let mut sum: Option<Counts> = None;
    for line in lines {
        let Some(rest) = line.strip_prefix("test result: ") else { continue };
        let sum = sum.get_or_insert_default();
        let (_, counts) = rest.split_once(". ").unwrap_or(("", rest));
        for (count, word) in counts.split("; ").filter_map(count_and_word) {
            match word {
                "passed" => sum.passed += count,
                "failed" => sum.failed += count,
                "ignored" => sum.ignored += count,
                _ => {}
            }
        }
    }
    sum
}

/// Reads the summary of nextest: `Summary [ 1.2s] 3 tests run: 2 passed (1 slow), 1 skipped`.
fn nextest_counts(lines: &[String]) -> Option<Counts> {
    let summary = lines.iter().rev().find_map(|line| line.trim().strip_prefix("Summary ["))?;
    let (_, counts) = summary.split_once(" run: ")?;
    let mut sum = Counts::default();
    for (count, word) in counts.split(", ").filter_map(count_and_word) {
        match word {
            "passed" => sum.passed += count,
            "skipped" => sum.ignored += count,
            // failed, timed out, exec failed
            _ => sum.failed += count,
        }
    }
    Some(sum)
}

fn count_and_word(text: &str) -> Option<(u64, &str)> {
    let (count, rest) = text.trim().split_once(' ')?;
    Some((count.parse().ok()?, rest.split([' ', ';']).next().unwrap_or(rest)))
}

/// Returns the part of the output that tells what failed: with `--show-output` the output of the
/// passing tests comes first and would push it off the screen.
fn failure_lines(lines: &[String]) -> Vec<&str> {
    let mut inside = false;
    let mut failing = Vec::new();
    for line in lines {
        match line.trim() {
            "failures:" => inside = true,
            text if text.starts_with("Summary [") => inside = true,
            text if text.starts_with("error") => failing.push(line.as_str()),
            text if text.starts_with("test result: ") => inside = false,
            _ => {}
        }
        if inside {
            failing.push(line.as_str());
        }
    }
    const SHOWN: usize = 400;
    failing.truncate(SHOWN);
    failing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn cargo_test_results_are_summed() {
        let counts = cargo_test_counts(&lines(
            "running 4 tests\n\
             test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; x\n\
             test result: FAILED. 10 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; x",
        ));
        assert_eq!(counts, Some(Counts { passed: 12, failed: 3, ignored: 1 }));
        assert_eq!(cargo_test_counts(&lines("error: could not compile")), None);
    }

    #[test]
    fn nextest_summary_is_read() {
        let counts = |line: &str| nextest_counts(&lines(line));
        assert_eq!(
            counts("     Summary [   0.160s] 9 tests run: 7 passed (2 slow), 2 failed, 1 skipped"),
            Some(Counts { passed: 7, failed: 2, ignored: 1 })
        );
        assert_eq!(
            counts("Summary [   9.0s] 3 tests run: 1 passed, 1 timed out, 1 exec failed"),
            Some(Counts { passed: 1, failed: 2, ignored: 0 })
        );
        assert_eq!(
            counts("Summary [   0.1s] 1 test run: 1 passed, 0 skipped"),
            Some(Counts { passed: 1, failed: 0, ignored: 0 })
        );
        assert_eq!(counts("error: build failed"), None);
    }

    #[test]
    fn only_the_failing_part_is_shown() {
        let output = lines(
            "running 2 tests\nsuccesses:\n---- a stdout ----\nnoise\nfailures:\n\
             ---- d stdout ----\nboom\nfailures:\n    d\ntest result: FAILED. 1 passed\n\
             noise\nerror: 1 target failed:",
        );
        assert_eq!(
            failure_lines(&output),
            [
                "failures:",
                "---- d stdout ----",
                "boom",
                "failures:",
                "    d",
                "error: 1 target failed:"
            ]
        );
    }
}
