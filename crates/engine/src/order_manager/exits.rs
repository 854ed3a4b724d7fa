//! Exits: which orders the exit group of a position should have, and the difference to what
//! works (design.md 6).
//!
//! Where a venue reduces a group's members by itself, a stop for the whole open quantity, at most
//! one target and one close work side by side. Elsewhere the exits never add up to more than is
//! open: what stands in the way is cancelled, and what is wanted goes out when that is confirmed.
//! Invariant: reducing orders only (I13); a doubt never blocks them (I14).

use model::{
    ExitReason, NewOrder, OrderKind, OrderNumber, OrderRole, Quantity, ReplaceRequest, Side,
    TimeInForce,
};

use super::{Order, Position, protection, trailing};
use crate::desk::Desk;
use crate::execution_engine::{VenueCapabilities, reconciliation};
use crate::fact::{ExitWant, Fact, Intent, PositionChange, Replace, SlotKey};
use crate::risk_manager::{Scope, reducing};
use crate::strategy_engine::Direction;

/// How long a target order waits for its fill at a venue that holds one exit at a time, before
/// the stop takes its place again.
pub(super) const TARGET_PATIENCE_NS: i64 = 2 * model::SECOND_NS;

/// An exit order that should work.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    role: OrderRole,
    kind: OrderKind,
    quantity: Quantity,
    reason: Option<ExitReason>,
}

/// The exit orders that should work, at most one of each role.
#[derive(Clone, Copy, Debug, Default)]
struct WantedExits {
    stop: Option<Wanted>,
    target: Option<Wanted>,
    close: Option<Wanted>,
}

/// What became of the wish to close a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Closing {
    /// There is none, or it is being closed already.
    Nothing,
    /// The order went out.
    Sent(OrderNumber),
    /// The order goes out when other orders are gone.
    Waits,
}

/// Sends, replaces or cancels exit orders until the group is what the position needs.
pub(crate) fn settle(desk: &mut Desk<'_>, key: SlotKey) {
    let Some(position) = desk.books().position(key) else {
        protection::after_close(desk, key);
        return;
    };
    let venue = desk.books().venue(position.broker);
    if is_entry_in_the_way(desk, key, venue) {
        // The stop for what is filled goes out when the rest of the entry is confirmed gone.
        withdraw_entry(desk, key);
    } else {
        let wanted = wanted(desk, key, venue);
        settle_role(desk, key, OrderRole::Stop, wanted.stop, venue);
        settle_role(desk, key, OrderRole::Target, wanted.target, venue);
        settle_role(desk, key, OrderRole::Close, wanted.close, venue);
    }
    protection::judge(desk, key);
}

/// Returns true while exits have to wait for the end of the entry (venues.md 1.3, 1.4).
fn is_entry_in_the_way(desk: &Desk<'_>, key: SlotKey, venue: VenueCapabilities) -> bool {
    let entry = desk.books().slot(key).and_then(|slot| slot.entry);
    !venue.children_follow_partial_fills && entry.is_some()
}

/// Cancels what is left of a slot's entry.
fn withdraw_entry(desk: &mut Desk<'_>, key: SlotKey) {
    if let Some(number) = desk.books().slot(key).and_then(|slot| slot.entry) {
        desk.cancel_in_time(number);
    }
}

/// Returns the exit orders that a position should have.
fn wanted(desk: &Desk<'_>, key: SlotKey, venue: VenueCapabilities) -> WantedExits {
    let Some(position) = desk.books().position(key) else { return WantedExits::default() };
    let closing = position.close_reason;
    let excess = position.excess();
    let target = position.next_target().filter(|_| excess.is_zero()).filter(|_| {
        let may_work = venue.reduce_group || position.target_due;
        position.entry_done && closing.is_none() && may_work
    });
    let missing = |role| unheard(desk, position, venue, role);
    let target = target
        .map(|target| {
            let most = position.quantity.minus(missing(OrderRole::Target));
            (target.price, target.quantity.min(most))
        })
        .filter(|(_, quantity)| quantity.is_positive());
    let taken = match (venue.reduce_group, closing, target) {
        (true, ..) => Quantity::ZERO,
        (false, Some(_), _) => position.quantity,
        (false, None, target) => target.map_or(excess, |(_, quantity)| quantity),
    };
    let quantity = position.quantity.minus(taken).minus(missing(OrderRole::Stop));
    let stop = trailing::wanted_stop(desk, key).filter(|_| quantity.is_positive());
    let stop = stop.map(|stop| {
        let kind = OrderKind::Stop { stop };
        Wanted { role: OrderRole::Stop, kind, quantity, reason: None }
    });
    let target = target.map(|(limit, quantity)| {
        let kind = OrderKind::Limit { limit };
        Wanted { role: OrderRole::Target, kind, quantity, reason: None }
    });
    let most = position.quantity.minus(missing(OrderRole::Close));
    let (open, reason) = match closing {
        Some(reason) => (position.quantity, reason),
        None => (excess, ExitReason::Flatten),
    };
    let quantity = slice(desk, open.min(most));
    let close = quantity.is_positive().then_some(Wanted {
        role: OrderRole::Close,
        kind: OrderKind::Market,
        quantity,
        reason: Some(reason),
    });
    WantedExits { stop, target, close }
}

