//! Every order that was sent, stored densely by number.
//!
//! Finished orders stay known until the end of the next session, so that late fills find them;
//! what is reported on an order later than that is foreign (F19).

use std::collections::VecDeque;

use model::{BrokerId, ClientOrderId, OrderNumber, record};

use crate::order_manager::Order;

/// All orders that are still known, by number.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OrderHistory {
    first: u64,
    orders: VecDeque<Order>,
}

impl OrderHistory {
    /// Returns the number that the next order gets.
    #[inline]
    pub fn next_number(&self) -> OrderNumber {
        OrderNumber(self.first + self.orders.len() as u64)
    }

    /// Returns an order, or `None` when it is unknown or forgotten.
    #[inline]
    pub fn get(&self, number: OrderNumber) -> Option<&Order> {
        self.orders.get(usize::try_from(number.0.checked_sub(self.first)?).ok()?)
    }

    /// Returns an order for change.
    #[inline]
    pub(crate) fn get_mut(&mut self, number: OrderNumber) -> Option<&mut Order> {
        self.orders.get_mut(usize::try_from(number.0.checked_sub(self.first)?).ok()?)
    }

    /// Returns the order that a report names: number, tag and epoch agree.
    pub fn named(&self, id: &ClientOrderId, broker: BrokerId) -> Option<&Order> {
        self.get(id.number).filter(|order| {
            let ours = &order.request.client_id;
            ours.tag == id.tag && ours.epoch == id.epoch && order.request.broker == broker
        })
    }

    /// Returns the number of the order that a report [names](Self::named).
    pub fn find(&self, id: &ClientOrderId, broker: BrokerId) -> Option<OrderNumber> {
        self.named(id, broker).map(|_| id.number)
    }

    /// Adds an order under the next number, or the next attempt of a known one in its place: the
    /// attempt before it is closed (R2).
    pub(crate) fn put(&mut self, order: Order) {
        match self.get_mut(order.request.client_id.number) {
            Some(before) => *before = order,
            None => self.orders.push_back(order),
        }
    }

    /// Forgets finished orders below `number`; the first one that is not finished ends it.
    pub(crate) fn forget_below(&mut self, number: OrderNumber) {
        while self.first < number.0
            && self.orders.front().is_some_and(|order| order.state.is_terminal())
        {
            self.orders.pop_front();
            self.first += 1;
        }
    }

    /// Returns the known orders, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }
}

record!(OrderHistory { 1: first, 2: orders });
