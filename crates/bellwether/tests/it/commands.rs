//! Help, exit codes and the commands that need no market.

use crate::support::{Desk, saw_tooth};

/// contract.md 2: `--help` of each command ends with two examples, on stdout, exit 0.
#[test]
fn every_help_ends_with_two_examples() {
    let desk = Desk::new();
    let commands = [
        "",
        "demo",
        "backtest",
        "data",
        "data import",
        "data list",
        "data check",
        "data export",
        "strategies",
        "calendar",
        "config",
        "config init",
        "config check",
        "config show",
        "venue",
        "replay",
        "state",
        "backup",
        "restore",
        "completions",
        "status",
        "health",
        "positions",
        "positions adjust",
        "positions claim",
        "orders",
        "orders cancel",
        "orders resolve",
        "trades",
        "alerts",
        "why",
        "pause",
        "resume",
        "emergency-stop",
        "flatten",
        "rebalance",
        "stop",
        "ack",
        "limits",
        "limits set",
        "accept-clock",
        "strategies enable",
        "strategies disable",
        "strategies stage",
        "tokens",
        "tokens create",
        "tokens list",
        "tokens revoke",
    ];
    for command in commands {
        let answer = desk.run(&format!("{command} --help"));
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{command}");
        let (_, examples) = answer.stdout.rsplit_once("Examples:\n").expect(command);
        let lines: Vec<&str> = examples.trim_end().lines().collect();
        assert_eq!(lines.len(), 2, "{command}: {examples}");
        assert!(lines.iter().all(|line| line.contains("bellwether")), "{command}: {examples}");
    }
}

/// Every command that --help lists does something: none is missing from the tests above.
#[test]
fn help_lists_the_commands_of_this_build() {
    let help = Desk::new().run("--help").stdout;
    let (_, rest) = help.split_once("Commands:\n").unwrap();
    let listed: Vec<&str> = rest
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let expected = [
        "demo",
        "run",
        "backtest",
        "data",
        "status",
        "health",
        "positions",
        "orders",
        "trades",
        "alerts",
        "why",
        "pause",
        "resume",
        "emergency-stop",
        "flatten",
        "rebalance",
        "stop",
        "ack",
        "limits",
        "accept-clock",
        "tokens",
        "report",
        "journal",
        "strategies",
        "calendar",
        "config",
        "venue",
        "replay",
        "state",
        "backup",
        "restore",
        "completions",
    ];
    assert_eq!(listed, expected);
}

/// contract.md 2: 64 is wrong use.
#[test]
fn wrong_use_is_64() {
    let desk = Desk::new();
    for arguments in ["", "--nope", "nope", "backtest --nope", "backtest --fill sometimes"] {
        desk.run(arguments).refused(64, &[]);
    }
    let base = "backtest --data nowhere --json";
    desk.run(&format!("{base} --strategy vwap_crass")).refused(64, &["vwap_cross"]);
    desk.run(&format!("{base} --strategy vwap_cross:min_barz=3")).refused(64, &["min_bars"]);
    desk.run(&format!("{base} --strategy vwap_cross:min_bars=0")).refused(64, &["1 to 390"]);
    desk.run(&format!("{base} --strategy vwap_cross --strategy vwap_cross"))
        .refused(64, &["twice", "tag"]);
    desk.run(&format!("{base} --strategy vwap_cross --cash 0")).refused(64, &["--cash", "0"]);
    desk.run(base).refused(64, &["--strategy"]);
    desk.run("strategies nope").refused(64, &["unknown strategy"]);
}

/// contract.md 2: 66 is an input that is not there.
#[test]
fn absent_inputs_are_66() {
    let desk = Desk::new();
    desk.run("backtest --data nowhere --strategy vwap_cross --json").refused(66, &["nowhere"]);
    desk.run("data list --data nowhere").refused(66, &["nowhere"]);
    desk.run("data import nowhere.csv --into x").refused(66, &["nowhere.csv"]);
    desk.run("demo --data nowhere").refused(66, &["nowhere"]);
    desk.run("demo --date 2026-11-26 --json").refused(66, &["Thanksgiving"]);
    desk.run("demo --symbols NOPE --json").refused(66, &["NOPE", "SYM0"]);
    desk.run("calendar 2040-01-02").refused(66, &["2040"]);
    desk.run("--config nowhere.toml calendar").refused(66, &["nowhere.toml"]);
    desk.file("a.csv", &saw_tooth("AAA"));
    desk.json("data import a.csv --into market");
    let base = "backtest --data market --strategy vwap_cross --json";
    desk.run(&format!("{base} --symbols ZZZ")).refused(66, &["ZZZ", "AAA"]);
    desk.run(&format!("{base} --from 2025-01-01")).refused(66, &["2025-01-01"]);
}

/// contract.md 4: a broken file is 65, and so is an import of bad rows only; the rest goes in.
#[test]
fn corrupt_data_is_65() {
    let desk = Desk::new();
    desk.file(
        "bad.csv",
        "ts,symbol,open,high,low,close,volume\n2024-01-03T14:30:00Z,A,1,0.5,1,1,9\n",
    );
    let answer = desk.run("data import bad.csv --into market --json");
    assert_eq!(answer.code, 65);
    assert_eq!(answer.document()["rejected"][0]["reason"], "ohlc_order");
    desk.file("cut.parquet", "PAR1");
    let answer = desk.run("data import cut.parquet --into market --json");
    assert_eq!(answer.code, 65);
    assert_eq!(answer.document()["stored"], 0);
}

