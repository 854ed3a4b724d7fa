//! What the books know of the brokers: connections, doubts, questions, the route.
//!
//! Part of [`Books`](crate::Books): it changes by what is observed and by facts, never else.

use model::{
    BrokerId, Cash, ClientOrderId, OrderNumber, OrderRow, Query, QueryId, SourceId, SymbolId,
    Timestamp, record,
};

use super::attempt::AttemptClosed;
use super::comparing::Difference;
use super::doubt::{Doubt, Fence, Retry, pause_ns};
use super::round::Round;
use super::unheard::Unheard;
use crate::fact::SlotKey;

/// One broker's connection, reports and books.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BrokerState {
    /// Its session stands. A broker that is not remote has no session and is always there.
    pub connected: bool,
    /// Since when that is so.
    pub since: Timestamp,
    /// Reports that came from it.
    pub reports: u64,
    /// The comparison under way.
    pub round: Option<Box<Round>>,
    /// When the next one is due.
    pub due: Timestamp,
    /// When the questions of the last whole comparison were asked.
    pub compared: Option<Timestamp>,
    /// What differed then.
    pub differences: Vec<Difference>,
    /// How far its cash had moved away from ours then.
    pub drift: Cash,
    /// Open orders there that are not ours (F18).
    pub foreign: Vec<OrderRow>,
    /// Value of its positions in symbols that are not of the run.
    pub outside: Cash,
    /// What our fills and charges there did to the cash.
    pub flow: Cash,
    /// Its cash and our flow at the first comparison.
    pub cash_base: Option<CashBase>,
}

/// Where a broker's cash stood at the first comparison.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CashBase {
    /// The broker's cash.
    pub cash: Cash,
    /// Our flow.
    pub flow: Cash,
}

impl BrokerState {
    const NEW: Self = Self {
        connected: false,
        since: Timestamp::from_nanos(0),
        reports: 0,
        round: None,
        due: Timestamp::from_nanos(0),
        compared: None,
        differences: Vec::new(),
        drift: Cash::ZERO,
        foreign: Vec::new(),
        outside: Cash::ZERO,
        flow: Cash::ZERO,
        cash_base: None,
    };
}

/// What is known of a broker that nothing was heard of.
static NEW: BrokerState = BrokerState::NEW;

/// A question without its whole answer yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenQuery {
    /// The question.
    pub query: Query,
    /// When it was asked.
    pub asked_at: Timestamp,
}

/// What a page brought.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Answer {
    /// Nothing yet, or nothing that counts.
    #[default]
    Nothing,
    /// A comparison has everything it asked for.
    Round(Box<Round>),
    /// A comparison is unavailable.
    Failed,
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
    pub(crate) adjustments: u64,
    /// Feeds heard of and whether each is connected.
    pub(crate) feeds: Vec<(SourceId, bool)>,
    /// Orders of which more is executed than was reported.
    pub(crate) unheard: Vec<Unheard>,
}

impl Brokers {
    /// Returns a broker's state.
    pub fn get(&self, broker: BrokerId) -> &BrokerState {
        self.list.get(usize::from(broker.0)).unwrap_or(&NEW)
    }

    /// Returns true when a position in the symbol differs at some broker.
    pub fn differs_in(&self, symbol: SymbolId) -> bool {
        let mut all = self.list.iter().flat_map(|state| &state.differences);
        all.any(|difference| difference.symbol == symbol)
    }

    /// Returns true when the books of some broker differ so much that nothing is opened (C34).
    pub fn differs_widely(&self, equity: Cash) -> bool {
        self.list.iter().any(|state| is_wide(&state.differences, state.drift, equity))
    }

    /// Returns the value of positions in symbols that are not of the run, at all brokers.
    pub fn outside(&self) -> Cash {
        self.list.iter().map(|state| state.outside).sum()
    }

    /// Returns open orders that are not ours, with their brokers (F18).
    pub fn foreign(&self) -> impl Iterator<Item = (BrokerId, &OrderRow)> {
        self.list.iter().enumerate().flat_map(|(index, state)| {
            let broker = BrokerId(u8::try_from(index).unwrap_or(u8::MAX));
            state.foreign.iter().map(move |row| (broker, row))
        })
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, broker: BrokerId) -> &mut BrokerState {
        let index = usize::from(broker.0);
        if self.list.len() <= index {
            self.lengthen(index + 1);
        }
        // The list was made long enough just now.
        &mut self.list[index]
    }

    #[cold]
    fn lengthen(&mut self, count: usize) {
        self.list.resize(count, BrokerState::default());
    }

    /// Returns the requests whose outcome nobody confirmed.
    pub fn doubts(&self) -> &[Doubt] {
        &self.doubts
    }

    /// Returns the doubt about an order.
    pub fn doubt(&self, number: OrderNumber) -> Option<&Doubt> {
        self.doubts.iter().find(|doubt| doubt.number() == number)
    }

    /// Returns what is missing of an order's executions.
    pub fn unheard(&self, number: OrderNumber) -> Option<&Unheard> {
        self.unheard.iter().find(|unheard| unheard.number == number)
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

    /// Returns true when feeds are known and none of them is connected.
    pub fn is_without_feed(&self) -> bool {
        !self.feeds.is_empty() && self.feeds.iter().all(|(_, connected)| !connected)
    }

    /// Returns the name of the next question.
    pub(crate) fn next_query_id(&self) -> QueryId {
        QueryId { epoch: self.epoch, number: self.next_query }
    }

    /// Returns the cancel of an order that is to be made again.
    pub(crate) fn retry(&self, number: OrderNumber) -> Option<&Retry> {
        self.retries.iter().find(|retry| retry.number == number)
    }

    /// A cancel went out: nothing is to be made again before it is answered.
    pub(crate) fn note_cancel(&mut self, number: OrderNumber) {
        if let Some(retry) = self.retries.iter_mut().find(|retry| retry.number == number) {
            retry.due = Timestamp::MAX;
        }
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

/// Returns true when more than one symbol or more than 1 % of `equity` differs (C34).
pub(crate) fn is_wide(differences: &[Difference], drift: Cash, equity: Cash) -> bool {
    let value: Cash = differences.iter().map(|difference| difference.value).sum();
    let most = equity.raw().max(0) / 100;
    differences.len() > 1 || value.raw() > most || drift.max(drift.negated()).raw() > most
}

record!(CashBase { 1: cash, 2: flow });
record!(BrokerState {
    1: connected,
    2: since,
    3: reports,
    4: round,
    5: due,
    6: compared,
    7: differences,
    8: drift,
    9: foreign,
    10: outside,
    11: flow,
    12: cash_base,
});
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
    12: adjustments,
    13: feeds,
    14: unheard,
});
