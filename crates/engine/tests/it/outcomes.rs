//! What became of a request, doubts and their end (safety.md section 3, I1, I10, R7, R9, F01-F05).

use engine::alert_system::AlertKind;
use engine::execution_engine::{BrokerTraits, Closed};
use engine::risk_manager::{Block, BlockReason, Limits, Scope};
use engine::{Control, Fact, Input, Resolution, Start};
use model::{
    Ask, ExecType, MINUTE_NS, NewOrder, NotSentReason, OrderRole, OrderRow, OrderState,
    RejectReason, RequestKind, Rows, SECOND_NS, SendOutcome, SymbolId, Timestamp, UnknownCause,
};

use crate::world::{Wish, World, breakout, price, shares};

const UNKNOWN: SendOutcome = SendOutcome::Unknown(UnknownCause::Timeout);

/// A world whose entry of 1,000 shares of SYM0 has just left.
fn sent() -> World {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    world
}

fn state(world: &World, order: &NewOrder) -> OrderState {
    world.engine.books().orders().get(order.client_id.number).unwrap().state
}

fn blocked(world: &World) -> bool {
    let block = Block::new(Scope::Symbol(SymbolId(0)), BlockReason::Unknown);
    world.engine.books().blocks().holds(block)
}

fn row(order: &NewOrder, state: OrderState) -> Rows {
    let client_id = Some(order.client_id);
    Rows::Orders(vec![OrderRow { client_id, state, ..OrderRow::default() }])
}

/// I10, C35: an unknown outcome quarantines the order: it keeps its reservation, the symbol is
/// blocked, the broker is asked at 0.25, 0.75, 1.75 ... s, an alarm is raised at 5 s, and time
/// alone changes nothing.
#[test]
fn an_unknown_outcome_is_asked_for_and_never_resent() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    let before = world.engine.books().orders().get(entry.client_id.number).unwrap().reserved_qty();
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    assert_eq!(state(&world, &entry), OrderState::Unknown);
    assert!(blocked(&world));
    assert!(world.cancelled().is_empty(), "it may be found and work as planned (F01)");
    let begin = world.engine.now();
    let mut asked = Vec::new();
    for _ in 0..60 {
        let before = world.queries.len();
        world.pass(SECOND_NS / 4);
        assert!(world.queries.len() <= before + 1);
        if world.queries.len() > before {
            asked.push(world.engine.now().since(begin) / (SECOND_NS / 4));
        }
        let alarmed = world.alerts().contains(&AlertKind::UnknownOutcome);
        assert_eq!(alarmed, world.engine.now().since(begin) >= 5 * SECOND_NS);
    }
    assert_eq!(asked, [1, 3, 7, 15, 35, 55], "quarters of a second");
    assert!(world.queries.iter().all(|query| query.ask == Ask::Order(entry.client_id)));
    world.pass(10 * MINUTE_NS);
    let order = world.engine.books().orders().get(entry.client_id.number).unwrap();
    assert_eq!((order.state, order.reserved_qty()), (OrderState::Unknown, before));
    assert_eq!(world.count(OrderRole::Entry), 1, "I1: never sent twice");
}

/// F01, F03: the order is found: it is adopted, the block ends, one order lives.
#[test]
fn an_order_that_is_found_is_adopted() {
    for (held, expected) in [
        (OrderState::Accepted, OrderState::Accepted),
        (OrderState::Working, OrderState::Working),
        (OrderState::Cancelled, OrderState::Cancelled),
        (OrderState::Expired, OrderState::Expired),
        (OrderState::Rejected, OrderState::Rejected),
    ] {
        for cause in UnknownCause::ALL {
            let mut world = sent();
            let entry = world.last(OrderRole::Entry);
            world.outcome(&entry, RequestKind::Submit, SendOutcome::Unknown(cause));
            world.pass(SECOND_NS / 4);
            let query = *world.queries.last().unwrap();
            world.answer(&query, row(&entry, held));
            assert_eq!(state(&world, &entry), expected);
            assert!(!blocked(&world), "{held:?}");
            assert_eq!(world.count(OrderRole::Entry), 1);
        }
    }
}

