//! When the books are compared with a broker's, and what follows (C34, F13-F18).
//!
//! At start and on every reconnect before the gate opens, then every 30 s, and at the close.

use model::{Ask, BrokerId, SECOND_NS, SymbolId};

use super::comparing::Compared;
use super::{outcomes, unheard};
use crate::alert_system::AlertKind;
use crate::desk::Desk;
use crate::fact::{Fact, GateChange, SlotKey};
use crate::lifecycle::State;
use crate::order_manager::exits;
use crate::risk_manager::{Block, BlockReason, Scope};
use crate::timers::Timer;

/// How often the books are compared.
pub(crate) const EVERY_NS: i64 = 30 * SECOND_NS;
/// How long after a failed comparison the next one comes.
pub(crate) const AGAIN_NS: i64 = 5 * SECOND_NS;
/// How old the last comparison may be before nothing is opened at the broker.
const STALE_NS: i64 = 90 * SECOND_NS;
/// How long exits wait for the comparison after a reconnect.
const EXITS_WAIT_NS: i64 = 10 * SECOND_NS;
/// How far back executions are asked for beyond the last comparison, against gaps (F14).
const OVERLAP_NS: i64 = 600 * SECOND_NS;
/// How far back executions are asked for at the first comparison.
const FIRST_NS: i64 = model::DAY_NS;

/// Begins to compare: positions first and executions last, so that a fill between the two answers
/// is known before the positions are looked at.
pub(crate) fn begin(desk: &mut Desk<'_>, broker: BrokerId) {
    if !desk.traits(broker).remote || !desk.is_connected(broker) {
        return;
    }
    let compared = desk.books().brokers().get(broker).compared;
    let since = match compared {
        Some(last) => last.plus_nanos(-OVERLAP_NS),
        None => desk.now.plus_nanos(-FIRST_NS),
    };
    for ask in [Ask::Positions, Ask::Account, Ask::OpenOrders, Ask::Executions { since }] {
        outcomes::ask(desk, broker, ask);
    }
    desk.analysis.timers.set(desk.now.plus_nanos(EVERY_NS), Timer::Compare(broker));
    let stale = compared.is_some_and(|last| desk.now.since(last) > STALE_NS);
    if stale {
        closed(desk, broker);
    }
}

/// Returns true while a broker is connected again and its books are not compared yet: what filled
/// meanwhile is not known, so an exit might close more than is held (I13). Not for long: a
/// position must not stay without exits because a broker does not answer (I14).
pub(crate) fn is_position_open_to_doubt(desk: &Desk<'_>, broker: BrokerId) -> bool {
    let state = desk.books().brokers().get(broker);
    let compared = state.compared.is_some_and(|at| at >= state.since);
    let waiting = desk.now.since(state.since) < EXITS_WAIT_NS;
    state.connected && !compared && waiting && desk.traits(broker).remote
}

/// Sets the deadline at which exits stop waiting for a comparison.
pub(crate) fn bound_the_wait(desk: &mut Desk<'_>, broker: BrokerId) {
    desk.analysis.timers.set(desk.now.plus_nanos(EXITS_WAIT_NS), Timer::Compare(broker));
}

/// Sends the exits that waited for a comparison.
fn settle_exits(desk: &mut Desk<'_>, broker: BrokerId) {
    let books = desk.books();
    let held = |key: &&SlotKey| books.position(**key).is_some_and(|p| p.broker == broker);
    let slots: Vec<SlotKey> = books.active().iter().filter(held).copied().collect();
    for slot in slots {
        exits::settle(desk, slot);
    }
}

/// Closes the gate of a broker until its books and ours are compared (C33, C34).
pub(crate) fn closed(desk: &mut Desk<'_>, broker: BrokerId) {
    let block = Block::new(Scope::Broker(broker), BlockReason::Reconciling);
    desk.hold(block, || format!("the books of broker {} are not compared yet", broker.0));
}

