//! Executions that a broker counts and did not report (F13, venues.md 0.2): no exit is sent for
//! their shares (I13), what they may have opened counts (I5), and they are asked for.

use engine::alert_system::AlertKind;
use engine::execution_engine::{BrokerTraits, VenueCapabilities};
use engine::risk_manager::{Block, BlockReason, Limits, Scope, WorstCase};
use model::{
    Ask, Cash, ExecId, ExecType, Fill, NewOrder, OrderKind, OrderRole, OrderState, Quantity,
    SymbolId,
};

use crate::truth::Truth;
use crate::world::{Setting, Wish, World, breakout, price, shares};

/// A world with one remote broker, compared, whose entry for 1,000 shares of SYM0 works.
fn entering(capabilities: VenueCapabilities) -> (World, Truth) {
    let brokers = vec![BrokerTraits { capabilities, ..BrokerTraits::remote("ibkr") }];
    let setting = Setting { limits: Limits::default(), brokers, opening_failover: false };
    let (mut world, mut truth) = (World::with(setting), Truth::new());
    world.connection(0, true);
    truth.answer(&mut world);
    world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(breakout("10.50", "10.55", "10.00")));
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::New);
    truth.works(&entry, OrderState::Working);
    (world, truth)
}

/// The same with the entry filled and its exits at the market.
fn holding(capabilities: VenueCapabilities) -> (World, Truth) {
    let (mut world, mut truth) = entering(capabilities);
    let entry = world.last(OrderRole::Entry);
    let fill = world.fill(&entry, 1_000, "10.50");
    truth.executed(&entry, fill);
    truth.holds(0, 1_000, "10.50");
    truth.orders.clear();
    for role in [OrderRole::Stop, OrderRole::Target] {
        if world.count(role) > 0 {
            let order = world.last(role);
            world.report(&order, ExecType::New);
            truth.works(&order, OrderState::Working);
        }
    }
    truth.pass(&mut world, 31);
    assert!(world.engine.books().blocks().list().is_empty());
    (world, truth)
}

/// Executes shares of an order at the broker and does not report it.
fn silently(truth: &mut Truth, order: &NewOrder, quantity: i64, left: i64) -> Fill {
    let fill = Fill {
        exec_id: ExecId::new("SILENT.1").unwrap(),
        side: order.side,
        quantity: shares(quantity),
        price: price("10.00"),
        fee: Cash::from_raw(1),
    };
    truth.executed(order, fill);
    truth.holds(0, left, "10.00");
    fill
}

fn cancelled_at(world: &mut World, truth: &mut Truth, order: &NewOrder, cum_qty: i64) {
    truth.orders.clear();
    world.report_stating(order, ExecType::Cancelled, Some(shares(cum_qty)));
}

fn blocked(world: &World) -> bool {
    let symbol = Scope::Symbol(SymbolId(0));
    world.engine.books().blocks().holds(Block::new(symbol, BlockReason::Unknown))
}

fn comparisons(world: &World) -> usize {
    world.queries.iter().filter(|query| query.ask == Ask::Positions).count()
}

/// Leaves a position whose stop is cancelled after `stated` of 1,000 shares, none of them
/// reported, while the strategy wants out.
fn closing(stated: i64) -> (World, Truth, Fill) {
    let (mut world, mut truth) = holding(VenueCapabilities::BARE);
    world.bar_with(0, 0, "09:31", "10.60", Wish::Exit);
    truth.answer(&mut world);
    let stop = world.last(OrderRole::Stop);
    let fill = silently(&mut truth, &stop, stated.max(1), 1_000 - stated);
    let asked = comparisons(&world);
    cancelled_at(&mut world, &mut truth, &stop, stated);
    assert_eq!(comparisons(&world) - asked, usize::from(stated > 0), "asked at once");
    (world, truth, fill)
}

