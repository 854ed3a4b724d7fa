//! The emergency stop while something else is broken: the feed, the core, the way to the API (C31,
//! F23, F44, S7).
//!
//! A thread of the shipped program is held by a tracer: from outside, without a line in the program
//! for it.

use std::{
    fs,
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;

use super::{
    Ground, Held,
    judging::Stop,
    stops::{command, holds_until_resumed, wait_for_entries},
};
use crate::{
    rig::{http, stage::Storm, system::System, wait_for},
    steps::debian,
};

const READY_LIMIT: Duration = Duration::from_secs(60);
/// The watchdog ends a process whose core is silent for ten seconds (journal.md 13).
const GONE_LIMIT: Duration = Duration::from_secs(30);
/// How long it takes until a tracer holds a thread.
const HOLD_LIMIT: Duration = Duration::from_secs(10);
const NO_TRACER: &str = "strace is not installed";
/// Each call that the held thread waits with takes ten minutes from now on.
const HOLD: &str = "inject=futex:delay_enter=600000000";
/// Connections that say nothing: more than the server keeps for ordinary requests (S7).
const IDLE: usize = 300;

/// A thread of the system that does not go on until this value is dropped.
struct HeldThread {
    tracer: Child,
    status: String,
}

impl HeldThread {
    /// Holds the thread of that name where it waits next; it holds no lock there.
    fn hold(system: &System, name: &str) -> anyhow::Result<Self> {
        let tasks = format!("/proc/{}/task", system.daemon_pid());
        let mut found = None;
        for task in fs::read_dir(&tasks).with_context(|| format!("list {tasks}"))? {
            let task = task.with_context(|| format!("list {tasks}"))?.path();
            // A thread may have ended since.
            let comm = fs::read_to_string(task.join("comm")).unwrap_or_default();
            if comm.trim() == name {
                found = Some(task);
            }
        }
        let task = found.with_context(|| format!("the system has no thread {name}"))?;
        let id = task.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let tracer = Command::new("strace")
            .args(["-qq", "-o", "/dev/null", "-e", "trace=futex", "-e", HOLD, "-p", &id])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start strace")?;
        let mut held = Self { tracer, status: format!("{tasks}/{id}/status") };
        let stands = wait_for(HOLD_LIMIT, || {
            if let Some(status) = held.tracer.try_wait().context("ask for strace")? {
                bail!("strace ended with {status}: it may not hold a thread here");
            }
            // It must stand for a while: a stop on the way in is over at once.
            let stands = held.stands() && {
                thread::sleep(Duration::from_millis(20));
                held.stands()
            };
            Ok(stands.then_some(()))
        })?;
        stands.with_context(|| format!("the thread {name} goes on"))?;
        Ok(held)
    }

    /// Returns true while the thread is stopped by its tracer.
    fn stands(&self) -> bool {
        let status = fs::read_to_string(&self.status).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:\tt"))
    }
}

impl Drop for HeldThread {
    fn drop(&mut self) {
        // It may have ended with the system.
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}

/// With a feed that is dead: its thread stands still, no market data and no heartbeat come.
pub(super) fn feed_dead(ground: &Ground<'_>) -> anyhow::Result<Held> {
    if !debian::make_available(ground.context, "strace")? {
        return Ok(Held::Skipped(NO_TRACER));
    }
    let stage = ground.stage(&Storm::slow())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let before = wait_for_entries(&stage)?;
    let feed = HeldThread::hold(&system, "playback")?;
    let stop = Stop::begins();
    let answer = command(&system, "emergency-stop", "a test")?;
    ensure!(answer.status == 200, "emergency stop: {}: {}", answer.status, answer.body);
    let note = stop.judge(&stage, &before)?;
    ensure!(feed.stands(), "the feed went on meanwhile");
    drop(feed);
    holds_until_resumed(&stage, &mut system)?;
    Ok(Held::Yes(note))
}

/// In an error: the core hangs, nothing can be made durable; the watchdog ends the process, and the
/// next one keeps entries blocked.
pub(super) fn error(ground: &Ground<'_>) -> anyhow::Result<Held> {
    if !debian::make_available(ground.context, "strace")? {
        return Ok(Held::Skipped(NO_TRACER));
    }
    let stage = ground.stage(&Storm::slow())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let before = wait_for_entries(&stage)?;
    let core = HeldThread::hold(&system, "core")?;
    let stop = Stop::begins();
    let answer = command(&system, "emergency-stop", "a test")?;
    ensure!(answer.status == 202, "emergency stop: {}: {}", answer.status, answer.body);
    ensure!(answer.body["durable"] == json!(false), "without a core: {}", answer.body);
    let note = stop.judge(&stage, &before)?;
    ensure!(core.stands(), "the core went on meanwhile");
    let gone = wait_for(GONE_LIMIT, || Ok(is_gone(&system).then_some(())))?;
    gone.context("the watchdog does not end it")?;
    // The last thread goes when its tracer lets it.
    drop(core);
    let ended = system.daemon().wait(GONE_LIMIT)?.context("it does not end")?;
    ensure!(!ended.success(), "it ended in order: {ended}");
    let mut system = stage.site.start(&[])?;
    system.ready(READY_LIMIT)?;
    holds_until_resumed(&stage, &mut system)?;
    Ok(Held::Yes(note))
}

/// Returns true when the process has ended but for threads that somebody holds.
fn is_gone(system: &System) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", system.daemon_pid()));
    status.unwrap_or_default().lines().any(|line| line.starts_with("State:\tZ"))
}

/// With an API that is flooded: all connections are taken, and whoever has a token asks all the
/// time.
pub(super) fn flooded(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::slow())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let before = wait_for_entries(&stage)?;
    let (listen, token) = (system.listen()?, system.token()?);
    let over = AtomicBool::new(false);
    let note = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // Refused, cut off or answered: the flood goes on.
                    let _ = http::get(listen, "/api/v1/status", Some(&token));
                }
            });
        }
        let idle: Vec<_> = (0..IDLE).filter_map(|_| TcpStream::connect(listen).ok()).collect();
        let judged = judge_flooded(&stage, &system, &before);
        over.store(true, Ordering::Relaxed);
        judged.map(|note| format!("{} idle connections; {note}", idle.len()))
    })?;
    holds_until_resumed(&stage, &mut system)?;
    Ok(Held::Yes(note))
}

fn judge_flooded(
    stage: &crate::rig::stage::Stage<'_>,
    system: &System,
    before: &[String],
) -> anyhow::Result<String> {
    let stop = Stop::begins();
    let answer = command(system, "emergency-stop", "a test")?;
    ensure!(answer.status == 200, "emergency stop: {}: {}", answer.status, answer.body);
    stop.judge(stage, before)
}
