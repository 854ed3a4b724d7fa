//! The rules of the exchange, one scenario each.

use model::exchange::{Calendar, CommissionPlan, FeeSchedule};
use model::{BrokerId, CancelRequest, Cash, ChargeKind, ExecType, OrderKind, SymbolId};
use simulator::{ExchangeConfig, FillMode, Impact, LimitFill, Night, Slippage, SlippageModel};

use crate::support::{SYMBOL, Stage, id, price, shares, start, text};

const QUIET: &str = "10.00 10.00 10.00 10.00";

/// TF10: one budget per symbol and bar; the rest of a market order goes on at the next open.
#[test]
fn participation_is_shared_and_the_rest_works_on() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 60");
    stage.submit("buy 60");
    let first = stage.run("10.00 10.10 9.90 10.00 1009");
    assert_eq!(first, ["0 buy 60 @ 10.01", "1 buy 40 @ 10.01"]);
    assert_eq!(stage.run("10.50 10.60 10.40 10.50 0"), [""; 0], "volume 0 fills nothing");
    assert_eq!(stage.run("10.50 10.60 10.40 10.50 5000"), ["1 buy 20 @ 10.51"]);
    assert_eq!(stage.exchange.position(SYMBOL), shares(120));
}

/// TF10: a stop that is touched without volume is a market order at the next open.
#[test]
fn a_triggered_stop_fills_at_the_next_open() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("sell 50 stop 9.90 as stop");
    assert_eq!(stage.run("10.00 10.00 9.80 10.00 300"), ["0 sell 30 @ 9.89"]);
    assert!(stage.exchange.orders().next().unwrap().triggered);
    assert_eq!(stage.run("10.20 10.30 10.10 10.20"), ["0 sell 20 @ 10.19"]);
}

/// TF10: the comparison conventions have no limit, and TF11: no slippage.
#[test]
fn comparison_conventions() {
    let mut stage = Stage::new(FillMode::NextOpen);
    stage.submit("buy 5000");
    assert_eq!(stage.run("10.00 10.10 9.90 10.05 10"), ["0 buy 5000 @ 10.00"]);
    let mut stage = Stage::new(FillMode::NextClose);
    stage.submit("buy 5000");
    assert_eq!(stage.run("10.00 10.10 9.90 10.05 10"), ["0 buy 5000 @ 10.05"]);
    let mut stage = Stage::new(FillMode::SameClose);
    assert_eq!(stage.run("10.00 10.10 9.90 10.05 10"), [""; 0]);
    stage.submit("buy 5000");
    assert_eq!(stage.drain(), ["0 buy 5000 @ 10.05"]);
    let fill = stage.exchange.executions()[0];
    assert_eq!(fill.time, start().plus_nanos(model::MINUTE_NS), "the end of the decision bar");
}

/// TF1: a fill at the open carries the bar's start, any other its end.
#[test]
fn times_of_fills() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 10");
    stage.submit("buy 10 stop 10.05");
    stage.run("10.00 10.10 9.90 10.05");
    let times: Vec<i64> =
        stage.exchange.executions().iter().map(|report| report.time.since(start())).collect();
    assert_eq!(times, [0, model::MINUTE_NS]);
}

/// TB2: an order is live from bars that start at or after it; a latency below one bar means the
/// next open (TF14).
#[test]
fn orders_wait_for_a_bar_that_starts_after_them() {
    let mut stage = Stage::new(FillMode::Conservative);
    let bar = stage.bar("10.00 10.10 9.90 10.05");
    stage.wait(1);
    stage.submit("buy 10");
    stage.drain();
    stage.exchange.begin_bar(SYMBOL, &bar, true);
    assert_eq!(stage.exchange.next_report(), None, "the bar started before the order");
    stage.exchange.end_bar();
    assert_eq!(stage.run("10.20 10.20 10.20 10.20"), ["0 buy 10 @ 10.21"]);
    stage.now = stage.now.plus_nanos(50_000_000);
    stage.submit("buy 10");
    stage.now = stage.now.plus_nanos(-50_000_000);
    assert_eq!(stage.run("10.20 10.20 10.20 10.20"), ["1 buy 10 @ 10.21"]);
}

