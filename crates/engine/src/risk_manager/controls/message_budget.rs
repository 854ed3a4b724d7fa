//! C13: the messages that a broker takes; half of them are kept for exits, cancels and queries.

use model::record::{DecodeError, Reader, Writer, read};
use model::{BrokerId, MINUTE_NS, Timestamp, record};

use super::{Control, Interest};
use crate::books::Books;
use crate::risk_manager::rate::Bucket;
use crate::risk_manager::{
    ControlId, GateEvent, Limits, Proposal, RejectCode, Rejection, WorstCase,
};

/// What a message is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageClass {
    /// An opening order or its replacement: may use half of the budget.
    Opening,
    /// An exit, a cancel or a query: may use all of it.
    Reserved,
}

/// The messages sent to one broker of late: pure, also for the gateway, which adds the queries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MessageBudget {
    bucket: Bucket,
}

impl MessageBudget {
    /// Returns the messages in use and the most that `class` may use, of a broker that allows
    /// `per_minute`: 80 % of that, half of it for opening orders.
    pub fn used(&self, now: Timestamp, per_minute: u32, class: MessageClass) -> (i64, i64) {
        let budget = Self::budget(per_minute);
        let most = match class {
            MessageClass::Opening => budget / 2,
            MessageClass::Reserved => budget,
        };
        (self.bucket.used(now, MINUTE_NS / budget.max(1)), most)
    }

    /// Counts a message of any class.
    pub fn note(&mut self, now: Timestamp, per_minute: u32) {
        self.bucket.take(now, MINUTE_NS / Self::budget(per_minute).max(1));
    }

    fn budget(per_minute: u32) -> i64 {
        i64::from(per_minute) * 4 / 5
    }
}

/// Refuses opening orders once half of a broker's budget is used.
#[derive(Debug, Default)]
pub(super) struct Messages {
    brokers: Vec<(BrokerId, MessageBudget)>,
}

impl Messages {
    fn note(&mut self, broker: BrokerId, time: Timestamp, limits: &Limits) {
        let Some(per_minute) = limits.broker_messages_per_minute else { return };
        if !self.brokers.iter().any(|(of, _)| *of == broker) {
            self.brokers.push((broker, MessageBudget::default()));
        }
        if let Some((_, budget)) = self.brokers.iter_mut().find(|(of, _)| *of == broker) {
            budget.note(time, per_minute);
        }
    }
}

impl Control for Messages {
    fn id(&self) -> ControlId {
        ControlId(13)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let Some(per_minute) = books.gate().limits().broker_messages_per_minute else {
            return Ok(());
        };
        let known = self.brokers.iter().find(|(of, _)| *of == proposal.broker);
        let budget = known.map_or(MessageBudget::default(), |(_, budget)| *budget);
        let (used, most) = budget.used(proposal.now, per_minute, MessageClass::Opening);
        if used >= most {
            let (limit, value) = (most as f64, used as f64 + 1.0);
            return Err(Rejection::new(RejectCode::MessageBudget, limit, value));
        }
        Ok(())
    }

    fn observes(&self) -> Interest {
        Interest::Decisions
    }

    fn observe(&mut self, event: &GateEvent<'_>, limits: &Limits) {
        match event {
            GateEvent::Approved(intent) => self.note(intent.order.broker, intent.time, limits),
            GateEvent::Replaced(replace) => {
                self.note(replace.request.broker, replace.time, limits);
            }
            GateEvent::Cancelled(cancel) => self.note(cancel.request.broker, cancel.time, limits),
            _ => {}
        }
    }

    fn save(&self, writer: &mut Writer) {
        writer.field(1, &self.brokers);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        while let Some(field) = reader.next_field()? {
            if field.tag == 1 {
                read(&mut self.brokers, &field, "Messages")?;
            }
        }
        Ok(())
    }
}

record!(MessageBudget { 1: bucket });

#[cfg(test)]
mod tests {
    use super::super::testing::{entry_intent, proposal, refusal, with_limits};
    use super::*;
    use crate::fact::Fact;

    /// Of 20 a minute 16 are used: the ninth message may open nothing, the sixteenth may cancel.
    #[test]
    fn half_is_kept_for_exits_and_cancels() {
        let now = Timestamp::from_nanos(0);
        let mut budget = MessageBudget::default();
        let may = |budget: &MessageBudget, class| {
            let (used, most) = budget.used(now, 20, class);
            used < most
        };
        for sent in 0..17 {
            assert_eq!(may(&budget, MessageClass::Opening), sent < 8, "after {sent}");
            assert_eq!(may(&budget, MessageClass::Reserved), sent < 16, "after {sent}");
            budget.note(now, 20);
        }
    }

    /// The gate refuses an opening order at half the budget, of its own broker only; a message
    /// comes back after 3.75 s.
    #[test]
    fn opening_stops_at_half() {
        let limits = Limits { broker_messages_per_minute: Some(20), ..Limits::default() };
        let mut books = with_limits(limits);
        let check = |books: &Books, broker, nanos: i64| {
            let now = Timestamp::from_nanos(1_000 + nanos);
            let proposal = Proposal { broker: BrokerId(broker), now, ..proposal(1, "10.00") };
            refusal("C13", &proposal, &WorstCase::default(), books)
        };
        for _ in 0..8 {
            assert_eq!(check(&books, 0, 0), None);
            books.fold(&Fact::Intent(Box::new(entry_intent(1, "10.00"))));
        }
        assert_eq!(check(&books, 0, 3_750_000_000 - 1), Some(RejectCode::MessageBudget));
        assert_eq!(check(&books, 0, 3_750_000_000), None);
        assert_eq!(check(&books, 1, 0), None);
    }
}
