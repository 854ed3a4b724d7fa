//! A broker's reports change the books here: order states, executions, positions, ledger.
//!
//! Nothing is decided: what does not fit is booked as it was reported and returned as an
//! [`Anomaly`] (I4, I9, F19).

use model::{
    Cash, ExecType, ExecutionReport, ExitReason, Fill, OrderNumber, OrderRole, OrderState, Price,
    Quantity, Timestamp, TradeFill,
};

use crate::fact::SlotKey;
use crate::order_manager::{IllegalTransition, OrderEvent, Position, after};
use crate::risk_manager::GateEvent;
use crate::strategy_engine::Plan;

use super::{Anomaly, Books, Observed, Slot};

impl Books {
    /// Takes a broker's report in.
    pub fn observe(&mut self, report: &ExecutionReport, tick: impl Fn(Price) -> Price) -> Observed {
        let Some(number) = self.orders.find(&report.client_id, report.broker) else {
            let anomaly = Some(Anomaly::UnknownOrder(*report));
            return Observed { anomaly, ..Observed::default() };
        };
        self.gate.observe(&GateEvent::Report(report));
        let mut observed = Observed::default();
        if let ExecType::Trade(fill) = report.exec {
            self.book_fill(number, &fill, report.time, &mut observed);
        } else {
            observed.anomaly = self.change_order(number, report);
        }
        let Some(order) = self.orders.get(number) else { return observed };
        let key = order.slot();
        observed.slot = Some(key);
        if order.state.is_terminal() {
            self.end_order(number, key, tick);
        }
        observed
    }

    /// Applies a report that is no fill.
    fn change_order(&mut self, number: OrderNumber, report: &ExecutionReport) -> Option<Anomaly> {
        let order = self.orders.get_mut(number)?;
        let event = match report.exec {
            ExecType::Accepted => OrderEvent::Accepted,
            ExecType::New => OrderEvent::Working,
            ExecType::Cancelled => OrderEvent::Cancelled,
            ExecType::Expired => OrderEvent::Expired,
            ExecType::Rejected(_) => OrderEvent::Rejected,
            ExecType::Replaced => OrderEvent::Replaced,
            ExecType::Restated { .. } => OrderEvent::Restated,
            // Our own requests set the overlays; the broker's echo says nothing new.
            ExecType::PendingCancel | ExecType::PendingReplace => return None,
            ExecType::CancelRejected(_) => {
                order.cancel_pending = false;
                return None;
            }
            ExecType::ReplaceRejected(_) => {
                order.replace_pending = None;
                return Some(Anomaly::Refused(number));
            }
            // Corrections and busts restate booked fills; they are refused as illegal until the
            // ledger can reverse a fill, which raises an alarm instead of a wrong position.
            ExecType::Trade(_) | ExecType::Correct { .. } | ExecType::Bust { .. } => {
                let event = OrderEvent::Restated;
                return Some(Anomaly::Illegal(
                    number,
                    IllegalTransition { state: order.state, event },
                ));
            }
        };
        match after(order.state, event) {
            Ok(state) => order.state = state,
            Err(illegal) => return Some(Anomaly::Illegal(number, illegal)),
        }
        order.updated = report.time;
        match report.exec {
            ExecType::Replaced => self.confirm_replacement(number),
            ExecType::Restated { order_qty } => order.request.quantity = order_qty,
            ExecType::Rejected(_) => return Some(Anomaly::Refused(number)),
            _ => {}
        }
        None
    }

