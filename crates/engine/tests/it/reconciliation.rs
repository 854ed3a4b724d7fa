//! The books beside a broker's (C33, C34, F13-F18, F35, R7): a broker whose answers the test
//! writes, truthful or not.

use engine::alert_system::AlertKind;
use engine::execution_engine::BrokerTraits;
use engine::lifecycle::State;
use engine::risk_manager::{Block, BlockReason, Limits, Scope};
use engine::{Control, SlotKey, Start};
use model::{
    Ask, BrokerId, Cash, ClientOrderId, ExecId, ExecType, ExecutionRow, Fill, MINUTE_NS, OrderRole,
    OrderRow, OrderState, Page, Price, Quantity, Query, RequestKind, Rows, SECOND_NS, SendOutcome,
    Side, StrategyId, SymbolId, UnknownCause,
};

use crate::truth::{Truth, dollars};
use crate::world::{Setting, Wish, World, breakout, price, shares};

const BROKER: BrokerId = BrokerId(0);

fn setting() -> Setting {
    Setting {
        limits: Limits::default(),
        brokers: vec![BrokerTraits {
            capabilities: engine::execution_engine::VenueCapabilities::SIMULATED,
            ..BrokerTraits::remote("ibkr")
        }],
        opening_failover: false,
    }
}

/// A world with one remote broker, connected and compared.
fn compared() -> (World, Truth) {
    let (mut world, mut truth) = (World::with(setting()), Truth::new());
    world.connection(0, true);
    truth.answer(&mut world);
    assert_eq!(world.engine.books().lifecycle(), State::Running);
    (world, truth)
}

/// The same with 1,000 shares of SYM0 held with its exits at work.
fn holding() -> (World, Truth) {
    let (mut world, mut truth) = compared();
    world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    let fill = world.fill(&entry, 1_000, "10.50");
    truth.executed(&entry, fill);
    truth.holds(0, 1_000, "10.50");
    for role in [OrderRole::Stop, OrderRole::Target] {
        let order = world.last(role);
        world.report(&order, ExecType::New);
        truth.works(&order, OrderState::Working);
    }
    truth.pass(&mut world, 31);
    assert!(world.engine.books().blocks().list().is_empty());
    (world, truth)
}

fn blocks(world: &World, scope: Scope, reason: BlockReason) -> bool {
    world.engine.books().blocks().holds(Block::new(scope, reason))
}

fn differs(world: &World, symbol: u32) -> bool {
    blocks(world, Scope::Symbol(SymbolId(symbol)), BlockReason::Difference)
}

fn enter() -> Wish {
    Wish::Enter(breakout("10.50", "10.55", "10.00"))
}

