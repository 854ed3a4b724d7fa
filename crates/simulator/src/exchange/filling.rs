//! Taking the earliest event of a bar and turning it into a fill: size, price, costs, and the exit
//! group (TF8, TF10, TF11, TK4).
//!
//! Invariant: one event changes the order, its group and the position together.

use model::exchange::{Execution, Liquidity, new_york_date};
use model::{
    Bar, ExecId, ExecType, Fill, OrderKind, OrderRole, Price, Quantity, Rounding, Side, Symbol,
    SymbolId, TimeInForce, Timestamp,
};

use super::Exchange;
use super::matching::{Event, Place, Pricing, Rules, next_event};
use super::order::BarUse;
use super::slippage::SlippageContext;
use super::ticks::{self, AtTouch};

/// Stop entries in the first five minutes slip twice as far in the slippage model (TF11).
const EARLY_NS: i64 = 5 * model::MINUTE_NS;

impl Exchange {
    /// Does the next event of the bar in progress; false when there is none.
    pub(super) fn advance(&mut self) -> bool {
        let Some((slot, event)) = self.earliest() else { return false };
        let Some(current) = self.current.as_mut() else { return false };
        current.course.at = event.place;
        let (bar, budget) = (current.bar, current.budget);
        let time = if event.place == Place::Open { bar.start } else { current.ends };
        let symbol = current.symbol;
        let filled = self.execute(slot, event.pricing, &bar, time, budget);
        self.note_taken(symbol, filled.quantity);
        if let Some(current) = self.current.as_mut() {
            current.budget = budget.map(|shares| shares - filled.quantity.shares());
            let inside = matches!(event.place, Place::Inside { .. });
            current.course.entered_inside |= inside && filled.entry;
        }
        true
    }

    fn earliest(&self) -> Option<(u32, Event)> {
        let current = self.current.as_ref()?;
        let rules = Rules { mode: self.config.mode, limit_fill: self.config.limit_fill };
        let mut best: Option<(u32, Event)> = None;
        for &slot in self.book.of_symbol(current.symbol) {
            let Some(order) = self.book.get(slot) else { continue };
            if order.bar_use != BarUse::Live {
                continue;
            }
            let at_touch = current.touch.map(|touch| ticks::at_touch(order, &touch));
            let event = match at_touch {
                Some(AtTouch::Event(event)) => Some(event),
                Some(AtTouch::Nothing) => None,
                Some(AtTouch::ByPrint) | None => {
                    next_event(order, &current.bar, &current.course, rules)
                }
            };
            let Some(event) = event else { continue };
            if best.as_ref().is_none_or(|(_, found)| event.key < found.key) {
                best = Some((slot, event));
            }
        }
        best
    }

    /// Lets an order have its event: fills what `budget` allows and reports it. Without shares
    /// the event still touches a stop, which then is a market order at the next open (TF10).
    pub(super) fn execute(
        &mut self,
        slot: u32,
        pricing: Pricing,
        bar: &Bar,
        time: Timestamp,
        budget: Option<i64>,
    ) -> Filled {
        let Some(order) = self.book.get_mut(slot) else { return Filled::NOTHING };
        order.bar_use = BarUse::Done;
        order.triggered |= order.kind.stop().is_some();
        let leaves = order.leaves_qty();
        let allowed = budget.map_or(leaves, |shares| {
            Quantity::from_shares(shares).map_or(leaves, |allowed| leaves.min(allowed))
        });
        let all_or_nothing = order.time_in_force == TimeInForce::Fok && allowed < leaves;
        if pricing == Pricing::Touched || !allowed.is_positive() || all_or_nothing {
            return Filled::NOTHING;
        }
        let opening_auction = order.time_in_force == TimeInForce::Opg;
        let (symbol, side, kind, role) = (order.symbol, order.side, order.kind, order.role);
        let price = self.price(pricing, symbol, side, bar, allowed, stop_entry(kind, role));
        self.auction_estimates += u64::from(opening_auction);
        self.book_fill(slot, allowed, price, pricing, time);
        Filled { quantity: allowed, entry: role == OrderRole::Entry }
    }

