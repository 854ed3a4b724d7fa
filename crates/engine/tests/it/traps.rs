//! The traps of the source architecture that must not be carried over (safety.md section 7): each
//! test fails on what the source does. Those of brokers are in `outcomes` and `routing`, those of
//! data sources in the data manager's own tests.

use engine::risk_manager::{Limits, LossLevel, Scope};
use engine::strategy_engine::{Plan, Size};
use engine::{Control, Input, lifecycle::State};
use model::{
    Cash, ExecType, OrderKind, OrderRole, Ppm, Price, RequestKind, SECOND_NS, SendOutcome,
    UnknownCause,
};

use crate::world::{Wish, World, breakout, price, shares};

fn enter() -> Wish {
    Wish::Enter(breakout("10.50", "10.55", "9.50"))
}

/// A market order of a size that the strategy fixed.
fn at_market(quantity: i64) -> Wish {
    Wish::Enter(Plan {
        entry: OrderKind::Market,
        reference: price("10.00"),
        stop: Some(price("9.50")),
        size: Size::Fixed(shares(quantity)),
        ..Plan::default()
    })
}

/// "Execution re-sends to the backup whenever the primary lacks `success`": an order without an
/// answer stays the only one, whatever the strategy says in the meantime (I1, I10).
#[test]
fn an_order_without_an_answer_is_not_sent_again() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    let lost = SendOutcome::Unknown(UnknownCause::Timeout);
    world.outcome(&entry, RequestKind::Submit, lost);
    for clock in ["09:31", "09:32"] {
        world.bar_with(0, 0, clock, "10.00", enter());
        world.bar_with(1, 0, clock, "10.00", enter());
    }
    assert_eq!(world.count(OrderRole::Entry), 1);
}

/// "Orders carry no client id, no partial fills": each order has its own id, and a part of a fill
/// is a position at once, with a stop of its size (I3).
#[test]
fn parts_of_a_fill_are_positions() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    world.bar_with(0, 1, "09:30", "10.00", enter());
    let second = world.last(OrderRole::Entry);
    world.fill(&second, 7, "10.50");
    assert_eq!((world.held(0, 1), world.last(OrderRole::Stop).quantity), (7, shares(7)));
    let mut ids: Vec<_> = world.sent.iter().map(|order| order.client_id).collect();
    let sent = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), sent);
}

/// "`daily_pnl`, positions and equity are never updated": a fill changes the position, a mark the
/// equity, an exit the day's result.
#[test]
fn result_and_equity_follow_fills_and_marks() {
    let mut world = World::new(Limits::default());
    let dollars = |count| Cash::from_dollars(count).unwrap();
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    world.bar(0, "09:31", "12.50");
    let gained = world.engine.equity().minus(dollars(100_000));
    assert!(gained > dollars(999) && gained <= dollars(1_000), "{gained}");
    let stop = world.last(OrderRole::Stop);
    world.fill(&stop, 500, "9.50");
    let lost = world.engine.books().realised_today().negated();
    assert!(lost >= dollars(500) && lost < dollars(501), "{lost}");
    assert_eq!(world.held(0, 0), 0);
}

/// "A market order without price counts as value 0": it is worth its reference and 3 % (C01, C02).
#[test]
fn a_market_order_has_a_value() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", at_market(5_000));
    // 20,000 USD at 10.30.
    assert_eq!(world.last(OrderRole::Entry).quantity, shares(1_941));
    let gross = world.engine.control_status();
    let usage = gross.iter().find(|status| status.control.0 == 8).and_then(|s| s.usage).unwrap();
    assert!((usage - 0.1999).abs() < 1e-4, "it is reserved at that value: {usage}");
}

/// "NaN compares false and passes": no price, quantity, money or limit can be one.
#[test]
fn nothing_can_be_nan() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308] {
        assert_eq!(Price::from_f64(number), None);
        assert_eq!(Cash::from_f64(number), None);
        assert_eq!(Ppm::from_fraction(number), None);
    }
}

/// "Max-positions and daily-loss reject exits too": with every limit exceeded an exit leaves.
#[test]
fn limits_never_hold_an_exit() {
    let mut world = World::new(Limits { max_positions: Some(1), ..Limits::default() });
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    world.bar(0, "09:31", "0.05");
    assert_eq!(world.engine.books().day().loss, LossLevel::Halt);
    world.control(Control::EmergencyStop(Scope::All));
    world.bar_with(0, 0, "09:32", "0.05", Wish::Exit);
    assert_eq!(world.count(OrderRole::Close), 1);
}

