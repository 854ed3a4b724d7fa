//! Runs other programs: their output goes to a log file, and to the screen only when it matters.
//!
//! Invariant: a program that outlives its time limit is ended, and its lines so far are kept.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::context::Context;

/// How many of a failed program's last lines are shown; the log file has all of them.
const SHOWN_LINES: usize = 200;

/// What a program did.
pub(crate) struct Finished {
    /// How it ended; `None` when it was ended for being too slow.
    pub(crate) status: Option<ExitStatus>,
    /// Both of its streams in the order of arrival.
    pub(crate) lines: Vec<String>,
    /// Its stdout alone.
    pub(crate) stdout: String,
    /// Where the lines were written.
    pub(crate) log: PathBuf,
}

impl Finished {
    /// Returns whether it ended by itself with exit code 0.
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Returns its exit code, if it ended by itself and not by a signal.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// Prints its last lines, for a person who wants to know why it failed.
    pub(crate) fn print_tail(&self) {
        let skipped = self.lines.len().saturating_sub(SHOWN_LINES);
        if skipped > 0 {
            println!("    ... {skipped} earlier lines in {}", self.log.display());
        }
        for line in &self.lines[skipped..] {
            println!("    {line}");
        }
    }

    /// Returns this run if it succeeded, otherwise prints its last lines and says what failed.
    pub(crate) fn expect_success(self, what: &str) -> anyhow::Result<Self> {
        if self.success() {
            return Ok(self);
        }
        self.print_tail();
        match self.status {
            None => bail!("{what}: took too long and was ended (log: {})", self.log.display()),
            Some(status) => bail!("{what}: {status} (log: {})", self.log.display()),
        }
    }
}

enum Chunk {
    Stdout(String),
    Stderr(String),
}

/// Runs `command` and waits for it at most `limit`; `name` names the log file.
pub(crate) fn run(
    context: &Context,
    name: &str,
    command: &mut Command,
    limit: Duration,
) -> anyhow::Result<Finished> {
    let log = context.scratch("logs")?.join(format!("{name}.log"));
    run_logged(&log, command, limit)
}

fn run_logged(log: &Path, command: &mut Command, limit: Duration) -> anyhow::Result<Finished> {
    let mut file = File::create(log).with_context(|| format!("create log {}", log.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("start {program}"))?;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, sender.clone(), Chunk::Stdout);
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, sender, Chunk::Stderr);
    }
    let deadline = Instant::now() + limit;
    let mut finished =
        Finished { status: None, lines: Vec::new(), stdout: String::new(), log: log.into() };
    loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(chunk) => {
                let line = match chunk {
                    Chunk::Stdout(line) => {
                        finished.stdout.push_str(&line);
                        finished.stdout.push('\n');
                        line
                    }
                    Chunk::Stderr(line) => line,
                };
                writeln!(file, "{line}").with_context(|| format!("write {}", log.display()))?;
                finished.lines.push(line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                end(&mut child);
                return Ok(finished);
            }
        }
    }
    finished.status = Some(child.wait().with_context(|| format!("wait for {program}"))?);
    Ok(finished)
}

/// Sends each line of `stream`; bytes that are no UTF-8 are shown as replacement characters.
fn forward<R: Read + Send + 'static>(
    stream: R,
    sender: mpsc::Sender<Chunk>,
    wrap: fn(String) -> Chunk,
) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            let line = String::from_utf8_lossy(&bytes);
            if sender.send(wrap(line.trim_end_matches(['\n', '\r']).to_owned())).is_err() {
                return;
            }
            bytes.clear();
        }
    });
}

fn end(child: &mut Child) {
    // An error here means that it has ended in the meantime: nothing is left to do.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Finished {
        let name = script.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let log = std::env::temp_dir().join(format!("xtask-{}-{name}.log", std::process::id()));
        let finished = run_logged(&log, Command::new("sh").args(["-c", script]), limit).unwrap();
        std::fs::remove_file(&log).unwrap();
        finished
    }

    #[test]
    fn both_streams_are_kept_and_stdout_apart() {
        let finished = shell("echo out; echo err >&2; exit 3", Duration::from_secs(20));
        let mut lines = finished.lines.clone();
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        assert_eq!(finished.stdout, "out\n");
        assert_eq!(finished.code(), Some(3));
        assert!(!finished.success());
    }

    #[test]
    fn a_slow_program_is_ended() {
        let started = Instant::now();
        let finished = shell("echo first; exec sleep 30", Duration::from_millis(500));
        assert!(started.elapsed() < Duration::from_secs(20));
        assert_eq!(finished.status, None);
        assert_eq!(finished.lines, ["first"]);
    }
}
