//! Instructions of persons and supervisors: what each is answered, keys, kill before resume (S8,
//! F46, R7, C34, C42).

use engine::risk_manager::{Block, BlockReason, Limits, Scope, Stage};
use engine::{Control, Fact, Input, Instruction, LimitChange, Reply, Resolution};
use model::{
    BrokerId, ExecType, OrderNumber, OrderRole, RequestKind, SendOutcome, StrategyId, SymbolId,
    UnknownCause,
};

use crate::world::{Wish, World, breakout, price, shares};

fn enter() -> Wish {
    Wish::Enter(breakout("10.50", "10.55", "9.50"))
}

fn given(control: Control, key: &str) -> Instruction {
    Instruction {
        control,
        actor: "ann".into(),
        from: "cli".into(),
        reason: "seen on the broker's page".into(),
        key: key.into(),
        kills_seen: None,
    }
}

fn tell(world: &mut World, instruction: Instruction) -> Reply {
    let before = world.facts.len();
    world.apply(world.engine.now(), Input::Control(Box::new(instruction)));
    only_reply(world, before)
}

fn only_reply(world: &World, before: usize) -> Reply {
    let reply = |fact: &Fact| if let Fact::Reply(r) = fact { Some((**r).clone()) } else { None };
    let replies: Vec<Reply> = world.facts[before..].iter().filter_map(reply).collect();
    assert_eq!(replies.len(), 1, "one reply for each instruction");
    replies[0].clone()
}

fn check(world: &mut World, control: Control, done: bool, text: &str) {
    let reply = tell(world, given(control, ""));
    assert_eq!((reply.done, reply.text.as_str()), (done, text), "{control:?}");
}

/// A world with a position of 500 shares in symbol 0 and a working entry in symbol 1.
fn trading() -> World {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    world.bar_with(0, 1, "09:30", "10.00", enter());
    world
}

/// S8: each instruction with a name is answered with what it did, or why it did nothing; one of a
/// driver is not.
#[test]
fn every_instruction_is_answered() {
    let mut world = trading();
    world.control(Control::PauseTrading(Scope::Symbol(SymbolId(7))));
    assert!(!world.facts.iter().any(|fact| matches!(fact, Fact::Reply(_))), "no name, no reply");
    let (all, one) = (Scope::All, Scope::Symbol(SymbolId(7)));
    let kill = Block::new(Scope::All, BlockReason::Queue);
    let steps = [
        (Control::ResumeTrading(one), true, "lifted: operator"),
        (Control::ResumeTrading(one), true, "opening is permitted"),
        (Control::PauseTrading(one), true, "paused: exits go on"),
        (Control::PauseTrading(one), true, "paused already"),
        (Control::Rebalance(Scope::Symbol(SymbolId(6))), true, "no position exceeds a limit"),
        (Control::Block(kill), true, "blocked"),
        (Control::Block(kill), true, "blocked already"),
        (
            Control::ResumeTrading(all),
            false,
            "nothing to lift; still blocked until there is evidence: queue",
        ),
        (Control::Lift(kill), true, "lifted: queue"),
        (Control::Lift(kill), true, "not blocked: queue"),
        (Control::Route(BrokerId(0)), true, "new entries go to broker 0"),
        (Control::Route(BrokerId(9)), false, "no such broker: new entries go to broker 0"),
        (Control::Promote { strategy: StrategyId(9), to: Stage::Paper }, false, "no such strategy"),
        (Control::Flatten(one), true, "nothing is open there"),
        (Control::Flatten(all), true, "1 positions are being closed"),
        (
            Control::EmergencyStop(all),
            true,
            "entries are blocked until resumed, 0 are being cancelled; exits stay",
        ),
        (
            Control::Rebalance(all),
            false,
            "the emergency stop holds: entries are cancelled, nothing is reduced (C41)",
        ),
        (Control::PauseTrading(all), true, "nothing opens already: the system is paused"),
        (Control::ResumeTrading(all), true, "lifted: kill"),
        (Control::PauseTrading(all), true, "paused: exits go on"),
        (Control::Stop, true, "stopped: entries are cancelled, exits stay at the brokers"),
        (Control::ResumeTrading(all), false, "the system is stopped: it must be started anew"),
    ];
    for (control, done, text) in steps {
        check(&mut world, control, done, text);
    }
}

/// One entry is cancelled by its number; exits, finished and unknown orders are not.
#[test]
fn an_entry_is_cancelled_by_hand() {
    let mut world = trading();
    let (entry, stop) = (world.last(OrderRole::Entry), world.last(OrderRole::Stop));
    let cancel = |order: &model::NewOrder| Control::CancelOrder(order.client_id.number);
    check(
        &mut world,
        cancel(&stop),
        false,
        "protective and exit orders are not cancelled by hand: flatten closes",
    );
    assert!(world.cancelled().is_empty());
    check(&mut world, cancel(&entry), true, "the cancel is on its way");
    check(&mut world, cancel(&entry), true, "a cancel is on its way already");
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    world.report(&entry, ExecType::Cancelled);
    check(&mut world, cancel(&entry), false, "the order is done: cancelled");
    check(&mut world, Control::CancelOrder(OrderNumber(999)), false, "no such order");
}

