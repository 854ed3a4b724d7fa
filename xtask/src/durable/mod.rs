//! Durable before wire, shown from outside (I2, J2): a tracer watches the shipped program trade
//! against the paper broker, and no order is sent before a sync of the journal that holds it.
//!
//! The cancel of an entry order may go ahead of the disk (journal.md 6); the first thing that is
//! sent of an id is never a cancel, so that the exception needs no rule here.

mod trace;

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    context::Context,
    outcome::Outcome,
    process,
    rig::{
        stage::{Stage, Storm},
        wait_for,
    },
    steps::debian,
};
use trace::{Trace, Verdict};

/// Orders that must have been seen.
const ORDERS: usize = 1_000;
/// How long they may take under a tracer.
const LIMIT: Duration = Duration::from_secs(240);
/// The calls that matter: what writes to a file or a socket, and what makes it durable.
const CALLS: &str = "trace=write,writev,sendto,sendmsg,pwrite64,fdatasync";

/// The step of `cargo xtask test`.
pub(crate) fn step(context: &Context) -> anyhow::Result<Outcome> {
    if !debian::make_available(context, "strace")? {
        return Ok(Outcome::skipped("durable", "strace is not installed"));
    }
    let folder = context.empty_scratch("durable")?;
    if !may_trace(context)? {
        return Ok(Outcome::skipped("durable", "this machine does not permit ptrace"));
    }
    let verdict = watch(context, &folder)?;
    let mut outcome = Outcome::ok();
    outcome.notes.push(format!(
        "{} orders sent, {} syncs of the journal, {} sent before they were durable",
        verdict.sent,
        verdict.syncs,
        verdict.violations.len()
    ));
    if let Some(first) = verdict.violations.first() {
        outcome.failure = Some(format!("{first} ({})", folder.display()));
        return Ok(outcome);
    }
    ensure!(verdict.sent >= ORDERS, "only {} orders in {LIMIT:?}", verdict.sent);
    outcome.passed = 1;
    std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    Ok(outcome)
}

fn may_trace(context: &Context) -> anyhow::Result<bool> {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "true"]);
    Ok(process::run(context, "strace", &mut command, Duration::from_secs(20))?.success())
}

/// Lets the storm trade under the tracer until enough orders are at the broker.
fn watch(context: &Context, folder: &Path) -> anyhow::Result<Verdict> {
    let storm = Storm { seed: 11, speed: 300, ..Storm::default() };
    let mut stage = Stage::new(context, "release", folder, &storm)?;
    let traced = folder.join("trace");
    let traced_name = traced.to_str().context("the folder's name is not UTF-8")?;
    // Detached: the system is our child, and not the tracer's.
    let tracer = ["strace", "-D", "-f", "-y", "-s", "1000000", "-e", CALLS, "-o", traced_name];
    stage.site.wrap(tracer.map(str::to_owned).to_vec());
    let mut system = stage.site.start(&["--init"])?;
    system.ready(LIMIT)?;
    let begun = Instant::now();
    while stage.truth()?.orders.len() < ORDERS {
        if begun.elapsed() > LIMIT {
            bail!("{} orders after {LIMIT:?}", stage.truth()?.orders.len());
        }
        if let Some(status) = system.daemon().ended()? {
            bail!("`run` ended by itself: {status}: {}", system.daemon().last_lines());
        }
        thread::sleep(Duration::from_millis(200));
    }
    system.daemon().kill();
    let ended = || Ok(ends_with_an_end(&traced).then_some(()));
    wait_for(Duration::from_secs(30), ended)?.context("the tracer does not end")?;
    let file = File::open(&traced).with_context(|| format!("open {}", traced.display()))?;
    let mut trace = Trace::default();
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    while reader.read_until(b'\n', &mut line).context("read the trace")? > 0 {
        trace.read(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(trace.verdict())
}

/// The last line of a whole trace says how the program ended.
fn ends_with_an_end(trace: &Path) -> bool {
    let Ok(mut file) = File::open(trace) else { return false };
    let length = file.metadata().map_or(0, |about| about.len());
    let mut tail = Vec::new();
    let read = file
        .seek(SeekFrom::Start(length.saturating_sub(200)))
        .and_then(|_| file.read_to_end(&mut tail));
    read.is_ok() && String::from_utf8_lossy(&tail).trim_end().ends_with("+++")
}
