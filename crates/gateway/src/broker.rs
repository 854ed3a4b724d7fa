//! The contract of a broker.

use std::future::Future;
use std::pin::Pin;

use model::{
    AccountRow, CancelRequest, Cash, ChargeKind, ClientOrderId, ExecutionReport, ExecutionRow,
    NewOrder, OrderRow, PositionRow, Quantity, ReplaceRequest, SendOutcome, SymbolId, Timestamp,
};
use tokio::sync::mpsc;

/// An answer that comes later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a question has no answer: an error, a missing or malformed page. It is never an empty list
/// (F17).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// A broker, or a stand-in that behaves like one.
///
/// Calls may come side by side, but those about one order come one after the other (journal.md 6);
/// only the cancels of the kill switch come beside a submit that is not answered yet. No call is
/// retried by the adapter (R8). A call that is dropped before its answer leaves an unknown outcome.
///
/// The bytes of an order leave within the first poll of [`submit`](Self::submit) or
/// [`replace`](Self::replace), or not at all: the dispatcher holds the kill line open for that long
/// only, so that none leaves after the switch is set (I8). That poll may happen on the journal's
/// writer thread, within the runtime but not on a thread of it: it must not block (decision 0121).
pub trait Broker: Send + Sync {
    /// Returns its name in the configuration: `paper`, `ibkr`, `alpaca`.
    fn name(&self) -> &str;

    /// Returns how many messages a minute it takes; `None` where there is no limit (C13).
    fn messages_per_minute(&self) -> Option<u32> {
        None
    }

    /// Hands a new order over.
    fn submit<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, SendOutcome>;

    /// Hands a replacement over.
    fn replace<'a>(&'a self, request: &'a ReplaceRequest) -> Answer<'a, SendOutcome>;

    /// Hands a cancellation over. Accepted means that the broker has the request, not that the
    /// order is cancelled.
    fn cancel<'a>(&'a self, request: &'a CancelRequest) -> Answer<'a, SendOutcome>;

    /// Asks for one order by our id; `None` when the broker does not know it.
    fn query_by_client_id(
        &self,
        id: ClientOrderId,
    ) -> Answer<'_, Result<Option<OrderRow>, Unavailable>>;

    /// Asks for all orders that are not done.
    fn open_orders(&self) -> Answer<'_, Result<Vec<OrderRow>, Unavailable>>;

    /// Asks for all executions at or after a time.
    fn executions_since(
        &self,
        since: Timestamp,
    ) -> Answer<'_, Result<Vec<ExecutionRow>, Unavailable>>;

    /// Asks for all positions.
    fn positions(&self) -> Answer<'_, Result<Vec<PositionRow>, Unavailable>>;

    /// Asks for the account's figures.
    fn account(&self) -> Answer<'_, Result<AccountRow, Unavailable>>;

    /// Begins to say what happens: connects, and reconnects for ever with growing pauses (F15).
    /// Signals are never dropped: where the receiver is slow, the adapter waits.
    fn stream(&self, to: mpsc::Sender<BrokerSignal>);
}

/// Something that a broker says unasked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BrokerSignal {
    /// The connection stands, and nothing that was missed meanwhile is delivered any more: what
    /// happened in between has to be asked for (F14).
    Up,
    /// The connection is gone, and why.
    Down(String),
    /// The connection lives; the broker's clock where it tells it (C30).
    Heartbeat(Option<Timestamp>),
    /// A report on an order.
    Report(ExecutionReport),
    /// The account's figures.
    Account(AccountRow),
    /// A charge that belongs to no fill.
    Charge {
        /// What it is for.
        kind: ChargeKind,
        /// What is paid; negative when it is paid back.
        fee: Cash,
    },
    /// What it holds after a corporate action, by its own booking (F27).
    ActionBooked {
        /// Whose shares.
        symbol: SymbolId,
        /// Net shares of the account.
        held: Quantity,
    },
}
