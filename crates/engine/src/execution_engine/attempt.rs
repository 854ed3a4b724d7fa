//! R1 as one table: what became of an attempt at one broker, and whether the rest of the intent
//! may go to another.
//!
//! Invariant: "no success answer" is never permission; every state that is not proof of
//! non-acceptance or of a known end forbids (I1, F06).

use model::{
    BrokerId, ClientOrderId, OrderState, Quantity, RejectClass, RejectReason, SendOutcome,
    Timestamp, record, record_enum,
};

/// What became of an attempt at a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttemptState {
    /// No byte left.
    NotSent,
    /// Refused, with the class of the reason.
    Refused(RejectClass),
    /// It is or may be at work: sent, accepted, working, partly filled.
    Open,
    /// Nobody knows.
    Unknown,
    /// Ended by the broker's word: cancelled or expired, the filled shares known.
    Dead,
    /// Done in full.
    Filled,
}

impl AttemptState {
    /// All states, in the order of their definition.
    pub const ALL: [Self; 9] = [
        Self::NotSent,
        Self::Refused(RejectClass::Unavailable),
        Self::Refused(RejectClass::Throttled),
        Self::Refused(RejectClass::Business),
        Self::Refused(RejectClass::Exists),
        Self::Open,
        Self::Unknown,
        Self::Dead,
        Self::Filled,
    ];

    /// Returns what an order's state and the reason of its refusal say about its last attempt.
    pub fn of(state: OrderState, refusal: Option<RejectReason>) -> Self {
        match state {
            OrderState::Unknown => Self::Unknown,
            OrderState::Created
            | OrderState::Sent
            | OrderState::Accepted
            | OrderState::Working
            | OrderState::PartiallyFilled
            // The order that took its place is at work.
            | OrderState::Replaced => Self::Open,
            OrderState::Filled => Self::Filled,
            OrderState::Cancelled | OrderState::Expired => Self::Dead,
            OrderState::Rejected => match refusal {
                Some(RejectReason::NotSent) => Self::NotSent,
                Some(reason) => Self::Refused(reason.class()),
                None => Self::Refused(RejectClass::Business),
            },
        }
    }

    /// Returns true when this attempt does not forbid another broker (R1).
    pub const fn permits_another_broker(self) -> bool {
        match self {
            Self::NotSent | Self::Refused(RejectClass::Unavailable) | Self::Dead => true,
            Self::Refused(RejectClass::Throttled | RejectClass::Business | RejectClass::Exists)
            | Self::Open
            | Self::Unknown
            | Self::Filled => false,
        }
    }
}

/// Returns true when the rest of an intent may go to another broker: every attempt permits it
/// (R1). Without an attempt there is nothing to fail over.
pub fn may_fail_over(attempts: &[AttemptState]) -> bool {
    !attempts.is_empty() && attempts.iter().all(|attempt| attempt.permits_another_broker())
}

/// Returns true when an outcome is a reason to try another broker: it was not reached, or said
/// that it is not available. Other denials on our side would be the same elsewhere.
pub fn calls_for_another_broker(outcome: SendOutcome) -> bool {
    use model::NotSentReason;
    match outcome {
        SendOutcome::NotSent(reason) => reason == NotSentReason::NotConnected,
        SendOutcome::Rejected(reason) => reason.class() == RejectClass::Unavailable,
        SendOutcome::Accepted | SendOutcome::Unknown(_) => false,
    }
}

/// How an attempt was closed by decision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Closed {
    /// Its end is known and its rest goes to another broker (R2).
    #[default]
    Moved,
    /// It never arrived (R7).
    NotFound,
    /// An operator declared it dead.
    Operator,
}

/// An attempt that is closed: durable before anything else is sent for its intent (R2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AttemptClosed {
    /// The attempt's id.
    pub client_id: ClientOrderId,
    /// Where it was.
    pub broker: BrokerId,
    /// How it was closed.
    pub how: Closed,
    /// Shares filled there.
    pub filled: Quantity,
    /// When it was closed.
    pub time: Timestamp,
}

record_enum!(Closed { 0: Moved, 1: NotFound, 2: Operator });
record!(AttemptClosed { 1: client_id, 2: broker, 3: how, 4: filled, 5: time });

#[cfg(test)]
mod tests {
    use super::*;
    use model::{NotSentReason, UnknownCause};

    /// F06, R1: the whole matrix of two attempts; a single one that forbids is enough.
    #[test]
    fn every_pair_of_attempts_follows_r1() {
        use AttemptState as A;
        let permitting = [A::NotSent, A::Refused(RejectClass::Unavailable), A::Dead];
        for first in A::ALL {
            let alone = permitting.contains(&first);
            assert_eq!(may_fail_over(&[first]), alone, "{first:?}");
            for second in A::ALL {
                let both = alone && permitting.contains(&second);
                assert_eq!(may_fail_over(&[first, second]), both, "{first:?} {second:?}");
            }
        }
        assert!(!may_fail_over(&[]));
    }

    /// R1: every order state with every refusal; only the proved ones permit.
    #[test]
    fn order_states_map_onto_the_table() {
        for state in OrderState::ALL {
            for reason in RejectReason::ALL {
                let permits = AttemptState::of(state, Some(reason)).permits_another_broker();
                let expected = match state {
                    OrderState::Cancelled | OrderState::Expired => true,
                    OrderState::Rejected => {
                        matches!(reason, RejectReason::BrokerUnavailable | RejectReason::NotSent)
                    }
                    _ => false,
                };
                assert_eq!(permits, expected, "{state:?} {reason:?}");
            }
        }
    }

    /// Safety.md section 3: a business refusal, a rate limit and an unknown outcome are never a
    /// reason to try elsewhere.
    #[test]
    fn only_an_unreachable_broker_calls_for_another() {
        for reason in RejectReason::ALL {
            let expected = reason == RejectReason::BrokerUnavailable;
            assert_eq!(calls_for_another_broker(SendOutcome::Rejected(reason)), expected);
        }
        for reason in NotSentReason::ALL {
            let expected = reason == NotSentReason::NotConnected;
            assert_eq!(calls_for_another_broker(SendOutcome::NotSent(reason)), expected);
        }
        for cause in UnknownCause::ALL {
            assert!(!calls_for_another_broker(SendOutcome::Unknown(cause)));
        }
        assert!(!calls_for_another_broker(SendOutcome::Accepted));
    }
}
