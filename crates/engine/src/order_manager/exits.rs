//! Exits: which orders the exit group of a position should have, and the difference to what
//! works (design.md 6).
//!
//! Everything runs from the plan in the books, so exits work while a strategy is paused or cold.
//! Invariant: reducing orders only (I13); a stop for the whole open quantity, at most one target
//! and one close; a doubt never blocks them (I14).

use model::{
    Bar, ExitReason, NewOrder, OrderKind, OrderNumber, OrderRole, Price, Quantity, ReplaceRequest,
    Rounding, Side, SymbolId, TimeInForce,
};

use super::order::Order;
use super::position::Position;
use crate::alert_system::AlertKind;
use crate::desk::Desk;
use crate::fact::{Fact, Intent, Replace, SlotKey};
use crate::performance_tracker::Watch;
use crate::risk_manager::{Scope, reducing};
use crate::strategy_engine::{Breakeven, Direction, TrailRule};

/// Sends, replaces or cancels exit orders until the group is what the position needs.
pub(crate) fn settle(desk: &mut Desk<'_>, key: SlotKey) {
    if desk.books().position(key).is_none() {
        stop_reopening(desk, key);
        return;
    }
    settle_stop(desk, key);
    let closing = desk.books().position(key).and_then(|position| position.close_reason);
    match closing {
        Some(reason) => settle_close(desk, key, reason),
        None => settle_target(desk, key),
    }
    warn_unprotected(desk, key);
}

/// A flat position's entry must not open it again: its rest is cancelled.
fn stop_reopening(desk: &mut Desk<'_>, key: SlotKey) {
    let begun = desk.books().working_entry(key).filter(|order| order.cum_qty.is_positive());
    if let Some(number) = begun.map(|order| order.request.client_id.number) {
        desk.cancel(number);
    }
}

fn settle_stop(desk: &mut Desk<'_>, key: SlotKey) {
    let index = desk.slot_index(key);
    let watch = desk.analysis.watches.get(index).copied().unwrap_or_default();
    let Some(position) = desk.books().position(key) else { return };
    let open = position.quantity;
    let live = position.stop.and_then(|number| desk.books().orders().get(number));
    let Some(price) = wanted_stop(desk, key.symbol, position, live, &watch) else { return };
    let kind = OrderKind::Stop { stop: price };
    match live {
        None if !position.exit_refused => {
            send(desk, key, OrderRole::Stop, kind, open, None);
        }
        Some(order)
            if order.is_settled() && (order.request.kind != kind || order.leaves_qty() != open) =>
        {
            let number = order.request.client_id.number;
            replace(desk, number, kind, open);
        }
        _ => {}
    }
}

/// Returns where the protective stop belongs: at its first price or, after the break-even rule
/// came true, at the entry; never farther away than it is (TG34).
fn wanted_stop(
    desk: &Desk<'_>,
    symbol: SymbolId,
    position: &Position,
    live: Option<&Order>,
    watch: &Watch,
) -> Option<Price> {
    let first = position.initial_stop?;
    let direction = position.direction();
    let entry = position.entry_price()?;
    let reached = match position.plan.breakeven {
        Breakeven::Never => false,
        Breakeven::FirstTarget => position.targets_done > 0,
        Breakeven::AtR(multiple) => position.r.is_some_and(|r| {
            let best = watch.best(direction).unwrap_or(entry);
            direction.favour(entry, best) >= r.times_ppm(multiple.0)
        }),
    };
    // TB11: stops round away from the market.
    let away = match direction {
        Direction::Long => Rounding::Down,
        Direction::Short => Rounding::Up,
    };
    let at_entry = entry.round_to(desk.tick(symbol, entry), away);
    let nearer = |a: Price, b: Price| match direction {
        Direction::Long => a.max(b),
        Direction::Short => a.min(b),
    };
    let wanted = if reached { nearer(first, at_entry) } else { first };
    let live = live.and_then(|order| order.request.kind.stop()).unwrap_or(wanted);
    Some(nearer(wanted, live))
}

fn settle_target(desk: &mut Desk<'_>, key: SlotKey) {
    let Some(position) = desk.books().position(key) else { return };
    if !position.entry_done || position.target.is_some() || position.exit_refused {
        return;
    }
    if let Some(target) = position.next_target() {
        let kind = OrderKind::Limit { limit: target.price };
        send(desk, key, OrderRole::Target, kind, target.quantity, None);
    }
}

/// A close replaces the target and leaves the stop until it fills.
fn settle_close(desk: &mut Desk<'_>, key: SlotKey, reason: ExitReason) {
    let Some(position) = desk.books().position(key) else { return };
    let (target, close, refused) = (position.target, position.close, position.exit_refused);
    let open = position.quantity;
    if let Some(number) = target {
        desk.cancel(number);
    }
    if close.is_none() && !refused {
        send(desk, key, OrderRole::Close, OrderKind::Market, open, Some(reason));
    }
}

/// Raises an alarm when a position that should be protected is not (safety.md, issue 4).
fn warn_unprotected(desk: &mut Desk<'_>, key: SlotKey) {
    let bare = desk.books().position(key).is_some_and(|position| {
        position.exit_refused
            || (position.initial_stop.is_some()
                && position.stop.is_none()
                && position.close.is_none())
    });
    if bare {
        desk.alert(AlertKind::Unprotected, Some(key.symbol), Some(key.strategy), || {
            "an exit order was refused: the position has no working protective stop; close it or \
             restore the stop at the broker"
                .to_owned()
        });
    }
}

