//! Each control in its place: what the engine tells the gate of the market, the account and the
//! past, and what follows from a refusal (safety.md section 2).

use engine::alert_system::AlertKind;
use engine::risk_manager::{
    Account, BlockReason, ControlId, DayTradeRule, Limits, RateLimit, Scope, Stage,
};
use engine::strategy_engine::{Direction, Plan, Size};
use engine::{BrokerEvent, Control, Input, LimitChange, MarketEvent, Start};
use model::{
    Bands, Breaker, BrokerId, Cash, ExecType, OrderKind, OrderRole, Ppm, Quote, RejectReason,
    SourceId, StrategyId, SymbolDay, SymbolId,
};

use crate::world::{Wish, World, breakout, price, shares};

fn enter() -> Wish {
    Wish::Enter(breakout("10.50", "10.55", "9.50"))
}

fn market_plan() -> Plan {
    Plan {
        entry: OrderKind::Market,
        reference: price("10.00"),
        stop: Some(price("9.50")),
        size: Size::Fixed(shares(100)),
        ..Plan::default()
    }
}

fn short() -> Wish {
    Wish::Enter(Plan {
        direction: Direction::Short,
        entry: OrderKind::Limit { limit: price("9.90") },
        reference: price("9.90"),
        stop: Some(price("10.50")),
        ..market_plan()
    })
}

fn market(world: &mut World, event: MarketEvent) {
    world.apply(world.engine.now(), Input::Market { source: SourceId(0), event });
}

fn broker(world: &mut World, event: BrokerEvent) {
    world.apply(world.engine.now(), Input::Broker { broker: BrokerId(0), event });
}

/// The last trigger of a control: for whom, where and how often.
fn trigger(world: &World, control: u8) -> Option<(Option<StrategyId>, Option<SymbolId>, u64)> {
    let (trigger, count) = world.engine.books().gate().last_trigger(ControlId(control))?;
    Some((trigger.strategy, trigger.symbol, count))
}

/// C39: a refusal is the control's last trigger and stays so.
#[test]
fn a_refusal_is_a_trigger() {
    let mut world = World::new(Limits { max_positions: Some(0), ..Limits::default() });
    assert_eq!(trigger(&world, 7), None);
    world.bar_with(1, 3, "09:30", "10.00", enter());
    let (last, count) = world.engine.books().gate().last_trigger(ControlId(7)).unwrap();
    assert_eq!((last.strategy, last.symbol), (Some(StrategyId(1)), Some(SymbolId(3))));
    assert_eq!((last.time, last.limit, last.value, count), (world.at("09:31"), 0.0, 1.0, 1));
}

/// C03: the sizing takes 10 % of the last five minutes, 1 % of ADV20 and 5,000 shares, so the gate
/// never refuses what it found.
#[test]
fn size_follows_the_quantity_limits() {
    let mut world = World::new(Limits { max_order_quantity: Some(300), ..Limits::default() });
    world.bar_with(0, 0, "09:30", "10.00", enter());
    assert_eq!(world.last(OrderRole::Entry).quantity, shares(300));
}

/// C04: a market entry goes 1 % past the touch in paper and live, as it is in a backtest.
#[test]
fn market_entries_go_as_limits() {
    for (market_collar_pct, kind) in
        [(Some(Ppm(10_000)), OrderKind::Limit { limit: price("10.11") }), (None, OrderKind::Market)]
    {
        let mut world = World::new(Limits { market_collar_pct, ..Limits::default() });
        let quote = Quote {
            time: world.at("09:31"),
            bid: price("9.99"),
            ask: price("10.01"),
            bid_size: shares(100),
            ask_size: shares(100),
        };
        world.bar(0, "09:29", "10.00");
        world.apply(
            world.at("09:31"),
            Input::Market {
                source: SourceId(0),
                event: MarketEvent::Quote { symbol: SymbolId(0), quote },
            },
        );
        world.bar_with(0, 0, "09:30", "10.00", Wish::Enter(market_plan()));
        assert_eq!(world.last(OrderRole::Entry).kind, kind);
    }
}

/// C04, I17: a limit 5.01 % through its own trigger is refused.
#[test]
fn a_limit_far_through_its_trigger_is_refused() {
    let mut world = World::new(Limits::default());
    let plan = |limit| Wish::Enter(breakout("10.00", limit, "9.50"));
    world.bar_with(0, 0, "09:30", "10.00", plan("10.51"));
    assert_eq!(world.refusals(), ["price_collar"]);
    world.bar_with(0, 1, "09:30", "10.00", plan("10.50"));
    assert_eq!(world.count(OrderRole::Entry), 1);
}

