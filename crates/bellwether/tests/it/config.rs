//! Configuration: layers, refusals with place and suggestion, init, check and show (contract.md 8).

use serde_json::Value;

use crate::support::Desk;

fn key<'a>(shown: &'a Value, name: &str) -> &'a Value {
    shown["keys"].as_array().unwrap().iter().find(|key| key["key"] == name).expect(name)
}

/// contract.md 2: a wrong unit is refused with file, line, key, value, range and suggestion.
#[test]
fn unit_slips_are_78_with_place_and_suggestion() {
    let desk = Desk::new();
    desk.file("bellwether.toml", "# mine\n[risk]\nmax_daily_loss_pct = 5\n");
    for command in ["config check", "config show", "demo --json", "calendar 2026-11-27 --json"] {
        let words = ["bellwether.toml:3:22", "risk.max_daily_loss_pct = 5", "0.001 to 0.1", "0.05"];
        desk.run(command).refused(78, &words);
    }
}

/// contract.md 8: an unknown key, or one of a part that is not there, is refused.
#[test]
fn unknown_keys_are_78() {
    let desk = Desk::new();
    desk.file("a.toml", "[risk]\nmax_position = 3\n");
    desk.run("--config a.toml config check").refused(78, &["a.toml:2", "risk.max_positions"]);
    desk.file("b.toml", "[redis]\nurl = \"redis://x\"\n");
    desk.run("--config b.toml config check").refused(78, &["b.toml:1", "[redis]"]);
    desk.file("c.toml", "[strategies.vwap_reclaim]\nmin_bars_below = 1\n");
    desk.run("--config c.toml config check").refused(78, &["c.toml:2", "2 to 120", "TV7"]);
    desk.file("d.toml", "[risk\n");
    desk.run("--config d.toml config check").refused(78, &["d.toml:1"]);
    desk.file("e.toml", "[system]\nactive_strategies = [\"vwap_reclame\"]\n");
    desk.run("--config e.toml config check").refused(78, &["e.toml:2", "vwap_reclaim"]);
    let answer = desk.run("--config a.toml config check --json");
    assert_eq!(answer.code, 78);
    let problem = &answer.document()["problems"][0];
    assert_eq!((&problem["origin"]["line"], &problem["value"]), (&2.into(), &"3".into()));
}

/// contract.md 2: defaults < file < environment < flags, each with its origin.
#[test]
fn show_names_the_origin_of_every_value() {
    let desk = Desk::new();
    desk.file("bellwether.toml", "[risk]\nmax_positions = 4\nmin_qty = 5\n");
    let env = [("BELLWETHER_RISK__MAX_POSITIONS", "2"), ("ENVIRONMENT", "testing")];
    let answer = desk.run_with("config show --json --log-level debug", &env);
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    let shown = answer.document();
    let positions = key(&shown, "risk.max_positions");
    assert_eq!((&positions["value"], &positions["default"]), (&2.into(), &"5".into()));
    assert_eq!(positions["origin"]["name"], "BELLWETHER_RISK__MAX_POSITIONS");
    assert_eq!(key(&shown, "risk.min_qty")["origin"]["line"], 3);
    assert_eq!(key(&shown, "risk.min_risk_usd")["origin"]["kind"], "default");
    assert_eq!(key(&shown, "system.log_level")["origin"]["name"], "--log-level");
    // Outside development logs are JSON lines.
    let line = answer.stderr.lines().next().expect("a debug line");
    assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    let text = desk.run("config show").stdout;
    assert!(text.contains("bellwether.toml:2"), "{text}");
}

/// A misspelt environment variable must not be silently without effect.
#[test]
fn unknown_environment_keys_are_78() {
    let desk = Desk::new();
    let env = [("BELLWETHER_RISK__MAX_POSITION", "2")];
    desk.run_with("config show", &env)
        .refused(78, &["BELLWETHER_RISK__MAX_POSITION", "risk.max_positions"]);
    assert_eq!(desk.run_with("config check", &[("BELLWETHER_TEST_PG", "x")]).code, 0);
}

/// TS6: allowed, but said.
#[test]
fn too_much_risk_at_once_is_warned() {
    let desk = Desk::new();
    desk.file("bellwether.toml", "[risk]\nrisk_per_trade_pct = 0.02\n");
    let answer = desk.run("config check --json");
    assert_eq!(answer.code, 0);
    assert!(answer.document()["warnings"][0].as_str().unwrap().contains("TS6"));
}

/// `init` writes a file that is valid and never replaces one unasked.
#[test]
fn init_writes_once() {
    let desk = Desk::new();
    assert_eq!(desk.run("config init").code, 0);
    let written = desk.read("bellwether.toml");
    assert!(written.contains("# max_positions = 5") && written.contains("[strategies.gap_and_go]"));
    assert_eq!(desk.run("config check").code, 0);
    desk.file("bellwether.toml", "[risk]\n");
    desk.run("config init").refused(64, &["bellwether.toml", "--force"]);
    assert_eq!(desk.read("bellwether.toml"), "[risk]\n");
    assert_eq!(desk.run("config init --force").code, 0);
    assert_eq!(desk.read("bellwether.toml"), written);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = desk.path().join("bellwether.toml").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// The example configuration of the repository is valid.
#[test]
fn examples_are_valid() {
    let desk = Desk::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/relaxed.toml");
    let answer = desk.run(&format!("--config {example} config check"));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
}
