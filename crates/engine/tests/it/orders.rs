//! The life of an order and of its exit group (design.md 6, TS7, TF8, I4, I9, I13).

use engine::alert_system::AlertKind;
use engine::risk_manager::{Limits, Scope};
use engine::{Fact, lifecycle};
use model::{ExecType, ExitReason, OrderKind, OrderRole, RejectReason, Side};

use crate::world::{Wish, World, breakout, price, shares};

/// A world in which the entry of SYM0 is at the market: 1,000 shares, d = 0.50.
fn entered() -> World {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    let entry = world.last(OrderRole::Entry);
    assert_eq!((entry.quantity, entry.side), (shares(1_000), Side::Buy));
    world.report(&entry, ExecType::New);
    world
}

/// A protective stop follows the first partial fill, and grows with the next; the target waits
/// until the entry is done (TS7).
#[test]
fn stop_from_the_first_fill_target_when_done() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 400, "10.52");
    let stop = world.last(OrderRole::Stop);
    assert_eq!((stop.quantity, stop.side), (shares(400), Side::Sell));
    assert_eq!(stop.kind, OrderKind::Stop { stop: price("10.00") });
    assert_eq!(world.count(OrderRole::Target), 0);
    world.report(&stop, ExecType::New);
    world.fill(&entry, 600, "10.52");
    let grown = world.last(OrderRole::Stop);
    assert_eq!((grown.quantity, grown.client_id.attempt), (shares(1_000), 1));
    let target = world.last(OrderRole::Target);
    assert_eq!(target.kind, OrderKind::Limit { limit: price("11.56") }, "2R = 1.04 from 10.52");
    assert_eq!((target.quantity, target.group), (shares(500), stop.group));
}

/// After the first target the stop covers the rest at the entry price; the group closes it once.
#[test]
fn target_moves_the_stop_and_reduces_it() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_000, "10.50");
    let (stop, target) = (world.last(OrderRole::Stop), world.last(OrderRole::Target));
    world.report(&stop, ExecType::New);
    world.report(&target, ExecType::New);
    world.fill(&target, 500, "11.50");
    let moved = world.last(OrderRole::Stop);
    assert_eq!(moved.kind, OrderKind::Stop { stop: price("10.50") }, "TG23: to the entry");
    assert_eq!(moved.quantity, shares(500));
    world.report(&moved, ExecType::Replaced);
    world.fill(&moved, 500, "10.49");
    assert_eq!(world.held(0, 0), 0);
    world.bar(0, "09:31", "10.40");
    let trade = world.facts.iter().find_map(|fact| match fact {
        Fact::TradeClosed(trade) => Some(trade),
        _ => None,
    });
    let trade = trade.expect("a trade was recorded at the exit bar");
    assert_eq!(trade.exit_reason, ExitReason::MovedStop);
    assert_eq!(trade.gross_pnl.to_string(), "495.00", "500 x 1.00 - 500 x 0.01");
    assert_eq!(trade.net_pnl, trade.gross_pnl.minus(trade.fees));
    assert_eq!(trade.r_multiple.map(|r| (r * 1e6).round()), Some(990_000.0), "TP16: 495 / 500");
}

/// I4: the same execution twice changes nothing the second time.
#[test]
fn a_repeated_execution_is_booked_once() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    let fill = world.fill(&entry, 400, "10.50");
    let cash = world.engine.books().ledger().cash();
    world.report(&entry, ExecType::Trade(fill));
    assert_eq!(world.held(0, 0), 400);
    assert_eq!(world.engine.books().ledger().cash(), cash);
}

/// I9, F09: a fill after the cancel was confirmed is booked, alarmed and protected.
#[test]
fn a_late_fill_is_booked_and_protected() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    world.bar_with(0, 0, "09:31", "10.00", Wish::NoEntry);
    world.report(&entry, ExecType::Cancelled);
    world.fill(&entry, 300, "10.50");
    assert_eq!(world.held(0, 0), 300);
    assert!(world.alerts().contains(&AlertKind::LateFill));
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    let (stop, target) = (world.last(OrderRole::Stop), world.last(OrderRole::Target));
    assert_eq!((stop.quantity, target.quantity), (shares(300), shares(150)), "as planned");
}

/// I4, F19: an over-filled entry is held and protected; nothing more is opened in the symbol.
#[test]
fn an_over_filled_entry_is_protected_and_alarmed() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_200, "10.50");
    assert_eq!(world.held(0, 0), 1_200);
    assert!(world.alerts().contains(&AlertKind::OverFill));
    assert!(world.in_suspense(0));
    assert_eq!(world.last(OrderRole::Stop).quantity, shares(1_200), "what is held is protected");
}

/// F19, I13: what an exit fills beyond the position is held apart: the position is flat, never
/// flipped, and the account is what the broker says.
#[test]
fn an_over_filled_exit_is_held_apart() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_000, "10.50");
    let stop = world.last(OrderRole::Stop);
    world.fill(&stop, 1_300, "9.99");
    assert_eq!((world.held(0, 0), world.external(0)), (0, -300));
    assert!(world.alerts().contains(&AlertKind::OverFill));
    assert!(world.in_suspense(0) && !world.in_suspense(1));
    let target = world.last(OrderRole::Target);
    world.report(&target, ExecType::Cancelled);
    world.bar_with(0, 0, "09:31", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    assert_eq!(world.refusals(), ["blocked"]);
    assert_eq!(world.count(OrderRole::Entry), 1);
}

