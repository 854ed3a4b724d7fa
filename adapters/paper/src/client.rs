//! The paper broker over TCP: a client of `venue --paper` with the interface of a broker.
//!
//! One connection carries requests, answers and reports. A request is written to the socket within
//! the first poll, whole or not at all; what is handed to the kernel and not answered when the
//! connection breaks is unknown, what was not is not sent (safety.md 3).

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::{Answer, Backoff, Broker, BrokerSignal, SILENCE, Unavailable, within};
use model::{
    AccountRow, BrokerId, CancelRequest, ClientOrderId, ExecutionRow, NewOrder, NotSentReason,
    OrderRow, PositionRow, ReplaceRequest, SendOutcome, Symbol, Timestamp, UnknownCause,
};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::{debug, warn};

use crate::wire::{
    Asked, CancelLine, Message, OrderLine, ReplaceLine, Request, Tickers, charge, line,
    outcome_from,
};

/// Connecting takes no longer than this.
const CONNECT: Duration = Duration::from_secs(5);
/// Pauses between attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// A line is never longer; a list of all orders of a day fits.
const LONGEST_LINE: u64 = 64 << 20;

/// Where the broker is and who asks.
#[derive(Clone, Debug)]
pub struct TcpSettings {
    /// Its address, `127.0.0.1:9100`.
    pub address: String,
    /// The symbols of the run, in the order of their ids.
    pub symbols: Vec<Symbol>,
    /// The broker named on reports.
    pub broker: BrokerId,
    /// Seed of the pauses between attempts to connect.
    pub seed: u64,
}

/// The paper broker as another process.
pub struct TcpBroker {
    shared: Arc<Shared>,
}

struct Shared {
    settings: TcpSettings,
    /// A connection that says nothing for this long is dead (F15).
    silence: Duration,
    tickers: Tickers,
    link: Mutex<Option<Link>>,
    next: AtomicU64,
    /// Something waits to be written.
    flush: Notify,
}

/// A connection that is ready.
struct Link {
    socket: OwnedWriteHalf,
    /// The rest of a line that the socket took a part of.
    rest: Vec<u8>,
    pending: HashMap<u64, oneshot::Sender<Reply>>,
}

/// What became of a request: its answer, or why there will be none.
type Reply = Result<Message, UnknownCause>;

/// A request did not leave.
struct NotSent;

impl fmt::Debug for TcpBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpBroker").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl TcpBroker {
    /// Makes the client; [`stream`](Broker::stream) connects it.
    pub fn new(settings: TcpSettings) -> Self {
        Self::with_silence(settings, SILENCE)
    }

    /// Makes a client that takes a connection for dead after another silence than [`SILENCE`]; the
    /// broker's heartbeat comes every second.
    pub fn with_silence(settings: TcpSettings, silence: Duration) -> Self {
        let shared = Shared {
            silence,
            tickers: Tickers::new(&settings.symbols),
            settings,
            link: Mutex::new(None),
            next: AtomicU64::new(1),
            flush: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Hands a request that changes something over, within the first poll.
    fn order(&self, what: Option<Asked>) -> Answer<'_, SendOutcome> {
        Box::pin(async move {
            // A symbol without a ticker: there is nothing to write.
            let Some(what) = what else {
                return SendOutcome::NotSent(NotSentReason::LastCheck);
            };
            let Ok(reply) = self.shared.send(what) else {
                return SendOutcome::NotSent(NotSentReason::NotConnected);
            };
            match reply.await {
                Ok(Ok(Message::Outcome { outcome, reason, .. })) => {
                    outcome_from(&outcome, reason.as_deref())
                }
                Ok(Ok(Message::Failed { .. })) => SendOutcome::Unknown(UnknownCause::ServerError),
                Ok(Ok(_)) => SendOutcome::Unknown(UnknownCause::Unparsable),
                Ok(Err(cause)) => SendOutcome::Unknown(cause),
                Err(_) => SendOutcome::Unknown(UnknownCause::ConnectionLost),
            }
        })
    }

    async fn ask(&self, what: Asked) -> Result<Message, Unavailable> {
        let sent = self.shared.send(what).map_err(|NotSent| unavailable("not connected"))?;
        match sent.await {
            Ok(Ok(Message::Failed { error, .. })) => Err(Unavailable(error)),
            Ok(Ok(message)) => Ok(message),
            Ok(Err(cause)) => Err(unavailable(cause.name())),
            Err(_) => Err(unavailable("the connection broke")),
        }
    }

    async fn orders(&self, what: Asked) -> Result<Vec<OrderRow>, Unavailable> {
        let Message::Orders { total, rows, .. } = self.ask(what).await? else {
            return Err(unavailable("the answer is no list of orders"));
        };
        whole(total, rows.iter().map(|row| row.read(&self.shared.tickers)))
    }
}