/// TF1: outside regular hours nothing fills, unless the configuration allows it.
#[test]
fn regular_hours_only() {
    let mut config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None);
    for (extended, fills) in [(false, 0), (true, 1)] {
        config.extended_hours = extended;
        let mut stage = Stage::with(config.clone());
        stage.submit("buy 10");
        stage.drain();
        let bar = stage.bar(QUIET);
        stage.exchange.begin_bar(SYMBOL, &bar, false);
        while stage.exchange.next_report().is_some() {}
        stage.exchange.end_bar();
        assert_eq!(stage.exchange.executions().len(), fills);
    }
}

/// TF8: a fill of one member reduces the others in the same step, before anything else happens.
#[test]
fn groups_reduce_each_other() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("sell 100 stop 9.90 as stop group 7");
    stage.submit("sell 50 limit 10.20 as target group 7");
    stage.submit("sell 70 limit 11.00 as target group 8");
    stage.run(QUIET);
    assert_eq!(stage.run("10.00 10.30 10.00 10.30"), ["1 sell 50 @ 10.20", "0 restated 50"]);
    assert_eq!(stage.run("10.00 10.00 9.80 9.80"), ["0 sell 50 @ 9.89"]);
    assert_eq!(stage.exchange.position(SYMBOL), shares(-100));
    assert_eq!(stage.exchange.orders().count(), 1, "the other group is untouched");
}

/// TF8 with TF10: partial fills of any member reduce the others; nothing closes twice. The stop is
/// touched when the bar's volume is used up, so it goes on at the next open, before the close.
#[test]
fn partial_fills_reduce_the_group() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("sell 100 stop 9.90 as stop group 1");
    stage.submit("sell 100 limit 10.20 as target group 1");
    stage.submit("sell 100 as close group 1");
    let bar = "10.00 10.30 9.80 10.00 400";
    assert_eq!(stage.run(bar), ["2 sell 40 @ 9.99", "0 restated 60", "1 restated 60"]);
    assert_eq!(stage.run(bar), ["0 sell 40 @ 9.99", "1 restated 20", "2 restated 60"]);
    assert_eq!(stage.run(bar), ["0 sell 20 @ 9.99", "1 cancelled", "2 cancelled"]);
    assert_eq!(stage.exchange.position(SYMBOL), shares(-100));
}

/// TF1: an amendment is live from the next bar; a smaller quantity holds at once.
#[test]
fn amendments_wait_for_the_next_bar() {
    let stop = |at: &str| OrderKind::Stop { stop: price(at) };
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 10 limit 9.95");
    stage.submit("sell 100 stop 9.50 as stop group 1");
    stage.run(QUIET);
    let seen = stage.run_with("10.00 10.00 9.80 9.90", |stage, fill| {
        if fill.side.is_buy() {
            stage.replace(1, stop("9.85"), 110);
        }
    });
    assert_eq!(seen, ["0 buy 10 @ 9.95", "1 replaced"], "9.85 is touched, but not live yet");
    assert_eq!(stage.run("9.90 9.90 9.84 9.84"), ["1 sell 110 @ 9.84"]);

    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("sell 100 stop 9.85 as stop");
    stage.run(QUIET);
    stage.submit("buy 10");
    let seen = stage.run_with("10.00 10.00 9.80 9.90", |stage, fill| {
        if fill.side.is_buy() {
            stage.replace(0, stop("9.00"), 40);
        }
    });
    assert_eq!(seen, ["1 buy 10 @ 10.01", "0 replaced", "0 sell 40 @ 9.84"]);
}

/// TF8 and TF1 together: a group fill also reduces a quantity that is not in force yet.
#[test]
fn a_group_fill_reduces_a_pending_quantity() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("sell 50 stop 9.00 as stop group 1");
    stage.submit("sell 50 limit 10.20 as target group 1");
    stage.submit("buy 50 limit 9.95");
    stage.run(QUIET);
    let kind = OrderKind::Stop { stop: price("9.00") };
    // In the adaptive course the entry would come later; here the open is beyond the target.
    stage.replace(0, kind, 100);
    stage.drain();
    let seen = stage.run("10.30 10.30 10.30 10.30");
    assert_eq!(seen, ["1 sell 50 @ 10.20", "0 restated 50"]);
    assert_eq!(stage.run("9.00 9.00 8.90 8.90").len(), 2, "the stop and the entry");
    assert_eq!(stage.exchange.position(SYMBOL), shares(-50));
}

