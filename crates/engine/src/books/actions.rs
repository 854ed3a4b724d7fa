//! Corporate actions change the books here (F27, I3, I11).
//!
//! An announced action waits until the session of its ex-date begins; then it happens to every
//! position, external holding, open order and tax lot of its symbol, once. What an action is, is
//! `model`'s; when it is due and what follows from it is decided in
//! [`order_manager::actions`](crate::order_manager).

use model::{
    ActionKind, BrokerId, Cash, CorporateAction, Date, ExecId, ExitReason, OrderNumber, Price,
    Quantity, Side, SplitRatio, Symbol, SymbolId, Timestamp, TradeFill, record,
};

use crate::fact::{ActionEffect, SlotKey};
use crate::ledger::LotFill;
use crate::order_manager::{BookedFill, Order};

use super::Books;

/// Days for which an action that has happened stays known: who announces it later is not heard.
pub(crate) const ACTION_DAYS: i32 = 10;

/// Actions announced, actions done, and what symbols are called now.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Actions {
    pending: Vec<CorporateAction>,
    done: Vec<CorporateAction>,
    renamed: Vec<(SymbolId, Symbol)>,
}

impl Actions {
    /// Returns actions that wait for their ex-date, in the order in which they were announced.
    pub fn pending(&self) -> &[CorporateAction] {
        &self.pending
    }

    /// Returns actions that have happened in the last days.
    pub fn done(&self) -> &[CorporateAction] {
        &self.done
    }

    /// Returns symbols with the ticker that took the place of the run's (F27).
    pub fn renamed(&self) -> &[(SymbolId, Symbol)] {
        &self.renamed
    }
}

/// What an announcement says that was not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Announced {
    /// The action.
    New,
    /// Nothing.
    #[default]
    Known,
    /// Other terms of an action that is known by these.
    Differs(CorporateAction),
}

impl Books {
    /// Returns the corporate actions that are known.
    pub fn actions(&self) -> &Actions {
        &self.actions
    }

    /// Takes an announcement in; an action that is known already is announced in vain.
    pub(super) fn observe_action(&mut self, action: &CorporateAction) -> Announced {
        let known = self.actions.pending.iter().chain(&self.actions.done);
        match known.copied().find(|known| known.is_same(action)) {
            Some(known) if known == *action => Announced::Known,
            Some(known) => Announced::Differs(known),
            None if self.day.session.days() - action.ex_date.days() > ACTION_DAYS => {
                Announced::Known
            }
            None => {
                self.actions.pending.push(*action);
                Announced::New
            }
        }
    }

    /// Returns the net shares of a symbol at a broker, whoever holds them.
    pub fn held_at(&self, broker: BrokerId, symbol: SymbolId) -> Quantity {
        let own = self.active_in(symbol).iter().filter_map(|&strategy| {
            let position = self.position(SlotKey { strategy, symbol })?;
            (position.broker == broker).then(|| position.signed_qty())
        });
        let same = |e: &&super::External| e.broker == broker && e.symbol == symbol;
        let beyond = self.externals.iter().filter(same).map(|external| external.quantity);
        own.chain(beyond).fold(Quantity::ZERO, Quantity::plus)
    }

    /// An action happens.
    pub(super) fn fold_action(&mut self, effect: &ActionEffect) {
        let action = effect.action;
        self.actions.pending.retain(|known| !known.is_same(&action));
        self.actions.done.push(action);
        if effect.too_late {
            return;
        }
        match action.kind {
            ActionKind::Rename { to } => {
                self.ticks.rename(action.symbol, to);
                self.actions.renamed.retain(|(symbol, _)| *symbol != action.symbol);
                self.actions.renamed.push((action.symbol, to));
                return;
            }
            ActionKind::Split { ratio, .. } => self.split(effect, ratio),
            ActionKind::Dividend { per_share } => self.pay_dividend(effect, per_share),
        }
        self.restate_orders(effect);
    }

    pub(super) fn forget_actions(&mut self, today: Date) {
        self.actions.done.retain(|done| today.days() - done.ex_date.days() <= ACTION_DAYS);
    }

    /// Returns the keys of a symbol's slots that hold something.
    fn keys_in(&self, symbol: SymbolId) -> Vec<SlotKey> {
        self.active_in(symbol).iter().map(|&strategy| SlotKey { strategy, symbol }).collect()
    }

    /// Longs receive, shorts pay; plans follow the price (FINRA rule 5330).
    fn pay_dividend(&mut self, effect: &ActionEffect, per_share: Cash) {
        let symbol = effect.action.symbol;
        let price = Price::from_raw(per_share.raw());
        let mut held: Vec<(BrokerId, Quantity)> = Vec::new();
        let keys = self.keys_in(symbol);
        for key in keys {
            let (index, ticks) = (self.index(key), &self.ticks);
            let slot = self.slots.get_mut(index);
            let Some(position) = slot.and_then(|slot| slot.position.as_deref_mut()) else {
                continue;
            };
            held.push((position.broker, position.signed_qty()));
            position.restate_prices(&effect.action, |price| ticks.at(symbol, price));
            position.paid_out = position.paid_out.plus(price);
        }
        let beyond = self.externals.iter().filter(|e| e.symbol == symbol);
        held.extend(beyond.map(|external| (external.broker, external.quantity)));
        for (broker, quantity) in held {
            let amount = price.notional(quantity).unwrap_or(Cash::ZERO);
            self.ledger.book_dividend(amount);
            self.note_flow(broker, amount);
        }
    }

