//! A system that runs, and the commands of people through its API: status, stop, resume, end
//! (issue 5, contract.md 3, 5, 6).

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Desk;

/// A system on a generated day, with its API on a free port.
struct Running {
    desk: Desk,
    child: Child,
    url: String,
}

impl Running {
    fn start() -> Self {
        let desk = Desk::new();
        Self::on(desk, &["run", "--init", "--ready-file", "ready.json"])
    }

    fn on(desk: Desk, arguments: &[&str]) -> Self {
        desk.file(
            "bellwether.toml",
            "[system]\nactive_strategies = [\"storm\"]\nupdate_frequency_ms = 100\n\
             [risk]\nceilings = \"test\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [data.playback]\nsymbols = [\"SYM0\", \"SYM1\"]\nspeed = 0\n",
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
        command.args(arguments).current_dir(desk.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BELLWETHER_") {
                command.env_remove(name);
            }
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut running = Self { desk, child, url: String::new() };
        running.wait_for("the ready file", |desk| desk.path().join("ready.json").exists());
        let ready: Value = serde_json::from_str(&running.desk.read("ready.json")).unwrap();
        assert_eq!(ready["ready"], true, "{ready}");
        running.url = format!("http://{}", ready["listen"].as_str().unwrap());
        running
    }

    fn wait_for(&mut self, what: &str, is_so: impl Fn(&Desk) -> bool) {
        let begin = Instant::now();
        while !is_so(&self.desk) {
            assert!(begin.elapsed() < Duration::from_secs(60), "{what} does not come");
            assert!(self.child.try_wait().unwrap().is_none(), "the system ended before {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn ask(&self, command: &str) -> crate::support::Answer {
        self.desk.run(&format!("{command} --url {}", self.url))
    }

    fn json(&self, command: &str) -> Value {
        self.desk.json(&format!("{command} --url {}", self.url))
    }
}

impl Running {
    /// Ends it by the API and starts it again on what it left.
    fn again(mut self) -> Self {
        assert_eq!(self.json("stop --reason evening")["done"], true);
        assert_eq!(self.ended(), Some(0));
        std::fs::remove_file(self.desk.path().join("ready.json")).unwrap();
        let desk = std::mem::replace(&mut self.desk, Desk::new());
        Self::on(desk, &["run", "--ready-file", "ready.json"])
    }

    /// Waits for its end (F50) and returns its exit code.
    fn ended(&mut self) -> Option<i32> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begin.elapsed() < Duration::from_secs(15), "F50: it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Issue 5: what runs is seen, stopped at once, started again only by an admin with a reason, and
/// ended in order; the log file of the day holds who did it and no secret.
#[test]
fn a_system_is_watched_stopped_resumed_and_ended() {
    let mut system = Running::start();
    let url = system.url.clone();
    system.wait_for("a trade", |desk| {
        desk.json(&format!("trades --url {url}"))["items"].as_array().is_some_and(|t| !t.is_empty())
    });
    let status = system.json("status");
    assert_eq!(
        (status["mode"].as_str(), status["state"].as_str()),
        (Some("paper"), Some("running"))
    );
    assert_eq!(system.json("health")["components"].as_object().unwrap().len(), 8);
    let why = system.json("why SYM0 --limit 5");
    assert_eq!(why["items"][0]["strategy"], "storm");
    let of = url.clone();
    system.wait_for("three orders", |desk| {
        let orders = desk.json(&format!("orders --limit 3 --url {of}"));
        // Contract.md 5: the broker's own id, once it has told one.
        let told =
            |order: &Value| order["broker_id"].as_str().is_some_and(|id| id.starts_with("P-"));
        orders["items"]
            .as_array()
            .is_some_and(|orders| orders.len() == 3 && orders.iter().any(told))
    });

    let stopped = system.json("emergency-stop --reason drill");
    assert_eq!(
        (stopped["engaged"].as_bool(), stopped["durable"].as_bool()),
        (Some(true), Some(true))
    );
    system.ask("resume --reason again").refused(1, &["role admin"]);
    let made = system.desk.json("tokens create boss --role admin");
    let token = made["token"].as_str().unwrap().to_owned();
    system.desk.file("boss.token", &token);
    system.ask("resume --token-file boss.token").refused(1, &["reason"]);
    let resumed = system.json("resume --reason again --token-file boss.token");
    assert_eq!(resumed["done"], true);
    let alerts = system.json("alerts");
    let alert = alerts["items"].as_array().unwrap().iter().find(|a| a["kind"] == "kill").unwrap();
    assert_eq!(system.json(&format!("ack {}", alert["id"]))["done"], true);
    assert_eq!(system.json("strategies disable storm")["done"], true);
    assert_eq!(system.json("limits set max_positions=3")["done"], true);
    system.ask("limits set max_positions=4").refused(1, &["role admin"]);

    let plan = system.json("stop --dry-run");
    assert!(plan["positions"].is_array() && plan["cancelled_entries"].is_array());
    // What happened stays in the lists over a restart, with who has seen it.
    let mut system = system.again();
    let url = system.url.clone();
    system.wait_for("the past", |desk| {
        let alerts = desk.json(&format!("alerts --limit 1000 --url {url}"));
        let seen = |a: &Value| a["id"] == alert["id"] && a["acknowledged_by"] == "cli";
        alerts["items"].as_array().unwrap().iter().any(seen)
    });
    assert_eq!(system.json("stop --reason night")["done"], true);
    assert_eq!(system.ended(), Some(0));
    let logs = system.desk.path().join("bellwether-data/logs");
    let files = std::fs::read_dir(logs).unwrap().map(|file| file.unwrap().path());
    let log: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(log.contains("emergency stop") && log.contains("drill") && log.contains("boss"));
    assert!(!log.contains(&token[3..]), "I18");
}
