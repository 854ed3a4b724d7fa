//! A broker whose calls the test answers, and what the core would hear.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::{
    Answer, Broker, BrokerSignal, Children, Dispatcher, DispatcherSettings, KillSwitch, Released,
    Said, Standing, Unavailable, What,
};
use model::{
    AccountRow, BrokerId, CancelRequest, ClientOrderId, Command, ExecType, ExecutionReport,
    ExecutionRow, NewOrder, OrderNumber, OrderRow, PositionRow, Quantity, ReplaceRequest,
    RequestKind, SendOutcome, SymbolId, Timestamp,
};
use tokio::sync::mpsc;

/// What a call does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// Answers at once.
    Now(SendOutcome),
    /// Answers after this many milliseconds.
    After(u64, SendOutcome),
    /// Never answers.
    Never,
    /// The adapter has a fault.
    Panic,
}

#[derive(Default)]
struct State {
    /// Every call in its order, as text.
    calls: Vec<String>,
    replies: VecDeque<Reply>,
    signals: Option<mpsc::Sender<BrokerSignal>>,
    orders: Option<Vec<OrderRow>>,
}

/// A broker that answers as told, accepted where nothing is told.
#[derive(Default)]
pub(crate) struct Scripted {
    state: Mutex<State>,
    per_minute: Option<u32>,
}

impl Scripted {
    /// A broker that takes this many messages a minute.
    pub(crate) fn paced(per_minute: u32) -> Self {
        Self { per_minute: Some(per_minute), ..Self::default() }
    }

    pub(crate) fn reply(&self, reply: Reply) {
        self.state.lock().unwrap().replies.push_back(reply);
    }

    pub(crate) fn answer_orders(&self, rows: Vec<OrderRow>) {
        self.state.lock().unwrap().orders = Some(rows);
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    pub(crate) async fn say(&self, signal: BrokerSignal) {
        let to = self.state.lock().unwrap().signals.clone().unwrap();
        to.send(signal).await.unwrap();
    }

    fn call(&self, text: String) -> Answer<'_, SendOutcome> {
        let mut state = self.state.lock().unwrap();
        state.calls.push(text);
        let reply = state.replies.pop_front().unwrap_or(Reply::Now(SendOutcome::Accepted));
        Box::pin(async move {
            match reply {
                Reply::Now(outcome) => outcome,
                Reply::After(ms, outcome) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    outcome
                }
                Reply::Never => std::future::pending().await,
                Reply::Panic => panic!("the adapter has a fault"),
            }
        })
    }
}

impl Broker for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn messages_per_minute(&self) -> Option<u32> {
        self.per_minute
    }

    fn submit<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, SendOutcome> {
        self.call(format!("submit {}", order.client_id))
    }

    fn replace<'a>(&'a self, request: &'a ReplaceRequest) -> Answer<'a, SendOutcome> {
        self.call(format!("replace {}", request.new_client_id))
    }

    fn cancel<'a>(&'a self, request: &'a CancelRequest) -> Answer<'a, SendOutcome> {
        self.call(format!("cancel {}", request.client_id))
    }

    fn query_by_client_id(
        &self,
        _: ClientOrderId,
    ) -> Answer<'_, Result<Option<OrderRow>, Unavailable>> {
        Box::pin(async { Ok(None) })
    }

    fn open_orders(&self) -> Answer<'_, Result<Vec<OrderRow>, Unavailable>> {
        let rows = self.state.lock().unwrap().orders.clone();
        Box::pin(async move { rows.ok_or(Unavailable("no".into())) })
    }

    fn executions_since(&self, _: Timestamp) -> Answer<'_, Result<Vec<ExecutionRow>, Unavailable>> {
        Box::pin(std::future::pending())
    }

    fn positions(&self) -> Answer<'_, Result<Vec<PositionRow>, Unavailable>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn account(&self) -> Answer<'_, Result<AccountRow, Unavailable>> {
        Box::pin(async { Ok(AccountRow::default()) })
    }

    fn stream(&self, to: mpsc::Sender<BrokerSignal>) {
        self.state.lock().unwrap().signals = Some(to);
    }
}

