//! Entries: from a wish to an order, through sizing and the gate, and its withdrawal.
//!
//! Invariant: at most one entry order per strategy and symbol works; it is replaced only when
//! trigger, limit, protective stop or expiry changed (TG34).

use model::{
    BrokerId, NewOrder, OrderNumber, OrderRole, Quantity, ReplaceRequest, Side, TimeInForce,
};

use super::protection;
use crate::desk::Desk;
use crate::execution_engine::routing::entry_route;
use crate::fact::{Fact, Intent, Replace, SlotKey};
use crate::risk_manager::{AccountType, Proposal, Rejection, Sizing, SizingFacts, WorstCase, size};
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
            desk.decide(key, Outcome::NoTrade, finding, working);
            return;
        }
    }
    match propose(desk, key, plan) {
        Ok((order, sizing)) => {
            forget_refusal(desk, key);
            let number = send(desk, key, plan, working, order, sizing);
            desk.decide(key, Outcome::Order, finding, Some(number));
            if let Some(expires) = plan.expires {
                desk.analysis.timers.set(expires, Timer::EntryExpiry(number));
            }
        }
        Err(rejection) => {
            refuse(desk, key, rejection);
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

/// Sizes a plan for a broker, to at most `most` shares, and asks the gate.
pub(crate) fn propose_at(
    desk: &Desk<'_>,
    key: SlotKey,
    plan: &Plan,
    broker: BrokerId,
    most: Option<Quantity>,
) -> Result<(crate::risk_manager::Approved, Sizing), Rejection> {
    let books = desk.books();
    let limits = books.gate().limits();
    let opening = desk.analysis.session.as_ref().map(|session| {
        (session.open, session.close.plus_nanos(-limits.opening_ends_before_close_ns))
    });
    let state = desk.analysis.data.symbol(key.symbol);
    let side = match plan.direction {
        Direction::Long => Side::Buy,
        Direction::Short => Side::SellShort,
    };
    let mut proposal = Proposal {
        strategy: key.strategy,
        symbol: key.symbol,
        broker,
        side,
        kind: plan.entry,
        worst_price: match plan.direction {
            Direction::Long => plan.worst_price(),
            // A short sale may fill anywhere above its limit: at the last price, too (I5).
            Direction::Short => plan.worst_price().max(desk.mark(key.symbol)),
        },
        quantity: Quantity::ZERO,
        tick: desk.tick(key.symbol, plan.reference),
        now: desk.now,
        opening,
        halted: state.is_some_and(|state| state.is_halted_at(desk.now)),
    };
    let worst = WorstCase::of(books, &proposal, |symbol| desk.mark(symbol));
    let sized = size(plan, limits, &sizing_facts(desk, key, &proposal, &worst));
    if let Ok(sizing) = &sized {
        proposal.quantity = most.map_or(sizing.quantity, |most| most.min(sizing.quantity));
    }
    let order = NewOrder {
        client_id: desk.next_id(false),
        broker: proposal.broker,
        symbol: key.symbol,
        side,
        kind: plan.entry,
        quantity: proposal.quantity,
        time_in_force: TimeInForce::Day,
        role: OrderRole::Entry,
        group: None,
    };
    // The gate speaks first: its reason is the plainer one.
    let approved = books.gate().approve(&proposal, &worst, books, order)?;
    Ok((approved, sized?))
}

fn sizing_facts(
    desk: &Desk<'_>,
    key: SlotKey,
    proposal: &Proposal,
    worst: &WorstCase,
) -> SizingFacts {
    let state = desk.analysis.data.symbol(key.symbol);
    let session = desk.analysis.session.as_ref();
    SizingFacts {
        equity: desk.books().day().equity,
        tick: proposal.tick,
        worst_price: proposal.worst_price,
        gross: worst.gross,
        in_symbol: worst.in_symbol,
        recent_volume: state.map_or(0, |state| state.recent_volume()),
        adv20: state.zip(session).and_then(|(state, session)| state.reference(session)?.adv20),
        realised_loss: desk.books().realised_today().negated(),
        settled_cash: (desk.books().gate().limits().account == AccountType::Cash)
            .then(|| desk.books().ledger().settled_cash().minus(worst.entry_value)),
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