    /// Returns the price after slippage, on the tick, rounded against us, not beyond the limit.
    fn price(
        &self,
        pricing: Pricing,
        symbol: SymbolId,
        side: Side,
        bar: &Bar,
        quantity: Quantity,
        stop_entry: bool,
    ) -> Price {
        let (base, cap) = match pricing {
            Pricing::Exact(price) => return price,
            Pricing::Slipped { base, cap } => (base, cap),
            Pricing::Touched => return Price::ZERO,
        };
        let state = self.symbols.get(symbol.index());
        let early = self.session_open.is_some_and(|open| bar.start.since(open) < EARLY_NS);
        let tick = self.tick(state.and_then(|state| state.name), bar.start, base);
        let distance = self.config.slippage.distance(&SlippageContext {
            price: base,
            tick,
            quantity,
            volume: bar.volume,
            adv20: state.and_then(|state| state.adv20),
            sigma_daily: state.and_then(|state| state.sigma_daily),
            early_stop_entry: stop_entry && early,
        });
        // The comparison conventions name an exact price of the bar.
        if distance.is_zero() && self.config.mode.is_comparison() {
            return base;
        }
        if side.is_buy() {
            let price = base.plus(distance).round_to(tick, Rounding::Up);
            cap.map_or(price, |limit| price.min(limit))
        } else {
            let price = base.minus(distance).round_to(tick, Rounding::Down).max(tick);
            cap.map_or(price, |limit| price.max(limit))
        }
    }

    fn tick(&self, name: Option<Symbol>, time: Timestamp, price: Price) -> Price {
        match name {
            Some(name) if !self.config.ticks.is_general() => {
                self.config.ticks.tick(name, new_york_date(time), price)
            }
            // Without a name no size can be assigned to the symbol: the general table holds.
            _ => general_tick(price),
        }
    }

    fn book_fill(
        &mut self,
        slot: u32,
        quantity: Quantity,
        price: Price,
        pricing: Pricing,
        time: Timestamp,
    ) {
        let Some(order) = self.book.get_mut(slot) else { return };
        let liquidity = match pricing {
            Pricing::Exact(_) if order.kind.limit().is_some() => Liquidity::Added,
            _ => Liquidity::Removed,
        };
        let execution =
            Execution { date: new_york_date(time), side: order.side, quantity, price, liquidity };
        let fee = self.fees.charge(&mut order.commission, &execution).total();
        order.cum_qty = order.cum_qty.plus(quantity);
        let (id, symbol, side, group) = (order.client_id, order.symbol, order.side, order.group);
        let cum_qty = Some(order.cum_qty);
        if order.is_done() {
            self.book.remove(slot);
        }
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            let signed = if side.is_buy() { quantity } else { quantity.negated() };
            state.position = state.position.plus(signed);
        }
        let value = price.notional(quantity).unwrap_or_default();
        let flow = if side.is_buy() { value.negated() } else { value };
        self.cash = self.cash.plus(flow).minus(fee);
        let exec_id = ExecId::simulated(self.executions);
        self.executions += 1;
        let fill = Fill { exec_id, side, quantity, price, fee };
        self.report(id, symbol, ExecType::Trade(fill), cum_qty, time);
        if let (Some(log), Some(report)) = (&mut self.log, self.reports.back()) {
            log.push(*report);
        }
        if group.is_some() {
            self.reduce_group(slot, symbol, group, quantity, time);
        }
    }

    /// Takes a fill off the open quantity of the other members of its exit group (TF8).
    fn reduce_group(
        &mut self,
        filled: u32,
        symbol: SymbolId,
        group: Option<model::GroupId>,
        quantity: Quantity,
        time: Timestamp,
    ) {
        let mut at = 0;
        while let Some(&slot) = self.book.of_symbol(symbol).get(at) {
            at += 1;
            let Some(order) = self.book.get_mut(slot) else { continue };
            if slot == filled || order.group != group {
                continue;
            }
            order.reduce(quantity);
            let (id, order_qty) = (order.client_id, order.total_qty());
            let cum_qty = Some(order.cum_qty);
            let exec = if order.is_done() {
                self.book.remove(slot);
                at -= 1;
                ExecType::Cancelled
            } else {
                ExecType::Restated { order_qty }
            };
            self.report(id, symbol, exec, cum_qty, time);
        }
    }
}

/// What an event filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled {
    pub(super) quantity: Quantity,
    pub(super) entry: bool,
}

impl Filled {
    const NOTHING: Self = Self { quantity: Quantity::ZERO, entry: false };
}

fn stop_entry(kind: OrderKind, role: OrderRole) -> bool {
    role == OrderRole::Entry && kind.stop().is_some()
}

/// The tick without an assignment to a symbol (TB11).
pub(super) fn general_tick(price: Price) -> Price {
    let cent = model::SCALE / 100;
    Price::from_raw(if price.raw() < model::SCALE { cent / 100 } else { cent })
}
