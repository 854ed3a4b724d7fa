//! An operator's decisions: on orders in doubt, on positions, limits, strategies and the clock
//! (R7, C34, C38, C42, F43, journal.md 11).

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use engine::risk_manager::{Scope, Stage};
use engine::{Control, LimitChange, Resolution, SlotKey};
use model::{ClientOrderId, OrderNumber, Price, Quantity};
use runtime::view::UnknownName;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::giving::{Done, PATIENCE, Reason, answer, give, key, reason};
use crate::api::Api;
use crate::auth::Role;
use crate::body::Body;
use crate::guard::Caller;
use crate::problem::Problem;

/// Why.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// Why.
    reason: Option<String>,
}

fn unknown(error: UnknownName) -> Problem {
    Problem::invalid(error.to_string())
}

fn order_number(id: &str) -> Result<OrderNumber, Problem> {
    let id = id.parse().map(|id: ClientOrderId| id.number);
    id.map_err(|_| Problem::not_found("no order of this system has that id"))
}

/// Cancel an entry order; protective and exit orders are not cancelled by hand
#[utoipa::path(
    post,
    path = "/api/v1/orders/{client_id}/cancel",
    params(("client_id" = String, Path, description = "our id, of whichever attempt")),
    request_body = Why,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn cancel_order(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(given): Body<Why>,
) -> Result<Response, Problem> {
    let control = Control::CancelOrder(order_number(&id)?);
    let reason = reason(given.reason, Reason::Optional)?;
    give(&api, &caller, &headers, control, reason).await
}

/// What became of an order in doubt.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fate {
    /// `dead` or `filled`.
    #[serde(rename = "as")]
    #[schema(rename = "as")]
    fate: String,
    /// Shares filled in all, for `filled`.
    #[schema(value_type = Option<String>)]
    quantity: Option<Quantity>,
    /// At what average price, for `filled`.
    #[schema(value_type = Option<String>)]
    price: Option<Price>,
    /// How it is known.
    evidence: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// Say what became of an order whose fate is not known (R7); takes evidence
#[utoipa::path(
    post,
    path = "/api/v1/orders/{client_id}/resolve",
    params(("client_id" = String, Path, description = "our id, of whichever attempt")),
    request_body = Fate,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn resolve_order(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(given): Body<Fate>,
) -> Result<Response, Problem> {
    let order = order_number(&id)?;
    let resolution = match (given.fate.as_str(), given.quantity, given.price) {
        ("dead", None, None) => Resolution::Dead,
        ("filled", Some(quantity), Some(price)) => Resolution::Filled { quantity, price },
        ("filled", _, _) => {
            let detail = "`filled` takes quantity and price: what was filled in all";
            return Err(Problem::invalid(detail));
        }
        _ => {
            return Err(Problem::invalid("as: take dead or filled; dead has no quantity or price"));
        }
    };
    let evidence = given.evidence.or(given.reason);
    let evidence = reason(evidence, Reason::Required)?;
    give(&api, &caller, &headers, Control::Resolve { order, resolution }, evidence).await
}

/// Shares that our books lack at a broker.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Adjustment {
    /// Where.
    broker: String,
    /// Which symbol.
    symbol: String,
    /// Shares to add, negative to take away.
    #[schema(value_type = String)]
    quantity: Quantity,
    /// At which price they count.
    #[schema(value_type = String)]
    price: Price,
    /// Why.
    reason: Option<String>,
}

/// Correct what our books hold at a broker (C34); nothing is traded
#[utoipa::path(
    post,
    path = "/api/v1/positions/adjust",
    request_body = Adjustment,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn adjust_position(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Adjustment>,
) -> Result<Response, Problem> {
    let run = api.system.run();
    let broker = run.find_broker(&given.broker).map_err(unknown)?;
    let symbol = run.find_symbol(&given.symbol).map_err(unknown)?;
    let Adjustment { quantity, price, reason: why, .. } = given;
    if !price.is_positive() {
        return Err(Problem::invalid("price: shares count at a price above zero"));
    }
    let reason = reason(why, Reason::Required)?;
    let control = Control::Adjust { broker, symbol, quantity, price };
    give(&api, &caller, &headers, control, reason).await
}

/// What is held without a plan, and who shall have it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// Where it is held.
    broker: String,
    /// Which symbol.
    symbol: String,
    /// Which strategy shall have it.
    strategy: String,
    /// Why.
    reason: Option<String>,
}