    /// Old shares become new ones in every holding; each holding's fraction is paid in cash.
    fn split(&mut self, effect: &ActionEffect, ratio: SplitRatio) {
        let symbol = effect.action.symbol;
        let entry =
            BookedFill { exec_id: effect.id("CA"), ..BookedFill::of_split(ratio, effect.time) };
        // A closed position is in old shares too, should it open again (F12).
        let closed = self.closed.iter_mut().map(|(key, position)| (*key, position));
        let settled = self.settled.iter_mut().map(|settled| (settled.key, &mut settled.position));
        for (_, position) in closed.chain(settled).filter(|(key, _)| key.symbol == symbol) {
            position.book(entry);
        }
        for key in self.keys_in(symbol) {
            if self.position(key).is_some() {
                self.change_open(key, None, Some(entry));
            }
            let (index, ticks) = (self.index(key), &self.ticks);
            if let Some(slot) = self.slots.get_mut(index)
                && let Some(position) = slot.position.as_deref_mut()
            {
                position.restate_prices(&effect.action, |price| ticks.at(symbol, price));
            }
        }
        let beyond: Vec<BrokerId> =
            self.externals.iter().filter(|e| e.symbol == symbol).map(|e| e.broker).collect();
        beyond.iter().for_each(|&broker| self.book_external(broker, symbol, entry));
        self.ledger.restate_lots(symbol, ratio, self.held_in(symbol));
        for key in self.keys_in(symbol) {
            if let Some(fraction) = self.position(key).map(|p| fraction_of(p.signed_qty())) {
                self.pay_fraction(effect, fraction, Some(key), BrokerId(0));
            }
        }
        for broker in beyond {
            let same = |e: &&super::External| e.broker == broker && e.symbol == symbol;
            let quantity = self.externals.iter().find(same).map(|external| external.quantity);
            self.pay_fraction(effect, fraction_of(quantity.unwrap_or_default()), None, broker);
        }
    }

    /// Sells (a short: buys) a fraction of a share for the cash paid in lieu of it.
    fn pay_fraction(
        &mut self,
        effect: &ActionEffect,
        fraction: Quantity,
        key: Option<SlotKey>,
        broker: BrokerId,
    ) {
        if fraction.is_zero() {
            return;
        }
        let fill = TradeFill {
            time: effect.time,
            side: if fraction.is_positive() { Side::Sell } else { Side::Buy },
            quantity: fraction.abs(),
            price: effect.cash_in_lieu,
            ..TradeFill::default()
        };
        let exit = Some(ExitReason::CorporateAction);
        let booked = BookedFill { exec_id: effect.id("CIL"), exit, fill, ..BookedFill::default() };
        self.book_entry(effect.action.symbol, booked, key, broker);
    }

    /// Books an entry that is no execution of an order.
    fn book_entry(
        &mut self,
        symbol: SymbolId,
        booked: BookedFill,
        key: Option<SlotKey>,
        broker: BrokerId,
    ) {
        let (side, quantity) = (booked.fill.side, booked.fill.quantity);
        let (value, fee) = (booked.value(), booked.fill.fee);
        self.ledger.note_execution(&LotFill { symbol, side, quantity, value, fee });
        let position = key.and_then(|key| Some((key, self.position(key)?.broker)));
        let at = position.map_or(broker, |(_, broker)| broker);
        self.note_flow(at, if side.is_buy() { value.negated() } else { value });
        let Some((key, broker)) = position else {
            self.book_external(broker, symbol, booked);
            return;
        };
        for beyond in self.change_open(key, None, Some(booked)) {
            self.book_external(broker, symbol, beyond);
        }
    }

    /// Restates the open orders of a symbol as its brokers do.
    fn restate_orders(&mut self, effect: &ActionEffect) {
        let symbol = effect.action.symbol;
        let mut numbers: Vec<OrderNumber> = Vec::new();
        for slot in self.keys_in(symbol).into_iter().filter_map(|key| self.slot(key)) {
            numbers.extend(slot.entry);
            numbers.extend(slot.position.iter().flat_map(|position| position.exits()));
            numbers.extend(&slot.orphans);
        }
        for number in numbers {
            if let Some(order) = self.orders.get_mut(number) {
                let ticks = &self.ticks;
                restate_order(order, &effect.action, |price| ticks.at(symbol, price));
            }
        }
    }
}

/// Returns the part of a quantity that is no whole share, signed like it.
fn fraction_of(quantity: Quantity) -> Quantity {
    let whole = Quantity::from_shares(quantity.shares()).unwrap_or(quantity);
    quantity.minus(whole)
}

fn restate_order(
    order: &mut Order,
    action: &CorporateAction,
    tick: impl Fn(Price) -> Price + Copy,
) {
    if order.state.is_terminal() {
        return;
    }
    let (side, cum) = (order.request.side, order.cum_qty);
    let kind = |kind| action.order_kind(side, kind, tick);
    let quantity = |total: Quantity| cum.plus(action.order_qty(total.minus(cum)));
    order.request.kind = kind(order.request.kind);
    order.request.quantity = quantity(order.request.quantity);
    if let Some(pending) = order.replace_pending.as_deref_mut() {
        pending.kind = kind(pending.kind);
        pending.quantity = quantity(pending.quantity);
    }
}

impl ActionEffect {
    /// Names an entry that the action makes.
    fn id(&self, what: &str) -> ExecId {
        entry_id(what, self.action.symbol.0.into(), self.action.ex_date.days().into(), self.time)
    }
}

/// Makes an id that no broker gives: 40 bytes hold the name and the numbers of any entry.
fn entry_id(what: &str, a: i64, b: i64, time: Timestamp) -> ExecId {
    ExecId::new(&format!("{what}-{a}-{b}-{:x}", time.nanos())).unwrap_or_default()
}

record!(Actions { 1: pending, 2: done, 3: renamed });
