//! Corporate actions overnight and journalled adjustments (F27, I3, I11). After every input the
//! world checks that positions, lots and ledger agree and that the state survives a restore.

use engine::alert_system::AlertKind;
use engine::risk_manager::{Block, BlockReason, Limits, Scope};
use engine::strategy_engine::{Plan, Size};
use engine::{BrokerEvent, Control, Fact, Input, SlotKey};
use model::{
    ActionKind, BrokerId, Cash, ClosedTrade, CorporateAction, ExitReason, NewOrder, OrderKind,
    OrderRole, SplitRatio, StrategyId, SymbolId,
};

use crate::world::{Wish, World, breakout, price, shares};

const DAY: &str = "2026-06-01";
const NEXT: &str = "2026-06-02";

fn cash(text: &str) -> Cash {
    text.parse().unwrap()
}

/// A plan that buys (or sells short) so many shares at 50.00, stop 5 away, one target at 2R.
fn plan(count: i64, short: bool) -> Plan {
    let (stop, direction) = if short {
        ("55.00", engine::strategy_engine::Direction::Short)
    } else {
        ("45.00", engine::strategy_engine::Direction::Long)
    };
    Plan {
        direction,
        entry: OrderKind::Limit { limit: price("50.00") },
        reference: price("50.00"),
        stop: Some(price(stop)),
        size: Size::Fixed(shares(count)),
        ..breakout("50.00", "50.00", stop)
    }
}

/// A world that holds `count` shares of symbol 0, bought or sold short at 50.00.
fn holding(count: i64, short: bool) -> World {
    let mut world = World::on(DAY, Limits::unlimited());
    world.bar_with(0, 0, "09:30", "50.00", Wish::Enter(plan(count, short)));
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, count, "50.00");
    world
}

fn split(new: u32, old: u32, cash_in_lieu: Option<&str>) -> ActionKind {
    let ratio = SplitRatio::new(new, old).unwrap();
    ActionKind::Split { ratio, cash_in_lieu: cash_in_lieu.map(price) }
}

/// Returns the working exit of a role as the books know it.
fn exit(world: &World, role: OrderRole) -> NewOrder {
    let key = SlotKey { strategy: StrategyId(0), symbol: SymbolId(0) };
    let books = world.engine.books();
    let number = books.position(key).and_then(|position| position.exit(role)).expect("an exit");
    books.orders().get(number).unwrap().request
}

fn announce(world: &mut World, ex_date: &str, kind: ActionKind) {
    let action = CorporateAction { symbol: SymbolId(0), ex_date: ex_date.parse().unwrap(), kind };
    world.apply(world.engine.now(), Input::Action(action));
}

fn trade(world: &World) -> ClosedTrade {
    let closed = |fact: &Fact| match fact {
        Fact::TradeClosed(trade) => Some(trade.as_ref().clone()),
        _ => None,
    };
    world.facts.iter().filter_map(closed).next_back().expect("a trade was closed")
}

fn is_blocked(world: &World) -> bool {
    let block = Block::new(Scope::Symbol(SymbolId(0)), BlockReason::CorporateAction);
    world.engine.books().blocks().holds(block)
}

/// F27: 2 for 1. Shares double, stop and targets halve, cost stays, and the trade's result is what
/// was paid and received, exactly.
#[test]
fn two_for_one() {
    let mut world = holding(100, false);
    announce(&mut world, NEXT, split(2, 1, None));
    assert_eq!(world.held(0, 0), 100, "nothing happens before the ex-date");
    let before = world.engine.equity();
    world.go_on_to(NEXT);
    assert_eq!(world.held(0, 0), 200);
    assert_eq!(world.engine.equity(), before, "a split is worth nothing");
    let stop = exit(&world, OrderRole::Stop);
    assert_eq!(stop.quantity, shares(200));
    assert_eq!(stop.kind, OrderKind::Stop { stop: price("22.50") });
    let target = exit(&world, OrderRole::Target);
    assert_eq!(target.kind, OrderKind::Limit { limit: price("30.00") });
    assert_eq!(target.quantity, shares(100), "half of 200");
    assert!(world.alerts().contains(&AlertKind::CorporateAction));
    world.fill(&target, 100, "30.00");
    let stop = world.last(OrderRole::Stop);
    assert_eq!((stop.quantity, stop.kind), (shares(100), OrderKind::Stop { stop: price("25.00") }));
    world.fill(&stop, 100, "24.00");
    world.bar(0, "09:31", "24.00");
    let trade = trade(&world);
    // 100 * 30 + 100 * 24 - 100 * 50, less three fees of 1e-9.
    assert_eq!(trade.gross_pnl, cash("400"));
    assert_eq!(trade.net_pnl, cash("399.999999997"));
    assert_eq!((trade.entry_price, trade.quantity), (price("25.00"), shares(200)));
    assert_eq!(trade.fills.len(), 3, "a split is no fill");
    assert_eq!(trade.r_multiple.map(|r| (r * 1e6).round() / 1e6), Some(0.8), "400 of 2.50 * 200");
}