/// contract.md 5: one day, closed or not, is exit 0; times are UTC; TC2, TC3.
#[test]
fn calendar_answers_days_and_ranges() {
    let desk = Desk::new();
    let day = desk.json("calendar 2026-11-27");
    assert_eq!(day["is_session"], true);
    assert_eq!(day["early_close"], true);
    assert_eq!(day["close"], "2026-11-27T18:00:00Z");
    assert_eq!(day["settlement"], "2026-11-30");
    let closed = desk.json("calendar 2025-01-09");
    assert_eq!(closed["is_session"], false);
    assert!(closed["open"].is_null() && closed["reason"].is_string(), "{closed}");
    let range = desk.json("calendar --from 2026-12-24 --to 2026-12-31");
    let dates: Vec<&str> =
        range["sessions"].as_array().unwrap().iter().filter_map(|s| s["date"].as_str()).collect();
    assert_eq!(dates, ["2026-12-24", "2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31"]);
    assert_eq!(desk.run("calendar --from 2026-12-31 --to 2026-12-24").code, 64);
}

/// F32: an operator's file adds a closure at run time; a line that is no entry is refused.
#[test]
fn calendar_overrides_come_from_a_file() {
    let desk = Desk::new();
    desk.file("days.txt", "2026-12-04 closed \"Mourning\"\n");
    desk.file("bellwether.toml", "[exchange]\ncalendar_file = \"days.txt\"\n");
    let day = desk.json("calendar 2026-12-04");
    assert_eq!((&day["is_session"], &day["reason"]), (&false.into(), &"Mourning".into()));
    desk.file("days.txt", "\n2026-12-04 shut\n");
    desk.run("calendar 2026-12-04").refused(78, &["days.txt", "line 2"]);
}

/// contract.md 5: the shape of `strategies`.
#[test]
fn strategies_list_their_parameters() {
    let list = Desk::new().json("strategies");
    for name in ["gap_and_go", "vwap_reclaim", "vwap_cross"] {
        let strategy = list.as_array().unwrap().iter().find(|s| s["name"] == name).expect(name);
        let parameters = strategy["parameters"].as_array().unwrap();
        assert!(!parameters.is_empty());
        for parameter in parameters {
            for field in ["name", "type", "default", "rule"] {
                assert!(parameter[field].is_string(), "{name}: {parameter}");
            }
            assert!(parameter.get("min").is_some() && parameter.get("max").is_some());
        }
    }
}

#[test]
fn completions_are_scripts() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let answer = desk.run(&format!("completions {shell}"));
        assert_eq!(answer.code, 0);
        assert!(answer.stdout.contains("bellwether") && answer.stdout.contains("backtest"));
    }
    assert_eq!(desk.run("completions tcsh98").code, 64);
}

/// contract.md 4: list, check (exit 1 when anything was found) and export of a store.
#[test]
fn a_store_is_listed_checked_and_exported() {
    let desk = Desk::new();
    desk.file("a.csv", &saw_tooth("AAA"));
    let report = desk.json("data import a.csv --into market");
    assert_eq!((&report["rows"], &report["stored"]), (&780.into(), &780.into()));
    let again = desk.json("data import a.csv --into market");
    assert_eq!(again["duplicates"], 780);
    let listing = desk.json("data list --data market");
    assert_eq!(listing["symbols"][0]["sessions"], 2);
    let check = desk.run("data check --data market --json");
    assert_eq!((check.code, &check.document()["findings"]), (0, &serde_json::json!([])));
    let exported = desk.json("data export out.csv --data market --from 2024-01-04");
    assert_eq!(exported["bars"], 390);
    assert_eq!(desk.read("out.csv").lines().count(), 391);
    desk.file(
        "hole.csv",
        &saw_tooth("BBB")
            .lines()
            .enumerate()
            .filter(|(line, _)| !(100..160).contains(line))
            .map(|(_, line)| format!("{line}\n"))
            .collect::<String>(),
    );
    desk.json("data import hole.csv --into market");
    let check = desk.run("data check --data market --json");
    assert_eq!(check.code, 1);
    assert!(check.document()["by_kind"]["missing_minutes"].is_u64(), "{}", check.stdout);
}

/// C39, contract.md 5: every control once, with its limit, whether it acts and its test.
#[test]
fn report_controls_lists_all() {
    let desk = Desk::new();
    let list = desk.json("report controls");
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 42);
    for (index, control) in list.iter().enumerate() {
        assert_eq!(control["control"], format!("C{:02}", index + 1));
        let fields = ["title", "limit", "active", "why_not_active", "use", "last_trigger", "test"];
        assert!(fields.iter().all(|field| control.get(field).is_some()), "{control}");
        let active = control["active"] == true;
        assert_eq!(control["why_not_active"].is_null(), active, "{control}");
        assert!(!active || control["test"] != "", "{control}");
    }
    assert_eq!(list[1]["limit"], "20000.00 USD, 20 % of equity");
    assert_eq!((&list[6]["active"], &list[6]["use"]), (&true.into(), &0.0.into()));
    desk.file("bellwether.toml", "[risk]\nmax_losing_streak = 4\nrestricted = [\"GME\"]\n");
    let list = desk.json("report controls");
    assert_eq!(list[10]["limit"], "4 losers in a row");
    assert_eq!(list[26]["limit"], "1 restricted");
}
