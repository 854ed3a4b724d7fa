//! Who may do what: every route with every role, and what never gets in (S5, S6, S7, API2, API5).

use server::auth::Role;
use server::{ACCESS, Access};

use crate::client::Site;

/// Returns a path of the table with its blanks filled in.
fn filled(path: &str) -> String {
    path.replace("{client_id}", "BW-7-0-0E").replace("{id}", "1").replace("{name}", "storm")
}

/// S5, API5: each route with no token, and with each role: below its own it is refused, from its
/// own on it is not.
#[test]
fn every_route_with_every_role() {
    let site = Site::new();
    site.core.bar();
    for (method, path, access) in ACCESS {
        let ask =
            |role| site.ask(role, method, &filled(path), if *method == "GET" { "" } else { "{}" });
        for role in [None, Some(Role::Viewer), Some(Role::Operator), Some(Role::Admin)] {
            if *path == "/api/v1/tokens/{name}" && role == Some(Role::Admin) {
                continue;
            }
            let reply = ask(role);
            let expected = match (access, role) {
                (Access::Open, _) => None,
                (Access::Role(_), None) => Some(401),
                (Access::Role(needed), Some(role)) => (role < *needed).then_some(403),
            };
            match expected {
                Some(status) => {
                    // Whoever tries too many wrong tokens is told that first (S7).
                    if role.is_none() && reply.status == 429 {
                        continue;
                    }
                    assert_eq!(reply.status, status, "{method} {path} as {role:?}: {reply:?}");
                    assert!(reply.head.contains("application/problem+json"), "{reply:?}");
                    assert_eq!(reply.body["status"], status);
                }
                None => assert!(
                    ![401, 403, 404, 405, 429, 500].contains(&reply.status)
                        || reply.body["detail"].as_str().is_some_and(|d| d.contains("alert")),
                    "{method} {path} as {role:?}: {reply:?}"
                ),
            }
        }
        // The rate of a token is 20 a second (S7): this is no flood.
        std::thread::sleep(std::time::Duration::from_millis(60));
    }
}

/// API2: what is no token, in whatever way.
#[test]
fn wrong_tokens_are_refused() {
    let site = Site::new();
    let good = site.token(Role::Viewer).to_owned();
    for wrong in [
        "Bearer bw_",
        "Bearer ",
        &format!("Basic {good}"),
        &format!("Bearer {}", &good[..66]),
        &format!("Bearer {}", good.to_uppercase()),
    ] {
        let reply = site.send("GET", "/api/v1/status", &format!("Authorization: {wrong}\r\n"), "");
        assert_eq!(reply.status, 401, "{wrong}");
        assert!(reply.head.contains("www-authenticate: bearer"));
    }
    let path = format!("/api/v1/status?token={good}");
    assert_eq!(site.send("GET", &path, "", "").status, 401, "S4: never in a URL");
    site.auth.revoke("viewer", runtime::clock::wall()).unwrap();
    assert_eq!(site.get(Role::Viewer, "/api/v1/status").status, 401, "revoked: at once");
}

/// S6: no command from another page, under another name, or without being JSON; nothing of a
/// browser's is let near what is served.
#[test]
fn foreign_pages_command_nothing() {
    let site = Site::new();
    let token = format!("Authorization: Bearer {}\r\n", site.token(Role::Admin));
    let pause =
        |lines: &str| site.send("POST", "/api/v1/control/pause", &(token.clone() + lines), "{}");
    assert_eq!(pause("Origin: http://evil.example\r\n").status, 403);
    assert_eq!(pause("Origin: null\r\n").status, 403);
    assert_eq!(pause("Sec-Fetch-Site: cross-site\r\n").status, 403);
    assert!(site.core.given.lock().unwrap().is_empty());
    assert_eq!(pause(&format!("Origin: http://{}\r\n", site.address)).status, 200);

    let foreign = format!(
        "GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\n{token}Connection: close\r\n\r\n"
    );
    assert_eq!(site.raw(&foreign).status, 421, "DNS rebinding");
    let form = format!(
        "POST /api/v1/control/pause HTTP/1.1\r\nHost: {}\r\n{token}Content-Type: text/plain\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{{}}",
        site.address
    );
    assert_eq!(site.raw(&form).status, 415);

    let reply = site.get(Role::Viewer, "/api/v1/status");
    for header in [
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "cache-control: no-store",
    ] {
        assert!(reply.head.contains(header), "{header}");
    }
    assert!(!reply.head.contains("access-control"), "no CORS");
}