/// C09: the broker's smaller figure sizes the entry; a figure of over 60 s refuses it.
#[test]
fn the_brokers_figures_count() {
    let mut world = World::new(Limits::default());
    let account = Account {
        buying_power: Cash::from_dollars(2_110).unwrap(),
        time: world.at("09:30"),
        ..Account::default()
    };
    broker(&mut world, BrokerEvent::Account(account));
    world.bar_with(0, 0, "09:30", "10.00", enter());
    // 95 % of 2,110 USD at 10.55.
    assert_eq!(world.last(OrderRole::Entry).quantity, shares(190));
    world.bar_with(0, 1, "09:31", "10.00", enter());
    assert_eq!(world.refusals(), ["stale_account"]);
}

/// C11: five losers in a row pause their strategy alone, until a person resumes.
#[test]
fn a_losing_streak_pauses_its_strategy() {
    let limits = Limits { max_losing_streak: Some(2), ..Limits::default() };
    let mut world = World::new(limits);
    for (symbol, clock) in [(0, "09:30"), (1, "09:32")] {
        world.bar_with(0, symbol, clock, "10.00", enter());
        let entry = world.last(OrderRole::Entry);
        world.fill(&entry, entry.quantity.shares(), "10.50");
        let stop = world.last(OrderRole::Stop);
        world.fill(&stop, stop.quantity.shares(), "9.50");
        world.bar(symbol, if symbol == 0 { "09:31" } else { "09:33" }, "9.50");
    }
    assert_eq!(trigger(&world, 11), Some((Some(StrategyId(0)), None, 1)));
    world.bar_with(0, 2, "09:34", "10.00", enter());
    assert_eq!(world.refusals(), ["losing_streak"]);
    world.bar_with(1, 3, "09:34", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 3, "the other strategy goes on");
    world.control(Control::ResumeTrading(Scope::Strategy(StrategyId(0))));
    world.bar_with(0, 4, "09:35", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 4);
}

/// C11: equity 10 % under its peak blocks everything, exits pass, and a resume begins a new peak.
#[test]
fn a_drawdown_blocks_everything() {
    let limits = Limits {
        max_drawdown_pct: Some(Ppm(10_000)),
        max_daily_loss_pct: None,
        ..Limits::default()
    };
    let mut world = World::new(limits);
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    let bought = entry.quantity.shares();
    world.fill(&entry, bought, "10.50");
    assert_eq!(bought, 500);
    // 1 % of 100,000 USD is 1,000: 2 dollars a share.
    world.bar(0, "09:31", "8.51");
    world.bar_with(0, 1, "09:31", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 2, "995 USD are no 1,000");
    world.bar(0, "09:32", "8.49");
    world.bar_with(0, 2, "09:32", "10.00", enter());
    assert_eq!(world.refusals(), ["drawdown"]);
    world.bar_with(0, 0, "09:33", "8.49", Wish::Exit);
    assert_eq!(world.count(OrderRole::Close), 1, "I14: exits pass");
}

/// C12: the order beyond the burst is refused, not queued, and counts nothing.
#[test]
fn the_order_rate_is_limited() {
    let process_rate = Some(RateLimit { burst: 2, ..RateLimit::DEFAULT });
    let mut world = World::new(Limits { process_rate, ..Limits::default() });
    for symbol in 0..3 {
        world.bar_with(0, symbol, "09:30", "10.00", enter());
    }
    assert_eq!(world.refusals(), ["order_rate"]);
    world.bar_with(0, 2, "09:31", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 3);
}

/// C13: opening orders stop at half of the broker's budget, cancels do not.
#[test]
fn the_message_budget_is_kept() {
    let limits = Limits { broker_messages_per_minute: Some(5), ..Limits::default() };
    let mut world = World::new(limits);
    for symbol in 0..3 {
        world.bar_with(0, symbol, "09:30", "10.00", enter());
    }
    assert_eq!(world.refusals(), ["message_budget"], "two of four");
    world.control(Control::EmergencyStop(Scope::All));
    assert_eq!(world.cancelled().len(), 2);
}

