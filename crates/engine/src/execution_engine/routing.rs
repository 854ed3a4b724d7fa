//! Which broker a new entry goes to, and when it may be another one than before (R1-R6).
//!
//! Exits never come here: they go where their position is held (R4). Invariant: a symbol is
//! opened at one broker only while anything of it lives at another (R5).

use model::{BrokerId, OrderNumber, OrderRole, RejectReason, SECOND_NS, SymbolId, Timestamp};

use super::attempt::{AttemptClosed, AttemptState, Closed, may_fail_over};
use crate::alert_system::AlertKind;
use crate::books::Books;
use crate::desk::Desk;
use crate::fact::{Fact, Route, SlotKey};
use crate::order_manager::entries;
use crate::risk_manager::{RejectCode, Rejection, Scope};
use crate::timers::Timer;

/// How long a broker is down before all new entries may go to another one (R6).
pub(crate) const DOWN_NS: i64 = 10 * SECOND_NS;
/// The least time between two switches (R6).
const BETWEEN_SWITCHES_NS: i64 = 600 * SECOND_NS;
/// How often the way back to the primary broker is looked at.
const LOOK_BACK_NS: i64 = 60 * SECOND_NS;
/// The broker that new entries go to unless something is wrong.
const PRIMARY: BrokerId = BrokerId(0);
/// The oldest intent whose rest may go to another broker (R3).
const MAX_AGE_NS: i64 = 2 * SECOND_NS;

/// Returns where a slot's entry goes, or why none may go out now.
pub(crate) fn entry_route(desk: &Desk<'_>, slot: SlotKey) -> Result<BrokerId, Rejection> {
    let books = desk.books();
    // A replacement goes where the entry works.
    if let Some(order) = books.working_entry(slot) {
        return Ok(order.request.broker);
    }
    let brokers = books.brokers();
    if let Some(refused) = brokers.refused.iter().find(|refused| refused.slot == slot) {
        let wait = refused.until.since(desk.now);
        if wait > 0 {
            let seconds = wait as f64 / SECOND_NS as f64;
            return Err(Rejection::new(RejectCode::BrokerRefused, 0.0, seconds));
        }
    }
    let broker = brokers.route();
    exclusive(books, slot.symbol, broker)?;
    Ok(broker)
}

/// R5: refuses a broker while another one holds a position or an order in the symbol, ours or
/// not.
pub fn exclusive(books: &Books, symbol: SymbolId, broker: BrokerId) -> Result<(), Rejection> {
    let other = books.active_in(symbol).iter().find_map(|&strategy| {
        let key = SlotKey { strategy, symbol };
        let held = books.position(key).map(|position| position.broker);
        let works = books.working_entry(key).map(|order| order.request.broker);
        [held, works].into_iter().flatten().find(|&other| other != broker)
    });
    // What is not ours counts as well (F18).
    let external = books.externals().iter().filter(|e| e.symbol == symbol && !e.quantity.is_zero());
    let foreign = books.brokers().foreign().filter(|(_, row)| row.symbol == Some(symbol));
    let strange = external.map(|e| e.broker).chain(foreign.map(|(at, _)| at));
    let other = other.or_else(|| strange.into_iter().find(|&at| at != broker));
    match other {
        Some(other) => {
            let value = f64::from(other.0);
            Err(Rejection::new(RejectCode::OtherBroker, f64::from(broker.0), value))
        }
        None => Ok(()),
    }
}

/// Returns the broker that could take entries over from `from`: connected, compared, not blocked
/// (R6).
fn stand_in(desk: &Desk<'_>, from: BrokerId) -> Option<BrokerId> {
    let count = u8::try_from(desk.analysis.brokers.len()).unwrap_or(u8::MAX);
    (0..count).map(BrokerId).find(|&broker| broker != from && is_ready(desk, broker))
}

fn is_ready(desk: &Desk<'_>, broker: BrokerId) -> bool {
    let blocks = desk.books().blocks().list();
    let blocked = blocks.iter().any(|block| block.scope == Scope::Broker(broker));
    let account = desk.books().risk().account(broker);
    let funded = account.is_some_and(|account| account.buying_power.is_positive());
    desk.is_connected(broker) && !blocked && (funded || !desk.traits(broker).remote)
}