fn unavailable(why: &str) -> Unavailable {
    Unavailable(why.to_owned())
}

/// Returns the rows when all of them are there and readable (F17).
fn whole<T>(
    total: usize,
    rows: impl ExactSizeIterator<Item = Option<T>>,
) -> Result<Vec<T>, Unavailable> {
    let there = rows.len();
    if there != total {
        return Err(Unavailable(format!("{there} of {total} rows came")));
    }
    rows.collect::<Option<Vec<T>>>().ok_or_else(|| unavailable("a row is not readable"))
}

impl Broker for TcpBroker {
    fn name(&self) -> &str {
        "paper"
    }

    fn submit<'a>(&'a self, order: &'a NewOrder) -> Answer<'a, SendOutcome> {
        self.order(OrderLine::from(order, &self.shared.tickers).map(Asked::Submit))
    }

    fn replace<'a>(&'a self, request: &'a ReplaceRequest) -> Answer<'a, SendOutcome> {
        self.order(ReplaceLine::from(request, &self.shared.tickers).map(Asked::Replace))
    }

    fn cancel<'a>(&'a self, request: &'a CancelRequest) -> Answer<'a, SendOutcome> {
        self.order(CancelLine::from(request, &self.shared.tickers).map(Asked::Cancel))
    }

    fn query_by_client_id(
        &self,
        id: ClientOrderId,
    ) -> Answer<'_, Result<Option<OrderRow>, Unavailable>> {
        Box::pin(async move {
            let rows = self.orders(Asked::Order { client_id: id.to_string() }).await?;
            Ok(rows.into_iter().find(|row| row.client_id == Some(id)))
        })
    }

    fn open_orders(&self) -> Answer<'_, Result<Vec<OrderRow>, Unavailable>> {
        Box::pin(self.orders(Asked::OpenOrders))
    }

    fn executions_since(
        &self,
        since: Timestamp,
    ) -> Answer<'_, Result<Vec<ExecutionRow>, Unavailable>> {
        Box::pin(async move {
            let answer = self.ask(Asked::Executions { since }).await?;
            let Message::Executions { total, rows, .. } = answer else {
                return Err(unavailable("the answer is no list of executions"));
            };
            whole(total, rows.iter().map(|row| row.read(&self.shared.tickers)))
        })
    }

    fn positions(&self) -> Answer<'_, Result<Vec<PositionRow>, Unavailable>> {
        Box::pin(async move {
            let Message::Positions { total, rows, .. } = self.ask(Asked::Positions).await? else {
                return Err(unavailable("the answer is no list of positions"));
            };
            whole(total, rows.iter().map(|row| Some(row.read(&self.shared.tickers))))
        })
    }

    fn account(&self) -> Answer<'_, Result<AccountRow, Unavailable>> {
        Box::pin(async move {
            let Message::Account { cash, equity, buying_power, .. } =
                self.ask(Asked::Account).await?
            else {
                return Err(unavailable("the answer is no account"));
            };
            Ok(AccountRow { cash, equity, buying_power })
        })
    }

    fn stream(&self, to: mpsc::Sender<BrokerSignal>) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move { shared.stay_connected(to).await });
    }
}