/// C14: the fourth entry of a strategy in a symbol and side blocks the strategy until resumed.
#[test]
fn repeated_entries_stop_the_strategy() {
    let limits = Limits { max_repeated_entries: Some(2), ..Limits::default() };
    let mut world = World::new(limits);
    for clock in ["09:30", "09:31"] {
        world.bar_with(0, 0, clock, "10.00", enter());
        let entry = world.last(OrderRole::Entry);
        world.fill(&entry, entry.quantity.shares(), "10.50");
        let stop = world.last(OrderRole::Stop);
        world.fill(&stop, stop.quantity.shares(), "10.40");
        let target = world.last(OrderRole::Target);
        world.report(&target, ExecType::Cancelled);
    }
    world.bar_with(0, 0, "09:32", "10.00", enter());
    assert_eq!(world.refusals(), ["repeated"]);
    let scope = Scope::Strategy(StrategyId(0));
    let block = engine::risk_manager::Block::new(scope, BlockReason::Repeated);
    assert!(world.engine.books().blocks().holds(block));
    world.bar_with(0, 1, "09:33", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 2, "in no symbol");
    world.control(Control::ResumeTrading(scope));
    world.bar_with(0, 0, "09:34", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 3);
}

/// C15: the same order again within two seconds, after the broker refused the first.
#[test]
fn a_duplicate_is_refused() {
    let limits = Limits { duplicate_window_ns: Some(90 * model::SECOND_NS), ..Limits::default() };
    let mut world = World::new(limits);
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::Cancelled);
    world.bar_with(0, 0, "09:31", "10.00", enter());
    assert_eq!(world.refusals(), ["duplicate"]);
    let other = Wish::Enter(breakout("10.51", "10.56", "9.50"));
    world.bar_with(0, 0, "09:32", "10.00", other);
    assert_eq!(world.count(OrderRole::Entry), 2, "another price is another order");
}

/// C17: the twenty-first order is refused; of one symbol the fourth.
#[test]
fn open_orders_are_limited() {
    let mut world = World::new(Limits { max_open_orders: Some(2), ..Limits::default() });
    for symbol in 0..3 {
        world.bar_with(0, symbol, "09:30", "10.00", enter());
    }
    assert_eq!(world.refusals(), ["open_orders"]);
}

/// C17: an entry that its strategy no longer states is cancelled, one that it states again is not.
#[test]
fn stale_entries_are_cancelled() {
    let limits = Limits { max_order_age_ns: Some(90 * model::SECOND_NS), ..Limits::default() };
    let mut world = World::new(limits);
    world.bar_with(0, 0, "09:30", "10.00", enter());
    world.bar_with(0, 1, "09:30", "10.00", enter());
    let second = world.last(OrderRole::Entry);
    world.report(&second, ExecType::New);
    world.bar_with(0, 0, "09:31", "10.00", enter());
    world.pass(29 * model::SECOND_NS);
    assert_eq!(world.cancelled(), [], "89 s");
    world.pass(model::SECOND_NS);
    assert_eq!(world.cancelled(), [OrderRole::Entry], "90 s");
    assert_eq!(trigger(&world, 17), Some((Some(StrategyId(0)), Some(SymbolId(1)), 1)));
}

/// C18: where strategies share symbols, no order may meet another strategy's.
#[test]
fn opposite_orders_never_meet() {
    let limits = Limits { exclusive_symbols: false, ..Limits::default() };
    let mut world = World::new(limits);
    world.bar_with(0, 0, "09:30", "10.00", enter());
    world.bar_with(1, 0, "09:31", "10.00", short());
    assert_eq!(world.refusals(), ["self_trade"]);
    world.bar_with(1, 0, "09:32", "10.00", Wish::Enter(breakout("10.60", "10.65", "9.60")));
    assert_eq!(world.count(OrderRole::Entry), 2, "the same side cannot meet");
}

/// C19: short sales only where they are allowed, and of shares that can be borrowed today.
#[test]
fn short_sales_need_shares() {
    for (allow_shorts, shortable, refusal) in [
        (false, Some(true), Some("shorts_off")),
        (true, Some(false), Some("not_shortable")),
        (true, Some(true), None),
    ] {
        let mut world = World::new(Limits { allow_shorts, ..Limits::default() });
        let day = SymbolDay { shortable, ..SymbolDay::unknown(SymbolId(0), world.day) };
        world.apply(world.engine.now(), Input::Reference(Box::new(day)));
        world.bar_with(0, 0, "09:30", "10.00", short());
        assert_eq!(world.refusals().first().copied(), refusal);
        assert_eq!(world.count(OrderRole::Entry), usize::from(refusal.is_none()));
    }
}