/// F04, F05: a late acknowledgement or a fill ends the doubt as well as an answer does, and an
/// outcome that comes after a report says nothing new.
#[test]
fn reports_and_outcomes_race() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    world.pass(30 * SECOND_NS);
    world.report(&entry, ExecType::New);
    assert_eq!((state(&world, &entry), blocked(&world)), (OrderState::Working, false));
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    assert_eq!((state(&world, &entry), blocked(&world)), (OrderState::Working, false));

    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    world.fill(&entry, 1_000, "10.50");
    assert_eq!((state(&world, &entry), blocked(&world)), (OrderState::Filled, false));
    assert_eq!(world.last(OrderRole::Stop).quantity, shares(1_000), "protected at once");
    world.outcome(&entry, RequestKind::Submit, SendOutcome::Accepted);
    assert_eq!(state(&world, &entry), OrderState::Filled);
    world.outcome(&entry, RequestKind::Submit, SendOutcome::NotSent(NotSentReason::NotConnected));
    assert_eq!(state(&world, &entry), OrderState::Filled, "the reports stand");
    assert!(world.alerts().contains(&AlertKind::Contradiction));
}

/// "A duplicate id is not a reject": the order exists, it is asked for.
#[test]
fn a_duplicate_id_is_a_doubt() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, SendOutcome::Rejected(RejectReason::DuplicateId));
    assert_eq!((state(&world, &entry), blocked(&world)), (OrderState::Unknown, true));
}

/// F20: a refusal ends the order; the strategy's next entry there waits, longer each time, and
/// the reason is on record.
#[test]
fn a_refused_entry_ends_and_the_next_one_waits() {
    for reason in RejectReason::ALL {
        let exists = reason == RejectReason::DuplicateId;
        let mut world = sent();
        let entry = world.last(OrderRole::Entry);
        world.outcome(&entry, RequestKind::Submit, SendOutcome::Rejected(reason));
        let expected = if exists { OrderState::Unknown } else { OrderState::Rejected };
        assert_eq!(state(&world, &entry), expected, "{reason:?}");
        if exists || reason == RejectReason::BrokerUnavailable {
            continue;
        }
        let again = || Wish::Enter(breakout("10.50", "10.55", "10.00"));
        // The bar of 09:30 was decided at 09:31: 60 s have not passed at the same instant.
        world.bar_with(0, 0, "09:30", "10.00", again());
        assert_eq!(world.count(OrderRole::Entry), 1, "{reason:?}");
        world.bar_with(0, 0, "09:31", "10.00", again());
        assert_eq!(world.count(OrderRole::Entry), 2, "{reason:?}");
        let second = world.last(OrderRole::Entry);
        world.outcome(&second, RequestKind::Submit, SendOutcome::Rejected(reason));
        if reason == RejectReason::NotSent {
            world.bar_with(0, 0, "09:32", "10.00", again());
            assert_eq!(world.count(OrderRole::Entry), 3, "nobody refused it");
            continue;
        }
        for clock in ["09:32", "09:33", "09:34"] {
            world.bar_with(0, 0, clock, "10.00", again());
            assert_eq!(world.count(OrderRole::Entry), 2, "{reason:?}: four times as long");
        }
        world.bar_with(0, 0, "09:35", "10.00", again());
        assert_eq!(world.count(OrderRole::Entry), 3, "{reason:?}");
        assert!(world.refusals().contains(&"broker_refused"));
    }
}

/// R9: a cancel that does not get through is made again, with growing pauses, until something is
/// known; sent is not cancelled.
#[test]
fn cancels_are_made_again() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    world.bar_with(0, 0, "09:31", "10.00", Wish::NoEntry);
    assert_eq!(world.cancelled().len(), 1);
    let mut expected = 1;
    for (outcome, pause) in [
        (SendOutcome::NotSent(NotSentReason::NotConnected), SECOND_NS / 4),
        (UNKNOWN, SECOND_NS / 2),
        (SendOutcome::Rejected(RejectReason::RateLimited), SECOND_NS),
        (SendOutcome::Rejected(RejectReason::BrokerUnavailable), 2 * SECOND_NS),
        (SendOutcome::NotSent(NotSentReason::Budget), 5 * SECOND_NS),
        (UNKNOWN, 5 * SECOND_NS),
    ] {
        world.outcome(&entry, RequestKind::Cancel, outcome);
        world.pass(pause - 1);
        assert_eq!(world.cancelled().len(), expected, "{outcome:?}");
        world.pass(1);
        expected += 1;
        assert_eq!(world.cancelled().len(), expected, "{outcome:?}");
        let order = world.engine.books().orders().get(entry.client_id.number).unwrap();
        assert_eq!((order.state, order.reserved_qty()), (OrderState::Working, shares(1_000)));
    }
    world.outcome(&entry, RequestKind::Cancel, SendOutcome::Accepted);
    assert_eq!(state(&world, &entry), OrderState::Working, "accepted is not cancelled");
    world.report(&entry, ExecType::Cancelled);
    world.pass(MINUTE_NS);
    assert_eq!(world.cancelled().len(), expected, "done");
}

