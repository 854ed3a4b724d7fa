//! The health object (contract.md 5): all eight components, each with what its own probe found.

use std::time::{SystemTime, UNIX_EPOCH};

use engine::Engine;
use engine::risk_manager::LossLevel;
use model::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The state of one component.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Component {
    /// Its probe was answered and found nothing wrong.
    pub(crate) is_healthy: bool,
    /// When it answered.
    pub(crate) last_heartbeat: Option<Timestamp>,
    /// It has a running part in this process.
    pub(crate) running: bool,
    /// Its name.
    pub(crate) component_name: &'static str,
    /// What it counts.
    pub(crate) detail: Value,
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

/// Asks every component of a running engine; `bars` were fed to it.
pub(crate) fn probe(engine: &Engine, counts: Counts, environment: &'static str) -> Health {
    let timestamp = now();
    let books = engine.books();
    // The books' own check: positions are the sum of their fills, money adds up (I3, I11).
    let books_fault = books.check().err();
    let mut issues: Vec<String> =
        books_fault.iter().map(|fault| format!("books: {fault}")).collect();
    let refused = engine.data().refused();
    if refused > 0 {
        issues.push(format!("data_manager refused {refused} bars"));
    }
    if books.blocks().is_killed() {
        issues.push("the kill switch is set".to_owned());
    }
    if books.day().loss >= LossLevel::ReduceOnly {
        issues.push(format!("daily loss: {}", books.day().loss.name()));
    }
    if counts.critical > 0 {
        issues.push(format!("{} critical alerts", counts.critical));
    }
    let with_books = books_fault.is_none();
    let parts = [
        ("data_manager", engine.session().is_some(), data_detail(engine)),
        ("strategy_engine", !engine.strategies().is_empty(), strategy_detail(engine, counts)),
        ("risk_manager", books.gate().control_ids().next().is_some(), risk_detail(engine, counts)),
        ("order_manager", with_books, order_detail(engine, counts)),
        ("execution_engine", with_books, json!({ "route": "simulated exchange" })),
        ("performance_tracker", with_books, performance_detail(engine)),
        ("alert_system", true, json!({ "raised": engine.alerts_raised() })),
    ];
    let mut components = Map::new();
    for (name, is_healthy, detail) in parts {
        if !is_healthy {
            issues.push(format!("{name} did not pass its probe"));
        }
        let component = Component {
            is_healthy,
            last_heartbeat: Some(timestamp),
            running: true,
            component_name: name,
            detail,
        };
        components.insert(name.to_owned(), json!(component));
    }
    // A part that is not there cannot be ill; it says that it does not run.
    let dashboard = Component {
        is_healthy: true,
        last_heartbeat: None,
        running: false,
        component_name: "web_dashboard",
        detail: json!({ "note": "not part of this build yet; the terminal shows the run" }),
    };
    components.insert(dashboard.component_name.to_owned(), json!(dashboard));
    let all = components.values().all(|component| component["is_healthy"] == json!(true));
    let overall_status = match (all, issues.is_empty()) {
        (false, _) => "error",
        (true, false) => "warning",
        (true, true) => "healthy",
    };
    Health { timestamp, overall_status, environment, components, issues }
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