/// F27: 1 for 100 of 250 shares: two are left, half a share is paid in cash at the given price.
#[test]
fn one_for_a_hundred_with_a_fraction() {
    let mut world = holding(250, false);
    let before = world.engine.books().ledger().cash();
    announce(&mut world, NEXT, split(1, 100, Some("4990.00")));
    world.go_on_to(NEXT);
    assert_eq!(world.held(0, 0), 2);
    assert_eq!(world.engine.books().ledger().cash().minus(before), cash("2495"));
    let stop = exit(&world, OrderRole::Stop);
    assert_eq!((stop.quantity, stop.kind), (shares(2), OrderKind::Stop { stop: price("4500.00") }));
    world.fill(&stop, 2, "4400.00");
    world.bar(0, "09:31", "4400.00");
    // 0.5 * 4990 + 2 * 4400 - 250 * 50.
    assert_eq!(trade(&world).gross_pnl, cash("-1205"));
    assert_eq!(trade(&world).exit_reason, ExitReason::Stop);
}

/// F27: a holding smaller than one new share is paid out whole, and its trade is closed.
#[test]
fn less_than_a_share_is_paid_out() {
    let mut world = holding(50, false);
    announce(&mut world, NEXT, split(1, 100, Some("5100.00")));
    world.go_on_to(NEXT);
    assert_eq!(world.held(0, 0), 0);
    let trade = trade(&world);
    assert_eq!((trade.gross_pnl, trade.exit_reason), (cash("50"), ExitReason::CorporateAction));
}

/// F27: 3 for 2 of 101 shares: 151 and a half; a short position pays for its fraction.
#[test]
fn three_for_two_with_cash_in_lieu() {
    for (short, flow) in [(false, "16.666666666"), (true, "-16.666666666")] {
        let mut world = holding(101, short);
        let before = world.engine.books().ledger().cash();
        announce(&mut world, NEXT, split(3, 2, None));
        world.go_on_to(NEXT);
        assert_eq!(world.held(0, 0).abs(), 151);
        // Half a share at two thirds of the last price, 33.333333333.
        let paid = world.engine.books().ledger().cash().minus(before);
        assert_eq!(paid, cash(flow), "half-even to 1e-9");
        let stop = exit(&world, OrderRole::Stop);
        let at = if short { "36.67" } else { "30.00" };
        assert_eq!(stop.kind, OrderKind::Stop { stop: price(at) }, "rounded away from the market");
    }
}

/// F27: longs receive a dividend, shorts pay it; the stop of a long follows the price, nothing of
/// it is in the trade.
#[test]
fn dividends_are_received_and_paid() {
    for (short, amount, stop_at) in [(false, "25.50", "44.74"), (true, "-25.50", "55.00")] {
        let mut world = holding(100, short);
        let equity = world.engine.equity();
        announce(&mut world, NEXT, ActionKind::Dividend { per_share: cash("0.255") });
        world.go_on_to(NEXT);
        let ledger = world.engine.books().ledger();
        assert_eq!(ledger.dividends(), cash(amount));
        assert_eq!(world.engine.equity(), equity, "the price falls by what is paid");
        let stop = exit(&world, OrderRole::Stop);
        assert_eq!(stop.kind, OrderKind::Stop { stop: price(stop_at) });
        world.fill(&stop, 100, stop_at);
        world.bar(0, "09:31", stop_at);
        let result = if short { "-500" } else { "-526" };
        assert_eq!(trade(&world).gross_pnl, cash(result));
    }
}

