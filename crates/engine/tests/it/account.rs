//! The account over several days: settled cash (C25) and tax lots (C26).

use engine::risk_manager::{AccountType, Limits};
use engine::strategy_engine::{Plan, Size};
use model::{OrderKind, OrderRole, Quantity, SymbolId};

use crate::world::{Wish, World, breakout, price, shares};

/// Buys a fixed number of shares at a limit of 10.00, protected at 9.00.
fn buy(count: i64) -> Wish {
    Wish::Enter(Plan {
        entry: OrderKind::Limit { limit: price("10.00") },
        reference: price("10.00"),
        stop: Some(price("9.00")),
        size: Size::Fixed(shares(count)),
        ..breakout("10.00", "10.00", "9.00")
    })
}

/// A cash account whose other limits do not bind.
fn cash_account() -> Limits {
    Limits { account: AccountType::Cash, ..Limits::unlimited() }
}

/// Buys and sells so many shares for 10.00 in symbol 0.
fn round_trip(world: &mut World, count: i64, clock: &str, later: &str) {
    world.bar_with(0, 0, clock, "10.00", buy(count));
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, count, "10.00");
    world.bar_with(0, 0, later, "10.00", Wish::Exit);
    let close = world.last(OrderRole::Close);
    world.fill(&close, count, "10.00");
}

/// C25, TC8: what was sold on Friday before Columbus Day pays for nothing on Monday, which trades
/// but does not settle; on Tuesday it does. Veterans Day likewise.
#[test]
fn proceeds_pay_after_they_have_settled() {
    for (friday, holiday, settled) in
        [("2026-10-09", "2026-10-12", "2026-10-13"), ("2026-11-10", "2026-11-11", "2026-11-12")]
    {
        let mut world = World::on(friday, cash_account());
        round_trip(&mut world, 6_000, "09:30", "09:31");
        world.bar_with(1, 1, "09:32", "10.00", buy(6_000));
        assert_eq!(world.refusals(), [""; 0], "sizing keeps to what is free");
        let free = world.engine.books().ledger().settled_cash();
        let wanted = free.shares_at(price("10.00")).unwrap();
        assert_eq!(world.last(OrderRole::Entry).quantity, shares(wanted));
        assert_eq!(wanted, 3_999, "100,000 less 60,000 and the fees");
        world.go_on_to(holiday);
        world.bar_with(1, 1, "09:30", "10.00", buy(6_000));
        assert_eq!(world.last(OrderRole::Entry).quantity, shares(3_999), "{holiday}");
        world.go_on_to(settled);
        world.bar_with(1, 1, "09:30", "10.00", buy(6_000));
        assert_eq!(world.last(OrderRole::Entry).quantity, shares(6_000), "{settled}");
    }
}

/// C25, I5: working entries reserve settled cash; a margin account is not asked.
#[test]
fn working_entries_reserve_settled_cash() {
    let mut world = World::on("2026-06-01", cash_account());
    world.bar_with(0, 0, "09:30", "10.00", buy(6_000));
    world.bar_with(0, 1, "09:30", "10.00", buy(6_000));
    assert_eq!(world.last(OrderRole::Entry).quantity, shares(4_000));
    world.bar_with(0, 2, "09:30", "10.00", buy(1));
    assert_eq!(world.refusals(), ["size_too_small"], "nothing is left to pay with");
    let mut margin = World::on("2026-06-01", Limits::unlimited());
    for symbol in 0..3 {
        margin.bar_with(0, symbol, "09:30", "10.00", buy(6_000));
        assert_eq!(margin.last(OrderRole::Entry).quantity, shares(6_000));
    }
}

/// C26: a loss is tagged when the symbol is bought again within 30 days, over all strategies;
/// nothing stands in the way of entry or exit.
#[test]
fn wash_sales_are_tagged_over_strategies() {
    let mut world = World::on("2026-06-01", Limits::unlimited());
    world.bar_with(0, 0, "09:30", "10.00", buy(100));
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 100, "10.00");
    let stop = world.last(OrderRole::Stop);
    world.fill(&stop, 100, "9.00");
    world.go_on_to("2026-07-01");
    world.bar_with(1, 0, "09:30", "10.00", buy(40));
    let entry = world.last(OrderRole::Entry);
    world.fill(&entry, 40, "10.00");
    let lots = world.engine.books().ledger().lots().symbol(SymbolId(0)).unwrap();
    let tagged: Vec<Quantity> = lots.closed().map(|part| part.washed_quantity).collect();
    assert_eq!(tagged, [shares(40)]);
    assert_eq!(lots.quantity(), shares(40));
    let stop = world.last(OrderRole::Stop);
    world.fill(&stop, 40, "9.00");
    assert_eq!(world.held(1, 0), 0, "an exit is never asked");
}

/// C26: the optional block refuses the 30th day and lets the 31st pass.
#[test]
fn reentry_after_a_loss_can_be_blocked() {
    for (day, refused) in [("2026-07-01", true), ("2026-07-02", false)] {
        let limits = Limits { block_wash_sale_reentry: true, ..Limits::unlimited() };
        let mut world = World::on("2026-06-01", limits);
        world.bar_with(0, 0, "09:30", "10.00", buy(100));
        let entry = world.last(OrderRole::Entry);
        world.fill(&entry, 100, "10.00");
        let stop = world.last(OrderRole::Stop);
        world.fill(&stop, 100, "9.00");
        world.go_on_to(day);
        world.bar_with(0, 1, "09:30", "10.00", buy(100));
        assert_eq!(world.refusals(), [""; 0], "another symbol is free");
        world.bar_with(0, 0, "09:30", "10.00", buy(100));
        assert_eq!(world.refusals() == ["wash_sale"], refused, "{day}");
    }
}