/// R9: a refused cancel asks where the order is.
#[test]
fn a_refused_cancel_asks_where_the_order_is() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    world.bar_with(0, 0, "09:31", "10.00", Wish::NoEntry);
    world.outcome(&entry, RequestKind::Cancel, SendOutcome::Rejected(RejectReason::TooLate));
    assert_eq!(world.queries.last().map(|q| q.ask), Some(Ask::Order(entry.client_id)));
}

/// R9: while a replacement is in doubt the larger of both counts, neither is sent again, and R7
/// about the replacement leaves the order where it was.
#[test]
fn a_replacement_in_doubt_keeps_the_larger_of_both() {
    let mut world = sent();
    let old = world.last(OrderRole::Entry);
    world.report(&old, ExecType::New);
    world.bar_with(0, 0, "09:31", "10.00", Wish::Enter(breakout("10.60", "10.65", "10.40")));
    let new = world.last(OrderRole::Entry);
    assert_eq!(new.client_id.attempt, 1);
    world.outcome(&new, RequestKind::Replace, UNKNOWN);
    let number = new.client_id.number;
    let order = world.engine.books().orders().get(number).unwrap();
    assert_eq!(order.reserved_qty(), old.quantity.max(new.quantity));
    assert_eq!(order.state, OrderState::Unknown);
    world.bar_with(0, 0, "09:32", "10.00", Wish::Enter(breakout("10.70", "10.75", "10.40")));
    assert_eq!(world.last(OrderRole::Entry).client_id.attempt, 1, "nothing on top of a doubt");
    // The simulated broker's "not found" is final: the replacement is dead, the order is asked
    // for next and found.
    let query = *world.queries.last().unwrap();
    assert_eq!(query.ask, Ask::Order(new.client_id));
    world.answer(&query, Rows::Orders(Vec::new()));
    let order = world.engine.books().orders().get(number).unwrap();
    assert_eq!((order.state, order.reserved_qty()), (OrderState::Unknown, old.quantity));
    assert!(blocked(&world));
    world.pass(SECOND_NS / 4);
    let query = *world.queries.last().unwrap();
    assert_eq!(query.ask, Ask::Order(old.client_id));
    world.answer(&query, row(&old, OrderState::Working));
    assert_eq!((state(&world, &old), blocked(&world)), (OrderState::Working, false));
}

/// R9: a replacement in doubt that is found is in force.
#[test]
fn a_replacement_that_is_found_is_in_force() {
    let mut world = sent();
    let old = world.last(OrderRole::Entry);
    world.report(&old, ExecType::New);
    world.bar_with(0, 0, "09:31", "10.00", Wish::Enter(breakout("10.60", "10.65", "10.40")));
    let new = world.last(OrderRole::Entry);
    world.outcome(&new, RequestKind::Replace, UNKNOWN);
    world.pass(SECOND_NS / 4);
    let query = *world.queries.last().unwrap();
    world.answer(&query, row(&new, OrderState::Working));
    let order = world.engine.books().orders().get(new.client_id.number).unwrap();
    assert_eq!(order.request.client_id, new.client_id);
    assert_eq!((order.request.quantity, blocked(&world)), (new.quantity, false));
}

