//! What the books know of the brokers: connections, doubts, questions, the route.
//!
//! Part of [`Books`](crate::Books): it changes by what is observed and by facts, never else.

use model::{
    BrokerId, ClientOrderId, OrderNumber, OrderRow, Query, QueryId, SymbolId, Timestamp, record,
};

use super::attempt::AttemptClosed;
use super::doubt::{Doubt, Fence, Retry, pause_ns};
use crate::fact::SlotKey;

/// One broker's connection and reports.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BrokerState {
    /// Its session stands. A broker that is not remote has no session and is always there.
    pub connected: bool,
    /// Since when that is so.
    pub since: Timestamp,
    /// Reports that came from it.
    pub reports: u64,
}

/// A question without its whole answer yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenQuery {
    /// The question.
    pub query: Query,
    /// When it was asked.
    pub asked_at: Timestamp,
}

/// What a page brought.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Answer {
    /// Nothing yet, or nothing that counts.
    #[default]
    Nothing,
    /// The answer about one order.
    Order {
        /// The id that was asked for.
        client_id: ClientOrderId,
        /// The order, if the broker has it.
        row: Option<OrderRow>,
    },
}

/// An entry that a broker refused: the strategy's next one in the symbol waits (F20).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refused {
    /// Whose entry.
    pub slot: SlotKey,
    /// Refusals in a row.
    pub times: u16,
    /// No entry before.
    pub until: Timestamp,
}

/// What the books know of the brokers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Brokers {
    pub(crate) list: Vec<BrokerState>,
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) retries: Vec<Retry>,
    pub(crate) fences: Vec<Fence>,
    pub(crate) open: Vec<OpenQuery>,
    pub(crate) next_query: u64,
    pub(crate) epoch: u32,
    pub(crate) route: BrokerId,
    pub(crate) switched: Option<Timestamp>,
    pub(crate) attempts: Vec<AttemptClosed>,
    pub(crate) refused: Vec<Refused>,
}

impl Brokers {
    /// Returns a broker's state.
    pub fn get(&self, broker: BrokerId) -> BrokerState {
        self.list.get(usize::from(broker.0)).cloned().unwrap_or_default()
    }

    pub(crate) fn get_mut(&mut self, broker: BrokerId) -> &mut BrokerState {
        let index = usize::from(broker.0);
        if self.list.len() <= index {
            self.list.resize(index + 1, BrokerState::default());
        }
        // The list was made long enough just now.
        &mut self.list[index]
    }

    /// Returns the requests whose outcome nobody confirmed.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// Returns the doubt about an order.
    pub fn doubt(&self, number: OrderNumber) -> Option<&Doubt> {
        self.doubts.iter().find(|doubt| doubt.number() == number)
    }

    /// Returns true while something of a symbol may be at a broker without our knowing (I10).
    pub fn is_doubtful(&self, symbol: SymbolId) -> bool {
        self.doubts.iter().any(|doubt| doubt.symbol == symbol)
            || self.fences.iter().any(|fence| fence.symbol == symbol && fence.appeared)
    }

    /// Returns the questions without a whole answer.
    pub fn open_queries(&self) -> &[OpenQuery] {
        &self.open
    }

    /// Returns the broker that new entries go to.
    pub fn route(&self) -> BrokerId {
        self.route
    }

    /// Returns the attempts that were closed by decision in this session.
    pub fn closed_attempts(&self) -> &[AttemptClosed] {
        &self.attempts
    }

    /// Returns the fencing epoch of this process (R10).
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Returns the name of the next question.
    pub(crate) fn next_query_id(&self) -> QueryId {
        QueryId { epoch: self.epoch, number: self.next_query }
    }

    /// Returns the cancel of an order that is to be made again.
    pub(crate) fn retry(&self, number: OrderNumber) -> Option<&Retry> {
        self.retries.iter().find(|retry| retry.number == number)
    }

    /// Notes that a cancel failed and will be made again.
    pub(crate) fn note_failure(&mut self, number: OrderNumber, now: Timestamp) {
        match self.retries.iter_mut().find(|retry| retry.number == number) {
            Some(retry) => {
                retry.due = now.plus_nanos(pause_ns(retry.failures));
                retry.failures = retry.failures.saturating_add(1);
            }
            None => {
                let due = now.plus_nanos(pause_ns(0));
                self.retries.push(Retry { number, failures: 1, due });
            }
        }
    }
}

record!(BrokerState { 1: connected, 2: since, 3: reports });
record!(OpenQuery { 1: query, 2: asked_at });
record!(Refused { 1: slot, 2: times, 3: until });
record!(Brokers {
    1: list,
    2: doubts,
    3: retries,
    4: fences,
    5: open,
    6: next_query,
    7: epoch,
    8: route,
    9: switched,
    10: attempts,
    11: refused,
});
