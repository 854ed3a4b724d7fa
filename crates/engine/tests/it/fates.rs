//! Every fate of an order: corrections and busts (F12), refusals (R9, F20), exits that outlive
//! their position, and venues that do little by themselves (design.md 6; venues.md 1.3, 1.4).

use engine::Fact;
use engine::alert_system::AlertKind;
use engine::execution_engine::VenueCapabilities;
use engine::risk_manager::Limits;
use model::{
    Cash, ExecId, ExecType, ExitReason, Fill, NewOrder, OrderKind, OrderRole, RejectReason,
};

use crate::world::{Wish, World, breakout, price, shares};

fn entered_at(venue: VenueCapabilities) -> World {
    let mut world = World::at_venue(Limits::default(), venue);
    world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    world
}

/// A world that holds 1,000 shares of SYM0 from 10.50 with its stop and target at the market.
fn held() -> (World, Fill) {
    let mut world = entered_at(VenueCapabilities::SIMULATED);
    let entry = world.last(OrderRole::Entry);
    let fill = world.fill(&entry, 1_000, "10.50");
    for role in [OrderRole::Stop, OrderRole::Target] {
        let order = world.last(role);
        world.report(&order, ExecType::New);
    }
    (world, fill)
}

/// A world that holds 1,000 shares at a venue that does nothing by itself.
fn held_bare() -> World {
    let mut world = entered_at(VenueCapabilities::BARE);
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_000, "10.50");
    let stop = world.last(OrderRole::Stop);
    world.report(&stop, ExecType::New);
    world
}

fn cash(world: &World) -> Cash {
    world.engine.books().ledger().cash()
}

fn voided(world: &World) -> Vec<u64> {
    let void = |f: &Fact| if let Fact::TradeVoided(v) = f { Some(v.trade) } else { None };
    world.facts.iter().filter_map(void).collect()
}

fn trades(world: &World) -> Vec<(u64, String)> {
    let trade = |fact: &Fact| match fact {
        Fact::TradeClosed(trade) => Some((trade.id, trade.gross_pnl.to_string())),
        _ => None,
    };
    world.facts.iter().filter_map(trade).collect()
}

/// F12, I11: a corrected price takes the place of the first one, to the cent; said twice it
/// changes nothing more.
#[test]
fn a_correction_restates_price_and_money() {
    let (mut world, fill) = held();
    let entry = world.last(OrderRole::Entry);
    let before = cash(&world);
    let right = Fill { exec_id: ExecId::new("X.02").unwrap(), price: price("10.40"), ..fill };
    for _ in 0..2 {
        world.report(&entry, ExecType::Correct { replaces: fill.exec_id, fill: right });
        assert_eq!(world.held(0, 0), 1_000);
        assert_eq!(cash(&world).minus(before).to_string(), "100.00");
    }
    // TS7: R and the target follow the actual average entry: 10.40 + 2 x 0.40.
    let target = world.last(OrderRole::Target);
    world.report(&target, ExecType::Cancelled);
    assert_eq!(world.last(OrderRole::Target).kind, OrderKind::Limit { limit: price("11.20") });
    assert!(world.alerts().contains(&AlertKind::Restated));
    // The first execution, heard again, is not booked again (I4).
    world.report(&entry, ExecType::Trade(fill));
    assert_eq!(world.held(0, 0), 1_000);
}

/// F12: some brokers correct an execution under its own id.
#[test]
fn a_correction_under_the_same_id() {
    let (mut world, fill) = held();
    let entry = world.last(OrderRole::Entry);
    let right = Fill { quantity: shares(900), ..fill };
    world.report(&entry, ExecType::Correct { replaces: fill.exec_id, fill: right });
    assert_eq!(world.held(0, 0), 900);
    assert_eq!(world.last(OrderRole::Stop).quantity, shares(900), "the stop follows");
}