/// Requests that cannot be met are refused with the reason, and change nothing.
#[test]
fn refusals() {
    let mut stage = Stage::new(FillMode::Conservative);
    let done = stage.submit("buy 10");
    stage.run(QUIET);
    stage.cancel(done);
    stage.cancel(77);
    assert_eq!(stage.drain(), ["0 cancel rejected TooLate", "77 cancel rejected UnknownOrder"]);
    let order = stage.order("buy 10 limit 9.00");
    stage.exchange.submit(&order, stage.now);
    stage.exchange.submit(&order, stage.now);
    assert_eq!(stage.drain(), ["1 rejected DuplicateId"]);
    for words in ["buy 0", "buy 10 limit -1", "buy 10 stop 0"] {
        stage.submit(words);
    }
    let mut foreign = stage.order("buy 10");
    foreign.symbol = SymbolId(9);
    stage.exchange.submit(&foreign, stage.now);
    let refused = stage.drain();
    assert_eq!(refused.len(), 4);
    assert!(refused.iter().all(|line| line.ends_with("rejected Invalid")), "{refused:?}");
    stage.replace(1, OrderKind::Limit { limit: price("0") }, 10);
    assert_eq!(stage.drain(), ["1 replace rejected Invalid"]);
    assert_eq!(stage.exchange.orders().count(), 1);
}

/// A replaced order is known by its new id only; a replacement below what is filled comes too late.
#[test]
fn replacement_ids() {
    let mut stage = Stage::new(FillMode::Conservative);
    let number = stage.submit("buy 100 limit 10.00");
    stage.replace(number, OrderKind::Limit { limit: price("9.90") }, 100);
    assert_eq!(stage.drain(), ["0 replaced"]);
    let old =
        CancelRequest { client_id: id(number, 0, false), broker: BrokerId(0), symbol: SYMBOL };
    stage.exchange.cancel(&old, stage.now);
    assert_eq!(stage.drain(), ["0 cancel rejected TooLate"]);
    assert_eq!(stage.run("9.80 9.80 9.80 9.80 400"), ["0 buy 40 @ 9.81"]);
    stage.replace(number, OrderKind::Limit { limit: price("9.90") }, 40);
    assert_eq!(stage.drain(), ["0 replace rejected TooLate"]);
    stage.cancel(number);
    assert_eq!(stage.drain(), ["0 cancelled"]);
}

/// TF4: a limit that was amended into the market fills at the open plus slippage.
#[test]
fn an_amended_limit_meets_the_market_anew() {
    let mut stage = Stage::new(FillMode::Conservative);
    let number = stage.submit("buy 100 limit 9.00");
    stage.run(QUIET);
    stage.replace(number, OrderKind::Limit { limit: price("10.05") }, 100);
    stage.drain();
    assert_eq!(stage.run(QUIET), ["0 buy 100 @ 10.01"]);
}

/// TF4: the first bar after a halt or a session break opens with an auction.
#[test]
fn auctions_give_the_better_of_open_and_limit() {
    for session_break in [false, true] {
        let mut stage = Stage::new(FillMode::Conservative);
        stage.submit("buy 100 limit 9.50 tif gtc");
        stage.submit("sell 100 stop 9.40 as stop tif gtc");
        stage.run(QUIET);
        if session_break {
            stage.exchange.close_session(stage.now);
        } else {
            stage.exchange.halt(SYMBOL, true);
            stage.wait(5);
            stage.exchange.halt(SYMBOL, false);
        }
        // TF9: the stop fills at the open, never at its price.
        let seen = stage.run("9.20 9.30 9.10 9.20");
        assert_eq!(seen, ["0 buy 100 @ 9.20", "1 sell 100 @ 9.19"]);
    }
}

/// TF6: bracket children get no improvement on their first bar.
#[test]
fn a_target_submitted_at_the_open_counts_as_resting() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 100 stop 10.00");
    let seen = stage.run_with("10.50 10.60 10.40 10.50", |stage, fill| {
        if fill.side.is_buy() {
            stage.submit("sell 100 limit 10.45 as target group 1");
        }
    });
    assert_eq!(seen, ["0 buy 100 @ 10.51", "1 new", "1 sell 100 @ 10.45"]);
}

