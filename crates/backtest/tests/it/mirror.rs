//! TG39, TV21: the short sides are mirror images. A day's prices are reflected around a constant
//! (`p -> C - p`); the short strategy must do on it what the long one does on the original, tick by
//! tick: the same orders at the same times and sizes at reflected prices.
//!
//! The limit of an entry is a part of its trigger's price away from it (TG19, TV13) and so does
//! not reflect exactly: it may differ by that part of the difference of the levels and a tick. The
//! fills are the same.

use backtest::RunResult;
use engine::risk_manager::Limits;
use engine::{Engine, Fact, Intent};
use model::{Bar, ClosedTrade, Date, ExitReason, MINUTE_NS, OrderRole, Price, Side};

use crate::support::*;
use crate::worked::history;

fn reflected(bars: &[Bar], around: Price) -> Vec<Bar> {
    let reflect = |price: Price| around.minus(price);
    let bar = |bar: &Bar| Bar {
        open: reflect(bar.open),
        high: reflect(bar.low),
        low: reflect(bar.high),
        close: reflect(bar.close),
        ..*bar
    };
    bars.iter().map(bar).collect()
}

#[derive(Default)]
struct Orders(Vec<Intent>);

impl backtest::Sink for Orders {
    fn fact(&mut self, _: &Engine, fact: &Fact) {
        if let Fact::Intent(intent) = fact {
            self.0.push((**intent).clone());
        }
    }
}

/// Sizes by risk alone: the other terms depend on the price level, which the mirror changes.
fn by_risk_alone() -> Limits {
    Limits {
        max_order_value: None,
        max_order_value_pct: None,
        max_position_size_pct: None,
        buying_power_pct: None,
        max_order_quantity: None,
        max_gross_pct: None,
        max_net_pct: None,
        max_leverage: None,
        price_collar: false,
        // Rule 201 has no counterpart for purchases: a gap of 10 % down is not shorted (C20).
        short_sale_restriction: false,
        ..Limits::default()
    }
}

fn run_one(bars: Vec<Bar>, strategy: &str, day: Date) -> (RunResult, Vec<Intent>) {
    let mut orders = Orders::default();
    let mut config = config(day, day);
    config.limits = by_risk_alone();
    let result = run_with(vec![symbol_data("MIR", bars)], &[strategy], &config, &mut orders);
    (result, orders.0)
}

/// Runs `strategy` on the bars and its short side on their reflection; returns the long run's
/// trades after everything was compared.
#[track_caller]
fn check(bars: &[Bar], around: &str, strategy: &str, day: Date) -> Vec<ClosedTrade> {
    let around = price(around);
    let separator = if strategy.contains(':') { ',' } else { ':' };
    let short = format!("{strategy}{separator}side=short");
    let (long, long_orders) = run_one(bars.to_vec(), strategy, day);
    let (mirror, short_orders) = run_one(reflected(bars, around), &short, day);

    assert_eq!(long_orders.len(), short_orders.len(), "{strategy}: as many orders");
    // A marketable limit is what an entry is sized by (TS1): its size reflects as little as it.
    let mut sizes_reflect = true;
    for (a, b) in long_orders.iter().zip(&short_orders) {
        assert_eq!(a.time, b.time, "{strategy}: at the same time");
        assert_eq!(a.order.role, b.order.role, "{strategy}");
        let side = match a.order.role {
            OrderRole::Entry => Side::SellShort,
            _ => Side::Buy,
        };
        assert_eq!(b.order.side, side, "C19: a short sale is marked, its exits buy");
        let mirrored = a.order.kind.stop().map(|stop| around.minus(stop));
        assert_eq!(b.order.kind.stop(), mirrored, "{strategy}: {:?}", a.order.role);
        if let (Some(a_limit), Some(b_limit)) = (a.order.kind.limit(), b.order.kind.limit()) {
            let apart = around.minus(a_limit).minus(b_limit).abs();
            let levels = a_limit.minus(b_limit).abs();
            let most = match a.order.role {
                OrderRole::Entry => levels.times_ppm(5_000).plus(price("0.01")),
                _ => Price::ZERO,
            };
            assert!(apart <= most, "{strategy}: limits are {apart} apart");
            let marketable = a.order.role == OrderRole::Entry && a.order.kind.stop().is_none();
            sizes_reflect &= !marketable || apart.is_zero();
        }
        if sizes_reflect {
            assert_eq!(a.order.quantity, b.order.quantity, "{strategy}: {:?}", a.order.role);
        }
        let stop = |intent: &Intent| intent.plan.and_then(|plan| plan.stop);
        assert_eq!(stop(b), stop(a).map(|stop| around.minus(stop)), "{strategy}: protective stop");
    }

    assert_eq!(long.trades.len(), mirror.trades.len(), "{strategy}: as many trades");
    for (a, b) in long.trades.iter().zip(&mirror.trades) {
        assert!(a.long && !b.long);
        assert_eq!(
            (a.quantity, a.entry_time, a.exit_time),
            (b.quantity, b.entry_time, b.exit_time)
        );
        assert_eq!(a.exit_reason, b.exit_reason, "{strategy}");
        for (x, y) in a.fills.iter().zip(&b.fills) {
            assert_eq!(around.minus(x.price), y.price, "{strategy}: fills are reflected");
            assert_eq!(x.time, y.time);
            assert_eq!(x.side.is_buy(), !y.side.is_buy());
        }
        assert_eq!(a.fills.len(), b.fills.len());
        assert_eq!((a.mae, a.mfe), (b.mae, b.mfe), "{strategy}");
        if sizes_reflect {
            assert_eq!((a.quantity, a.gross_pnl), (b.quantity, b.gross_pnl), "{strategy}");
            assert_eq!((a.risk_planned, a.risk_taken), (b.risk_planned, b.risk_taken));
        }
    }
    long.trades
}

