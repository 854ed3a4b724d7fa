//! Heartbeats of the eight components and the health that follows from them (contract.md 5).
//!
//! A component is healthy when it answers its own probe, not when traffic flows: a quiet market is
//! not an illness, and a hung component with busy sockets is one (safety.md section 7). Asking the
//! probes, the clock and JSON are the shell's.

use model::{SECOND_NS, Timestamp};

use crate::engine::Engine;
use crate::risk_manager::LossLevel;

/// A component by its name in the source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Component {
    /// Market data.
    DataManager,
    /// Strategies.
    StrategyEngine,
    /// The gate.
    RiskManager,
    /// Orders and exits.
    OrderManager,
    /// Brokers.
    ExecutionEngine,
    /// Trades and equity.
    PerformanceTracker,
    /// Alerts.
    AlertSystem,
    /// Pages and API.
    WebDashboard,
}

impl Component {
    /// All components, in the order of their definition.
    pub const ALL: [Self; 8] = [
        Self::DataManager,
        Self::StrategyEngine,
        Self::RiskManager,
        Self::OrderManager,
        Self::ExecutionEngine,
        Self::PerformanceTracker,
        Self::AlertSystem,
        Self::WebDashboard,
    ];

    /// Returns the name in JSON and as a label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataManager => "data_manager",
            Self::StrategyEngine => "strategy_engine",
            Self::RiskManager => "risk_manager",
            Self::OrderManager => "order_manager",
            Self::ExecutionEngine => "execution_engine",
            Self::PerformanceTracker => "performance_tracker",
            Self::AlertSystem => "alert_system",
            Self::WebDashboard => "web_dashboard",
        }
    }
}

/// How old an answer may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeartbeatLimits {
    /// How long a probe may go unanswered, in nanoseconds.
    pub probe_ns: i64,
    /// How old the last heartbeat may be, in nanoseconds.
    pub age_ns: i64,
}

impl HeartbeatLimits {
    /// The largest age that may be configured: the source's 5 minutes.
    pub const MAX_AGE_NS: i64 = 300 * SECOND_NS;

    /// Makes limits with an age between the probe's limit and the maximum; `None` outside.
    pub fn with_age(age_ns: i64) -> Option<Self> {
        let probe_ns = Self::default().probe_ns;
        (probe_ns..=Self::MAX_AGE_NS).contains(&age_ns).then_some(Self { probe_ns, age_ns })
    }
}

impl Default for HeartbeatLimits {
    /// 5 s for a probe, 30 s for a heartbeat.
    fn default() -> Self {
        Self { probe_ns: 5 * SECOND_NS, age_ns: 30 * SECOND_NS }
    }
}

/// When each component was asked and when it answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heartbeats {
    beats: [Beat; Component::ALL.len()],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Beat {
    running: bool,
    asked: Option<Timestamp>,
    answered: Option<Timestamp>,
    failed: bool,
}

impl Heartbeats {
    /// A component runs, or does no longer. A part that is not there cannot be ill.
    pub fn set_running(&mut self, component: Component, running: bool) {
        self.beat(component).running = running;
    }

    /// A probe was sent; one that is open already goes on counting.
    pub fn ask(&mut self, component: Component, now: Timestamp) {
        let beat = self.beat(component);
        beat.asked = beat.asked.or(Some(now));
    }

    /// The component answered: it is well, or its probe found something wrong.
    pub fn answer(&mut self, component: Component, now: Timestamp, well: bool) {
        let beat = self.beat(component);
        (beat.asked, beat.answered, beat.failed) = (None, Some(now), !well);
    }

    /// Judges every component and what the core has to say.
    pub fn judge(&self, now: Timestamp, limits: &HeartbeatLimits, issues: Vec<Issue>) -> Health {
        let mut issues = issues;
        let components = Component::ALL.map(|component| {
            let beat = self.beats[component as usize];
            let fault = beat.fault(now, limits);
            if let Some(fault) = &fault {
                issues.push(Issue::error(format!("{} {fault}", component.name())));
            }
            ComponentHealth {
                component,
                is_healthy: fault.is_none(),
                last_heartbeat: beat.answered,
                running: beat.running,
            }
        });
        let worst = issues.iter().map(|issue| issue.level).max();
        Health { overall: worst.unwrap_or(Overall::Healthy), components, issues }
    }

    fn beat(&mut self, component: Component) -> &mut Beat {
        // One place for each component, by its number.
        &mut self.beats[component as usize]
    }
}

impl Beat {
    fn fault(&self, now: Timestamp, limits: &HeartbeatLimits) -> Option<String> {
        let seconds = |ns: i64| ns as f64 / SECOND_NS as f64;
        if !self.running {
            return None;
        }
        if self.failed {
            return Some("did not pass its probe".to_owned());
        }
        let waiting = self.asked.map_or(0, |asked| now.since(asked));
        if waiting > limits.probe_ns {
            return Some(format!("has not answered its probe for {:.1} s", seconds(waiting)));
        }
        match self.answered.map(|answered| now.since(answered)) {
            Some(age) if age > limits.age_ns => {
                Some(format!("was last heard of {:.1} s ago", seconds(age)))
            }
            None if self.asked.is_none() => Some("was never asked nor heard of".to_owned()),
            _ => None,
        }
    }
}

