//! `venue --paper`: a broker that is a process of its own, killed and started again
//! (journal.md 18).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Desk, saw_tooth};

const PATIENCE: Duration = Duration::from_secs(60);

/// A venue that runs.
pub(crate) struct Venue {
    process: Child,
    pub(crate) paper: String,
    admin: String,
}

impl Venue {
    pub(crate) fn start(desk: &Desk) -> Self {
        let market = ["--seed", "7", "--symbols", "SYM0,SYM1", "--speed", "600", "--at-open"];
        Self::start_with(desk, &market)
    }

    fn start_with(desk: &Desk, market: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_bellwether"))
            .args(["venue", "--paper", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--dir", "broker"])
            .args(market)
            .current_dir(desk.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).unwrap();
        let address = |name: &str| addresses[name].as_str().unwrap().to_owned();
        Self { process, paper: address("paper"), admin: address("admin") }
    }

    fn http(&self, request: &str, body: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(&self.admin).unwrap();
        let length = body.len();
        write!(
            socket,
            "{request} HTTP/1.1\r\nHost: venue\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        (code, body.to_owned())
    }

    pub(crate) fn state(&self) -> Value {
        let (code, body) = self.http("GET /state", "");
        assert_eq!(code, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["paper"].clone()
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client that speaks the wire by hand.
pub(crate) struct Client {
    lines: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn new(venue: &Venue) -> Self {
        let socket = TcpStream::connect(&venue.paper).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { lines: BufReader::new(socket) };
        client.until(|message| message["is"] == "hello");
        client
    }

    pub(crate) fn say(&mut self, message: &Value) {
        writeln!(self.lines.get_mut(), "{message}").unwrap();
    }

    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the venue closed");
            let message = serde_json::from_str(&line).unwrap();
            if wanted(&message) {
                return message;
            }
            assert!(began.elapsed() < PATIENCE, "last: {message}");
        }
    }
}

fn order(id: u64, client_id: &str, symbol: &str) -> Value {
    json!({
        "id": id, "do": "submit", "client_id": client_id, "symbol": symbol, "side": "buy",
        "kind": "market", "quantity": "10", "time_in_force": "day", "role": "entry",
    })
}

/// An order is answered, filled and there again after a kill; what was told before is told no more;
/// faults are made on request; a second process on the folder is refused; SIGTERM ends it with 0.
#[test]
fn it_outlives_a_kill() {
    let desk = Desk::new();
    let mut venue = Venue::start(&desk);
    let mut client = Client::new(&venue);
    client.say(&order(1, "BW-1-1-0E", "SYM0"));
    assert_eq!(client.until(|m| m["id"] == 1)["outcome"], "accepted");
    let fill = client.until(|m| m["exec"] == "trade" && m["cum_qty"] == "10");
    assert_eq!((&fill["client_id"], &fill["symbol"]), (&json!("BW-1-1-0E"), &json!("SYM0")));
    let before = venue.state();
    let last = before["fills"].as_array().unwrap().last().unwrap();
    assert_eq!(last["execution_id"], fill["fill"]["execution_id"]);

    let second = desk.run("venue --paper 127.0.0.1:0 --dir broker");
    assert_eq!(second.code, 73, "{}", second.stderr);
    venue.process.kill().unwrap();
    venue.process.wait().unwrap();
    let venue = Venue::start(&desk);
    assert_eq!(venue.state()["fills"], before["fills"]);
    assert_eq!(venue.state()["positions"][0]["quantity"], "10");

    let fault = r#"{"faults":[{"venue":"paper","on":"submit","do":"error","count":1}]}"#;
    assert_eq!(venue.http("POST /faults", fault).0, 204);
    let wrong = r#"{"faults":[{"venue":"moon","on":"submit","do":"error"}]}"#;
    assert_eq!(venue.http("POST /faults", wrong).0, 400);
    let mut client = Client::new(&venue);
    client.say(&order(7, "BW-2-1-0E", "SYM1"));
    assert_eq!(client.until(|m| m["id"] == 7)["is"], "failed");
    assert_eq!(venue.state()["orders"].as_array().unwrap().len(), 2, "it was carried out");
    let (_, requests) = venue.http("GET /requests", "");
    assert!(requests.contains("BW-2-1-0E") && requests.contains(r#""fault":"error""#));

    let mut venue = venue;
    let id = venue.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(venue.process.wait().unwrap().code(), Some(0));
}

/// Recorded days: those of a store are played, and none is a missing input.
#[test]
fn recorded_days_are_played() {
    let desk = Desk::new();
    desk.file("a.csv", &saw_tooth("SAW"));
    desk.json("data import --format csv a.csv --into store");
    desk.run("venue --paper 127.0.0.1:0 --dir d --data nowhere").refused(66, &["nowhere"]);
    let arguments = ["--data", "store", "--speed", "600"];
    let venue = Venue::start_with(&desk, &arguments);
    let mut client = Client::new(&venue);
    client.say(&order(1, "BW-1-1-0E", "SAW"));
    assert_eq!(client.until(|m| m["id"] == 1)["outcome"], "accepted");
}

/// contract.md 3: the names of the faults, and what they may not do.
#[test]
fn faults_are_listed_and_checked() {
    let desk = Desk::new();
    let listed = desk.run("venue --list-faults");
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let names: Vec<String> = listed.document()["paper"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["do"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"lost_frame".to_owned()) && names.len() == 11, "{names:?}");
    let path = desk
        .file("faults.json", r#"{"faults":[{"venue":"paper","on":"stream","do":"half_page"}]}"#);
    let arguments = format!("venue --paper 127.0.0.1:0 --dir d --faults {}", path.display());
    desk.run(&arguments).refused(64, &["HalfPage does not happen on Stream"]);
    desk.run("venue").refused(64, &["--paper"]);
}

/// Decision 0114: a damaged paper book is corrupt data, named with its place.
#[test]
fn a_damaged_book_is_refused() {
    let desk = Desk::new();
    for folder in ["d", "e", "f/paper"] {
        std::fs::create_dir_all(desk.path().join(folder)).unwrap();
    }
    for (file, name) in [("d/account.checkpoint", "account.checkpoint"), ("e/book.1.log", "book")] {
        let folder = desk.file(file, "no frame").parent().unwrap().to_owned();
        let command = format!("venue --paper 127.0.0.1:0 --dir {}", folder.display());
        desk.run(&command).refused(65, &[name]);
    }
    desk.file("f/paper/book.1.log", "no frame");
    desk.file(
        "c.toml",
        "[system]\nactive_strategies = [\"vwap_cross\"]\n[server]\nlisten = \"127.0.0.1:0\"\n",
    );
    desk.run("--config c.toml --data-dir f run --init").refused(65, &["book"]);
}
