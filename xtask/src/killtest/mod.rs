//! `cargo xtask killtest`: kill -9 at any moment, and the broker's own log as the judge (I1-I7, F34).
//!
//! A cycle starts the system on the data directory that the cycles before it left behind, lets the
//! storm trade against a paper broker in a process of its own, and kills it: half of the time at
//! one byte of what it says to the broker or hears from it. After each cycle the journal must be
//! whole and replay without a difference, and the broker must hold at most one accepted id per
//! intent and no position but 0 or one lot; every so many cycles both sides come to rest and are
//! compared whole.
//!
//! Invariant: the judge trusts nothing that the system says of its own orders.

mod plan;
mod world;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::{context::Context, outcome::Outcome, release};
use plan::Cycle;
use world::World;

/// Cycles of the test command.
const IN_THE_TEST_COMMAND: u64 = 50;
/// Both sides are compared whole after so many cycles.
const SETTLE_EVERY: u64 = 25;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// How many cycles.
    pub(crate) cycles: u64,
    /// The seed of all of them.
    pub(crate) seed: u64,
    /// `release` or `debug`.
    pub(crate) profile: &'static str,
}

/// What happened in all cycles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    cycles: u64,
    worlds: u64,
    kills: u64,
    byte_kills: u64,
    broker_kills: u64,
    stops: u64,
    settled: u64,
    bytes: u64,
    /// Orders and executions of the worlds before this one, and of this one.
    orders: u64,
    fills: u64,
    orders_here: u64,
    fills_here: u64,
    slowest_ready: Duration,
}

impl Tally {
    fn note_ready(&mut self, after: Duration) {
        self.slowest_ready = self.slowest_ready.max(after);
    }

    fn end_world(&mut self) {
        self.worlds += 1;
        self.orders += std::mem::take(&mut self.orders_here);
        self.fills += std::mem::take(&mut self.fills_here);
    }

    fn lines(&self, elapsed: Duration) -> Vec<String> {
        let Self { cycles, worlds, kills, byte_kills, broker_kills, stops, settled, .. } = self;
        vec![
            format!(
                "{cycles} cycles over {worlds} sessions: {kills} kills of the system, {byte_kills} \
                 of them at a byte, {broker_kills} of the broker, {stops} orderly stops"
            ),
            format!(
                "{} orders, {} executions, {:.1} MB between system and broker; compared whole \
                 {settled} times",
                self.orders,
                self.fills,
                self.bytes as f64 / 1e6
            ),
            format!(
                "slowest start until ready {:.0} ms; {:.0} s in all",
                self.slowest_ready.as_secs_f64() * 1e3,
                elapsed.as_secs_f64()
            ),
        ]
    }
}

/// Runs the cycles and prints what happened.
pub(crate) fn run_and_print(context: &Context, wish: Wish) -> anyhow::Result<bool> {
    if wish.profile == "release" {
        release::build_binary(context)?;
    } else {
        release::build_debug_binary(context)?;
    }
    for line in run(context, wish)? {
        println!("{line}");
    }
    Ok(true)
}

/// The step of `cargo xtask test`, on the release build that is there.
pub(crate) fn step(context: &Context) -> anyhow::Result<Outcome> {
    // Another seed each time would find more, but nobody could tell one run from the other.
    let wish = Wish { cycles: IN_THE_TEST_COMMAND, seed: 1, profile: "release" };
    let mut outcome = Outcome::ok();
    outcome.notes = run(context, wish)?;
    outcome.passed = 1;
    Ok(outcome)
}

fn run(context: &Context, wish: Wish) -> anyhow::Result<Vec<String>> {
    let folder = context.empty_scratch("killtest")?;
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut next = 0;
    while next < wish.cycles {
        let place = folder.join(format!("session-{}", tally.worlds));
        let seed = wish.seed.wrapping_add(tally.worlds);
        let mut world = World::new(context, wish.profile, &place, seed)?;
        while next < wish.cycles && !world.is_over() {
            let cycle = Cycle::draw(wish.seed, next);
            let done = world.cycle(&cycle, &mut tally);
            done.map_err(|error| violation(&error, wish, &cycle.to_string(), &world))?;
            next += 1;
            tally.cycles = next;
            if next.is_multiple_of(SETTLE_EVERY) || next == wish.cycles || world.is_over() {
                let settled = world.settle(&mut tally);
                let after = format!("comparing after cycle {}", next - 1);
                settled.map_err(|error| violation(&error, wish, &after, &world))?;
            }
        }
        drop(world);
        tally.end_world();
        std::fs::remove_dir_all(&place).with_context(|| format!("remove {}", place.display()))?;
    }
    if tally.orders == 0 || tally.fills == 0 {
        bail!("nothing was traded: {} orders, {} executions", tally.orders, tally.fills);
    }
    Ok(tally.lines(begun.elapsed()))
}

/// Says what was violated, where it can be seen and how to go there again.
fn violation(error: &anyhow::Error, wish: Wish, at: &str, world: &World<'_>) -> anyhow::Error {
    let [system, venue] = world.folders();
    let Wish { seed, cycles, profile } = wish;
    let build = if profile == "debug" { " --debug" } else { "" };
    anyhow::anyhow!(
        "{error:#}\n  seed {seed}, {at}\n  as it was left: {} and {}\n  once more: cargo xtask \
         killtest --cycles {cycles} --seed {seed}{build} (the moments of the clock vary a little)",
        system.display(),
        venue.display()
    )
}