impl Shared {
    /// Writes a request to the socket at once; its answer comes later.
    fn send(&self, what: Asked) -> Result<oneshot::Receiver<Reply>, NotSent> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut bytes = line(&Request { id, what });
        let mut guard = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let link = guard.as_mut().ok_or(NotSent)?;
        if !link.rest.is_empty() {
            return Err(NotSent);
        }
        // A socket that takes nothing leaves the request with us; one that takes a part of it will
        // get the rest.
        let taken = link.socket.try_write(&bytes).map_err(|_| NotSent)?;
        if taken == 0 {
            return Err(NotSent);
        }
        if taken < bytes.len() {
            link.rest = bytes.split_off(taken);
            self.flush.notify_one();
        }
        let (answer, receiver) = oneshot::channel();
        link.pending.insert(id, answer);
        Ok(receiver)
    }

    /// Connects for ever, until nobody listens.
    async fn stay_connected(&self, to: mpsc::Sender<BrokerSignal>) {
        let mut backoff = Backoff::new(PAUSES.0, PAUSES.1, self.settings.seed);
        while !to.is_closed() {
            let connected = within(CONNECT, TcpStream::connect(&self.settings.address)).await;
            match connected {
                Ok(Ok(socket)) => {
                    let (why, ready) = self.talk(socket, &to).await;
                    if ready {
                        backoff.reset();
                        warn!(address = %self.settings.address, why, "the paper broker is gone");
                        if to.send(BrokerSignal::Down(why)).await.is_err() {
                            return;
                        }
                    }
                }
                Ok(Err(error)) => debug!(address = %self.settings.address, %error, "connect"),
                Err(silent) => debug!(address = %self.settings.address, %silent, "connect"),
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    /// Listens to a connection until it ends; returns why, and whether it was ready before.
    async fn talk(&self, socket: TcpStream, to: &mpsc::Sender<BrokerSignal>) -> (String, bool) {
        if let Err(error) = socket.set_nodelay(true) {
            return (error.to_string(), false);
        }
        let (reader, writer) = socket.into_split();
        let silence = self.silence;
        let mut lines = Lines { reader: BufReader::new(reader), line: Vec::new(), silence };
        // Ready is the connection whose reports come: the broker says hello then.
        match lines.next().await {
            Ok(Message::Hello { .. }) => {}
            Ok(_) => return ("it does not say hello".into(), false),
            Err((why, _)) => return (why, false),
        }
        let link = Link { socket: writer, rest: Vec::new(), pending: HashMap::new() };
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
        let (why, cause) = match to.send(BrokerSignal::Up).await {
            Ok(()) => tokio::select! {
                end = self.listen(&mut lines, to) => end,
                end = self.flush() => end,
            },
            Err(_) => ("nobody listens".into(), UnknownCause::ConnectionLost),
        };
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner).take();
        for (_, answer) in link.into_iter().flat_map(|link| link.pending) {
            // Whoever asked may have given up.
            let _ = answer.send(Err(cause));
        }
        (why, true)
    }

    async fn listen(
        &self,
        lines: &mut Lines,
        to: &mpsc::Sender<BrokerSignal>,
    ) -> (String, UnknownCause) {
        loop {
            let message = match lines.next().await {
                Ok(message) => message,
                Err(end) => return end,
            };
            let signal = match message {
                Message::Report(report) => match report.read(self.settings.broker, &self.tickers) {
                    Some(report) => BrokerSignal::Report(report),
                    None => {
                        return ("a report is not readable".into(), UnknownCause::Unparsable);
                    }
                },
                Message::Charge { kind, fee } => BrokerSignal::Charge { kind: charge(&kind), fee },
                Message::Hello { time } | Message::Heartbeat { time } => {
                    BrokerSignal::Heartbeat(Some(time))
                }
                answer => {
                    self.answer(answer);
                    continue;
                }
            };
            if to.send(signal).await.is_err() {
                return ("nobody listens".into(), UnknownCause::ConnectionLost);
            }
        }
    }

    fn answer(&self, message: Message) {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = message.answers().zip(link.as_mut());
        if let Some(answer) = asked.and_then(|(id, link)| link.pending.remove(&id)) {
            // Whoever asked may have given up: the outcome is unknown to it already.
            let _ = answer.send(Ok(message));
        }
    }

    /// Writes what the socket did not take at once.
    async fn flush(&self) -> (String, UnknownCause) {
        loop {
            self.flush.notified().await;
            loop {
                let taken = {
                    let mut guard = self.link.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some(link) = guard.as_mut().filter(|link| !link.rest.is_empty()) else {
                        break;
                    };
                    link.socket.try_write(&link.rest).map(|taken| drop(link.rest.drain(..taken)))
                };
                match taken {
                    Ok(()) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    Err(error) => return (error.to_string(), UnknownCause::ConnectionLost),
                }
            }
        }
    }
}

/// The messages of a connection.
struct Lines {
    reader: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
    silence: Duration,
}

impl Lines {
    /// Returns the next message, or why there is none and what that means for what was asked.
    async fn next(&mut self) -> Result<Message, (String, UnknownCause)> {
        use tokio::io::AsyncReadExt as _;
        self.line.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        let read = within(self.silence, limited.read_until(b'\n', &mut self.line)).await;
        let lost = |why: String| (why, UnknownCause::ConnectionLost);
        match read {
            Err(silent) => return Err(lost(silent.to_string())),
            Ok(Err(error)) => return Err(lost(error.to_string())),
            Ok(Ok(0)) => return Err(lost("it closed the connection".into())),
            Ok(Ok(_)) => {}
        }
        if self.line.last() != Some(&b'\n') {
            return Err(("a message ends in its middle".into(), UnknownCause::Unparsable));
        }
        serde_json::from_slice(&self.line).map_err(|error| {
            (format!("a message is not readable: {error}"), UnknownCause::Unparsable)
        })
    }
}
