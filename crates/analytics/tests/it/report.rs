//! The report as JSON, HTML, text and CSV (TP21, contract.md section 5).

use std::collections::BTreeSet;
use std::time::Duration;

use analytics::report::{ReadReportError, Report, ReportInput, Timing};
use analytics::{csv, html, text};
use model::Cash;
use serde_json::Value;

use crate::fixture::{date, empty, long, small, usd};

fn json(report: &Report) -> Value {
    serde_json::from_str(&report.to_json()).unwrap()
}

/// TP21: the whole document of a small run made by hand.
#[test]
fn golden_json() {
    insta::assert_snapshot!(Report::build(&small()).to_json());
}

/// TP21: the whole page of the same run.
#[test]
fn golden_html() {
    insta::assert_snapshot!(html::page(&Report::build(&small())));
}

#[test]
fn golden_text_and_csv() {
    let report = Report::build(&small());
    insta::assert_snapshot!(format!("{}\n{}", text::summary(&report), csv::trades(&report)));
}

/// TP21: equal inputs give equal bytes; the durations are the only part that may differ.
#[test]
fn only_timing_may_differ() {
    let first = Report::build(&small());
    let mut input = small();
    input.trades.reverse();
    input.timing = Timing { engine_s: Some(1.5), bars_per_s: Some(2e6), ..Timing::default() };
    let mut second = Report::build(&input);
    assert_ne!(first.to_json(), second.to_json());
    second.timing = first.timing;
    assert_eq!(first.to_json(), second.to_json());
    assert_eq!(html::page(&first), html::page(&second));
}

/// A stored document renders to the same bytes, and re-serialises to them.
#[test]
fn a_stored_document_renders_again() {
    for input in [small(), empty(), long(130, 2), ReportInput::default()] {
        let report = Report::build(&input);
        let stored = report.to_json();
        let read = Report::from_json(&stored).unwrap();
        assert_eq!(read, report);
        assert_eq!(read.to_json(), stored);
        assert_eq!(html::page(&read), html::page(&report));
        assert_eq!(text::summary(&read), text::summary(&report));
    }
}

#[test]
fn other_documents_are_refused() {
    let mut document = json(&Report::build(&empty()));
    document["schema_version"] = 99.into();
    let error = Report::from_json(&document.to_string()).unwrap_err();
    assert!(matches!(error, ReadReportError::Version { found: 99 }), "{error}");
    assert!(matches!(Report::from_json("{}"), Err(ReadReportError::Syntax(_))));
    assert!(matches!(Report::from_json("no json"), Err(ReadReportError::Syntax(_))));
}

/// contract.md section 5: the fields that others rely on, and their JSON types.
#[test]
fn the_contract_fields_are_there() {
    let document = json(&Report::build(&small()));
    let top = [
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
        "open_positions",
        "not_checked",
        "equity",
        "rejections",
        "sensitivity",
        "timing",
        "decision_hash",
        "limits_off",
        "slippage",
    ];
    let trade = [
        "id",
        "strategy",
        "symbol",
        "side",
        "quantity",
        "entry_time",
        "entry_price",
        "exit_time",
        "exit_price",
        "exit_reason",
        "net_pnl",
        "gross_pnl",
        "fees",
        "r_multiple",
        "mae",
        "mfe",
        "initial_stop",
        "risk_planned",
        "risk_taken",
        "fills",
    ];
    let summary = [
        "start_equity",
        "end_equity",
        "net_pnl",
        "gross_pnl",
        "fees",
        "trades",
        "orders",
        "fills",
        "win_rate",
        "profit_factor",
        "expectancy",
        "sharpe",
        "sortino",
        "max_drawdown",
        "cagr",
    ];
    let has = |value: &Value, names: &[&str]| {
        for name in names {
            assert!(value.get(name).is_some(), "{name} is missing");
        }
    };
    has(&document, &top);
    has(&document["data"], &["symbols", "from", "to", "bars", "ticks", "sessions"]);
    has(&document["summary"], &summary);
    has(&document["timing"], &["load_s", "engine_s", "report_s", "bars_per_s"]);
    has(&document["trades"][0], &trade);
    has(&document["trades"][0]["fills"][0], &["time", "side", "quantity", "price", "fee", "order"]);
    assert_eq!(document["equity"][0], serde_json::json!(["2025-06-02", "100000.00"]));
    assert_eq!(document["trades"][0]["quantity"], "1351");
    assert_eq!(document["trades"][2]["side"], "short");
    assert_eq!(document["trades"][2]["fills"][0]["side"], "sell_short");
    assert_eq!(document["trades"][2]["exit_time"], "2025-06-04T15:40:30.25Z");
    assert_eq!(document["trades"][2]["r_multiple"], Value::Null);
    assert_eq!(document["per_strategy"]["orb"]["trades"], 0);
}

/// Lists every path of the document, list elements merged, so that review sees every change of
/// shape; a removal or a change of type needs another schema version.
#[test]
fn golden_shape() {
    fn walk(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| walk(value, &format!("{path}.{key}"), found));
            }
            Value::Array(items) if !items.is_empty() => {
                items.iter().for_each(|item| walk(item, &format!("{path}[]"), found));
            }
            Value::Array(_) => drop(found.insert(format!("{path}: list"))),
            Value::String(_) => drop(found.insert(format!("{path}: text"))),
            Value::Number(_) => drop(found.insert(format!("{path}: number"))),
            Value::Bool(_) => drop(found.insert(format!("{path}: flag"))),
            Value::Null => drop(found.insert(format!("{path}: null"))),
        }
    }
    let mut document = json(&Report::build(&small()));
    document["metrics"]["monthly_returns"] = Value::Null;
    let mut found = BTreeSet::new();
    walk(&document, "", &mut found);
    insta::assert_snapshot!(found.into_iter().collect::<Vec<_>>().join("\n"));
}

