//! The health object (contract.md 5) of a demo: the rules are the engine's, the details its counts.

use std::time::{SystemTime, UNIX_EPOCH};

use engine::Engine;
use engine::lifecycle::health::{self, Component, HeartbeatLimits, Heartbeats, Issue};
use model::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The state of one component.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct ComponentJson {
    /// Its probe was answered and found nothing wrong.
    is_healthy: bool,
    /// When it answered.
    last_heartbeat: Option<Timestamp>,
    /// It has a running part in this process.
    running: bool,
    /// Its name.
    component_name: &'static str,
    /// What it counts.
    detail: Value,
}

/// The health of the system.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Health {
    /// When it was asked.
    pub(crate) timestamp: Timestamp,
    /// `healthy`, `warning` or `error`.
    pub(crate) overall_status: &'static str,
    /// Where the program runs.
    pub(crate) environment: &'static str,
    /// By name.
    pub(crate) components: Map<String, Value>,
    /// What an operator should know.
    pub(crate) issues: Vec<String>,
}

/// Counts that the engine does not keep itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Evaluations of strategies.
    pub(crate) evaluations: u64,
    /// Entries refused by gate or sizing.
    pub(crate) rejections: u64,
    /// Orders sent.
    pub(crate) orders: u64,
    /// Alerts of severity critical.
    pub(crate) critical: u64,
}

/// Asks every component of a running engine.
pub(crate) fn probe(engine: &Engine, counts: Counts, environment: &'static str) -> Health {
    let timestamp = now();
    let mut issues = health::core_issues(engine);
    if counts.critical > 0 {
        issues.push(Issue::warning(format!("{} critical alerts", counts.critical)));
    }
    // The core is one thread and just answered: each part has its own probe.
    let mut beats = Heartbeats::default();
    for component in Component::ALL.into_iter().filter(|c| *c != Component::WebDashboard) {
        beats.set_running(component, true);
        beats.answer(component, timestamp, is_well(engine, component));
    }
    let judged = beats.judge(timestamp, &HeartbeatLimits::default(), issues);
    let components = judged.components.iter().map(|found| {
        let component = ComponentJson {
            is_healthy: found.is_healthy,
            last_heartbeat: found.last_heartbeat,
            running: found.running,
            component_name: found.component.name(),
            detail: detail(engine, counts, found.component),
        };
        (found.component.name().to_owned(), json!(component))
    });
    Health {
        timestamp,
        overall_status: judged.overall.name(),
        environment,
        components: components.collect(),
        issues: judged.issues.into_iter().map(|issue| issue.text).collect(),
    }
}

/// Asks one component whether it can do its work.
fn is_well(engine: &Engine, component: Component) -> bool {
    let books = engine.books();
    match component {
        Component::DataManager => engine.session().is_some(),
        Component::StrategyEngine => !engine.strategies().is_empty(),
        Component::RiskManager => books.gate().control_ids().next().is_some(),
        // Positions are the sum of their fills, money adds up (I3, I11).
        Component::OrderManager | Component::ExecutionEngine | Component::PerformanceTracker => {
            books.check().is_ok()
        }
        Component::AlertSystem | Component::WebDashboard => true,
    }
}

fn detail(engine: &Engine, counts: Counts, component: Component) -> Value {
    match component {
        Component::DataManager => data_detail(engine),
        Component::StrategyEngine => strategy_detail(engine, counts),
        Component::RiskManager => risk_detail(engine, counts),
        Component::OrderManager => order_detail(engine, counts),
        Component::ExecutionEngine => json!({ "route": "simulated exchange" }),
        Component::PerformanceTracker => performance_detail(engine),
        Component::AlertSystem => json!({ "raised": engine.alerts_raised() }),
        Component::WebDashboard => {
            json!({ "note": "not part of this build yet; the terminal shows the run" })
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

fn data_detail(engine: &Engine) -> Value {
    let symbols = engine.data().symbols();
    json!({
        "symbols": symbols.len(),
        "bars_today": symbols.iter().map(|state| u64::from(state.bars)).sum::<u64>(),
        "bars_refused": engine.data().refused(),
        "session": engine.session().map(|session| session.date),
    })
}

fn strategy_detail(engine: &Engine, counts: Counts) -> Value {
    let names: Vec<&str> =
        engine.strategies().iter().map(|instance| instance.name.as_str()).collect();
    json!({ "strategies": names, "evaluations": counts.evaluations })
}

fn risk_detail(engine: &Engine, counts: Counts) -> Value {
    let books = engine.books();
    let controls: Vec<String> =
        books.gate().control_ids().map(|control| control.to_string()).collect();
    let limits = books.gate().limits();
    json!({
        "controls": controls,
        "rejections": counts.rejections,
        "max_positions": limits.max_positions,
        "max_daily_loss_pct": limits.max_daily_loss_pct.map(|pct| pct.to_fraction()),
        "daily_loss_level": books.day().loss.name(),
        "kill_engaged": books.blocks().is_killed(),
    })
}

fn order_detail(engine: &Engine, counts: Counts) -> Value {
    let books = engine.books();
    let open = books.orders().iter().filter(|order| !order.state.is_terminal()).count();
    let positions = books.active().iter().filter(|&&key| books.position(key).is_some()).count();
    json!({ "orders": counts.orders, "open_orders": open, "open_positions": positions })
}

fn performance_detail(engine: &Engine) -> Value {
    let books = engine.books();
    json!({
        "trades": books.trades(),
        "realised_today": books.realised_today(),
        "equity": engine.equity(),
    })
}
