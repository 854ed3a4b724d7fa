//! Fills change positions and money here, exactly once each (I3, I4, I11).
//!
//! A fill belongs to the exit group of its order: the open position, one that closed a moment
//! ago, or none. What goes beyond is external (F19): no position is ever flipped (I13). The
//! result does not depend on the order in which reports arrive (F10).

use model::{
    BrokerId, Cash, ExecId, ExecType, ExecutionReport, ExitReason, Fill, GroupId, OrderNumber,
    OrderRole, OrderState, Quantity, SymbolId, Timestamp, TradeFill,
};

use crate::fact::SlotKey;
use crate::ledger::Totals;
use crate::order_manager::{BookedFill, Excess, Execution, Order, OrderEvent, Position, after};

use super::{Anomaly, Books, External, Observed};

/// Where the position of an exit group lies.
pub(super) enum Place {
    /// In its slot.
    Open,
    /// Among the closed positions whose trade is not recorded yet.
    Closed(usize),
    /// Nowhere, or its trade is recorded.
    Gone,
}

impl Books {
    /// Takes a report in on an order that is not ours or long forgotten: a fill changes the
    /// account all the same (I3).
    pub(super) fn observe_foreign(&mut self, report: &ExecutionReport, observed: &mut Observed) {
        observed.anomaly = Some(Anomaly::UnknownOrder(report.client_id));
        let known = |books: &Self, id: ExecId| {
            books.externals.iter().any(|e| e.broker == report.broker && e.knows(id))
                || books.settled.iter().any(|settled| settled.position.knows(id))
        };
        let (gone, fill) = match report.exec {
            ExecType::Trade(fill) => (None, Some(fill)),
            ExecType::Correct { replaces, fill } => (Some(replaces), Some(fill)),
            ExecType::Bust { exec_id } => (Some(exec_id), None),
            _ => return,
        };
        if let Some(id) = gone {
            let held = self.held_in(report.symbol);
            let taken = self.take_external(report.broker, report.symbol, |b, _| b.exec_id == id);
            self.take_execution_back(report.symbol, &taken, held);
            observed.filled |= !taken.is_empty();
        }
        let Some(fill) =
            fill.filter(|fill| usable_value(fill).is_some() && !known(self, fill.exec_id))
        else {
            return;
        };
        self.note_execution(report.symbol, &fill);
        let booked = booked(&fill, report.time, report.client_id);
        self.book_external(report.broker, report.symbol, booked);
        observed.filled = true;
        observed.suspense = Some(report.symbol);
    }

