//! Commands that wait for their turn: per order first in, first out, different orders side by side
//! (journal.md 6).
//!
//! Invariant: of one order, one call is under way; a cancel that meets its own submit here
//! withdraws it, and nothing of that order is sent.

use std::collections::{HashMap, VecDeque};

use model::{ClientOrderId, Command};

use super::Released;
use crate::children::{OrderKey, key};

/// What waits, by order.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    orders: HashMap<OrderKey, Waiting>,
    ready: VecDeque<Turn>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// A call is under way, or the order stands in `ready`.
    busy: bool,
    commands: VecDeque<Released>,
}

/// What is next.
#[derive(Debug)]
enum Turn {
    /// The first command of this order.
    Order(OrderKey),
    /// A question: it belongs to no order.
    Question(Released),
}

/// Returns the id of the order that a command is about; `None` for a question.
pub(super) fn subject(command: &Command) -> Option<ClientOrderId> {
    match command {
        Command::Submit(order) => Some(order.client_id),
        Command::Replace(request) => Some(request.client_id),
        Command::Cancel(request) => Some(request.client_id),
        Command::Query(_) => None,
    }
}

impl Lanes {
    /// Takes a command in. Returns what is withdrawn with it: the submit of its order, which has
    /// not left, all that follows it, and the cancel itself.
    pub(super) fn push(&mut self, released: Released) -> Vec<Released> {
        let Some(id) = subject(&released.command) else {
            self.ready.push_back(Turn::Question(released));
            return Vec::new();
        };
        let key = key(id);
        let waiting = self.orders.entry(key).or_default();
        let unsent = waiting.commands.iter().any(|r| matches!(r.command, Command::Submit(_)));
        if unsent && matches!(released.command, Command::Cancel(_)) {
            let mut withdrawn: Vec<Released> = waiting.commands.drain(..).collect();
            withdrawn.push(released);
            return withdrawn;
        }
        waiting.commands.push_back(released);
        if !waiting.busy {
            waiting.busy = true;
            self.ready.push_back(Turn::Order(key));
        }
        Vec::new()
    }

    /// Returns the next command whose turn it is. Its order waits until [`done`](Self::done).
    pub(super) fn next(&mut self) -> Option<Released> {
        while let Some(turn) = self.ready.pop_front() {
            match turn {
                Turn::Question(released) => return Some(released),
                Turn::Order(key) => match self.first(key) {
                    Some(released) => return Some(released),
                    None => self.done_with(key),
                },
            }
        }
        None
    }

    /// The call of an order's command is over.
    pub(super) fn done(&mut self, id: ClientOrderId) {
        self.done_with(key(id));
    }

    fn first(&mut self, key: OrderKey) -> Option<Released> {
        self.orders.get_mut(&key)?.commands.pop_front()
    }

    fn done_with(&mut self, key: OrderKey) {
        match self.orders.get(&key) {
            Some(waiting) if !waiting.commands.is_empty() => {
                self.ready.push_back(Turn::Order(key));
            }
            _ => {
                self.orders.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{CancelRequest, NewOrder, OrderNumber, Query, ReplaceRequest};

    fn id(number: u64) -> ClientOrderId {
        ClientOrderId { number: OrderNumber(number), ..ClientOrderId::default() }
    }

    fn released(command: Command, seq: u64) -> Released {
        Released { command, decided_mono_ns: 0, seq }
    }

    fn submit(number: u64, seq: u64) -> Released {
        released(Command::Submit(NewOrder { client_id: id(number), ..NewOrder::default() }), seq)
    }

    fn cancel(number: u64, seq: u64) -> Released {
        let request = CancelRequest { client_id: id(number), ..CancelRequest::default() };
        released(Command::Cancel(request), seq)
    }

    fn replace(number: u64, seq: u64) -> Released {
        let request = ReplaceRequest { client_id: id(number), ..ReplaceRequest::default() };
        released(Command::Replace(request), seq)
    }

    fn seqs(items: &[Released]) -> Vec<u64> {
        items.iter().map(|released| released.seq).collect()
    }

    /// Of one order one call is under way, other orders and questions go past it.
    #[test]
    fn orders_go_side_by_side_and_each_in_its_order() {
        let mut lanes = Lanes::default();
        let question = released(Command::Query(Query::default()), 9);
        for item in [submit(1, 1), submit(2, 2), question] {
            assert!(lanes.push(item).is_empty());
        }
        let mut sent = Vec::new();
        while let Some(next) = lanes.next() {
            sent.push(next.seq);
        }
        assert_eq!(sent, [1, 2, 9]);
        for item in [replace(1, 3), cancel(1, 4)] {
            assert!(lanes.push(item).is_empty());
        }
        assert!(lanes.next().is_none(), "the submit of 1 is under way");
        lanes.done(id(1));
        assert_eq!(lanes.next().map(|r| r.seq), Some(3));
        assert!(lanes.next().is_none());
        lanes.done(id(1));
        assert_eq!(lanes.next().map(|r| r.seq), Some(4));
        lanes.done(id(1));
        lanes.done(id(2));
        assert!(lanes.next().is_none() && lanes.orders.is_empty());
    }

    /// journal.md 6: a cancel that meets its own submit withdraws it with all that follows; a
    /// submit under way is not withdrawn.
    #[test]
    fn a_cancel_withdraws_what_has_not_left() {
        let mut lanes = Lanes::default();
        lanes.push(submit(1, 1));
        lanes.push(replace(1, 2));
        assert_eq!(seqs(&lanes.push(cancel(1, 3))), [1, 2, 3]);
        assert!(lanes.next().is_none() && lanes.orders.is_empty());

        lanes.push(submit(1, 4));
        assert_eq!(lanes.next().map(|r| r.seq), Some(4));
        assert!(lanes.push(cancel(1, 5)).is_empty());
        lanes.done(id(1));
        assert_eq!(lanes.next().map(|r| r.seq), Some(5));
    }
}
