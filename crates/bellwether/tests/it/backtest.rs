//! `backtest` on a small imported market.

use serde_json::Value;

use crate::support::{Desk, saw_tooth};

fn market() -> Desk {
    let desk = Desk::new();
    desk.file("a.csv", &saw_tooth("AAA"));
    desk.file("b.csv", &saw_tooth("BBB"));
    desk.json("data import a.csv b.csv --into market");
    desk
}

const CROSS: &str = "backtest --data market --strategy vwap_cross --no-risk-limits";

/// contract.md 5: the report's shape, on stdout alone; the same in every other form.
#[test]
fn the_report_is_one_document_with_its_files() {
    let desk = market();
    let flags = "--json-out r.json --html r.html --trades t.csv --decisions d.jsonl --decisions-all a.jsonl";
    let report = desk.json(&format!("{CROSS} {flags} --log-level trace"));
    let fields = [
        "schema_version",
        "build",
        "config_hash",
        "data",
        "fill",
        "commission",
        "summary",
        "metrics",
        "per_strategy",
        "trades",
        "equity",
        "rejections",
        "sensitivity",
        "timing",
        "decision_hash",
        "open_positions",
        "not_checked",
    ];
    for field in fields {
        assert!(report.get(field).is_some(), "{field}");
    }
    assert_eq!(report["data"]["bars"], 1560);
    assert_eq!(report["data"]["sessions"], 2);
    assert_eq!(report["limits_off"], true);
    let trades = report["trades"].as_array().unwrap();
    assert!(trades.len() > 10, "{}", trades.len());
    // E0 is dated at the session before the first (TP1).
    assert_eq!(report["equity"][0], serde_json::json!(["2024-01-02", "100000.00"]));
    assert_eq!(desk.read("t.csv").lines().count(), trades.len() + 1);
    assert!(desk.read("r.html").starts_with("<!DOCTYPE html>"));
    let stored: Value = serde_json::from_str(&desk.read("r.json")).unwrap();
    assert_eq!(stored, report);
    check_decisions(&desk, trades.len());
}

/// contract.md 5: one line per evaluation that ended in a signal, a rejection or an order; with
/// all, evaluations that led to nothing are run-length coded and none is lost.
fn check_decisions(desk: &Desk, trades: usize) {
    let lines = |name: &str| -> Vec<Value> {
        desk.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let decisions = lines("d.jsonl");
    let orders = decisions.iter().filter(|d| d["outcome"] == "order").count();
    assert!(orders >= trades, "{orders} orders, {trades} trades");
    for decision in &decisions {
        for field in ["time", "strategy", "symbol", "outcome", "rule", "values", "order"] {
            assert!(decision.get(field).is_some(), "{decision}");
        }
    }
    let all = lines("a.jsonl");
    let (runs, others): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|d| d["outcome"] == "no_trade");
    assert_eq!(others.len(), decisions.len());
    let evaluations: u64 = runs.iter().filter_map(|run| run["count"].as_u64()).sum();
    assert_eq!(evaluations + decisions.len() as u64, 1560);
}

/// Equal inputs, equal decisions: three runs, and other logging; another parameter changes it.
#[test]
fn decision_hash_is_stable() {
    let desk = market();
    let hash = |flags: &str| desk.json(&format!("{CROSS} {flags}"))["decision_hash"].clone();
    let first = hash("");
    assert_eq!(first, hash(""));
    assert_eq!(first, hash("--log-level error --decisions d.jsonl --decisions-all a.jsonl"));
    assert_ne!(first, hash("--slippage-ticks 3"));
    // The order of the tickers on the command line is not the order of the run (TF1).
    assert_eq!(first, hash("--symbols BBB,AAA"));
    assert_ne!(first, hash("--symbols AAA"));
}

/// The same bars make the same decisions, whatever format they were imported from.
#[test]
fn decision_hash_is_equal_for_csv_parquet_and_lean() {
    let desk = market();
    desk.run("data export bars.parquet --data market");
    desk.json("data import bars.parquet --format parquet --into from_parquet");
    for (symbol, file) in [("aaa", "a.csv"), ("bbb", "b.csv")] {
        write_lean(&desk, symbol, &desk.read(file));
    }
    desk.json("data import lean --format lean --into from_lean");
    let hash = |store: &str| {
        let flags = CROSS.replace("--data market", &format!("--data {store}"));
        let report = desk.json(&flags);
        assert_ne!(report["summary"]["trades"], 0);
        report["decision_hash"].clone()
    };
    let expected = hash("market");
    assert_eq!(
        [hash("from_parquet"), hash("from_lean"), hash("lean")],
        [(); 3].map(|()| expected.clone())
    );
}

/// Writes the saw-tooth's CSV as a LEAN folder: one zip per day, milliseconds since New York's
/// midnight, ten-thousandths of a dollar.
fn write_lean(desk: &Desk, symbol: &str, csv: &str) {
    use std::io::Write;
    let folder = desk.path().join("lean/equity/usa/minute").join(symbol);
    std::fs::create_dir_all(&folder).unwrap();
    for day in ["20240103", "20240104"] {
        let date = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
        let file = std::fs::File::create(folder.join(format!("{day}_trade.zip"))).unwrap();
        let mut zip = zip::ZipWriter::new(file);
        let name = format!("{day}_{symbol}_minute_trade.csv");
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        for line in csv.lines().filter(|line| line.starts_with(&date)) {
            let fields: Vec<&str> = line.split(',').collect();
            let start: model::Timestamp = fields[0].parse().unwrap();
            let midnight = model::exchange::from_new_york(date.parse().unwrap(), 0, 0, 0);
            let ms = start.since(midnight) / 1_000_000;
            let price = |text: &str| text.parse::<model::Price>().unwrap().raw() / 100_000;
            let [open, high, low, close] = [2, 3, 4, 5].map(|at| price(fields[at]));
            writeln!(zip, "{ms},{open},{high},{low},{close},{}", fields[6]).unwrap();
        }
        zip.finish().unwrap();
    }
}