    fn confirm_replacement(&mut self, number: OrderNumber) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let Some(replacement) = order.replace_pending.take() else { return };
        order.request.client_id = replacement.client_id;
        order.request.kind = replacement.kind;
        order.request.quantity = replacement.quantity;
        if let (Some(terms), Some(new)) = (order.terms.as_deref_mut(), replacement.terms) {
            *terms = new;
        }
    }

    /// Books one execution exactly once (I4, I11).
    fn book_fill(
        &mut self,
        number: OrderNumber,
        fill: &Fill,
        time: Timestamp,
        observed: &mut Observed,
    ) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let Some(value) = fill.price.notional(fill.quantity) else { return };
        if !fill.quantity.is_positive() || !order.note_execution(fill.exec_id) {
            return;
        }
        observed.filled = true;
        if order.state.is_terminal() {
            observed.anomaly = Some(Anomaly::LateFill(number));
        }
        order.cum_qty = order.cum_qty.plus(fill.quantity);
        order.cum_value = order.cum_value.plus(value);
        order.updated = time;
        if order.cum_qty > order.request.quantity {
            observed.anomaly = Some(Anomaly::OverFill(number));
        }
        let complete = order.cum_qty >= order.request.quantity;
        let event = if complete { OrderEvent::FullFill } else { OrderEvent::PartialFill };
        match after(order.state, event) {
            Ok(state) => order.state = state,
            Err(illegal) => observed.anomaly = Some(Anomaly::Illegal(number, illegal)),
        }
        let (key, client_id) = (order.slot(), order.request.client_id);
        let trade_fill = TradeFill {
            time,
            side: fill.side,
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
            order: client_id,
        };
        if self.book_position(number, key, trade_fill, value) {
            observed.anomaly = Some(Anomaly::OverFill(number));
        }
    }

    /// Changes position and ledger; true when an exit filled beyond the position.
    fn book_position(
        &mut self,
        number: OrderNumber,
        key: SlotKey,
        fill: TradeFill,
        value: Cash,
    ) -> bool {
        let Some(order) = self.orders.get(number) else { return false };
        let (role, moved) = (order.request.role, order.request.kind.stop());
        let broker = order.request.broker;
        let (reason, terms) = (order.reason, order.terms.as_deref().copied());
        let mut cost = Cash::ZERO;
        let mut over = false;
        let mut closed = None;
        self.with_slot(key, |slot| {
            if slot.position.is_none() {
                let plan = terms.map_or_else(|| external_plan(fill.side), |terms| terms.plan);
                let planned = terms.map_or(fill.quantity, |terms| terms.sizing.quantity);
                over = terms.is_none();
                slot.entries_today += u16::from(terms.is_some());
                let group = model::GroupId(number.0);
                slot.position =
                    Some(Box::new(Position::open(group, broker, plan, planned, fill.time)));
            }
            let Some(position) = slot.position.as_deref_mut() else { return };
            let exit = match role {
                OrderRole::Stop if moved == position.initial_stop => Some(ExitReason::Stop),
                OrderRole::Stop => Some(ExitReason::MovedStop),
                OrderRole::Target => Some(ExitReason::Target),
                OrderRole::Close => reason.or(Some(ExitReason::Signal)),
                OrderRole::Entry => None,
            };
            let reduces = fill.side.is_buy() != (position.signed_qty().raw() > 0);
            let within = fill.quantity.min(position.quantity);
            if reduces && position.quantity.is_positive() && within < fill.quantity {
                // Beyond the position: close it and hold the rest as what it is, a position
                // against the plan that the operator must see.
                over = true;
                cost = close_and_flip(slot, fill, value, within, exit, &mut closed);
                return;
            }
            cost = position.book(fill, value, exit);
            if position.quantity.is_zero() {
                closed = slot.position.take();
            }
        });
        let flow = if fill.side.is_buy() { value.negated() } else { value };
        self.ledger.book_fill(flow, cost, fill.fee);
        if let Some(position) = closed {
            self.closed.push((key, position));
        } else if role.is_exit() {
            self.reduce_siblings(number, key);
        }
        over
    }

    /// A fill of one member of an exit group reduces the others in the same step (TF8, I13).
    fn reduce_siblings(&mut self, number: OrderNumber, key: SlotKey) {
        let Some(position) = self.position(key) else { return };
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

    /// An order has ended: its slot forgets it; a finished entry sets R and targets (TS7).
    fn end_order(&mut self, number: OrderNumber, key: SlotKey, tick: impl Fn(Price) -> Price) {
        let Some(order) = self.orders.get_mut(number) else { return };
        order.cancel_pending = false;
        order.replace_pending = None;
        let (role, state) = (order.request.role, order.state);
        self.with_slot(key, |slot| {
            if slot.entry == Some(number) {
                slot.entry = None;
            }
            let Some(position) = slot.position.as_deref_mut() else { return };
            if position.group == model::GroupId(number.0) && !position.entry_done {
                let entry_price = position.entry_price().unwrap_or(Price::ZERO);
                position.finish_entry(tick(entry_price));
            }
            if role == OrderRole::Target
                && position.target == Some(number)
                && state == OrderState::Filled
            {
                position.targets_done = position.targets_done.saturating_add(1);
            }
            if role.is_exit() && state == OrderState::Rejected {
                position.exit_refused = true;
            }
            position.unlink(number);
        });
    }
}

/// The plan of a position that no plan of ours explains: unprotected, in the fill's direction.
fn external_plan(side: model::Side) -> Plan {
    use crate::strategy_engine::Direction;
    let direction = if side.is_buy() { Direction::Long } else { Direction::Short };
    Plan { direction, ..Plan::default() }
}

/// Splits a fill that goes beyond the position into its close and a new external position.
fn close_and_flip(
    slot: &mut Slot,
    fill: TradeFill,
    value: Cash,
    within: Quantity,
    exit: Option<ExitReason>,
    closed: &mut Option<Box<Position>>,
) -> Cash {
    let Some(mut old) = slot.position.take() else { return Cash::ZERO };
    let part = value.share_of(within, fill.quantity).unwrap_or(value);
    let fee = fill.fee.share_of(within, fill.quantity).unwrap_or(fill.fee);
    let mut cost = old.book(TradeFill { quantity: within, fee, ..fill }, part, exit);
    let (group, broker) = (old.group, old.broker);
    *closed = Some(old);
    let rest =
        TradeFill { quantity: fill.quantity.minus(within), fee: fill.fee.minus(fee), ..fill };
    let plan = external_plan(fill.side);
    let mut position = Position::open(group, broker, plan, rest.quantity, fill.time);
    position.entry_done = true;
    cost = cost.plus(position.book(rest, value.minus(part), None));
    slot.position = Some(Box::new(position));
    cost
}
