//! C16 at the last point before the wire: what all attempts of an order may still fill is never
//! more than the order.
//!
//! The table knows no strategy and no book of the core; it is filled by what passes here and by
//! what brokers say, and is shared by all brokers, since an order may move to another one (R2). A
//! replacement counts as the larger of the two quantities until one of them is gone (R9).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use model::{ClientOrderId, NewOrder, Quantity, ReplaceRequest};

/// Orders without a live attempt are remembered up to this number.
const REMEMBERED: usize = 4_096;

/// An order whatever its attempt.
pub(crate) type OrderKey = ([u8; 4], u32, u64);

/// Returns the key of an id.
pub(crate) fn key(id: ClientOrderId) -> OrderKey {
    (id.tag, id.epoch, id.number.0)
}

/// What all attempts of all orders may still fill.
#[derive(Debug, Default)]
pub struct Children(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    parents: HashMap<OrderKey, Parent>,
    finished: VecDeque<OrderKey>,
}

#[derive(Debug, Default)]
struct Parent {
    /// The most that was ordered.
    most: Quantity,
    filled: Quantity,
    live: Vec<Child>,
}

#[derive(Debug)]
struct Child {
    id: ClientOrderId,
    leaves: Quantity,
}

impl Parent {
    fn live_but(&self, id: ClientOrderId) -> Quantity {
        let others = self.live.iter().filter(|child| child.id != id);
        others.fold(Quantity::ZERO, |sum, child| sum.plus(child.leaves))
    }
}

impl Children {
    /// Takes an attempt in; false when the order would be exceeded: it must not leave.
    pub(crate) fn submit(&self, order: &NewOrder) -> bool {
        self.with(order.client_id, |parent| {
            parent.most = if parent.most.is_zero() { order.quantity } else { parent.most };
            let sum = parent.live_but(order.client_id).plus(parent.filled).plus(order.quantity);
            let fits = sum <= parent.most;
            if fits {
                parent.live.push(Child { id: order.client_id, leaves: order.quantity });
            }
            fits
        })
    }

    /// Takes a replacement in; false when other attempts leave no room for it.
    pub(crate) fn replace(&self, request: &ReplaceRequest) -> bool {
        self.with(request.client_id, |parent| {
            let others = parent.live_but(request.client_id);
            let leaves = request.quantity.minus(parent.filled);
            let fits = others.is_zero()
                || others.plus(parent.filled).plus(leaves) <= parent.most.max(Quantity::ZERO);
            if fits {
                parent.most = parent.most.max(request.quantity);
                match parent.live.iter_mut().find(|child| child.id == request.client_id) {
                    Some(child) => child.leaves = child.leaves.max(leaves),
                    None => parent.live.push(Child { id: request.client_id, leaves }),
                }
            }
            fits
        })
    }

    /// A replacement is in force: the attempt goes on under its new id.
    pub(crate) fn replaced(&self, new: ClientOrderId, quantity: Quantity) {
        self.with(new, |parent| {
            let leaves = quantity.minus(parent.filled);
            if let Some(child) = parent.live.iter_mut().max_by_key(|child| child.id.attempt) {
                *child = Child { id: new, leaves };
            }
        });
    }

    /// Takes in what an earlier run left working.
    pub(crate) fn stands(&self, id: ClientOrderId, quantity: Quantity, filled: Quantity) {
        self.with(id, |parent| {
            parent.most = parent.most.max(quantity);
            parent.filled = parent.filled.max(filled);
            if parent.live.iter().all(|child| child.id != id) {
                parent.live.push(Child { id, leaves: quantity.minus(filled) });
            }
        });
    }

    /// Some of an attempt was filled.
    pub(crate) fn filled(&self, id: ClientOrderId, quantity: Quantity) {
        self.with(id, |parent| {
            parent.filled = parent.filled.plus(quantity);
            if let Some(child) = parent.live.iter_mut().find(|child| child.id == id) {
                child.leaves = child.leaves.minus(quantity).max(Quantity::ZERO);
            }
            parent.live.retain(|child| child.leaves.is_positive());
        });
    }

    /// An attempt has ended: nothing of it fills any more.
    pub(crate) fn ended(&self, id: ClientOrderId) {
        self.with(id, |parent| parent.live.retain(|child| child.id != id));
    }

    fn with<T>(&self, id: ClientOrderId, change: impl FnOnce(&mut Parent) -> T) -> T {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(id);
        let known = table.parents.contains_key(&key);
        let parent = table.parents.entry(key).or_default();
        let was_live = !parent.live.is_empty();
        let result = change(parent);
        if parent.live.is_empty() && !known {
            table.parents.remove(&key);
        } else if parent.live.is_empty() && was_live {
            table.finished.push_back(key);
            if table.finished.len() > REMEMBERED
                && let Some(oldest) = table.finished.pop_front()
                && table.parents.get(&oldest).is_some_and(|parent| parent.live.is_empty())
            {
                table.parents.remove(&oldest);
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(count: i64) -> Quantity {
        Quantity::from_shares(count).unwrap()
    }

    fn order(attempt: u16, quantity: i64) -> NewOrder {
        let client_id = ClientOrderId { attempt, ..ClientOrderId::default() };
        NewOrder { client_id, quantity: shares(quantity), ..NewOrder::default() }
    }

    fn replace(from: u16, quantity: i64) -> ReplaceRequest {
        ReplaceRequest {
            client_id: order(from, 1).client_id,
            new_client_id: order(from + 1, 1).client_id,
            quantity: shares(quantity),
            ..ReplaceRequest::default()
        }
    }

    /// R1, R2, C16: while an attempt may fill, another one may not leave; after it ended, the rest
    /// may.
    #[test]
    fn a_second_attempt_takes_the_rest_only() {
        let children = Children::default();
        assert!(children.submit(&order(0, 100)));
        assert!(!children.submit(&order(1, 100)), "the first may still fill");
        children.filled(order(0, 1).client_id, shares(40));
        assert!(!children.submit(&order(1, 60)));
        children.ended(order(0, 1).client_id);
        assert!(!children.submit(&order(1, 61)));
        assert!(children.submit(&order(1, 60)));
    }

    /// R9: a replacement counts as the larger of both, and its quantity is the order's from then on.
    #[test]
    fn a_replacement_counts_once() {
        let children = Children::default();
        assert!(children.submit(&order(0, 100)));
        assert!(children.replace(&replace(0, 150)), "a stop follows the fills of its entry");
        children.replaced(order(1, 1).client_id, shares(150));
        children.filled(order(1, 1).client_id, shares(50));
        assert!(!children.submit(&order(2, 1)));
        children.ended(order(1, 1).client_id);
        assert!(!children.submit(&order(2, 101)) && children.submit(&order(2, 100)));
    }

    #[test]
    fn finished_orders_are_forgotten_in_the_end() {
        let children = Children::default();
        for number in 0..2 * REMEMBERED as u64 {
            let mut order = order(0, 1);
            order.client_id.number.0 = number;
            assert!(children.submit(&order));
            children.ended(order.client_id);
        }
        let table = children.0.lock().unwrap();
        assert!(table.parents.len() <= REMEMBERED + 1, "{}", table.parents.len());
    }
}