/// R7 at a broker whose "not found" is final (journal.md 18): the id is fenced by a cancel, the
/// attempt closed, the block lifted; a late appearance is cancelled and alarmed.
#[test]
fn not_found_fences_the_id() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    world.pass(SECOND_NS / 4);
    let query = *world.queries.last().unwrap();
    world.answer(&query, Rows::Unavailable);
    assert_eq!(state(&world, &entry), OrderState::Unknown, "F17: no answer is no evidence");
    world.pass(SECOND_NS);
    let query = *world.queries.last().unwrap();
    world.answer(&query, Rows::Orders(Vec::new()));
    assert_eq!((state(&world, &entry), blocked(&world)), (OrderState::Cancelled, false));
    assert_eq!(world.cancelled(), [OrderRole::Entry], "the fence");
    let closed = world.engine.books().brokers().closed_attempts();
    assert_eq!(closed.iter().map(|c| c.how).collect::<Vec<_>>(), [Closed::NotFound]);
    assert_eq!(world.count(OrderRole::Entry), 1, "F02: not sent again by itself");
    world.report(&entry, ExecType::New);
    assert_eq!(world.cancelled().len(), 2, "a late appearance is cancelled");
    assert!(blocked(&world) && world.alerts().contains(&AlertKind::UnknownOutcome));
    world.report(&entry, ExecType::Cancelled);
    assert!(!blocked(&world));
}

/// R7: an operator decides where the broker cannot say.
#[test]
fn an_operator_resolves_a_doubt() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    let order = entry.client_id.number;
    world.control(Control::Resolve { order, resolution: Resolution::Dead });
    assert_eq!((state(&world, &entry), blocked(&world)), (OrderState::Cancelled, false));

    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    let resolution = Resolution::Filled { quantity: shares(400), price: price("10.52") };
    world.control(Control::Resolve { order, resolution });
    assert_eq!((world.held(0, 0), blocked(&world)), (400, false));
    assert_eq!(world.last(OrderRole::Stop).quantity, shares(400));
}

/// Journal.md 9, 13: a start turns what has no outcome into a doubt and re-arms its questions;
/// after a fault entries stay blocked until a person resumes; a clock that is behind blocks.
#[test]
fn a_start_doubts_what_has_no_outcome() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.start(world.engine.now().plus_nanos(SECOND_NS), Start { epoch: 9, ..Start::default() });
    assert_eq!((state(&world, &entry), blocked(&world)), (OrderState::Unknown, true));
    world.pass(SECOND_NS);
    let query = *world.queries.last().unwrap();
    assert_eq!((query.id.epoch, query.ask), (9, Ask::Order(entry.client_id)));
    world.answer(&query, row(&entry, OrderState::Working));
    assert_eq!(state(&world, &entry), OrderState::Working);
    world.bar_with(0, 1, "09:32", "10.00", Wish::Enter(breakout("10.50", "10.55", "9.50")));
    assert_eq!(world.last(OrderRole::Entry).client_id.epoch, 9, "R10");

    let kill = Block::new(Scope::All, BlockReason::Kill);
    for (last_end, hold_entries, blocks) in [
        (engine::LastEnd::Orderly, false, false),
        (engine::LastEnd::Cut, false, false),
        (engine::LastEnd::Fault, false, true),
        (engine::LastEnd::JournalDead, false, true),
        (engine::LastEnd::Orderly, true, true),
    ] {
        let mut world = sent();
        let start = Start { epoch: 8, last_end, hold_entries, ..Start::default() };
        world.start(world.engine.now(), start);
        assert_eq!(world.engine.books().blocks().holds(kill), blocks, "{last_end:?}");
        world.control(Control::ResumeTrading(Scope::All));
        assert!(!world.engine.books().blocks().holds(kill));
    }
    let mut world = sent();
    let wall = Timestamp::from_nanos(world.engine.now().nanos() - 1);
    world.start(world.engine.now(), Start { wall, ..Start::default() });
    let clock = Block::new(Scope::All, BlockReason::Clock);
    assert!(world.engine.books().blocks().holds(clock), "journal.md 11");
    world.control(Control::Lift(clock));
    assert!(!world.engine.books().blocks().holds(clock));
}