/// The next comparison may be due.
pub(crate) fn on_timer(desk: &mut Desk<'_>, broker: BrokerId) {
    let state = desk.books().brokers().get(broker);
    let (due, waited) = (state.due, desk.now.since(state.since) == EXITS_WAIT_NS);
    if due <= desk.now {
        begin(desk, broker);
    }
    if waited {
        settle_exits(desk, broker);
    }
}

/// A comparison is unavailable: the next one comes soon, nothing is concluded (F17).
pub(crate) fn after_failure(desk: &mut Desk<'_>, broker: BrokerId) {
    desk.alert(AlertKind::Reconciliation, None, None, || {
        format!("the books of broker {} could not be compared: an answer failed", broker.0)
    });
    desk.analysis.timers.set(desk.now.plus_nanos(AGAIN_NS), Timer::Compare(broker));
}

/// Acts on a comparison: blocks what differs, lifts what agrees again, opens the gate.
pub(crate) fn conclude(desk: &mut Desk<'_>, compared: Compared) {
    let broker = compared.broker;
    let equity = desk.books().day().equity;
    let wide = compared.is_wide(equity);
    let (differences, missing) = (compared.differences.clone(), compared.missing.clone());
    let known = &desk.books().brokers().get(broker).foreign;
    let new_orders = compared.foreign.iter().filter(|row| !known.contains(row)).count();
    let found = compared.found.len();
    let unheard: Vec<_> = desk.books().brokers().unheard.iter().map(|of| of.number).collect();
    desk.emit(Fact::Compared(Box::new(compared)));
    unheard::release(desk, &unheard);
    for number in missing {
        outcomes::quarantine(desk, number);
    }
    for difference in &differences {
        let block = Block::new(Scope::Symbol(difference.symbol), BlockReason::Difference);
        desk.block(block, || {
            format!(
                "broker {} holds {} shares, our books {}: look at the broker, then adjust or \
                 claim",
                broker.0, difference.theirs, difference.ours
            )
        });
    }
    if wide {
        let all = Block::new(Scope::All, BlockReason::Difference);
        desk.block(all, || {
            format!(
                "the books of broker {} differ in more than one symbol or by more than 1 % of \
                 equity: nothing is opened",
                broker.0
            )
        });
    }
    lift_what_agrees(desk, equity);
    if new_orders + found > 0 {
        desk.alert(AlertKind::Foreign, None, None, || {
            format!(
                "broker {} holds {new_orders} orders and {found} positions that are not ours: they \
                 count against the limits and are not touched",
                broker.0
            )
        });
    }
    desk.lift(Block::new(Scope::Broker(broker), BlockReason::Reconciling));
    open_gate(desk);
    outcomes::judge(desk, broker);
    settle_exits(desk, broker);
}

/// Lifts blocks whose differences are gone at every broker.
fn lift_what_agrees(desk: &mut Desk<'_>, equity: model::Cash) {
    let symbols: Vec<SymbolId> = desk
        .books()
        .blocks()
        .list()
        .iter()
        .filter(|block| block.reason == BlockReason::Difference)
        .filter_map(|block| match block.scope {
            Scope::Symbol(symbol) => Some(symbol),
            Scope::All | Scope::Broker(_) | Scope::Strategy(_) => None,
        })
        .collect();
    for symbol in symbols {
        if !desk.books().brokers().differs_in(symbol) {
            desk.lift(Block::new(Scope::Symbol(symbol), BlockReason::Difference));
        }
    }
    if !desk.books().brokers().differs_widely(equity) {
        desk.lift(Block::new(Scope::All, BlockReason::Difference));
    }
}

/// A starting system runs once the broker that entries go to is compared (F35).
pub(crate) fn open_gate(desk: &mut Desk<'_>) {
    let route = desk.books().brokers().route();
    let waits = Block::new(Scope::Broker(route), BlockReason::Reconciling);
    if desk.books().lifecycle() == State::Starting && !desk.books().blocks().holds(waits) {
        desk.emit(Fact::Gate(GateChange::Lifecycle(State::Running)));
    }
}
