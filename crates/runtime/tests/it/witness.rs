//! A broker that notes when it was asked for what, and how late this machine itself is meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gateway::{Answer, Broker, BrokerSignal, Unavailable};
use model::{
    AccountRow, CancelRequest, ClientOrderId, ExecutionRow, NewOrder, OrderRow, PositionRow,
    ReplaceRequest, SendOutcome, Timestamp,
};
use tokio::sync::mpsc;

/// What a broker was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    Submit,
    Replace,
    Cancel,
}

/// Stands before a broker and notes every request in the moment of its first byte.
pub(crate) struct Witness {
    inner: Arc<dyn Broker>,
    asked: Mutex<Vec<(Instant, Asked, ClientOrderId)>>,
    /// Cancels are taken and lost.
    loses_cancels: AtomicBool,
}

impl Witness {
    pub(crate) fn before(inner: Arc<dyn Broker>) -> Arc<Self> {
        Arc::new(Self { inner, asked: Mutex::default(), loses_cancels: AtomicBool::new(false) })
    }

    /// Lets cancels be taken and lost, or carried out again.
    pub(crate) fn lose_cancels(&self, lose: bool) {
        self.loses_cancels.store(lose, Ordering::SeqCst);
    }

    /// Returns what was asked for at `since` and later.
    pub(crate) fn asked_since(&self, since: Instant) -> Vec<(Instant, Asked, ClientOrderId)> {
        let asked = self.asked.lock().unwrap();
        asked.iter().copied().filter(|(at, _, _)| *at >= since).collect()
    }

    fn note(&self, asked: Asked, id: ClientOrderId) {
        self.asked.lock().unwrap().push((Instant::now(), asked, id));
    }
}

impl Broker for Witness {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn submit<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, SendOutcome> {
        self.note(Asked::Submit, order.client_id);
        self.inner.submit(order)
    }
    fn replace<'a>(&'a self, request: &'a ReplaceRequest) -> Answer<'a, SendOutcome> {
        self.note(Asked::Replace, request.new_client_id);
        self.inner.replace(request)
    }
    fn cancel<'a>(&'a self, request: &'a CancelRequest) -> Answer<'a, SendOutcome> {
        self.note(Asked::Cancel, request.client_id);
        if self.loses_cancels.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(SendOutcome::Accepted));
        }
        self.inner.cancel(request)
    }
    fn query_by_client_id(
        &self,
        id: ClientOrderId,
    ) -> Answer<'_, Result<Option<OrderRow>, Unavailable>> {
        self.inner.query_by_client_id(id)
    }
    fn open_orders(&self) -> Answer<'_, Result<Vec<OrderRow>, Unavailable>> {
        self.inner.open_orders()
    }
    fn executions_since(
        &self,
        since: Timestamp,
    ) -> Answer<'_, Result<Vec<ExecutionRow>, Unavailable>> {
        self.inner.executions_since(since)
    }
    fn positions(&self) -> Answer<'_, Result<Vec<PositionRow>, Unavailable>> {
        self.inner.positions()
    }
    fn account(&self) -> Answer<'_, Result<AccountRow, Unavailable>> {
        self.inner.account()
    }
    fn stream(&self, to: mpsc::Sender<BrokerSignal>) {
        self.inner.stream(to);
    }
}

/// Measures beside a test how late a thread of this machine is woken at worst: what a time limit
/// has to allow for that is not the program's doing (decision 0110).
pub(crate) struct Lateness {
    worst_ns: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Lateness {
    pub(crate) fn start() -> Self {
        const PAUSE: Duration = Duration::from_millis(2);
        let (worst_ns, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (worst, ended) = (Arc::clone(&worst_ns), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let began = Instant::now();
                std::thread::sleep(PAUSE);
                let late = began.elapsed().saturating_sub(PAUSE).as_nanos();
                worst.fetch_max(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Self { worst_ns, over, thread: Some(thread) }
    }

    pub(crate) fn worst(&self) -> Duration {
        Duration::from_nanos(self.worst_ns.load(Ordering::Relaxed))
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
