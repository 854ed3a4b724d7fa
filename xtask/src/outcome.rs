//! What a step found, and how all of it is added up.
//!
//! Invariant: a failed step counts as at least one failure, so `0 failed` and exit code 0 always
//! go together.

use std::time::Duration;

/// The reasons for which a part may be skipped even under `--strict`: they name things that are
/// not the repository's to provide (contract.md section 1). Closed on purpose.
pub(crate) const ACCEPTED_SKIP_REASONS: [&str; 3] =
    ["data absent", "fixtures absent", "advisories unreachable"];

/// One test, case or whole step that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skip {
    /// What was skipped.
    pub(crate) what: String,
    /// Why, in words that fit `SKIPPED: what: reason`.
    pub(crate) reason: String,
}

impl Skip {
    /// Reads the line a test prints: `SKIPPED: <test>: <reason>`. The indentation that a runner
    /// puts before captured output is ignored.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let rest = line.trim().strip_prefix("SKIPPED: ")?;
        // Test names hold `::`, never `: `.
        let (what, reason) = rest.split_once(": ")?;
        Some(Self { what: what.trim().into(), reason: reason.trim().into() })
    }

    /// Returns whether `--strict` lets this skip pass.
    pub(crate) fn is_accepted(&self) -> bool {
        ACCEPTED_SKIP_REASONS.contains(&self.reason.as_str())
    }
}

/// What one step found.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Tests or cases that held.
    pub(crate) passed: u64,
    /// Tests or cases that did not hold.
    pub(crate) failed: u64,
    /// Tests, cases or parts that were not carried out.
    pub(crate) skips: Vec<Skip>,
    /// Why the step failed, if it did.
    pub(crate) failure: Option<String>,
    /// Lines for people, printed under the step.
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    /// Returns the outcome of a step that is one check and holds.
    pub(crate) fn ok() -> Self {
        Self::default()
    }

    /// Returns the outcome of a step that did not hold.
    pub(crate) fn failure(reason: impl Into<String>) -> Self {
        Self { failure: Some(reason.into()), ..Self::default() }
    }

    /// Returns the outcome of a step that could not be carried out at all.
    pub(crate) fn skipped(what: &str, reason: impl Into<String>) -> Self {
        let skip = Skip { what: what.into(), reason: reason.into() };
        Self { skips: vec![skip], ..Self::default() }
    }

    /// Adds one case: it held, or it says why not.
    pub(crate) fn case(&mut self, name: &str, result: anyhow::Result<()>) {
        match result {
            Ok(()) => {
                self.passed += 1;
                self.notes.push(format!("ok      {name}"));
            }
            Err(error) => {
                self.failed += 1;
                self.notes.push(format!("FAILED  {name}: {error:#}"));
                self.failure.get_or_insert_with(|| format!("{name}: {error:#}"));
            }
        }
    }
}

/// One line of the table at the end.
pub(crate) struct Line {
    /// Name of the step.
    pub(crate) step: &'static str,
    /// What it found; `None` when a step it needs had failed.
    pub(crate) outcome: Option<Outcome>,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

impl Line {
    /// Returns whether the step stands in the way of exit code 0.
    pub(crate) fn is_failure(&self, strict: bool) -> bool {
        self.outcome.as_ref().is_none_or(|outcome| {
            outcome.failure.is_some()
                || outcome.failed > 0
                || (strict && !outcome.skips.iter().all(Skip::is_accepted))
        })
    }

    fn word(&self, strict: bool) -> &'static str {
        match &self.outcome {
            None => "not run",
            Some(_) if self.is_failure(strict) => "FAILED",
            Some(outcome) if outcome.passed == 0 && !outcome.skips.is_empty() => "SKIPPED",
            Some(_) => "ok",
        }
    }
}

/// The sums of all steps.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests and cases that held.
    pub(crate) passed: u64,
    /// Tests and cases that failed, and failed steps that are no test runner.
    pub(crate) failed: u64,
    /// Tests, cases and parts that were skipped.
    pub(crate) skipped: u64,
}