/// The summary's identities: gross less fees is net, net is the change of equity, and closed
/// trades, open positions and the rounding of fees explain it exactly.
#[test]
fn the_sums_agree() {
    let report = Report::build(&small());
    let s = &report.summary;
    assert_eq!(s.gross_pnl.minus(s.fees), s.net_pnl);
    assert_eq!(s.end_equity.unwrap().minus(s.start_equity.unwrap()), s.net_pnl);
    let closed: Cash = report.trades.iter().map(|trade| trade.net_pnl).sum();
    assert_eq!(closed, report.metrics.trades.net_pnl);
    let open: Cash = report.open_positions.iter().filter_map(|row| row.net_pnl).sum();
    assert_eq!(open, usd("35"));
    let charges: Cash = report.charges.iter().map(|row| row.amount).sum();
    assert_eq!(closed.plus(open).minus(charges), s.net_pnl);
    assert_eq!(report.fees_by_kind.values().copied().sum::<Cash>(), s.fees);
    assert_eq!(report.fees_by_kind["fee_rounding"], usd("0.004"));
    let by_strategy: Cash = report.per_strategy.values().map(|row| row.trades.net_pnl).sum();
    assert_eq!(by_strategy, closed);
    let trade_fees: Cash = report.trades.iter().map(|trade| trade.fees).sum();
    assert_eq!(s.fees, trade_fees.plus(usd("1.004")));
}

/// TP1: money that came from outside is no result.
#[test]
fn payments_are_no_result() {
    let mut input = empty();
    input.equity.push((date("2025-06-04"), usd("151000")));
    input.flows.insert(date("2025-06-04"), usd("50000"));
    input.flows.insert(date("2025-06-02"), usd("777"));
    let report = Report::build(&input);
    assert_eq!((report.summary.net_pnl, report.summary.flows), (usd("1000"), usd("50000")));
    assert!((report.summary.total_return.unwrap() - 0.01).abs() < 1e-12);
}

/// TP27: a first-day loss is a drawdown from E0.
#[test]
fn a_loss_on_the_first_day_is_a_drawdown() {
    let mut input = empty();
    input.equity[1].1 = usd("96000");
    assert_eq!(Report::build(&input).summary.max_drawdown, Some(-0.04));
}

/// No trades and one day: `null` and a dash, never 0, NaN or infinity (TP).
#[test]
fn what_has_no_value_is_null() {
    for input in [empty(), ReportInput::default()] {
        let report = Report::build(&input);
        let document = json(&report);
        for name in ["win_rate", "profit_factor", "expectancy", "expectancy_r", "sharpe", "sortino"]
        {
            assert_eq!(document["summary"][name], Value::Null, "{name}");
        }
        for name in ["sqn", "psr_0", "calmar", "skew_sample", "sharpe_ci_95", "beta", "kelly"] {
            assert_eq!(document["metrics"][name], Value::Null, "{name}");
        }
        let page = html::page(&report);
        assert!(page.contains("No trade was closed") && page.contains('\u{2013}'));
        for page in [page, text::summary(&report)] {
            assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
        }
    }
}

/// TP2, TP20: short samples are labelled, long ones are not.
#[test]
fn short_samples_are_labelled() {
    let report = Report::build(&small());
    assert!(report.summary.short_sample && report.summary.few_trades);
    assert!(report.labels.iter().any(|label| label.starts_with("short sample: 3 daily returns")));
    assert!(html::page(&report).contains("Short sample: 3 daily returns"));
    let report = Report::build(&long(70, 2));
    assert!(!report.summary.short_sample && !report.summary.few_trades, "{:?}", report.labels);
}

/// Limits off is said first and loudly; text from outside is escaped; nothing is loaded.
#[test]
fn the_page_is_safe_and_honest() {
    let mut input = small();
    input.limits_off = true;
    input.fees_extrapolated = true;
    input.strategies[0].name = "<script>alert(1)</script>".to_owned();
    let page = html::page(&Report::build(&input));
    assert!(page.contains("class=\"alarm\">Risk limits off"));
    assert!(page.contains("Fees_extrapolated"));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"));
    for outside in ["http://", "https://", "url(", "@import", "src=", "style=\""] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// Very many trades are cut on the page, never in the document.
#[test]
fn long_reports_stay_readable() {
    let started = std::time::Instant::now();
    let report = Report::build(&long(300, 5));
    let page = html::page(&report);
    assert!(report.trades.len() > 1_000);
    assert!(page.contains("the JSON report holds all"));
    assert!(page.contains("Weekly result") && page.contains("Rolling Sharpe"));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    if let Some(folder) = std::env::var_os("REPORT_PREVIEW_DIR") {
        let folder = std::path::PathBuf::from(folder);
        std::fs::write(folder.join("long.html"), page).unwrap();
        let mut input = small();
        input.limits_off = true;
        std::fs::write(folder.join("small.html"), html::page(&Report::build(&input))).unwrap();
        std::fs::write(folder.join("empty.html"), html::page(&Report::build(&empty()))).unwrap();
    }
}
