//! The emergency stop through the shipped program, in every state and at any hour (C31, I8,
//! journal.md 13). What counts is what the broker's process was asked, and when.

use std::{fs, thread, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::{Ground, Held, disk, judging::Stop};
use crate::rig::{
    http::Answer,
    stage::{Stage, Storm},
    system::{Site, System},
    wait_for,
};

const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// An entry that met the closing of the line is a refused one, and the next waits 60 s (decision
/// 0063).
const PATIENCE: Duration = Duration::from_secs(100);
/// So many entries must be at work when the stop comes.
const ENTRIES: usize = 4;

/// While running: entries alone are cancelled, in time, and the stop holds over a kill -9 until an
/// admin gives a reason.
pub(super) fn running(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::slow())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let before = wait_for_entries(&stage)?;
    let stop = Stop::begins();
    let answer = command(&system, "emergency-stop", "a test")?;
    ensure!(answer.status == 200, "emergency stop: {}: {}", answer.status, answer.body);
    ensure!(answer.body["durable"] == json!(true), "it is not durable: {}", answer.body);
    let note = stop.judge(&stage, &before)?;
    disk::opens_nothing(&stage)?;
    holds_until_resumed(&stage, &mut system)?;
    Ok(Held::Yes(note))
}

/// While paused: what was at work before is cancelled.
pub(super) fn paused(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::slow())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let before = wait_for_entries(&stage)?;
    // The pause cancels what works itself; the stop finds what is left of that.
    let stop = Stop::begins();
    command(&system, "pause", "a test")?.ok()?;
    // Through the command line, as a person would.
    let listen = format!("http://{}", system.listen()?);
    let arguments = ["emergency-stop", "--url", &listen, "--reason", "a test", "--json"];
    let answer = stage.site.json("hardship-stop", &arguments, 0)?;
    ensure!(answer["done"] != json!(false), "emergency stop: {answer}");
    let note = stop.judge(&stage, &before)?;
    holds_until_resumed(&stage, &mut system)?;
    Ok(Held::Yes(note))
}

/// While stopping: whichever of the two is first, no entry is left.
pub(super) fn stopping(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::slow())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let before = wait_for_entries(&stage)?;
    let stop = Stop::begins();
    system.daemon().signal("TERM")?;
    // It may have ended already: then there is nobody to answer.
    let answer = command(&system, "emergency-stop", "a test").ok();
    let status = system.daemon().wait(STOP_LIMIT)?.context("it does not stop")?;
    ensure!(status.success(), "the run ended with {status}");
    let note = stop.judge(&stage, &before)?;
    let engaged = answer.is_some_and(|answer| matches!(answer.status, 200 | 202));
    let mut system = stage.site.start(&[])?;
    system.ready(READY_LIMIT)?;
    let kill = system.get("/api/v1/status")?["kill"]["engaged"].clone();
    ensure!(kill == json!(engaged), "answered {engaged}, after the restart it is {kill}");
    Ok(Held::Yes(note))
}

/// While starting: entries that an earlier run left behind are cancelled, nothing is opened.
pub(super) fn starting(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::slow())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let before = wait_for_entries(&stage)?;
    system.daemon().kill();
    // What it sent last is no request of the next process.
    thread::sleep(Duration::from_millis(50));
    let stop = Stop::begins();
    let file = stage.site.data_dir().join("KILL");
    let mut system = stage.site.start(&[])?;
    fs::write(&file, "a test").with_context(|| format!("write {}", file.display()))?;
    system.ready(READY_LIMIT)?;
    let note = stop.judge_from_connection(&stage, &before)?;
    disk::opens_nothing(&stage)?;
    holds_until_resumed(&stage, &mut system)?;
    Ok(Held::Yes(note))
}

/// At 03:00 and on Sunday the stop is taken, durable, and holds.
pub(super) fn closed_market(ground: &Ground<'_>) -> anyhow::Result<Held> {
    for (number, begin) in ["2026-11-25T08:00:00Z", "2026-11-29T15:00:00Z"].into_iter().enumerate()
    {
        let place =
            Ground { context: ground.context, folder: ground.folder().join(number.to_string()) };
        let stage = place.stage(&Storm { begin, ..Storm::slow() })?;
        let mut system = stage.site.start(&["--init"])?;
        system.ready(READY_LIMIT)?;
        let session = system.get("/api/v1/status")?["market"]["session"].clone();
        ensure!(session == json!("closed"), "at {begin} the market is {session}");
        let answer = command(&system, "emergency-stop", "a test")?;
        ensure!(answer.status == 200, "at {begin}: {}: {}", answer.status, answer.body);
        system.daemon().kill();
        let mut system = stage.site.start(&[])?;
        system.ready(READY_LIMIT)?;
        let kill = system.get("/api/v1/status")?["kill"]["engaged"].clone();
        ensure!(kill == json!(true), "at {begin} it does not hold over a restart");
    }
    Ok(Held::Yes(String::new()))
}

