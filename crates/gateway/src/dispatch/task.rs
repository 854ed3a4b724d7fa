//! The loop of one broker: kill lane first, then answers, commands, what goes to the core, signals.
//!
//! Nothing in it waits for the core: what finds no room there waits in the task, and only the
//! broker's signals are held back meanwhile.

use std::collections::{HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use model::{
    CancelRequest, ClientOrderId, Command, ExecId, ExecType, ExecutionReport, NotSentReason, Page,
    Query, ReplaceRequest, RequestKind, Rows, SendOutcome, UnknownCause,
};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use super::door::Hall;
use super::lanes::{Lanes, subject};
use super::last_point::{LastPoint, opens};
use super::stats::Stats;
use super::table::{Table, refuses};
use super::{DispatcherSettings, Released, Said, What, questions};
use crate::broker::{Broker, BrokerSignal, Unavailable};
use crate::children::Children;
use crate::kill::{KillScope, KillSwitch, Lane};

/// What waits for the core beyond this holds the broker's signals back.
const MOST_WAITING: usize = 1_024;
/// Signals between the adapter and the task.
const SIGNALS: usize = 1_024;
/// Executions are told apart among this many of the newest.
const EXECUTIONS: usize = 8_192;
/// Cancels of the switch are repeated after this, twice as long each time (R9).
const FIRST_REPEAT: Duration = Duration::from_secs(1);
const LAST_REPEAT: Duration = Duration::from_secs(30);

/// A command, and whether it found room.
#[derive(Debug)]
pub(super) enum Incoming {
    Command(Released),
    NoRoom(Released),
}

/// A call that is over.
enum Done {
    Answer {
        /// The order in the lanes; `None` for a cancel of the switch.
        order: Option<ClientOrderId>,
        client_id: ClientOrderId,
        request: RequestKind,
        outcome: SendOutcome,
        since: u64,
    },
    Rows {
        query: Query,
        asked_after: u64,
        rows: Result<Rows, Unavailable>,
    },
}

/// What the task waits for.
enum Event {
    Kill,
    Done(Done),
    Incoming(Incoming),
    Closed,
    Room(mpsc::OwnedPermit<Said>),
    Deaf,
    Signal(BrokerSignal),
    Silence,
    Repeat,
}

type Call = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The task of one broker.
pub(super) struct Task {
    broker: Arc<dyn Broker>,
    settings: DispatcherSettings,
    switch: Arc<KillSwitch>,
    lane: Arc<Lane>,
    children: Arc<Children>,
    hall: Arc<Hall>,
    signals: mpsc::Receiver<BrokerSignal>,
    said: mpsc::Sender<Said>,
    stats: Arc<Stats>,
    point: LastPoint,
    lanes: Lanes,
    table: Table,
    calls: FuturesUnordered<Call>,
    waiting: VecDeque<Said>,
    /// Commands may still come.
    open: bool,
    /// The adapter may still say something.
    streaming: bool,
    /// Reports passed on, counted as the core counts them.
    reports: u64,
    /// Replacements handed over and not reported yet.
    replacing: Vec<ReplaceRequest>,
    executions: (HashSet<ExecId>, VecDeque<ExecId>),
    /// When the cancels of the switch are repeated, and the pause after that.
    repeat: Option<(Instant, Duration)>,
    /// Scopes whose cancels are repeated.
    killed: Vec<KillScope>,
}

impl Task {
    pub(super) fn new(
        broker: Arc<dyn Broker>,
        settings: DispatcherSettings,
        switch: &Arc<KillSwitch>,
        children: &Arc<Children>,
        hall: &Arc<Hall>,
        said: mpsc::Sender<Said>,
        stats: &Arc<Stats>,
    ) -> Self {
        let (to_task, signals) = mpsc::channel(SIGNALS);
        broker.stream(to_task);
        let per_minute = match (settings.messages_per_minute, broker.messages_per_minute()) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let mut table = Table::default();
        for standing in &settings.standing {
            table.stands(standing);
            children.stands(standing.client_id, standing.quantity, standing.filled);
        }
        Self {
            broker,
            switch: Arc::clone(switch),
            lane: switch.lane(),
            children: Arc::clone(children),
            hall: Arc::clone(hall),
            signals,
            said,
            stats: Arc::clone(stats),
            point: LastPoint::new(per_minute),
            lanes: Lanes::default(),
            table,
            calls: FuturesUnordered::new(),
            waiting: VecDeque::new(),
            open: true,
            streaming: true,
            reports: settings.reports,
            replacing: Vec::new(),
            executions: Default::default(),
            repeat: None,
            killed: Vec::new(),
            settings,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            while let Some(released) = self.lanes.next() {
                self.hand_over(released).await;
            }
            self.stats.open.store(self.table.len(), Relaxed);
            if !self.open && self.calls.is_empty() && self.waiting.is_empty() {
                return;
            }
            self.hall.leave().await;
            match self.next().await {
                Event::Kill => self.kill().await,
                Event::Done(done) => self.done(done).await,
                Event::Incoming(incoming) => {
                    self.take(incoming);
                    // All that is there already: a cancel may withdraw a submit before it.
                    while let Some(incoming) = self.hall.pop() {
                        self.take(incoming);
                    }
                }
                Event::Closed => self.open = false,
                Event::Room(permit) => {
                    if let Some(said) = self.waiting.pop_front() {
                        permit.send(said);
                    }
                }
                Event::Signal(signal) => self.signal(signal),
                Event::Silence => self.streaming = false,
                Event::Repeat => self.repeat().await,
                // Nobody listens: the process is ending.
                Event::Deaf => return,
            }
        }
    }

    /// Waits for what happens next.
    async fn next(&mut self) -> Event {
        let repeat = self.repeat.map(|(at, _)| at);
        tokio::select! {
            biased;
            () = self.lane.woken.notified() => Event::Kill,
            Some(done) = self.calls.next(), if !self.calls.is_empty() => Event::Done(done),
            incoming = self.hall.next(), if self.open => {
                incoming.map_or(Event::Closed, Event::Incoming)
            }
            permit = self.said.clone().reserve_owned(), if !self.waiting.is_empty() => {
                permit.map_or(Event::Deaf, Event::Room)
            }
            signal = self.signals.recv(),
                if self.streaming && self.waiting.len() < MOST_WAITING =>
            {
                signal.map_or(Event::Silence, Event::Signal)
            }
            () = sleep_until(repeat.unwrap_or_else(Instant::now)), if repeat.is_some() => {
                Event::Repeat
            }
        }
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Command(released) => {
                for withdrawn in self.lanes.push(released) {
                    self.not_sent(&withdrawn.command, NotSentReason::Withdrawn);
                    self.stats.took();
                }
            }
            Incoming::NoRoom(released) => {
                self.not_sent(&released.command, NotSentReason::Budget);
                self.stats.took();
            }
        }
    }

    /// Checks a command for the last time and hands it over.
    async fn hand_over(&mut self, released: Released) {
        self.stats.took();
        let now = (self.settings.clock)();
        let fenced = self.switch.is_fenced();
        let checked = self.point.check(&released, now, fenced, &self.children);
        let refused = match checked {
            Ok(()) => self.start(&released.command).await.err(),
            Err(reason) => Some(reason),
        };
        match refused {
            None => {
                let handed = (self.settings.clock)();
                self.stats.to_wire.note(handed.saturating_sub(released.decided_mono_ns));
            }
            Some(reason) => {
                self.not_sent(&released.command, reason);
                if let Some(id) = subject(&released.command) {
                    self.lanes.done(id);
                }
            }
        }
    }

    /// Begins the call of a command, with the kill line held while its bytes leave (I8).
    async fn start(&mut self, command: &Command) -> Result<(), NotSentReason> {
        let opening = match command {
            Command::Submit(order) => Some(order.symbol),
            Command::Replace(request) => Some(request.symbol),
            Command::Cancel(_) | Command::Query(_) => None,
        };
        let opening = opening.filter(|_| opens(command));
        let mut call = self.call(command);
        let switch = Arc::clone(&self.switch);
        let broker = self.settings.broker;
        let first = poll_fn(|context| {
            let line = opening.map(|symbol| (switch.hold(), symbol));
            if line.as_ref().is_some_and(|(line, symbol)| line.blocks(broker, *symbol)) {
                return Poll::Ready(Err(NotSentReason::Killed));
            }
            Poll::Ready(Ok(call.as_mut().poll(context)))
        })
        .await;
        match command {
            Command::Submit(order) if first.is_err() => self.children.ended(order.client_id),
            Command::Submit(order) => self.table.submit(order),
            Command::Replace(request) if first.is_ok() => {
                self.table.replace(request);
                self.replacing.push(*request);
            }
            _ => {}
        }
        match first? {
            Poll::Ready(done) => self.done(done).await,
            Poll::Pending => self.calls.push(call),
        }
        Ok(())
    }

    fn call(&self, command: &Command) -> Call {
        let (broker, limit) = (Arc::clone(&self.broker), self.settings.call_timeout);
        let since = (self.settings.clock)();
        let unknown = SendOutcome::Unknown(UnknownCause::Timeout);
        let answer = move |order, client_id, request, outcome| Done::Answer {
            order: Some(order),
            client_id,
            request,
            outcome,
            since,
        };
        match *command {
            Command::Submit(order) => Box::pin(async move {
                let outcome = timeout(limit, broker.submit(&order)).await.unwrap_or(unknown);
                answer(order.client_id, order.client_id, RequestKind::Submit, outcome)
            }),
            Command::Replace(request) => Box::pin(async move {
                let outcome = timeout(limit, broker.replace(&request)).await.unwrap_or(unknown);
                answer(request.client_id, request.new_client_id, RequestKind::Replace, outcome)
            }),
            Command::Cancel(request) => Box::pin(async move {
                let outcome = timeout(limit, broker.cancel(&request)).await.unwrap_or(unknown);
                answer(request.client_id, request.client_id, RequestKind::Cancel, outcome)
            }),
            Command::Query(query) => {
                let asked_after = self.reports;
                Box::pin(async move {
                    let rows = timeout(limit, questions::ask(&*broker, query.ask)).await;
                    let rows = rows.unwrap_or_else(|_| Err(Unavailable("no answer".into())));
                    Done::Rows { query, asked_after, rows }
                })
            }
        }
    }

    /// Takes what a call led to.
    async fn done(&mut self, done: Done) {
        match done {
            Done::Answer { order, client_id, request, outcome, since } => {
                self.stats.answers.note((self.settings.clock)().saturating_sub(since));
                if let Some(order) = order {
                    self.lanes.done(order);
                }
                self.table.answered(client_id, request, outcome);
                if request == RequestKind::Submit && refuses(outcome) {
                    self.children.ended(client_id);
                }
                if request == RequestKind::Replace && refuses(outcome) {
                    self.replacing.retain(|request| request.new_client_id != client_id);
                }
                self.outcome(client_id, request, outcome);
                if request != RequestKind::Cancel {
                    self.cancel_late(client_id).await;
                }
            }
            Done::Rows { query, asked_after, rows } => {
                if let Ok(Rows::Orders(rows)) = &rows {
                    rows.iter().for_each(|row| self.table.listed(row));
                }
                if let Err(error) = &rows {
                    warn!(broker = self.broker.name(), %error, "a question has no answer");
                }
                for page in questions::pages(&query, rows, asked_after, self.reports) {
                    self.say(What::Page(page));
                }
            }
        }
    }

    /// An order whose submit was under way when the switch was engaged is cancelled again now: the
    /// first cancel may have come before it.
    async fn cancel_late(&mut self, id: ClientOrderId) {
        let Some(handed) = self.table.get(id) else { return };
        let (broker, symbol) = (self.settings.broker, handed.symbol);
        let holds =
            |scope: &KillScope| scope.covers(broker, symbol, id) && self.switch.is_in_force(scope);
        if self.killed.iter().any(holds) {
            self.cancel_all(&[KillScope::Orders(vec![id])]).await;
        }
    }

    fn signal(&mut self, signal: BrokerSignal) {
        self.stats.signal();
        if let BrokerSignal::Report(report) = &signal {
            self.reports += 1;
            self.report(report);
        }
        self.say(What::Signal(signal));
    }

    fn report(&mut self, report: &ExecutionReport) {
        let id = report.client_id;
        let mut replaces = None;
        match report.exec {
            ExecType::Trade(fill) if !self.is_new(fill.exec_id) => return,
            ExecType::Trade(fill) => self.children.filled(id, fill.quantity),
            ExecType::Cancelled | ExecType::Expired | ExecType::Rejected(_) => {
                self.children.ended(id);
            }
            ExecType::Replaced => {
                let place = self.replacing.iter().position(|r| r.new_client_id == id);
                if let Some(request) = place.map(|place| self.replacing.swap_remove(place)) {
                    self.children.replaced(id, request.quantity);
                    replaces = Some(request.client_id);
                }
            }
            ExecType::ReplaceRejected(_) => {
                self.replacing.retain(|request| request.client_id != id);
            }
            _ => {}
        }
        self.table.reported(report, replaces);
    }

    /// Returns false for an execution that was reported before (F11).
    fn is_new(&mut self, execution: ExecId) -> bool {
        let (known, order) = &mut self.executions;
        let new = known.insert(execution);
        if new {
            order.push_back(execution);
            if order.len() > EXECUTIONS
                && let Some(oldest) = order.pop_front()
            {
                known.remove(&oldest);
            }
        }
        new
    }

    /// The switch was engaged: cancels the entry orders of its scope at once.
    async fn kill(&mut self) {
        let scopes = self.lane.take();
        for handed in self.table.iter_mut() {
            handed.1.asked = 0;
        }
        self.cancel_all(&scopes).await;
        for scope in scopes {
            if !self.killed.contains(&scope) {
                self.killed.push(scope);
            }
        }
        self.repeat = Some((Instant::now() + FIRST_REPEAT, FIRST_REPEAT));
    }

    /// Cancels what is still there once more, as long as the switch is engaged for it.
    async fn repeat(&mut self) {
        let pause = self.repeat.map_or(FIRST_REPEAT, |(_, pause)| (pause * 2).min(LAST_REPEAT));
        let switch = Arc::clone(&self.switch);
        self.killed.retain(|scope| switch.is_in_force(scope));
        let scopes = self.killed.clone();
        let left = self.cancel_all(&scopes).await;
        if left == 0 {
            self.killed.retain(|scope| !matches!(scope, KillScope::Orders(_)));
        }
        let next = Instant::now() + pause;
        self.repeat = (!self.killed.is_empty()).then_some((next, pause));
    }

    /// Cancels the entry orders of the scopes; returns how many there are.
    async fn cancel_all(&mut self, scopes: &[KillScope]) -> usize {
        let broker = self.settings.broker;
        let mut requests = Vec::new();
        for (&client_id, handed) in self.table.iter_mut() {
            if scopes.iter().any(|scope| scope.covers(broker, handed.symbol, client_id)) {
                handed.asked += 1;
                requests.push(CancelRequest { client_id, broker, symbol: handed.symbol });
            }
        }
        for (place, request) in requests.iter().enumerate() {
            let now = (self.settings.clock)();
            self.point.note(now);
            let (broker, request, limit) =
                (Arc::clone(&self.broker), *request, self.settings.call_timeout);
            let mut call: Call = Box::pin(async move {
                let outcome = timeout(limit, broker.cancel(&request)).await;
                let outcome = outcome.unwrap_or(SendOutcome::Unknown(UnknownCause::Timeout));
                let (client_id, request) = (request.client_id, RequestKind::Cancel);
                Done::Answer { order: None, client_id, request, outcome, since: now }
            });
            let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
            let elapsed = self.switch.since_engaged();
            if place == 0 {
                self.stats.first_cancel_ns.store(elapsed, Relaxed);
            }
            self.stats.last_cancel_ns.store(elapsed, Relaxed);
            match first {
                Poll::Ready(Done::Answer { client_id, request, outcome, .. }) => {
                    self.outcome(client_id, request, outcome);
                }
                Poll::Ready(Done::Rows { .. }) => {}
                Poll::Pending => self.calls.push(call),
            }
        }
        requests.len()
    }

    fn not_sent(&mut self, command: &Command, reason: NotSentReason) {
        let outcome = SendOutcome::NotSent(reason);
        match command {
            Command::Submit(order) => self.outcome(order.client_id, RequestKind::Submit, outcome),
            Command::Replace(request) => {
                self.outcome(request.new_client_id, RequestKind::Replace, outcome);
            }
            Command::Cancel(request) => {
                self.outcome(request.client_id, RequestKind::Cancel, outcome);
            }
            Command::Query(query) => self.say(What::Page(Page {
                query: query.id,
                last: true,
                asked_after: self.reports,
                answered_after: self.reports,
                ..Page::default()
            })),
        }
    }

    fn outcome(&mut self, client_id: ClientOrderId, request: RequestKind, outcome: SendOutcome) {
        self.stats.outcome(outcome);
        self.say(What::Outcome { client_id, request, outcome });
    }

    /// Says something to the core, in order.
    fn say(&mut self, what: What) {
        let said = Said { broker: self.settings.broker, what };
        if self.waiting.is_empty() {
            match self.said.try_send(said) {
                Ok(()) => {}
                Err(TrySendError::Full(said) | TrySendError::Closed(said)) => {
                    self.waiting.push_back(said);
                }
            }
        } else {
            self.waiting.push_back(said);
        }
    }
}