    /// Books one execution of an order (I4, I11); `reported` are its shares as they count for how
    /// much of the order is done, none of a correction.
    pub(super) fn book_fill(
        &mut self,
        number: OrderNumber,
        fill: &Fill,
        reported: Quantity,
        time: Timestamp,
        observed: &mut Observed,
    ) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let symbol = order.request.symbol;
        let Some(value) = usable_value(fill) else {
            observed.anomaly = Some(Anomaly::Unusable(number));
            observed.suspense = Some(symbol);
            return;
        };
        let broker = order.request.broker;
        let right_side = fill.side.is_buy() == order.request.side.is_buy();
        let late = order.state.is_terminal();
        let execution = Execution { reported, ..Execution::at(fill.exec_id, time) };
        let execution = if right_side {
            Execution { quantity: fill.quantity, value, ..execution }
        } else {
            // The order itself did not get these shares; its id keeps the fill from being booked
            // twice.
            Execution { reported: Quantity::ZERO, ..execution }
        };
        if !order.note_execution(execution) {
            self.advance(number);
            return;
        }
        order.updated = order.updated.max(time);
        observed.filled = true;
        let booked = booked(fill, time, order.request.client_id);
        let over = order.cum_qty > order.request.quantity;
        self.note_execution(symbol, fill);
        if !right_side {
            observed.anomaly = Some(Anomaly::WrongSide(number));
            observed.suspense = Some(symbol);
            self.book_external(broker, symbol, booked);
            return;
        }
        let beyond = self.book_in_group(number, booked, observed);
        self.advance(number);
        if over || beyond {
            observed.anomaly = Some(Anomaly::OverFill(number));
            observed.suspense = Some(symbol);
        } else if late {
            observed.anomaly = Some(Anomaly::LateFill(number));
        }
    }

    /// Moves an order on by what was executed of it.
    pub(super) fn advance(&mut self, number: OrderNumber) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let complete = order.is_complete();
        if !complete && !order.cum_qty.is_positive() {
            return;
        }
        let event = if complete { OrderEvent::FullFill } else { OrderEvent::PartialFill };
        // A fill is legal in every state of an order that was sent.
        let Ok(state) = after(order.state, event) else { return };
        let done = order.state != OrderState::Filled && state == OrderState::Filled;
        order.state = state;
        if done && order.request.role == OrderRole::Target {
            let (key, group) = (order.slot(), order.group());
            let index = self.index(key);
            let position = match self.place_of(key, group) {
                Place::Open => self.slots.get_mut(index).and_then(|s| s.position.as_deref_mut()),
                Place::Closed(at) => self.closed.get_mut(at).map(|(_, position)| &mut **position),
                Place::Gone => None,
            };
            if let Some(position) = position {
                position.targets_done = position.targets_done.saturating_add(1);
            }
        }
    }

    /// Books a fill in the position of its order's group; true when some of it went beyond.
    fn book_in_group(
        &mut self,
        number: OrderNumber,
        booked: BookedFill,
        observed: &mut Observed,
    ) -> bool {
        let Some(order) = self.orders.get(number) else { return false };
        let (key, broker, symbol) = (order.slot(), order.request.broker, order.request.symbol);
        let (role, group) = (order.request.role, order.group());
        let excess = match self.place_of(key, group) {
            Place::Open => self.book_open(number, key, booked),
            Place::Closed(at) => {
                let (_, position) = self.closed.remove(at);
                self.change(key, position, None, Some(booked))
            }
            Place::Gone if role == OrderRole::Entry => {
                self.open_late_or_new(number, key, booked, observed)
            }
            Place::Gone => vec![booked],
        };
        let beyond = !excess.is_empty();
        for part in excess {
            self.book_external(broker, symbol, part);
        }
        beyond
    }

    pub(super) fn place_of(&self, key: SlotKey, group: GroupId) -> Place {
        if self.position(key).is_some_and(|position| position.group == group) {
            return Place::Open;
        }
        let closed = self.closed.iter().position(|(of, p)| *of == key && p.group == group);
        closed.map_or(Place::Gone, Place::Closed)
    }

    /// Books a fill in the open position of a slot.
    fn book_open(&mut self, number: OrderNumber, key: SlotKey, mut booked: BookedFill) -> Excess {
        let index = self.index(key);
        let position = self.slots.get_mut(index).and_then(|slot| slot.position.as_deref_mut());
        let (Some(position), Some(order)) = (position, self.orders.get(number)) else {
            return vec![booked];
        };
        let role = order.request.role;
        booked.exit = exit_reason(order, position);
        let excess = self.change_open(key, None, Some(booked));
        if role.is_exit() {
            self.reduce_siblings(number, key);
        }
        excess
    }

    /// Takes an execution out of the open position of a slot and a fill in; returns what goes
    /// beyond it.
    pub(super) fn change_open(
        &mut self,
        key: SlotKey,
        without: Option<ExecId>,
        with: Option<BookedFill>,
    ) -> Excess {
        let Some((broker, group)) = self.position(key).map(|p| (p.broker, p.group)) else {
            return with.into_iter().collect();
        };
        let parts = self.take_external_of(broker, key.symbol, group);
        let index = self.index(key);
        let position = self.slots.get_mut(index).and_then(|slot| slot.position.as_deref_mut());
        let Some(position) = position else { return with.into_iter().collect() };
        let before = position.totals();
        let excess = match with {
            Some(booked) if parts.is_empty() && without.is_none() => position.book(booked),
            with => position.restate(without, parts.into_iter().chain(with)),
        };
        self.ledger.book(position.totals().since(before));
        if position.quantity.is_zero() {
            self.close_slot(key);
        }
        excess
    }

    /// A fill of an entry that has no position: it opens one, or adds to a newer one.
    fn open_late_or_new(
        &mut self,
        number: OrderNumber,
        key: SlotKey,
        booked: BookedFill,
        observed: &mut Observed,
    ) -> Excess {
        let Some(order) = self.orders.get(number) else { return Excess::new() };
        let Some(terms) = order.terms.as_deref() else { return vec![booked] };
        let (plan, planned) = (terms.plan, terms.sizing.quantity);
        let (group, broker, time) = (order.group(), order.request.broker, booked.fill.time);
        if let Some(newer) = self.position(key) {
            let adds = newer.direction() == plan.direction && newer.broker == broker;
            return if adds { self.book_open(number, key, booked) } else { vec![booked] };
        }
        observed.opened = true;
        self.with_slot(key, |slot| {
            slot.entries_today = slot.entries_today.saturating_add(1);
            slot.position = Some(Box::new(Position::open(group, broker, plan, planned, time)));
        });
        self.book_open(number, key, booked)
    }

    /// Changes a position that is in no slot and puts it where it belongs now; returns what goes
    /// beyond it.
    pub(super) fn change(
        &mut self,
        key: SlotKey,
        mut position: Box<Position>,
        without: Option<ExecId>,
        with: Option<BookedFill>,
    ) -> Excess {
        let parts = self.take_external_of(position.broker, key.symbol, position.group);
        let with = with.map(|mut booked| {
            let order = self.orders.get(booked.fill.order.number);
            booked.exit = order.and_then(|order| exit_reason(order, &position));
            booked
        });
        let before = position.totals();
        let excess = position.restate(without, parts.into_iter().chain(with));
        self.ledger.book(position.totals().since(before));
        self.put_back(key, position);
        excess
    }

    /// Puts a position into its slot when it is open, else among the closed ones.
    fn put_back(&mut self, key: SlotKey, mut position: Box<Position>) {
        if position.fills.is_empty() {
            return;
        }
        if position.quantity.is_zero() {
            self.closed.push((key, position));
            return;
        }
        if self.position(key).is_some() {
            // Another position has taken the slot: what is open here has no plan any more.
            let fills = std::mem::take(&mut position.fills);
            self.ledger.book(Totals::default().since(position.totals()));
            for (at, booked) in fills.iter().enumerate().filter(|(_, b)| b.split.is_none()) {
                let booked = booked.after_splits(fills.iter().skip(at));
                self.book_external(position.broker, key.symbol, booked);
            }
            return;
        }
        let orphans = self.slot(key).map(|slot| slot.orphans.clone()).unwrap_or_default();
        let relinked = |number: OrderNumber, position: &mut Position| {
            self.orders.get(number).is_some_and(|order| position.relink(number, order))
        };
        let left = orphans.into_iter().filter(|&number| !relinked(number, &mut position)).collect();
        // In one step: a slot that is active for a moment only would be listed twice.
        self.with_slot(key, |slot| {
            slot.orphans = left;
            slot.position = Some(position);
        });
    }

    /// Moves a slot's flat position among the closed ones; exits that still live stay known.
    pub(super) fn close_slot(&mut self, key: SlotKey) {
        let mut closed = None;
        self.with_slot(key, |slot| {
            closed = slot.position.take();
            if let Some(position) = &closed {
                slot.orphans.extend(position.exits());
                if position.fills.is_empty() {
                    // Its only execution never was (F12).
                    slot.entries_today = slot.entries_today.saturating_sub(1);
                }
            }
        });
        if let Some(position) = closed.filter(|position| !position.fills.is_empty()) {
            self.closed.push((key, position));
        }
    }

    /// A fill of one member of an exit group reduces the others in the same step (TF8, I13),
    /// where the venue does so.
    fn reduce_siblings(&mut self, number: OrderNumber, key: SlotKey) {
        let Some(position) = self.position(key) else { return };
        if !self.venue(position.broker).reduce_group {
            return;
        }
        let open = position.quantity;
        for sibling in position.exits() {
            if sibling == number {
                continue;
            }
            if let Some(order) = self.orders.get_mut(sibling) {
                let most = order.cum_qty.plus(open);
                order.request.quantity = order.request.quantity.min(most);
            }
        }
    }

    /// Books a fill that no plan explains (F18, F19).
    pub(super) fn book_external(&mut self, broker: BrokerId, symbol: SymbolId, booked: BookedFill) {
        let same = |e: &External| e.broker == broker && e.symbol == symbol;
        let at = self.externals.iter().position(same).unwrap_or_else(|| {
            self.externals.push(External::new(broker, symbol));
            self.externals.len() - 1
        });
        let Some(external) = self.externals.get_mut(at) else { return };
        let before = external.totals();
        external.book(booked);
        self.ledger.book(external.totals().since(before));
    }

    /// Takes the parts of a group's fills back that went beyond it, to judge them anew.
    fn take_external_of(
        &mut self,
        broker: BrokerId,
        symbol: SymbolId,
        group: GroupId,
    ) -> Vec<BookedFill> {
        self.take_external(broker, symbol, |booked, order| {
            order.is_some_and(|order| {
                order.group() == group && booked.fill.side.is_buy() == order.request.side.is_buy()
            })
        })
    }

    /// Takes external fills out that `which` names.
    pub(super) fn take_external(
        &mut self,
        broker: BrokerId,
        symbol: SymbolId,
        which: impl Fn(&BookedFill, Option<&Order>) -> bool,
    ) -> Vec<BookedFill> {
        let same = |e: &&mut External| e.broker == broker && e.symbol == symbol;
        let Some(external) = self.externals.iter_mut().find(same) else { return Vec::new() };
        let orders = &self.orders;
        let before = external.totals();
        let taken = external.take(|booked| {
            let id = &booked.fill.order;
            let order = orders.find(id, broker).and_then(|number| orders.get(number));
            which(booked, order)
        });
        self.ledger.book(external.totals().since(before));
        if external.fills().is_empty() {
            self.externals.retain(|external| !external.fills().is_empty());
        }
        taken
    }
}

/// Returns the value of a fill; `None` when its numbers cannot be: it is not booked but alarmed.
fn usable_value(fill: &Fill) -> Option<Cash> {
    let usable = fill.quantity.is_positive() && fill.price.is_positive();
    fill.price.notional(fill.quantity).filter(|_| usable)
}

fn booked(fill: &Fill, time: Timestamp, order: model::ClientOrderId) -> BookedFill {
    let Fill { exec_id, side, quantity, price, fee } = *fill;
    let fill = TradeFill { time, side, quantity, price, fee, order };
    BookedFill { exec_id, exit: None, fill, split: None, era: 0 }
}

/// Returns why a fill of an order reduces a position; `None` for an entry.
fn exit_reason(order: &Order, position: &Position) -> Option<ExitReason> {
    match order.request.role {
        OrderRole::Stop if order.request.kind.stop() == position.initial_stop => {
            Some(ExitReason::Stop)
        }
        OrderRole::Stop => Some(ExitReason::MovedStop),
        OrderRole::Target => Some(ExitReason::Target),
        OrderRole::Close => order.reason.or(Some(ExitReason::Signal)),
        OrderRole::Entry => None,
    }
}
