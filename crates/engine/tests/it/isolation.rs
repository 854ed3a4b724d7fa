//! F43, F42, design.md 6: a strategy that fails is stopped alone; the others do not notice.

use engine::alert_system::AlertKind;
use engine::risk_manager::{Block, BlockReason, Limits, Scope};
use engine::strategy_engine::{Plan, SIGNAL_ROOM, Target, TargetAt};
use engine::{Control, Fact, Input};
use model::{OrderKind, OrderRole, Ppm, StrategyId};

use crate::world::{Wish, World, breakout, price};

const BAD: u16 = 1;

fn plan() -> Plan {
    breakout("10.50", "10.55", "9.50")
}

fn fault() -> Block {
    Block::new(Scope::Strategy(StrategyId(BAD)), BlockReason::Fault)
}

/// What the good strategy 0 decided and sent.
fn good_facts(world: &World) -> Vec<Fact> {
    let good = |fact: &&Fact| match fact {
        Fact::Decision(decision) => decision.strategy == StrategyId(0),
        Fact::Intent(intent) => intent.strategy == StrategyId(0),
        Fact::TradeClosed(trade) => trade.strategy == StrategyId(0),
        _ => false,
    };
    world.facts.iter().filter(good).cloned().collect()
}

/// The bad strategy holds symbol 1 and has an entry working in symbol 2, the good one trades in
/// symbol 0; then the bad one does `deed` at its bar in symbol 3.
fn run(deed: Option<Wish>) -> World {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:31", "10.00", Wish::Enter(plan()));
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    world.bar_with(1, 1, "09:31", "10.00", Wish::Enter(plan()));
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    world.bar_with(1, 2, "09:31", "10.00", Wish::Enter(plan()));
    match deed {
        Some(deed) => world.bar_with(1, 3, "09:32", "10.00", deed),
        None => world.bar(3, "09:32", "10.00"),
    }
    world.bar_with(0, 4, "09:32", "10.00", Wish::Enter(plan()));
    world.bar_with(0, 0, "09:33", "10.60", Wish::Exit);
    let close = world.last(OrderRole::Close);
    world.fill(&close, 500, "10.60");
    world.bar(0, "09:34", "10.60");
    world
}

#[track_caller]
fn is_stopped_alone(deed: Wish, words: &str) -> World {
    let name = format!("{deed:?}");
    let before = run(None);
    let mut world = run(Some(deed));
    assert!(world.engine.books().blocks().holds(fault()), "{name}");
    assert_eq!(world.engine.books().blocks().list(), [fault()], "{name}: it alone");
    assert_eq!(good_facts(&world), good_facts(&before), "{name}: the good one did not notice");
    assert!(good_facts(&world).len() > 5);
    assert!(world.cancelled().contains(&OrderRole::Entry), "{name}: its entry is withdrawn");
    let told = world.facts.iter().any(|fact| match fact {
        Fact::Alert(a) => a.message.contains(words) && a.message.contains("scripted"),
        _ => false,
    });
    assert!(told, "{name}: an alert that says {words:?}");

    // It is told nothing any more: what it would want at the next bar is not asked for.
    let entries = world.count(OrderRole::Entry);
    let told = world.told(1);
    world.bar_with(1, 5, "09:35", "10.00", Wish::Enter(plan()));
    assert_eq!((world.count(OrderRole::Entry), world.told(1)), (entries, told), "{name}");
    // Its exits run from the plan: flat before the close (C23).
    assert_eq!(world.held(BAD, 1), 500);
    world.apply(world.at("15:55"), Input::Time);
    let close = world.last(OrderRole::Close);
    assert_eq!(close.symbol.0, 1, "{name}: the position is closed in time");
    world
}

/// F43: a panic; what the strategy had stated before it is not carried out.
#[test]
fn a_panic_stops_the_strategy_alone() {
    let world = is_stopped_alone(Wish::Panic(plan()), "panicked: a fault of the strategy");
    assert!(world.sent.iter().all(|order| order.symbol.0 != 3));
}

/// F43: an endless loop over the context ends at the budget of calls.
#[test]
fn calls_without_end_stop_the_strategy_alone() {
    is_stopped_alone(Wish::CallWithoutEnd, "more than 1256 times");
}