/// C33, F35: nothing is opened before the broker's books are compared, at start and after each
/// reconnect; the system runs from then on.
#[test]
fn the_gate_opens_after_the_comparison() {
    let (mut world, mut truth) = (World::with(setting()), Truth::new());
    assert_eq!(world.engine.books().lifecycle(), State::Starting);
    world.bar_with(0, 0, "09:30", "10.00", enter());
    world.connection(0, true);
    world.bar_with(0, 0, "09:31", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 0, "connected is not compared");
    truth.answer(&mut world);
    assert_eq!(world.engine.books().lifecycle(), State::Running);
    world.bar_with(0, 0, "09:32", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    truth.works(&entry, OrderState::Working);
    world.connection(0, false);
    assert!(blocks(&world, Scope::Broker(BROKER), BlockReason::Disconnected));
    assert!(world.alerts().contains(&AlertKind::Disconnected));
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    world.bar_with(0, 1, "09:33", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 1);
    world.connection(0, true);
    assert!(!blocks(&world, Scope::Broker(BROKER), BlockReason::Disconnected));
    world.bar_with(0, 1, "09:34", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 1, "F14: not compared yet");
    truth.answer(&mut world);
    world.bar_with(0, 1, "09:35", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 2);
}

/// C34: every 30 s while the broker is connected, and at the close; a round is four questions.
#[test]
fn the_books_are_compared_every_30_seconds() {
    let (mut world, mut truth) = compared();
    let begun = |world: &World| world.queries.iter().filter(|q| q.ask == Ask::Positions).count();
    assert_eq!((begun(&world), world.queries.len()), (1, 4));
    for _ in 0..10 {
        truth.pass(&mut world, 30);
    }
    assert_eq!((begun(&world), world.queries.len()), (11, 44));
    assert!(world.queries.iter().enumerate().all(|(n, query)| query.id.number == n as u64));
    // A broker that is not connected is not asked.
    world.connection(0, false);
    truth.pass(&mut world, 90);
    assert_eq!(begun(&world), 11);
}

/// F17: an answer that fails is unavailable, never flat: the next round comes after 5 s, nothing
/// is concluded, and after 90 s without a comparison nothing is opened.
#[test]
fn a_failed_answer_is_not_an_empty_book() {
    let (mut world, mut truth) = holding();
    let held = world.held(0, 0);
    let (mut rounds, begin) = (0, world.engine.now());
    while world.engine.now().since(begin) < 120 * SECOND_NS {
        world.pass(SECOND_NS);
        while let Some(query) = world.queries.get(truth.answered).copied() {
            truth.answered += 1;
            if query.ask == Ask::Positions {
                rounds += 1;
                world.answer(&query, Rows::Unavailable);
            }
        }
    }
    assert!((19..=24).contains(&rounds), "every 5 s: {rounds}");
    assert_eq!(world.held(0, 0), held);
    assert!(world.alerts().contains(&AlertKind::Reconciliation));
    assert!(!differs(&world, 0));
    assert!(blocks(&world, Scope::Broker(BROKER), BlockReason::Reconciling), "90 s");
    truth.pass(&mut world, 6);
    assert!(!blocks(&world, Scope::Broker(BROKER), BlockReason::Reconciling));
}

/// F13: a fill whose report was lost is found within 30 s, booked once and protected; its report
/// changes nothing when it comes after all (F11).
#[test]
fn a_lost_fill_is_found() {
    let (mut world, mut truth) = compared();
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    let fill = Fill {
        exec_id: ExecId::new("X.1").unwrap(),
        side: Side::Buy,
        quantity: shares(1_000),
        price: price("10.52"),
        fee: Cash::from_raw(1),
    };
    truth.executed(&entry, fill);
    truth.holds(0, 1_000, "10.52");
    truth.pass(&mut world, 30);
    assert_eq!(world.held(0, 0), 1_000);
    assert!(world.alerts().contains(&AlertKind::MissedFill));
    assert!(!differs(&world, 0), "booked before the positions are compared");
    assert_eq!(world.last(OrderRole::Stop).quantity, shares(1_000));
    let cash = world.engine.books().ledger().cash();
    world.report(&entry, ExecType::Trade(fill));
    assert_eq!((world.held(0, 0), world.engine.books().ledger().cash()), (1_000, cash));
}

/// F16: a report that comes between question and answer makes its symbol undecided this time:
/// neither a false difference nor a deletion nor a double count, whatever the order.
#[test]
fn fills_during_the_snapshot_are_not_differences() {
    for before_question in [false, true] {
        let (mut world, mut truth) = holding();
        let stop = world.last(OrderRole::Stop);
        world.pass(30 * SECOND_NS);
        let asked: Vec<Query> = world.queries[truth.answered..].to_vec();
        truth.answered = world.queries.len();
        assert_eq!(asked.len(), 4);
        let reports = world.engine.books().brokers().get(BROKER).reports;
        let fill = world.fill(&stop, 400, "9.99");
        truth.executed(&stop, fill);
        if before_question {
            // The report was in before the broker was asked: its answer holds the fill.
            truth.holds(0, 600, "10.00");
        }
        for query in asked {
            let asked_after = reports + u64::from(before_question);
            let rows = truth.rows(query.ask);
            let answered_after = reports + 1;
            let page =
                Page { query: query.id, page: 0, last: true, asked_after, answered_after, rows };
            world.page(BROKER, page);
        }
        assert!(!differs(&world, 0));
        assert_eq!(world.held(0, 0), 600);
        truth.holds(0, 600, "10.00");
        truth.pass(&mut world, 30);
        assert!(!differs(&world, 0));
    }
}

/// C34: one symbol that differs is blocked until it agrees again, its exits stay; a second one,
/// or more than 1 % of equity, blocks everything.
#[test]
fn differences_block_by_their_size() {
    let (mut world, mut truth) = holding();
    truth.holds(0, 1_001, "10.50");
    truth.pass(&mut world, 30);
    assert!(differs(&world, 0));
    let all = |world: &World| blocks(world, Scope::All, BlockReason::Difference);
    assert!(!all(&world));
    assert!(world.cancelled().is_empty(), "I14: exits stay");
    assert_eq!(world.count(OrderRole::Close), 0, "never traded away");
    truth.enter(&mut world, 1, "09:35");
    assert_eq!(world.count(OrderRole::Entry), 2, "another symbol");
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::Cancelled);
    // 1 % of 100,000 at 10.00: 100 shares are the limit, 101 beyond it.
    for (shares, wide) in [(1_100, false), (1_101, true), (1_000, false)] {
        truth.holds(0, shares, "10.00");
        truth.pass(&mut world, 30);
        assert_eq!((differs(&world, 0), all(&world)), (shares != 1_000, wide), "{shares}");
    }
    truth.holds(0, 1_001, "10.50");
    truth.holds(1, 1, "10.50");
    truth.pass(&mut world, 30);
    assert!(differs(&world, 0) && differs(&world, 1) && all(&world));
    truth.holds(0, 1_000, "10.50");
    truth.holds(1, 0, "10.50");
    truth.pass(&mut world, 30);
    assert!(!differs(&world, 0) && !differs(&world, 1) && !all(&world));
}

