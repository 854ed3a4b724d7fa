//! Entries: from a wish to an order, through sizing and the gate, and its withdrawal.
//!
//! Invariant: at most one entry order per strategy and symbol works; it is replaced only when
//! trigger, limit, protective stop or expiry changed (TG34).

use model::{
    BrokerId, NewOrder, OrderKind, OrderNumber, OrderRole, Quantity, ReplaceRequest, Side,
    TimeInForce,
};

use super::protection;
use crate::desk::Desk;
use crate::execution_engine::routing::entry_route;
use crate::fact::{Fact, Intent, Replace, SlotKey};
use crate::risk_manager::{
    AccountType, Block, BlockReason, ControlId, MarketView, Proposal, RejectCode, Rejection, Scope,
    Sizing, SizingFacts, WorstCase, exposure_left, free_buying_power, marketable_limit, size,
};
use crate::strategy_engine::{Decision, Direction, Finding, Outcome, Plan, Rule, Values};
use crate::timers::Timer;

/// Makes the entry of `plan` work in a slot.
pub(crate) fn want(desk: &mut Desk<'_>, key: SlotKey, plan: &Plan, finding: Finding) {
    let Some(slot) = desk.books().slot(key) else { return };
    if slot.position.is_some() {
        // TS8: never add to a position.
        return;
    }
    if !slot.orphans.is_empty() {
        // Exits of the position before still live: they could close what this entry opens.
        protection::after_close(desk, key);
        desk.decide(key, Outcome::NoTrade, finding, None);
        return;
    }
    let working = slot.entry;
    if let Some(order) = desk.books().working_entry(key) {
        let same = order.terms.as_deref().is_some_and(|terms| !plan.differs_from(&terms.plan));
        if same || !order.is_settled() {
            // Already so, or a change is under way: the next evaluation says it again.
            state_entry(desk, key);
            desk.decide(key, Outcome::NoTrade, finding, working);
            return;
        }
    }
    match propose(desk, key, plan) {
        Ok((order, sizing)) => {
            forget_refusal(desk, key);
            let number = send(desk, key, plan, working, order, sizing);
            desk.decide(key, Outcome::Order, finding, Some(number));
            match plan.expires {
                Some(expires) => desk.analysis.timers.set(expires, Timer::EntryExpiry(number)),
                None => watch_age(desk, key, number),
            }
        }
        Err(rejection) => {
            refuse(desk, key, rejection);
            if rejection.code == RejectCode::Repeated {
                // C14: until a person lets the strategy go on.
                let block = Block::new(Scope::Strategy(key.strategy), BlockReason::Repeated);
                desk.block(block, || {
                    "the strategy entered one symbol and side too often (C14)".to_owned()
                });
            }
            if let Some(number) = working {
                // What would not be sent now must not go on working.
                desk.cancel(number);
            }
        }
    }
}

/// Finds the broker, sizes a plan and asks the gate.
fn propose(
    desk: &Desk<'_>,
    key: SlotKey,
    plan: &Plan,
) -> Result<(crate::risk_manager::Approved, Sizing), Rejection> {
    propose_at(desk, key, plan, entry_route(desk, key)?, None)
}