/// R7, C34: a person ends a doubt and corrects the books, with evidence; what is not in doubt
/// stays as it is.
#[test]
fn the_books_are_corrected_with_evidence() {
    let mut world = trading();
    let entry = world.last(OrderRole::Entry);
    let order = entry.client_id.number;
    let dead = Control::Resolve { order, resolution: Resolution::Dead };
    check(&mut world, dead, false, "the order is not in doubt: sent");
    world.outcome(&entry, RequestKind::Submit, SendOutcome::Unknown(UnknownCause::Timeout));
    let bare = Instruction { reason: " ".into(), ..given(dead, "") };
    let reply = tell(&mut world, bare);
    assert_eq!(reply.text, "it corrects the books: state the evidence as its reason");
    assert!(world.engine.books().brokers().doubt(order).is_some(), "nothing was done");
    check(&mut world, dead, true, "the doubt is over");
    check(
        &mut world,
        Control::Resolve { order: OrderNumber(999), resolution: Resolution::Dead },
        false,
        "no such order",
    );
    let adjust = |quantity| Control::Adjust {
        broker: BrokerId(0),
        symbol: SymbolId(3),
        quantity: shares(quantity),
        price: price("10.00"),
    };
    check(&mut world, adjust(0), false, "there are no shares to adjust");
    let text = "the books are corrected and are compared with the broker's";
    check(&mut world, adjust(30), true, text);
    assert_eq!(world.external(3), 30);
    let slot = engine::SlotKey { strategy: StrategyId(1), symbol: SymbolId(3) };
    let claim = Control::Claim { broker: BrokerId(0), slot };
    check(&mut world, claim, true, "it is the strategy's position now");
    assert_eq!(world.held(1, 3), 30);
}

/// F46: a key acts once within 24 h, a retry is answered as the first was; after a day it is new.
/// An emergency stop acts always.
#[test]
fn a_key_acts_once() {
    let mut world = World::new(Limits::default());
    let one = Scope::Symbol(SymbolId(2));
    let pause = given(Control::PauseTrading(one), "k1");
    assert!(tell(&mut world, pause.clone()).done);
    world.control(Control::ResumeTrading(one));
    let again = tell(&mut world, pause.clone());
    assert_eq!((again.done, again.text.as_str(), again.key.as_str()), (true, "repeated", "k1"));
    assert!(world.engine.books().blocks().list().is_empty(), "nothing was done again");
    let unknown = given(Control::CancelOrder(OrderNumber(9)), "k2");
    assert!(!tell(&mut world, unknown.clone()).done);
    let again = tell(&mut world, unknown);
    assert_eq!((again.done, again.text.as_str()), (false, "repeated"));
    let limits = Limits { max_positions: Some(1), ..Limits::default() };
    let change = LimitChange { limits, key: "k1".into(), ..LimitChange::default() };
    let before = world.facts.len();
    world.apply(world.engine.now(), Input::Limits(Box::new(change)));
    assert_eq!(only_reply(&world, before).text, "repeated", "one set of keys for all");
    assert_eq!(world.engine.books().gate().limits().max_positions, Some(5));
    let kill = given(Control::EmergencyStop(Scope::All), "k3");
    tell(&mut world, kill.clone());
    world.control(Control::ResumeTrading(Scope::All));
    tell(&mut world, kill);
    assert!(world.engine.books().blocks().is_killed());
    world.apply(world.engine.now().plus_nanos(model::DAY_NS + 1), Input::Time);
    assert_eq!(tell(&mut world, pause).text, "paused: exits go on");
}

/// F46, I8: a resume that was given before the emergency stop came lifts nothing; one that knows
/// of it does.
#[test]
fn kill_wins_over_a_concurrent_resume() {
    let mut world = World::new(Limits::default());
    let resume = |seen| Instruction {
        kills_seen: Some(seen),
        ..given(Control::ResumeTrading(Scope::All), "")
    };
    world.control(Control::EmergencyStop(Scope::All));
    let before = world.engine.books().kills();
    world.control(Control::EmergencyStop(Scope::All));
    let reply = tell(&mut world, resume(before));
    assert!(!reply.done && reply.text.contains("F46"), "{reply:?}");
    assert!(world.engine.books().blocks().is_killed());
    assert!(tell(&mut world, resume(before + 1)).done);
    assert!(!world.engine.books().blocks().is_killed());
}

/// C42: a change of limits is answered: in force, waiting, or not permitted.
#[test]
fn a_change_of_limits_is_answered() {
    let mut world = World::new(Limits::default());
    let mut change = |limits: Limits, may_raise| {
        let change =
            LimitChange { limits, may_raise, actor: "ann".into(), ..LimitChange::default() };
        let before = world.facts.len();
        world.apply(world.engine.now(), Input::Limits(Box::new(change)));
        only_reply(&world, before)
    };
    let all = Limits::for_real_orders();
    let three = Limits { max_positions: Some(3), ..all.clone() };
    let reply = change(three.clone(), false);
    assert_eq!((reply.done, reply.text.as_str()), (true, "the limits are in force"));
    let five = Limits { max_positions: Some(5), ..three };
    let reply = change(five.clone(), false);
    assert!(!reply.done && reply.text.contains("takes the role admin"), "{reply:?}");
    let reply = change(five.clone(), true);
    assert!(reply.done && reply.text.contains("what is looser from 2026-"), "{reply:?}");
    let reply = change(Limits { max_positions: Some(50), ..five }, true);
    assert!(reply.text.ends_with("cut to the compiled ceilings (C42)"), "{reply:?}");
}

/// Journal.md 11: an operator accepts the clock; the block on it is lifted.
#[test]
fn a_clock_is_accepted() {
    let mut world = World::new(Limits::default());
    let accept = Control::AcceptClock(world.engine.now());
    check(&mut world, accept, true, "the clock was not in doubt");
    world.control(Control::Block(Block::new(Scope::All, BlockReason::Clock)));
    check(&mut world, accept, true, "the clock is accepted");
    assert!(world.engine.books().blocks().list().is_empty());
}
