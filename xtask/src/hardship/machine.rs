//! The machine around the process: zone, locale, working directory, file descriptors.

use std::{
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::{Ground, Held};
use crate::{
    process,
    rig::{stage::Storm, wait_for},
};

const READY_LIMIT: Duration = Duration::from_secs(60);
const CALL_LIMIT: Duration = Duration::from_secs(120);

/// I7: a journal replays to the same state in other surroundings, and a day is decided alike.
pub(super) fn surroundings(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::default())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    thread::sleep(Duration::from_secs(2));
    system.daemon().kill();
    let journal = stage.site.journal();
    let journal = journal.to_str().context("the folder's name is not UTF-8")?;
    let elsewhere = ground.folder().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).context("make another folder")?;
    let mut states = Vec::new();
    let places = [
        ("UTC", "C", stage.site.folder()),
        ("Asia/Tokyo", "de_DE.UTF-8", elsewhere.as_path()),
        ("America/New_York", "tr_TR.UTF-8", ground.folder()),
    ];
    for (zone, locale, folder) in places {
        let mut command = stage.site.command(["replay", journal, "--json"]);
        command.env("TZ", zone).env("LC_ALL", locale).env("LANG", locale).current_dir(folder);
        let replayed = process::run(ground.context, "hardship-replay", &mut command, CALL_LIMIT)?;
        let replayed = replayed.expect_success("replay")?;
        states.push(replayed.stdout);
    }
    ensure!(states.iter().all(|state| *state == states[0]), "replay differs: {states:?}");
    let mut hashes = Vec::new();
    for (zone, locale, folder) in places {
        let seconds = ["demo", "--seconds", "1", "--seed", "5", "--json"];
        let mut command = stage.site.command(seconds);
        command.env("TZ", zone).env("LC_ALL", locale).current_dir(folder);
        let demo = process::run(ground.context, "hardship-demo", &mut command, CALL_LIMIT)?;
        let demo = demo.expect_success("demo")?;
        let answer: serde_json::Value = serde_json::from_str(&demo.stdout).context("read demo")?;
        let report = answer["report"]["json"].as_str().context("demo names no report")?;
        let report = std::fs::read(folder.join(report)).context("read the demo's report")?;
        let report: serde_json::Value =
            serde_json::from_slice(&report).context("read the report")?;
        hashes.push(report["decision_hash"].to_string());
    }
    ensure!(hashes.iter().all(|hash| *hash == hashes[0]), "decisions differ: {hashes:?}");
    Ok(Held::Yes(String::new()))
}

/// 64 file descriptors: it starts and trades, and a flood of connections costs it nothing that it
/// needs.
pub(super) fn few_descriptors(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let mut stage = ground.stage(&Storm::default())?;
    let few = ["sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\""];
    stage.site.wrap(few.map(str::to_owned).to_vec());
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    let traded = |more: usize| {
        wait_for(Duration::from_secs(30), || {
            Ok((stage.truth()?.executions.len() >= more).then_some(()))
        })
    };
    traded(10)?.context("it does not trade with 64 file descriptors")?;
    let listen = system.listen()?;
    let flood: Vec<_> = (0..100).filter_map(|_| TcpStream::connect(listen).ok()).collect();
    let during = stage.truth()?.executions.len();
    traded(during + 10)?.context("it does not trade while connections are held open")?;
    let held = flood.len();
    drop(flood);
    let since = Instant::now();
    let back = wait_for(Duration::from_secs(30), || Ok(system.get("/api/v1/status").ok()))?;
    let status = back.context("its server does not come back after the flood")?;
    ensure!(status["state"] == json!("running"), "its state is {}", status["state"]);
    let stopped = system.stop(Duration::from_secs(30))?;
    ensure!(stopped.success(), "it ended with {stopped}");
    let back = since.elapsed().as_millis();
    Ok(Held::Yes(format!("{held} connections held; the server answered {back} ms later")))
}
