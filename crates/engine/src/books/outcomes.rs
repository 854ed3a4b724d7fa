//! Outcomes, connections, starts and the end of doubts change the books here (I10, R7).
//!
//! What an outcome means is the table in [`meaning`](crate::execution_engine::meaning); nothing is
//! decided here.

use model::{
    Ask, BrokerId, Cash, ClientOrderId, ExecId, ExecType, ExecutionReport, Fill, OrderNumber,
    OrderState, RejectClass, RejectReason, RequestKind, SECOND_NS, SendOutcome, SourceId,
    Timestamp, UnknownCause,
};

use super::{Books, Seen};
use crate::execution_engine::{
    AttemptClosed, Brokers, Closed, Doubt, Fence, Meaning, OpenQuery, Refused, meaning, pause_ns,
};
use crate::input::Resolution;
use crate::order_manager::{Order, OrderEvent, after};

/// How long a strategy's next entry in a symbol waits after a broker refused one (F20); four
/// times as long after each further refusal.
const REFUSED_WAIT_NS: i64 = 60 * SECOND_NS;

impl Books {
    /// Returns what is known of the brokers.
    pub fn brokers(&self) -> &Brokers {
        &self.brokers
    }

    /// Takes an outcome in; `None` when it names no known order.
    pub fn observe_outcome(
        &mut self,
        broker: BrokerId,
        client_id: &ClientOrderId,
        request: RequestKind,
        outcome: SendOutcome,
        now: Timestamp,
    ) -> Option<(OrderNumber, Meaning)> {
        let number = self.orders.find(client_id, broker)?;
        let found = meaning(self.orders.get(number)?, client_id, request, outcome);
        match found {
            Meaning::Doubt(cause) => self.raise_doubt(number, cause, now),
            Meaning::Retry => self.brokers.note_failure(number, now),
            Meaning::Nothing | Meaning::Report(_) | Meaning::Ask(_) | Meaning::Contradiction => {}
        }
        Some((number, found))
    }

    /// Puts an order into quarantine: nobody knows whether its last request arrived.
    pub(crate) fn raise_doubt(&mut self, number: OrderNumber, cause: UnknownCause, now: Timestamp) {
        let Some(order) = self.orders.get_mut(number) else { return };
        let Ok(state) = after(order.state, OrderEvent::Unknown) else { return };
        order.state = state;
        order.updated = now;
        let pending = order.replace_pending.as_deref().map(|pending| pending.client_id);
        let doubt = Doubt {
            client_id: pending.unwrap_or(order.request.client_id),
            broker: order.request.broker,
            symbol: order.request.symbol,
            request: if pending.is_some() { RequestKind::Replace } else { RequestKind::Submit },
            cause,
            since: now,
            due: now.plus_nanos(pause_ns(0)),
            ..Doubt::default()
        };
        self.brokers.doubts.retain(|other| other.number() != number);
        self.brokers.doubts.push(doubt);
    }

    /// Ends what is settled of an order: its doubt once something is known, the retries of its
    /// cancel once that is answered or the order is done.
    #[inline]
    pub(crate) fn review(&mut self, number: OrderNumber) {
        if !self.brokers.doubts.is_empty() || !self.brokers.retries.is_empty() {
            self.review_doubts(number);
        }
    }

    fn review_doubts(&mut self, number: OrderNumber) {
        let Some(order) = self.orders.get(number) else { return };
        let done = order.state.is_terminal();
        let replacing = order.replace_pending.as_deref().map(|pending| pending.client_id);
        let (cancelling, unknown) = (order.cancel_pending, order.state == OrderState::Unknown);
        let id = order.request.client_id;
        for doubt in self.brokers.doubts.iter_mut().filter(|d| d.number() == number) {
            let over = doubt.request == RequestKind::Replace && replacing != Some(doubt.client_id);
            if over && unknown {
                // The replacement is settled, the order itself is not.
                doubt.turn_to_order(id);
            }
        }
        self.brokers.doubts.retain(|doubt| {
            doubt.number() != number
                || !done
                    && match doubt.request {
                        RequestKind::Replace => replacing == Some(doubt.client_id),
                        RequestKind::Submit | RequestKind::Cancel => unknown,
                    }
        });
        self.brokers.retries.retain(|retry| retry.number != number || !done && cancelling);
    }