/// Answers to questions of an earlier process, or that nobody asked, are void.
#[test]
fn old_answers_are_void() {
    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    world.pass(SECOND_NS / 4);
    let query = *world.queries.last().unwrap();
    world.start(world.engine.now(), Start { epoch: 8, ..Start::default() });
    world.answer(&query, Rows::Orders(Vec::new()));
    assert_eq!(state(&world, &entry), OrderState::Unknown);
    let facts = world.facts.iter().filter(|fact| matches!(fact, Fact::AttemptClosed(_))).count();
    assert_eq!(facts, 0);
}

/// I10, R7 at a careful broker: none of the conditions alone is enough, and the connection has to
/// stand throughout.
#[test]
fn the_careful_broker_needs_all_of_r7() {
    let setting = crate::world::Setting {
        limits: Limits::default(),
        brokers: vec![BrokerTraits { remote: false, ..BrokerTraits::remote("careful") }],
        opening_failover: false,
    };
    let mut world = World::with(setting);
    world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, UNKNOWN);
    let mut answered = 0;
    for _ in 0..200 {
        world.pass(SECOND_NS);
        while answered < world.queries.len() {
            let query = world.queries[answered];
            world.answer(&query, Rows::Orders(Vec::new()));
            answered += 1;
        }
    }
    assert!(answered > 3);
    assert_eq!(state(&world, &entry), OrderState::Unknown, "positions were never compared");
    world.apply(world.engine.now(), Input::Time);
}

/// Journal.md 9: replacements and cancels without an outcome are in doubt and made again after a
/// restart; a broken connection has the same effect on what was under way there.
#[test]
fn what_was_under_way_is_in_doubt_after_a_cut() {
    let mut world = sent();
    let old = world.last(OrderRole::Entry);
    world.report(&old, ExecType::New);
    world.bar_with(0, 0, "09:31", "10.00", Wish::Enter(breakout("10.60", "10.65", "10.40")));
    let new = world.last(OrderRole::Entry);
    world.start(world.engine.now(), Start { epoch: 8, ..Start::default() });
    assert_eq!(state(&world, &old), OrderState::Unknown, "a pending replacement");
    world.pass(SECOND_NS / 4);
    assert_eq!(world.queries.last().map(|q| q.ask), Some(Ask::Order(new.client_id)));

    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    world.bar_with(0, 0, "09:31", "10.00", Wish::NoEntry);
    let cancels = world.cancelled().len();
    world.start(world.engine.now(), Start { epoch: 8, ..Start::default() });
    assert_eq!(state(&world, &entry), OrderState::Working, "the order is known to be there");
    world.pass(SECOND_NS);
    assert_eq!(world.cancelled().len(), cancels + 1, "R9: the cancel is made again, once");

    let mut world = sent();
    let entry = world.last(OrderRole::Entry);
    world.connection(0, true);
    world.connection(0, false);
    assert_eq!(state(&world, &entry), OrderState::Unknown, "stream loss is no evidence");
}

/// A pause survives a restart; only a resume lifts it.
#[test]
fn a_pause_survives_a_restart() {
    let mut world = sent();
    world.control(Control::PauseTrading(Scope::All));
    world.start(world.engine.now(), Start { epoch: 8, ..Start::default() });
    let enter = || Wish::Enter(breakout("10.50", "10.55", "9.50"));
    let sent = world.count(OrderRole::Entry);
    world.bar_with(0, 1, "09:32", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), sent);
    world.control(Control::ResumeTrading(Scope::All));
    world.bar_with(0, 1, "09:33", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), sent + 1);
}

/// F15: without any market-data feed nothing is opened; one that is left is enough here, the age
/// of its data is judged symbol by symbol (C28).
#[test]
fn feeds_that_are_gone_block() {
    let all = Block::new(Scope::All, BlockReason::Disconnected);
    let mut world = sent();
    let feed = |world: &mut World, source: u8, up: bool| {
        let link = engine::Link::Feed(model::SourceId(source));
        world.apply(world.engine.now(), Input::Connection { link, up });
        world.engine.books().blocks().holds(all)
    };
    assert!(!feed(&mut world, 0, true));
    assert!(!feed(&mut world, 1, true));
    assert!(!feed(&mut world, 0, false), "the backup is there");
    assert!(feed(&mut world, 1, false));
    assert!(world.alerts().contains(&AlertKind::Disconnected));
    assert!(!feed(&mut world, 0, true));
}