/// C34: cash that moves away from what our fills explain by more than 1 % of equity blocks
/// everything.
#[test]
fn cash_that_drifts_blocks() {
    let (mut world, mut truth) = holding();
    let all = |world: &World| blocks(world, Scope::All, BlockReason::Difference);
    for (drift, wide) in [(-1_000, false), (-1_001, true), (1_001, true), (0, false)] {
        let cash = truth.cash;
        truth.cash = cash.plus(dollars(drift));
        truth.pass(&mut world, 30);
        assert_eq!(all(&world), wide, "{drift}");
        truth.cash = cash;
    }
}

/// C34: an order that the broker does not list is in doubt: asked for by id, and closed by R7
/// only; a stop that is gone is sent anew then, at the same broker.
#[test]
fn an_order_that_is_missing_is_in_doubt() {
    let (mut world, mut truth) = holding();
    let stop = world.last(OrderRole::Stop);
    truth.orders.retain(|row| row.client_id != Some(stop.client_id));
    truth.pass(&mut world, 30);
    let state =
        |world: &World| world.engine.books().orders().get(stop.client_id.number).unwrap().state;
    assert_eq!(state(&world), OrderState::Unknown);
    assert!(blocks(&world, Scope::Symbol(SymbolId(0)), BlockReason::Unknown));
    let since = world.engine.books().brokers().doubts()[0].since;
    while state(&world) == OrderState::Unknown {
        truth.pass(&mut world, 1);
        assert!(world.engine.now().since(since) < 90 * SECOND_NS);
    }
    let took = world.engine.now().since(since);
    assert!(took >= 30 * SECOND_NS, "R7: at least 30 s, not {took}");
    assert_eq!(state(&world), OrderState::Cancelled);
    assert_eq!(world.cancelled(), [OrderRole::Stop], "fenced");
    let anew = world.last(OrderRole::Stop);
    assert_ne!(anew.client_id, stop.client_id);
    assert_eq!((anew.broker, anew.quantity), (BROKER, shares(1_000)));
}