/// S7: bodies and heads are bounded, JSON is shallow, unknown fields and methods are refused.
#[test]
fn requests_are_bounded() {
    let site = Site::new();
    let pause = |body: &str| site.post(Role::Admin, "/api/v1/control/pause", body);
    assert_eq!(pause(&format!("{{\"reason\":\"{}\"}}", "x".repeat(70_000))).status, 413);
    assert_eq!(pause(&format!("{{\"reason\":{}1{}}}", "[".repeat(40), "]".repeat(40))).status, 400);
    assert_eq!(pause("{\"reason\":\"x\",\"mode\":\"live\"}").status, 400, "API3");
    assert_eq!(pause("{").status, 400);
    assert_eq!(pause(&format!("{{\"reason\":\"{}\"}}", "x".repeat(501))).status, 422);
    assert_eq!(pause("{\"reason\":\"a\\nb\"}").status, 422, "one line: it stands in logs");
    assert_eq!(pause("{\"scope\":\"symbol:NOPE\"}").status, 422);
    assert_eq!(site.ask(Some(Role::Admin), "DELETE", "/api/v1/status", "").status, 405);
    assert_eq!(site.get(Role::Admin, "/api/v1/nothing").status, 404);
    assert_eq!(site.get(Role::Viewer, "/api/v1/fills?limit=x").status, 400);
    assert_eq!(site.get(Role::Viewer, "/api/v1/fills?cursor=x").status, 400);
    let long = format!("X-Long: {}\r\n", "x".repeat(20_000));
    assert_eq!(site.send("GET", "/health", &long, "").status, 431);
    assert!(site.core.given.lock().unwrap().is_empty(), "none of it reached the core");
}

/// S7: each token has its own rate; an emergency stop has none.
#[test]
fn a_tokens_rate_is_bounded() {
    let site = Site::new();
    let statuses: Vec<u16> =
        (0..120).map(|_| site.get(Role::Operator, "/api/v1/queues").status).collect();
    assert!(statuses.contains(&429) && statuses[0] == 200, "{statuses:?}");
    assert_eq!(site.get(Role::Viewer, "/api/v1/queues").status, 200, "another token is free");
    let stop = site.post(Role::Operator, "/api/v1/control/emergency-stop", "{}");
    assert_eq!(stop.status, 200, "{stop:?}");
}

/// S8: refused attempts are told to the core, who tried what from where; the first at once, a flood
/// of them in bundles; and they become an alert. Whoever only looks without a token tries nothing.
#[test]
fn refused_attempts_become_an_alert() {
    let site = Site::new();
    assert_eq!(site.send("GET", "/api/v1/status", "", "").status, 401);
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(site.core.refused.lock().unwrap().is_empty());
    assert_eq!(site.post(Role::Viewer, "/api/v1/control/pause", "{}").status, 403);
    let begin = std::time::Instant::now();
    let alert = loop {
        let page = site.get(Role::Viewer, "/api/v1/alerts").body;
        let items = page["items"].as_array().unwrap().clone();
        if let Some(row) = items.iter().find(|row| row["kind"] == "auth_failures") {
            break row.clone();
        }
        assert!(begin.elapsed().as_secs() < 10, "{page}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!(alert["severity"], "warning");
    let text = alert["message"].as_str().unwrap();
    for words in ["POST /api/v1/control/pause", "viewer", "127.0.0.1"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("bw_"), "no part of a token: {text}");
    for _ in 0..30 {
        let wrong = "Authorization: Bearer bw_wrong\r\n";
        assert!([401, 429].contains(&site.send("GET", "/api/v1/orders", wrong, "").status));
    }
    let refused = site.core.refused.lock().unwrap();
    assert_eq!(refused.len(), 1, "a flood does not fill the inbox: {refused:?}");
    assert_eq!(refused[0].actor, "api");
}