/// TF7: a target does not fill in the bar of an entry inside it (conservative); with a course it
/// fills when the course reaches it after the entry.
#[test]
fn targets_in_the_bar_of_the_entry() {
    for (mode, fills) in [(FillMode::Conservative, 0), (FillMode::Adaptive, 1), (FillMode::Ohlc, 1)]
    {
        let mut stage = Stage::new(mode);
        stage.submit("buy 100 stop 10.05");
        let seen = stage.run_with("10.00 10.30 9.95 10.20", |stage, fill| {
            if fill.side.is_buy() {
                stage.submit("sell 100 limit 10.20 as target group 1");
            }
        });
        let sold = seen.iter().filter(|line| line.contains("sell")).count();
        assert_eq!(sold, fills, "{mode}: {seen:?}");
    }
}

/// TF7: market orders in answer to a fill wait for the next open.
#[test]
fn a_market_order_inside_a_bar_waits() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 100");
    let seen = stage.run_with(QUIET, |stage, _| {
        stage.submit("sell 100 as close");
    });
    assert_eq!(seen, ["0 buy 100 @ 10.01", "1 new"]);
    assert_eq!(stage.run("10.40 10.40 10.40 10.40"), ["1 sell 100 @ 10.39"]);
}

/// TF7: a stop that is set behind the market inside a bar fires at the price reached, not at its
/// own better one.
#[test]
fn a_stop_behind_the_market_gets_no_better_price() {
    for mode in [FillMode::Conservative, FillMode::Adaptive, FillMode::Ohlc] {
        let mut stage = Stage::new(mode);
        stage.submit("buy 100 stop 10.05");
        let seen = stage.run_with("10.00 10.10 9.95 10.08", |stage, fill| {
            if fill.side.is_buy() {
                stage.submit("sell 100 stop 10.50 as stop group 1");
            }
        });
        assert_eq!(seen.last().unwrap(), "1 sell 100 @ 10.04", "{mode}");
    }
}

/// Shorts mirror longs (TF3, TF5, TF7).
#[test]
fn shorts_mirror_longs() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("short 100 stop 9.95 limit 9.90");
    let seen = stage.run_with("10.00 10.04 9.90 9.92", |stage, fill| {
        if !fill.side.is_buy() {
            stage.submit("buy 100 stop 10.04 as stop group 1");
        }
    });
    assert_eq!(seen, ["0 sell_short 100 @ 9.94", "1 new", "1 buy 100 @ 10.05"]);
}

/// TF5: a touched stop-limit beyond its limit rests as a limit from the next bar.
#[test]
fn a_touched_stop_limit_rests() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 100 stop 10.05 limit 10.08");
    assert_eq!(stage.run("10.20 10.40 10.06 10.30"), [""; 0]);
    assert_eq!(stage.run("10.20 10.20 10.08 10.20"), [""; 0], "a touch is no fill");
    assert_eq!(stage.run("10.20 10.20 10.07 10.20"), ["0 buy 100 @ 10.08"]);
}

/// TF4: the options for resting limits.
#[test]
fn limit_options() {
    let fills = |limit_fill| {
        let mut config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None);
        config.limit_fill = limit_fill;
        let mut stage = Stage::with(config);
        let touched = "10.00 10.00 9.95 10.00";
        for _ in 0..200 {
            stage.submit("buy 1 limit 9.95");
        }
        stage.run(QUIET);
        stage.run(touched).len()
    };
    assert_eq!(fills(LimitFill::Through), 0);
    assert_eq!(fills(LimitFill::Touch), 200);
    let some = fills(LimitFill::TouchProbability { ppm: 250_000, seed: 5 });
    assert!((25..=75).contains(&some), "{some} of 200 at 25 %");
    assert_eq!(some, fills(LimitFill::TouchProbability { ppm: 250_000, seed: 5 }));
}

/// TF1, TF12: what the times in force do at the end of a bar and of a session.
#[test]
fn times_in_force() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 100 tif ioc");
    stage.submit("buy 100 limit 9.00 tif fok");
    stage.submit("buy 100 limit 9.00 tif opg");
    stage.submit("buy 10 tif cls");
    stage.submit("buy 10 limit 9.00");
    stage.submit("buy 10 limit 9.00 tif gtc");
    let seen = stage.run("10.00 10.20 9.90 10.10 400");
    assert_eq!(seen, ["0 buy 40 @ 10.01", "0 cancelled", "1 cancelled", "2 expired"]);
    stage.submit("buy 10 limit 9.00"); // Decided at the close: it belongs to the next session.
    stage.exchange.close_session(stage.now);
    assert_eq!(stage.drain(), ["3 buy 10 @ 10.10", "4 expired"]);
    assert_eq!(stage.exchange.auction_estimates(), 1);
    let left: Vec<u64> = stage.exchange.orders().map(|order| order.client_id.number.0).collect();
    assert_eq!(left, [5, 6]);
}

