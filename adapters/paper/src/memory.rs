//! The paper broker inside the process: a desk with the interface of a broker.
//!
//! Market events are shown to it by whoever feeds the core, before the core sees them. It is always
//! connected.

use std::time::Duration;

use gateway::{Answer, Broker, BrokerSignal, Unavailable};
use model::{
    AccountRow, CancelRequest, ClientOrderId, ExecutionRow, NewOrder, OrderRow, PositionRow,
    ReplaceRequest, SendOutcome, Timestamp,
};
use tokio::sync::mpsc;

use crate::book::Book;
use crate::desk::{Clock, Desk};

/// The broker's clock is told this often (C30).
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The paper broker in process.
#[derive(Debug)]
pub struct MemoryBroker {
    desk: Desk,
}

impl MemoryBroker {
    /// Puts a book on a thread of its own. Requests bear the time that `clock` tells, or that of
    /// the last event where it is later.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(book: Book, clock: Clock) -> std::io::Result<Self> {
        Desk::start(book, clock).map(|desk| Self { desk })
    }

    /// Returns the desk, to show market events and sessions to the book.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }
}

impl Broker for MemoryBroker {
    fn name(&self) -> &str {
        "paper"
    }

    fn submit<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, SendOutcome> {
        self.desk.submit(*order)
    }

    fn replace<'a>(&'a self, request: &'a ReplaceRequest) -> Answer<'a, SendOutcome> {
        self.desk.replace(*request)
    }

    fn cancel<'a>(&'a self, request: &'a CancelRequest) -> Answer<'a, SendOutcome> {
        self.desk.cancel(*request)
    }

    fn query_by_client_id(
        &self,
        id: ClientOrderId,
    ) -> Answer<'_, Result<Option<OrderRow>, Unavailable>> {
        Box::pin(self.desk.order(id))
    }

    fn open_orders(&self) -> Answer<'_, Result<Vec<OrderRow>, Unavailable>> {
        Box::pin(self.desk.open_orders())
    }

    fn executions_since(
        &self,
        since: Timestamp,
    ) -> Answer<'_, Result<Vec<ExecutionRow>, Unavailable>> {
        Box::pin(self.desk.executions(since))
    }

    fn positions(&self) -> Answer<'_, Result<Vec<PositionRow>, Unavailable>> {
        Box::pin(self.desk.positions())
    }

    fn account(&self) -> Answer<'_, Result<AccountRow, Unavailable>> {
        Box::pin(self.desk.account())
    }

    fn stream(&self, to: mpsc::Sender<BrokerSignal>) {
        let told = to.clone();
        // The book's thread waits where the receiver is slow.
        self.desk.listen(Box::new(move |signal| told.blocking_send(signal.clone()).is_ok()));
        let desk = self.desk.clone();
        tokio::spawn(async move {
            if to.send(BrokerSignal::Up).await.is_err() {
                return;
            }
            while let Ok(now) = desk.with(|book| book.now()).await {
                if to.send(BrokerSignal::Heartbeat(Some(now))).await.is_err() {
                    return;
                }
                tokio::time::sleep(HEARTBEAT).await;
            }
            // The book has failed: what was asked stays unknown.
            drop(to.send(BrokerSignal::Down("the paper book has failed".into())).await);
        });
    }
}
