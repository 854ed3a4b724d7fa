//! `cargo xtask test`: the list of steps, in the order in which a mistake is cheapest to learn of.
//!
//! A step is added by adding a row to [`STEPS`]; what it does lives in [`steps`](crate::steps).
//!
//! Invariant: one failing step never hides another, except a step that needs its result.

use std::time::Instant;

use anyhow::bail;

use crate::{
    bench,
    context::Context,
    durable, hardship, killtest, mutants,
    outcome::{self, Line, Outcome},
    steps::{checks, deny, e2e, runners},
    tidy, workloads,
};

struct Step {
    name: &'static str,
    about: &'static str,
    /// The step whose result this one uses.
    needs: Option<&'static str>,
    run: fn(&Context) -> anyhow::Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step {
        name: "prepare",
        about: "rustfmt, clippy and the dependencies are there",
        needs: None,
        run: checks::prepare,
    },
    Step { name: "fmt", about: "cargo fmt --check", needs: None, run: checks::format },
    Step {
        name: "tidy",
        about: "crate arrows, purity, links, licences, stray paths, sizes",
        needs: None,
        run: tidy::step,
    },
    Step {
        name: "clippy",
        about: "clippy over all targets, warnings are errors",
        needs: None,
        run: checks::clippy,
    },
    Step {
        name: "tests",
        about: "unit and integration tests (nextest where it is installed)",
        needs: None,
        run: runners::tests,
    },
    Step {
        name: "mutants",
        about: "no control can be taken out of the risk gate unnoticed",
        needs: Some("tests"),
        run: mutants::step,
    },
    Step { name: "doctests", about: "examples in the docs", needs: None, run: runners::doc_tests },
    Step { name: "docs", about: "rustdoc, warnings are errors", needs: None, run: checks::docs },
    Step {
        name: "deny",
        about: "licences, bans and sources of the dependencies",
        // It reads the sources of all platforms' dependencies and fetches none itself.
        needs: Some("prepare"),
        run: deny::licenses,
    },
    Step {
        name: "advisories",
        about: "known vulnerabilities of the dependencies",
        needs: None,
        run: deny::advisories,
    },
    Step {
        name: "release",
        about: "the release build of bellwether",
        needs: None,
        run: checks::release_build,
    },
    Step {
        name: "e2e",
        about: "the program end to end: demo, calendar, exit codes",
        needs: Some("release"),
        run: e2e::step,
    },
    Step {
        name: "workloads",
        about: "W1 and W2 equal the plain reference loop, to the cent",
        needs: Some("release"),
        run: workloads::equal_reference,
    },
    Step {
        name: "hashes",
        about: "decision_hash is equal over runs, builds and formats",
        needs: Some("release"),
        run: workloads::equal_hashes,
    },
    Step {
        name: "killtest",
        about: "kill -9 at any moment, judged by the broker's own log",
        needs: Some("release"),
        run: killtest::step,
    },
    Step {
        name: "durable",
        about: "no order is sent before it is durable, seen by a tracer",
        needs: Some("release"),
        run: durable::step,
    },
    Step {
        name: "hardship",
        about: "bad disks, other instances, emergency stops in every state, seen by the broker",
        needs: Some("release"),
        run: hardship::step,
    },
    Step { name: "bench", about: "benchmarks in smoke mode", needs: None, run: bench::smoke },
];

/// Prints the steps.
pub(crate) fn list() {
    for step in STEPS {
        println!("{:<12} {}", step.name, step.about);
    }
}

/// Runs the steps named in `only` (all when it is empty); `true` when all of them held.
pub(crate) fn run(context: &Context, only: &[String]) -> anyhow::Result<bool> {
    let steps = select(only)?;
    let mut lines: Vec<Line> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("[{}/{}] {}: {}", index + 1, steps.len(), step.name, step.about);
        let blocked = step.needs.is_some_and(|needed| {
            lines.iter().any(|line| line.step == needed && line.is_failure(false))
        });
        let started = Instant::now();
        let outcome = if blocked {
            println!("    not run: the step it needs failed");
            None
        } else {
            Some((step.run)(context).unwrap_or_else(|error| Outcome::failure(format!("{error:#}"))))
        };
        let line = Line { step: step.name, outcome, elapsed: started.elapsed() };
        print_step(&line, context.strict);
        lines.push(line);
    }
    outcome::print(&lines, context.strict);
    Ok(!lines.iter().any(|line| line.is_failure(context.strict)))
}

fn print_step(line: &Line, strict: bool) {
    let Some(outcome) = &line.outcome else { return };
    for note in &outcome.notes {
        println!("    {note}");
    }
    if let Some(failure) = &outcome.failure {
        println!("    FAILED: {failure}");
    }
    let word = if line.is_failure(strict) { "failed" } else { "done" };
    let counts = match (outcome.passed, outcome.failed, outcome.skips.len()) {
        (0, 0, 0) => String::new(),
        (passed, failed, skipped) => {
            format!(" ({passed} passed, {failed} failed, {skipped} skipped)")
        }
    };
    println!("    {word} in {:.1} s{counts}", line.elapsed.as_secs_f64());
}

/// Returns the named steps and what they need, in their usual order.
fn select(only: &[String]) -> anyhow::Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        let names = STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
        bail!("unknown step {unknown}; the steps are {names}");
    }
    let named = |name: &str| only.iter().any(|wanted| wanted == name);
    let wanted = |step: &Step| {
        only.is_empty()
            || named(step.name)
            || STEPS.iter().any(|other| named(other.name) && other.needs == Some(step.name))
    };
    Ok(STEPS.iter().filter(|step| wanted(step)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str]) -> Vec<&'static str> {
        let only = only.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        select(&only).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_selected_step_brings_what_it_needs() {
        assert_eq!(names(&["workloads", "fmt"]), ["fmt", "release", "workloads"]);
        assert_eq!(names(&[]).len(), STEPS.len());
        assert!(select(&["nonsense".to_owned()]).is_err());
    }

    #[test]
    fn needed_steps_come_earlier() {
        for (index, step) in STEPS.iter().enumerate() {
            if let Some(needed) = step.needs {
                let position = STEPS.iter().position(|other| other.name == needed);
                assert!(position.is_some_and(|position| position < index), "{}", step.name);
            }
        }
    }
}
