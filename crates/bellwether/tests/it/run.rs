//! `run`, `replay`, `state`, `backup`, `restore`: a system until it is stopped, and what is left of
//! it (contract.md 2, 3).

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Desk;

const CONFIG: &str = "
[system]
active_strategies = [\"storm\"]
crash_loop_starts = 0
update_frequency_ms = 50
[risk]
ceilings = \"test\"
[journal]
segment_mib = 4
[server]
listen = \"127.0.0.1:0\"
[data.playback]
date = \"2026-11-24\"
symbols = [\"SYM0\", \"SYM1\"]
speed = 600
";

/// Starts `run` and waits until its start-up has ended.
fn start(desk: &Desk, flags: &str) -> (Child, Value) {
    let ready = desk.path().join("ready.json");
    let _ = std::fs::remove_file(&ready);
    let arguments = format!("--config c.toml --data-dir d run --ready-file ready.json {flags}");
    let child = Command::new(env!("CARGO_BIN_EXE_bellwether"))
        .args(arguments.split_whitespace())
        .current_dir(desk.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = child;
    let began = Instant::now();
    while !ready.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "no ready file");
        if let Some(status) = child.try_wait().unwrap() {
            let output = child.wait_with_output().unwrap();
            panic!("{status}: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let document = serde_json::from_str(&desk.read("ready.json")).unwrap();
    (child, document)
}

/// Sends a signal and returns the exit code.
fn end(mut child: Child, signal: &str) -> i32 {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    child.wait().unwrap().code().unwrap_or(-1)
}

/// F50, J10, contract.md 3: a run announces its start-up, stops in order on SIGTERM with 0, goes
/// on under a higher epoch after a kill, replays without a difference, and comes back from a
/// backup.
#[test]
fn a_run_stops_goes_on_and_replays() {
    let desk = Desk::new();
    desk.file("c.toml", CONFIG);
    let none = desk.run("--config c.toml --data-dir d run");
    none.refused(66, &["--init"]);

    let (child, ready) = start(&desk, "--init");
    assert_eq!(ready["ready"], true, "{ready}");
    assert_eq!(ready["mode"], "paper");
    let listen = ready["listen"].as_str().unwrap();
    let status = desk.json(&format!("--data-dir d status --url http://{listen}"));
    assert_eq!(status["epoch"], ready["epoch"], "{status}");
    let second = desk.run("--config c.toml --data-dir d run");
    second.refused(73, &["another instance"]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(end(child, "-TERM"), 0);

    let state = desk.json("--data-dir d state");
    assert_eq!(state["start"]["epoch"], ready["epoch"]);
    assert_eq!(state["exact"], true);
    let replayed = desk.json("replay d");
    assert_eq!(replayed["difference_count"], 0, "{replayed}");
    assert_eq!(replayed["state_hash"], state["state_hash"], "two ways to one state");
    let hash = desk.run("replay d/journal --state-hash");
    assert_eq!(hash.stdout.trim(), replayed["state_hash"].as_str().unwrap());

    // Zone, language and working directory do not matter.
    let elsewhere = [("TZ", "Pacific/Auckland"), ("LC_ALL", "tr_TR.UTF-8")];
    let folder = desk.path().join("d").display().to_string();
    let other = Desk::new().run_with(&format!("replay {folder} --state-hash"), &elsewhere);
    assert_eq!(other.stdout, hash.stdout, "{}", other.stderr);

    let (child, next) = start(&desk, "");
    assert!(next["epoch"].as_u64() > ready["epoch"].as_u64(), "R10");
    assert_eq!(end(child, "-KILL"), -1);
    let cut = desk.json("replay d --diff");
    assert_eq!(cut["difference_count"], 0, "{cut}");
    assert!(cut["records"].as_u64() > replayed["records"].as_u64());
    let early = desk.json("replay d --until 3 --state");
    assert!(early["records"].as_u64() < cut["records"].as_u64());
    assert!(early["state"]["status"]["state"].is_string(), "{early}");

    let saved = desk.json("--data-dir d backup night");
    assert_eq!(saved["errors"], 0);
    let back = desk.json("--data-dir e restore night");
    assert_eq!(back["last_seq"], saved["last_seq"]);
    assert_eq!(desk.json("--data-dir e state")["state_hash"], cut["state_hash"]);
    desk.run("--data-dir e restore night").refused(64, &["holds a journal already"]);
}

/// Contract.md 8: `brokers.paper.cash` is the cash of a new account, for the core and the broker; one
/// that exists keeps what it has. Keys without a second broker to act on are refused.
#[test]
fn a_paper_account_begins_with_its_cash() {
    let desk = Desk::new();
    let config = CONFIG.replace("\"storm\"", "\"vwap_cross\"");
    desk.file("c.toml", &format!("{config}\n[brokers.paper]\ncash = 25000.50\n"));
    let cash = |ready: &Value| {
        let listen = ready["listen"].as_str().unwrap();
        let status = desk.json(&format!("--data-dir d status --url http://{listen}"));
        assert_eq!(status["gate"]["reasons"].as_array().unwrap().len(), 0, "{status}");
        (status["cash"].clone(), status["brokers"][0]["differences"].clone())
    };
    let (child, ready) = start(&desk, "--init");
    let first = cash(&ready);
    assert_eq!(first.0, "25000.50");
    assert_eq!(end(child, "-TERM"), 0);
    desk.file("c.toml", &format!("{config}\n[brokers.paper]\ncash = 70000\n"));
    let (child, ready) = start(&desk, "");
    assert_eq!(cash(&ready), first, "the book wins");
    assert_eq!(end(child, "-TERM"), 0);
    desk.file("c.toml", &format!("{CONFIG}\n[brokers]\nopening_failover = true\n"));
    desk.run("--config c.toml config check").refused(78, &["brokers.opening_failover"]);
}

/// A backup is brought up to date by what is new alone; one that rotted is not restored.
#[test]
fn a_backup_is_brought_up_to_date() {
    let desk = Desk::new();
    desk.file("c.toml", CONFIG);
    let (child, _) = start(&desk, "--init");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(end(child, "-TERM"), 0);
    desk.json("--data-dir d backup night");
    let files = || {
        let mut found: Vec<_> = ["journal", "snapshots", "paper"]
            .iter()
            .flat_map(|part| std::fs::read_dir(desk.path().join("night").join(part)).unwrap())
            .map(|file| file.unwrap())
            .map(|file| (file.path(), file.metadata().unwrap().modified().unwrap()))
            .collect();
        found.sort();
        found
    };
    let before = files();
    assert!(before.len() >= 3, "{before:?}");
    desk.json("--data-dir d backup night");
    assert_eq!(files(), before, "nothing is written again");

    // What changed and what is gone follow; what is of another directory is refused.
    let (snapshot, _) = before.iter().find(|(path, _)| path.ends_with("0000000001.seg")).unwrap();
    std::fs::write(snapshot, "rotten").unwrap();
    std::fs::write(desk.path().join("night/journal/stray"), "not of it").unwrap();
    desk.run("--data-dir e restore night").refused(65, &["0000000001.seg", "backed up"]);
    let saved = desk.json("--data-dir d backup night");
    assert_eq!(saved["errors"], 0, "{saved}");
    assert!(!desk.path().join("night/journal/stray").exists());
    assert_eq!(files().len(), before.len());
    assert_eq!(desk.json("--data-dir e restore night")["last_seq"], saved["last_seq"]);
    std::fs::create_dir_all(desk.path().join("f/paper")).unwrap();
    desk.run("--data-dir f restore night").refused(64, &["holds a paper book already"]);
    desk.run("--data-dir e backup d").refused(64, &["is no backup of this data directory"]);
}

/// C33, contract.md 2: what cannot be started says why: another configuration's books, another
/// mode, a journal that is damaged.
#[test]
fn what_cannot_start_says_why() {
    let desk = Desk::new();
    desk.file("c.toml", CONFIG);
    let (child, _) = start(&desk, "--init");
    assert_eq!(end(child, "-INT"), 0);
    desk.file("other.toml", &CONFIG.replace("\"SYM1\"", "\"SYM2\""));
    let other = desk.run("--config other.toml --data-dir d run");
    other.refused(78, &["SYM1", "SYM2", "another data directory"]);
    desk.run("--config c.toml --data-dir d run --mode live").refused(78, &["paper broker only"]);
    let journal = desk.path().join("d/journal");
    std::fs::rename(&journal, desk.path().join("away")).unwrap();
    // With a snapshot it is damage, without one the directory holds no journal.
    desk.run("--config c.toml --data-dir d run").refused(65, &["journal"]);
    std::fs::rename(desk.path().join("d/snapshots"), desk.path().join("s")).unwrap();
    desk.run("--config c.toml --data-dir d run").refused(66, &["holds no journal", "--init"]);
    std::fs::rename(desk.path().join("s"), desk.path().join("d/snapshots")).unwrap();
    let _ = std::fs::remove_dir_all(&journal);
    std::fs::rename(desk.path().join("away"), &journal).unwrap();
    // Snapshots would make the first records unnecessary: without them all of the journal counts.
    std::fs::remove_dir_all(desk.path().join("d/snapshots")).unwrap();
    let segment = desk.path().join("d/journal/0000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[2_000] ^= 0x40;
    std::fs::write(&segment, bytes).unwrap();
    let damaged = desk.run("--config c.toml --data-dir d run");
    damaged.refused(65, &["0000000001.seg", "offset", "sequence"]);
    desk.run("replay d").refused(65, &["0000000001.seg"]);
}
