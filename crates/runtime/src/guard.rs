//! The dead-man's guard (C32): a small process beside the system that hears its heartbeat.
//!
//! The system holds a [`Guard`], which beats once a second as long as the core turns. The guard
//! process calls [`watch`]; when nothing is heard for ten seconds it cancels the entry orders by a
//! connection of its own. How it does that is the caller's.
//!
//! Invariant: the beat never waits for the guard, and an orderly end is told, never guessed.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::watchdog::Listener;

/// How long the heart may be silent (C32).
pub const SILENCE: Duration = Duration::from_secs(10);

/// The core turned.
const BEAT: u8 = b'.';
/// The system ends in order.
const GOODBYE: u8 = b'q';

/// The system's side of its guard: beats, and starts another one when the present one is gone.
pub struct Guard {
    command: Box<dyn Fn() -> Command + Send>,
    process: Option<Process>,
}

/// A running guard process.
#[derive(Debug)]
struct Process {
    child: Child,
    line: ChildStdin,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Guard {
    /// Starts the guard process; `command` makes one that calls [`watch`] on its standard input.
    ///
    /// # Errors
    /// The process cannot be started, or its line cannot be opened.
    pub fn start(command: Box<dyn Fn() -> Command + Send>) -> io::Result<Self> {
        let process = Process::spawn(command())?;
        Ok(Self { command, process: Some(process) })
    }

    /// Returns the id of the guard process; `None` while there is none.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.child.id())
    }
}

impl Listener for Guard {
    fn beat(&mut self) {
        let Some(process) = &mut self.process else { return self.replace() };
        // A guard that does not read fills its line after hours; one that is gone breaks it.
        if process.line.write_all(&[BEAT]).is_err() {
            self.replace();
        }
    }

    fn goodbye(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if process.line.write_all(&[GOODBYE]).is_ok() {
            drop(process.line);
            // It ends at once; how is nobody's concern any more.
            let _ = process.child.wait();
        }
    }
}

impl Guard {
    fn replace(&mut self) {
        if let Some(mut gone) = self.process.take() {
            // A process that broke its line is ending; it must not stay as a zombie.
            let _ = gone.child.kill();
            let _ = gone.child.wait();
        }
        match Process::spawn((self.command)()) {
            Ok(process) => {
                tracing::warn!("the guard process was gone: another one was started");
                self.process = Some(process);
            }
            Err(error) => {
                tracing::error!(%error, "the guard process is gone and cannot be started anew");
            }
        }
    }
}

impl Process {
    fn spawn(mut command: Command) -> io::Result<Self> {
        use std::os::unix::process::CommandExt;
        // A group of its own: what a terminal sends to the system does not end its guard.
        let mut child = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        let line = child.stdin.take().ok_or_else(|| io::Error::other("no line to the guard"))?;
        let flags = rustix::fs::fcntl_getfl(&line)?;
        rustix::fs::fcntl_setfl(&line, flags | rustix::fs::OFlags::NONBLOCK)?;
        Ok(Self { child, line })
    }
}

/// How a watch ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    /// The system ended in order.
    Orderly,
    /// Nothing was heard for too long: it hangs, or was stopped.
    Silent,
    /// The line broke without a goodbye: the process is gone.
    Gone,
}

/// Hears a heartbeat until it ends or is silent for longer than `silence`.
pub fn watch(mut line: impl Read + Send + 'static, silence: Duration) -> Watched {
    let (say, heard) = mpsc::channel();
    // Reading cannot be given up after a while; a thread of its own can be left behind.
    std::thread::spawn(move || {
        let mut words = [0; 64];
        loop {
            match line.read(&mut words) {
                Ok(0) => return,
                Ok(count) => {
                    let goodbye = words[..count].contains(&GOODBYE);
                    if say.send(goodbye).is_err() || goodbye {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
    loop {
        match heard.recv_timeout(silence) {
            Ok(true) => return Watched::Orderly,
            Ok(false) => {}
            Err(RecvTimeoutError::Timeout) => return Watched::Silent,
            Err(RecvTimeoutError::Disconnected) => return Watched::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(300);

    fn pipe() -> (io::PipeReader, io::PipeWriter) {
        io::pipe().unwrap()
    }

    /// C32: each end is told from the others.
    #[test]
    fn the_ends_of_a_heart() {
        let (reader, mut writer) = pipe();
        writer.write_all(b"...q").unwrap();
        assert_eq!(watch(reader, SHORT), Watched::Orderly);

        let (reader, mut writer) = pipe();
        writer.write_all(b"..").unwrap();
        drop(writer);
        assert_eq!(watch(reader, SHORT), Watched::Gone);

        let (reader, _writer) = pipe();
        assert_eq!(watch(reader, SHORT), Watched::Silent);
    }

    /// C32: beats closer together than the limit keep it quiet for any length of time.
    #[test]
    fn a_beating_heart_is_not_silent() {
        let (reader, mut writer) = pipe();
        let beating = std::thread::spawn(move || {
            for _ in 0..20 {
                std::thread::sleep(SHORT / 6);
                writer.write_all(&[BEAT]).unwrap();
            }
            writer.write_all(&[GOODBYE]).unwrap();
        });
        assert_eq!(watch(reader, SHORT), Watched::Orderly);
        beating.join().unwrap();
    }

    /// C32: a guard that is gone is replaced; a goodbye is heard and waited for.
    #[test]
    fn a_guard_that_is_gone_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heard");
        let script = format!(
            "echo started >> {0}; [ $(wc -l < {0}) = 1 ] && exit 3; cat >> {0}",
            file.display()
        );
        let command = move || {
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]);
            shell
        };
        let mut guard = Guard::start(Box::new(command)).unwrap();
        let first = guard.process_id();
        let replaced = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            guard.beat();
            guard.process_id() != first
        });
        assert!(replaced, "five seconds of beats to a process that ended at once");
        guard.beat();
        guard.goodbye();
        let heard = std::fs::read_to_string(file).unwrap();
        assert!(heard.starts_with("started\nstarted\n.") && heard.ends_with('q'), "{heard}");
    }
}
