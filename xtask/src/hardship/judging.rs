//! Judges an emergency stop by what the broker's process was asked, and when (C31, decision 0110).

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::stops::working_entries;
use crate::rig::{lateness::Lateness, stage::Stage, wait_for};

/// C31: from the request to the first cancel, and to the last.
const FIRST_LIMIT_MS: f64 = 100.0;
const ALL_LIMIT_MS: f64 = 1_000.0;
/// Threads and processes that hand a stop over to one another, from the caller to the broker's log:
/// each may be woken as late as the machine is.
const HANDS: f64 = 6.0;
/// How long the broker may take to carry cancels out.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stop that is asked for now.
pub(super) struct Stop {
    since: u64,
    lateness: Lateness,
}

impl Stop {
    /// The time that is judged begins.
    pub(super) fn begins() -> Self {
        // First the measure, so that nothing of what it measures is missed.
        let lateness = Lateness::start();
        Self { since: unix_ns(), lateness }
    }

    /// Waits until no entry works, then judges the cancels.
    pub(super) fn judge(&self, stage: &Stage<'_>, before: &[String]) -> anyhow::Result<String> {
        self.judge_from(stage, before, self.since)
    }

    /// The same for a process that is only starting: it can cancel when it has a connection.
    pub(super) fn judge_from_connection(
        &self,
        stage: &Stage<'_>,
        before: &[String],
    ) -> anyhow::Result<String> {
        let connected = stage.proxy.connected_unix_ns();
        ensure!(connected >= self.since, "the new process has not connected to the broker");
        self.judge_from(stage, before, connected)
    }

    fn judge_from(
        &self,
        stage: &Stage<'_>,
        before: &[String],
        from: u64,
    ) -> anyhow::Result<String> {
        let gone = wait_for(PATIENCE, || Ok(working_entries(stage)?.is_empty().then_some(())))?;
        gone.context("entries still work after the stop")?;
        let requests = stage.venue.requests()?;
        let asked = Asked::read(&requests, self.since)?;
        ensure!(asked.exits.is_empty(), "exits were cancelled: {:?}", asked.exits);
        ensure!(asked.opened.is_empty(), "opened after the first cancel: {:?}", asked.opened);
        let times = asked.cancels.values().map(|at| at.saturating_sub(from) as f64 / 1e6);
        let (first, last) = times.fold((f64::MAX, 0_f64), |(a, b), ms| (a.min(ms), b.max(ms)));
        if asked.cancels.is_empty() {
            bail!("nothing was cancelled; at work were {before:?}");
        }
        let allowed = self.lateness.worst_ms() * HANDS;
        let count = asked.cancels.len();
        let note = format!(
            "{count} entries cancelled, the first after {first:.1} ms, the last {last:.1} ms \
             ({allowed:.1} ms allowed for the machine)"
        );
        ensure!(first <= FIRST_LIMIT_MS + allowed, "C31, first cancel: {note}");
        ensure!(last <= ALL_LIMIT_MS + allowed, "C31, all cancels: {note}");
        Ok(note)
    }
}

/// What a broker was asked for from a moment on.
#[derive(Default)]
struct Asked {
    /// When each entry's cancel came first.
    cancels: BTreeMap<String, u64>,
    /// Exits that were to be cancelled.
    exits: Vec<String>,
    /// Entries that came after the first cancel (I8).
    opened: Vec<String>,
}

impl Asked {
    fn read(requests: &Value, since: u64) -> anyhow::Result<Self> {
        let mut asked = Self::default();
        for request in requests.as_array().context("the log of requests is no list")? {
            let at = request["unix_ns"].as_u64().context("a request has no time")?;
            let line: Value = serde_json::from_str(request["line"].as_str().unwrap_or_default())
                .context("a request is no JSON")?;
            if at < since {
                continue;
            }
            let id = line["client_id"].as_str().unwrap_or_default().to_owned();
            let entry = id.ends_with('E');
            match &line["do"] {
                what if *what == json!("cancel") && entry => {
                    asked.cancels.entry(id).or_insert(at);
                }
                what if *what == json!("cancel") => asked.exits.push(id),
                what if *what == json!("submit") && entry && !asked.cancels.is_empty() => {
                    asked.opened.push(id);
                }
                _ => {}
            }
        }
        Ok(asked)
    }
}

/// Returns the wall clock as the broker's log writes it.
fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C31, I8: repeated cancels count once, exits and entries after the first cancel are found.
    #[test]
    fn requests_are_told_apart() {
        let line = |at: u64, what: &str, id: &str| {
            let line = json!({"id": 1, "do": what, "client_id": id}).to_string();
            json!({"unix_ns": at, "line": line})
        };
        let log = json!([
            line(1, "cancel", "BW-1-1-0E"),
            line(10, "submit", "BW-1-2-0E"),
            line(11, "cancel", "BW-1-2-0E"),
            line(12, "cancel", "BW-1-2-0E"),
            line(13, "submit", "BW-1-3-0X"),
            line(14, "submit", "BW-1-4-0E"),
            line(15, "cancel", "BW-1-3-0X"),
        ]);
        let asked = Asked::read(&log, 10).unwrap();
        assert_eq!(asked.cancels, BTreeMap::from([("BW-1-2-0E".to_owned(), 11)]));
        assert_eq!((asked.exits.len(), asked.opened.len()), (1, 1));
    }
}