impl Tally {
    /// Adds up the lines.
    pub(crate) fn of(lines: &[Line], strict: bool) -> Self {
        let mut tally = Self::default();
        for line in lines {
            let Some(outcome) = &line.outcome else { continue };
            tally.passed += outcome.passed;
            tally.skipped += outcome.skips.len() as u64;
            // A step without tests of its own (fmt, tidy), or one that failed for another reason
            // than a test (it did not compile, a forbidden skip), is one failure.
            let own = u64::from(line.is_failure(strict));
            tally.failed += outcome.failed.max(own);
        }
        tally
    }
}

/// Prints the table of steps, the skips and the closing line.
pub(crate) fn print(lines: &[Line], strict: bool) {
    println!(
        "\n{:<12} {:<8} {:>9} {:>8} {:>8} {:>8}",
        "step", "result", "seconds", "passed", "failed", "skipped"
    );
    for line in lines {
        let (passed, failed, skipped) = line
            .outcome
            .as_ref()
            .map_or((0, 0, 0), |outcome| (outcome.passed, outcome.failed, outcome.skips.len()));
        println!(
            "{:<12} {:<8} {:>9.1} {passed:>8} {failed:>8} {skipped:>8}",
            line.step,
            line.word(strict),
            line.elapsed.as_secs_f64()
        );
    }
    let outcomes = || lines.iter().filter_map(|line| Some((line, line.outcome.as_ref()?)));
    for (_, outcome) in outcomes() {
        for skip in &outcome.skips {
            let verdict =
                if strict && !skip.is_accepted() { " (a failure under --strict)" } else { "" };
            println!("SKIPPED: {}: {}{verdict}", skip.what, skip.reason);
        }
    }
    for (line, outcome) in outcomes() {
        if let Some(failure) = &outcome.failure {
            println!("FAILED: {}: {failure}", line.step);
        }
    }
    let total: f64 = lines.iter().map(|line| line.elapsed.as_secs_f64()).sum();
    println!("{total:.1} s in all\n");
    let Tally { passed, failed, skipped } = Tally::of(lines, strict);
    println!("{passed} passed, {failed} failed, {skipped} skipped");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(outcome: Outcome) -> Line {
        Line { step: "step", outcome: Some(outcome), elapsed: Duration::ZERO }
    }

    #[test]
    fn skip_lines_are_read_with_and_without_indentation() {
        let skip = Skip::parse("    SKIPPED: it::lean::spy: data absent").unwrap();
        assert_eq!((skip.what.as_str(), skip.reason.as_str()), ("it::lean::spy", "data absent"));
        assert!(skip.is_accepted());
        assert_eq!(
            Skip::parse("SKIPPED: a: data absent: why"),
            Some(Skip { what: "a".into(), reason: "data absent: why".into() })
        );
        assert_eq!(Skip::parse("this test was SKIPPED: a: b"), None);
        assert_eq!(Skip::parse("SKIPPED: no reason"), None);
    }

    #[test]
    fn strict_accepts_only_the_closed_list() {
        for (reason, accepted) in [
            ("data absent", true),
            ("fixtures absent", true),
            ("advisories unreachable", true),
            ("no time", false),
            ("Data absent", false),
        ] {
            let line = line(Outcome::skipped("x", reason));
            assert_eq!(line.is_failure(true), !accepted, "{reason}");
            assert!(!line.is_failure(false), "{reason}");
        }
    }

    #[test]
    fn every_failing_step_counts() {
        let lines = [
            line(Outcome {
                passed: 10,
                failed: 2,
                failure: Some("2".into()),
                ..Outcome::default()
            }),
            line(Outcome::failure("not formatted")),
            line(Outcome::skipped("deny", "no compiler")),
            line(Outcome { passed: 3, ..Outcome::default() }),
        ];
        assert_eq!(Tally::of(&lines, false), Tally { passed: 13, failed: 3, skipped: 1 });
        assert_eq!(Tally::of(&lines, true), Tally { passed: 13, failed: 4, skipped: 1 });
    }

    #[test]
    fn a_step_that_could_not_run_is_a_failure() {
        let line = Line { step: "demo", outcome: None, elapsed: Duration::ZERO };
        assert!(line.is_failure(false));
        assert_eq!(line.word(false), "not run");
    }
}
