//! Rebalance (C41): positions that exceed a limit are reduced to it, nothing is ever increased.
//!
//! Entries are cancelled first, the reduction goes in slices like every close, and the kill switch
//! takes what has not left yet back. Invariant: reducing orders only (I13).

use model::{Cash, Quantity};
use smallvec::SmallVec;

use super::exits;
use crate::desk::Desk;
use crate::fact::{ExitWant, Fact, PositionChange, SlotKey};
use crate::risk_manager::{ControlId, Scope};

/// Reduces the positions of a scope to the limits on one symbol and on all together (C06, C08).
pub(crate) fn rebalance(desk: &mut Desk<'_>, scope: Scope) {
    desk.cancel_entries(scope);
    if desk.books().blocks().is_killed() {
        return;
    }
    let held = positions(desk, scope);
    let all = positions(desk, Scope::All);
    let gross: Cash = all.iter().map(|&(_, _, value)| value).sum();
    let books = desk.books();
    let limits = books.gate().limits();
    let equity = books.day().equity;
    let one = limits.position_value(equity);
    let together = limits.max_gross_pct.into_iter().chain(limits.max_leverage).min();
    let together = together.map(|part| equity.times_ppm(part.0));
    for (key, quantity, value) in held {
        // Beyond the limit on all together each position gives up the same part.
        let share = together.filter(|most| gross > *most && gross.is_positive()).map(|most| {
            let part = i128::from(value.raw()) * i128::from(most.raw()) / i128::from(gross.raw());
            Cash::from_raw(i64::try_from(part).unwrap_or(i64::MAX))
        });
        let Some(most) = [one, share].into_iter().flatten().min() else { continue };
        let mark = desk.mark(key.symbol);
        let keep = most.shares_at(mark).and_then(Quantity::from_shares).unwrap_or(quantity);
        if keep < quantity {
            let (limit, value) = (most.to_f64(), value.to_f64());
            desk.note_trigger(ControlId(41), Some(key.strategy), Some(key.symbol), limit, value);
            reduce_to(desk, key, keep);
        }
    }
}

/// Takes back the reductions of a scope that have not filled: the kill switch was set.
pub(crate) fn abort(desk: &mut Desk<'_>, scope: Scope) {
    for (key, quantity, _) in positions(desk, scope) {
        let reducing = desk.books().position(key).is_some_and(|p| p.excess().is_positive());
        if reducing {
            reduce_to(desk, key, quantity);
        }
    }
}

fn reduce_to(desk: &mut Desk<'_>, key: SlotKey, keep: Quantity) {
    let Some(position) = desk.books().position(key) else { return };
    if position.close_reason.is_some() {
        return;
    }
    let (group, want) = (position.group, ExitWant::Reduce(keep));
    desk.emit(Fact::Position(PositionChange { slot: key, group, want }));
    exits::settle(desk, key);
}

/// Returns the positions of a scope with their shares and values.
fn positions(desk: &Desk<'_>, scope: Scope) -> SmallVec<[(SlotKey, Quantity, Cash); 8]> {
    let books = desk.books();
    let held = books.active().iter().filter_map(|&key| {
        let position = books.position(key).filter(|p| scope.holds(key, p.broker))?;
        let value = position.value_at(desk.mark(key.symbol));
        Some((key, position.quantity, value.max(value.negated())))
    });
    held.collect()
}