/// F43: NaN behind a wish.
#[test]
fn a_number_that_is_none_stops_the_strategy_alone() {
    let world = is_stopped_alone(Wish::NotFinite(plan()), "not finite");
    assert!(world.sent.iter().all(|order| order.symbol.0 != 3));
}

/// I14: a number that is none behind an exit stops the strategy and lets the exit pass.
#[test]
fn a_number_that_is_none_does_not_hold_an_exit() {
    let mut world = run(None);
    world.bar_with(1, 1, "09:35", "10.60", Wish::ExitNotFinite);
    assert!(world.engine.books().blocks().holds(fault()));
    let close = world.last(OrderRole::Close);
    assert_eq!((close.symbol.0, close.quantity.shares()), (1, 500));
}

/// F43: plans that are none, and a symbol that is none.
#[test]
fn a_plan_that_is_none_stops_the_strategy_alone() {
    let zero = Plan { reference: price("0"), ..plan() };
    is_stopped_alone(Wish::Enter(zero), "not above zero");
    let crossed = OrderKind::StopLimit { stop: price("10.50"), limit: price("10.49") };
    is_stopped_alone(Wish::Enter(Plan { entry: crossed, ..plan() }), "before its trigger");
    let target = Target { at: TargetAt::R(Ppm(2_000_000)), fraction: Ppm(1_000_001) };
    let targets = [Some(target), None, None];
    is_stopped_alone(Wish::Enter(Plan { targets, ..plan() }), "target");
    is_stopped_alone(Wish::UnknownSymbol(plan()), "does not have");
}

/// F42: entries beyond the room of trade_signals are refused as `queue_full`, counted, alerted;
/// the strategy is stopped and none of the flood is sent.
#[test]
fn a_flood_stops_the_strategy_alone() {
    let world = is_stopped_alone(Wish::Flood(plan(), SIGNAL_ROOM + 1), "1001 entries");
    assert!(world.refusals().contains(&"queue_full"));
    assert!(world.alerts().contains(&AlertKind::QueueFull));
    assert!(world.sent.iter().all(|order| order.symbol.0 != 3));
    let status = world.engine.trade_signals();
    assert_eq!((status.high_water, status.dropped, status.depth), (SIGNAL_ROOM, 1, 0));

    // The boundary: as many as there is room for are no flood.
    let world = run(Some(Wish::Flood(plan(), SIGNAL_ROOM)));
    assert!(world.engine.books().blocks().list().is_empty());
    assert_eq!(world.engine.trade_signals().dropped, 0);
}

/// F43: wake-ups without end.
#[test]
fn too_many_wake_ups_stop_the_strategy_alone() {
    is_stopped_alone(Wish::Wake(SIGNAL_ROOM + 1), "wake-ups pending");
    let world = run(Some(Wish::Wake(SIGNAL_ROOM)));
    assert!(world.engine.books().blocks().list().is_empty());
}

/// A supervisor's finding (wall time) stops a strategy the same way; only a resume of exactly
/// that strategy starts it again, as new.
#[test]
fn a_supervisor_stops_and_a_person_resumes() {
    let mut world = run(None);
    world.control(Control::Block(fault()));
    assert!(world.cancelled().contains(&OrderRole::Entry));
    world.bar_with(1, 5, "09:35", "10.00", Wish::Enter(plan()));
    world.control(Control::ResumeTrading(Scope::All));
    world.bar(5, "09:36", "10.00");
    assert!(world.engine.books().blocks().holds(fault()), "all is not this strategy");
    let entries = world.count(OrderRole::Entry);
    world.control(Control::ResumeTrading(Scope::Strategy(StrategyId(BAD))));
    world.bar(5, "09:37", "10.00");
    assert_eq!(world.count(OrderRole::Entry), entries + 1, "it is told again");
    assert_eq!(world.told(1), 3, "as new: the session began, it opened, a bar");
}

/// Another block than a fault leaves a strategy evaluating; the gate refuses its entries.
#[test]
fn a_paused_strategy_goes_on_evaluating() {
    let mut world = run(None);
    world.control(Control::PauseTrading(Scope::Strategy(StrategyId(BAD))));
    let told = world.told(1);
    world.bar_with(1, 5, "09:35", "10.00", Wish::Enter(plan()));
    assert_eq!((world.refusals(), world.told(1)), (vec!["blocked"], told + 1));
}