/// Sizes a plan for a broker and asks the gate; `most` is what is left of an intent whose attempt
/// at another broker has ended.
pub(crate) fn propose_at(
    desk: &Desk<'_>,
    key: SlotKey,
    plan: &Plan,
    broker: BrokerId,
    most: Option<Quantity>,
) -> Result<(crate::risk_manager::Approved, Sizing), Rejection> {
    let books = desk.books();
    let limits = books.limits_of(key.strategy);
    let opening = desk.analysis.session.as_ref().map(|session| {
        (session.open, session.close.plus_nanos(-limits.opening_ends_before_close_ns))
    });
    let market = MarketView {
        ticker: books.ticker(key.symbol),
        ..desk.analysis.market_view(key.symbol, desk.now)
    };
    let side = match plan.direction {
        Direction::Long => Side::Buy,
        Direction::Short => Side::SellShort,
    };
    let tick = desk.tick(key.symbol, plan.reference);
    let kind = limits
        .market_collar_pct
        .filter(|_| plan.entry == OrderKind::Market)
        .and_then(|offset| marketable_limit(side, &market, tick, offset.0))
        .unwrap_or(plan.entry);
    // C04: what a market entry is sent with is what it is sized by.
    let plan = &Plan { entry: kind, ..*plan };
    let mut proposal = Proposal {
        strategy: key.strategy,
        symbol: key.symbol,
        broker,
        side,
        kind,
        worst_price: match plan.direction {
            Direction::Long => plan.worst_price(),
            // A short sale may fill anywhere above its limit: at the last price, too (I5).
            Direction::Short => plan.worst_price().max(desk.mark(key.symbol)),
        },
        quantity: Quantity::ZERO,
        tick,
        now: desk.now,
        opening,
        replaces: books.working_entry(key).is_some() || most.is_some(),
        market,
    };
    let worst = WorstCase::of(books, key, side, |symbol| desk.mark(symbol));
    let sized = size(plan, limits, &sizing_facts(desk, &proposal, &worst));
    if let Ok(sizing) = &sized {
        proposal.quantity = most.map_or(sizing.quantity, |most| most.min(sizing.quantity));
    }
    let order = NewOrder {
        client_id: desk.next_id(false),
        broker: proposal.broker,
        symbol: key.symbol,
        side,
        kind,
        quantity: proposal.quantity,
        time_in_force: TimeInForce::Day,
        role: OrderRole::Entry,
        group: None,
    };
    // The gate speaks first: its reason is the plainer one.
    let approved = books.gate().approve(&proposal, &worst, books, order)?;
    Ok((approved, sized?))
}

fn sizing_facts(desk: &Desk<'_>, proposal: &Proposal, worst: &WorstCase) -> SizingFacts {
    let books = desk.books();
    let equity = books.day().equity;
    let limits = books.gate().limits();
    let (gross_left, net_left) = exposure_left(limits, equity, worst, proposal.side);
    SizingFacts {
        equity,
        tick: proposal.tick,
        worst_price: proposal.worst_price,
        buying_power: free_buying_power(books, worst, proposal.broker),
        exposure_left: [gross_left, net_left].into_iter().flatten().min(),
        in_symbol: worst.in_symbol,
        recent_volume: proposal.market.recent_volume,
        adv20: proposal.market.adv20,
        realised_loss: books.realised_today().negated(),
        settled_cash: (limits.account == AccountType::Cash)
            .then(|| books.ledger().settled_cash().minus(worst.entry_value)),
        open_risk: worst.open_risk,
        entry_risk: worst.entry_risk,
    }
}

/// Emits the intent or the replacement and returns the order's number.
fn send(
    desk: &mut Desk<'_>,
    key: SlotKey,
    plan: &Plan,
    working: Option<OrderNumber>,
    approved: crate::risk_manager::Approved,
    sizing: Sizing,
) -> OrderNumber {
    let order = *approved.order();
    let old = working.and_then(|number| desk.books().orders().get(number));
    if let Some(old) = old {
        let mut new_client_id = old.request.client_id;
        new_client_id.attempt = new_client_id.attempt.saturating_add(1);
        let request = ReplaceRequest {
            client_id: old.request.client_id,
            new_client_id,
            broker: old.request.broker,
            symbol: key.symbol,
            kind: order.kind,
            quantity: order.quantity,
        };
        let number = request.client_id.number;
        let (plan, sizing) = (Some(*plan), Some(sizing));
        desk.emit(Fact::Replace(Box::new(Replace { request, time: desk.now, plan, sizing })));
        return number;
    }
    let number = order.client_id.number;
    desk.emit(Fact::Intent(Box::new(Intent {
        order,
        strategy: key.strategy,
        time: desk.now,
        plan: Some(*plan),
        sizing: Some(sizing),
        reason: None,
    })));
    number
}

