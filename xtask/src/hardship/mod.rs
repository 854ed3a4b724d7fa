//! The running system where the machine does not do its part: another instance, the wrong folder,
//! a full disk, a disk that takes nothing, few file descriptors, other surroundings (F37-F39, J16).
//!
//! A case is added by adding a row to [`CASES`]; each has a folder of its own, which stays where it
//! fails.

mod disk;
mod judging;
mod machine;
mod places;
mod stops;
mod troubles;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::{
    context::Context,
    outcome::{Outcome, Skip},
    release,
    rig::stage::{Stage, Storm},
};

/// So many cases run at the same time: they wait most of the time.
const AT_ONCE: usize = 2;

/// How a case ended when it did not fail.
pub(super) enum Held {
    /// It held; a note says what was measured.
    Yes(String),
    /// It could not be tried here.
    Skipped(&'static str),
}

/// What a case works with.
pub(super) struct Ground<'a> {
    context: &'a Context,
    folder: PathBuf,
}

impl Ground<'_> {
    /// Starts a broker and prepares a system, both in the folder of the case.
    fn stage(&self, storm: &Storm) -> anyhow::Result<Stage<'_>> {
        Stage::new(self.context, "release", &self.folder, storm)
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}

struct Case {
    name: &'static str,
    run: fn(&Ground<'_>) -> anyhow::Result<Held>,
}

const CASES: &[Case] = &[
    Case { name: "a second instance is refused and touches nothing", run: places::second_instance },
    Case { name: "a folder without a journal needs --init", run: places::init },
    Case { name: "zone, locale and working directory change nothing", run: machine::surroundings },
    Case { name: "64 file descriptors are enough", run: machine::few_descriptors },
    Case { name: "a full disk stops opening and harms no journal", run: disk::full },
    Case { name: "a disk that refuses ends the run", run: disk::refuses },
    Case { name: "a disk that is read-only is refused", run: disk::read_only },
    Case { name: "emergency stop while running", run: stops::running },
    Case { name: "emergency stop while paused", run: stops::paused },
    Case { name: "emergency stop while stopping", run: stops::stopping },
    Case { name: "emergency stop while starting", run: stops::starting },
    Case { name: "emergency stop at night and on Sunday", run: stops::closed_market },
    Case { name: "emergency stop with a dead journal", run: stops::dead_journal },
    Case { name: "emergency stop with a dead feed", run: troubles::feed_dead },
    Case { name: "emergency stop in an error", run: troubles::error },
    Case { name: "emergency stop in a flood", run: troubles::flooded },
    Case { name: "emergency stop without a process", run: stops::direct },
];

/// `cargo xtask hardship`: runs the cases whose names contain `wanted` and prints how they went.
pub(crate) fn run_and_print(context: &Context, wanted: &str) -> anyhow::Result<bool> {
    release::build_binary(context)?;
    let outcome = run(context, wanted)?;
    outcome.notes.iter().for_each(|note| println!("{note}"));
    outcome.skips.iter().for_each(|skip| println!("SKIPPED: {}: {}", skip.what, skip.reason));
    println!("{} passed, {} failed", outcome.passed, outcome.failed);
    Ok(outcome.failed == 0)
}

/// The step of `cargo xtask test`, on the release build that is there.
pub(crate) fn step(context: &Context) -> anyhow::Result<Outcome> {
    run(context, "")
}

/// How a case went.
type Went = (usize, anyhow::Result<Held>, Duration);

fn run(context: &Context, wanted: &str) -> anyhow::Result<Outcome> {
    let folder = context.empty_scratch("hardship")?;
    let chosen = CASES.iter().enumerate().filter(|(_, case)| case.name.contains(wanted));
    let waiting: Mutex<VecDeque<usize>> = Mutex::new(chosen.map(|(number, _)| number).collect());
    let went: Mutex<Vec<Went>> = Mutex::default();
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(number) = next() {
                    let (begun, held) = (Instant::now(), try_one(context, &folder, number));
                    let mut went = went.lock().unwrap_or_else(PoisonError::into_inner);
                    went.push((number, held, begun.elapsed()));
                }
            });
        }
    });
    let mut went = went.into_inner().unwrap_or_else(PoisonError::into_inner);
    went.sort_by_key(|(number, _, _)| *number);
    let mut outcome = Outcome::ok();
    for (number, held, elapsed) in went {
        note(&mut outcome, CASES[number].name, held, elapsed);
    }
    Ok(outcome)
}

/// Runs a case in a folder of its own, which stays where it fails.
fn try_one(context: &Context, folder: &Path, number: usize) -> anyhow::Result<Held> {
    let ground = Ground { context, folder: folder.join(format!("case-{number}")) };
    match (CASES[number].run)(&ground) {
        Ok(held) => remove(ground.folder()).map(|()| held),
        Err(error) => {
            let place = ground.folder().display();
            Err(error.context(format!("as it was left: {place}")))
        }
    }
}

fn note(outcome: &mut Outcome, name: &str, held: anyhow::Result<Held>, elapsed: Duration) {
    match held {
        Ok(Held::Yes(note)) => {
            outcome.case(name, Ok(()));
            let pause = if note.is_empty() { "" } else { "; " };
            outcome.notes.push(format!("        {:.0} s{pause}{note}", elapsed.as_secs_f64()));
        }
        Ok(Held::Skipped(reason)) => {
            outcome.skips.push(Skip { what: name.into(), reason: reason.into() });
        }
        Err(error) => outcome.case(name, Err(error)),
    }
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    Ok(())
}
