//! What is read and what is commanded, through real HTTP (contract.md 6).

use std::sync::atomic::Ordering;

use engine::Control;
use engine::risk_manager::Scope;
use model::SymbolId;
use serde_json::json;
use server::auth::Role;

use crate::client::Site;

/// Contract.md 6: what is open to everybody says whether the system lives and may trade.
#[test]
fn health_and_readiness() {
    let site = Site::new();
    let health = site.ask(None, "GET", "/health", "");
    assert_eq!((health.status, health.body["overall_status"].as_str()), (200, Some("healthy")));
    assert_eq!(health.body["components"].as_object().unwrap().len(), 8);
    let ready = site.ask(None, "GET", "/ready", "");
    assert_eq!((ready.status, &ready.body), (200, &json!({"ready": true, "reasons": []})));

    // F44: a core that hangs is red, and nothing that needs it is waited for.
    site.core.silent_ms.store(2_500, Ordering::Relaxed);
    let health = site.ask(None, "GET", "/health", "");
    assert_eq!((health.status, health.body["overall_status"].as_str()), (503, Some("error")));
    assert_eq!(site.ask(None, "GET", "/ready", "").status, 503);
    site.core.silent_ms.store(0, Ordering::Relaxed);

    site.post(Role::Operator, "/api/v1/control/pause", "{}");
    let ready = site.ask(None, "GET", "/ready", "");
    assert_eq!((ready.status, &ready.body["reasons"]), (503, &json!(["paused"])));
    assert_eq!(site.ask(None, "GET", "/health", "").status, 200, "a pause is no illness");
}

/// Contract.md 5, 6: status and lists.
#[test]
fn what_is_read() {
    let site = Site::new();
    site.core.bar();
    let get = |path: &str| site.get(Role::Viewer, path);
    let status = get("/api/v1/status").body;
    assert_eq!(
        (status["state"].as_str(), status["open_orders"].as_u64()),
        (Some("running"), Some(1))
    );
    let order = get("/api/v1/orders").body["items"][0].clone();
    assert_eq!(
        (order["client_id"].as_str(), order["state"].as_str()),
        (Some("BW-7-0-0E"), Some("sent"))
    );
    assert_eq!(get("/api/v1/orders/BW-7-0-0E").body, order);
    for unknown in ["BW-7-9-0E", "XX-7-0-0E", "nonsense"] {
        assert_eq!(get(&format!("/api/v1/orders/{unknown}")).status, 404, "API1: {unknown}");
    }
    let why = get("/api/v1/decisions?symbol=SYM0&date=2026-06-01").body;
    assert_eq!(why["items"][0]["rule"], "open");
    assert_eq!(get("/api/v1/decisions?symbol=SYM0&date=2026-06-02").body["items"], json!([]));
    assert_eq!(get("/api/v1/decisions?symbol=NOPE").status, 422);
    assert_eq!(get("/api/v1/decisions?date=yesterday").status, 422);
    for path in ["positions", "fills", "trades", "alerts", "signals"] {
        let page = get(&format!("/api/v1/{path}?limit=1"));
        assert!(page.body["items"].is_array() && page.status == 200, "{path}: {page:?}");
    }
    assert_eq!(get("/api/v1/queues").body.as_object().unwrap().len(), 6);
    assert_eq!(get("/api/v1/risk").body.as_array().unwrap().len(), 42);
    assert_eq!(get("/api/v1/strategies").body[0]["name"], "storm");
    assert_eq!(get("/api/v1/components").body["components"].as_object().unwrap().len(), 8);
    let document = site.ask(None, "GET", "/api/v1/openapi.json", "").body;
    assert!(document["paths"]["/api/v1/control/emergency-stop"]["post"].is_object());
}

/// Issue 5: the source's system events, each in the journal with who, from where and why (S8).
#[test]
fn commands_are_given_and_audited() {
    let site = Site::new();
    for (path, control) in [
        ("pause", Control::PauseTrading(Scope::All)),
        ("flatten", Control::Flatten(Scope::All)),
        ("rebalance", Control::Rebalance(Scope::All)),
        ("emergency-stop", Control::EmergencyStop(Scope::All)),
    ] {
        let body = json!({ "reason": format!("try {path}") }).to_string();
        let reply = site.post(Role::Operator, &format!("/api/v1/control/{path}"), &body);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        let given = site.core.given.lock().unwrap().pop().unwrap();
        assert_eq!(given.control, control);
        assert_eq!((given.actor.as_str(), given.reason), ("operator", format!("try {path}")));
        assert!(given.from.starts_with("127.0.0.1:"), "{}", given.from);
    }
    let scoped = json!({ "scope": "symbol:SYM1" }).to_string();
    site.post(Role::Operator, "/api/v1/control/pause", &scoped);
    let given = site.core.given.lock().unwrap().pop().unwrap();
    assert_eq!(given.control, Control::PauseTrading(Scope::Symbol(SymbolId(1))));
    let stop = site.post(Role::Operator, "/api/v1/control/stop", "{}");
    assert_eq!((stop.status, stop.body["done"].as_bool()), (200, Some(true)));
}

