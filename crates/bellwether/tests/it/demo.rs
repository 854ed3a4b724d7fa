//! `demo`: a generated day and a recorded one.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Desk, saw_tooth};

const COMPONENTS: [&str; 8] = [
    "data_manager",
    "strategy_engine",
    "risk_manager",
    "order_manager",
    "execution_engine",
    "performance_tracker",
    "alert_system",
    "web_dashboard",
];

/// Sorted, as JSON objects are read.
const QUEUES: [&str; 6] = [
    "market_data",
    "order_commands",
    "performance_updates",
    "risk_alerts",
    "system_events",
    "trade_signals",
];

fn check_shape(desk: &Desk, answer: &Value) {
    let health = &answer["health"];
    assert_eq!(health["overall_status"], "healthy", "{}", health["issues"]);
    assert_eq!(health["components"].as_object().unwrap().len(), COMPONENTS.len());
    for name in COMPONENTS {
        let component = &health["components"][name];
        assert_eq!(component["is_healthy"], true, "{name}");
        assert_eq!(component["component_name"], name);
        assert_eq!(component["running"], true, "{name}");
    }
    assert!(answer["summary"]["net_pnl"].is_string());
    let queues = answer["status"]["queues"].as_object().unwrap();
    assert_eq!(queues.keys().map(String::as_str).collect::<Vec<_>>(), QUEUES);
    assert_eq!(answer["status"]["state"], "running", "asked just before the stop");
    assert_eq!(answer["status"]["providers"][0]["name"], "playback");
    assert_eq!(answer["status"]["brokers"][0]["connected"], true);
    for kind in ["html", "json"] {
        let path = answer["report"][kind].as_str().unwrap();
        assert!(!desk.read(path).is_empty());
    }
}

/// contract.md 3: no argument is needed; the same seed is the same day, another one is not.
#[test]
fn a_generated_day_is_the_same_for_its_seed() {
    let desk = Desk::new();
    let first = desk.json("demo");
    check_shape(&desk, &first);
    assert_eq!(first["seed"], 42);
    assert!(first["summary"]["trades"].as_u64().unwrap() > 0, "{}", first["summary"]);
    assert_eq!(first["decision_hash"], desk.json("demo --seed 42")["decision_hash"]);
    let other = desk.json("demo --seed 7 --date 2026-11-25");
    check_shape(&desk, &other);
    assert_ne!(first["decision_hash"], other["decision_hash"]);
    assert_eq!((&other["seed"], &other["date"]), (&7.into(), &"2026-11-25".into()));
}

/// The demo's own limits hold unless configuration or environment say otherwise.
#[test]
fn limits_of_the_demo_are_defaults() {
    let desk = Desk::new();
    let limit = |answer: &Value| {
        answer["health"]["components"]["risk_manager"]["detail"]["max_positions"].clone()
    };
    assert_eq!(limit(&desk.json("demo --symbols SYM0")), 3);
    desk.file("bellwether.toml", "[risk]\nmax_positions = 2\n");
    assert_eq!(limit(&desk.json("demo --symbols SYM0")), 2);
}

/// The story is for people: it tells orders, fills, exits and the rules that decided.
#[test]
fn the_story_is_told_on_stdout() {
    let desk = Desk::new();
    let answer = desk.run("demo");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    for words in ["bought", "protective stop", "trade closed", "TG", "Health: healthy", "report: "]
    {
        assert!(answer.stdout.contains(words), "{words:?} is not in the story");
    }
    assert!(!answer.stdout.contains('\u{1b}'), "styles belong to terminals");
}

/// Issue 5, demo: the components are started and stopped in order, as the source does.
#[test]
fn components_start_and_stop_in_order() {
    let desk = Desk::new();
    let answer = desk.run("demo --symbols SYM0");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let place = |words: &str, name: &str| {
        let named = |line: &&str| line.contains(words) && line.contains(name);
        let found = answer.stderr.lines().position(|line| named(&line));
        found.unwrap_or_else(|| panic!("no line {words} {name}"))
    };
    for words in ["starting", "stopping"] {
        let places: Vec<usize> = COMPONENTS.iter().map(|name| place(words, name)).collect();
        assert!(places.is_sorted(), "{words}: {places:?}");
    }
    assert!(place("trading system started", "") < place("stopping trading system", ""));
    assert!(place("stopping trading system", "") < place("trading system stopped", ""));
}

/// `--seconds` spreads the day over wall time.
#[test]
fn seconds_pace_the_day() {
    let desk = Desk::new();
    let started = std::time::Instant::now();
    desk.json("demo --seconds 1 --symbols SYM0");
    assert!(started.elapsed().as_secs_f64() > 0.7, "{:?}", started.elapsed());
    desk.run("demo --seconds -1").refused(64, &[]);
}

