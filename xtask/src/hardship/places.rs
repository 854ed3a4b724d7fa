//! The data directory: one instance, one account, made once (F37, C33, I16).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};

use super::{Ground, Held};
use crate::rig::stage::Storm;

const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// F37, I16: the second instance ends with 73, and no byte of the folder is another one.
pub(super) fn second_instance(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::default())?;
    let mut system = stage.site.start(&["--init"])?;
    system.ready(READY_LIMIT)?;
    // Stopped, the first one changes nothing itself.
    system.daemon().signal("STOP")?;
    let before = contents(&stage.site.data_dir())?;
    let second = stage.site.call("hardship-second", &["run"]);
    let with_init = stage.site.call("hardship-second-init", &["run", "--init"]);
    let after = contents(&stage.site.data_dir());
    system.daemon().signal("CONT")?;
    for second in [second?, with_init?] {
        let said = second.lines.join(" | ");
        ensure!(second.code() == Some(73), "exit {:?}, expected 73: {said}", second.code());
        let pid = system.daemon().pid().to_string();
        ensure!(said.contains(&pid), "it does not name the process {pid} that runs: {said}");
    }
    ensure!(before == after?, "the second instance has changed the data directory");
    let status = system.stop(STOP_LIMIT)?;
    ensure!(status.success(), "the first instance ended with {status}");
    Ok(Held::Yes(format!("{} files compared", before.len())))
}

/// C33: no journal, no run; `--init` makes it once and is harmless afterwards; a folder that is
/// bound to another account is refused.
pub(super) fn init(ground: &Ground<'_>) -> anyhow::Result<Held> {
    let stage = ground.stage(&Storm::default())?;
    let refused = stage.site.call("hardship-no-init", &["run"])?;
    let said = refused.lines.join(" | ");
    ensure!(refused.code() == Some(66), "exit {:?}, expected 66: {said}", refused.code());
    ensure!(said.contains("--init"), "it does not say what to do: {said}");
    ensure!(!stage.site.journal().exists(), "it made a journal all the same");
    for _ in 0..2 {
        let mut system = stage.site.start(&["--init"])?;
        system.ready(READY_LIMIT)?;
        let status = system.stop(STOP_LIMIT)?;
        ensure!(status.success(), "the run ended with {status}");
    }
    other_account(ground, &stage.site)?;
    Ok(Held::Yes(String::new()))
}

fn other_account(_: &Ground<'_>, site: &crate::rig::system::Site<'_>) -> anyhow::Result<()> {
    let before = contents(&site.data_dir())?;
    let mode = site.call("hardship-other-mode", &["run", "--mode", "rehearsal"])?;
    let said = mode.lines.join(" | ");
    ensure!(mode.code() == Some(78), "exit {:?}, expected 78: {said}", mode.code());
    let after = contents(&site.data_dir())?;
    ensure!(before == after, "a run of another account has changed the data directory");
    Ok(())
}

/// Returns every file under a folder with its bytes. Logs are left out: whoever is refused may say
/// so there.
fn contents(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("list {}", folder.display()))?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                found.insert(path, bytes);
            }
        }
    }
    Ok(found)
}
