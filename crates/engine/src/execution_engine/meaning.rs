//! What an outcome means for an order: one total table over request, outcome and state.
//!
//! Reports and outcomes race (F05): whichever comes first counts, the other says nothing new.
//! Invariant: an unknown outcome never ends an order, and evidence never turns back into a doubt.

use model::{
    ClientOrderId, ExecType, NotSentReason, OrderState, RejectClass, RejectReason, RequestKind,
    SendOutcome, UnknownCause,
};

use crate::order_manager::Order;

/// What follows from an outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// Nothing new.
    Nothing,
    /// The same as this report of the broker.
    Report(ExecType),
    /// The order may be at the broker (I10).
    Doubt(UnknownCause),
    /// The cancel did not get through and is made again (R9).
    Retry,
    /// The cancel was refused: the order has probably ended, the broker is asked.
    Ask(ExecType),
    /// The outcome denies an order that a report confirmed: alarm, the broker is asked.
    Contradiction,
}

/// Returns what the outcome of a request means for its order.
pub fn meaning(
    order: &Order,
    client_id: &ClientOrderId,
    request: RequestKind,
    outcome: SendOutcome,
) -> Meaning {
    match request {
        RequestKind::Submit if order.request.client_id == *client_id => of_submit(order, outcome),
        RequestKind::Replace => {
            let pending = order.replace_pending.as_deref();
            let current = pending.is_some_and(|pending| pending.client_id == *client_id);
            if current && !order.state.is_terminal() {
                of_replace(outcome)
            } else {
                Meaning::Nothing
            }
        }
        RequestKind::Cancel if order.cancel_pending && !order.state.is_terminal() => {
            of_cancel(outcome)
        }
        // Of an earlier attempt, or of an order that has ended.
        RequestKind::Submit | RequestKind::Cancel => Meaning::Nothing,
    }
}

fn of_submit(order: &Order, outcome: SendOutcome) -> Meaning {
    use {OrderState as S, SendOutcome as O};
    let refusal = match outcome {
        O::NotSent(NotSentReason::Withdrawn) => Some(ExecType::Cancelled),
        O::NotSent(_) => Some(ExecType::Rejected(RejectReason::NotSent)),
        O::Rejected(reason) if reason.class() != RejectClass::Exists => {
            Some(ExecType::Rejected(reason))
        }
        O::Rejected(_) | O::Accepted | O::Unknown(_) => None,
    };
    match (order.state, outcome) {
        (S::Sent | S::Unknown, O::Accepted) => Meaning::Report(ExecType::Accepted),
        (S::Sent, O::Rejected(_) | O::NotSent(_)) => {
            refusal.map_or(Meaning::Doubt(UnknownCause::DuplicateId), Meaning::Report)
        }
        (S::Sent, O::Unknown(cause)) => Meaning::Doubt(cause),
        (S::Unknown, O::Rejected(_) | O::NotSent(_)) => match refusal {
            // Something of it was filled: it cannot have been refused.
            Some(_) if order.cum_qty.is_positive() => Meaning::Contradiction,
            Some(report) => Meaning::Report(report),
            None => Meaning::Nothing,
        },
        (S::Accepted | S::Working | S::PartiallyFilled | S::Filled, _) if refusal.is_some() => {
            Meaning::Contradiction
        }
        _ => Meaning::Nothing,
    }
}

fn of_replace(outcome: SendOutcome) -> Meaning {
    match outcome {
        // Taken is not in force: the report says so (venues.md 1.4).
        SendOutcome::Accepted => Meaning::Nothing,
        SendOutcome::NotSent(_) => {
            Meaning::Report(ExecType::ReplaceRejected(RejectReason::NotSent))
        }
        SendOutcome::Rejected(reason) if reason.class() == RejectClass::Exists => {
            Meaning::Doubt(UnknownCause::DuplicateId)
        }
        SendOutcome::Rejected(reason) => Meaning::Report(ExecType::ReplaceRejected(reason)),
        SendOutcome::Unknown(cause) => Meaning::Doubt(cause),
    }
}

/// R9: a cancel is idempotent and made again until something is known.
fn of_cancel(outcome: SendOutcome) -> Meaning {
    match outcome {
        SendOutcome::Accepted => Meaning::Nothing,
        SendOutcome::NotSent(_) | SendOutcome::Unknown(_) => Meaning::Retry,
        SendOutcome::Rejected(reason) => match reason.class() {
            RejectClass::Unavailable | RejectClass::Throttled => Meaning::Retry,
            RejectClass::Business | RejectClass::Exists => {
                Meaning::Ask(ExecType::CancelRejected(reason))
            }
        },
    }
}