/// How the system is as a whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Overall {
    /// Nothing is wrong.
    #[default]
    Healthy,
    /// It works, and an operator should know something.
    Warning,
    /// A component is ill or the books do not add up.
    Error,
}

impl Overall {
    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something that an operator should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issue {
    /// What it means for the whole.
    pub level: Overall,
    /// In a sentence.
    pub text: String,
}

impl Issue {
    /// Makes an issue that is a warning.
    pub fn warning(text: String) -> Self {
        Self { level: Overall::Warning, text }
    }

    /// Makes an issue that is an error.
    pub fn error(text: String) -> Self {
        Self { level: Overall::Error, text }
    }
}

/// The health of one component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ComponentHealth {
    /// Which one.
    pub component: Component,
    /// It passed its last probe in time, or does not run.
    pub is_healthy: bool,
    /// When it last answered.
    pub last_heartbeat: Option<Timestamp>,
    /// It has a running part.
    pub running: bool,
}

/// The health of the system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    /// As a whole.
    pub overall: Overall,
    /// All eight components.
    pub components: [ComponentHealth; Component::ALL.len()],
    /// What an operator should know.
    pub issues: Vec<Issue>,
}

/// Returns what the core itself has to say.
pub fn core_issues(engine: &Engine) -> Vec<Issue> {
    let books = engine.books();
    let mut issues = Vec::new();
    if let Err(fault) = books.check() {
        issues.push(Issue::error(format!("books: {fault}")));
    }
    let refused = engine.data().refused();
    if refused > 0 {
        issues.push(Issue::warning(format!("data_manager refused {refused} bars")));
    }
    for block in books.blocks().list() {
        let text =
            format!("opening orders are blocked ({}): {:?}", block.reason.name(), block.scope);
        issues.push(Issue::warning(text));
    }
    if books.day().loss >= LossLevel::ReduceOnly {
        issues.push(Issue::warning(format!("daily loss: {}", books.day().loss.name())));
    }
    let unknown = books.brokers().doubts().len();
    if unknown > 0 {
        issues.push(Issue::warning(format!("the fate of {unknown} orders is not known")));
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ns: i64) -> Timestamp {
        Timestamp::from_nanos(1_000 * SECOND_NS + ns)
    }

    fn all_answered(now: Timestamp) -> Heartbeats {
        let mut beats = Heartbeats::default();
        for component in Component::ALL {
            beats.set_running(component, true);
            beats.answer(component, now, true);
        }
        beats
    }

    /// Contract.md 5: healthy by answers, to the nanosecond of both limits.
    #[test]
    fn answers_count_not_traffic() {
        let limits = HeartbeatLimits::default();
        let beats = all_answered(at(0));
        assert_eq!(beats.judge(at(limits.age_ns), &limits, vec![]).overall, Overall::Healthy);
        let old = beats.judge(at(limits.age_ns + 1), &limits, vec![]);
        assert_eq!((old.overall, old.issues.len()), (Overall::Error, 8));
        for component in Component::ALL {
            let mut beats = beats;
            beats.ask(component, at(SECOND_NS));
            // A second probe does not make the first one younger.
            beats.ask(component, at(3 * SECOND_NS));
            let limit = SECOND_NS + limits.probe_ns;
            assert_eq!(beats.judge(at(limit), &limits, vec![]).overall, Overall::Healthy);
            let late = beats.judge(at(limit + 1), &limits, vec![]);
            assert_eq!(late.overall, Overall::Error);
            for health in late.components {
                assert_eq!(health.is_healthy, health.component != component);
            }
            assert!(late.issues[0].text.contains(component.name()));
            beats.answer(component, at(limit + 1), true);
            assert_eq!(beats.judge(at(limit + 1), &limits, vec![]).overall, Overall::Healthy);
            beats.answer(component, at(limit + 1), false);
            assert_eq!(beats.judge(at(limit + 1), &limits, vec![]).overall, Overall::Error);
        }
    }

    /// A part that is not there cannot be ill; one that runs and was never heard of is.
    #[test]
    fn a_part_that_does_not_run_is_not_ill() {
        let limits = HeartbeatLimits::default();
        let mut beats = Heartbeats::default();
        assert_eq!(beats.judge(at(0), &limits, vec![]).overall, Overall::Healthy);
        beats.set_running(Component::WebDashboard, true);
        assert_eq!(beats.judge(at(0), &limits, vec![]).overall, Overall::Error);
    }

    /// The worst issue decides; the limits of the age are those of the contract.
    #[test]
    fn the_worst_issue_decides() {
        let (limits, beats) = (HeartbeatLimits::default(), all_answered(at(0)));
        let judge = |issues| beats.judge(at(0), &limits, issues).overall;
        assert_eq!(judge(vec![Issue::warning("w".into())]), Overall::Warning);
        let both = vec![Issue::error("e".into()), Issue::warning("w".into())];
        assert_eq!(judge(both), Overall::Error);
        assert!(HeartbeatLimits::with_age(HeartbeatLimits::MAX_AGE_NS).is_some());
        assert!(HeartbeatLimits::with_age(HeartbeatLimits::MAX_AGE_NS + 1).is_none());
        assert!(HeartbeatLimits::with_age(5 * SECOND_NS).is_some());
        assert!(HeartbeatLimits::with_age(5 * SECOND_NS - 1).is_none());
    }
}
