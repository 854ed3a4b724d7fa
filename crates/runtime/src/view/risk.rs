//! Every control with its limit, its use and when it last acted (C39, `GET risk`).

use engine::Engine;
use engine::risk_manager::ControlStatus;
use model::{Symbol, Timestamp};
use serde::Serialize;

use super::run::{Name, Run};

/// A control.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct RiskRow {
    /// `C01` to `C42`.
    pub control: String,
    /// What it is about.
    pub title: &'static str,
    /// The limits in force in words; empty when it has no number.
    pub limit: String,
    /// It acts in this run.
    pub active: bool,
    /// Why it does not.
    pub why_not_active: Option<&'static str>,
    /// The part of the limit that is used; 1 is all of it.
    #[serde(rename = "use")]
    #[schema(rename = "use")]
    pub usage: Option<f64>,
    /// When it last acted.
    pub last_trigger: Option<TriggerRow>,
    /// The test that fails without it.
    pub test: &'static str,
}

/// The last time a control acted.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct TriggerRow {
    /// When.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// On whose order.
    #[schema(value_type = Option<String>)]
    pub strategy: Option<Name>,
    /// In which symbol.
    #[schema(value_type = Option<String>)]
    pub symbol: Option<Symbol>,
    /// The limit, in the control's unit.
    pub limit: f64,
    /// The value that met it.
    pub value: f64,
    /// How often it has acted.
    pub count: u64,
}

/// Returns all controls in order.
pub(super) fn rows(engine: &Engine, run: &Run) -> Vec<RiskRow> {
    engine.control_status().into_iter().map(|status| row(status, run)).collect()
}

fn row(status: ControlStatus, run: &Run) -> RiskRow {
    let last_trigger = status.last_trigger.map(|(trigger, count)| TriggerRow {
        time: trigger.time,
        strategy: trigger.strategy.and_then(|id| run.strategy(id)),
        symbol: trigger.symbol.and_then(|id| run.symbol(id)),
        limit: trigger.limit,
        value: trigger.value,
        count,
    });
    RiskRow {
        control: status.control.to_string(),
        title: status.title,
        limit: status.limit,
        active: status.why_not_active.is_none(),
        why_not_active: status.why_not_active,
        usage: status.usage,
        last_trigger,
        test: status.test,
    }
}