/// F12: a bust of one of two fills: the position is the other one, its stop is reduced.
#[test]
fn a_bust_reduces_position_and_stop() {
    let mut world = entered_at(VenueCapabilities::SIMULATED);
    let entry = world.last(OrderRole::Entry);
    let before = cash(&world);
    world.fill(&entry, 400, "10.50");
    let second = world.fill(&entry, 600, "10.50");
    let stop = world.last(OrderRole::Stop);
    world.report(&stop, ExecType::New);
    world.report(&stop, ExecType::Replaced);
    world.report(&entry, ExecType::Bust { exec_id: second.exec_id });
    assert_eq!(world.held(0, 0), 400);
    assert_eq!(before.minus(cash(&world)).minus(second.fee).to_string(), "4200.00");
    assert_eq!(world.last(OrderRole::Stop).quantity, shares(400));
}

/// F12: the only fill never was: no position, no trade, and its exits are cancelled.
#[test]
fn a_bust_of_the_only_fill_leaves_nothing() {
    let (mut world, fill) = held();
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::Bust { exec_id: fill.exec_id });
    assert_eq!((world.held(0, 0), world.external(0)), (0, 0));
    assert_eq!(cash(&world), Cash::from_dollars(100_000).unwrap());
    world.wait(3);
    assert_eq!(world.cancelled(), [OrderRole::Stop, OrderRole::Target]);
    world.bar(0, "09:31", "10.50");
    assert!(trades(&world).is_empty());
}

/// F12: a bust that is heard before its execution.
#[test]
fn a_bust_before_its_execution() {
    let mut world = entered_at(VenueCapabilities::SIMULATED);
    let entry = world.last(OrderRole::Entry);
    let (mut other, fill) = held();
    world.report(&entry, ExecType::Bust { exec_id: fill.exec_id });
    world.report(&entry, ExecType::Trade(fill));
    assert_eq!(world.held(0, 0), 0);
    let entry = other.last(OrderRole::Entry);
    other.report(&entry, ExecType::Bust { exec_id: fill.exec_id });
    let state = |world: &World| {
        let order = world.engine.books().orders().iter().next().unwrap();
        (order.state, order.cum_qty, cash(world))
    };
    assert_eq!(state(&world), state(&other), "F10: either order of arrival");
}

/// F12: the exit of a recorded trade never was: the trade is void, the position is open again
/// and protected; its end is recorded anew.
#[test]
fn a_bust_reopens_a_recorded_trade() {
    let (mut world, _) = held();
    let stop = world.last(OrderRole::Stop);
    let exit = world.fill(&stop, 1_000, "10.00");
    let target = world.last(OrderRole::Target);
    world.report(&target, ExecType::Cancelled);
    world.bar(0, "09:31", "9.90");
    assert_eq!(trades(&world), [(1, "-500.00".to_owned())]);
    world.report(&stop, ExecType::Bust { exec_id: exit.exec_id });
    assert_eq!(voided(&world), [1]);
    assert_eq!(world.held(0, 0), 1_000);
    assert_eq!(world.count(OrderRole::Stop), 2, "protected anew");
    assert_eq!(world.engine.books().day().r_by_strategy, [0.0, 0.0], "TG28 forgets it");
    let stop = world.last(OrderRole::Stop);
    world.fill(&stop, 1_000, "9.80");
    world.bar(0, "09:32", "9.90");
    assert_eq!(trades(&world).last(), Some(&(2, "-700.00".to_owned())));
}

/// F12, F19: the entry of a recorded trade never was: the exit stands alone, so the account is
/// short; that is held apart and alarmed, never traded by itself.
#[test]
fn a_bust_of_the_entry_after_the_exit() {
    let (mut world, entry_fill) = held();
    let entry = world.last(OrderRole::Entry);
    let stop = world.last(OrderRole::Stop);
    world.fill(&stop, 1_000, "10.00");
    world.bar(0, "09:31", "9.90");
    let sent = world.sent.len();
    world.report(&entry, ExecType::Bust { exec_id: entry_fill.exec_id });
    assert_eq!((world.held(0, 0), world.external(0)), (0, -1_000));
    assert!(world.in_suspense(0));
    assert_eq!(world.sent.len(), sent, "C34: never trade to fix a difference unasked");
    // The broker corrects itself: the entry was there, under another id.
    let again = Fill { exec_id: ExecId::new("AGAIN").unwrap(), ..entry_fill };
    world.report(&entry, ExecType::Trade(again));
    assert_eq!((world.held(0, 0), world.external(0)), (0, 0), "all is explained again");
    world.bar(0, "09:32", "9.90");
    assert_eq!(trades(&world).last(), Some(&(2, "-500.00".to_owned())));
}