/// F27: a new ticker keeps position, orders and history.
#[test]
fn a_change_of_name_changes_nothing_else() {
    let mut world = holding(100, false);
    announce(&mut world, NEXT, ActionKind::Rename { to: "NEWNAME".parse().unwrap() });
    world.go_on_to(NEXT);
    assert_eq!(world.held(0, 0), 100);
    let renamed = world.engine.books().actions().renamed().to_vec();
    assert_eq!(renamed, [(SymbolId(0), "NEWNAME".parse().unwrap())]);
    let stop = exit(&world, OrderRole::Stop);
    assert_eq!(stop.kind, OrderKind::Stop { stop: price("45.00") });
}

/// F27: the same action announced twice, from two sources or after a restart, happens once; other
/// terms of it block the symbol.
#[test]
fn an_action_happens_once() {
    let mut world = holding(100, false);
    announce(&mut world, NEXT, split(2, 1, None));
    announce(&mut world, NEXT, split(2, 1, None));
    world.go_on_to(NEXT);
    announce(&mut world, NEXT, split(2, 1, None));
    assert_eq!(world.held(0, 0), 200);
    assert!(!is_blocked(&world));
    announce(&mut world, NEXT, split(3, 1, None));
    assert_eq!(world.held(0, 0), 200);
    assert!(is_blocked(&world));
    let happened = world.facts.iter().filter(|fact| matches!(fact, Fact::Action(_))).count();
    assert_eq!(happened, 1);
}

/// F27: an action of today that comes late happens at once to what was held overnight; one that
/// comes after shares were traded, or after its session, blocks the symbol instead.
#[test]
fn late_announcements() {
    let mut world = holding(100, false);
    world.go_on_to(NEXT);
    announce(&mut world, NEXT, split(2, 1, None));
    assert_eq!((world.held(0, 0), is_blocked(&world)), (200, false));
    let mut world = holding(100, false);
    announce(&mut world, DAY, split(2, 1, None));
    assert_eq!((world.held(0, 0), is_blocked(&world)), (100, true), "bought today");
    let mut world = holding(100, false);
    world.go_on_to(NEXT);
    announce(&mut world, DAY, split(2, 1, None));
    assert_eq!((world.held(0, 0), is_blocked(&world)), (100, true), "of yesterday");
    world.control(Control::ResumeTrading(Scope::Symbol(SymbolId(0))));
    assert!(!is_blocked(&world));
}

/// F27: figures of the broker that differ block the symbol, figures that agree lift that; exits are
/// never asked (I14).
#[test]
fn the_brokers_figures_decide() {
    let mut world = holding(100, false);
    announce(&mut world, NEXT, split(2, 1, None));
    world.go_on_to(NEXT);
    let booked = |world: &mut World, held| {
        let event = BrokerEvent::ActionBooked { symbol: SymbolId(0), held: shares(held) };
        world.apply(world.engine.now(), Input::Broker { broker: BrokerId(0), event });
    };
    booked(&mut world, 100);
    assert!(is_blocked(&world));
    world.bar_with(0, 0, "09:30", "25.00", Wish::Exit);
    assert_eq!(world.last(OrderRole::Close).quantity, shares(200));
    booked(&mut world, 200);
    assert!(!is_blocked(&world));
}

/// F12 over F27: an execution from before the split is cancelled after it: what is left is in new
/// shares, and tax lots agree.
#[test]
fn a_bust_from_before_the_split() {
    use model::ExecType;
    let mut world = World::on(DAY, Limits::unlimited());
    world.bar_with(0, 0, "09:30", "50.00", Wish::Enter(plan(100, false)));
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 60, "50.00");
    let second = world.fill(&entry, 40, "50.00");
    announce(&mut world, NEXT, split(2, 1, None));
    world.go_on_to(NEXT);
    assert_eq!(world.held(0, 0), 200);
    world.report(&entry, ExecType::Bust { exec_id: second.exec_id });
    assert_eq!(world.held(0, 0), 120);
    assert_eq!(world.last(OrderRole::Stop).quantity, shares(120));
}
