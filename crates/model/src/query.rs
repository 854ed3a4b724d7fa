//! Questions to a broker and its answers in pages (C34, journal.md 12).
//!
//! Invariant: an answer counts only when it is complete; a failed or missing page is
//! [`Rows::Unavailable`] and never an empty list (F17).

use crate::{
    BrokerId, BrokerOrderId, Cash, ClientOrderId, Fill, OrderKind, OrderState, Quantity, Side,
    SymbolId, Timestamp,
};

/// Names a question: the process that asked and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct QueryId {
    /// The fencing epoch of the process that asks: answers to an older one are void.
    pub epoch: u32,
    /// Ascending within the epoch.
    pub number: u64,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ask {
    /// All orders that are not done.
    #[default]
    OpenOrders,
    /// One order by our id; the answer holds one row, or none when it is not found.
    Order(ClientOrderId),
    /// All executions since a time.
    Executions {
        /// From when on.
        since: Timestamp,
    },
    /// All positions.
    Positions,
    /// The account's figures.
    Account,
}

/// A question to a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Query {
    /// Its name.
    pub id: QueryId,
    /// Who is asked.
    pub broker: BrokerId,
    /// What is asked for.
    pub ask: Ask,
}

/// One page of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The question.
    pub query: QueryId,
    /// The page's place, from 0.
    pub page: u32,
    /// Whether it is the last one.
    pub last: bool,
    /// How many reports of that broker had come in when the question was asked.
    pub asked_after: u64,
    /// How many had come in when the page was answered.
    pub answered_after: u64,
    /// What it says.
    pub rows: Rows,
}

/// The content of a page.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Rows {
    /// The question failed, or the answer is not well-formed.
    #[default]
    Unavailable,
    /// Orders.
    Orders(Vec<OrderRow>),
    /// Executions.
    Executions(Vec<ExecutionRow>),
    /// Positions.
    Positions(Vec<PositionRow>),
    /// Figures of the account.
    Account(AccountRow),
}

/// An order as the broker holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OrderRow {
    /// Our id; `None` for an order of somebody else.
    pub client_id: Option<ClientOrderId>,
    /// Its symbol; `None` when it is not one of the run.
    pub symbol: Option<SymbolId>,
    /// Buy or sell.
    pub side: Side,
    /// Kind and prices.
    pub kind: OrderKind,
    /// Shares ordered.
    pub quantity: Quantity,
    /// Shares filled: a cross-check, never a booking.
    pub filled: Quantity,
    /// Its state.
    pub state: OrderState,
    /// The broker's id, where it tells one.
    pub broker_id: Option<BrokerOrderId>,
}

/// An execution as the broker holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExecutionRow {
    /// Our id of the order; `None` for an order of somebody else.
    pub client_id: Option<ClientOrderId>,
    /// Its symbol; `None` when it is not one of the run.
    pub symbol: Option<SymbolId>,
    /// The execution.
    pub fill: Fill,
    /// When it was executed.
    pub time: Timestamp,
}

/// A position as the broker holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PositionRow {
    /// Its symbol; `None` when it is not one of the run.
    pub symbol: Option<SymbolId>,
    /// Shares, negative when short.
    pub quantity: Quantity,
    /// Its value by the broker's mark, signed like the quantity.
    pub value: Cash,
}

/// An account as the broker sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AccountRow {
    /// Cash.
    pub cash: Cash,
    /// Equity.
    pub equity: Cash,
    /// What may be bought.
    pub buying_power: Cash,
}