/// TF8: a venue that reduces exit groups ends the other exits by itself; when it did not within
/// 2 s they are cancelled, and no entry is sent while they could close it.
#[test]
fn exits_that_outlive_their_position_are_cancelled() {
    let (mut world, _) = held();
    let stop = world.last(OrderRole::Stop);
    world.fill(&stop, 1_000, "10.00");
    assert!(world.cancelled().is_empty());
    world.bar_with(0, 0, "09:31", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    assert_eq!(world.cancelled(), [OrderRole::Target]);
    assert_eq!(world.count(OrderRole::Entry), 1, "the next entry waits");
    let target = world.last(OrderRole::Target);
    world.report(&target, ExecType::Cancelled);
    world.bar_with(0, 0, "09:32", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    assert_eq!(world.count(OrderRole::Entry), 2);
}

/// R9, F20: a refused stop alarms at once and is sent again after 1, 2, 5 ... seconds.
#[test]
fn a_refused_stop_is_sent_again_with_growing_pauses() {
    let mut world = entered_at(VenueCapabilities::SIMULATED);
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_000, "10.50");
    for (sent, pause) in [(1, 1), (2, 2), (3, 5), (4, 10), (5, 30), (6, 60), (7, 60)] {
        assert_eq!(world.count(OrderRole::Stop), sent);
        let stop = world.last(OrderRole::Stop);
        world.report(&stop, ExecType::Rejected(RejectReason::Other));
        assert!(world.alerts().contains(&AlertKind::Unprotected));
        if pause > 1 {
            world.wait(pause - 1);
        }
        assert_eq!(world.count(OrderRole::Stop), sent, "no retry storm");
        world.wait(1);
    }
    let stop = world.last(OrderRole::Stop);
    world.report(&stop, ExecType::New);
    world.report(&stop, ExecType::ReplaceRejected(RejectReason::Other));
    assert_eq!(world.count(OrderRole::Stop), 8, "what works is kept");
}

/// A stop that the market has passed is refused as invalid: the position is closed at once.
#[test]
fn a_stop_that_the_market_has_passed_closes() {
    let mut world = entered_at(VenueCapabilities::SIMULATED);
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_000, "10.50");
    let stop = world.last(OrderRole::Stop);
    world.report(&stop, ExecType::Rejected(RejectReason::Invalid));
    let close = world.last(OrderRole::Close);
    assert_eq!((close.kind, close.quantity), (OrderKind::Market, shares(1_000)));
    world.fill(&close, 1_000, "9.90");
    world.bar(0, "09:31", "9.90");
    let reason = world.facts.iter().find_map(|fact| match fact {
        Fact::TradeClosed(trade) => Some(trade.exit_reason),
        _ => None,
    });
    assert_eq!(reason, Some(ExitReason::Stop));
}

/// R9: a refused cancel is asked for again after a pause, not in a loop.
#[test]
fn a_refused_cancel_is_asked_for_again() {
    let (mut world, _) = held();
    world.bar_with(0, 0, "09:31", "10.60", Wish::Exit);
    let target = world.last(OrderRole::Target);
    assert_eq!(world.cancelled(), [OrderRole::Target]);
    world.report(&target, ExecType::CancelRejected(RejectReason::Other));
    assert_eq!(world.cancelled().len(), 1);
    world.wait(1);
    assert_eq!(world.cancelled().len(), 2);
}

/// A stop that nobody confirms leaves the position bare: an alarm after 2 s, and again.
#[test]
fn an_unconfirmed_stop_is_alarmed() {
    let mut world = entered_at(VenueCapabilities::SIMULATED);
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 1_000, "10.50");
    world.wait(1);
    assert!(!world.alerts().contains(&AlertKind::Unprotected));
    world.wait(1);
    assert!(world.alerts().contains(&AlertKind::Unprotected));
    world.wait(400);
    let bare = |world: &World| {
        world.alerts().iter().filter(|&&kind| kind == AlertKind::Unprotected).count()
    };
    assert_eq!(bare(&world), 2, "reminded after the quiet time");
    let stop = world.last(OrderRole::Stop);
    world.report(&stop, ExecType::New);
    world.wait(400);
    assert_eq!(bare(&world), 2);
}