/// With a dead journal: the cancels leave all the same.
pub(super) fn dead_journal(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let mut stage = ground.stage(&Storm::slow())?;
    let mut system = disk::start_that_can_be_refused(&mut stage)?;
    let before = wait_for_entries(&stage)?;
    let stop = Stop::begins();
    disk::refuse_writes(&system)?;
    // The process may end before it answers: its end is a stop as well.
    let answer = command(&system, "emergency-stop", "a test").ok();
    if let Some(answer) = answer {
        ensure!(answer.body["durable"] != json!(true), "on a dead journal: {}", answer.body);
    }
    let note = stop.judge(&stage, &before)?;
    let ended = system.daemon().wait(PATIENCE)?.context("it does not end")?;
    ensure!(ended.code() == Some(74), "it ended with {ended}, expected 74");
    stage.site.wrap(Vec::new());
    let mut system = stage.site.start(&[])?;
    system.ready(READY_LIMIT)?;
    holds_until_resumed(&stage, &mut system)?;
    Ok(Held::Yes(note))
}

/// Without a process: the command line cancels at the broker itself.
pub(super) fn direct(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::slow())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let before = wait_for_entries(&stage)?;
    system.daemon().kill();
    let stop = Stop::begins();
    let arguments = ["emergency-stop", "--direct", "--reason", "a test"];
    let done = stage.site.call("hardship-direct", &arguments)?;
    ensure!(done.code() == Some(0), "exit {:?}: {}", done.code(), done.lines.join(" | "));
    let note = stop.judge(&stage, &before)?;
    let mut system = stage.site.start(&[])?;
    system.ready(READY_LIMIT)?;
    holds_until_resumed(&stage, &mut system)?;
    Ok(Held::Yes(note))
}

/// Commands the system with the token of its command line.
pub(super) fn command(system: &System, name: &str, reason: &str) -> anyhow::Result<Answer> {
    system.post(&format!("/api/v1/control/{name}"), &json!({ "reason": reason }))
}

/// Resumes as an admin with a reason.
pub(super) fn resume(site: &Site<'_>, system: &System) -> anyhow::Result<()> {
    let create = ["tokens", "create", "judge", "--role", "admin", "--json"];
    let created = site.json("hardship-token", &create, 0)?;
    let token = created["token"].as_str().context("no token was shown")?.to_owned();
    let path = "/api/v1/control/resume";
    let without = system.post_as(&token, path, &json!({}))?;
    ensure!(without.status >= 400, "resume without a reason: {}", without.status);
    system.post_as(&token, path, &json!({"reason": "a test"}))?.ok()?;
    Ok(())
}

/// The stop holds over a kill -9; an operator cannot resume, an admin can with a reason (S5, I8).
pub(super) fn holds_until_resumed(stage: &Stage<'_>, system: &mut System) -> anyhow::Result<()> {
    system.daemon().kill();
    let mut system = stage.site.start(&[])?;
    system.ready(READY_LIMIT)?;
    let status = system.get("/api/v1/status")?;
    ensure!(status["kill"]["engaged"] == json!(true), "it does not hold: {}", status["kill"]);
    disk::opens_nothing(stage)?;
    let operator = command(&system, "resume", "a test")?;
    ensure!(operator.status == 403, "an operator resumed: {}", operator.status);
    resume(&stage.site, &system)?;
    let lifted = wait_for(PATIENCE, || {
        let status = system.get("/api/v1/status")?;
        Ok((status["kill"]["engaged"] == json!(false)).then_some(()))
    })?;
    lifted.context("an admin's resume lifts nothing")
}

/// Waits until enough entries are at work, and returns all of them.
pub(super) fn wait_for_entries(stage: &Stage<'_>) -> anyhow::Result<Vec<String>> {
    let found = wait_for(PATIENCE, || {
        let entries = working_entries(stage)?;
        Ok((entries.len() >= ENTRIES).then_some(entries))
    })?;
    found.with_context(|| format!("there are never {ENTRIES} entries at work"))
}

/// Returns the entry orders that work at the broker.
pub(super) fn working_entries(stage: &Stage<'_>) -> anyhow::Result<Vec<String>> {
    let orders = stage.truth()?.into_working();
    Ok(orders.into_iter().filter(|id| id.ends_with('E')).collect())
}
