//! The thread of a book: requests, questions and market events come in, answers go back, reports go
//! out to whoever listens.
//!
//! A request is answered when the log that holds what came of it is on disk. Requests and events
//! are taken one by one, so the book needs no lock. Invariant: after the book failed, nothing is
//! answered any more; what was asked stays unknown.

use std::sync::Arc;

use gateway::{Answer, BrokerSignal, Unavailable};
use model::{
    AccountRow, CancelRequest, ClientOrderId, ExecType, ExecutionReport, ExecutionRow, Halt,
    MarketEvent, NewOrder, OrderRow, PositionRow, Price, RejectReason, ReplaceRequest, SendOutcome,
    SymbolId, Timestamp, UnknownCause,
};
use simulator::Night;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use crate::book::{Book, BookError};

/// Tells the time that requests bear: the feed's.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Requests that may wait before their senders wait.
const ROOM: usize = 1_024;

/// A market event for the book, and whether it lies in regular hours.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The event.
    pub event: MarketEvent,
    /// Whether orders that work in regular hours only may fill.
    pub rth: bool,
}

/// Something that the thread does.
enum Job {
    Submit(NewOrder, oneshot::Sender<SendOutcome>),
    Replace(ReplaceRequest, oneshot::Sender<SendOutcome>),
    Cancel(CancelRequest, oneshot::Sender<SendOutcome>),
    /// Anything that reads the book or tells it about the day.
    With(Box<dyn FnOnce(&mut Book) + Send>),
    Show(Vec<Shown>),
    EndSession {
        close: Timestamp,
        closes: Vec<(SymbolId, Price)>,
        night: Night,
    },
    Listen(Listener),
}

/// Takes what the book says in its thread; false when it wants no more.
pub(crate) type Listener = Box<dyn FnMut(&BrokerSignal) -> bool + Send>;

/// The way to the thread of a book.
#[derive(Clone, Debug)]
pub struct Desk {
    jobs: mpsc::Sender<Job>,
}

impl Desk {
    /// Starts the thread. It ends when the last desk is gone.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(book: Book, clock: Clock) -> std::io::Result<Self> {
        let (jobs, todo) = mpsc::channel(ROOM);
        let clerk = Clerk { book, clock, listeners: Vec::new(), dead: false };
        std::thread::Builder::new().name("paper-book".into()).spawn(move || clerk.work(todo))?;
        Ok(Self { jobs })
    }

    /// Takes an order; its outcome is known when the book has it on disk.
    pub fn submit(&self, order: NewOrder) -> Answer<'static, SendOutcome> {
        self.request(|answer| Job::Submit(order, answer))
    }

    /// Takes a replacement.
    pub fn replace(&self, request: ReplaceRequest) -> Answer<'static, SendOutcome> {
        self.request(|answer| Job::Replace(request, answer))
    }

    /// Takes a cancel request.
    pub fn cancel(&self, request: CancelRequest) -> Answer<'static, SendOutcome> {
        self.request(|answer| Job::Cancel(request, answer))
    }

    /// Shows market events, in order; waits while the book is busy.
    pub async fn show(&self, events: Vec<Shown>) {
        // A book that has ended looks at nothing.
        let _ = self.jobs.send(Job::Show(events)).await;
    }

    /// Ends a regular session: orders of the day expire, and the account is charged for the night
    /// by the official closes.
    ///
    /// # Errors
    /// The book has failed or ended.
    pub async fn end_session(
        &self,
        close: Timestamp,
        closes: Vec<(SymbolId, Price)>,
        night: Night,
    ) -> Result<(), Unavailable> {
        let sent = self.jobs.send(Job::EndSession { close, closes, night }).await;
        sent.map_err(|_| Unavailable("the paper book has failed".to_owned()))
    }

    /// Lets the thread do something with the book, after what was asked before.
    ///
    /// # Errors
    /// The book has failed or ended.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Book) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (sender, receiver) = oneshot::channel();
        // Whoever asked may be gone.
        let job = Job::With(Box::new(move |book| drop(sender.send(work(book)))));
        let gone = || Unavailable("the paper book has failed".to_owned());
        self.jobs.send(job).await.map_err(|_| gone())?;
        receiver.await.map_err(|_| gone())
    }

    /// Has everything that the book says from now on told to a listener, in order.
    pub(crate) fn listen(&self, listener: Listener) {
        // The channel is full only while requests wait: then the task waits for its place.
        if let Err(mpsc::error::TrySendError::Full(job)) = self.jobs.try_send(Job::Listen(listener))
        {
            let jobs = self.jobs.clone();
            tokio::spawn(async move { drop(jobs.send(job).await) });
        }
    }

    /// Hands a request to the thread within the first poll.
    fn request(
        &self,
        job: impl FnOnce(oneshot::Sender<SendOutcome>) -> Job,
    ) -> Answer<'static, SendOutcome> {
        let (sender, receiver) = oneshot::channel();
        let sent = self.jobs.try_send(job(sender));
        Box::pin(async move {
            match sent {
                Ok(()) => {
                    let lost = SendOutcome::Unknown(UnknownCause::ConnectionLost);
                    receiver.await.unwrap_or(lost)
                }
                Err(_) => SendOutcome::NotSent(model::NotSentReason::NotConnected),
            }
        })
    }
}

