//! The gate in place: limits over several symbols and strategies, loss levels, operator controls.

use engine::alert_system::AlertKind;
use engine::lifecycle::State;
use engine::risk_manager::{Limits, LossLevel, Scope};
use engine::{Control, Fact, Input, MarketEvent};
use model::{Bar, ExecType, OrderRole, SourceId, SymbolId};

use crate::world::{Wish, World, breakout, price};

fn enter() -> Wish {
    // Sized by risk to 500 shares of about 10 dollars: five fit the buying power.
    Wish::Enter(breakout("10.50", "10.55", "9.50"))
}

/// C07, I5: the sixth symbol is refused although nothing has filled yet; C18: another strategy
/// in a taken symbol as well.
#[test]
fn positions_and_symbols_are_limited_in_the_worst_case() {
    let mut world = World::new(Limits::default());
    for symbol in 0..6 {
        world.bar_with(0, symbol, "09:30", "10.00", enter());
    }
    assert_eq!(world.count(OrderRole::Entry), 5);
    assert_eq!(world.refusals(), ["max_positions"]);
    world.bar_with(1, 0, "09:31", "10.00", enter());
    assert_eq!(world.refusals(), ["max_positions", "symbol_taken"]);
}

/// A repeated refusal is recorded once until its reason changes.
#[test]
fn refusals_are_recorded_once() {
    let mut world = World::new(Limits { max_positions: Some(0), ..Limits::default() });
    for clock in ["09:30", "09:31", "09:32"] {
        world.bar_with(0, 0, clock, "10.00", enter());
    }
    assert_eq!(world.refusals(), ["max_positions"]);
}

/// C23: no entry before the open nor in the last 15 minutes; what works is withdrawn then, and
/// positions are closed 5 minutes before the close.
#[test]
fn the_session_bounds_entries() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "15:44", "10.00", enter());
    assert_eq!(world.refusals(), ["session"], "decided at 15:45");
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "15:30", "10.00", enter());
    world.bar_with(0, 1, "15:30", "10.00", enter());
    let filled = world.last(OrderRole::Entry);
    world.fill(&filled, 500, "10.50");
    world.apply(world.at("15:45"), Input::Time);
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    assert_eq!(world.count(OrderRole::Close), 0);
    world.apply(world.at("15:55"), Input::Time);
    assert_eq!(world.count(OrderRole::Close), 1);
}

/// C10: unrealised losses count; entries are withdrawn and refused from the reduce-only line on,
/// exits pass, and the next session starts anew.
#[test]
fn the_daily_loss_limit_holds() {
    let limits = Limits { max_positions: Some(8), ..Limits::default() };
    let mut world = World::new(limits);
    world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.20")));
    let entry = world.last(OrderRole::Entry);
    let bought = entry.quantity.shares();
    world.fill(&entry, bought, "10.50");
    world.bar_with(0, 1, "09:30", "10.00", enter());
    // The position falls far through its stop: 4,498 of 5,000 dollars is past the reduce-only
    // line of 4,000.
    assert_eq!(bought, 1_666);
    world.bar(0, "09:31", "7.80");
    assert_eq!(world.engine.books().day().loss, LossLevel::ReduceOnly);
    assert!(world.alerts().contains(&AlertKind::DailyLoss));
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    world.bar_with(0, 2, "09:32", "10.00", enter());
    assert_eq!(world.refusals(), ["daily_loss"]);
    world.bar_with(0, 0, "09:32", "8.00", Wish::Exit);
    assert_eq!(world.count(OrderRole::Close), 1, "I14: exits pass");
}

/// C31: the emergency stop cancels entries, keeps protective stops, and holds until resumed;
/// a pause alone is lifted by a resume, too.
#[test]
fn emergency_stop_holds() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    world.bar_with(0, 1, "09:30", "10.00", enter());
    world.control(Control::EmergencyStop(Scope::All));
    assert_eq!(world.cancelled(), [OrderRole::Entry], "entries only (hold)");
    assert!(world.engine.books().blocks().is_killed());
    world.control(Control::EmergencyStop(Scope::All));
    world.bar_with(0, 2, "09:31", "10.00", enter());
    assert_eq!(world.refusals(), ["gate_closed"]);
    world.control(Control::ResumeTrading(Scope::All));
    assert_eq!(world.engine.books().lifecycle(), State::Running);
    world.bar_with(0, 2, "09:32", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 3);
}