/// Closes a position for a reason; what is under way already stays.
pub(crate) fn close(desk: &mut Desk<'_>, key: SlotKey, reason: ExitReason) -> Option<OrderNumber> {
    let position = desk.books().position(key)?;
    if position.close_reason.is_some() {
        return None;
    }
    let number = desk.books().orders().next_number();
    if let Some(entry) = desk.books().slot(key).and_then(|slot| slot.entry) {
        // The rest of a partly filled entry must not add to what is being closed.
        desk.cancel(entry);
    }
    let open = desk.books().position(key)?.quantity;
    let sent = send(desk, key, OrderRole::Close, OrderKind::Market, open, Some(reason));
    settle(desk, key);
    sent.then_some(number)
}

/// Emits one exit order; false when there is nothing to reduce.
fn send(
    desk: &mut Desk<'_>,
    key: SlotKey,
    role: OrderRole,
    kind: OrderKind,
    quantity: Quantity,
    reason: Option<ExitReason>,
) -> bool {
    let Some(position) = desk.books().position(key) else { return false };
    let (open, group) = (position.signed_qty(), position.group);
    // R4: an exit goes where the position is held.
    let broker = position.broker;
    let side = match position.direction() {
        Direction::Long => Side::Sell,
        Direction::Short => Side::Buy,
    };
    let order = NewOrder {
        client_id: desk.next_id(true),
        broker,
        symbol: key.symbol,
        side,
        kind,
        quantity,
        time_in_force: TimeInForce::Day,
        role,
        group: Some(group),
    };
    let Some(approved) = reducing(order, open) else { return false };
    desk.emit(Fact::Intent(Box::new(Intent {
        order: *approved.order(),
        strategy: key.strategy,
        time: desk.now,
        plan: None,
        sizing: None,
        reason,
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

/// Judges the close-based exits of every position in a symbol at a bar's close (TG35).
pub(crate) fn on_bar(desk: &mut Desk<'_>, symbol: SymbolId, bar: &Bar) {
    let mut index = 0;
    // Orders sent here change no slot's activity, so the list stands while it is walked.
    while let Some(&strategy) = desk.books().active_in(symbol).get(index) {
        index += 1;
        let key = SlotKey { strategy, symbol };
        let Some(direction) = desk.books().position(key).map(Position::direction) else { continue };
        let vwap = desk.analysis.data.symbol(symbol).and_then(|state| state.vwap.value());
        let Some(watch) = desk.watch_mut(key) else { continue };
        watch.update(direction, bar);
        let beyond = vwap.is_some_and(|vwap| match direction {
            Direction::Long => bar.close.to_f64() < vwap,
            Direction::Short => bar.close.to_f64() > vwap,
        });
        watch.closes_beyond_vwap =
            if beyond { watch.closes_beyond_vwap.saturating_add(1) } else { 0 };
        let watch = *watch;
        let Some(position) = desk.books().position(key) else { continue };
        if let Some(reason) = trail_exit(desk, symbol, position, &watch, bar) {
            close(desk, key, reason);
        } else if matches!(position.plan.breakeven, Breakeven::AtR(_)) {
            settle(desk, key);
        }
    }
}

/// Returns why the trail closes a position at this bar's close, if it does (TG24, TV17).
fn trail_exit(
    desk: &Desk<'_>,
    symbol: SymbolId,
    position: &Position,
    watch: &Watch,
    bar: &Bar,
) -> Option<ExitReason> {
    let trail = position.plan.trail;
    if trail.after_first_target && position.targets_done == 0 {
        return None;
    }
    let state = desk.analysis.data.symbol(symbol)?;
    let direction = position.direction();
    let close = bar.close.to_f64();
    let against = |level: f64| match direction {
        Direction::Long => close < level,
        Direction::Short => close > level,
    };
    match trail.rule {
        TrailRule::Off => None,
        TrailRule::Ema9 => against(state.ema9.value()?).then_some(ExitReason::Trail),
        TrailRule::Vwap { closes } => {
            (watch.closes_beyond_vwap >= closes.max(1)).then_some(ExitReason::Vwap)
        }
        TrailRule::LowOf { bars } => {
            let (low, high) = state.range_before_last(usize::from(bars))?;
            let level = if direction == Direction::Long { low } else { high };
            against(level.to_f64()).then_some(ExitReason::Trail)
        }
        TrailRule::Atr { multiple } => {
            let room = state.atr14.value()? * multiple.to_fraction();
            let best = watch.best_close?.to_f64();
            against(best - direction.sign() as f64 * room).then_some(ExitReason::Trail)
        }
    }
}

/// Judges a position's time rules when one of them is due.
pub(crate) fn on_timer(desk: &mut Desk<'_>, key: SlotKey, group: model::GroupId) {
    let index = desk.slot_index(key);
    let watch = desk.analysis.watches.get(index).copied().unwrap_or_default();
    let Some(position) = desk.books().position(key).filter(|p| p.group == group) else { return };
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
