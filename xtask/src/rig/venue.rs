//! The paper broker as a process of its own: `bellwether venue --paper`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::{clock::FeedClock, daemon::Daemon, free_address, http, wait_for};
use crate::release;

/// Longest time until it listens; a debug build generates its market slowly.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What a broker plays.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    /// Seed of the generated days.
    pub(crate) seed: u64,
    /// Which symbols.
    pub(crate) symbols: Vec<String>,
    /// What time it is there.
    pub(crate) clock: FeedClock,
}

/// The broker's process with its folder; it comes back where it was.
pub(crate) struct Venue {
    binary: PathBuf,
    folder: PathBuf,
    market: Market,
    listen: SocketAddr,
    admin: SocketAddr,
    daemon: Option<Daemon>,
}

impl Venue {
    /// Starts a broker in `folder`.
    pub(crate) fn start(binary: PathBuf, folder: PathBuf, market: Market) -> anyhow::Result<Self> {
        market.clock.write(&folder.join("clock"))?;
        let (listen, admin) = (free_address()?, free_address()?);
        let mut venue = Self { binary, folder, market, listen, admin, daemon: None };
        venue.restart()?;
        Ok(venue)
    }

    /// Starts it again, at the same addresses and with the same folder.
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.binary);
        command.args(["venue", "--paper", &self.listen.to_string()]);
        command.args(["--admin", &self.admin.to_string()]).arg("--dir").arg(&self.folder);
        command.args(["--seed", &self.market.seed.to_string()]);
        command.args(["--speed", &self.market.clock.speed.to_string()]);
        command.args(["--symbols", &self.market.symbols.join(",")]).current_dir(&self.folder);
        release::without_our_variables(&mut command);
        let mut daemon = Daemon::start(&mut command, &self.log())?;
        let up = wait_for(START_LIMIT, || {
            if let Some(status) = daemon.ended()? {
                bail!("`venue` ended: {status}: {}", daemon.last_lines());
            }
            Ok(http::get(self.admin, "/state", None).ok())
        })?;
        up.with_context(|| format!("`venue` does not listen: {}", daemon.last_lines()))?;
        self.daemon = Some(daemon);
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.daemon = None;
    }

    /// Returns the symbols in the order of their ids.
    pub(crate) fn symbols(&self) -> &[String] {
        &self.market.symbols
    }

    /// Returns whether it runs.
    pub(crate) fn is_up(&self) -> bool {
        self.daemon.is_some()
    }

    /// Returns where its clients connect.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Returns its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the truth: all orders, fills and positions.
    pub(crate) fn state(&self) -> anyhow::Result<Value> {
        let state = http::get(self.admin, "/state", None)?.ok()?;
        match state.get("paper") {
            Some(paper) => Ok(paper.clone()),
            None => bail!("GET /state has no `paper`: {state}"),
        }
    }

    /// Returns the requests that came, the oldest first.
    pub(crate) fn requests(&self) -> anyhow::Result<Value> {
        http::get(self.admin, "/requests", None)?.ok()
    }
}
