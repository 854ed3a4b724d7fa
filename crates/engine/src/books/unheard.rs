//! What brokers state as filled and nobody reported is noted here, and forgotten when it is heard.

use model::{ExecutionReport, GroupId, Quantity, Timestamp};

use super::Books;
use crate::execution_engine::{Compared, Unheard};
use crate::order_manager::Order;

impl Books {
    /// Returns the orders of which a broker states more executed than was reported, with the
    /// shares that are missing.
    pub(crate) fn unheard(&self) -> impl Iterator<Item = (&Order, Quantity)> {
        self.brokers.unheard.iter().filter_map(|unheard| {
            let order = self.orders.get(unheard.number)?;
            Some((order, unheard.stated.minus(order.heard_qty())))
        })
    }

    /// Returns the shares that exits of a group sold or bought back without a report of it;
    /// `which` says which exits count.
    #[inline]
    pub(crate) fn unheard_exits(&self, group: GroupId, which: impl Fn(&Order) -> bool) -> Quantity {
        if self.brokers.unheard.is_empty() {
            return Quantity::ZERO;
        }
        let exits = self.unheard().filter(|(order, _)| {
            order.request.role.is_exit() && order.group() == group && which(order)
        });
        exits.fold(Quantity::ZERO, |sum, (_, missing)| sum.plus(missing))
    }

    /// Notes the cumulative quantity that a report states.
    pub(super) fn note_stated(&mut self, report: &ExecutionReport, now: Timestamp) {
        let Some(stated) = report.cum_qty else { return };
        let number = report.client_id.number;
        match self.orders.named(&report.client_id, report.broker) {
            Some(order) if stated > order.heard_qty() => {}
            _ => return,
        }
        match self.brokers.unheard.iter_mut().find(|unheard| unheard.number == number) {
            Some(unheard) => unheard.stated = unheard.stated.max(stated),
            None => self.brokers.unheard.push(Unheard { number, stated, since: now }),
        }
    }

    /// Forgets what was heard meanwhile, and orders of sessions before.
    #[inline]
    pub(super) fn forget_what_is_heard(&mut self) {
        if self.brokers.unheard.is_empty() {
            return;
        }
        let orders = &self.orders;
        self.brokers.unheard.retain(|unheard| {
            orders.get(unheard.number).is_some_and(|order| unheard.stated > order.heard_qty())
        });
    }

    /// The books agree with the broker's, executions included: nothing is missing there, whatever
    /// was stated.
    pub(super) fn settle_unheard(&mut self, compared: &Compared) {
        let orders = &self.orders;
        self.brokers.unheard.retain(|unheard| {
            let Some(order) = orders.get(unheard.number) else { return false };
            let symbol = order.request.symbol;
            order.request.broker != compared.broker
                || unheard.since > compared.asked_at
                || compared.skipped.contains(&symbol)
                || compared.differences.iter().any(|found| found.symbol == symbol)
        });
    }
}
