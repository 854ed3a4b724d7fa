//! The commands that speak to a running system, and tokens on the data directory (contract.md 3, 6).

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::thread::JoinHandle;

use crate::support::Desk;

/// Answers one request with a status and a document, and returns what was asked.
fn answering(status: u16, body: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut part) = (Vec::new(), [0; 4_096]);
        loop {
            let read = stream.read(&mut part).unwrap();
            request.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&request);
            let head = text.split_once("\r\n\r\n");
            let length = |head: &str| {
                let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                line.map_or(0, |length| length.parse::<usize>().unwrap())
            };
            if read == 0 || head.is_some_and(|(head, body)| body.len() >= length(head)) {
                break;
            }
        }
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, asked)
}

/// Contract.md 2: 69 when nothing listens, for whoever asks or commands.
#[test]
fn nothing_listens() {
    let desk = Desk::new();
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for command in
        ["status", "health --json", "orders", "why SPY", "pause", "stop --dry-run", "ack 3"]
    {
        let answer = desk.run(&format!("{command} --url http://{free}"));
        answer.refused(69, &["no system answers", "bellwether run"]);
    }
    desk.run("status --url 127.0.0.1:8080").refused(64, &["http://127.0.0.1:8080"]);
    desk.run("status --url https://desk").refused(64, &["plain HTTP"]);
    desk.run("status --token-file none").refused(66, &["none", "tokens create"]);
    let odd = desk.file("odd.token", "secret\n");
    desk.run(&format!("status --token-file {}", odd.display())).refused(78, &["bw_"]);
}

/// Contract.md 3: a command carries its reason, its scope, a token and a key of its own.
#[test]
fn a_command_is_sent_whole() {
    let desk = Desk::new();
    let token =
        desk.json("tokens create desk --role operator")["token"].as_str().unwrap().to_owned();
    let file = desk.file("desk.token", &token);
    let (url, asked) = answering(200, r#"{"done":true,"text":"paused","seq":7,"durable":true}"#);
    let with = format!("--url {url} --token-file {}", file.display());
    let answer = desk.run(&format!("pause --reason because --scope symbol:SPY --json {with}"));
    assert_eq!((answer.code, answer.document()["seq"].as_u64()), (0, Some(7)), "{}", answer.stderr);
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("POST /api/v1/control/pause HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("authorization: Bearer {token}\r\n")));
    assert!(
        asked.contains("idempotency-key: ") && asked.contains("content-type: application/json")
    );
    assert!(asked.ends_with(r#"{"reason":"because","scope":"symbol:SPY"}"#), "{asked}");
}

/// Contract.md 2: a refusal is exit 1 in the system's own words; a token never stands in them (I18).
#[test]
fn a_refusal_is_no() {
    let desk = Desk::new();
    let problem = r#"{"type":"urn:bellwether:problem:forbidden","title":"Not allowed","status":403,
        "detail":"this takes the role admin bw_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}"#;
    let (url, _asked) = answering(403, problem);
    let answer = desk.run(&format!("resume --reason x --url {url}"));
    answer.refused(1, &["Not allowed", "role admin", "tokens create NAME --role admin", "bw_***"]);
    assert!(!answer.stderr.contains("0123456789abcdef"));
    let (url, _asked) = answering(503, "");
    desk.run(&format!("positions --url {url}")).refused(1, &["HTTP status 503"]);
}

/// Contract.md 5: an ill system is the answer no, with its document.
#[test]
fn an_ill_system_is_no() {
    let desk = Desk::new();
    let body = r#"{"overall_status":"error","components":{"risk_manager":{"running":true,"is_healthy":false,"last_heartbeat":null}},"issues":["risk_manager was last heard of 9 s ago"]}"#;
    let (url, _asked) = answering(503, body);
    let answer = desk.run(&format!("health --url {url}"));
    assert_eq!(answer.code, 1);
    assert!(answer.stdout.contains("risk_manager  ILL") && answer.stdout.contains("issue:"));
    let (url, _asked) = answering(503, body);
    let answer = desk.run(&format!("health --json --url {url}"));
    assert_eq!((answer.code, answer.document()["overall_status"].as_str()), (1, Some("error")));
}

/// Contract.md 3, S4: tokens on the data directory, offline.
#[test]
fn tokens_are_made_listed_and_revoked() {
    let desk = Desk::new();
    let made = desk.json("tokens create ci --role viewer --days 7");
    assert_eq!((made["name"].as_str(), made["role"].as_str()), (Some("ci"), Some("viewer")));
    assert!(made["token"].as_str().unwrap().starts_with("bw_"));
    let list = desk.json("tokens list");
    assert_eq!(list[0]["name"], "ci");
    assert!(!list.to_string().contains("bw_"));
    desk.run("tokens create ci --role admin").refused(1, &["is in use"]);
    desk.run("tokens create ci2 --role root").refused(64, &["viewer, operator or admin"]);
    desk.run("tokens create ci2 --role admin --days 91").refused(64, &["91"]);
    assert_eq!(desk.json("tokens revoke ci")["revoked"], true);
    desk.run("tokens revoke ci").refused(1, &["no valid token"]);
    let mode = |name: &str| {
        let path = desk.path().join("bellwether-data").join(name);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("auth.db")), (0o700, 0o600));
}

/// Contract.md 4: a system that runs writes the day's log file, readable by its owner alone.
#[test]
fn a_demo_writes_its_log_file() {
    let desk = Desk::new();
    let answer = desk.run("demo --symbols SYM0 --json --log-level DEBUG");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let logs = desk.path().join("bellwether-data/logs");
    let files: Vec<_> = std::fs::read_dir(&logs).unwrap().map(|f| f.unwrap().path()).collect();
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(
        files.len() == 1 && name.starts_with("trading_system_20") && name.len() == 27,
        "{name}"
    );
    assert_eq!(std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
}
