//! The source's main loops: is the market open, are the components well, every 30 seconds the
//! health of the whole with a warning for each issue.
//!
//! The core is one thread, so its seven components begin and end together; each is asked by its own
//! probe all the same, and a core that hangs shows by the age of its last turn (F44). System events
//! need no loop here: the core takes them in every phase of the market (safety.md section 7).
//!
//! Invariant: it only reads what was published and writes log lines; nothing waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::lifecycle::health::{Component, HeartbeatLimits};
use tracing::{info, warn};

use crate::clock;
use crate::handle::Handle;
use crate::view::Health;

/// How often the market and the components are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the health of the whole is told, as in the source.
pub const HEALTH_EVERY: Duration = Duration::from_secs(30);

/// What the monitor watches by.
#[derive(Clone, Debug)]
pub struct MonitorSettings {
    /// How often the health of the whole is told.
    pub health_every: Duration,
    /// How old a component's answer may be.
    pub limits: HeartbeatLimits,
    /// Whether pages and API are served.
    pub web: Arc<AtomicBool>,
}

/// The running monitor.
#[derive(Debug)]
pub struct Monitor {
    handle: Handle,
    settings: MonitorSettings,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    wanted: Mutex<bool>,
    bell: Condvar,
}

impl Monitor {
    /// Says that the components start, one after the other, and begins to watch them.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub fn start(handle: Handle, settings: MonitorSettings) -> std::io::Result<Self> {
        info!("starting trading system");
        for component in running(&settings) {
            info!(component = component.name(), "starting");
        }
        info!("trading system started");
        let stop = Arc::new(Stop::default());
        let (watched, with, until) = (handle.clone(), settings.clone(), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("monitor".to_owned())
            .spawn(move || watch(&watched, &with, &until))?;
        Ok(Self { handle, settings, stop, thread: Some(thread) })
    }

    /// Returns the health of the system now.
    pub fn health(&self) -> Health {
        health(&self.handle, &self.settings)
    }
}

impl Drop for Monitor {
    /// Says that the components stop, in the order in which they started.
    fn drop(&mut self) {
        info!("stopping trading system");
        *self.stop.wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, was printed; the run is ending.
            let _ = thread.join();
        }
        for component in running(&self.settings) {
            info!(component = component.name(), "stopping");
        }
        info!("trading system stopped");
    }
}

/// Returns the components that have a running part.
fn running(settings: &MonitorSettings) -> impl Iterator<Item = Component> + use<> {
    let web = settings.web.load(Ordering::Acquire);
    Component::ALL.into_iter().filter(move |&part| web || part != Component::WebDashboard)
}

fn health(handle: &Handle, settings: &MonitorSettings) -> Health {
    let now = clock::wall();
    let silent = i64::try_from(handle.core_silence().as_nanos()).unwrap_or(i64::MAX);
    let web = settings.web.load(Ordering::Acquire);
    handle.view().health.judge(now, now.plus_nanos(-silent), web, &settings.limits)
}

fn watch(handle: &Handle, settings: &MonitorSettings, stop: &Stop) {
    let mut seen = Seen::default();
    let mut told = Instant::now();
    loop {
        let view = handle.view();
        let health = health(handle, settings);
        seen.look(view.status.market.session, &health).iter().for_each(Line::log);
        if told.elapsed() >= settings.health_every {
            told = Instant::now();
            issues(&health).iter().for_each(Line::log);
        }
        let wanted = stop.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = LOOK_EVERY.min(settings.health_every);
        let waited = stop.bell.wait_timeout_while(wanted, pause, |wanted| !*wanted);
        if *waited.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
    }
}

/// A line for the log.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Line {
    /// The market came to another part of its day.
    Market(&'static str),
    /// A component is no longer well.
    Unwell(String),
    /// A component is well again.
    Well(String),
    /// Something that the health of the whole names.
    Issue(String),
}

impl Line {
    fn log(&self) {
        match self {
            Self::Market(session) => info!(session, "the market's session"),
            Self::Unwell(component) => warn!(component, "component is unhealthy"),
            Self::Well(component) => info!(component, "component is healthy again"),
            Self::Issue(issue) => warn!(issue, "system health warning"),
        }
    }
}

/// What was told last: each change is told once.
#[derive(Debug, Default)]
struct Seen {
    session: Option<&'static str>,
    unwell: Vec<String>,
}

impl Seen {
    fn look(&mut self, session: &'static str, health: &Health) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.session.replace(session) != Some(session) {
            lines.push(Line::Market(session));
        }
        let unwell = |(name, part): (&String, &serde_json::Value)| {
            let ill = part["running"] == true && part["is_healthy"] != true;
            ill.then(|| name.clone())
        };
        let unwell: Vec<String> = health.components.iter().filter_map(unwell).collect();
        let fresh = unwell.iter().filter(|name| !self.unwell.contains(name));
        lines.extend(fresh.cloned().map(Line::Unwell));
        let over = self.unwell.iter().filter(|name| !unwell.contains(name));
        lines.extend(over.cloned().map(Line::Well));
        self.unwell = unwell;
        lines
    }
}

/// Returns a line for each issue of a system that is not healthy.
fn issues(health: &Health) -> Vec<Line> {
    match health.overall_status {
        "healthy" => Vec::new(),
        _ => health.issues.iter().cloned().map(Line::Issue).collect(),
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;
    use serde_json::json;

    use super::*;

    fn health(well: bool, issues: &[&str]) -> Health {
        let part = |running, well| json!({ "running": running, "is_healthy": well });
        let components = [
            ("data_manager".to_owned(), part(true, well)),
            ("web_dashboard".to_owned(), part(false, false)),
        ];
        Health {
            timestamp: Timestamp::default(),
            overall_status: if issues.is_empty() { "healthy" } else { "warning" },
            environment: "testing".to_owned(),
            components: components.into_iter().collect(),
            issues: issues.iter().map(|&issue| issue.to_owned()).collect(),
        }
    }

    /// Issue 5, main loops: changes of the market and of a component are told once; what does not
    /// run is not ill.
    #[test]
    fn changes_are_told_once() {
        let mut seen = Seen::default();
        assert_eq!(seen.look("pre", &health(true, &[])), [Line::Market("pre")]);
        assert_eq!(seen.look("pre", &health(true, &[])), []);
        let name = || "data_manager".to_owned();
        assert_eq!(
            seen.look("rth", &health(false, &[])),
            [Line::Market("rth"), Line::Unwell(name())]
        );
        assert_eq!(seen.look("rth", &health(false, &[])), []);
        assert_eq!(seen.look("rth", &health(true, &[])), [Line::Well(name())]);
    }

    /// Issue 5, main loops: a warning for each issue, none of a healthy system.
    #[test]
    fn each_issue_is_a_warning() {
        assert_eq!(issues(&health(true, &[])), []);
        let lines = issues(&health(false, &["a", "b"]));
        assert_eq!(lines, [Line::Issue("a".into()), Line::Issue("b".into())]);
    }
}