/// Flags win over the configuration, parameters of an instance over those of its strategy.
#[test]
fn flags_win_over_the_configuration() {
    let desk = market();
    desk.file(
        "bellwether.toml",
        "[system]\naccount_size = 5000\nactive_strategies = [\"vwap_cross@x\"]\nuniverse = [\"AAA\"]\n\
         [simulation]\nfill = \"next_open\"\ncommission = \"none\"\n\
         [strategies.vwap_cross]\nmin_bars = 30\n[strategies.\"vwap_cross@x\"]\nexit_minute = 200\n",
    );
    let report = desk.json("backtest --data market");
    assert_eq!(report["summary"]["start_equity"], "5000.00");
    assert_eq!((&report["fill"], &report["commission"]), (&"next_open".into(), &"none".into()));
    assert_eq!(report["data"]["symbols"], serde_json::json!(["AAA"]));
    let parameters = &report["per_strategy"]["vwap_cross@x"]["parameters"];
    assert_eq!(
        (&parameters["min_bars"], &parameters["exit_minute"]),
        (&"30".into(), &"200".into())
    );
    let flags = "--cash 70000 --fill adaptive --commission per_share:0.01 --symbols BBB \
                 --strategy vwap_cross@x:exit_minute=100";
    let report = desk.json(&format!("backtest --data market {flags}"));
    assert_eq!(report["summary"]["start_equity"], "70000.00");
    assert_eq!(
        (&report["fill"], &report["commission"]),
        (&"adaptive".into(), &"per_share:0.01".into())
    );
    assert_eq!(report["data"]["symbols"], serde_json::json!(["BBB"]));
    let parameters = &report["per_strategy"]["vwap_cross@x"]["parameters"];
    assert_eq!(
        (&parameters["min_bars"], &parameters["exit_minute"]),
        (&"30".into(), &"100".into())
    );
}

/// TF15: the table, its first row equal to a run with that assumption; and for people.
#[test]
fn sensitivity_reruns_under_other_fills() {
    let desk = market();
    let report = desk.json(&format!("{CROSS} --sensitivity --benchmark BBB"));
    let rows = report["sensitivity"].as_array().unwrap();
    let row = |case: &str| rows.iter().find(|row| row["case"] == case).expect(case);
    assert_eq!(row("slippage 1 tick")["net_pnl"], report["summary"]["net_pnl"]);
    let worse = desk.json(&format!("{CROSS} --slippage-ticks 5"));
    assert_eq!(row("slippage 5 ticks")["net_pnl"], worse["summary"]["net_pnl"]);
    assert_eq!(report["metrics"]["benchmark"], "BBB");
    let text = desk.run(&format!("{CROSS} --sensitivity"));
    assert!(text.stdout.contains("slippage 5 ticks") && text.stdout.contains("risk limits off"));
}

/// The range: sessions before `--from` serve as reference data and are not run.
#[test]
fn from_and_to_bound_the_run() {
    let desk = market();
    let report = desk.json(&format!("{CROSS} --from 2024-01-04 --to 2024-12-31"));
    assert_eq!(report["data"]["from"], "2024-01-04");
    assert_eq!(report["data"]["to"], "2024-01-04");
    assert_eq!(report["data"]["bars"], 780);
    desk.run(&format!("{CROSS} --from 2024-01-04 --to 2024-01-03")).refused(64, &["before"]);
}

/// W4, contract.md 4 and 5: a store that holds prints but no bars runs on the prints, and gives
/// what the minute bars of the same prints give.
#[test]
fn prints_are_run_like_their_bars() {
    let desk = Desk::new();
    let (mut prints, mut bars) = (String::from("ts,price,size\n"), String::new());
    bars.push_str("ts,open,high,low,close,volume\n");
    for line in saw_tooth("AAA").lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let start: model::Timestamp = fields[0].parse().unwrap();
        for (second, price) in [(0, fields[2]), (15, fields[3]), (30, fields[4]), (59, fields[5])] {
            let time = start.plus_nanos(second * model::SECOND_NS);
            prints.push_str(&format!("{time},{price},100\n"));
        }
        let [open, high, low, close] = [fields[2], fields[3], fields[4], fields[5]];
        bars.push_str(&format!("{start},{open},{high},{low},{close},400\n"));
    }
    desk.file("prints.csv", &prints);
    desk.file("bars.csv", &bars);
    let import = desk.json("data import prints.csv --symbol AAA --into prints");
    assert_eq!((&import["stored"], &import["ticks"][0]["ticks"]), (&3120.into(), &3120.into()));
    desk.json("data import bars.csv --symbol AAA --into bars");
    let flags = "--strategy vwap_cross --no-risk-limits --fill next_open";
    let [ticks, bars] =
        ["prints", "bars"].map(|data| desk.json(&format!("backtest --data {data} {flags}")));
    assert_eq!((&ticks["data"]["ticks"], &ticks["data"]["bars"]), (&3120.into(), &0.into()));
    assert!(ticks["summary"]["trades"].as_u64().unwrap() > 10);
    for field in ["trades", "net_pnl", "fees", "end_equity", "orders", "fills"] {
        assert_eq!(ticks["summary"][field], bars["summary"][field], "{field}");
    }
    let list = desk.run("data list --data prints");
    assert!(list.stdout.contains("trades") && list.stdout.contains("3,120 ticks"));
    assert_eq!(desk.run("data check --data prints").code, 0);
}