/// C20: a fall of 10 % forbids short sales for the rest of the day and the next session, not for
/// the one after it.
#[test]
fn short_sale_restriction_lasts_a_day() {
    let reference = |world: &World| {
        let day = SymbolDay {
            prev_close: Some(price("11.00")),
            ..SymbolDay::unknown(SymbolId(0), world.day)
        };
        Input::Reference(Box::new(day))
    };
    let mut world = World::new(Limits::default());
    world.apply(world.engine.now(), reference(&world));
    world.bar_with(0, 0, "09:30", "9.91", short());
    assert_eq!(world.refusals(), [""; 0], "9.91 is 1 cent above 10 %");
    world.bar_with(0, 0, "09:31", "9.91", Wish::NoEntry);
    world.bar(0, "09:32", "9.90");
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::Cancelled);
    world.bar_with(0, 0, "09:33", "10.50", short());
    assert_eq!(world.refusals(), ["short_restricted"]);
    world.go_on_to("2026-06-02");
    world.apply(world.at("09:30"), reference(&world));
    world.bar_with(0, 0, "09:30", "10.00", short());
    assert_eq!(world.refusals(), ["short_restricted"; 2]);
    world.go_on_to("2026-06-03");
    world.apply(world.at("09:30"), reference(&world));
    world.bar_with(0, 0, "09:30", "10.00", short());
    assert_eq!(world.refusals().len(), 2);
}

/// C21: in a limit state entries are withdrawn and refused, until 60 s after it.
#[test]
fn a_limit_state_opens_nothing() {
    let mut world = World::new(Limits::default());
    let bands = |world: &World, limit_state| Bands {
        time: world.engine.now(),
        lower: price("9.50"),
        upper: price("10.60"),
        limit_state,
    };
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let event = MarketEvent::Bands { symbol: SymbolId(0), bands: bands(&world, true) };
    market(&mut world, event);
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::Cancelled);
    world.bar_with(0, 0, "09:31", "10.00", enter());
    assert_eq!(world.refusals(), ["limit_state"]);
    let event = MarketEvent::Bands { symbol: SymbolId(0), bands: bands(&world, false) };
    market(&mut world, event);
    // C04: inside the bands from then on.
    world.bar_with(0, 0, "09:32", "10.00", Wish::Enter(breakout("10.50", "10.61", "9.50")));
    assert_eq!(world.refusals(), ["limit_state", "price_collar"], "60 s later");
    world.bar_with(0, 0, "09:33", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 2);
}

/// C22: a breaker withdraws the entries of every symbol and refuses new ones for 16 minutes;
/// positions keep their stops.
#[test]
fn a_breaker_pauses_all_symbols() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, entry.quantity.shares(), "10.50");
    world.bar_with(0, 1, "09:30", "10.00", enter());
    let breaker = Breaker { time: world.engine.now(), level: 1 };
    market(&mut world, MarketEvent::Breaker(breaker));
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    world.bar_with(0, 2, "09:45", "10.00", enter());
    assert_eq!(world.refusals(), ["market_paused"], "09:46, the pause ended at 09:46");
    world.bar_with(0, 2, "09:46", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 3, "a minute later");
}

/// C24: the fourth day trade at 24,999 USD is refused before it begins.
#[test]
fn the_fourth_day_trade_is_refused() {
    let limits = Limits { day_trade_rule: DayTradeRule::LegacyPdt, ..Limits::default() };
    let mut world = World::new(limits);
    let account = Account {
        buying_power: Cash::from_dollars(50_000).unwrap(),
        equity: Cash::from_dollars(24_999).unwrap(),
        time: world.at("10:00"),
        ..Account::default()
    };
    broker(&mut world, BrokerEvent::Account(account));
    for symbol in 0..4 {
        world.bar_with(0, symbol, "09:30", "10.00", enter());
    }
    assert_eq!(world.count(OrderRole::Entry), 3);
    assert_eq!(world.refusals(), ["day_trades"]);
}

/// C27: a restricted symbol is refused by its ticker.
#[test]
fn restricted_symbols_are_refused() {
    let restricted = vec!["SYM1".parse().unwrap()];
    let mut world = World::new(Limits { restricted, ..Limits::default() });
    world.bar_with(0, 0, "09:30", "10.00", enter());
    world.bar_with(0, 1, "09:30", "10.00", enter());
    assert_eq!((world.count(OrderRole::Entry), world.refusals()), (1, vec!["not_allowed"]));
}

