//! The program end to end, as a user calls it: exit codes and JSON of contract.md.
//!
//! A case is added by adding a row to [`CASES`]. Cases that need a second system to compare with
//! live in [`workloads`](crate::workloads).

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::{context::Context, outcome::Outcome, release::Program};

/// The eight components of the source architecture; the health object names all of them always.
const COMPONENTS: [&str; 8] = [
    "data_manager",
    "strategy_engine",
    "risk_manager",
    "order_manager",
    "execution_engine",
    "performance_tracker",
    "alert_system",
    "web_dashboard",
];

struct Case {
    name: &'static str,
    run: fn(&Program<'_>) -> anyhow::Result<()>,
}

const CASES: &[Case] = &[
    Case { name: "demo", run: demo },
    Case { name: "calendar of a half day", run: half_day },
    Case { name: "calendar of a closed day", run: closed_day },
    Case { name: "strategies are listed", run: strategies },
    Case { name: "unknown strategy is exit 64", run: unknown_strategy },
    Case { name: "absent data is exit 66", run: absent_data },
];

/// Runs all cases.
pub(crate) fn step(context: &Context) -> anyhow::Result<Outcome> {
    let program = Program::new(context, "release", context.empty_scratch("e2e")?);
    let mut outcome = Outcome::ok();
    for case in CASES {
        outcome.case(case.name, (case.run)(&program));
    }
    Ok(outcome)
}

/// contract.md 3 and 5: a generated day through the whole system, health, summary, report.
fn demo(program: &Program<'_>) -> anyhow::Result<()> {
    let answer =
        program.json("e2e-demo", &["demo", "--seconds", "5", "--seed", "7", "--json"], 0)?;
    let health = &answer["health"];
    let status = health["overall_status"].as_str().context("health.overall_status is missing")?;
    ensure!(status == "healthy", "health.overall_status is {status}: {}", health["issues"]);
    for component in COMPONENTS {
        ensure!(
            health["components"][component]["is_healthy"] == Value::Bool(true),
            "component {component} is not healthy: {}",
            health["components"][component]
        );
    }
    ensure!(answer["summary"].is_object(), "summary is missing");
    ensure!(answer["seed"] == 7, "seed is {}, expected 7", answer["seed"]);
    for kind in ["html", "json"] {
        let path = answer["report"][kind].as_str().context("the report path is missing")?;
        let size = std::fs::metadata(program.folder().join(path))
            .with_context(|| format!("the {kind} report is not at {path}"))?
            .len();
        ensure!(size > 0, "the {kind} report {path} is empty");
    }
    Ok(())
}

/// TC3: the Friday after Thanksgiving closes at 13:00 New York.
fn half_day(program: &Program<'_>) -> anyhow::Result<()> {
    let day = program.json("e2e-calendar", &["calendar", "2026-11-27", "--json"], 0)?;
    ensure!(day["is_session"] == Value::Bool(true), "is_session is {}", day["is_session"]);
    ensure!(day["early_close"] == Value::Bool(true), "early_close is {}", day["early_close"]);
    let close = day["close"].as_str().unwrap_or_default();
    ensure!(close.starts_with("2026-11-27T18:00:00"), "close is {close}, expected 18:00 UTC");
    Ok(())
}

/// A day without a session is an answer, not an error.
fn closed_day(program: &Program<'_>) -> anyhow::Result<()> {
    let day = program.json("e2e-calendar", &["calendar", "2026-12-25", "--json"], 0)?;
    ensure!(day["is_session"] == Value::Bool(false), "is_session is {}", day["is_session"]);
    ensure!(day["close"].is_null(), "close is {}, expected null", day["close"]);
    Ok(())
}

fn strategies(program: &Program<'_>) -> anyhow::Result<()> {
    let list = program.json("e2e-strategies", &["strategies", "--json"], 0)?;
    let list = list.as_array().context("the answer is no list")?;
    for name in ["gap_and_go", "vwap_reclaim", "vwap_cross"] {
        let strategy = list.iter().find(|strategy| strategy["name"] == name);
        let strategy = strategy.with_context(|| format!("{name} is not listed"))?;
        ensure!(strategy["parameters"].is_array(), "{name} lists no parameters");
    }
    Ok(())
}

fn unknown_strategy(program: &Program<'_>) -> anyhow::Result<()> {
    expect_refusal(program, &["backtest", "--data", ".", "--strategy", "nonsense", "--json"], 64)
}

fn absent_data(program: &Program<'_>) -> anyhow::Result<()> {
    let absent = program.folder().join("nowhere");
    let arguments = ["backtest", "--data", text(&absent)?, "--strategy", "vwap_cross", "--json"];
    expect_refusal(program, &arguments, 66)
}

/// The program must refuse with this exit code and say why on stderr.
fn expect_refusal(program: &Program<'_>, arguments: &[&str], exit: i32) -> anyhow::Result<()> {
    let finished = program.call("e2e-refusal", arguments)?;
    ensure!(
        finished.code() == Some(exit),
        "exit {:?}, expected {exit}; it said: {}",
        finished.code(),
        finished.lines.join(" | ")
    );
    ensure!(!finished.lines.is_empty(), "it gave no reason");
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
