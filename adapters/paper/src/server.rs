//! The paper broker's side of its socket: connections, requests, reports, and the faults it is told
//! to make.
//!
//! Each request is carried out by the desk and answered when the book has it on disk. Reports go to
//! every connection; one that does not read them is closed, and its client asks for what it missed.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway::{BrokerSignal, Unavailable};
use model::{Cash, Quantity, SendOutcome, Symbol, SymbolId, Timestamp, UnknownCause};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tracing::{debug, info};

use crate::desk::Desk;
use crate::faults::{Fault, Faults, On, Struck};
use crate::wire::{
    Asked, ExecutionLine, Message, OrderRowLine, PositionLine, ReportLine, Request, Tickers, line,
    outcome_to,
};

/// Lines that may wait on one connection before it is closed.
const ROOM: usize = 16_384;
/// The longest request.
const LONGEST: u64 = 64 << 10;
/// The broker's clock is told this often.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Requests that are remembered.
const REMEMBERED: usize = 100_000;

/// A request as it came.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Logged {
    /// When, by the machine's clock, in nanoseconds since 1970.
    pub unix_ns: u64,
    /// The fault that was made of it.
    pub fault: Option<Fault>,
    /// The line.
    pub line: String,
}

/// The server of one desk.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    hall: Arc<Hall>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
#[derive(Debug)]
struct Hall {
    desk: Desk,
    tickers: Tickers,
    faults: Faults,
    requests: Mutex<VecDeque<Logged>>,
    /// Told to every connection: close.
    cut: tokio::sync::broadcast::Sender<()>,
}