/// C41: a flatten goes in slices, each after the one before has filled.
#[test]
fn a_flatten_goes_in_slices() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    let limits = Limits { max_order_quantity: Some(200), ..Limits::default() };
    let change = LimitChange { limits, ..LimitChange::default() };
    world.apply(world.engine.now(), Input::Limits(Box::new(change)));
    world.control(Control::Flatten(Scope::All));
    let mut sent = Vec::new();
    while world.held(0, 0) > 0 {
        let close = world.last(OrderRole::Close);
        assert_eq!(world.count(OrderRole::Close), sent.len() + 1, "one at a time");
        sent.push(close.quantity.shares());
        world.fill(&close, close.quantity.shares(), "10.40");
    }
    assert_eq!(sent, [200, 200, 100]);
}

/// C41: a rebalance cancels entries, reduces what exceeds a limit in slices, leaves the rest with
/// its stop, and increases nothing.
#[test]
fn a_rebalance_only_reduces() {
    let mut world = World::new(Limits::default());
    for symbol in 0..2 {
        world.bar_with(0, symbol, "09:30", "10.00", enter());
        let entry = world.last(OrderRole::Entry);
        world.fill(&entry, 500, "10.50");
        world.bar(symbol, "09:31", if symbol == 0 { "50.00" } else { "10.00" });
    }
    world.bar_with(0, 2, "09:31", "10.00", enter());
    let limits = Limits { max_order_quantity: Some(60), ..Limits::default() };
    let change = LimitChange { limits, ..LimitChange::default() };
    world.apply(world.engine.now(), Input::Limits(Box::new(change)));
    // 500 shares are worth 25,000 USD, 400 the limit of 20,000.
    world.control(Control::Rebalance(Scope::All));
    assert!(world.cancelled().contains(&OrderRole::Entry));
    for (slice, left) in [(60, 440), (40, 400)] {
        let close = world.last(OrderRole::Close);
        assert_eq!((close.quantity, close.symbol), (shares(slice), SymbolId(0)));
        world.fill(&close, slice, "50.00");
        assert_eq!((world.held(0, 0), world.held(0, 1)), (left, 500));
    }
    assert_eq!(world.count(OrderRole::Close), 2, "within the limits nothing is sold");
    assert_eq!(trigger(&world, 41), Some((Some(StrategyId(0)), Some(SymbolId(0)), 1)));
    world.bar_with(0, 0, "09:33", "50.00", Wish::Exit);
    let close = world.last(OrderRole::Close);
    assert_eq!(close.quantity, shares(60), "a close of the rest goes in slices as well");
    world.fill(&close, 60, "50.00");
    assert_eq!(world.count(OrderRole::Close), 4);
}

/// C41: the kill switch takes a rebalance back, and none begins while it is set.
#[test]
fn a_kill_aborts_a_rebalance() {
    let mut world = World::new(Limits::default());
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 500, "10.50");
    world.bar(0, "09:31", "50.00");
    world.control(Control::Rebalance(Scope::All));
    let close = world.last(OrderRole::Close);
    assert_eq!(close.quantity, shares(100));
    world.report(&close, ExecType::New);
    world.control(Control::EmergencyStop(Scope::All));
    assert!(world.cancelled().contains(&OrderRole::Close));
    world.report(&close, ExecType::Cancelled);
    world.control(Control::Rebalance(Scope::All));
    assert_eq!((world.count(OrderRole::Close), world.held(0, 0)), (1, 500));
}

/// C42: a stricter limit holds at once; a looser one after 60 s, with permission, and never beyond
/// its ceiling; another change takes the place of what waits.
#[test]
fn looser_limits_wait() {
    let mut world = World::new(Limits::default());
    let change = |world: &mut World, max_positions, may_raise| {
        let limits = Limits { max_positions: Some(max_positions), ..Limits::default() };
        let change = LimitChange { limits, may_raise, ..LimitChange::default() };
        world.apply(world.engine.now(), Input::Limits(Box::new(change)));
    };
    let in_force = |world: &World| world.engine.books().gate().limits().max_positions;
    change(&mut world, 2, false);
    assert_eq!(in_force(&world), Some(2));
    change(&mut world, 4, false);
    world.pass(120 * model::SECOND_NS);
    assert_eq!(in_force(&world), Some(2), "without permission nothing is raised");
    change(&mut world, 12, true);
    world.pass(60 * model::SECOND_NS - 1);
    assert_eq!(in_force(&world), Some(2));
    world.pass(1);
    assert_eq!(in_force(&world), Some(10), "the ceiling");
    change(&mut world, 10, true);
    change(&mut world, 3, true);
    world.pass(120 * model::SECOND_NS);
    assert_eq!(in_force(&world), Some(3));
    assert!(trigger(&world, 42).is_some());
}