/// R7: not found for long, with positions that agree, connected throughout; a break of the
/// connection begins the time anew.
#[test]
fn a_break_begins_the_proof_anew() {
    let (mut world, mut truth) = compared();
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, SendOutcome::Unknown(UnknownCause::Timeout));
    let unknown = |world: &World| {
        let order = world.engine.books().orders().get(entry.client_id.number).unwrap();
        order.state == OrderState::Unknown
    };
    truth.pass(&mut world, 25);
    world.connection(0, false);
    truth.pass(&mut world, 120);
    world.connection(0, true);
    truth.answered = world.queries.len() - 4;
    let back = world.engine.now();
    truth.answer(&mut world);
    while unknown(&world) {
        truth.pass(&mut world, 1);
        assert!(world.engine.now().since(back) < 90 * SECOND_NS);
    }
    assert!(world.engine.now().since(back) >= 30 * SECOND_NS);
    assert_eq!(world.count(OrderRole::Entry), 1, "F02");
}

/// R7: executions and positions have to agree: shares that the order may have bought keep it in
/// doubt.
#[test]
fn a_position_that_differs_keeps_the_doubt() {
    let (mut world, mut truth) = compared();
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.outcome(&entry, RequestKind::Submit, SendOutcome::Unknown(UnknownCause::Timeout));
    truth.holds(0, 1_000, "10.50");
    truth.pass(&mut world, 300);
    let order = world.engine.books().orders().get(entry.client_id.number).unwrap();
    assert_eq!(order.state, OrderState::Unknown);
    assert!(differs(&world, 0));
}

/// F18: orders and positions that were there before us are shown, count against the limits and
/// are never touched, until an operator claims them.
#[test]
fn foreign_orders_and_positions_count_and_are_not_touched() {
    let (mut world, mut truth) = (World::with(setting()), Truth::new());
    truth.holds(3, 500, "10.00");
    truth.orders.push(OrderRow {
        client_id: None,
        symbol: Some(SymbolId(4)),
        quantity: shares(100),
        state: OrderState::Working,
        ..OrderRow::default()
    });
    world.connection(0, true);
    truth.answer(&mut world);
    assert!(world.alerts().contains(&AlertKind::Foreign));
    assert_eq!(world.engine.books().lifecycle(), State::Running);
    let externals = world.engine.books().externals();
    assert_eq!(externals.len(), 1);
    assert_eq!((externals[0].symbol, externals[0].quantity), (SymbolId(3), shares(500)));
    assert_eq!(world.engine.books().ledger().cash(), dollars(100_000), "no cash moved");
    truth.pass(&mut world, 60);
    assert!(world.sent.is_empty() && world.cancelled().is_empty());
    assert!(world.engine.books().blocks().list().is_empty());
    // A trade by hand moves what is external; nothing differs.
    let fill = Fill {
        exec_id: ExecId::new("HAND.1").unwrap(),
        side: Side::Sell,
        quantity: shares(200),
        price: price("10.00"),
        fee: Cash::ZERO,
    };
    let symbol = Some(SymbolId(3));
    let time = world.engine.now();
    truth.executions.push(ExecutionRow { client_id: None, symbol, fill, time });
    truth.holds(3, 300, "10.00");
    truth.cash = truth.cash.plus(dollars(2_000));
    truth.pass(&mut world, 60);
    assert_eq!(world.engine.books().externals()[0].quantity, shares(300));
    assert!(world.engine.books().blocks().list().is_empty());
    // What was both bought and sold is not claimed as a whole.
    let slot = SlotKey { strategy: StrategyId(1), symbol: SymbolId(3) };
    world.control(Control::Claim { broker: BROKER, slot });
    assert_eq!(world.held(1, 3), 0);
}

