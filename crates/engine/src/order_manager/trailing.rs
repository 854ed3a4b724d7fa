//! Where a position's stop belongs, and when its trail closes it (TG24, TG34, TG35, TV17).
//!
//! Everything runs from the plan in the books, so exits work while a strategy is paused or cold.

use model::{Bar, ExitReason, Price, Rounding, SymbolId};

use super::exits;
use super::position::Position;
use crate::data_manager::SymbolState;
use crate::desk::Desk;
use crate::fact::{ExitWant, Fact, PositionChange, SlotKey};
use crate::performance_tracker::Watch;
use crate::strategy_engine::{Breakeven, Direction, TrailRule};
use crate::timers::Timer;

/// Returns where the protective stop belongs: at its first price or, after the break-even rule
/// came true, at the entry; never farther away than it is (TG34).
pub(crate) fn wanted_stop(desk: &Desk<'_>, key: SlotKey) -> Option<Price> {
    let position = desk.books().position(key)?;
    let first = position.initial_stop?;
    let live = position.stop.and_then(|number| desk.books().orders().get(number));
    let watch = desk.analysis.watches.get(desk.slot_index(key)).copied().unwrap_or_default();
    let direction = position.direction();
    let entry = position.entry_price()?.minus(position.paid_out);
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
    let at_entry = entry.round_to(desk.tick(key.symbol, entry), away);
    let nearer = |a: Price, b: Price| match direction {
        Direction::Long => a.max(b),
        Direction::Short => a.min(b),
    };
    let wanted = if reached { nearer(first, at_entry) } else { first };
    let live = live.and_then(|order| order.request.kind.stop()).unwrap_or(wanted);
    Some(nearer(wanted, live))
}

/// Judges the close-based exits of every position in a symbol at a bar's close (TG35).
#[inline(always)]
pub(crate) fn on_bar(desk: &mut Desk<'_>, symbol: SymbolId, bar: &Bar) {
    let mut index = 0;
    // Orders sent here change no slot's activity, so the list stands while it is walked.
    while let Some(&strategy) = desk.books().active_in(symbol).get(index) {
        index += 1;
        let key = SlotKey { strategy, symbol };
        let slot = desk.slot_index(key);
        let (books, analysis) = desk.books_and_analysis();
        let Some(position) = books.position(key) else { continue };
        let direction = position.direction();
        let Some(watch) = analysis.watches.get_mut(slot) else { continue };
        let Some(state) = analysis.data.symbol(symbol) else { continue };
        watch.update(direction, bar);
        let beyond = state.vwap.value().is_some_and(|vwap| match direction {
            Direction::Long => bar.close.to_f64() < vwap,
            Direction::Short => bar.close.to_f64() > vwap,
        });
        watch.closes_beyond_vwap =
            if beyond { watch.closes_beyond_vwap.saturating_add(1) } else { 0 };
        // What is sent below changes no target.
        let aims = position.next_target().is_some();
        let reason = match position.plan.trail.rule {
            TrailRule::Off => None,
            _ => trail_exit(position, watch, state, bar),
        };
        if let Some(reason) = reason {
            exits::close(desk, key, reason);
        } else if matches!(position.plan.breakeven, Breakeven::AtR(_)) {
            exits::settle(desk, key);
        }
        if aims {
            note_touch(desk, key, if direction == Direction::Long { bar.high } else { bar.low });
        }
    }
}

/// Takes a print in while something is held in the symbol.
#[inline]
pub(crate) fn on_print(desk: &mut Desk<'_>, symbol: SymbolId, price: Price) {
    let mut index = 0;
    while let Some(&strategy) = desk.books().active_in(symbol).get(index) {
        index += 1;
        note_touch(desk, SlotKey { strategy, symbol }, price);
    }
}

/// Sends a position's next target when a price has touched it, at a venue where it cannot work
/// beside the stop.
#[inline]
fn note_touch(desk: &mut Desk<'_>, key: SlotKey, price: Price) {
    let Some(position) = desk.books().position(key) else { return };
    let Some(target) = position.next_target() else { return };
    if position.direction().favour(target.price, price) >= Price::ZERO {
        send_touched(desk, key);
    }
}

fn send_touched(desk: &mut Desk<'_>, key: SlotKey) {
    let Some(position) = desk.books().position(key) else { return };
    let waits = !position.target_due
        && position.close_reason.is_none()
        && position.entry_done
        && !desk.books().venue(position.broker).reduce_group;
    if waits {
        let group = position.group;
        desk.emit(Fact::Position(PositionChange { slot: key, group, want: ExitWant::Target }));
        let due = desk.now.plus_nanos(exits::TARGET_PATIENCE_NS);
        desk.analysis.timers.set(due, Timer::Position { slot: key, group });
        exits::settle(desk, key);
    }
}

/// Returns why the trail closes a position at this bar's close, if it does (TG24, TV17).
fn trail_exit(
    position: &Position,
    watch: &Watch,
    state: &SymbolState,
    bar: &Bar,
) -> Option<ExitReason> {
    let trail = position.plan.trail;
    if trail.after_first_target && position.targets_done == 0 {
        return None;
    }
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