/// "Check-then-act races between queued signals": what was approved a moment ago counts, although
/// no broker has said a word (I5).
#[test]
fn what_was_just_approved_counts() {
    let mut world = World::new(Limits { max_positions: Some(8), ..Limits::default() });
    for symbol in 0..6 {
        world.bar_with(0, symbol, "09:30", "10.00", at_market(5_000));
    }
    let ordered: i64 = world.sent.iter().map(|order| order.quantity.shares()).sum();
    let most = Cash::from_dollars(100_000).unwrap().shares_at(price("10.30")).unwrap();
    assert!(ordered > most * 8 / 10 && ordered <= most, "{ordered} of {most}");
}

/// "`emergency_stop`, pause and resume are only processed while the market is open": they act at
/// night, and hold in the morning.
#[test]
fn controls_act_at_night() {
    let mut world = World::new(Limits::default());
    world.apply(world.at("23:00"), Input::from(Control::PauseTrading(Scope::All)));
    assert_eq!(world.engine.books().lifecycle(), State::Paused);
    world.go_on_to("2026-06-02");
    world.bar_with(0, 0, "09:30", "10.00", enter());
    assert_eq!(world.refusals(), ["gate_closed"]);
    world.control(Control::ResumeTrading(Scope::All));
    world.bar_with(0, 0, "09:31", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 1);
}

/// "No holidays, half days": on 27 November 2026 the exchange closes at 13:00, opening ends at
/// 12:45 and positions are closed at 12:55 (F31).
#[test]
fn a_half_day_ends_at_one() {
    let mut world = World::on("2026-11-27", Limits::default());
    world.bar_with(0, 0, "12:43", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    world.bar_with(0, 1, "12:44", "10.00", enter());
    assert_eq!(world.refusals(), ["session"], "decided at 12:45");
    world.apply(world.at("12:55").plus_nanos(-1), Input::Time);
    assert_eq!(world.count(OrderRole::Close), 0);
    world.apply(world.at("12:55"), Input::Time);
    assert_eq!(world.count(OrderRole::Close), 1);
}

/// "Naive local time; close is inclusive": opening ends before 15:45 in New York on both
/// sides of a change of clocks (F30, F33).
#[test]
fn the_session_is_half_open_in_new_york() {
    for day in ["2026-03-06", "2026-03-09", "2026-10-30", "2026-11-02"] {
        for (clock, opens) in [("09:29", true), ("15:43", true), ("15:44", false)] {
            let mut world = World::on(day, Limits::default());
            // The bar of the minute is known, and decided on, a minute later.
            world.bar_with(0, 0, clock, "10.00", enter());
            assert_eq!(world.count(OrderRole::Entry) == 1, opens, "{day} {clock}");
        }
    }
}

/// "100 ms and 1 s polling sleeps": nothing waits for a poll; a deadline fires at its own instant.
#[test]
fn deadlines_have_no_grid() {
    let mut world = World::new(Limits::default());
    let expires = world.at("10:00").plus_nanos(SECOND_NS / 3 + 1);
    let plan = Plan { expires: Some(expires), ..breakout("10.50", "10.55", "9.50") };
    world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(plan));
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    world.pass(expires.since(world.engine.now()) - 1);
    assert_eq!(world.cancelled(), []);
    world.pass(1);
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
}

/// "ERROR state leaves started components running": in no state but running is anything opened,
/// and in every state exits pass.
#[test]
fn only_running_opens() {
    for control in [Control::PauseTrading(Scope::All), Control::Stop] {
        let mut world = World::new(Limits::default());
        world.bar_with(0, 0, "09:30", "10.00", enter());
        let entry = world.last(OrderRole::Entry);
        world.fill(&entry, 500, "10.50");
        world.bar_with(0, 1, "09:30", "10.00", enter());
        world.control(control);
        assert_eq!(world.cancelled(), [OrderRole::Entry], "entries are withdrawn");
        world.bar_with(0, 2, "09:31", "10.00", enter());
        assert_eq!(world.count(OrderRole::Entry), 2);
        world.bar_with(0, 0, "09:32", "10.00", Wish::Exit);
        assert_eq!(world.count(OrderRole::Close), 1, "{control:?}");
    }
}