/// F18: what is claimed is a position of the strategy that a flatten closes.
#[test]
fn a_claimed_position_is_closed_by_flatten() {
    let (mut world, mut truth) = (World::with(setting()), Truth::new());
    truth.holds(3, 500, "10.00");
    world.connection(0, true);
    truth.answer(&mut world);
    let slot = SlotKey { strategy: StrategyId(1), symbol: SymbolId(3) };
    world.control(Control::Claim { broker: BROKER, slot });
    assert_eq!(world.held(1, 3), 500);
    truth.pass(&mut world, 30);
    assert!(world.engine.books().blocks().list().is_empty());
    world.control(Control::Flatten(Scope::Symbol(SymbolId(3))));
    let close = world.last(OrderRole::Close);
    assert_eq!((close.quantity, close.side), (shares(500), Side::Sell));
    world.fill(&close, 500, "11.00");
    assert_eq!(world.held(1, 3), 0);
    assert_eq!(world.engine.books().realised_today(), dollars(500).minus(Cash::from_raw(1)));
}

/// C34, I3: an adjustment of an operator changes the position in kind and its exits with it; the
/// block ends with the next comparison.
#[test]
fn an_adjustment_settles_a_difference() {
    let (mut world, mut truth) = holding();
    truth.holds(0, 950, "10.50");
    truth.pass(&mut world, 30);
    assert!(differs(&world, 0));
    let cash = world.engine.books().ledger().cash();
    let quantity: Quantity = shares(50).negated();
    let at: Price = price("10.50");
    world.control(Control::Adjust { broker: BROKER, symbol: SymbolId(0), quantity, price: at });
    assert_eq!(world.held(0, 0), 950);
    assert_eq!(world.engine.books().ledger().cash(), cash);
    assert_eq!(world.last(OrderRole::Stop).quantity, shares(950), "I13");
    truth.answer(&mut world);
    assert!(!differs(&world, 0));
    // What goes beyond a position is external.
    world.control(Control::Adjust { broker: BROKER, symbol: SymbolId(5), quantity, price: at });
    assert_eq!(world.engine.books().externals()[0].quantity, quantity);
}

/// I16, journal.md 10: a newer epoch under our tag is another writer.
#[test]
fn a_newer_epoch_is_another_writer() {
    let (mut world, mut truth) = compared();
    let id: ClientOrderId = "BW-8-1-0E".parse().unwrap();
    truth.orders.push(OrderRow {
        client_id: Some(id),
        symbol: Some(SymbolId(0)),
        quantity: shares(1),
        state: OrderState::Working,
        ..OrderRow::default()
    });
    truth.pass(&mut world, 30);
    assert!(world.alerts().contains(&AlertKind::OtherWriter));
    assert!(blocks(&world, Scope::All, BlockReason::Kill));
}

/// F34, F35, I8: after a restart with a position, orders and an engaged kill switch everything is
/// compared before anything else; the kill holds, exits are adopted, none is sent twice.
#[test]
fn a_restart_is_reconciled_before_it_runs() {
    let (mut world, mut truth) = holding();
    world.control(Control::EmergencyStop(Scope::All));
    let sent = world.sent.len();
    world.start(world.engine.now().plus_nanos(MINUTE_NS), Start { epoch: 8, ..Start::default() });
    assert_eq!(world.engine.books().lifecycle(), State::Starting);
    assert!(blocks(&world, Scope::Broker(BROKER), BlockReason::Reconciling));
    world.connection(0, true);
    truth.answered = world.queries.len() - 4;
    truth.answer(&mut world);
    assert!(!blocks(&world, Scope::Broker(BROKER), BlockReason::Reconciling));
    assert!(blocks(&world, Scope::All, BlockReason::Kill), "I8");
    assert_eq!((world.held(0, 0), world.sent.len()), (1_000, sent), "nothing is sent twice");
    truth.enter(&mut world, 1, "09:40");
    assert_eq!(world.sent.len(), sent);
    world.control(Control::ResumeTrading(Scope::All));
    truth.enter(&mut world, 1, "09:41");
    assert_eq!(world.sent.len(), sent + 1);
}