/// F18, F19: fills on orders that are not ours change the account, not our positions, and raise
/// an alarm; twice the same is booked once.
#[test]
fn foreign_fills_are_held_apart() {
    let mut world = entered();
    let cash = world.engine.books().ledger().cash();
    let mut foreign = world.last(OrderRole::Entry);
    foreign.client_id.epoch += 1;
    let fill = world.fill(&foreign, 100, "10.50");
    world.report(&foreign, ExecType::Trade(fill));
    assert_eq!((world.held(0, 0), world.external(0)), (0, 100));
    let paid = cash.minus(world.engine.books().ledger().cash());
    assert_eq!(paid.minus(fill.fee).to_string(), "1050.00");
    foreign.client_id.epoch -= 1;
    foreign.client_id.number.0 += 50;
    world.fill(&foreign, 100, "10.50");
    assert_eq!((world.held(0, 0), world.external(0)), (0, 200));
    assert!(world.alerts().contains(&AlertKind::UnknownOrder));
    assert!(world.in_suspense(0));
    world.report(&foreign, ExecType::Bust { exec_id: fill.exec_id });
    assert_eq!(world.external(0), 100, "F12 holds for them, too");
}

/// F19: a fill on the other side than was ordered is held apart.
#[test]
fn a_fill_on_the_wrong_side_is_held_apart() {
    let mut world = entered();
    let mut entry = world.last(OrderRole::Entry);
    entry.side = Side::Sell;
    let fill = world.fill(&entry, 100, "10.50");
    world.report(&entry, ExecType::Trade(fill));
    assert_eq!((world.held(0, 0), world.external(0)), (0, -100));
    assert!(world.in_suspense(0));
    world.report(&entry, ExecType::Bust { exec_id: fill.exec_id });
    assert_eq!(world.external(0), 0);
}

/// A refused protective stop raises an alarm and is not sent again in a loop.
#[test]
fn a_refused_stop_is_alarmed_not_repeated() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_000, "10.50");
    let stop = world.last(OrderRole::Stop);
    world.report(&stop, ExecType::Rejected(RejectReason::Other));
    assert_eq!(world.count(OrderRole::Stop), 1);
    assert!(world.alerts().contains(&AlertKind::Unprotected));
    assert!(world.alerts().contains(&AlertKind::BrokerReject));
}

/// TG34: an entry is replaced only when its trigger, limit or stop moves; R9: one at a time.
#[test]
fn entries_follow_the_plan_by_replacement() {
    let mut world = entered();
    let same = breakout("10.50", "10.55", "10.00");
    world.bar_with(0, 0, "09:31", "10.00", Wish::Enter(same));
    assert_eq!(world.last(OrderRole::Entry).client_id.attempt, 0);
    let raised = breakout("10.50", "10.55", "10.25");
    world.bar_with(0, 0, "09:32", "10.00", Wish::Enter(raised));
    let replaced = world.last(OrderRole::Entry);
    assert_eq!((replaced.client_id.attempt, replaced.quantity), (1, shares(1_895)), "C02 cap");
    world.bar_with(0, 0, "09:33", "10.00", Wish::Enter(same));
    assert_eq!(world.last(OrderRole::Entry).client_id.attempt, 1, "one change at a time");
    world.report(&replaced, ExecType::Replaced);
    world.fill(&replaced, 1_895, "10.50");
    assert_eq!(world.last(OrderRole::Stop).kind, OrderKind::Stop { stop: price("10.25") });
    assert_eq!(world.count(OrderRole::Entry), 1);
}

/// A close replaces the target and leaves the stop until it fills; it is sent once.
#[test]
fn a_close_replaces_the_target() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_000, "10.50");
    for role in [OrderRole::Stop, OrderRole::Target] {
        let order = world.last(role);
        world.report(&order, ExecType::New);
    }
    world.bar_with(0, 0, "09:31", "10.60", Wish::Exit);
    world.bar_with(0, 0, "09:32", "10.60", Wish::Exit);
    assert_eq!(world.count(OrderRole::Close), 1);
    assert_eq!(world.cancelled(), [OrderRole::Target]);
    let close = world.last(OrderRole::Close);
    assert_eq!((close.kind, close.quantity), (OrderKind::Market, shares(1_000)));
    world.fill(&close, 1_000, "10.59");
    assert_eq!(world.held(0, 0), 0);
}

/// A position that is stopped out while its entry still works must not be opened again.
#[test]
fn a_stopped_position_cancels_the_rest_of_its_entry() {
    let mut world = entered();
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 400, "10.50");
    let stop = world.last(OrderRole::Stop);
    world.fill(&stop, 400, "9.99");
    assert_eq!(world.held(0, 0), 0);
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
}

/// I13, I14: the exits work while trading is paused, killed and stopped.
#[test]
fn exits_pass_in_every_state() {
    for control in [
        engine::Control::PauseTrading(Scope::All),
        engine::Control::EmergencyStop(Scope::All),
        engine::Control::Stop,
    ] {
        let mut world = entered();
        let entry = world.last(OrderRole::Entry);
        world.fill(&entry, 1_000, "10.50");
        world.control(control);
        assert_ne!(world.engine.books().lifecycle(), lifecycle::State::Running);
        world.bar_with(0, 0, "09:31", "10.60", Wish::Exit);
        assert_eq!(world.count(OrderRole::Close), 1, "{control:?}");
    }
}