impl Server {
    /// Listens at an address and serves the desk's book; `symbols` are those of the book's settings.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub async fn bind(address: &str, desk: Desk, symbols: &[Symbol]) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let hall = Arc::new(Hall {
            desk,
            tickers: Tickers::new(symbols),
            faults: Faults::default(),
            requests: Mutex::default(),
            cut: tokio::sync::broadcast::channel(1).0,
        });
        info!(%address, "the paper broker listens");
        let accepting = tokio::spawn(Arc::clone(&hall).accept(listener));
        Ok(Self { address, hall, accepting })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the faults, to put rules in force.
    pub fn faults(&self) -> &Faults {
        &self.hall.faults
    }

    /// Returns the requests that came, the oldest first.
    pub fn requests(&self) -> Vec<Logged> {
        let requests = self.hall.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().cloned().collect()
    }

    /// Closes all connections; new ones are taken.
    pub fn cut(&self) {
        // Without a connection nobody listens.
        let _ = self.hall.cut.send(());
    }

    /// Returns the truth of the book: all orders, fills, positions and the account.
    ///
    /// # Errors
    /// The book has failed.
    pub async fn state(&self) -> Result<serde_json::Value, Unavailable> {
        self.hall.state().await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl Hall {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((socket, peer)) => {
                    debug!(%peer, "a client");
                    tokio::spawn(Arc::clone(&self).serve(socket));
                }
                // Out of file descriptors, most likely: others will be closed.
                Err(error) => {
                    debug!(%error, "accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Serves one connection until it ends.
    async fn serve(self: Arc<Self>, socket: TcpStream) {
        let mut cut = self.cut.subscribe();
        match self.faults.strike(On::Connect) {
            Some(Struck { fault: Fault::Delay, pause }) => tokio::time::sleep(pause).await,
            Some(_) => return,
            None => {}
        }
        if socket.set_nodelay(true).is_err() {
            return;
        }
        let (reader, writer) = socket.into_split();
        let (out, lines) = mpsc::channel(ROOM);
        let deaf = Arc::new(Notify::new());
        let mut writing = tokio::spawn(write(writer, lines));
        tokio::select! {
            () = Arc::clone(&self).converse(BufReader::new(reader), out, &deaf) => {}
            // A connection without its reports would be believed: it ends.
            () = deaf.notified() => {}
            _ = cut.recv() => {}
            // It does not read, or a fault closed it.
            _ = &mut writing => return,
        }
        writing.abort();
    }

    async fn converse(
        self: Arc<Self>,
        mut reader: BufReader<tokio::net::tcp::OwnedReadHalf>,
        out: mpsc::Sender<Outgoing>,
        deaf: &Arc<Notify>,
    ) {
        let (hall, to, deaf) = (Arc::clone(&self), out.clone(), Arc::clone(deaf));
        self.desk.listen(Box::new(move |signal| {
            let heard = hall.tell(signal, &to);
            if !heard {
                deaf.notify_one();
            }
            heard
        }));
        let beating = tokio::spawn(Arc::clone(&self).beat(out.clone()));
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader).take(LONGEST).read_until(b'\n', &mut line).await;
            if !matches!(read, Ok(1..)) || line.last() != Some(&b'\n') {
                break;
            }
            let Ok(request) = serde_json::from_slice::<Request>(&line) else { break };
            let on = match request.what {
                Asked::Submit(_) => On::Submit,
                Asked::Replace(_) => On::Replace,
                Asked::Cancel(_) => On::Cancel,
                _ => On::Query,
            };
            let struck = self.faults.strike(on);
            self.log(&line, struck);
            self.begin(request, struck, &out);
        }
        beating.abort();
    }

    /// Says hello when the reports of the book come over this connection, then that it lives.
    async fn beat(self: Arc<Self>, out: mpsc::Sender<Outgoing>) {
        let mut first = true;
        while let Ok(time) = self.desk.with(|book| book.now()).await {
            let message = match std::mem::take(&mut first) {
                true => Message::Hello { time },
                false => Message::Heartbeat { time },
            };
            if out.send(Outgoing::Line(line(&message))).await.is_err() {
                return;
            }
            tokio::time::sleep(HEARTBEAT).await;
        }
        // The book has failed: nothing can be answered.
        drop(out.send(Outgoing::Close).await);
    }

    fn log(&self, line: &[u8], struck: Option<Struck>) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let logged = Logged {
            unix_ns: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
            fault: struck.map(|struck| struck.fault),
            line: String::from_utf8_lossy(line).trim_end().to_owned(),
        };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == REMEMBERED {
            requests.pop_front();
        }
        requests.push_back(logged);
    }

    /// Begins a request; the desk gets it now, in the order of the connection.
    fn begin(
        self: &Arc<Self>,
        request: Request,
        struck: Option<Struck>,
        out: &mpsc::Sender<Outgoing>,
    ) {
        let fault = struck.map(|struck| struck.fault);
        if fault == Some(Fault::Drop) {
            return;
        }
        let (hall, out) = (Arc::clone(self), out.clone());
        let late = struck.filter(|struck| struck.fault == Fault::Delay);
        let again = (fault == Some(Fault::Duplicate)).then(|| request.clone());
        let now = late.is_none().then(|| self.carry_out(&request));
        tokio::spawn(async move {
            let message = match (now, late) {
                (Some(message), _) => message.await,
                (None, late) => {
                    tokio::time::sleep(late.map_or(Duration::ZERO, |late| late.pause)).await;
                    hall.carry_out(&request).await
                }
            };
            if let Some(again) = again {
                hall.carry_out(&again).await;
            }
            // A client that is gone hears nothing.
            drop(out.send(hall.spoiled(message, fault)).await);
        });
    }

    /// Carries a request out; what changes the book is at the desk when this returns.
    fn carry_out(self: &Arc<Self>, request: &Request) -> gateway::Answer<'static, Message> {
        let id = request.id;
        let outcome = match &request.what {
            Asked::Submit(order) => order.read(&self.tickers).map(|o| self.desk.submit(o)),
            Asked::Replace(replace) => replace.read(&self.tickers).map(|r| self.desk.replace(r)),
            Asked::Cancel(cancel) => cancel.read(&self.tickers).map(|c| self.desk.cancel(c)),
            question => {
                let (hall, question) = (Arc::clone(self), question.clone());
                return Box::pin(async move {
                    hall.ask(id, &question)
                        .await
                        .unwrap_or_else(|error| Message::Failed { id, error: error.to_string() })
                });
            }
        };
        Box::pin(async move {
            let Some(outcome) = outcome else {
                let reason = Some(model::RejectReason::Invalid.name().into());
                return Message::Outcome { id, outcome: "rejected".into(), reason };
            };
            let outcome = outcome.await;
            if outcome == SendOutcome::Unknown(UnknownCause::ConnectionLost) {
                let error = "the paper book has failed".into();
                return Message::Failed { id, error };
            }
            let (outcome, reason) = outcome_to(outcome);
            Message::Outcome { id, outcome: outcome.into(), reason: reason.map(Into::into) }
        })
    }

    async fn ask(&self, id: u64, question: &Asked) -> Result<Message, Unavailable> {
        let (desk, tickers) = (&self.desk, &self.tickers);
        Ok(match question {
            Asked::Order { client_id } => {
                let client_id = client_id
                    .parse()
                    .map_err(|error: model::ParseIdError| Unavailable(error.to_string()))?;
                let row = desk.order(client_id).await?;
                orders(id, row.iter().filter_map(|row| OrderRowLine::from(row, tickers)).collect())
            }
            Asked::Executions { since } => {
                let rows = desk.executions(*since).await?;
                let rows: Vec<_> =
                    rows.iter().filter_map(|row| ExecutionLine::from(row, tickers)).collect();
                Message::Executions { id, total: rows.len(), rows }
            }
            Asked::Positions => {
                let rows = desk.positions().await?;
                let rows: Vec<_> =
                    rows.iter().filter_map(|row| PositionLine::from(row, tickers)).collect();
                Message::Positions { id, total: rows.len(), rows }
            }
            Asked::Account => {
                let row = desk.account().await?;
                let (cash, equity, buying_power) = (row.cash, row.equity, row.buying_power);
                Message::Account { id, cash, equity, buying_power }
            }
            _ => {
                let rows = desk.open_orders().await?;
                orders(id, rows.iter().filter_map(|row| OrderRowLine::from(row, tickers)).collect())
            }
        })
    }

    /// Sends what the book says, in its thread; false when the connection is gone or does not read.
    fn tell(&self, signal: &BrokerSignal, out: &mpsc::Sender<Outgoing>) -> bool {
        let message = match signal {
            BrokerSignal::Report(report) => {
                ReportLine::from(report, &self.tickers).map(Message::Report)
            }
            BrokerSignal::Charge { kind, fee } => {
                Some(Message::Charge { kind: kind.name().into(), fee: *fee })
            }
            _ => None,
        };
        let Some(message) = message else { return true };
        let bytes = line(&message);
        let (first, second) = match self.faults.strike(On::Stream) {
            None => (Outgoing::Line(bytes), None),
            Some(Struck { fault: Fault::LostFrame, .. }) => return !out.is_closed(),
            Some(Struck { fault: Fault::LateFrame, pause }) => (Outgoing::Late(bytes, pause), None),
            Some(Struck { fault: Fault::Duplicate, .. }) => {
                (Outgoing::Line(bytes.clone()), Some(Outgoing::Line(bytes)))
            }
            Some(Struck { fault: Fault::Truncate, .. }) => (Outgoing::Half(bytes), None),
            Some(_) => (Outgoing::Close, None),
        };
        out.try_send(first).is_ok() && second.is_none_or(|second| out.try_send(second).is_ok())
    }

    /// Makes of an answer what a fault makes of it.
    fn spoiled(&self, message: Message, fault: Option<Fault>) -> Outgoing {
        let id = message.answers().unwrap_or_default();
        match fault {
            Some(Fault::NeverAnswer) => Outgoing::Nothing,
            Some(Fault::Reset) => Outgoing::Close,
            Some(Fault::Truncate) => Outgoing::Half(line(&message)),
            Some(Fault::Error) => {
                Outgoing::Line(line(&Message::Failed { id, error: "a fault was asked for".into() }))
            }
            Some(Fault::HalfPage) => Outgoing::Line(line(&halved(message))),
            Some(Fault::ForeignOrder) => {
                Outgoing::Line(line(&with_foreign(message, self.tickers.name(SymbolId(0)))))
            }
            _ => Outgoing::Line(line(&message)),
        }
    }

    async fn state(&self) -> Result<serde_json::Value, Unavailable> {
        let orders = self.desk.with(|book| book.orders()).await?;
        let fills = self.desk.executions(Timestamp::MIN).await?;
        let positions = self.desk.positions().await?;
        let account = self.desk.account().await?;
        let tickers = &self.tickers;
        let orders: Vec<_> =
            orders.iter().filter_map(|row| OrderRowLine::from(row, tickers)).collect();
        let fills: Vec<_> =
            fills.iter().filter_map(|row| ExecutionLine::from(row, tickers)).collect();
        let positions: Vec<_> =
            positions.iter().filter_map(|row| PositionLine::from(row, tickers)).collect();
        Ok(serde_json::json!({ "paper": {
            "orders": orders,
            "fills": fills,
            "positions": positions,
            "account": { "cash": account.cash, "equity": account.equity },
        }}))
    }
}

