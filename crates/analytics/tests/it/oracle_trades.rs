//! metrics_trades.json: statistics of closed trades (TP14-TP18).

use analytics::metrics::{TradeMetrics, by_exit};
use model::{Cash, ClosedTrade, Price, Quantity, Timestamp};
use serde_json::Value;

use crate::support::{differences, oracle};

fn price(value: &Value) -> Price {
    Price::from_f64(value.as_f64().expect("a price")).expect("in range")
}

/// The file's times have no zone and label no sessions: they are read as UTC.
fn time(value: &Value) -> Timestamp {
    format!("{}Z", value.as_str().expect("a time")).parse().expect("a time")
}

fn trade(row: &Value) -> ClosedTrade {
    let quantity = Quantity::from_shares(row["qty"].as_i64().expect("qty")).expect("in range");
    let net_pnl = Cash::from_f64(row["net_pnl"].as_f64().expect("net")).expect("in range");
    let fees = Cash::from_f64(row["fees"].as_f64().expect("fees")).expect("in range");
    let (entry_price, stop) = (price(&row["entry"]), price(&row["initial_stop"]));
    let risk = entry_price.minus(stop).abs().notional(quantity).expect("in range");
    ClosedTrade {
        id: row["id"].as_u64().expect("id"),
        long: row["side"] == "long",
        quantity,
        entry_time: time(&row["entry_time"]),
        entry_price,
        exit_time: time(&row["exit_time"]),
        exit_price: price(&row["exit"]),
        initial_stop: Some(stop),
        risk_taken: Some(risk),
        gross_pnl: net_pnl.plus(fees),
        fees,
        net_pnl,
        // TP16: the initial stop and the largest position.
        r_multiple: Some(net_pnl.to_f64() / risk.to_f64()),
        mae: price(&row["mae_per_share"]),
        mfe: price(&row["mfe_per_share"]),
        ..ClosedTrade::default()
    }
}

/// TP14-TP18: every expected value, whatever the order in which the trades are given.
#[test]
fn every_expected_value() {
    let file = oracle("metrics_trades.json");
    let mut trades: Vec<ClosedTrade> =
        file["trades"].as_array().expect("trades").iter().map(trade).collect();
    trades.reverse();
    let ours = serde_json::to_value(TradeMetrics::of(&by_exit(&trades))).unwrap();
    let found = differences(&ours, &file["expected"], "expected");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