/// Venues.md 1.4: where the stop cannot follow partial fills, the rest of the entry is cancelled
/// at the first one, and the stop goes out when that is confirmed.
#[test]
fn a_partial_fill_ends_the_entry_at_a_bare_venue() {
    let mut world = entered_at(VenueCapabilities::BARE);
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 400, "10.50");
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    assert_eq!(world.count(OrderRole::Stop), 0);
    world.wait(2);
    assert!(world.alerts().contains(&AlertKind::Unprotected), "bounded: 2 s");
    world.fill(&entry, 100, "10.50");
    world.report(&entry, ExecType::Cancelled);
    let stop = world.last(OrderRole::Stop);
    assert_eq!((world.held(0, 0), stop.quantity), (500, shares(500)));
    assert_eq!(world.count(OrderRole::Target), 0, "one exit at a time");
}

/// A close at a venue that holds one exit at a time: cancel, confirmed, send.
#[test]
fn a_close_waits_for_the_stop_at_a_bare_venue() {
    let mut world = held_bare();
    world.bar_with(0, 0, "09:31", "10.60", Wish::Exit);
    assert_eq!((world.cancelled(), world.count(OrderRole::Close)), (vec![OrderRole::Stop], 0));
    let stop = world.last(OrderRole::Stop);
    // It fills in part while its cancel is under way: the close is for the rest.
    world.fill(&stop, 300, "10.00");
    world.report(&stop, ExecType::Cancelled);
    let close = world.last(OrderRole::Close);
    assert_eq!((close.kind, close.quantity), (OrderKind::Market, shares(700)));
    world.fill(&close, 700, "10.59");
    assert_eq!(world.held(0, 0), 0);
}

fn orders_of(world: &World, role: OrderRole) -> Vec<NewOrder> {
    world.sent.iter().copied().filter(|order| order.role == role).collect()
}

/// A target at a venue that holds one exit at a time works only when its price is touched; what
/// does not fill within 2 s goes back, and the stop takes its place again.
#[test]
fn a_target_is_sent_when_touched_at_a_bare_venue() {
    let mut world = held_bare();
    world.bar(0, "09:31", "11.40");
    assert!(world.cancelled().is_empty());
    world.bar(0, "09:32", "11.50");
    assert_eq!(world.cancelled(), [OrderRole::Stop]);
    let stop = world.last(OrderRole::Stop);
    world.report(&stop, ExecType::Cancelled);
    let (stop, target) = (world.last(OrderRole::Stop), world.last(OrderRole::Target));
    assert_eq!((stop.quantity, target.quantity), (shares(500), shares(500)));
    world.report(&stop, ExecType::New);
    world.report(&target, ExecType::New);
    world.wait(2);
    assert_eq!(world.cancelled(), [OrderRole::Stop, OrderRole::Target]);
    world.fill(&target, 200, "11.50");
    world.report(&target, ExecType::Cancelled);
    // The stop for 500 gives way to one for all 800.
    world.report(&stop, ExecType::Cancelled);
    assert_eq!((world.held(0, 0), world.last(OrderRole::Stop).quantity), (800, shares(800)));
    assert_eq!(orders_of(&world, OrderRole::Target).len(), 1);
    assert!(!world.alerts().contains(&AlertKind::OverFill));
}

/// A target that fills at a bare venue moves the stop to the entry (TG23).
#[test]
fn a_filled_target_moves_the_stop_at_a_bare_venue() {
    let mut world = held_bare();
    world.bar(0, "09:31", "11.50");
    let stop = world.last(OrderRole::Stop);
    world.report(&stop, ExecType::Cancelled);
    let (stop, target) = (world.last(OrderRole::Stop), world.last(OrderRole::Target));
    world.report(&stop, ExecType::New);
    world.fill(&target, 500, "11.50");
    world.report(&stop, ExecType::Cancelled);
    let moved = world.last(OrderRole::Stop);
    assert_eq!(moved.kind, OrderKind::Stop { stop: price("10.50") });
    assert_eq!(moved.quantity, shares(500));
}
