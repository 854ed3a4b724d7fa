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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_manager::Replacement;
    use model::Quantity;

    fn outcomes() -> Vec<SendOutcome> {
        let mut all = vec![SendOutcome::Accepted];
        all.extend(NotSentReason::ALL.map(SendOutcome::NotSent));
        all.extend(RejectReason::ALL.map(SendOutcome::Rejected));
        all.extend(UnknownCause::ALL.map(SendOutcome::Unknown));
        all
    }

    /// An order in a state, with a replacement and a cancel under way.
    fn order(state: OrderState, filled: bool) -> Order {
        let mut order = Order::default();
        (order.state, order.cancel_pending) = (state, true);
        if filled {
            order.cum_qty = Quantity::from_shares(1).unwrap();
        }
        let client_id = ClientOrderId { attempt: 1, ..ClientOrderId::default() };
        order.replace_pending = Some(Box::new(Replacement { client_id, ..Replacement::default() }));
        order
    }

    /// Every state, request and outcome, with and without fills: what is unknown never ends an
    /// order, what has ended stays so, a duplicate id is never a refusal, and what a report
    /// confirmed is never taken back (I9, I10, F05).
    #[test]
    fn the_whole_table_keeps_its_rules() {
        let mut combinations = 0;
        for state in OrderState::ALL {
            for filled in [false, true] {
                let order = order(state, filled);
                for request in RequestKind::ALL {
                    let id = match request {
                        RequestKind::Replace => ClientOrderId { attempt: 1, ..Default::default() },
                        RequestKind::Submit | RequestKind::Cancel => ClientOrderId::default(),
                    };
                    for outcome in outcomes() {
                        combinations += 1;
                        check(&order, request, outcome, meaning(&order, &id, request, outcome));
                    }
                }
            }
        }
        assert_eq!(combinations, 11 * 2 * 3 * 31);
    }

    fn check(order: &Order, request: RequestKind, outcome: SendOutcome, found: Meaning) {
        let state = order.state;
        let context = format!("{state:?} {request:?} {outcome:?} -> {found:?}");
        if let SendOutcome::Unknown(_) = outcome {
            let quiet = matches!(found, Meaning::Nothing | Meaning::Doubt(_) | Meaning::Retry);
            assert!(quiet, "{context}");
        }
        if outcome == SendOutcome::Rejected(RejectReason::DuplicateId)
            && request != RequestKind::Cancel
        {
            assert!(!matches!(found, Meaning::Report(_)), "{context}");
        }
        if state.is_terminal() {
            assert!(matches!(found, Meaning::Nothing | Meaning::Contradiction), "{context}");
        }
        let ends = matches!(found, Meaning::Report(ExecType::Rejected(_) | ExecType::Cancelled));
        if ends {
            assert!(matches!(state, OrderState::Sent | OrderState::Unknown), "{context}");
            assert_eq!(request, RequestKind::Submit, "{context}");
        }
        let confirmed =
            matches!(state, OrderState::Accepted | OrderState::Working | OrderState::Filled);
        if request == RequestKind::Submit && confirmed {
            assert!(matches!(found, Meaning::Nothing | Meaning::Contradiction), "{context}");
        }
        if outcome == SendOutcome::Accepted {
            let only = matches!(found, Meaning::Nothing | Meaning::Report(ExecType::Accepted));
            assert!(only, "{context}");
        }
        let live = !state.is_terminal() && state != OrderState::Created;
        if request == RequestKind::Cancel && live {
            let class = match outcome {
                SendOutcome::Rejected(reason) => Some(reason.class()),
                _ => None,
            };
            let expected = match outcome {
                SendOutcome::Accepted => Meaning::Nothing,
                SendOutcome::Rejected(reason)
                    if matches!(class, Some(RejectClass::Business | RejectClass::Exists)) =>
                {
                    Meaning::Ask(ExecType::CancelRejected(reason))
                }
                _ => Meaning::Retry,
            };
            assert_eq!(found, expected, "{context}");
        }
    }

    /// An outcome of an earlier attempt, or of a request that is not under way, says nothing.
    #[test]
    fn stale_outcomes_say_nothing() {
        let other = ClientOrderId { attempt: 7, ..ClientOrderId::default() };
        for outcome in outcomes() {
            let sent = order(OrderState::Sent, false);
            assert_eq!(meaning(&sent, &other, RequestKind::Submit, outcome), Meaning::Nothing);
            assert_eq!(meaning(&sent, &other, RequestKind::Replace, outcome), Meaning::Nothing);
            let mut working = order(OrderState::Working, false);
            (working.cancel_pending, working.replace_pending) = (false, None);
            let id = ClientOrderId::default();
            for request in [RequestKind::Replace, RequestKind::Cancel] {
                assert_eq!(meaning(&working, &id, request, outcome), Meaning::Nothing);
            }
        }
    }
}
