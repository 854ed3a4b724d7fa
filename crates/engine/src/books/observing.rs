//! A broker's reports change the books here: order states, replacements, ends of orders.
//!
//! Nothing is decided: what does not fit is booked as it was reported and returned as an
//! [`Anomaly`] (I4, I9, F19).

use model::{
    BrokerId, BrokerOrderId, ClientOrderId, ExecType, ExecutionReport, OrderNumber, OrderRole,
    OrderRow, OrderState, Price, Timestamp,
};

use crate::execution_engine::{Answer, Meaning, adopted};
use crate::fact::SlotKey;
use crate::input::{BrokerEvent, Control, Input, Instruction, Link};
use crate::order_manager::{OrderEvent, Position, after};
use crate::risk_manager::GateEvent;

use super::{Anomaly, Books, Observed, Refused, Seen};

impl Books {
    /// Takes an input in at engine time `now` and leaves in `seen` what it brought to light. The
    /// only other way in is [`fold`](Self::fold).
    pub fn observe(&mut self, input: &Input, now: Timestamp, seen: &mut Seen) {
        seen.clear();
        match input {
            Input::Broker { broker, event } => self.observe_broker(*broker, event, now, seen),
            Input::Connection { link: Link::Broker(broker), up } => {
                self.observe_connection(*broker, *up, now);
            }
            Input::Connection { link: Link::Feed(source), up } => self.observe_feed(*source, *up),
            Input::Start(start) => {
                self.risk.promotions_mut().note_mode(&start.mode);
                self.observe_start(start.epoch, now);
            }
            Input::Control(given) => {
                seen.refused = self.refuse(given, now);
                if seen.refused.is_none() {
                    self.observe_control(&given.control, now, seen);
                }
            }
            Input::Limits(change) => {
                let known = self.keys.note(&change.key, now);
                seen.refused = known.map(|done| Refused::Repeated { done });
            }
            Input::Action(action) => seen.announced = self.observe_action(action),
            _ => {}
        }
    }

    /// Says why an instruction is not carried out. An emergency stop always is: it does no harm
    /// twice.
    fn refuse(&mut self, given: &Instruction, now: Timestamp) -> Option<Refused> {
        let known = self.keys.note(&given.key, now);
        match given.control {
            Control::EmergencyStop(_) => return None,
            Control::ResumeTrading(_) if given.kills_seen.is_some_and(|n| n < self.kills) => {
                return Some(Refused::KillCame);
            }
            _ => {}
        }
        if let Some(done) = known {
            return Some(Refused::Repeated { done });
        }
        let bare = !given.actor.is_empty() && given.reason.trim().is_empty();
        (bare && given.control.needs_evidence()).then_some(Refused::NoEvidence)
    }

    fn observe_control(&mut self, control: &Control, now: Timestamp, seen: &mut Seen) {
        match *control {
            Control::Resolve { order, resolution } => {
                self.observe_resolution(order, resolution, now, seen);
            }
            Control::Adjust { broker, symbol, quantity, price } => {
                self.adjust(broker, symbol, quantity, price, now);
            }
            Control::Claim { broker, slot } => seen.claimed = self.claim(broker, slot, now),
            Control::EmergencyStop(_) => self.kills += 1,
            _ => {}
        }
    }