/// S5, I8: a resume takes an admin and a reason, and lifts what an emergency stop set.
#[test]
fn starting_is_hard() {
    let site = Site::new();
    site.post(Role::Operator, "/api/v1/control/emergency-stop", "{}");
    let resume = |role, body: &str| site.post(role, "/api/v1/control/resume", body).status;
    assert_eq!(resume(Role::Operator, "{\"reason\":\"all is well\"}"), 403);
    assert_eq!(resume(Role::Admin, "{}"), 422);
    assert_eq!(resume(Role::Admin, "{\"reason\":\"  \"}"), 422);
    assert_eq!(site.ask(None, "GET", "/ready", "").status, 503);
    assert_eq!(resume(Role::Admin, "{\"reason\":\"all is well\"}"), 200);
    assert_eq!(site.ask(None, "GET", "/ready", "").status, 200);
}

/// K4: 200 when it is durable, 202 when the disk does not answer; engaged either way.
#[test]
fn an_emergency_stop_says_whether_it_is_durable() {
    let site = Site::new();
    let stop = || site.post(Role::Operator, "/api/v1/control/emergency-stop", "{\"reason\":\"x\"}");
    let durable = stop();
    assert_eq!(
        (durable.status, &durable.body["engaged"], &durable.body["durable"]),
        (200, &json!(true), &json!(true))
    );
    site.core.disk.store(false, Ordering::Relaxed);
    let pending = stop();
    assert_eq!(
        (pending.status, &pending.body["engaged"], &pending.body["durable"]),
        (202, &json!(true), &json!(false))
    );
    // Nothing about the request keeps it from stopping but who asks, and for what.
    let lines = format!(
        "Authorization: Bearer {}\r\nIdempotency-Key: {}\r\n",
        site.token(Role::Operator),
        "k".repeat(200)
    );
    let odd = site.send("POST", "/api/v1/control/emergency-stop", &lines, "{\"reason\":\"a\\nb\"}");
    assert_eq!(odd.status, 202, "{odd:?}");
    let bare = format!(
        "POST /api/v1/control/emergency-stop HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Connection: close\r\n\r\n",
        site.address,
        site.token(Role::Operator)
    );
    assert_eq!(site.raw(&bare).status, 202, "without a body");
}

/// F46: the same key changes nothing the second time; keys of two callers do not meet.
#[test]
fn a_double_click_is_one_command() {
    let site = Site::new();
    let pause = |role: Role| {
        let lines =
            format!("Authorization: Bearer {}\r\nIdempotency-Key: one\r\n", site.token(role));
        site.send("POST", "/api/v1/control/pause", &lines, "{}")
    };
    assert!(pause(Role::Operator).body["text"].as_str().unwrap().starts_with("paused"));
    let again = pause(Role::Operator);
    assert_eq!((again.status, again.body["text"].as_str()), (200, Some("repeated")));
    assert_ne!(pause(Role::Admin).body["text"], "repeated");
}

/// Contract.md 3: operator decisions, and the core's own words when it refuses one.
#[test]
fn operator_decisions() {
    let site = Site::new();
    site.core.bar();
    let post = |role, path: &str, body: serde_json::Value| {
        site.post(role, &format!("/api/v1/{path}"), &body.to_string())
    };
    let cancel = post(Role::Operator, "orders/BW-7-0-0E/cancel", json!({}));
    assert_eq!(
        (cancel.status, cancel.body["text"].as_str()),
        (200, Some("the cancel is on its way"))
    );
    let unknown = post(Role::Operator, "orders/BW-7-99-0E/cancel", json!({}));
    assert_eq!((unknown.status, unknown.body["detail"].as_str()), (409, Some("no such order")));

    let resolve = |body| post(Role::Admin, "orders/BW-7-0-0E/resolve", body);
    let fine = resolve(json!({"as": "dead", "evidence": "the broker's screen"}));
    assert!(fine.status == 409 && fine.body["detail"].as_str().unwrap().contains("not in doubt"));
    assert_eq!(resolve(json!({"as": "dead"})).status, 422, "no evidence");
    assert_eq!(resolve(json!({"as": "filled", "evidence": "x"})).status, 422, "how much?");
    assert_eq!(resolve(json!({"as": "gone", "evidence": "x"})).status, 422);

    let adjust = json!({"broker": "paper", "symbol": "SYM1", "quantity": "10", "price": "9.50"});
    assert_eq!(post(Role::Admin, "positions/adjust", adjust.clone()).status, 422, "no reason");
    let mut with = adjust;
    with["reason"] = json!("the broker's statement");
    assert_eq!(post(Role::Admin, "positions/adjust", with.clone()).status, 200);
    let held = site.get(Role::Viewer, "/api/v1/positions").body["items"][0].clone();
    assert_eq!((held["symbol"].as_str(), held["quantity"].as_str()), (Some("SYM1"), Some("10")));
    assert!(held["strategy"].is_null());
    with["broker"] = json!("ibkr");
    assert_eq!(post(Role::Admin, "positions/adjust", with).status, 422);
    let claim = json!({"broker": "paper", "symbol": "SYM1", "strategy": "storm", "reason": "ours"});
    assert_eq!(post(Role::Admin, "positions/claim", claim).status, 200);

    let disable = post(Role::Operator, "strategies/storm/disable", json!({}));
    assert_eq!(disable.status, 200, "{disable:?}");
    let row = site.get(Role::Viewer, "/api/v1/strategies").body[0].clone();
    assert_eq!((&row["enabled"], &row["blocked_by"]), (&json!(false), &json!(["operator"])));
    assert_eq!(post(Role::Admin, "strategies/storm/enable", json!({"reason": "x"})).status, 200);
    assert_eq!(post(Role::Admin, "strategies/nope/enable", json!({"reason": "x"})).status, 404);
    let moved =
        post(Role::Admin, "strategies/storm/stage", json!({"stage": "paper", "reason": "x"}));
    assert_eq!(moved.status, 200, "{moved:?}");
    let too_far =
        post(Role::Admin, "strategies/storm/stage", json!({"stage": "live", "reason": "x"}));
    assert_eq!(too_far.status, 409);
    assert_eq!(post(Role::Admin, "clock/accept", json!({"reason": "x"})).status, 200);
}