/// Questions, answered from the book.
impl Desk {
    /// See [`Broker::query_by_client_id`](gateway::Broker::query_by_client_id).
    pub async fn order(&self, id: ClientOrderId) -> Result<Option<OrderRow>, Unavailable> {
        let answer = self.with(move |book| book.order(id)).await?;
        answer.map_err(|forgotten| Unavailable(forgotten.to_string()))
    }

    /// See [`Broker::open_orders`](gateway::Broker::open_orders).
    pub async fn open_orders(&self) -> Result<Vec<OrderRow>, Unavailable> {
        self.with(|book| book.open_orders()).await
    }

    /// See [`Broker::executions_since`](gateway::Broker::executions_since).
    pub async fn executions(&self, since: Timestamp) -> Result<Vec<ExecutionRow>, Unavailable> {
        let answer = self.with(move |book| book.executions_since(since)).await?;
        answer.map_err(|forgotten| Unavailable(forgotten.to_string()))
    }

    /// See [`Broker::positions`](gateway::Broker::positions).
    pub async fn positions(&self) -> Result<Vec<PositionRow>, Unavailable> {
        self.with(|book| book.positions()).await
    }

    /// See [`Broker::account`](gateway::Broker::account).
    pub async fn account(&self) -> Result<AccountRow, Unavailable> {
        self.with(|book| book.account()).await
    }
}

/// The thread's side.
struct Clerk {
    book: Book,
    clock: Clock,
    listeners: Vec<Listener>,
    dead: bool,
}

impl Clerk {
    fn work(mut self, mut todo: mpsc::Receiver<Job>) {
        self.guarded(Self::drain);
        while let Some(job) = todo.blocking_recv() {
            if self.dead {
                // Dropped unanswered: nobody knows what of it is on disk.
                continue;
            }
            match job {
                Job::Submit(order, answer) => {
                    self.answer(answer, |book, now| book.submit(&order, now));
                }
                Job::Replace(request, answer) => {
                    self.answer(answer, |book, now| book.replace(&request, now));
                }
                Job::Cancel(request, answer) => {
                    self.answer(answer, |book, now| book.cancel(&request, now));
                }
                Job::With(work) => {
                    work(&mut self.book);
                    self.guarded(Self::drain);
                }
                Job::Show(events) => {
                    self.guarded(|clerk| events.iter().try_for_each(|shown| clerk.show(shown)))
                }
                Job::EndSession { close, closes, night } => {
                    self.guarded(|clerk| clerk.end_session(close, &closes, night));
                }
                Job::Listen(listener) => self.listeners.push(listener),
            }
        }
    }

    /// Makes a request, tells what came of it, then answers.
    fn answer(
        &mut self,
        answer: oneshot::Sender<SendOutcome>,
        request: impl FnOnce(&mut Book, Timestamp),
    ) {
        let now = (self.clock)().max(self.book.now());
        request(&mut self.book, now);
        let mut outcome = None;
        self.guarded(|clerk| {
            while let Some(report) = clerk.book.next_report()? {
                match outcome_of(&report) {
                    // The answer to the request itself; it says what the report would.
                    Some(refused) if outcome.is_none() => outcome = Some(refused),
                    _ => clerk.tell(&BrokerSignal::Report(report)),
                }
            }
            Ok(())
        });
        if !self.dead {
            // Whoever asked may have given up.
            let _ = answer.send(outcome.unwrap_or(SendOutcome::Accepted));
        }
    }

    fn show(&mut self, shown: &Shown) -> Result<(), BookError> {
        let book = &mut self.book;
        match shown.event {
            MarketEvent::Bar { symbol, bar } => book.begin_bar(symbol, &bar, shown.rth),
            MarketEvent::Trade { symbol, trade } => book.print(symbol, &trade, shown.rth),
            MarketEvent::Quote { symbol, quote } => book.quote(symbol, &quote, shown.rth),
            MarketEvent::Halt { symbol, halt: Halt { halted, .. } } => book.halt(symbol, halted),
            _ => return Ok(()),
        }
        self.drain()?;
        self.book.end_bar();
        self.drain()
    }

    fn end_session(
        &mut self,
        close: Timestamp,
        closes: &[(SymbolId, Price)],
        night: Night,
    ) -> Result<(), BookError> {
        self.book.close_session(close);
        self.drain()?;
        closes.iter().for_each(|(symbol, price)| self.book.set_close(*symbol, *price));
        for (kind, fee) in self.book.day_roll(night)? {
            self.tell(&BrokerSignal::Charge { kind, fee });
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), BookError> {
        while let Some(report) = self.book.next_report()? {
            self.tell(&BrokerSignal::Report(report));
        }
        Ok(())
    }

    fn tell(&mut self, signal: &BrokerSignal) {
        self.listeners.retain_mut(|listener| listener(signal));
    }

    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> Result<(), BookError>) {
        if let Err(error) = work(self) {
            error!(error = %Chain(&error), "the paper book has failed: nothing is answered any more");
            self.dead = true;
            self.listeners.clear();
        }
    }
}

/// Returns the outcome that a report stands for, when it is a refusal of the request itself.
fn outcome_of(report: &ExecutionReport) -> Option<SendOutcome> {
    match report.exec {
        ExecType::Rejected(RejectReason::DuplicateId) => {
            Some(SendOutcome::Unknown(UnknownCause::DuplicateId))
        }
        ExecType::Rejected(reason)
        | ExecType::CancelRejected(reason)
        | ExecType::ReplaceRejected(reason) => Some(SendOutcome::Rejected(reason)),
        _ => None,
    }
}

/// An error with its causes.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