/// A dispatcher before a scripted broker.
pub(crate) struct Bench {
    pub(crate) broker: Arc<Scripted>,
    pub(crate) switch: Arc<KillSwitch>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) said: mpsc::Receiver<Said>,
    pub(crate) now: Arc<AtomicU64>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Scripted::default(), |_| {})
    }

    pub(crate) fn with(broker: Scripted, change: impl FnOnce(&mut DispatcherSettings)) -> Self {
        Self::under(KillSwitch::new(false), broker, change)
    }

    /// With the switch engaged from the last run, which left these orders.
    pub(crate) fn engaged(standing: Vec<Standing>) -> Self {
        let switch = KillSwitch::new(true);
        Self::under(switch, Scripted::default(), |settings| settings.standing = standing)
    }

    fn under(
        switch: Arc<KillSwitch>,
        broker: Scripted,
        change: impl FnOnce(&mut DispatcherSettings),
    ) -> Self {
        let broker = Arc::new(broker);
        let now = Arc::new(AtomicU64::new(1_000));
        let clock = Arc::clone(&now);
        let clock = Arc::new(move || clock.load(Ordering::Relaxed));
        let mut settings = DispatcherSettings::new(BrokerId(0), clock);
        settings.call_timeout = Duration::from_secs(10);
        change(&mut settings);
        let (to, said) = mpsc::channel(64);
        let children = Arc::new(Children::default());
        let as_broker: Arc<dyn Broker> = broker.clone();
        let dispatcher = Dispatcher::spawn(as_broker, settings, &switch, &children, to);
        Self { broker, switch, dispatcher, said, now }
    }

    pub(crate) fn send(&self, command: Command) {
        self.send_together(&[command]);
    }

    /// Lets commands out at once.
    pub(crate) fn send_together(&self, commands: &[Command]) {
        let decided_mono_ns = self.now.load(Ordering::Relaxed);
        let released =
            commands.iter().map(|&command| Released { command, decided_mono_ns, seq: 0 });
        self.dispatcher.send(&released.collect::<Vec<_>>());
    }

    /// The next thing that the core hears.
    pub(crate) async fn next(&mut self) -> What {
        let said = tokio::time::timeout(Duration::from_secs(60), self.said.recv()).await;
        said.expect("nothing was said in time").expect("the task has ended").what
    }

    /// The next outcome.
    pub(crate) async fn outcome(&mut self) -> (String, RequestKind, SendOutcome) {
        match self.next().await {
            What::Outcome { client_id, request, outcome } => {
                (client_id.to_string(), request, outcome)
            }
            other => panic!("{other:?} is no outcome"),
        }
    }

    /// Waits until the broker was called this often.
    pub(crate) async fn called(&self, times: usize) -> Vec<String> {
        for _ in 0..6_000 {
            let calls = self.broker.calls();
            if calls.len() >= times {
                return calls;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{times} calls were expected: {:?}", self.broker.calls());
    }
}

pub(crate) fn id(number: u64, exit: bool) -> ClientOrderId {
    let number = OrderNumber(number);
    ClientOrderId { tag: *b"BW\0\0", epoch: 1, number, attempt: 0, exit }
}

pub(crate) fn shares(count: i64) -> Quantity {
    Quantity::from_shares(count).unwrap()
}

pub(crate) fn entry(number: u64) -> Command {
    let client_id = id(number, false);
    let symbol = SymbolId(number as u32);
    Command::Submit(NewOrder { client_id, symbol, quantity: shares(10), ..NewOrder::default() })
}

pub(crate) fn exit(number: u64) -> Command {
    let client_id = id(number, true);
    let symbol = SymbolId(number as u32);
    Command::Submit(NewOrder { client_id, symbol, quantity: shares(10), ..NewOrder::default() })
}

pub(crate) fn cancel(number: u64) -> Command {
    let client_id = id(number, false);
    Command::Cancel(CancelRequest { client_id, ..CancelRequest::default() })
}

pub(crate) fn report(number: u64, exec: ExecType) -> BrokerSignal {
    let client_id = id(number, false);
    BrokerSignal::Report(ExecutionReport { client_id, exec, ..ExecutionReport::default() })
}