/// Quiet hours from a time on around `cents`, so that every position is closed by some rule.
fn rest_of_the_morning(day: Date, from: &str, cents: i64) -> Vec<Bar> {
    let dollars = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    let path = [0, 4, 9, 3, -2, -7, -3, 1, 6, -4];
    let bar_of = |minute: i64| {
        let price = |minute: i64| cents + path[(minute % 10) as usize];
        let (open, close) = (price(minute), price(minute + 1));
        let prices = [open, open.max(close) + 2, open.min(close) - 3, close].map(dollars);
        let [a, b, c, d] = &prices;
        let start = at(day, from).plus_nanos(minute * MINUTE_NS);
        Bar { start, ..bar(day, from, [a, b, c, d], 40_000) }
    };
    (0..160).map(bar_of).collect()
}

fn gap_day() -> (Vec<Bar>, Date) {
    let day = date("2026-06-01");
    let parts = [("08:00", 30_000), ("09:30", 20_000), ("15:59", 600_000)];
    let mut bars = history(day, 10.0, 0.20, parts);
    bars.extend(worked_bars("gap_and_go_bars.csv", day));
    bars.extend(rest_of_the_morning(day, "10:00", 1_200));
    (bars, day)
}

/// TG39 on the worked example TG40: 1,351 shares sold short at 8.48, half covered at 7.72, the
/// rest at 8.01.
#[test]
fn gap_down_and_go_is_the_worked_example_reflected() {
    let (bars, day) = gap_day();
    let trades = check(&bars, "20.00", "gap_and_go", day);
    assert_eq!(trades.len(), 1);
    let (result, orders) = run_one(reflected(&bars, price("20.00")), "gap_and_go:side=short", day);
    let fills: Vec<(String, i64)> = result.trades[0]
        .fills
        .iter()
        .map(|fill| (fill.price.to_string(), fill.quantity.shares()))
        .collect();
    let expected = [("8.48", 1_351), ("7.72", 675), ("8.01", 676)];
    assert_eq!(fills, expected.map(|(price, shares)| (price.to_owned(), shares)));
    assert_eq!(result.trades[0].gross_pnl.to_string(), "830.72");
    assert_eq!(result.trades[0].exit_reason, ExitReason::Trail);
    let entry = orders[0].order.kind;
    assert_eq!(entry.stop(), Some(price("8.49")));
    // 8.49 less 0.5 % is 8.44755: rounded up to the tick, never more aggressive (TB11).
    assert_eq!(entry.limit(), Some(price("8.45")));
}