/// F20: a broker's refusal counts as an entry of C14: no retry storm.
#[test]
fn refused_entries_count_as_repeated() {
    let limits = Limits { max_repeated_entries: Some(1), ..Limits::default() };
    let mut world = World::new(limits);
    world.bar_with(0, 0, "09:30", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.report(&entry, ExecType::Rejected(RejectReason::Other));
    world.bar_with(0, 0, "09:45", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 1);
}

fn promote(world: &mut World, to: Stage) {
    world.control(Control::Promote { strategy: StrategyId(0), to });
}

fn stage(world: &World) -> (Stage, u32) {
    let promotion = world.engine.books().risk().promotions().of(StrategyId(0));
    (promotion.stage, promotion.sessions)
}

/// A running engine of a live process.
fn live_world() -> World {
    let mut world = World::new(Limits::default());
    world.start(world.engine.now(), Start { mode: "live".to_owned(), ..Start::default() });
    world
}

/// C38: a live run opens nothing for a strategy that was not promoted; one step at a time, and on
/// the way down its entries are withdrawn while its position keeps its exits.
#[test]
fn promotion_goes_step_by_step() {
    let mut world = live_world();
    world.bar_with(0, 0, "09:30", "10.00", enter());
    assert_eq!(
        (world.refusals(), trigger(&world, 38).map(|t| t.2)),
        (vec!["not_promoted"], Some(1))
    );
    promote(&mut world, Stage::LiveSmall);
    assert_eq!((world.alerts(), stage(&world)), (vec![AlertKind::Promotion], (Stage::Backtest, 0)));
    promote(&mut world, Stage::Paper);
    world.bar_with(0, 1, "09:31", "10.00", enter());
    assert_eq!(world.refusals(), ["not_promoted"; 2]);
    promote(&mut world, Stage::LiveSmall);
    world.bar_with(0, 2, "09:32", "10.00", enter());
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, entry.quantity.shares(), "10.50");
    world.bar_with(0, 3, "09:33", "10.00", enter());
    assert_eq!(world.count(OrderRole::Entry), 2);
    promote(&mut world, Stage::Paper);
    assert_eq!(world.cancelled(), [OrderRole::Entry]);
    world.bar_with(0, 4, "09:34", "10.00", enter());
    assert_eq!((world.refusals(), world.count(OrderRole::Entry)), (vec!["not_promoted"; 3], 2));
    world.control(Control::Flatten(Scope::All));
    assert_eq!(world.last(OrderRole::Close).quantity, entry.quantity);
    world.control(Control::Promote { strategy: StrategyId(2), to: Stage::Paper });
    assert_eq!(world.alerts().last(), Some(&AlertKind::Promotion), "there is no third strategy");
}

/// C38, TS3: a tenth of the risk and of the order for five sessions, all of it in the sixth; what
/// sizing gives the gate lets through.
#[test]
fn the_first_live_sessions_are_small() {
    let mut world = live_world();
    promote(&mut world, Stage::Paper);
    promote(&mut world, Stage::LiveSmall);
    let fixed = |size| {
        Wish::Enter(Plan { size: Size::Fixed(shares(size)), ..breakout("10.50", "10.55", "9.50") })
    };
    let sizes = |world: &mut World| {
        [enter(), fixed(3_000)].map(|wish| {
            let symbol = u32::try_from(world.count(OrderRole::Entry) % 2).unwrap();
            let clock = ["09:30", "09:31"][world.count(OrderRole::Entry) % 2];
            world.bar_with(0, symbol, clock, "10.00", wish);
            world.last(OrderRole::Entry).quantity.shares()
        })
    };
    // 50 of 500 USD at risk over 1.00 USD a share; 2,000 of 20,000 USD at 10.55.
    let (small, full) = ([50, 189], [500, 1_895]);
    assert_eq!((sizes(&mut world), stage(&world)), (small, (Stage::LiveSmall, 0)));
    let days = ["2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05", "2026-06-08"];
    for (session, day) in (1..).zip(days) {
        world.go_on_to(day);
        assert_eq!((sizes(&mut world), stage(&world)), (small, (Stage::LiveSmall, session)));
    }
    world.go_on_to("2026-06-09");
    assert_eq!((sizes(&mut world), stage(&world)), (full, (Stage::Live, 0)));
}