/// Orders for the opening auction are refused once it is over, and fill at the open without
/// slippage (TF12).
#[test]
fn opening_auction() {
    let mut stage = Stage::new(FillMode::Conservative);
    let session = Calendar::nyse().session_at(start()).unwrap();
    stage.now = session.open.plus_nanos(-model::MINUTE_NS);
    stage.exchange.begin_session(&session);
    stage.submit("buy 10 tif opg");
    stage.now = session.open;
    stage.submit("buy 10 tif opg");
    assert_eq!(stage.run(QUIET), ["1 rejected MarketClosed", "0 buy 10 @ 10.00"]);
}

/// TF11: the model doubles stop entries in the first five minutes and nothing else.
#[test]
fn the_slippage_model_knows_the_first_five_minutes() {
    let mut config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::None);
    config.slippage =
        Slippage::Model(SlippageModel { impact: Impact::None, ..SlippageModel::default() });
    let mut stage = Stage::with(config);
    stage.exchange.set_symbol_day(SYMBOL, Some(2e6), None);
    let session = Calendar::nyse().session_at(start()).unwrap();
    stage.exchange.begin_session(&session);
    stage.now = session.open;
    // Half of 15 bps of 10.00 is 0.0075: 0.01, doubled before rounding 0.02.
    stage.submit("buy 10 stop 10.00");
    stage.submit("buy 10");
    assert_eq!(stage.run(QUIET), ["0 buy 10 @ 10.02", "1 buy 10 @ 10.01"]);
    stage.now = session.open.plus_nanos(5 * model::MINUTE_NS);
    stage.submit("buy 10 stop 10.00");
    assert_eq!(stage.run(QUIET), ["2 buy 10 @ 10.01"]);
}

/// TF11, TB11: prices round to the tick against us, 0.0001 below one dollar.
#[test]
fn ticks() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 10");
    stage.submit("short 10");
    let seen = stage.run("10.005 10.01 10.00 10.01");
    assert_eq!(seen, ["0 buy 10 @ 10.02", "1 sell_short 10 @ 9.99"]);
    stage.submit("buy 10");
    assert_eq!(stage.run("0.5 0.5 0.5 0.5"), ["2 buy 10 @ 0.5001"]);
}

/// TK4: the minimum applies to the order, not to each fill, and a modified order stays one order.
#[test]
fn commission_accumulates_over_fills() {
    let config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::IbkrFixed);
    let mut stage = Stage::with(config);
    stage.submit("buy 300");
    stage.run("25.00 25.00 25.00 25.00 1000");
    stage.replace(0, OrderKind::Market, 400);
    stage.run("25.00 25.00 25.00 25.00 1000");
    stage.run("25.00 25.00 25.00 25.00 2000");
    let fees = commission(&stage);
    let cat = |shares: i64| Cash::from_raw(3_000 * shares); // TK: CAT of 2026.
    let expected = ["1.00", "0.00", "1.00"].map(|text| text.parse::<Cash>().unwrap());
    let expected =
        [expected[0].plus(cat(100)), expected[1].plus(cat(100)), expected[2].plus(cat(200))];
    assert_eq!(fees, expected);
}

/// TK1, TK7: fills keep raw fees; the day's rounding comes once, at the roll of the day.
#[test]
fn fee_rounding_comes_once_a_day() {
    let mut config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::Alpaca);
    config.slippage = Slippage::Ticks(0);
    let mut stage = Stage::with(config);
    stage.submit("sell 1000");
    stage.run("25.00 25.00 25.00 25.00");
    let raw: Cash = commission(&stage).into_iter().sum();
    // TK, 2026: SEC 0.515, TAF 0.195, CAT 0.003, each rounded up to the cent on its own.
    assert_eq!(raw.to_string(), "0.713");
    let night = night("2026-11-25", "2026-11-27");
    let rounding = "0.017".parse().unwrap();
    assert_eq!(stage.exchange.day_roll(night), [(ChargeKind::FeeRounding, rounding)]);
    assert_eq!(stage.exchange.day_roll(night), []);
}

