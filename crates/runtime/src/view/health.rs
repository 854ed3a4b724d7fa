//! The health object (contract.md 5): eight components, each with the answer to its own probe.
//!
//! The core is one thread: when its loop turns, its seven parts have been asked and have answered,
//! each with its own check. How old that answer may be, and the web's own answer, are judged when
//! somebody asks, so that a core that hangs turns red while nobody tells it to (F44).

use engine::Engine;
use engine::lifecycle::health::{self, Component, HeartbeatLimits, Heartbeats, Issue};
use model::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::status::{Status, Surroundings};

/// The state of one component.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct ComponentJson {
    /// Its probe was answered in time and found nothing wrong.
    pub is_healthy: bool,
    /// When it last answered.
    #[schema(value_type = Option<String>)]
    pub last_heartbeat: Option<Timestamp>,
    /// It has a running part in this process.
    pub running: bool,
    /// Its name.
    pub component_name: &'static str,
    /// What it counts.
    pub detail: Value,
}

/// The health of the system.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// When it was judged.
    #[schema(value_type = String)]
    pub timestamp: Timestamp,
    /// `healthy`, `warning` or `error`.
    pub overall_status: &'static str,
    /// Where the program runs.
    pub environment: String,
    /// By name, all eight.
    #[schema(value_type = std::collections::BTreeMap<String, ComponentJson>)]
    pub components: Map<String, Value>,
    /// What an operator should know.
    pub issues: Vec<String>,
}

/// What the core found when it asked its own parts.
#[derive(Clone, Debug)]
pub struct CoreHealth {
    environment: String,
    well: [bool; Component::ALL.len()],
    details: [Value; Component::ALL.len()],
    issues: Vec<Issue>,
}

impl CoreHealth {
    /// Asks every part of a core.
    pub(super) fn of(engine: &Engine, around: &Surroundings, status: &Status) -> Self {
        let sound = engine.books().check();
        let issues = health::core_issues(engine).into_iter().chain(around.issues.iter().cloned());
        Self {
            environment: status.environment.clone(),
            well: Component::ALL.map(|component| is_well(engine, component, sound.is_ok())),
            details: Component::ALL.map(|component| detail(engine, status, component)),
            issues: issues.collect(),
        }
    }

    /// Judges the system at `now` of the wall clock, when the core's loop last turned at `turned`;
    /// `web` says that pages and API are served.
    pub fn judge(
        &self,
        now: Timestamp,
        turned: Timestamp,
        web: bool,
        limits: &HeartbeatLimits,
    ) -> Health {
        let mut beats = Heartbeats::default();
        for component in Component::ALL {
            let serves = component == Component::WebDashboard;
            beats.set_running(component, web || !serves);
            // Whoever asks is being served: the web answers for itself.
            let at = if serves { now } else { turned };
            beats.answer(component, at, self.well[component as usize]);
            if !serves {
                // It is asked anew as soon as it has answered.
                beats.ask(component, turned);
            }
        }
        let judged = beats.judge(now, limits, self.issues.clone());
        let components = judged.components.iter().map(|found| {
            let component = ComponentJson {
                is_healthy: found.is_healthy,
                last_heartbeat: found.last_heartbeat.filter(|_| found.running),
                running: found.running,
                component_name: found.component.name(),
                detail: self.details[found.component as usize].clone(),
            };
            (found.component.name().to_owned(), json!(component))
        });
        Health {
            timestamp: now,
            overall_status: judged.overall.name(),
            environment: self.environment.clone(),
            components: components.collect(),
            issues: judged.issues.into_iter().map(|issue| issue.text).collect(),
        }
    }
}

/// Asks one component whether it can do its work.
fn is_well(engine: &Engine, component: Component, sound: bool) -> bool {
    match component {
        Component::RiskManager => engine.books().gate().control_ids().next().is_some(),
        // Positions are the sum of their fills, money adds up (I3, I11).
        Component::OrderManager | Component::ExecutionEngine | Component::PerformanceTracker => {
            sound
        }
        // A closed market has no session and a run may have no strategy: neither is an illness.
        Component::DataManager
        | Component::StrategyEngine
        | Component::AlertSystem
        | Component::WebDashboard => true,
    }
}

fn detail(engine: &Engine, status: &Status, component: Component) -> Value {
    let books = engine.books();
    match component {
        Component::DataManager => {
            let symbols = engine.data().symbols();
            json!({
                "symbols": symbols.len(),
                "bars_today": symbols.iter().map(|state| u64::from(state.bars)).sum::<u64>(),
                "bars_refused": engine.data().refused(),
                "session": engine.session().map(|session| session.date),
                "providers": status.providers,
            })
        }
        Component::StrategyEngine => {
            let names = engine.strategies().iter().map(|instance| instance.name.as_str());
            json!({
                "strategies": names.collect::<Vec<&str>>(),
                "signals_dropped": engine.trade_signals().dropped,
            })
        }
        Component::RiskManager => {
            let limits = books.gate().limits();
            json!({
                "controls": books.gate().control_ids().map(|id| id.to_string()).collect::<Vec<_>>(),
                "max_positions": limits.max_positions,
                "max_daily_loss_pct": limits.max_daily_loss_pct.map(|pct| pct.to_fraction()),
                "daily_loss_level": books.day().loss.name(),
                "kill_engaged": status.kill.engaged,
                "gate_open": status.gate.open,
            })
        }
        Component::OrderManager => json!({
            "open_orders": status.open_orders,
            "open_positions": status.open_positions,
        }),
        Component::ExecutionEngine => json!({
            "brokers": status.brokers,
            "unknown_orders": status.unknown_orders,
        }),
        Component::PerformanceTracker => json!({
            "trades": books.trades(),
            "realised_today": books.realised_today(),
            "equity": status.equity,
        }),
        Component::AlertSystem => json!({ "raised": engine.alerts_raised() }),
        Component::WebDashboard => json!({ "serves": ["api"] }),
    }
}