fn orders(id: u64, rows: Vec<OrderRowLine>) -> Message {
    Message::Orders { id, total: rows.len(), rows }
}

/// Takes the second half of the rows away; of a list without rows, the promise that it has none.
fn halved(mut message: Message) -> Message {
    fn half<T>(rows: &mut Vec<T>, total: &mut usize) {
        *total = (*total).max(1);
        rows.truncate(rows.len() / 2);
    }
    match &mut message {
        Message::Orders { total, rows, .. } => half(rows, total),
        Message::Executions { total, rows, .. } => half(rows, total),
        Message::Positions { total, rows, .. } => half(rows, total),
        _ => {}
    }
    message
}

/// Adds what somebody else did on the account: an order and shares of the first symbol.
fn with_foreign(mut message: Message, symbol: Option<Symbol>) -> Message {
    let quantity = Quantity::from_shares(7).unwrap_or_default();
    let Some(symbol) = symbol else { return message };
    match &mut message {
        Message::Orders { total, rows, .. } => {
            rows.push(OrderRowLine::foreign(symbol, quantity));
            *total += 1;
        }
        Message::Positions { total, rows, .. } => {
            match rows.iter_mut().find(|row| row.symbol == symbol) {
                Some(row) => row.quantity = row.quantity.plus(quantity),
                None => {
                    rows.push(PositionLine { symbol, quantity, value: Cash::ZERO });
                    *total += 1;
                }
            }
        }
        _ => {}
    }
    message
}

/// What a connection sends.
#[derive(Debug)]
enum Outgoing {
    Line(Vec<u8>),
    /// Half of the line, then the connection breaks.
    Half(Vec<u8>),
    /// The line, after others that come within the pause.
    Late(Vec<u8>, Duration),
    Close,
    Nothing,
}

async fn write(mut socket: OwnedWriteHalf, mut lines: mpsc::Receiver<Outgoing>) {
    let (late, mut due) = mpsc::channel::<Vec<u8>>(ROOM);
    loop {
        let next = tokio::select! {
            next = lines.recv() => next,
            Some(bytes) = due.recv() => Some(Outgoing::Line(bytes)),
        };
        let written = match next {
            Some(Outgoing::Line(bytes)) => socket.write_all(&bytes).await,
            Some(Outgoing::Half(bytes)) => {
                let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
                // The connection ends either way.
                drop(socket.write_all(half).await);
                return;
            }
            Some(Outgoing::Late(bytes, pause)) => {
                let late = late.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    drop(late.send(bytes).await);
                });
                Ok(())
            }
            Some(Outgoing::Nothing) => Ok(()),
            Some(Outgoing::Close) | None => return,
        };
        if written.is_err() {
            return;
        }
    }
}
