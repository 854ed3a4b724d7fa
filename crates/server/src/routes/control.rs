//! The source's system events, in any market phase: pause, resume, emergency stop, flatten,
//! rebalance, stop; and the acknowledgement of alerts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use engine::risk_manager::Scope;
use engine::{Control, Instruction};
use serde::{Deserialize, Serialize};

use super::giving::{Done, Reason, give, key, reason};
use crate::api::Api;
use crate::body::Body;
use crate::guard::Caller;
use crate::problem::Problem;

/// What comes with a command.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// Why.
    reason: Option<String>,
    /// What it covers: `all`, `strategy:X`, `symbol:X` or `broker:X` [all].
    scope: Option<String>,
}

impl Given {
    fn scope(&self, api: &Api) -> Result<Scope, Problem> {
        let text = self.scope.as_deref().unwrap_or("all");
        api.system.run().scope(text).map_err(|error| Problem::invalid(error.to_string()))
    }
}

async fn scoped(
    api: &Arc<Api>,
    caller: &Caller,
    headers: &HeaderMap,
    given: Given,
    need: Reason,
    control: impl Fn(Scope) -> Control,
) -> Result<Response, Problem> {
    let scope = given.scope(api)?;
    let reason = reason(given.reason, need)?;
    give(api, caller, headers, control(scope), reason).await
}

/// Stop opening positions; exits go on
#[utoipa::path(
    post,
    path = "/api/v1/control/pause",
    request_body = Given,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn pause(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Given>,
) -> Result<Response, Problem> {
    scoped(&api, &caller, &headers, given, Reason::Optional, Control::PauseTrading).await
}

/// Lift a pause or an emergency stop; takes the role admin and a reason
#[utoipa::path(
    post,
    path = "/api/v1/control/resume",
    request_body = Given,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn resume(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Given>,
) -> Result<Response, Problem> {
    scoped(&api, &caller, &headers, given, Reason::Required, Control::ResumeTrading).await
}

/// What became of an emergency stop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Stopped {
    /// No opening order leaves from now on.
    engaged: bool,
    /// It is in the journal and holds over a restart; else the file `KILL` holds it.
    durable: bool,
    /// Where in the journal it lies, when it does.
    seq: Option<u64>,
    /// In words.
    text: String,
}

/// Stop opening at once and cancel every entry order; exits stay
///
/// 200 when it is durable, 202 when that took more than a second: it holds all the same (K4). It
/// has connections of its own and counts against no rate (S7).
#[utoipa::path(
    post,
    path = "/api/v1/control/emergency-stop",
    request_body = Given,
    responses((status = 200, body = Stopped), (status = 202, body = Stopped))
)]
pub(crate) async fn emergency_stop(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Given>,
) -> Result<Response, Problem> {
    let scope = given.scope(&api)?;
    // A reason or key that is not usable is no reason not to stop.
    let reason = reason(given.reason, Reason::Optional).unwrap_or_default();
    let key = key(&headers, &caller).unwrap_or_default();
    let (actor, from) = (caller.who.name, caller.from);
    tracing::warn!(audit = true, %actor, %from, ?scope, %reason, "emergency stop");
    let before = api.kills_seen();
    let control = Control::EmergencyStop(scope);
    let given = Instruction { control, actor, from, reason, key, kills_seen: None };
    let killed = api.system.emergency_stop(scope, given).await;
    if !killed.engaged {
        return Err(Problem::unavailable(
            "the core did not take the stop of this part: stop everything with the scope all",
        ));
    }
    if killed.durable {
        api.kills.fetch_max(before + 1, Ordering::AcqRel);
    }
    let status = if killed.durable { StatusCode::OK } else { StatusCode::ACCEPTED };
    let text = killed.receipt.as_ref().map_or_else(
        || "no opening order leaves; the journal has not confirmed it yet".to_owned(),
        |receipt| receipt.text.clone(),
    );
    let seq = killed.receipt.map(|receipt| receipt.seq);
    let stopped = Stopped { engaged: true, durable: killed.durable, seq, text };
    Ok((status, Json(stopped)).into_response())
}

/// Close every position of the scope
#[utoipa::path(
    post,
    path = "/api/v1/control/flatten",
    request_body = Given,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn flatten(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Given>,
) -> Result<Response, Problem> {
    scoped(&api, &caller, &headers, given, Reason::Optional, Control::Flatten).await
}

/// Reduce the positions of the scope to the limits
#[utoipa::path(
    post,
    path = "/api/v1/control/rebalance",
    request_body = Given,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn rebalance(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Given>,
) -> Result<Response, Problem> {
    scoped(&api, &caller, &headers, given, Reason::Optional, Control::Rebalance).await
}

/// What comes with a stop of the process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// Why.
    reason: Option<String>,
}

/// Stop the system in order; positions keep their exits at the brokers
#[utoipa::path(
    post,
    path = "/api/v1/control/stop",
    request_body = Why,
    responses((status = 200, body = Done))
)]
pub(crate) async fn stop(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Why>,
) -> Result<Response, Problem> {
    let reason = reason(given.reason, Reason::Optional)?;
    give(&api, &caller, &headers, Control::Stop, reason).await
}

/// Acknowledge an alert
#[utoipa::path(
    post,
    path = "/api/v1/alerts/{id}/ack",
    params(("id" = u64, Path, description = "the alert's id")),
    request_body = Why,
    responses((status = 200, body = Done), (status = 404, body = Problem))
)]
pub(crate) async fn acknowledge(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(given): Body<Why>,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("no alert that is kept has that id");
    let id: u64 = id.parse().map_err(|_| unknown())?;
    let mut known = false;
    api.system.lists(&mut |lists| known = lists.alert(id).is_some());
    if !known {
        return Err(unknown());
    }
    let reason = reason(given.reason, Reason::Optional)?;
    give(&api, &caller, &headers, Control::Acknowledge(id), reason).await
}
