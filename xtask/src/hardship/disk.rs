//! Disks that are full, refuse every write or are read-only (J6, J16, F38, F39).

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;

use super::{Ground, Held, stops};
use crate::rig::{
    stage::{Stage, Storm},
    system::{Site, System},
    wait_for,
};

const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long a consequence may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);
const NO_MOUNT: &str = "this machine does not permit mount";
/// Room of the small disk: a journal of segments of 1 MiB keeps some of it in reserve.
const SMALL_DISK: &str = "size=24m";

/// A file system in memory; it ends with its value.
struct Mounted(PathBuf);

impl Mounted {
    /// Mounts one; `None` where that is not permitted.
    fn new(folder: &Path) -> anyhow::Result<Option<Self>> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let done = mount(&["-t", "tmpfs", "-o", SMALL_DISK, "tmpfs"], folder)?;
        Ok(done.then(|| Self(folder.to_owned())))
    }

    fn remount(&self, how: &str) -> anyhow::Result<bool> {
        mount(&["-o", &format!("remount,{how}")], &self.0)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let mut command = Command::new("umount");
        // It may be in use by a process that is about to end.
        let _ = command.arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

fn mount(arguments: &[&str], folder: &Path) -> anyhow::Result<bool> {
    let mut command = Command::new("mount");
    command.args(arguments).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) => Ok(status.success()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).context("run mount"),
    }
}

/// J16, F38: on a full disk nothing is opened, positions are closed and stops get through; the
/// journal is whole, and with room the run goes on.
pub(super) fn full(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm { segment_mib: 1, ..Storm::default() })?;
    let Some(disk) = Mounted::new(&stage.site.data_dir())? else {
        return Ok(Held::Skipped(NO_MOUNT));
    };
    stage.write_clock()?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    trades(&stage, &system, 10)?;
    let filler = disk.0.join("filler");
    let filled = fill(&filler)?;
    let closed = wait_for(PATIENCE, || {
        let status = system.get("/api/v1/status")?;
        Ok((status["gate"]["open"] == json!(false)).then_some(status["gate"]["reasons"].clone()))
    })?;
    let reasons = closed.context("the gate stays open on a full disk")?;
    let flat = wait_for(PATIENCE, || {
        let truth = stage.truth()?;
        Ok((truth.working() == 0 && truth.positions.is_empty()).then_some(()))
    })?;
    flat.context("positions are not closed on a full disk")?;
    opens_nothing(&stage)?;
    let answer = stops::command(&system, "emergency-stop", "the disk is full")?;
    ensure!(
        matches!(answer.status, 200 | 202),
        "emergency stop: {}: {}",
        answer.status,
        answer.body
    );
    system.daemon().kill();
    whole(&stage.site)?;
    fs::remove_file(&filler).context("remove the filler")?;
    let mut system = stage.site.start(&[])?;
    system.ready(READY_LIMIT)?;
    stops::resume(&stage.site, &system)?;
    let before = stage.truth()?.executions.len();
    trades(&stage, &system, before + 10)?;
    let status = system.stop(STOP_LIMIT)?;
    ensure!(status.success(), "the run ended with {status}");
    Ok(Held::Yes(format!("{} KiB filled; the gate: {reasons}", filled >> 10)))
}

/// J6, F39: where the disk refuses, entries are cancelled, the process ends with 74, and the next
/// one opens nothing until a person resumes.
pub(super) fn refuses(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let mut stage = ground.stage(&Storm::slow())?;
    let mut system = start_that_can_be_refused(&mut stage)?;
    stops::wait_for_entries(&stage)?;
    refuse_writes(&system)?;
    let ended = system.daemon().wait(PATIENCE)?;
    let ended = ended.context("the process does not end when its journal is dead")?;
    let said = system.daemon().last_lines();
    ensure!(ended.code() == Some(74), "it ended with {ended}, expected 74: {said}");
    let entries = stops::working_entries(&stage)?;
    ensure!(entries.is_empty(), "entries still work at the broker: {entries:?}");
    whole(&stage.site)?;
    stage.site.wrap(Vec::new());
    let mut system = stage.site.start(&[])?;
    system.ready(READY_LIMIT)?;
    opens_nothing(&stage)?;
    stops::resume(&stage.site, &system)?;
    stops::wait_for_entries(&stage)?;
    let status = system.stop(STOP_LIMIT)?;
    ensure!(status.success(), "the run ended with {status}");
    Ok(Held::Yes(String::new()))
}

