//! `oracles/worked/fill_cases.json`: single orders and brackets (TF2-TF7).

#![allow(clippy::disallowed_methods, reason = "tests read expected values from files")]

use std::path::PathBuf;

use model::exchange::CommissionPlan;
use serde::Deserialize;
use simulator::{ExchangeConfig, FillMode, Slippage};

use crate::support::Stage;

#[derive(Deserialize)]
struct Cases {
    single_order_cases: Vec<Single>,
    bracket_cases: Vec<Bracket>,
}

#[derive(Deserialize)]
struct Single {
    case: u32,
    rule: String,
    order: Order,
    bar: BarCase,
    slippage_ticks: u32,
    fill: Option<String>,
}

#[derive(Deserialize)]
struct Order {
    r#type: String,
    side: String,
    stop: Option<f64>,
    limit: Option<f64>,
    new: bool,
}

#[derive(Deserialize)]
struct BarCase {
    o: f64,
    h: f64,
    l: f64,
    c: f64,
}

#[derive(Deserialize)]
struct Bracket {
    case: String,
    description: String,
    bar: BarCase,
    conservative: Option<Outcome>,
    adaptive: Option<Outcome>,
    ohlc: Option<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    entry: Option<String>,
    exit: Option<String>,
    price: Option<String>,
}

impl BarCase {
    fn words(&self) -> String {
        format!("{:.4} {:.4} {:.4} {:.4}", self.o, self.h, self.l, self.c)
    }
}

fn cases() -> Cases {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/oracles");
    let folder = std::env::var_os("ORACLES_DIR").map_or(PathBuf::from(default), PathBuf::from);
    let path = folder.join("worked/fill_cases.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("read {}: {error}", path.display());
    });
    serde_json::from_str(&text).unwrap()
}

/// TF2-TF5: each single order; a resting one has already lived through a bar far away from it.
#[test]
fn single_orders() {
    let cases = cases().single_order_cases;
    assert!(!cases.is_empty());
    for case in cases {
        let mut config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None);
        config.slippage = Slippage::Ticks(case.slippage_ticks);
        let mut stage = Stage::with(config);
        let part = |key: &str, value: Option<f64>| {
            value.map_or(String::new(), |value| format!(" {key} {value:.4}"))
        };
        let (side, order) = (&case.order.side, &case.order);
        let words = format!("{side} 100{}{}", part("stop", order.stop), part("limit", order.limit));
        assert_eq!(words.contains("stop"), order.r#type.contains("stop"), "case {}", case.case);
        stage.submit(&words);
        if !order.new {
            // On the far side of a limit, and on the near side of a stop, nothing happens.
            let buy = side == "buy";
            let away = if order.stop.is_some() != buy { "90 90 90 90" } else { "5 5 5 5" };
            assert_eq!(stage.run(away), [""; 0], "case {} before its bar", case.case);
        }
        let expected: Vec<String> =
            case.fill.iter().map(|fill| format!("0 {side} 100 @ {fill}")).collect();
        assert_eq!(stage.run(&case.bar.words()), expected, "case {} ({})", case.case, case.rule);
    }
}

/// TF6, TF7: each bracket in every mode for which the file states an outcome.
#[test]
fn brackets() {
    let cases = cases().bracket_cases;
    assert!(!cases.is_empty());
    for case in &cases {
        let modes = [
            (FillMode::Conservative, &case.conservative),
            (FillMode::Adaptive, &case.adaptive),
            (FillMode::Ohlc, &case.ohlc),
        ];
        for (mode, outcome) in modes {
            let Some(outcome) = outcome else { continue };
            let name = format!("{} in {mode}: {}", case.case, case.description);
            match &outcome.entry {
                None => open_bracket(case, mode, outcome, &name),
                Some(entry) => entry_and_stop(case, mode, outcome, entry, &name),
            }
        }
    }
}

/// A long position with a stop at 9.90 and a target at 10.20, as the descriptions say.
fn open_bracket(case: &Bracket, mode: FillMode, outcome: &Outcome, name: &str) {
    let mut stage = Stage::new(mode);
    stage.submit("sell 100 stop 9.90 as stop group 1");
    stage.submit("sell 100 limit 10.20 as target group 1");
    assert_eq!(stage.run("10.00 10.00 10.00 10.00"), [""; 0], "{name}");
    let price = outcome.price.as_deref().unwrap();
    let (filled, other) = if outcome.exit.as_deref() == Some("stop") { (0, 1) } else { (1, 0) };
    let expected = [format!("{filled} sell 100 @ {price}"), format!("{other} cancelled")];
    assert_eq!(stage.run(&case.bar.words()), expected, "{name}");
}

/// A buy stop at 10.05 and, once filled, a protective stop at 9.96.
fn entry_and_stop(case: &Bracket, mode: FillMode, outcome: &Outcome, entry: &str, name: &str) {
    let mut stage = Stage::new(mode);
    stage.submit("buy 100 stop 10.05");
    let seen = stage.run_with(&case.bar.words(), |stage, fill| {
        if fill.side.is_buy() {
            stage.submit("sell 100 stop 9.96 as stop group 1");
        }
    });
    let mut expected = vec![format!("0 buy 100 @ {entry}"), "1 new".into()];
    if let (Some(_), Some(price)) = (&outcome.exit, &outcome.price) {
        expected.push(format!("1 sell 100 @ {price}"));
    }
    let fills: Vec<&String> = seen.iter().filter(|line| !line.ends_with("0 new")).collect();
    assert_eq!(fills, expected.iter().collect::<Vec<_>>(), "{name}");
}