/// Sends the rest of an entry that its broker did not take to another one, if every rule permits
/// it (R1-R3, R5).
pub(crate) fn fail_over(desk: &mut Desk<'_>, number: OrderNumber) {
    if !desk.analysis.opening_failover {
        return;
    }
    let Some(order) = desk.books().orders().get(number) else { return };
    let (request, key, filled) = (order.request, order.slot(), order.cum_qty);
    let Some(terms) = order.terms.as_deref().copied() else { return };
    let young = desk.now.since(order.created) <= MAX_AGE_NS;
    // What brought us here is that it was not sent, or that its broker is not available.
    let state = AttemptState::of(order.state, Some(RejectReason::BrokerUnavailable));
    // Earlier attempts ended the same way, or this one would not exist.
    let permitted = request.role == OrderRole::Entry && may_fail_over(&[state]) && young;
    if !permitted || desk.books().position(key).is_some() {
        return;
    }
    let tried = desk.books().brokers().closed_attempts();
    let been_there: Vec<BrokerId> = tried
        .iter()
        .filter(|closed| closed.client_id.number == number)
        .map(|closed| closed.broker)
        .collect();
    let Some(broker) = stand_in(desk, request.broker).filter(|b| !been_there.contains(b)) else {
        return;
    };
    if exclusive(desk.books(), key.symbol, broker).is_err() {
        return;
    }
    // R3: everything is checked again as if it were new; R2: at most the rest is sent.
    let rest = request.quantity.minus(filled);
    let proposed = entries::propose_at(desk, key, &terms.plan, broker, Some(rest));
    let Ok((approved, sizing)) = proposed else { return };
    let (client_id, time) = (request.client_id, desk.now);
    let closed =
        AttemptClosed { client_id, broker: request.broker, how: Closed::Moved, filled, time };
    desk.emit(Fact::AttemptClosed(closed));
    entries::send_again(desk, key, &terms.plan, &request, &approved, sizing);
    desk.alert(AlertKind::FailOver, Some(key.symbol), Some(key.strategy), || {
        format!(
            "broker {} did not take order {client_id}: it goes to broker {}",
            request.broker.0, broker.0
        )
    });
}

/// A broker has been away for 10 s: new entries go to another one, if every condition holds
/// (R6). While they go to a stand-in, the way back is looked at again and again.
pub(crate) fn on_timer(desk: &mut Desk<'_>, broker: BrokerId) {
    if !desk.analysis.opening_failover || desk.books().brokers().route() != broker {
        return;
    }
    if broker != PRIMARY {
        consider_return(desk);
        return;
    }
    let state = desk.books().brokers().get(broker);
    if state.connected || desk.now.since(state.since) < DOWN_NS {
        return;
    }
    if let Some(since) = too_soon(desk) {
        // The next chance: the least time between two switches is over then.
        desk.analysis.timers.set(since, Timer::FailOver(broker));
        return;
    }
    match stand_in(desk, broker) {
        Some(other) => switch(desk, other),
        None => {
            let next = desk.now.plus_nanos(DOWN_NS);
            desk.analysis.timers.set(next, Timer::FailOver(broker));
        }
    }
}

fn too_soon(desk: &Desk<'_>) -> Option<Timestamp> {
    let next = desk.books().brokers().switched?.plus_nanos(BETWEEN_SWITCHES_NS);
    (next > desk.now).then_some(next)
}

/// Sends new entries to another broker from now on.
pub(crate) fn switch(desk: &mut Desk<'_>, to: BrokerId) {
    let from = desk.books().brokers().route();
    if from == to || usize::from(to.0) >= desk.analysis.brokers.len() {
        return;
    }
    desk.emit(Fact::Route(Route { to, time: desk.now }));
    desk.alert(AlertKind::FailOver, None, None, || {
        format!("new entries go to broker {} instead of {}", to.0, from.0)
    });
    if to != PRIMARY {
        desk.analysis.timers.set(desk.now.plus_nanos(LOOK_BACK_NS), Timer::FailOver(to));
    }
}

/// Goes back to the primary broker when it is ready and nothing lives at the stand-in (R6).
fn consider_return(desk: &mut Desk<'_>) {
    let current = desk.books().brokers().route();
    let books = desk.books();
    let lives = books.active().iter().any(|&key| {
        let held = books.position(key).map(|position| position.broker);
        let works = books.working_entry(key).map(|order| order.request.broker);
        held == Some(current) || works == Some(current)
    });
    let doubtful = books.brokers().doubts().iter().any(|doubt| doubt.broker == current);
    if is_ready(desk, PRIMARY) && !lives && !doubtful && too_soon(desk).is_none() {
        switch(desk, PRIMARY);
    } else {
        desk.analysis.timers.set(desk.now.plus_nanos(LOOK_BACK_NS), Timer::FailOver(current));
    }
}