/// The night after `session`, a day long, whose trades settle on `settles`.
fn night(session: &str, settles: &str) -> Night {
    Night { session: session.parse().unwrap(), settles: settles.parse().ok(), days: 1 }
}

/// TK5, TK6: settled shorts and settled debits are charged for each calendar day, by kind; what is
/// bought and sold within the day, or has not settled, is not.
#[test]
fn nights_are_charged_on_what_has_settled() {
    let mut config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::IbkrFixed);
    config.slippage = Slippage::Ticks(0);
    let mut stage = Stage::with(config);
    let begin: Cash = "10000".parse().unwrap();
    stage.exchange.deposit(begin);
    let trade = |stage: &mut Stage, words: &str| {
        stage.submit(words);
        stage.run("50.00 50.00 50.00 50.00");
    };
    let roll = |stage: &mut Stage, session: &str, settles: &str, days| {
        stage.exchange.day_roll(Night { days, ..night(session, settles) })
    };
    // A round trip within the day: nothing, although 40,000 USD were owed at noon.
    trade(&mut stage, "buy 1000");
    trade(&mut stage, "sell 1000");
    assert_eq!(roll(&mut stage, "2026-06-03", "2026-06-04", 1), []);
    // A thousand short, sold on Thursday: delivered on Friday, borrowed from then on.
    trade(&mut stage, "sell_short 1000");
    assert_eq!(roll(&mut stage, "2026-06-04", "2026-06-05", 1), []);
    let borrow = |fee: &str| vec![(ChargeKind::ShortBorrow, fee.parse().unwrap())];
    // Covered on Friday: the cover settles on Monday, so three days are paid.
    trade(&mut stage, "buy 1000");
    assert_eq!(roll(&mut stage, "2026-06-05", "2026-06-08", 3), borrow("1.0625"));
    assert_eq!(roll(&mut stage, "2026-06-08", "2026-06-09", 1), []);
    // 1000 shares held on 10,000 USD less what was paid: the rest is owed.
    trade(&mut stage, "buy 1000");
    assert_eq!(roll(&mut stage, "2026-06-09", "2026-06-10", 1), []);
    let owed = stage.exchange.cash().negated();
    let interest = roll(&mut stage, "2026-06-10", "2026-06-11", 1);
    // 3.75 % and 1.50 % of 2026 on 40,0xx USD.
    let expected = FeeSchedule::us().financing;
    let expected = expected.margin_interest("2026-06-10".parse().unwrap(), owed, 1);
    assert_eq!(interest, [(ChargeKind::MarginInterest, expected)]);
    assert_eq!(expected.to_string().split_once('.').unwrap().0, "5");
    assert_eq!(stage.exchange.cash(), owed.negated().minus(expected), "it is paid in cash");
}

/// TK5, TK6: plans without costs of their own charge no nights.
#[test]
fn plans_without_costs_charge_no_nights() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 1000");
    stage.run(QUIET);
    for _ in 0..3 {
        assert_eq!(stage.exchange.day_roll(night("2026-06-10", "2026-06-10")), []);
    }
}

fn commission(stage: &Stage) -> Vec<Cash> {
    let fee = |exec: &ExecType| match exec {
        ExecType::Trade(fill) => Some(fill.fee),
        _ => None,
    };
    stage.exchange.executions().iter().filter_map(|report| fee(&report.exec)).collect()
}

/// A symbol without orders costs nothing and shows nothing; its neighbour is not touched.
#[test]
fn symbols_are_apart() {
    let mut stage = Stage::new(FillMode::Conservative);
    stage.submit("buy 10");
    stage.drain();
    assert!(stage.exchange.has_live(SYMBOL));
    assert!(!stage.exchange.has_live(SymbolId(1)));
    let bar = stage.bar(QUIET);
    stage.exchange.begin_bar(SymbolId(1), &bar, true);
    assert_eq!(stage.exchange.next_report().map(|report| text(&report)), None);
    stage.exchange.end_bar();
    assert!(stage.exchange.has_live(SYMBOL));
}
