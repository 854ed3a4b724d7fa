//! Every open position has a live stop of the right size, or somebody is told.
//!
//! Also here: exits that a broker refused are sent again with growing pauses, and exits that
//! outlive their position are cancelled.

use model::{ExitReason, OrderNumber, OrderRole, OrderState, Quantity, RejectReason, SECOND_NS};
use smallvec::SmallVec;

use super::exits;
use super::order::retry_pause_ns;
use crate::alert_system::AlertKind;
use crate::books::Books;
use crate::desk::Desk;
use crate::fact::{ExitWant, Fact, PositionChange, SlotKey};
use crate::timers::Timer;

/// How long a position may be bare before an alarm, and a finished exit group may leave orders.
const BARE_NS: i64 = 2 * SECOND_NS;
/// How often a bare position is looked at again.
const REMIND_NS: i64 = 10 * SECOND_NS;

/// Raises an alarm when a position that should be protected is not.
pub(crate) fn judge(desk: &mut Desk<'_>, key: SlotKey) {
    let Some(position) = desk.books().position(key) else { return };
    if position.initial_stop.is_none() {
        // The plan has no stop: it was allowed as unprotected.
        return;
    }
    let (group, now) = (position.group, desk.now);
    let bare = |role: &OrderRole| matches!(role, OrderRole::Stop | OrderRole::Close);
    let refused = position.refused.iter().any(bare);
    let covered = covered_qty(desk.books(), key) >= position.quantity;
    let Some(watch) = desk.watch_mut(key) else { return };
    if covered {
        (watch.bare_since, watch.look_at) = (None, None);
        return;
    }
    let since = *watch.bare_since.get_or_insert(now);
    let overdue = now.since(since) >= BARE_NS;
    if refused || overdue {
        desk.alert(AlertKind::Unprotected, Some(key.symbol), Some(key.strategy), || {
            "the position has no working protective stop for all its shares: look at the broker, \
             close it or restore the stop there"
                .to_owned()
        });
    }
    let Some(watch) = desk.watch_mut(key) else { return };
    if watch.look_at.is_none_or(|at| at <= now) {
        let at = now.plus_nanos(if overdue { REMIND_NS } else { BARE_NS });
        watch.look_at = Some(at);
        desk.analysis.timers.set(at, Timer::Position { slot: key, group });
    }
}

/// Returns for how many shares an exit is known to work at the broker: the stop or the close for
/// all of them, or all exits together where they share the position.
fn covered_qty(books: &Books, key: SlotKey) -> Quantity {
    let Some(position) = books.position(key) else { return Quantity::ZERO };
    let leaves = |number: Option<OrderNumber>| {
        let order = number.and_then(|number| books.orders().get(number));
        let known = |state| {
            matches!(
                state,
                OrderState::Accepted | OrderState::Working | OrderState::PartiallyFilled
            )
        };
        order.filter(|o| known(o.state)).map_or(Quantity::ZERO, |order| order.leaves_qty())
    };
    let (stop, close) = (leaves(position.stop), leaves(position.close));
    if books.venue(position.broker).reduce_group {
        stop.max(close)
    } else {
        stop.plus(close).plus(leaves(position.target))
    }
}

/// A broker refused an exit, or to change or cancel an order of the slot: it is tried again with
/// growing pauses. A stop that the market has passed already becomes a close at once.
pub(crate) fn after_refusal(
    desk: &mut Desk<'_>,
    key: SlotKey,
    number: OrderNumber,
    reason: RejectReason,
) {
    let books = desk.books();
    let Some(order) = books.orders().get(number) else { return };
    let position = books.position(key);
    let group = position.map_or(order.group(), |position| position.group);
    let refusals = position.map_or(0, |position| position.refusals).max(order.refusals);
    let passed = reason == RejectReason::Invalid
        && order.state == OrderState::Rejected
        && order.request.role == OrderRole::Stop;
    if passed && position.is_some() {
        exits::close(desk, key, ExitReason::Stop);
    }
    let due = desk.now.plus_nanos(retry_pause_ns(refusals));
    if let Some(watch) = desk.watch_mut(key) {
        watch.retry_at = Some(due);
    }
    desk.analysis.timers.set(due, Timer::Position { slot: key, group });
}

/// Lets a refused exit be sent again when its time has come.
pub(crate) fn retry(desk: &mut Desk<'_>, key: SlotKey) {
    let now = desk.now;
    let Some(watch) = desk.watch_mut(key) else { return };
    // After a restart without analysis the pause is unknown: at once.
    let due = watch.retry_at.is_none_or(|at| at <= now);
    let refused = |p: &&super::Position| !p.refused.is_empty();
    let Some(position) = desk.books().position(key).filter(refused) else { return };
    if due {
        let group = position.group;
        desk.emit(Fact::Position(PositionChange { slot: key, group, want: ExitWant::Retry }));
    }
}

/// A position is closed: its entry must not open it again, and exits that still live are
/// cancelled; at a venue that does so by itself only when it did not.
pub(crate) fn after_close(desk: &mut Desk<'_>, key: SlotKey) {
    let begun = desk.books().working_entry(key).filter(|order| order.cum_qty.is_positive());
    if let Some(number) = begun.map(|order| order.request.client_id.number) {
        desk.cancel_in_time(number);
    }
    let Some(slot) = desk.books().slot(key).filter(|slot| !slot.orphans.is_empty()) else { return };
    let orphans: SmallVec<[OrderNumber; 4]> = slot.orphans.iter().copied().collect();
    let now = desk.now;
    for number in orphans {
        let Some(order) = desk.books().orders().get(number) else { continue };
        let (group, broker) = (order.group(), order.request.broker);
        let by_itself = desk.books().venue(broker).reduce_group;
        let Some(watch) = desk.watch_mut(key) else { return };
        let since = *watch.orphans_since.get_or_insert(now);
        if by_itself && now.since(since) < BARE_NS {
            if since == now {
                let timer = Timer::Position { slot: key, group };
                desk.analysis.timers.set(now.plus_nanos(BARE_NS), timer);
            }
        } else {
            desk.cancel_in_time(number);
        }
    }
}