/// Sends the rest of an entry to another broker, as the next attempt of the same intent (R2).
pub(crate) fn send_again(
    desk: &mut Desk<'_>,
    key: SlotKey,
    plan: &Plan,
    before: &NewOrder,
    approved: &crate::risk_manager::Approved,
    sizing: Sizing,
) {
    let mut order = *approved.order();
    order.client_id = before.client_id;
    order.client_id.attempt = before.client_id.attempt.saturating_add(1);
    desk.emit(Fact::Intent(Box::new(Intent {
        order,
        strategy: key.strategy,
        time: desk.now,
        plan: Some(*plan),
        sizing: Some(sizing),
        reason: None,
    })));
}

/// Withdraws a slot's working entry; true when a cancel was sent.
pub(crate) fn withdraw(desk: &mut Desk<'_>, key: SlotKey) -> Option<OrderNumber> {
    let number = desk.books().slot(key)?.entry?;
    desk.cancel(number).then_some(number)
}

/// Withdraws an entry whose time is over.
pub(crate) fn expire(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(order) = desk.books().orders().get(number) else { return };
    let key = order.slot();
    let expires = order.terms.as_deref().and_then(|terms| terms.plan.expires);
    let works = desk.books().slot(key).is_some_and(|slot| slot.entry == Some(number));
    let due = works && expires.is_some_and(|expires| expires <= desk.now);
    if due {
        withdraw(desk, key);
    }
}

/// Notes that the strategy states its entry (C17).
fn state_entry(desk: &mut Desk<'_>, key: SlotKey) {
    let index = desk.slot_index(key);
    let now = desk.now;
    if let Some(stated) = desk.analysis.stated.get_mut(index) {
        *stated = now;
    }
}

/// Begins to watch the age of an entry that has no time of its own (C17).
pub(crate) fn watch_age(desk: &mut Desk<'_>, key: SlotKey, number: OrderNumber) {
    state_entry(desk, key);
    if let Some(age) = desk.books().gate().limits().max_order_age_ns {
        let due = desk.now.plus_nanos(age);
        desk.analysis.timers.set(due, Timer::EntryAge(number));
    }
}

/// Cancels an entry that its strategy no longer states (C17), or looks again when it may be due.
pub(crate) fn age(desk: &mut Desk<'_>, number: OrderNumber) {
    let Some(order) = desk.books().orders().get(number) else { return };
    let key = order.slot();
    let works = desk.books().slot(key).is_some_and(|slot| slot.entry == Some(number));
    let Some(limit) = desk.books().gate().limits().max_order_age_ns.filter(|_| works) else {
        return;
    };
    let stated = desk.analysis.stated.get(desk.slot_index(key)).copied().unwrap_or(desk.now);
    let age = desk.now.since(stated);
    if age < limit {
        desk.analysis.timers.set(stated.plus_nanos(limit), Timer::EntryAge(number));
    } else if withdraw(desk, key).is_some() {
        let (limit, age) = (limit as f64 / 1e9, age as f64 / 1e9);
        desk.note_trigger(ControlId(17), Some(key.strategy), Some(key.symbol), limit, age);
    }
}

/// Records a refusal once, until its reason changes.
pub(crate) fn refuse(desk: &mut Desk<'_>, key: SlotKey, rejection: Rejection) {
    let index = desk.slot_index(key);
    let repeated = match desk.analysis.refusals.get_mut(index) {
        Some(last) => last.replace(rejection.code) == Some(rejection.code),
        None => false,
    };
    let decision = Decision {
        time: desk.now,
        strategy: key.strategy,
        symbol: key.symbol,
        outcome: if repeated { Outcome::NoTrade } else { Outcome::Rejected },
        rule: Rule::Gate(rejection.code),
        values: Values::new(&[rejection.limit, rejection.value]),
        order: None,
    };
    desk.record(decision);
}

fn forget_refusal(desk: &mut Desk<'_>, key: SlotKey) {
    let index = desk.slot_index(key);
    if let Some(last) = desk.analysis.refusals.get_mut(index) {
        *last = None;
    }
}
