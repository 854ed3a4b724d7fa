//! The end of the start-up: the ready file, and the word to the service manager (contract.md 3).
//!
//! The start-up has ended when the broker's books were compared, or after a while without that.
//! `ready` is false when a start-up check of C33 failed; a market that is closed, or an emergency
//! stop that still holds, is ready.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use runtime::Handle;
use runtime::startup::Opened;
use runtime::view::View;
use sd_notify::NotifyState;
use serde_json::json;
use tokio::runtime::Runtime;

use super::Plan;
use crate::files;

/// How long the file waits for the comparison with the broker's books.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known before the core runs.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    mode: String,
    epoch: u32,
    failed: Vec<String>,
}

impl Ready {
    pub(super) fn of(opened: &Opened, mode: &str) -> Self {
        Self { mode: mode.to_owned(), epoch: opened.start.epoch, failed: opened.failed.clone() }
    }
}

/// Announces the end of the start-up when it has come.
pub(super) fn announce(
    plan: &Plan<'_>,
    ready: Ready,
    handle: Handle,
    listen: SocketAddr,
    on: &Runtime,
) {
    let path = plan.wish.ready_file.clone();
    on.spawn(async move {
        let mut views = handle.views();
        let epoch = ready.epoch;
        // A view of before the start bears another epoch.
        let starting = |view: &View| view.status.epoch != epoch || view.status.state == "starting";
        let compared = async {
            while starting(&views.borrow_and_update()) {
                if views.changed().await.is_err() {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, compared).await.is_ok();
        let mut failed = ready.failed.clone();
        if !in_time {
            failed.push("reconciliation: the broker's books could not be compared yet".to_owned());
        }
        tell(path.as_deref(), &ready, &failed, &handle, listen);
    });
}

fn tell(
    path: Option<&Path>,
    ready: &Ready,
    failed: &[String],
    handle: &Handle,
    listen: SocketAddr,
) {
    let gate = &handle.view().status.gate;
    let document = json!({
        "ready": failed.is_empty(),
        "time": runtime::clock::wall(),
        "mode": ready.mode,
        "epoch": ready.epoch,
        "listen": listen.to_string(),
        "failed": failed,
        "gate": { "open": gate.open, "reasons": gate.reasons },
    });
    let (is_ready, epoch) = (failed.is_empty(), ready.epoch);
    tracing::info!(ready = is_ready, epoch, "the start-up has ended");
    if let Some(path) = path
        && let Err(failure) = files::write(path, &format!("{document}\n"))
    {
        tracing::error!("{}", failure.text());
    }
    // Without a service manager there is nobody to tell.
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
