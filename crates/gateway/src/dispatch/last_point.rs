//! The last point before the wire: what is checked once for each command, immediately before it is
//! handed over (journal.md 6).
//!
//! The kill line is checked by the task itself, which holds it while the bytes leave.

use engine::risk_manager::{MessageBudget, MessageClass};
use model::{Command, NotSentReason, SECOND_NS, Timestamp};

use super::Released;
use crate::children::Children;

/// An opening order that was decided longer ago does not leave any more (R3).
pub(super) const OLDEST_NS: u64 = 2 * SECOND_NS as u64;

/// What a broker takes, and what it was sent of late (C13).
#[derive(Debug)]
pub(super) struct LastPoint {
    per_minute: Option<u32>,
    budget: MessageBudget,
}

/// Returns true for commands that may open a position.
pub(super) fn opens(command: &Command) -> bool {
    match command {
        Command::Submit(order) => !order.client_id.exit,
        Command::Replace(request) => !request.new_client_id.exit,
        Command::Cancel(_) | Command::Query(_) => false,
    }
}

impl LastPoint {
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute, budget: MessageBudget::default() }
    }

    /// Checks a command at `now`, in nanoseconds of the boot-time clock; what passes is counted as
    /// sent.
    pub(super) fn check(
        &mut self,
        released: &Released,
        now: u64,
        fenced: bool,
        children: &Children,
    ) -> Result<(), NotSentReason> {
        if fenced {
            return Err(NotSentReason::Fenced);
        }
        let opening = opens(&released.command);
        if opening && now.saturating_sub(released.decided_mono_ns) > OLDEST_NS {
            return Err(NotSentReason::TooOld);
        }
        let class = if opening { MessageClass::Opening } else { MessageClass::Reserved };
        if !self.has_room(now, class) {
            return Err(NotSentReason::Budget);
        }
        let fits = match &released.command {
            Command::Submit(order) => children.submit(order),
            Command::Replace(request) => children.replace(request),
            Command::Cancel(_) | Command::Query(_) => true,
        };
        if !fits {
            return Err(NotSentReason::LastCheck);
        }
        self.note(now);
        Ok(())
    }

    /// Counts a message. The cancels of the kill switch are counted and never held back.
    pub(super) fn note(&mut self, now: u64) {
        if let Some(per_minute) = self.per_minute {
            self.budget.note(timestamp(now), per_minute);
        }
    }

    fn has_room(&self, now: u64, class: MessageClass) -> bool {
        self.per_minute.is_none_or(|per_minute| {
            let (used, most) = self.budget.used(timestamp(now), per_minute, class);
            used < most
        })
    }
}

fn timestamp(boot_ns: u64) -> Timestamp {
    Timestamp::from_nanos(i64::try_from(boot_ns).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{CancelRequest, ClientOrderId, NewOrder, OrderNumber, Quantity, Query};

    fn entry(number: u64, decided_mono_ns: u64) -> Released {
        let client_id = ClientOrderId { number: OrderNumber(number), ..ClientOrderId::default() };
        let quantity = Quantity::from_shares(1).unwrap();
        let order = NewOrder { client_id, quantity, ..NewOrder::default() };
        Released { command: Command::Submit(order), decided_mono_ns, seq: number }
    }

    fn exit(number: u64) -> Released {
        let mut released = entry(number, 0);
        if let Command::Submit(order) = &mut released.command {
            order.client_id.exit = true;
        }
        released
    }

    /// R3: an entry is at most two seconds old, an exit as old as it is.
    #[test]
    fn old_entries_stay() {
        let (mut point, children) = (LastPoint::new(None), Children::default());
        let mut check = |released: &Released, now| point.check(released, now, false, &children);
        assert_eq!(check(&entry(1, 7), 7 + OLDEST_NS), Ok(()));
        assert_eq!(check(&entry(2, 7), 8 + OLDEST_NS), Err(NotSentReason::TooOld));
        assert_eq!(check(&exit(3), 100 * OLDEST_NS), Ok(()));
    }

    /// C13: of ten a minute eight are used, four of them by entries; exits, cancels and questions
    /// take the rest.
    #[test]
    fn half_of_the_budget_is_kept() {
        let (mut point, children) = (LastPoint::new(Some(10)), Children::default());
        let mut check = |released: &Released| point.check(released, 0, false, &children);
        for number in 0..4 {
            assert_eq!(check(&entry(number, 0)), Ok(()));
        }
        assert_eq!(check(&entry(4, 0)), Err(NotSentReason::Budget));
        let cancel = Command::Cancel(CancelRequest::default());
        let others = [cancel, Command::Query(Query::default()), cancel, exit(5).command];
        for command in others {
            assert_eq!(check(&Released { command, decided_mono_ns: 0, seq: 0 }), Ok(()));
        }
        let command = Command::Cancel(CancelRequest::default());
        let refused = check(&Released { command, decided_mono_ns: 0, seq: 0 });
        assert_eq!(refused, Err(NotSentReason::Budget));
    }

    /// I16 and C16: a fenced process sends nothing, and no attempt exceeds its order.
    #[test]
    fn fences_and_parents_hold() {
        let (mut point, children) = (LastPoint::new(None), Children::default());
        let fenced = point.check(&exit(1), 0, true, &children);
        assert_eq!(fenced, Err(NotSentReason::Fenced));
        assert_eq!(point.check(&entry(1, 0), 0, false, &children), Ok(()));
        let mut again = entry(1, 0);
        if let Command::Submit(order) = &mut again.command {
            order.client_id.attempt = 1;
        }
        let refused = point.check(&again, 0, false, &children);
        assert_eq!(refused, Err(NotSentReason::LastCheck));
    }
}