    fn observe_broker(
        &mut self,
        broker: BrokerId,
        event: &BrokerEvent,
        now: Timestamp,
        seen: &mut Seen,
    ) {
        match event {
            BrokerEvent::Report(report) => {
                let stamped;
                let report = if report.broker == broker {
                    report
                } else {
                    stamped = ExecutionReport { broker, ..*report };
                    &stamped
                };
                self.count_report(report);
                self.take_report(report, seen);
                self.note_stated(report, now);
            }
            BrokerEvent::Outcome { client_id, request, outcome } => {
                seen.outcome = self.observe_outcome(broker, client_id, *request, *outcome, now);
                if let Some((_, Meaning::Report(exec) | Meaning::Ask(exec))) = seen.outcome {
                    self.take_as_report(client_id, exec, now, seen);
                }
            }
            BrokerEvent::Page(page) => {
                seen.answer = self.observe_page(broker, page, now);
                match &seen.answer {
                    Answer::Order { client_id, row: Some(row) } => {
                        let (client_id, row) = (*client_id, *row);
                        self.adopt_row(&client_id, &row, now, seen);
                    }
                    Answer::Round(round) => {
                        let round = round.clone();
                        self.take_round(broker, &round, now, seen);
                    }
                    Answer::Nothing | Answer::Failed | Answer::Order { .. } => {}
                }
            }
            BrokerEvent::Charge { kind, fee } => {
                self.ledger.book_charge(*kind, *fee);
                self.note_flow(broker, fee.negated());
            }
            // It is compared with what is held, not booked.
            BrokerEvent::ActionBooked { .. } => {}
            BrokerEvent::Account(account) => self.observe_account(broker, *account),
        }
    }

    /// Takes in what amounts to a report of the broker, although it came another way.
    pub(super) fn take_as_report(
        &mut self,
        client_id: &ClientOrderId,
        exec: ExecType,
        time: Timestamp,
        seen: &mut Seen,
    ) {
        let Some(order) = self.orders.get(client_id.number) else { return };
        let (broker, symbol) = (order.request.broker, order.request.symbol);
        let client_id = *client_id;
        let cum_qty = None;
        let broker_id = None;
        let report = ExecutionReport { client_id, broker, symbol, exec, time, cum_qty, broker_id };
        self.take_report(&report, seen);
    }

    /// Brings our order to where the broker's is.
    pub(super) fn adopt_row(
        &mut self,
        client_id: &ClientOrderId,
        row: &OrderRow,
        now: Timestamp,
        seen: &mut Seen,
    ) {
        let order = self.orders.get(client_id.number);
        // The row may be of an earlier attempt, at another broker.
        if order.is_some_and(|order| order.request.client_id == *client_id) {
            self.note_broker_id(client_id.number, row.broker_id);
        }
        let order = self.orders.get(client_id.number);
        if let Some(exec) = order.and_then(|order| adopted(order, client_id, row)) {
            self.take_as_report(client_id, exec, now, seen);
        }
    }

    pub(super) fn take_report(&mut self, report: &ExecutionReport, seen: &mut Seen) {
        let before = self.ledger.cash();
        let ExecutionReport { client_id, broker, symbol, .. } = *report;
        let observed = Observed { client_id, broker, symbol, ..Observed::default() };
        self.observe_report(report, seen.reports.push_mut(observed));
        self.note_flow(report.broker, self.ledger.cash().minus(before));
        self.note_entry(report);
        self.review(report.client_id.number);
        self.forget_what_is_heard();
    }

    /// Takes a broker's report in.
    fn observe_report(&mut self, report: &ExecutionReport, observed: &mut Observed) {
        let Some(number) = self.orders.find(&report.client_id, report.broker) else {
            self.observe_foreign(report, observed);
            return;
        };
        self.gate.observe(&GateEvent::Report(report));
        self.note_broker_id(number, report.broker_id);
        match report.exec {
            ExecType::Trade(fill) => {
                self.book_fill(number, &fill, fill.quantity, report.time, observed);
            }
            ExecType::Correct { replaces, fill } => {
                self.restate(number, replaces, Some(&fill), report.time, observed);
            }
            ExecType::Bust { exec_id } => {
                self.restate(number, exec_id, None, report.time, observed);
            }
            _ => observed.anomaly = self.change_order(number, report),
        }
        let Some(order) = self.orders.get(number) else { return };
        let key = order.slot();
        observed.slot = Some(key);
        if order.state.is_terminal() {
            self.end_order(number, key, observed.filled);
        }
    }