/// Safety.md section 7: controls act at night, on a weekend and before the first session.
#[test]
fn controls_act_in_any_phase() {
    let mut world = World::new(Limits::default());
    let night = world.at("03:00").plus_nanos(3 * model::DAY_NS);
    world.apply(night, Input::from(Control::EmergencyStop(Scope::All)));
    assert!(world.engine.books().blocks().is_killed());
    world.apply(
        night.plus_nanos(3 * model::DAY_NS),
        Input::from(Control::ResumeTrading(Scope::All)),
    );
    assert!(!world.engine.books().blocks().is_killed());
}

/// TG37, C21: a halt withdraws the symbol's entries and leaves the others.
#[test]
fn a_halt_withdraws_entries() {
    let mut world = World::new(Limits::default());
    for symbol in 0..2 {
        world.bar_with(0, symbol, "09:30", "10.00", enter());
    }
    let halt = model::Halt { time: world.at("09:31"), halted: true };
    let event = MarketEvent::Halt { symbol: SymbolId(1), halt };
    world.apply(world.at("09:31"), Input::Market { source: SourceId(0), event });
    let cancels: Vec<SymbolId> = world
        .facts
        .iter()
        .filter_map(|f| if let Fact::Cancel(c) = f { Some(c.request.symbol) } else { None })
        .collect();
    assert_eq!(cancels, [SymbolId(1)]);
}

/// F24, F25: bars that are not usable change nothing, are counted, and alarm once.
#[test]
fn bad_bars_change_nothing() {
    let mut world = World::new(Limits::default());
    world.bar(0, "09:30", "10.00");
    let good = Bar { start: world.at("09:31"), volume: model::Volume(1), ..flat("10.00") };
    let bad = [
        Bar { low: price("0"), ..good },
        Bar { high: price("-1"), low: price("-2"), open: price("-1"), close: price("-1"), ..good },
        Bar { high: price("9.00"), ..good },
        Bar { start: world.at("09:30"), ..good },
        Bar { start: world.at("09:29"), ..good },
        Bar { start: good.start.plus_nanos(1), ..good },
        Bar { start: world.at("15:00"), ..good },
        Bar { start: world.at("03:00"), ..good },
        Bar { start: world.at("20:00"), ..good },
    ];
    let now = world.at("09:32");
    let before = model::record::encode(&world.engine.data().symbol(SymbolId(0)).unwrap().rth);
    for bar in bad {
        let event = MarketEvent::Bar { symbol: SymbolId(0), bar };
        world.apply(now, Input::Market { source: SourceId(0), event });
    }
    let after = model::record::encode(&world.engine.data().symbol(SymbolId(0)).unwrap().rth);
    assert_eq!((world.engine.data().refused(), after), (9, before));
    let alarms = world.alerts().iter().filter(|&&kind| kind == AlertKind::BadData).count();
    assert_eq!(alarms, 1, "the same alert within its quiet time is counted, not raised");
}

fn flat(at: &str) -> Bar {
    let at = price(at);
    Bar { open: at, high: at, low: at, close: at, ..Bar::default() }
}

/// Finished orders leave the core at the end of the next session (F19), and day counters roll.
#[test]
fn a_new_session_starts_anew() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::Cancelled);
    let known = |world: &World| world.engine.books().orders().iter().count();
    for (day, expected) in [(1, 1), (2, 0)] {
        let morning = world.at("04:00").plus_nanos(day * model::DAY_NS);
        world.apply(morning, Input::Time);
        assert_eq!(known(&world), expected, "after {day} sessions");
    }
    assert_eq!(world.engine.books().day().session.to_string(), "2026-06-03");
}