/// A recorded day of a store; the last one without `--date`.
#[test]
fn a_recorded_day_runs() {
    let desk = Desk::new();
    desk.file("a.csv", &saw_tooth("AAA"));
    desk.json("data import a.csv --into market");
    let answer = desk.json("demo --data market");
    check_shape(&desk, &answer);
    assert_eq!(answer["date"], "2024-01-04");
    assert!(answer["seed"].is_null());
    desk.run("demo --data market --date 2024-01-06").refused(66, &["2024-01-06"]);
}

/// Real market data, where it is: SPY 2011-03-15 fell by 2.7 % at the open, so that gap_and_go
/// says no at TG2; a relaxed vwap_reclaim trades.
#[test]
fn spy_2011_03_15_is_explained() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/lean");
    let named = std::env::var_os("LEAN_DATA_DIR").map(PathBuf::from);
    let folder = named.clone().unwrap_or_else(|| default.into());
    if named.is_none() && !folder.exists() {
        eprintln!("SKIPPED: spy_2011_03_15_is_explained: data absent");
        return;
    }
    let desk = Desk::new();
    let day = format!("demo --data {} --symbols SPY --date 2011-03-15", folder.display());
    let answer = desk.json(&day);
    check_shape(&desk, &answer);
    let decisions = answer["decisions"].as_array().unwrap();
    let gap = decisions.iter().find(|d| d["strategy"] == "gap_and_go").unwrap();
    assert_eq!(gap["rule"], "TG2");
    assert!(gap["values"]["gap_percent"].as_f64().unwrap() < 0.0, "{gap}");
    assert!(gap["nearest"]["missing"].as_f64().unwrap() > 4.0, "{gap}");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/relaxed.toml");
    let answer = desk.json(&format!("--config {example} {day}"));
    let names: Vec<&str> = answer["trades"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|t| t["strategy"].as_str())
        .collect();
    assert!(names.contains(&"vwap_reclaim") && names.contains(&"vwap_cross"), "{names:?}");
}

/// A demo that takes its time, with what it said of its API.
struct Served {
    child: Child,
    url: String,
    token: String,
    /// All it says until it ends.
    said: std::thread::JoinHandle<String>,
}

impl Served {
    fn start(desk: &Desk, arguments: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
        command.args(arguments.split_whitespace()).current_dir(desk.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let hint = loop {
            let line = lines.next().expect("it ended without a hint").unwrap();
            said.push_str(&format!("{line}\n"));
            if line.contains("--url") {
                break line;
            }
        };
        let after = |flag: &str| {
            let mut words = hint.split_whitespace().skip_while(|word| *word != flag);
            words.nth(1).unwrap().to_owned()
        };
        let (url, token) = (after("--url"), after("--token-file"));
        let said = std::thread::spawn(move || {
            lines.map_while(Result::ok).fold(said, |all, line| all + &line + "\n")
        });
        Self { child, url, token, said }
    }

    fn ask(&self, desk: &Desk, command: &str) -> Value {
        desk.json(&format!("{command} --url {} --token-file {}", self.url, self.token))
    }

    /// Returns the exit code, stdout and stderr.
    fn end(self) -> (Option<i32>, String, String) {
        let output = self.child.wait_with_output().unwrap();
        let said = self.said.join().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), said)
    }
}

/// Contract.md 3: the demo serves its API while it runs and says where; it is the API of every
/// running system, so it can be stopped through it, and the report comes all the same.
#[test]
fn the_demo_serves_its_api() {
    let desk = Desk::new();
    let served = Served::start(&desk, "demo --seconds 120 --symbols SYM0 --listen 127.0.0.1:0");
    let health = served.ask(&desk, "health");
    assert_eq!(health["components"]["web_dashboard"]["running"], true, "{health}");
    let status = served.ask(&desk, "status");
    assert_eq!(status["mode"], "demo");
    assert_eq!(served.ask(&desk, "stop --reason enough")["done"], true);
    let (code, stdout, said) = served.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(stdout.contains("report: "), "{stdout}");
}

/// Contract.md 3: an address that is taken: another port without a wish, a refusal with one;
/// nothing at all with `--no-listen`.
#[test]
fn where_the_demo_listens() {
    let desk = Desk::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address)).unwrap();
    desk.file("bellwether.toml", &format!("[server]\nlisten = \"{}\"\n", taken.1));
    let answer = desk.run("demo --symbols SYM0 --json");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    for words in ["http://127.0.0.1:", &format!("{} is taken", taken.1)] {
        assert!(answer.stderr.contains(words), "{words}: {}", answer.stderr);
    }
    let refused = desk.run(&format!("demo --symbols SYM0 --listen {}", taken.1));
    assert_eq!(refused.code, 74, "{}", refused.stderr);
    assert!(refused.stderr.contains("listen on"), "{}", refused.stderr);
    let none = desk.run("demo --symbols SYM0 --no-listen --json");
    assert!(!none.stderr.contains("http://"), "{}", none.stderr);
    assert_eq!(none.document()["health"]["components"]["web_dashboard"]["running"], false);
    desk.run("demo --no-listen --listen 127.0.0.1:0").refused(64, &["--no-listen"]);
}