/// C42: an operator lowers at once and raises nothing; an admin raises with a reason.
#[test]
fn limits_are_lowered_easily() {
    let site = Site::new();
    let set = |role, max: u32, reason: &str| {
        let body = json!({"limits": {"max_positions": max}, "reason": reason}).to_string();
        site.post(role, "/api/v1/limits", &body)
    };
    assert_eq!(set(Role::Operator, 3, "").status, 200);
    let raised = set(Role::Operator, 4, "please");
    assert!(raised.status == 409 && raised.body["detail"].as_str().unwrap().contains("admin"));
    assert_eq!(set(Role::Admin, 4, "").status, 409, "without a reason");
    assert_eq!(set(Role::Admin, 4, "more symbols today").status, 200);
    let may: Vec<bool> = site.core.limits.lock().unwrap().iter().map(|c| c.may_raise).collect();
    assert_eq!(may, [false, false, false, true]);
    let unknown = site.post(Role::Operator, "/api/v1/limits", "{\"limits\":{\"mode\":1}}");
    assert_eq!(unknown.status, 422);
}

/// S8: an alert that is acknowledged bears who did it; one that is not there is not found.
#[test]
fn alerts_are_acknowledged() {
    let site = Site::new();
    site.post(Role::Operator, "/api/v1/control/emergency-stop", "{}");
    let alerts = || site.get(Role::Viewer, "/api/v1/alerts").body["items"].clone();
    let id = alerts()[0]["id"].as_u64().unwrap();
    let ack = site.post(Role::Operator, &format!("/api/v1/alerts/{id}/ack"), "{}");
    assert_eq!(ack.status, 200, "{ack:?}");
    assert_eq!(alerts()[0]["acknowledged_by"], "operator");
    assert_eq!(site.post(Role::Operator, "/api/v1/alerts/999999/ack", "{}").status, 404);
}

/// S4: an admin makes, lists and revokes tokens of the running system.
#[test]
fn tokens_through_the_api() {
    let site = Site::new();
    let made = site.post(Role::Admin, "/api/v1/tokens", "{\"name\":\"ci\",\"role\":\"viewer\"}");
    assert_eq!(made.status, 201, "{made:?}");
    let lines = format!("Authorization: Bearer {}\r\n", made.body["token"].as_str().unwrap());
    assert_eq!(site.send("GET", "/api/v1/status", &lines, "").status, 200);
    let taken = site.post(Role::Admin, "/api/v1/tokens", "{\"name\":\"ci\",\"role\":\"viewer\"}");
    assert_eq!(taken.status, 409);
    let odd = site.post(Role::Admin, "/api/v1/tokens", "{\"name\":\"x\",\"role\":\"root\"}");
    assert_eq!(odd.status, 422);
    let list = site.get(Role::Admin, "/api/v1/tokens");
    assert_eq!(list.body[0]["name"], "ci");
    assert!(!format!("{:?}", list.body).contains("bw_"), "I18");
    assert_eq!(site.ask(Some(Role::Admin), "DELETE", "/api/v1/tokens/ci", "").status, 204);
    assert_eq!(site.send("GET", "/api/v1/status", &lines, "").status, 401);
    assert_eq!(site.ask(Some(Role::Admin), "DELETE", "/api/v1/tokens/ci", "").status, 404);
}