/// Give what is held without a plan to a strategy, which may then close it (F18)
#[utoipa::path(
    post,
    path = "/api/v1/positions/claim",
    request_body = Claim,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn claim_position(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Claim>,
) -> Result<Response, Problem> {
    let run = api.system.run();
    let broker = run.find_broker(&given.broker).map_err(unknown)?;
    let symbol = run.find_symbol(&given.symbol).map_err(unknown)?;
    let strategy = run.find_strategy(&given.strategy).map_err(unknown)?;
    let reason = reason(given.reason, Reason::Required)?;
    let control = Control::Claim { broker, slot: SlotKey { strategy, symbol } };
    give(&api, &caller, &headers, control, reason).await
}

/// Limits by their names in the section `[risk]` of the configuration.
#[derive(Clone, PartialEq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The limits to change; the others stay.
    #[schema(value_type = Object)]
    limits: Map<String, Value>,
    /// Why.
    reason: Option<String>,
}

/// Change limits (C42): what is stricter holds at once; what is looser takes an admin, a reason
/// and a minute
#[utoipa::path(
    post,
    path = "/api/v1/limits",
    request_body = Wanted,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn set_limits(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Wanted>,
) -> Result<Response, Problem> {
    let now = &api.system.view().limits;
    let limits = (api.read_limits)(now, &given.limits).map_err(Problem::invalid)?;
    let reason = reason(given.reason, Reason::Optional)?;
    // The core takes what is stricter from anybody, and what is looser only with this.
    let may_raise = caller.who.role == Role::Admin && !reason.is_empty();
    let key = key(&headers, &caller)?;
    let (actor, from) = (caller.who.name, caller.from);
    let wanted = Value::Object(given.limits);
    tracing::info!(audit = true, %actor, %from, limits = %wanted, may_raise, %reason, "limits were given");
    let change = LimitChange { limits, may_raise, actor, from, reason, key };
    answer(tokio::time::timeout(PATIENCE, api.system.limits(change)).await)
}

async fn strategy(
    api: &Arc<Api>,
    caller: &Caller,
    headers: &HeaderMap,
    name: &str,
    reason: String,
    control: impl FnOnce(model::StrategyId) -> Control,
) -> Result<Response, Problem> {
    let id = api.system.run().find_strategy(name);
    let id = id.map_err(|error| Problem::not_found(error.to_string()))?;
    give(api, caller, headers, control(id), reason).await
}

/// Let a strategy open nothing any more; its exits go on
#[utoipa::path(
    post,
    path = "/api/v1/strategies/{name}/disable",
    params(("name" = String, Path, description = "NAME or NAME@tag")),
    request_body = Why,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn disable_strategy(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(given): Body<Why>,
) -> Result<Response, Problem> {
    let why = reason(given.reason, Reason::Optional)?;
    let control = |id| Control::PauseTrading(Scope::Strategy(id));
    strategy(&api, &caller, &headers, &name, why, control).await
}

/// Let a strategy open positions again after it was disabled, by a person or by a control (F43)
#[utoipa::path(
    post,
    path = "/api/v1/strategies/{name}/enable",
    params(("name" = String, Path, description = "NAME or NAME@tag")),
    request_body = Why,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn enable_strategy(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(given): Body<Why>,
) -> Result<Response, Problem> {
    let why = reason(given.reason, Reason::Required)?;
    let control = |id| Control::ResumeTrading(Scope::Strategy(id));
    strategy(&api, &caller, &headers, &name, why, control).await
}

/// Where a strategy shall stand.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    /// `backtest`, `paper`, `live_small`; `live` comes by itself.
    stage: String,
    /// Why.
    reason: Option<String>,
}

/// Move a strategy one step up or any down (C38)
#[utoipa::path(
    post,
    path = "/api/v1/strategies/{name}/stage",
    params(("name" = String, Path, description = "NAME or NAME@tag")),
    request_body = Move,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn move_strategy(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(given): Body<Move>,
) -> Result<Response, Problem> {
    let stages = [Stage::Backtest, Stage::Paper, Stage::LiveSmall, Stage::Live];
    let to = stages.into_iter().find(|stage| stage.name() == given.stage);
    let to = to.ok_or_else(|| {
        Problem::invalid("stage: take backtest, paper or live_small; live comes by itself (C38)")
    })?;
    let why = reason(given.reason, Reason::Required)?;
    let control = |id| Control::Promote { strategy: id, to };
    strategy(&api, &caller, &headers, &name, why, control).await
}

/// Accept that engine time is anchored anew to the wall clock (journal.md 11)
#[utoipa::path(
    post,
    path = "/api/v1/clock/accept",
    request_body = Why,
    responses((status = 200, body = Done), (status = 409, body = Problem))
)]
pub(crate) async fn accept_clock(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(given): Body<Why>,
) -> Result<Response, Problem> {
    let reason = reason(given.reason, Reason::Required)?;
    let control = Control::AcceptClock(runtime::clock::wall());
    give(&api, &caller, &headers, control, reason).await
}
