//! What is asked without a token: does it live, may it open positions.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runtime::view::Health;
use serde::Serialize;

use crate::api::Api;

/// How long the core's loop may be silent (F44).
const SILENT: Duration = Duration::from_secs(2);

/// Does it live
///
/// 200 while the core's loop turns, else 503. It never depends on brokers or databases.
#[utoipa::path(
    get,
    path = "/health",
    responses((status = 200, body = Health), (status = 503, body = Health))
)]
pub(crate) async fn health(State(api): State<Arc<Api>>) -> Response {
    let turns = api.system.core_silence() <= SILENT;
    let status = if turns { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(api.health())).into_response()
}

/// Whether positions may be opened.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Ready {
    /// The gate is open.
    ready: bool,
    /// What keeps it shut.
    reasons: Vec<String>,
}

/// May it open positions
///
/// 200 when the gate is open, else 503 with reasons. A market that is merely closed is ready.
#[utoipa::path(
    get,
    path = "/ready",
    responses((status = 200, body = Ready), (status = 503, body = Ready))
)]
pub(crate) async fn ready(State(api): State<Arc<Api>>) -> Response {
    let view = api.system.view();
    let mut reasons = view.status.gate.reasons.clone();
    if api.system.core_silence() > SILENT {
        reasons.push("the core's loop does not turn".to_owned());
    }
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, reasons })).into_response()
}
