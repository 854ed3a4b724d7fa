//! `bellwether run` as a process, in a place of its own: configuration, data directory, logs.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::{
    daemon::Daemon,
    http::{self, Answer},
    wait_for,
};
use crate::{context::Context, process, release};

/// Longest time one call of the program may take; a hang is a failure, never a wait.
const CALL_LIMIT: Duration = Duration::from_secs(120);

/// How long it may say that it was asked too often.
const RATE_LIMIT: Duration = Duration::from_secs(10);
/// How long a new token may be unknown to a running system.
const TOKENS_LIMIT: Duration = Duration::from_secs(15);

/// Where a system lives: everything it writes lies in one folder.
pub(crate) struct Site<'a> {
    context: &'a Context,
    binary: PathBuf,
    folder: PathBuf,
    /// What the program runs under, such as a tracer; empty: nothing.
    wrapper: Vec<String>,
}

impl<'a> Site<'a> {
    /// Makes the folder and writes the configuration into it. `profile` is `release` or `debug`.
    pub(crate) fn new(
        context: &'a Context,
        profile: &str,
        folder: PathBuf,
        config: &str,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let site = Self {
            context,
            binary: release::binary(context, profile),
            folder,
            wrapper: Vec::new(),
        };
        site.configure(config)?;
        Ok(site)
    }

    /// Lets the system run under another program from now on.
    pub(crate) fn wrap(&mut self, wrapper: Vec<String>) {
        self.wrapper = wrapper;
    }

    /// Writes another configuration.
    pub(crate) fn configure(&self, config: &str) -> anyhow::Result<()> {
        let path = self.folder.join("bellwether.toml");
        fs::write(&path, config).with_context(|| format!("write {}", path.display()))
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Returns the folder of the journal.
    pub(crate) fn journal(&self) -> PathBuf {
        self.data_dir().join("journal")
    }

    /// Returns a command of the program that finds configuration and data directory here.
    pub(crate) fn command<'b>(&self, arguments: impl IntoIterator<Item = &'b str>) -> Command {
        let mut command = match self.wrapper.split_first() {
            None => Command::new(&self.binary),
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(&self.binary);
                command
            }
        };
        command.arg("--config").arg(self.folder.join("bellwether.toml"));
        command.arg("--data-dir").arg(self.data_dir());
        command.args(arguments).current_dir(&self.folder);
        release::without_our_variables(&mut command);
        command
    }

    /// Calls the program and waits for its end; `name` names the log file.
    pub(crate) fn call(&self, name: &str, arguments: &[&str]) -> anyhow::Result<process::Finished> {
        let mut command = self.command(arguments.iter().copied());
        process::run(self.context, name, &mut command, CALL_LIMIT)
    }

    /// Calls the program, which must end with exit code `exit` and print one JSON document.
    pub(crate) fn json(&self, name: &str, arguments: &[&str], exit: i32) -> anyhow::Result<Value> {
        let finished = self.call(name, arguments)?;
        let said = || finished.lines.join(" | ").chars().take(2_000).collect::<String>();
        let doing = format!("bellwether {}", arguments.join(" "));
        ensure!(
            finished.code() == Some(exit),
            "{doing}: exit {:?}, expected {exit}: {}",
            finished.code(),
            said()
        );
        serde_json::from_str(&finished.stdout)
            .with_context(|| format!("{doing}: no JSON document on stdout: {}", said()))
    }

    /// Starts `run` with more arguments.
    pub(crate) fn start(&self, arguments: &[&str]) -> anyhow::Result<System> {
        let ready_file = self.folder.join("ready.json");
        if ready_file.exists() {
            fs::remove_file(&ready_file)
                .with_context(|| format!("remove {}", ready_file.display()))?;
        }
        let mut command = self.command(["run", "--ready-file"]);
        command.arg(&ready_file).args(arguments);
        let daemon = Daemon::start(&mut command, &self.folder.join("run.log"))?;
        Ok(System { daemon, ready_file, data_dir: self.data_dir(), listen: None })
    }
}

/// A system that runs.
#[derive(Debug)]
pub(crate) struct System {
    daemon: Daemon,
    ready_file: PathBuf,
    data_dir: PathBuf,
    listen: Option<SocketAddr>,
}

impl System {
    /// Returns the process.
    pub(crate) fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// Returns the id of the process.
    pub(crate) fn daemon_pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Waits until the start-up has ended, which must find nothing wrong (C33), and returns how long
    /// it took since the process was started.
    pub(crate) fn ready(&mut self, limit: Duration) -> anyhow::Result<Duration> {
        let found = wait_for(limit, || {
            if let Ok(text) = fs::read_to_string(&self.ready_file) {
                return Ok(Some((text, self.daemon.since().elapsed())));
            }
            if let Some(status) = self.daemon.ended()? {
                bail!("`run` ended before it was ready: {status}: {}", self.daemon.last_lines());
            }
            Ok(None)
        })?;
        let Some((text, after)) = found else {
            bail!("`run` is not ready after {limit:?}: {}", self.daemon.last_lines());
        };
        let document: Value = serde_json::from_str(&text).context("read the ready file")?;
        ensure!(document["ready"] == Value::Bool(true), "a start-up check failed: {document}");
        self.listen = document["listen"].as_str().and_then(|text| text.parse().ok());
        Ok(after)
    }

    /// Returns the token of the command line, which the first start made.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        let path = self.data_dir.join("cli.token");
        let token =
            fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(token.trim().to_owned())
    }

    /// Returns where its server listens.
    pub(crate) fn listen(&self) -> anyhow::Result<SocketAddr> {
        self.listen.context("the ready file names no address of the server")
    }

    /// Asks its server.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        let (listen, token) = (self.listen()?, self.token()?);
        let answer = wait_for(RATE_LIMIT, || {
            let answer = http::get(listen, path, Some(&token))?;
            // Whoever looks all the time is told to come back (S7).
            if answer.status == 429 {
                thread::sleep(Duration::from_millis(100));
                return Ok(None);
            }
            Ok(Some(answer))
        })?;
        answer.context("the system answers nothing but 429")?.ok()
    }

    /// Commands it through its server.
    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        http::post(self.listen()?, path, Some(&self.token()?), body)
    }

    /// Commands it as somebody else. A running system looks for new tokens now and then.
    pub(crate) fn post_as(&self, token: &str, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let listen = self.listen()?;
        let known = wait_for(TOKENS_LIMIT, || {
            let answer = http::post(listen, path, Some(token), body)?;
            Ok((answer.status != 401).then_some(answer))
        })?;
        known.context("the system does not know the token")
    }

    /// Stops it in order and returns how it ended (F50).
    pub(crate) fn stop(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.daemon.signal("TERM")?;
        match self.daemon.wait(limit)? {
            Some(status) => Ok(status),
            None => bail!("`run` did not end within {limit:?}: {}", self.daemon.last_lines()),
        }
    }
}
