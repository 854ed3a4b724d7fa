//! Doubts: requests whose outcome nobody confirmed, the questions about them, and when "not
//! found" is evidence (I10, R7).
//!
//! Invariant: a doubt ends by a report, an answer about the order, R7 or an operator; never by
//! time alone.

use model::{
    BrokerId, ClientOrderId, OrderNumber, RequestKind, SECOND_NS, SymbolId, Timestamp,
    UnknownCause, record,
};

use super::traits::NotFound;

/// How long a doubt may last before it is an alarm (safety.md section 3).
pub(crate) const ALARM_NS: i64 = 5 * SECOND_NS;

/// Returns how long to wait before the question or retry after `done` of them: 0.25, 0.5, 1, 2,
/// 5, 5 ... seconds.
pub(crate) fn pause_ns(done: u16) -> i64 {
    match done {
        0 => SECOND_NS / 4,
        1 => SECOND_NS / 2,
        2 => SECOND_NS,
        3 => 2 * SECOND_NS,
        _ => 5 * SECOND_NS,
    }
}

/// A request of an order that the broker may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Doubt {
    /// The id in doubt: the order's, or that of its replacement.
    pub client_id: ClientOrderId,
    /// Where it may be.
    pub broker: BrokerId,
    /// The order's symbol.
    pub symbol: SymbolId,
    /// A submit or a replacement.
    pub request: RequestKind,
    /// Why it is in doubt.
    pub cause: UnknownCause,
    /// Since when.
    pub since: Timestamp,
    /// When the next question is due.
    pub due: Timestamp,
    /// Questions asked.
    pub asked: u16,
    /// Answers "not found" since the broker was last connected, without another one between.
    pub answers: u8,
    /// The last comparison of executions and positions that began after the doubt agreed.
    pub agreed: bool,
}

impl Doubt {
    /// Turns from a replacement to the order itself: was it there all along?
    pub(crate) fn turn_to_order(&mut self, id: ClientOrderId) {
        *self = Self { client_id: id, request: RequestKind::Submit, ..*self };
        (self.answers, self.agreed, self.asked) = (0, false, 0);
    }

    /// Returns the order's number.
    pub fn number(&self) -> OrderNumber {
        self.client_id.number
    }
}

/// What is known when a broker does not find an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// Consistent answers "not found", each well-formed.
    pub answers: u8,
    /// Time since the doubt began or the broker was connected, whichever is later, in
    /// nanoseconds; `None` while it is not connected.
    pub watched_ns: Option<i64>,
    /// Something of the order was filled.
    pub filled: bool,
    /// Executions and positions agree.
    pub agreed: bool,
}

impl NotFound {
    /// Returns true when the evidence proves that the id never arrived (R7).
    pub fn is_proved_by(&self, evidence: &Evidence) -> bool {
        let watched = evidence.watched_ns.is_some_and(|ns| ns >= self.after_ns);
        watched
            && evidence.answers >= self.answers
            && !evidence.filled
            && (evidence.agreed || !self.corroborated)
    }
}

/// A cancel that did not get through and is made again (R9).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retry {
    /// The order.
    pub number: OrderNumber,
    /// Failures in a row.
    pub failures: u16,
    /// Not before.
    pub due: Timestamp,
}

/// An id that R7 or an operator declared dead. It may appear late all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fence {
    /// The id.
    pub client_id: ClientOrderId,
    /// Its symbol.
    pub symbol: SymbolId,
    /// It appeared at the broker after all and is not cancelled yet.
    pub appeared: bool,
}

record!(Doubt {
    1: client_id,
    2: broker,
    3: symbol,
    4: request,
    5: cause,
    6: since,
    7: asked,
    8: answers,
    9: agreed,
    10: due,
});
record!(Retry { 1: number, 2: failures, 3: due });
record!(Fence { 1: client_id, 2: symbol, 3: appeared });

#[cfg(test)]
mod tests {
    use super::*;

    /// R7 at each of its lines and one step beside it: every condition alone forbids.
    #[test]
    fn not_found_is_evidence_only_when_everything_agrees() {
        let table = NotFound::CAREFUL;
        let proof =
            Evidence { answers: 3, watched_ns: Some(30 * SECOND_NS), filled: false, agreed: true };
        assert!(table.is_proved_by(&proof));
        for lacking in [
            Evidence { answers: 2, ..proof },
            Evidence { watched_ns: Some(30 * SECOND_NS - 1), ..proof },
            Evidence { watched_ns: None, ..proof },
            Evidence { filled: true, ..proof },
            Evidence { agreed: false, ..proof },
        ] {
            assert!(!table.is_proved_by(&lacking), "{lacking:?}");
        }
        let first = Evidence { answers: 1, watched_ns: Some(0), filled: false, agreed: false };
        assert!(NotFound::FINAL.is_proved_by(&first), "journal.md 18");
        assert!(!NotFound::FINAL.is_proved_by(&Evidence { answers: 0, ..first }));
    }

    /// Safety.md section 3: 0.25, 0.5, 1, 2, 5, 5 ... s.
    #[test]
    fn questions_are_asked_at_growing_pauses() {
        let pauses: Vec<i64> = (0..7).map(|done| pause_ns(done) / 1_000_000).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 5_000, 5_000, 5_000]);
    }
}