/// Sends the difference between what is wanted of one role and what works.
// In line: most often neither is there, and with the role known little is left to ask.
#[inline(always)]
fn settle_role(
    desk: &mut Desk<'_>,
    key: SlotKey,
    role: OrderRole,
    wanted: Option<Wanted>,
    venue: VenueCapabilities,
) {
    let Some(position) = desk.books().position(key) else { return };
    let live = position.exit(role).and_then(|number| desk.books().orders().get(number));
    match (live, wanted) {
        (None, Some(wanted)) if !position.refused.contains(&role) => {
            let wanted = Wanted { quantity: wanted.quantity.min(room(desk, key, venue)), ..wanted };
            send(desk, key, &wanted);
        }
        (Some(order), Some(wanted))
            if order.is_settled()
                && differs(order, &wanted)
                && !order.is_waiting_to_retry(desk.now) =>
        {
            let number = order.request.client_id.number;
            if role == OrderRole::Stop && venue.replace {
                replace(desk, number, wanted.kind, wanted.quantity);
            } else {
                desk.cancel_in_time(number);
            }
        }
        (Some(order), None) => {
            let number = order.request.client_id.number;
            desk.cancel_in_time(number);
        }
        _ => {}
    }
}

/// Returns true when a working exit has to change to become what is wanted.
fn differs(order: &Order, wanted: &Wanted) -> bool {
    let leaves = order.leaves_qty();
    match wanted.role {
        OrderRole::Stop => order.request.kind != wanted.kind || leaves != wanted.quantity,
        OrderRole::Target => {
            let untouched = !order.cum_qty.is_positive();
            order.request.kind != wanted.kind
                || leaves > wanted.quantity
                || (untouched && leaves != wanted.quantity)
        }
        OrderRole::Close | OrderRole::Entry => leaves > wanted.quantity,
    }
}

/// Returns the part of a close that is sent at once (C41): the next follows when it has filled.
fn slice(desk: &Desk<'_>, open: Quantity) -> Quantity {
    let most = desk.books().gate().limits().max_order_quantity.and_then(Quantity::from_shares);
    most.map_or(open, |most| open.min(most))
}

/// Returns the shares of a position that its exits have executed without a report of it, as they
/// concern an order of `role` (I13): its own part is open in the order itself, and where members
/// of a group do not share the position, so is that of every order that still works.
#[inline]
fn unheard(
    desk: &Desk<'_>,
    position: &Position,
    venue: VenueCapabilities,
    role: OrderRole,
) -> Quantity {
    let own = position.exit(role);
    desk.books().unheard_exits(position.group, |order| {
        let other = venue.reduce_group && own != Some(order.request.client_id.number);
        order.state.is_terminal() || other
    })
}

/// Returns for how many shares another exit may be sent.
fn room(desk: &Desk<'_>, key: SlotKey, venue: VenueCapabilities) -> Quantity {
    let Some(position) = desk.books().position(key) else { return Quantity::ZERO };
    let orders = desk.books().orders();
    let exits = position.exits();
    let ended = |order: &Order| venue.reduce_group || order.state.is_terminal();
    let open = position.quantity.minus(desk.books().unheard_exits(position.group, ended));
    if venue.reduce_group {
        return open.max(Quantity::ZERO);
    }
    let reserved = exits.iter().filter_map(|&number| Some(orders.get(number)?.reserved_qty()));
    reserved.fold(open, Quantity::minus).max(Quantity::ZERO)
}

/// Closes a position for a reason; what is under way already stays.
pub(crate) fn close(desk: &mut Desk<'_>, key: SlotKey, reason: ExitReason) -> Closing {
    let Some(position) = desk.books().position(key) else { return Closing::Nothing };
    if position.close_reason.is_some() {
        return Closing::Nothing;
    }
    let (group, open, broker) = (position.group, position.quantity, position.broker);
    // The rest of a partly filled entry must not add to what is being closed.
    withdraw_entry(desk, key);
    let venue = desk.books().venue(broker);
    let number = desk.books().orders().next_number();
    let order = Wanted {
        role: OrderRole::Close,
        kind: OrderKind::Market,
        quantity: slice(desk, open),
        reason: Some(reason),
    };
    let reducing = desk.books().position(key).is_some_and(|p| p.reduce_to.is_some());
    let free =
        !reducing && room(desk, key, venue) >= open && !is_entry_in_the_way(desk, key, venue);
    let sent = free && send(desk, key, &order);
    if !sent {
        let want = ExitWant::Close(reason);
        desk.emit(Fact::Position(PositionChange { slot: key, group, want }));
    }
    settle(desk, key);
    if sent { Closing::Sent(number) } else { Closing::Waits }
}