    /// A replacement may bear another id at the broker: the last one told is the one in force.
    fn note_broker_id(&mut self, number: OrderNumber, id: Option<BrokerOrderId>) {
        let Some(id) = id else { return };
        if let Some(order) = self.orders.get_mut(number) {
            order.broker_id = Some(Box::new(id));
        }
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
            ExecType::CancelRejected(reason) => {
                order.cancel_pending = false;
                order.note_refusal(report.time);
                return Some(Anomaly::Refused(number, reason));
            }
            ExecType::ReplaceRejected(reason) => {
                order.replace_pending = None;
                order.note_refusal(report.time);
                self.advance(number);
                return Some(Anomaly::Refused(number, reason));
            }
            // Our own requests set the overlays; the broker's echo says nothing new. Fills and
            // what restates them are booked elsewhere.
            ExecType::PendingCancel
            | ExecType::PendingReplace
            | ExecType::Trade(_)
            | ExecType::Correct { .. }
            | ExecType::Bust { .. } => return None,
        };
        match after(order.state, event) {
            Ok(state) => order.state = state,
            Err(illegal) => return Some(Anomaly::Illegal(number, illegal)),
        }
        order.updated = order.updated.max(report.time);
        match report.exec {
            ExecType::Replaced => {
                self.confirm_replacement(number);
                self.advance(number);
            }
            ExecType::Restated { order_qty } => order.request.quantity = order_qty,
            ExecType::Rejected(reason) => return Some(Anomaly::Refused(number, reason)),
            ExecType::Accepted | ExecType::New => self.note_exit_taken(number),
            _ => {}
        }
        None
    }

    fn confirm_replacement(&mut self, number: OrderNumber) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let Some(replacement) = order.replace_pending.take() else { return };
        (order.refusals, order.refused_at) = (0, None);
        order.request.client_id = replacement.client_id;
        order.request.kind = replacement.kind;
        order.request.quantity = replacement.quantity;
        if let (Some(terms), Some(new)) = (order.terms.as_deref_mut(), replacement.terms) {
            *terms = new;
        }
    }

    /// A broker took an exit order: the count of refusals in a row ends.
    fn note_exit_taken(&mut self, number: OrderNumber) {
        let Some(order) = self.orders.get(number).filter(|o| o.request.role.is_exit()) else {
            return;
        };
        let index = self.index(order.slot());
        let position = self.slots.get_mut(index).and_then(|slot| slot.position.as_deref_mut());
        if let Some(position) = position.filter(|position| position.exits().contains(&number)) {
            position.refusals = 0;
        }
    }

    /// An order has ended: its slot forgets it; a finished entry sets R and targets (TS7).
    pub(super) fn end_order(&mut self, number: OrderNumber, key: SlotKey, filled: bool) {
        let Some(order) = self.orders.get_mut(number) else { return };
        order.cancel_pending = false;
        order.replace_pending = None;
        let (role, state, group) = (order.request.role, order.state, order.group());
        let entered = self.position(key).and_then(Position::entry_price);
        let tick = self.tick(key.symbol, entered.unwrap_or(Price::ZERO));
        self.with_slot(key, |slot| {
            if slot.entry == Some(number) {
                slot.entry = None;
            }
            slot.orphans.retain(|&orphan| orphan != number);
            let Some(position) = slot.position.as_deref_mut() else { return };
            if role == OrderRole::Entry && position.group == group {
                // A late fill sets them again.
                if filled || !position.entry_done {
                    position.finish_entry(tick);
                }
            }
            if !position.exits().contains(&number) {
                return;
            }
            if role == OrderRole::Target {
                position.target_due = false;
            }
            if state == OrderState::Rejected {
                if !position.refused.contains(&role) {
                    // There is room for every role of an exit.
                    let _ = position.refused.try_push(role);
                }
                position.refusals = position.refusals.saturating_add(1);
            }
            position.unlink(number);
        });
    }
}