    /// Counts a report of a broker: an answer is compared with what came after its question.
    pub(crate) fn count_report(&mut self, report: &ExecutionReport) {
        let state = self.brokers.get_mut(report.broker);
        state.reports += 1;
        let count = state.reports;
        if let Some(round) = state.round.as_deref_mut() {
            round.touch(report.symbol, count);
        }
        if self.brokers.fences.is_empty() {
            return;
        }
        let appears = matches!(
            report.exec,
            ExecType::Accepted | ExecType::New | ExecType::Replaced | ExecType::PendingReplace
        );
        let ends =
            matches!(report.exec, ExecType::Cancelled | ExecType::Expired | ExecType::Rejected(_));
        let id = report.client_id.number;
        for fence in self.brokers.fences.iter_mut().filter(|f| f.client_id.number == id) {
            fence.appeared = (fence.appeared || appears) && !ends;
        }
    }

    /// Notes that a broker refused an entry (F20), or forgets it when one was taken.
    pub(crate) fn note_entry(&mut self, report: &ExecutionReport) {
        let (number, now) = (report.client_id.number, report.time);
        let Some(order) = self.orders.get(number).filter(|o| !o.request.role.is_exit()) else {
            return;
        };
        let slot = order.slot();
        let refused = &mut self.brokers.refused;
        match report.exec {
            // What never left was refused by nobody: the next one need not wait.
            ExecType::Rejected(RejectReason::NotSent) => {}
            ExecType::Rejected(reason) if reason.class() != RejectClass::Unavailable => {
                let times = match refused.iter_mut().find(|refused| refused.slot == slot) {
                    Some(found) => {
                        found.times = found.times.saturating_add(1);
                        found.times
                    }
                    None => {
                        refused.push(Refused { slot, times: 1, until: now });
                        1
                    }
                };
                let wait = REFUSED_WAIT_NS << (2 * u32::from(times - 1)).min(16);
                if let Some(found) = refused.iter_mut().find(|refused| refused.slot == slot) {
                    found.until = now.plus_nanos(wait);
                }
            }
            ExecType::Accepted | ExecType::New => refused.retain(|other| other.slot != slot),
            _ => {}
        }
    }

    /// A feed's session began or ended.
    pub(crate) fn observe_feed(&mut self, source: SourceId, up: bool) {
        let feeds = &mut self.brokers.feeds;
        match feeds.iter_mut().find(|(of, _)| *of == source) {
            Some((_, connected)) => *connected = up,
            None => feeds.push((source, up)),
        }
    }

    /// A broker's session began or ended: what was asked before is void, and what left without an
    /// outcome may have arrived (journal.md 12, safety.md section 3).
    pub(crate) fn observe_connection(&mut self, broker: BrokerId, up: bool, now: Timestamp) {
        let state = self.brokers.get_mut(broker);
        if state.connected == up {
            return;
        }
        (state.connected, state.since, state.round) = (up, now, None);
        self.brokers.open.retain(|open| open.query.broker != broker);
        for doubt in self.brokers.doubts.iter_mut().filter(|doubt| doubt.broker == broker) {
            (doubt.answers, doubt.agreed, doubt.asked) = (0, false, 0);
            doubt.due = now.plus_nanos(pause_ns(0));
        }
        if !up {
            self.doubt_what_is_open(Some(broker), UnknownCause::ConnectionLost, now);
        }
    }

    /// Requests without an outcome are in doubt, cancels without one are made again.
    fn doubt_what_is_open(
        &mut self,
        broker: Option<BrokerId>,
        cause: UnknownCause,
        now: Timestamp,
    ) {
        let lives = |order: &&Order| {
            !order.state.is_terminal() && broker.is_none_or(|of| order.request.broker == of)
        };
        let numbers = |which: &dyn Fn(&Order) -> bool| -> Vec<OrderNumber> {
            let orders = self.orders.iter().filter(lives).filter(|order| which(order));
            orders.map(|order| order.request.client_id.number).collect()
        };
        let open =
            numbers(&|order| order.state == OrderState::Sent || order.replace_pending.is_some());
        let cancelling = numbers(&|order| order.cancel_pending);
        for number in open {
            if self.brokers.doubt(number).is_none() {
                self.raise_doubt(number, cause, now);
            }
        }
        for number in cancelling {
            self.brokers.note_failure(number, now);
        }
    }