/// Emits one exit order; false when there is nothing to reduce.
fn send(desk: &mut Desk<'_>, key: SlotKey, wanted: &Wanted) -> bool {
    let Some(position) = desk.books().position(key) else { return false };
    let (open, group) = (position.signed_qty(), position.group);
    // R4: an exit goes where the position is held.
    let broker = position.broker;
    if reconciliation::is_position_open_to_doubt(desk, broker) {
        return false;
    }
    let side = match position.direction() {
        Direction::Long => Side::Sell,
        Direction::Short => Side::Buy,
    };
    let order = NewOrder {
        client_id: desk.next_id(true),
        broker,
        symbol: key.symbol,
        side,
        kind: wanted.kind,
        quantity: wanted.quantity,
        time_in_force: TimeInForce::Day,
        role: wanted.role,
        group: Some(group),
    };
    let Some(approved) = reducing(order, open) else { return false };
    desk.emit(Fact::Intent(Box::new(Intent {
        order: *approved.order(),
        strategy: key.strategy,
        time: desk.now,
        plan: None,
        sizing: None,
        reason: wanted.reason,
    })));
    true
}

fn replace(desk: &mut Desk<'_>, number: OrderNumber, kind: OrderKind, open: Quantity) {
    let Some(order) = desk.books().orders().get(number) else { return };
    let mut new_client_id = order.request.client_id;
    new_client_id.attempt = new_client_id.attempt.saturating_add(1);
    let request = ReplaceRequest {
        client_id: order.request.client_id,
        new_client_id,
        broker: order.request.broker,
        symbol: order.request.symbol,
        kind,
        quantity: order.cum_qty.plus(open),
    };
    let (time, plan, sizing) = (desk.now, None, None);
    desk.emit(Fact::Replace(Box::new(Replace { request, time, plan, sizing })));
}

/// Judges what of a position is due: its time rules, a retry, an alarm.
pub(crate) fn on_timer(desk: &mut Desk<'_>, key: SlotKey, group: model::GroupId) {
    let index = desk.slot_index(key);
    let watch = desk.analysis.watches.get(index).copied().unwrap_or_default();
    let Some(position) = desk.books().position(key).filter(|p| p.group == group) else {
        protection::after_close(desk, key);
        return;
    };
    let entry = position.entry_price().unwrap_or_default();
    let r = position.r.or(position.plan.stop_distance());
    let best = watch.best(position.direction()).unwrap_or(entry);
    let touched = r.is_some_and(|r| position.direction().favour(entry, best) >= r);
    let time_is_up = position.plan.time_stop_minutes.is_some_and(|minutes| {
        position.opened.plus_nanos(i64::from(minutes) * model::MINUTE_NS) <= desk.now
    });
    if time_is_up && !touched {
        close(desk, key, ExitReason::TimeStop);
    } else if position.plan.flat_by.is_some_and(|flat_by| flat_by <= desk.now) {
        close(desk, key, ExitReason::FlatBy);
    }
    take_impatient_target_back(desk, key);
    protection::retry(desk, key);
    settle(desk, key);
}

/// Cancels a target that did not fill at once at a venue that holds one exit at a time: the stop
/// takes its place again.
fn take_impatient_target_back(desk: &mut Desk<'_>, key: SlotKey) {
    let books = desk.books();
    let Some(position) = books.position(key).filter(|position| position.target_due) else { return };
    let target = position.target.and_then(|number| books.orders().get(number));
    let late = target.filter(|order| desk.now.since(order.created) >= TARGET_PATIENCE_NS);
    if let Some(number) = late.map(|order| order.request.client_id.number) {
        desk.cancel_in_time(number);
    }
}

/// Closes every position of a scope.
pub(crate) fn close_all(desk: &mut Desk<'_>, scope: Scope, reason: ExitReason) {
    let books = desk.books();
    let held: smallvec::SmallVec<[SlotKey; 8]> = books
        .active()
        .iter()
        .copied()
        .filter(|&key| books.position(key).is_some_and(|p| scope.holds(key, p.broker)))
        .collect();
    for key in held {
        close(desk, key, reason);
    }
}