/// F38: a disk that is read-only is refused at the start, with the file that cannot be written.
pub(super) fn read_only(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm { segment_mib: 1, ..Storm::default() })?;
    let Some(disk) = Mounted::new(&stage.site.data_dir())? else {
        return Ok(Held::Skipped(NO_MOUNT));
    };
    let run = |arguments: &[&str]| -> anyhow::Result<()> {
        let mut system = stage.site.start(arguments)?;
        system.ready(READY_LIMIT)?;
        let status = system.stop(STOP_LIMIT)?;
        ensure!(status.success(), "the run ended with {status}");
        Ok(())
    };
    run(&["--init"])?;
    if !disk.remount("ro")? {
        bail!("the disk could not be made read-only");
    }
    let refused = stage.site.call("hardship-read-only", &["run"])?;
    let said = refused.lines.join(" | ");
    ensure!(refused.code() == Some(74), "exit {:?}, expected 74: {said}", refused.code());
    let folder = disk.0.display().to_string();
    ensure!(said.contains(&folder), "it does not name a file of {folder}: {said}");
    ensure!(disk.remount("rw")?, "the disk could not be made writable again");
    run(&[])?;
    Ok(Held::Yes(String::new()))
}

/// Starts a system whose writes can be refused from outside: the signal that comes with a refusal
/// is ignored, so that it sees an error of its disk.
pub(super) fn start_that_can_be_refused(stage: &mut Stage<'_>) -> anyhow::Result<System> {
    let wrapper = ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];
    stage.site.wrap(wrapper.map(str::to_owned).to_vec());
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    Ok(system)
}

/// From now on every write of the process to a file fails.
pub(super) fn refuse_writes(system: &System) -> anyhow::Result<()> {
    let pid = system.daemon_pid().to_string();
    let mut command = Command::new("prlimit");
    command.args(["--pid", &pid, "--fsize=0"]).stdout(Stdio::null());
    ensure!(command.status().context("run prlimit")?.success(), "prlimit was refused");
    Ok(())
}

/// The journal is whole and replays without a difference.
pub(super) fn whole(site: &Site<'_>) -> anyhow::Result<()> {
    let journal = site.journal();
    let journal = journal.to_str().context("the folder's name is not UTF-8")?;
    let verified = site.json("hardship-verify", &["journal", "verify", journal, "--json"], 0)?;
    ensure!(verified["errors"] == json!([]), "journal verify: {}", verified["errors"]);
    let replayed = site.json("hardship-replay", &["replay", journal, "--json"], 0)?;
    ensure!(replayed["differences"] == json!([]), "replay: {}", replayed["differences"]);
    Ok(())
}

/// Waits until so many executions have happened.
fn trades(stage: &Stage<'_>, system: &System, executions: usize) -> anyhow::Result<()> {
    let traded =
        wait_for(PATIENCE, || Ok((stage.truth()?.executions.len() >= executions).then_some(())))?;
    if traded.is_none() {
        let gate = system.get("/api/v1/status")?["gate"].clone();
        bail!("it does not come to {executions} executions; the gate: {gate}");
    }
    Ok(())
}

/// For two seconds no entry reaches the broker.
pub(super) fn opens_nothing(stage: &Stage<'_>) -> anyhow::Result<()> {
    let count = || -> anyhow::Result<usize> {
        let orders = stage.truth()?.orders;
        Ok(orders.iter().filter(|order| order.client_id.ends_with('E')).count())
    };
    let before = count()?;
    thread::sleep(Duration::from_secs(2));
    let more = count()? - before;
    ensure!(more == 0, "{more} entries reached the broker");
    Ok(())
}

/// Fills the disk to its last byte.
fn fill(path: &Path) -> anyhow::Result<u64> {
    let mut file = File::create(path).context("make the filler")?;
    let mut filled = 0;
    for size in [64 << 10, 4 << 10, 1] {
        let piece = vec![0xa5; size];
        while let Ok(written @ 1..) = file.write(&piece) {
            filled += written as u64;
        }
    }
    Ok(filled)
}
