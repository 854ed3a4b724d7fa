//! An order as the broker holds it, as the report that we missed (F01, F04).
//!
//! Invariant: fills come from executions only (venues.md 0), so an end is not adopted while
//! executions are missing.

use model::{ClientOrderId, ExecType, OrderRow, OrderState, RejectReason};

use crate::order_manager::Order;

/// Returns the report that brings our order to where the broker's is; `None` when there is
/// nothing new or something is missing first.
pub fn adopted(order: &Order, asked: &ClientOrderId, row: &OrderRow) -> Option<ExecType> {
    use OrderState as S;
    if order.state.is_terminal() {
        return None;
    }
    let replacement = order.replace_pending.as_deref().is_some_and(|p| p.client_id == *asked);
    let complete = row.filled == order.cum_qty;
    let exec = match row.state {
        // It exists; what it will be is not said yet.
        S::Created | S::Sent | S::Unknown => return None,
        S::Accepted | S::Working | S::PartiallyFilled if replacement => ExecType::Replaced,
        S::Accepted if order.state != S::Sent && order.state != S::Unknown => return None,
        S::Accepted => ExecType::Accepted,
        S::Working | S::PartiallyFilled => ExecType::New,
        // Executions are missing: the order exists, its end comes after them.
        S::Filled | S::Cancelled | S::Expired | S::Rejected | S::Replaced if !complete => {
            return (order.state == S::Unknown && !replacement).then_some(ExecType::New);
        }
        S::Cancelled | S::Rejected if replacement => ExecType::ReplaceRejected(RejectReason::Other),
        S::Cancelled => ExecType::Cancelled,
        S::Expired => ExecType::Expired,
        S::Rejected => ExecType::Rejected(RejectReason::Other),
        S::Replaced => return None,
        // Complete by our own executions, or it would not be complete.
        S::Filled => return None,
    };
    let says_nothing_new =
        exec == ExecType::New && matches!(order.state, S::Working | S::PartiallyFilled);
    (!says_nothing_new).then_some(exec)
}
