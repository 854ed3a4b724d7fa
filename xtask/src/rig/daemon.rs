//! A program that runs until it is ended; its streams go to a log file.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use super::wait_for;

/// How many of the last lines of its log are shown when something went wrong.
const SHOWN_LINES: usize = 12;

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Arc<Mutex<Child>>,
    pid: u32,
    log: PathBuf,
    since: Instant,
}

/// Ends a program at once; for whoever sees the moment.
#[derive(Clone, Debug)]
pub(crate) struct Killer(Arc<Mutex<Child>>);

impl Killer {
    /// Ends the program by SIGKILL. One that has ended already is left alone.
    pub(crate) fn kill(&self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An error means that it has ended in the meantime.
        let _ = child.kill();
    }
}

impl Daemon {
    /// Starts a program; what it prints is appended to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = file.with_context(|| format!("open log {}", log.display()))?;
        let errors = file.try_clone().with_context(|| format!("open log {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file).stderr(errors);
        let program = command.get_program().to_string_lossy().into_owned();
        let since = Instant::now();
        let child = command.spawn().with_context(|| format!("start {program}"))?;
        let pid = child.id();
        Ok(Self { child: Arc::new(Mutex::new(child)), pid, log: log.to_owned(), since })
    }

    /// Returns what ends it at once.
    pub(crate) fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.child))
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns when it was started.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// Ends it by SIGKILL and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.killer().kill();
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // It was killed or had ended: there is nothing else to learn.
        let _ = child.wait();
    }

    /// Sends it a signal by its name: `TERM`, `INT`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        let pid = self.pid.to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).stderr(Stdio::null()).status();
        ensure!(sent.context("run kill")?.success(), "process {pid} has ended already");
        Ok(())
    }

    /// Returns how it ended, once it has.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.try_wait().context("ask whether a process has ended")
    }

    /// Waits until it ends by itself, at most `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
        wait_for(limit, || self.ended())
    }

    /// Returns the last lines of its log, for a person who wants to know what happened.
    pub(crate) fn last_lines(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join(" | ")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_ended_with_its_value() {
        let log = std::env::temp_dir().join(format!("xtask-daemon-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        let mut daemon =
            Daemon::start(command.args(["-c", "echo up; exec sleep 60"]), &log).unwrap();
        let up = || Ok((daemon.last_lines() == "up").then_some(()));
        assert!(wait_for(Duration::from_secs(20), up).unwrap().is_some());
        assert!(daemon.ended().unwrap().is_none());
        daemon.signal("TERM").unwrap();
        let status = daemon.wait(Duration::from_secs(20)).unwrap().unwrap();
        assert_eq!(status.code(), None, "it ended by a signal");
        std::fs::remove_file(&log).unwrap();
    }
}
