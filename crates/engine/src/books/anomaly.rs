//! What does not fit in a broker's report, and how to say it.

use model::{ClientOrderId, ExecId, OrderNumber, RejectReason};

use crate::alert_system::AlertKind;
use crate::order_manager::IllegalTransition;

/// A report that does not fit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Anomaly {
    /// On an order that is not ours or long forgotten (F19).
    UnknownOrder(ClientOrderId),
    /// Not legal in the order's state (I9).
    Illegal(OrderNumber, IllegalTransition),
    /// The broker refused the order, or to change or cancel it.
    Refused(OrderNumber, RejectReason),
    /// More was filled than ordered, or an exit filled beyond the position (I4).
    OverFill(OrderNumber),
    /// A fill after the order was done (F09).
    LateFill(OrderNumber),
    /// A fill on the other side than was ordered (F19).
    WrongSide(OrderNumber),
    /// A fill whose numbers cannot be: it is not booked.
    Unusable(OrderNumber),
    /// An execution was corrected or cancelled (F12).
    Restated(OrderNumber, ExecId),
}

impl Anomaly {
    /// Returns the alert that the anomaly raises, with its text; `None` when it is an ordinary
    /// race that needs nobody.
    pub(crate) fn alert(&self) -> Option<(AlertKind, String)> {
        use AlertKind as K;
        Some(match self {
            Self::UnknownOrder(client_id) => (
                K::UnknownOrder,
                format!(
                    "report on order {client_id}, which is not known here: what it filled is held \
                     as external; claim it or have the broker explain it"
                ),
            ),
            Self::Illegal(number, illegal) => {
                (K::IllegalTransition, format!("order {}: {illegal}", number.0))
            }
            // Filled or cancelled before the request came there: the report of that says so.
            Self::Refused(_, RejectReason::TooLate) => return None,
            Self::Refused(number, reason) => {
                (K::BrokerReject, format!("order {} was refused: {reason:?}", number.0))
            }
            Self::OverFill(number) => {
                (K::OverFill, format!("order {} was filled beyond what was asked for", number.0))
            }
            Self::LateFill(number) => {
                (K::LateFill, format!("order {} was filled after it was done", number.0))
            }
            Self::WrongSide(number) => (
                K::OverFill,
                format!("order {} was filled on the other side than was ordered", number.0),
            ),
            Self::Unusable(number) => (
                K::Arithmetic,
                format!("a fill of order {} has impossible numbers and was not booked", number.0),
            ),
            Self::Restated(number, id) => (
                K::Restated,
                format!("execution {id} of order {} was corrected or cancelled", number.0),
            ),
        })
    }
}
