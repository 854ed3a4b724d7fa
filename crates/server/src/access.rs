//! Who may use which route: one table (S5, API5).
//!
//! Stopping is easy, starting is hard: whatever can only reduce what is open takes an operator,
//! whatever can open more takes an admin and a reason. Invariant: a route that is not in the table
//! is refused to everybody; a test compares the table with the router.

use crate::auth::Role;

/// What a route asks of its caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Nothing.
    Open,
    /// At least this role.
    Role(Role),
}

const OPEN: Access = Access::Open;
const VIEWER: Access = Access::Role(Role::Viewer);
const OPERATOR: Access = Access::Role(Role::Operator);
const ADMIN: Access = Access::Role(Role::Admin);

/// Every route: method, path, what it asks for.
pub const ACCESS: &[(&str, &str, Access)] = &[
    ("GET", "/health", OPEN),
    ("GET", "/ready", OPEN),
    ("GET", "/api/v1/openapi.json", OPEN),
    ("GET", "/api/v1/status", VIEWER),
    ("GET", "/api/v1/components", VIEWER),
    ("GET", "/api/v1/queues", VIEWER),
    ("GET", "/api/v1/positions", VIEWER),
    ("GET", "/api/v1/orders", VIEWER),
    ("GET", "/api/v1/orders/{client_id}", VIEWER),
    ("GET", "/api/v1/fills", VIEWER),
    ("GET", "/api/v1/trades", VIEWER),
    ("GET", "/api/v1/alerts", VIEWER),
    ("GET", "/api/v1/signals", VIEWER),
    ("GET", "/api/v1/decisions", VIEWER),
    ("GET", "/api/v1/risk", VIEWER),
    ("GET", "/api/v1/strategies", VIEWER),
    ("POST", "/api/v1/control/pause", OPERATOR),
    ("POST", "/api/v1/control/emergency-stop", OPERATOR),
    ("POST", "/api/v1/control/flatten", OPERATOR),
    ("POST", "/api/v1/control/rebalance", OPERATOR),
    ("POST", "/api/v1/control/stop", OPERATOR),
    ("POST", "/api/v1/control/resume", ADMIN),
    ("POST", "/api/v1/alerts/{id}/ack", OPERATOR),
    ("POST", "/api/v1/orders/{client_id}/cancel", OPERATOR),
    ("POST", "/api/v1/orders/{client_id}/resolve", ADMIN),
    ("POST", "/api/v1/positions/adjust", ADMIN),
    ("POST", "/api/v1/positions/claim", ADMIN),
    // Lowering is an operator's; the handler lets only an admin raise (C42).
    ("POST", "/api/v1/limits", OPERATOR),
    ("POST", "/api/v1/strategies/{name}/disable", OPERATOR),
    ("POST", "/api/v1/strategies/{name}/enable", ADMIN),
    ("POST", "/api/v1/strategies/{name}/stage", ADMIN),
    ("POST", "/api/v1/clock/accept", ADMIN),
    ("GET", "/api/v1/tokens", ADMIN),
    ("POST", "/api/v1/tokens", ADMIN),
    ("DELETE", "/api/v1/tokens/{name}", ADMIN),
];

/// The route that no flood and no quota may keep anybody from (S7).
pub(crate) const KILL: &str = "/api/v1/control/emergency-stop";

/// Returns what a route asks for; `None` for one that is not in the table.
pub(crate) fn access(method: &str, path: &str) -> Option<Access> {
    // A HEAD is a GET without a body.
    let method = if method == "HEAD" { "GET" } else { method };
    ACCESS.iter().find(|(m, p, _)| *m == method && *p == path).map(|(_, _, access)| *access)
}
