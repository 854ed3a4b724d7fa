//! Floods: whatever is going on at the API, an emergency stop gets through (S7, F47).

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use server::auth::Role;
use server::{ServeError, Server, Settings};

use crate::client::Site;

/// S7: all connections are taken by callers that say nothing, and so is the room beyond them: a
/// stop is answered all the same, other requests are told that there is no room.
#[test]
fn a_stop_gets_through_when_no_connection_is_left() {
    let site = Site::new();
    let idle: Vec<TcpStream> =
        (0..256 + 40).map(|_| TcpStream::connect(site.address).unwrap()).collect();
    // Some of them begin to say something and never end.
    for mut stream in idle.iter().take(150) {
        stream.write_all(b"GET /health HT").unwrap();
    }
    let begin = Instant::now();
    let stop = site.post(Role::Operator, "/api/v1/control/emergency-stop", "{}");
    assert_eq!(stop.status, 200, "{stop:?}");
    println!("emergency stop beside 296 idle connections: {:?}", begin.elapsed());
    let status = site.get(Role::Viewer, "/api/v1/status");
    assert!(status.status == 503 || status.status == 200, "{status:?}");
    let health = site.ask(None, "GET", "/health", "");
    assert_eq!(health.status, 200, "a probe is no reason to restart: {health:?}");
    drop(idle);
    // The heads that never came run out after five seconds, then there is room again.
    let patience = Instant::now();
    while site.get(Role::Viewer, "/api/v1/status").status != 200 {
        assert!(patience.elapsed() < Duration::from_secs(30), "no room again");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// S1: not reachable from outside without TLS, not open with money.
#[test]
fn unsafe_settings_are_refused() {
    let site = Site::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let start = |listen: &str, live: bool| {
        let settings = Settings {
            listen: listen.parse().unwrap(),
            auth: None,
            live,
            read_limits: std::sync::Arc::new(|limits, _| Ok(limits.clone())),
        };
        let core: std::sync::Arc<crate::core::Core> = std::sync::Arc::clone(&site.core);
        Server::start(core, settings, runtime.handle()).map(|_| ())
    };
    for outside in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        assert!(matches!(start(outside, false), Err(ServeError::Exposed(_))), "{outside}");
    }
    assert!(matches!(start("127.0.0.1:0", true), Err(ServeError::OpenInLive)));
    let taken = start(&site.address.to_string(), false);
    assert!(matches!(taken, Err(ServeError::Bind { .. })), "{taken:?}");
}