/// TG14, TG20-TG24, TG33: every trigger, stop and trail on both sides.
#[test]
fn every_variant_of_the_gap_is_mirrored() {
    let (bars, day) = gap_day();
    let mut traded = 0;
    for variant in [
        "trigger=or1",
        "trigger=or5",
        "trigger=max_pm_high_or1",
        "stop_mode=or_low",
        "stop_mode=vwap",
        "stop_mode=atr,stop_atr=1.0,entry_start=open+16m,trigger=or5",
        "trail=vwap",
        "trail=low3",
        "trail=low5",
        "trail=none,breakeven_after=1R",
        "trail=none,breakeven_after=none,targets=1.0:0.25|2.0:0.25|3.0:0.25",
        "trail=none,flat_by=09:50",
        "trail=none,targets=none,time_stop_minutes=5",
    ] {
        let relaxed = format!("{GAP_RELAXED},{variant}").replace("min_stop_percent=0.05,", "");
        traded += check(&bars, "20.00", &relaxed, day).len();
    }
    assert!(traded >= 12, "only {traded} trades: the variants have to trade");
}

fn reclaim_day() -> (Vec<Bar>, Date) {
    let day = date("2026-06-01");
    let parts = [("09:30", 1_000), ("12:00", 4_998_000), ("15:59", 1_000)];
    let mut bars = history(day, 50.0, 1.80, parts);
    bars.extend(worked_bars("vwap_reclaim_bars.csv", day));
    bars.extend(rest_of_the_morning(day, "10:06", 5_050));
    (bars, day)
}

/// TV21 on the worked example TV26.
#[test]
fn vwap_reject_is_the_worked_example_reflected() {
    let (bars, day) = reclaim_day();
    let trades = check(&bars, "101.00", "vwap_reclaim:in_play=false", day);
    assert_eq!(trades.len(), 1);
    assert_eq!(trades[0].exit_reason, ExitReason::Vwap);
    let (result, _) =
        run_one(reflected(&bars, price("101.00")), "vwap_reclaim:in_play=false,side=short", day);
    let fills: Vec<String> = result.trades[0].fills.iter().map(|f| f.price.to_string()).collect();
    assert_eq!(fills, ["50.20", "50.43"]);
}

/// TV10, TV12, TV16: entries, the lower half, targets at the low of the day.
#[test]
fn every_variant_of_the_reclaim_is_mirrored() {
    let (bars, day) = reclaim_day();
    let mut traded = 0;
    for variant in [
        "entry_mode=next_open",
        "entry_mode=retest",
        "hold_bars=0",
        "hold_bars=2",
        "upper_half=true",
        "target_hod_min_r=0.5",
        "target_r=1.0,vwap_exit_closes=off",
        "stop_buffer_atr=1.0",
        "bias=green_day",
    ] {
        let relaxed = format!("{RECLAIM_RELAXED},{variant}").replace("min_stop_percent=0.01,", "");
        traded += check(&bars, "101.00", &relaxed, day).len();
    }
    assert!(traded >= 8, "only {traded} trades: the variants have to trade");
}

/// TG29: each side takes its own gaps, `both` takes either; the default takes no short. After a
/// fall of 10 % nothing is sold short (C20).
#[test]
fn sides_take_their_own_gaps() {
    let (up, day) = gap_day();
    let down = reflected(&up, price("20.00"));
    let restricted = config(day, day);
    let mut config = config(day, day);
    config.limits.short_sale_restriction = false;
    for (side, longs, shorts) in [("long", 1, 0), ("short", 0, 1), ("both", 1, 1)] {
        let data = vec![symbol_data("DOWN", down.clone()), symbol_data("UP", up.clone())];
        let result = run_quietly(data, &[&format!("gap_and_go:side={side}")], &config);
        let (long, short): (Vec<_>, Vec<_>) = result.trades.iter().partition(|trade| trade.long);
        assert_eq!((long.len(), short.len()), (longs, shorts), "{side}");
    }
    let data = || vec![symbol_data("DOWN", down.clone())];
    assert!(run_quietly(data(), &["gap_and_go"], &config).trades.is_empty());
    let short = run_quietly(data(), &["gap_and_go:side=short"], &restricted);
    assert!(short.trades.is_empty(), "the gap is over 10 % down (C20)");
}
