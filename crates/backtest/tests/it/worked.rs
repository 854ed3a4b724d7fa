//! The worked examples TG40 and TV26: every printed number, through the whole core.

use engine::strategy_engine::{Decision, Outcome};
use engine::{Engine, Fact, Intent, Replace};
use model::{Bar, Date, OrderRole, Price, SymbolId};
use serde_json::Value;

use crate::support::*;

/// Collects orders and the indicators after each bar.
#[derive(Default)]
struct Story {
    intents: Vec<Intent>,
    replaces: Vec<Replace>,
    decisions: Vec<Decision>,
    vwap: Vec<(String, f64)>,
    ema9: Vec<(String, f64, f64)>,
    atr14: f64,
    hod: Price,
}

impl backtest::Sink for Story {
    fn fact(&mut self, engine: &Engine, fact: &Fact) {
        match fact {
            Fact::Intent(intent) => {
                let state = engine.data().symbol(SymbolId(0)).unwrap();
                if intent.order.role == OrderRole::Entry && self.intents.is_empty() {
                    self.atr14 = state.atr14.value().unwrap_or(0.0);
                    self.hod = state.rth.high;
                }
                self.intents.push((**intent).clone());
            }
            Fact::Replace(replace) => self.replaces.push((**replace).clone()),
            Fact::Decision(decision) => self.decisions.push(*decision),
            _ => {}
        }
    }

    fn evaluation(&mut self, engine: &Engine, _: &Decision) {
        let state = engine.data().symbol(SymbolId(0)).unwrap();
        let clock = model::exchange::new_york_time(state.last.start);
        let clock = format!("{:02}:{:02}", clock.hour, clock.minute);
        if let Some(vwap) = state.vwap.value() {
            self.vwap.push((clock.clone(), vwap));
        }
        if let Some(ema9) = state.ema9.value() {
            self.ema9.push((clock, state.last.close.to_f64(), ema9));
        }
    }
}

fn rounded(value: f64, like: &Value) -> bool {
    let printed = like.to_string();
    let places = printed.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    format!("{value:.places$}").parse::<f64>().unwrap() == like.as_f64().unwrap()
}