/// I13, F13: the close after a stop that filled in part without a report is for the rest; the
/// comparison books the fill, and nothing more is sent.
#[test]
fn a_close_leaves_out_what_its_stop_has_filled_unheard() {
    for stated in [0, 1, 300, 999] {
        let (mut world, mut truth, _) = closing(stated);
        let close = world.last(OrderRole::Close);
        assert_eq!(close.quantity, shares(1_000 - stated), "{stated} stated");
        assert_eq!(blocked(&world), stated > 0);
        if stated == 0 {
            continue;
        }
        world.wait(1);
        assert!(!world.alerts().contains(&AlertKind::MissedFill));
        world.wait(1);
        assert!(world.alerts().contains(&AlertKind::MissedFill));
        truth.works(&close, OrderState::Working);
        world.report(&close, ExecType::New);
        truth.pass(&mut world, 31);
        assert_eq!((world.held(0, 0), world.count(OrderRole::Close)), (1_000 - stated, 1));
        assert!(!blocked(&world), "{:?}", world.engine.books().blocks().list());
    }
}

/// I13: when all of it is stated as filled, no exit is sent; a position that looks open and is
/// not covered is alarmed; the late report ends it.
#[test]
fn no_exit_follows_a_stop_that_filled_unheard() {
    let (mut world, _, fill) = closing(1_000);
    world.wait(2);
    assert_eq!((world.count(OrderRole::Close), world.count(OrderRole::Stop)), (0, 1));
    assert!(world.alerts().contains(&AlertKind::Unprotected));
    let stop = world.last(OrderRole::Stop);
    world.report_stating(&stop, ExecType::Trade(fill), Some(shares(1_000)));
    assert_eq!((world.held(0, 0), world.count(OrderRole::Close)), (0, 0));
    assert!(!blocked(&world));
}

/// F13: a statement that the executions and positions of the broker do not bear out ends with the
/// comparison; the exit goes out.
#[test]
fn a_false_statement_ends_with_the_comparison() {
    let (mut world, mut truth, _) = closing(1_000);
    truth.executions.pop();
    truth.holds(0, 1_000, "10.50");
    assert_eq!(world.count(OrderRole::Close), 0);
    truth.pass(&mut world, 31);
    assert_eq!(world.last(OrderRole::Close).quantity, shares(1_000));
    assert!(!blocked(&world));
}

/// I13, TF8: in an exit group whose members stand for one another, what one has filled unheard
/// leaves the others; its own part is open in the order itself.
#[test]
fn members_of_a_group_leave_out_what_another_filled_unheard() {
    let (mut world, _) = holding(VenueCapabilities::SIMULATED);
    let (stop, target) = (world.last(OrderRole::Stop), world.last(OrderRole::Target));
    world.report_stating(&target, ExecType::PendingCancel, Some(shares(200)));
    let replaced: Vec<Quantity> = world
        .facts
        .iter()
        .filter_map(|fact| match fact {
            engine::Fact::Replace(replace) => Some(replace.request.quantity),
            _ => None,
        })
        .collect();
    assert_eq!(replaced, [shares(800)]);
    assert_eq!(stop.quantity, shares(1_000));
    world.bar_with(0, 0, "09:31", "10.60", Wish::Exit);
    let close = world.last(OrderRole::Close);
    assert_eq!((close.kind, close.quantity), (OrderKind::Market, shares(800)));
}

/// I5, I14: what a cancelled entry has filled unheard counts as held and blocks its symbol; the
/// comparison opens the position with its stop.
#[test]
fn an_entry_that_filled_unheard_counts() {
    let (mut world, mut truth) = entering(VenueCapabilities::BARE);
    let entry = world.last(OrderRole::Entry);
    silently(&mut truth, &entry, 400, 400);
    cancelled_at(&mut world, &mut truth, &entry, 400);
    let worst = WorstCase::of_account(world.engine.books(), |_| price("10.50"));
    assert_eq!(worst.gross, price("10.55").notional(shares(400)).unwrap());
    assert!(blocked(&world));
    truth.answer(&mut world);
    assert_eq!((world.held(0, 0), world.last(OrderRole::Stop).quantity), (400, shares(400)));
    assert!(!blocked(&world));
}

/// What is heard already is no news.
#[test]
fn a_statement_of_what_is_heard_changes_nothing() {
    let (mut world, _) = entering(VenueCapabilities::BARE);
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 400, "10.50");
    let asked = world.queries.len();
    world.report_stating(&entry, ExecType::Cancelled, Some(shares(400)));
    assert!(!blocked(&world));
    assert_eq!(world.queries.len(), asked);
}
