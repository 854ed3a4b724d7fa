//! The API's router with its state, and the OpenAPI document that is made from it (API9).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use engine::lifecycle::health::HeartbeatLimits;
use engine::risk_manager::Limits;
use model::SECOND_NS;
use runtime::view::Health;
use serde_json::{Map, Value};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::KILL;
use crate::auth::Auth;
use crate::guard::{Hosts, Rates, Refusals, check};
use crate::problem::Problem;
use crate::routes::{control, operating, probes, reading, tokens};
use crate::system::System;

/// Reads limits by their names in the configuration on top of those in force; says what is wrong.
pub type ReadLimits =
    Arc<dyn Fn(&Limits, &Map<String, Value>) -> Result<Limits, String> + Send + Sync>;

/// What every handler works with.
pub(crate) struct Api {
    pub(crate) system: Arc<dyn System>,
    /// None where `server.auth` is off.
    pub(crate) auth: Option<Arc<Auth>>,
    pub(crate) read_limits: ReadLimits,
    pub(crate) hosts: Hosts,
    pub(crate) rates: Rates,
    pub(crate) refusals: Refusals,
    /// How many emergency stops callers were told of; a view that was published before may not
    /// know the last of them yet.
    pub(crate) kills: AtomicU64,
}

impl Api {
    /// Returns how many emergency stops whoever asks now can know of (F46).
    pub(crate) fn kills_seen(&self) -> u64 {
        self.kills.load(Ordering::Acquire).max(self.system.view().status.kill.count)
    }

    /// Judges the system's health now.
    pub(crate) fn health(&self) -> Health {
        let now = runtime::clock::wall();
        let silence = i64::try_from(self.system.core_silence().as_nanos()).unwrap_or(i64::MAX);
        // F44: a core that hangs is red after two seconds.
        let limits = HeartbeatLimits { probe_ns: 2 * SECOND_NS, ..HeartbeatLimits::default() };
        self.system.view().health.judge(now, now.plus_nanos(-silence), true, &limits)
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Bellwether",
    description = "A running trading system: what it does, why, and how to stop it. Money, prices \
                   and quantities are decimal strings; times are RFC 3339 in UTC."
))]
struct Document;

fn described() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(probes::health))
        .routes(routes!(probes::ready))
        .routes(routes!(reading::status))
        .routes(routes!(reading::components))
        .routes(routes!(reading::queues))
        .routes(routes!(reading::positions))
        .routes(routes!(reading::orders))
        .routes(routes!(reading::order))
        .routes(routes!(reading::fills))
        .routes(routes!(reading::trades))
        .routes(routes!(reading::alerts))
        .routes(routes!(reading::signals))
        .routes(routes!(reading::decisions))
        .routes(routes!(reading::risk))
        .routes(routes!(reading::strategies))
        .routes(routes!(control::pause))
        .routes(routes!(control::resume))
        .routes(routes!(control::emergency_stop))
        .routes(routes!(control::flatten))
        .routes(routes!(control::rebalance))
        .routes(routes!(control::stop))
        .routes(routes!(control::acknowledge))
        .routes(routes!(operating::cancel_order))
        .routes(routes!(operating::resolve_order))
        .routes(routes!(operating::adjust_position))
        .routes(routes!(operating::claim_position))
        .routes(routes!(operating::set_limits))
        .routes(routes!(operating::disable_strategy))
        .routes(routes!(operating::enable_strategy))
        .routes(routes!(operating::move_strategy))
        .routes(routes!(operating::accept_clock))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(openapi_json))
}

/// Returns the API's description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, mut document) = described().split_for_parts();
    document.info.version = "1".to_owned();
    document
}

/// This description
#[utoipa::path(get, path = "/api/v1/openapi.json", responses((status = 200)))]
async fn openapi_json() -> Response {
    axum::Json(openapi()).into_response()
}

/// Makes the whole router.
pub(crate) fn router(api: &Arc<Api>) -> Router {
    let (router, _) = described().split_for_parts();
    router
        .fallback(|| async { Problem::not_found("there is no such path") })
        .layer(from_fn_with_state(Arc::clone(api), check))
        .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response()))
        .with_state(Arc::clone(api))
}

/// Makes the router of connections for which there is no room any more: they may stop the system
/// and ask whether it lives, nothing else (S7).
pub(crate) fn reserved(api: &Arc<Api>) -> Router {
    Router::new()
        .route(KILL, post(control::emergency_stop))
        .route("/health", get(probes::health))
        .route_layer(from_fn_with_state(Arc::clone(api), check))
        .fallback(|| async {
            Problem::unavailable("all connections are in use; an emergency stop still gets through")
        })
        .with_state(Arc::clone(api))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::access::ACCESS;

    /// S5, API5, API9: the table of roles and the router's own description name the same routes,
    /// so that there is no route without a rule and none that is not described.
    #[test]
    fn every_route_has_its_rule() {
        let document = serde_json::to_value(openapi()).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.insert((method.to_uppercase(), path.clone()));
            }
        }
        let table: BTreeSet<_> =
            ACCESS.iter().map(|(m, p, _)| ((*m).to_owned(), (*p).to_owned())).collect();
        assert_eq!(described, table);
        assert_eq!(table.len(), ACCESS.len(), "no rule twice");
    }
}