#[track_caller]
fn same(value: f64, like: &Value, what: &str) {
    assert!(rounded(value, like), "{what}: {value} is not {like}");
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Returns the `HH:MM` of a clock in an expectation.
fn clock(value: &Value) -> &str {
    value.as_str().unwrap().get(..5).unwrap()
}

/// Makes sessions before `day` whose reference data are the example's assumed baselines: every
/// day ranges over `range` dollars around the close.
pub(crate) fn history(day: Date, prev_close: f64, range: f64, parts: [(&str, u64); 3]) -> Vec<Bar> {
    let calendar = model::exchange::Calendar::nyse();
    let mut date = day;
    let mut bars = Vec::new();
    let [close, low, high] = [prev_close, prev_close - range / 2.0, prev_close + range / 2.0]
        .map(|price| format!("{price:.2}"));
    for _ in 0..20 {
        date = calendar.previous_session(date).unwrap().date;
        for (clock, volume) in parts {
            bars.push(bar(date, clock, [&close, &high, &low, &close], volume));
        }
    }
    bars.sort_by_key(|bar| bar.start);
    bars
}

/// TG40: scan, gates, order, sizes, fills, target, trail, result.
#[test]
fn gap_and_go() {
    let expected = worked_json("gap_and_go_expected.json");
    let day = date("2026-06-01");
    let assumed = &expected["assumed_baselines"];
    let volume = |key: &str| assumed[key].as_u64().unwrap();
    let rest = volume("adv20") - volume("pm_volume_mean") - volume("bar_0930_volume_mean");
    let parts = [
        ("08:00", volume("pm_volume_mean")),
        ("09:30", volume("bar_0930_volume_mean")),
        ("15:59", rest),
    ];
    let mut bars = history(day, number(&expected["prev_close"]), 0.20, parts);
    bars.extend(worked_bars("gap_and_go_bars.csv", day));
    let mut story = Story::default();
    let mut config = config(day, day);
    config.record_all = true;
    let result = run_with(vec![symbol_data("GAP", bars)], &["gap_and_go"], &config, &mut story);

    let order = &expected["order"];
    let entry = &story.intents[0];
    assert_eq!(entry.time, at(day, clock(&order["placed_at"])));
    let plan = entry.plan.unwrap();
    same(plan.entry.stop().unwrap().to_f64(), &order["stop"], "stop");
    same(plan.entry.limit().unwrap().to_f64(), &order["limit"], "limit");
    same(plan.stop.unwrap().to_f64(), &order["protective_stop"], "protective stop");
    let sizing = entry.sizing.unwrap();
    same(sizing.distance.unwrap().to_f64(), &order["stop_distance"], "distance");
    assert_eq!(sizing.quantity.shares(), expected["qty"].as_i64().unwrap());

    let [trade] = &result.trades[..] else { panic!("one trade, not {:?}", result.trades) };
    let events = expected["events"].as_array().unwrap();
    for (fill, event) in trade.fills.iter().zip(events) {
        same(fill.price.to_f64(), &event["price"], "fill price");
        assert_eq!(fill.quantity.shares(), event["qty"].as_i64().unwrap());
    }
    assert_eq!(trade.fills.len(), events.len());
    same(trade.initial_stop.unwrap().to_f64(), &events[0]["initial_stop"], "initial stop");
    let r = trade.entry_price.minus(trade.initial_stop.unwrap());
    same(r.to_f64(), &events[0]["r_per_share"], "R");
    let target = story.intents.iter().find(|i| i.order.role == OrderRole::Target).unwrap();
    same(target.order.kind.limit().unwrap().to_f64(), &events[0]["target1"], "target");
    let moved = story.replaces.last().unwrap();
    same(moved.request.kind.stop().unwrap().to_f64(), &events[1]["new_stop"], "moved stop");
    let close = story.intents.iter().find(|i| i.order.role == OrderRole::Close).unwrap();
    let decided = clock(&events[2]["decided_at_close_of"]);
    assert_eq!(close.time, at(day, decided).plus_nanos(model::MINUTE_NS), "decided at its close");
    same(trade.gross_pnl.to_f64(), &expected["gross_pnl"], "gross");
    let gross_r = trade.gross_pnl.to_f64() / (r.to_f64() * trade.quantity.to_f64());
    same(gross_r, &expected["r_multiple_gross"], "gross R");

    for (clock, pair) in expected["trail"].as_object().unwrap() {
        let seen = story.ema9.iter().find(|(at, ..)| at == clock);
        if let Some((_, close, ema9)) = seen {
            same(*close, &pair[0], "trail close");
            same(*ema9, &pair[1], "trail EMA9");
        }
    }
    for (clock, value) in expected["vwap"].as_object().unwrap() {
        if let Some((_, vwap)) = story.vwap.iter().find(|(at, _)| at == clock) {
            same(*vwap, value, "VWAP");
        }
    }
    assert!(story.ema9.iter().any(|(at, ..)| at == decided), "the trail was watched");
    assert!(result.open_positions.is_empty());
    let ordered = story.decisions.iter().filter(|d| d.outcome == Outcome::Order).count();
    assert!(ordered >= 1);
}

/// TV26: reclaim, hold, order, sizes, fills, exit, result.
#[test]
fn vwap_reclaim() {
    let expected = worked_json("vwap_reclaim_expected.json");
    let day = date("2026-06-01");
    let assumed = &expected["assumed"];
    let adv = assumed["adv20"].as_u64().unwrap();
    let parts = [("09:30", 1_000), ("12:00", adv - 2_000), ("15:59", 1_000)];
    let atr = number(&assumed["daily_atr14"]);
    let mut bars = history(day, number(&assumed["prev_close"]), atr, parts);
    bars.extend(worked_bars("vwap_reclaim_bars.csv", day));
    let mut story = Story::default();
    let mut config = config(day, day);
    config.record_all = true;
    let result = run_with(vec![symbol_data("REC", bars)], &["vwap_reclaim"], &config, &mut story);

    let order = &expected["order"];
    let entry = &story.intents[0];
    assert_eq!(entry.time, at(day, clock(&order["placed_at"])));
    let plan = entry.plan.unwrap();
    same(plan.entry.stop().unwrap().to_f64(), &order["stop"], "stop");
    same(plan.entry.limit().unwrap().to_f64(), &order["limit"], "limit");
    same(plan.stop.unwrap().to_f64(), &order["protective_stop"], "protective stop");
    same(story.atr14, &order["atr14"], "ATR14");
    same(story.hod.to_f64(), &order["hod"], "HOD");
    let sizing = entry.sizing.unwrap();
    let distance = sizing.distance.unwrap().to_f64();
    same(distance, &order["stop_distance"], "distance");
    same(distance / plan.reference.to_f64() * 100.0, &order["stop_distance_pct"], "distance %");
    assert_eq!(sizing.quantity.shares(), order["qty"].as_i64().unwrap());

    let [trade] = &result.trades[..] else { panic!("one trade, not {:?}", result.trades) };
    let events = expected["events"].as_array().unwrap();
    for (fill, event) in trade.fills.iter().zip(events) {
        same(fill.price.to_f64(), &event["price"], "fill price");
        assert_eq!(fill.quantity.shares(), event["qty"].as_i64().unwrap());
    }
    assert_eq!(trade.fills.len(), events.len());
    let target = story.intents.iter().find(|i| i.order.role == OrderRole::Target).unwrap();
    same(target.order.kind.limit().unwrap().to_f64(), &events[0]["target1"], "target");
    let close = story.intents.iter().find(|i| i.order.role == OrderRole::Close).unwrap();
    let decided = clock(&events[1]["decided_at_close_of"]);
    assert_eq!(close.time, at(day, decided).plus_nanos(model::MINUTE_NS), "decided at its close");
    same(trade.gross_pnl.to_f64(), &expected["gross_pnl"], "gross");
    let taken = trade.risk_taken.unwrap().to_f64();
    same(taken, &expected["risk_actually_taken_usd"], "risk taken");
    same(trade.gross_pnl.to_f64() / taken, &expected["r_multiple_gross"], "gross R");
    for (clock, value) in expected["vwap"].as_object().unwrap() {
        if let Some((_, vwap)) = story.vwap.iter().find(|(at, _)| at == clock) {
            same(*vwap, value, "VWAP");
        }
    }
    let reclaim = clock(&expected["trace"][0]["bar"]);
    assert!(story.vwap.iter().any(|(at, _)| at == reclaim), "the reclaim was watched");
}