    /// A process begins: requests without outcome are unknown, questions void (journal.md 9).
    pub(crate) fn observe_start(&mut self, epoch: u32, now: Timestamp) {
        self.brokers.epoch = epoch;
        self.brokers.next_query = 0;
        self.brokers.open.clear();
        for state in &mut self.brokers.list {
            (state.connected, state.since, state.round) = (false, now, None);
        }
        for doubt in &mut self.brokers.doubts {
            (doubt.answers, doubt.agreed, doubt.asked) = (0, false, 0);
            doubt.due = now.plus_nanos(pause_ns(0));
        }
        self.doubt_what_is_open(None, UnknownCause::Restart, now);
    }

    /// An operator says that an order in doubt was filled (R7): the missing shares are booked, and
    /// what is left of it is not at the broker any more.
    pub(super) fn observe_resolution(
        &mut self,
        number: OrderNumber,
        resolution: Resolution,
        now: Timestamp,
        seen: &mut Seen,
    ) {
        let (Resolution::Filled { quantity, price }, true) =
            (resolution, self.brokers.doubt(number).is_some())
        else {
            return;
        };
        let Some(order) = self.orders.get(number) else { return };
        let missing = quantity.minus(order.cum_qty);
        let (id, side) = (order.request.client_id, order.request.side);
        let Some(exec_id) = ExecId::new(&format!("OPERATOR-{}", number.0)) else { return };
        if missing.is_positive() {
            let fill = Fill { exec_id, side, quantity: missing, price, fee: Cash::ZERO };
            self.take_as_report(&id, ExecType::Trade(fill), now, seen);
        }
        if self.brokers.doubt(number).is_some() {
            self.take_as_report(&id, ExecType::Cancelled, now, seen);
        }
    }

    /// A question was asked.
    pub(super) fn fold_query(&mut self, query: &model::Query, now: Timestamp) {
        self.brokers.next_query = query.id.number + 1;
        if !matches!(query.ask, Ask::Order(_)) {
            self.fold_round_query(query, now);
            return;
        }
        self.brokers.open.push(OpenQuery { query: *query, asked_at: now });
        if let Ask::Order(id) = query.ask
            && let Some(doubt) = self.brokers.doubts.iter_mut().find(|d| d.client_id == id)
        {
            doubt.asked = doubt.asked.saturating_add(1);
            doubt.due = now.plus_nanos(pause_ns(doubt.asked));
        }
    }

    /// An attempt is closed by decision: by proof that it never arrived, by an operator, or to go
    /// on elsewhere.
    pub(super) fn fold_attempt_closed(&mut self, closed: &AttemptClosed) {
        self.brokers.attempts.push(*closed);
        let number = closed.client_id.number;
        if closed.how == Closed::Moved {
            return;
        }
        let Some(order) = self.orders.get_mut(number) else { return };
        let symbol = order.request.symbol;
        let fence = Fence { client_id: closed.client_id, symbol, appeared: false };
        self.brokers.fences.push(fence);
        let replaced = order
            .replace_pending
            .as_deref()
            .is_some_and(|pending| pending.client_id == closed.client_id);
        if replaced {
            // The order itself is what is in doubt now: was it there all along?
            order.replace_pending = None;
            let id = order.request.client_id;
            for doubt in self.brokers.doubts.iter_mut().filter(|d| d.number() == number) {
                doubt.turn_to_order(id);
                doubt.due = closed.time.plus_nanos(pause_ns(0));
            }
            // All that the order itself was for may be filled already.
            self.advance(number);
            if let Some(order) = self.orders.get(number).filter(|o| o.state.is_terminal()) {
                self.end_order(number, order.slot(), true);
                self.review(number);
            }
            return;
        }
        if let Ok(state) = after(order.state, OrderEvent::Cancelled) {
            order.state = state;
            order.updated = closed.time;
            let key = order.slot();
            // Nothing was filled, so no target is to be placed.
            self.end_order(number, key, false);
        }
        self.review(number);
    }

    /// A session begins: what was closed or refused in the one before is forgotten, as its orders
    /// are.
    pub(super) fn forget_closed_attempts(&mut self) {
        self.brokers.attempts.clear();
        self.brokers.refused.clear();
        self.forget_what_is_heard();
        let orders = &self.orders;
        self.brokers.fences.retain(|fence| orders.get(fence.client_id.number).is_some());
    }
}
