//! What the examiner says and hears.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use model::{
    AccountRow, Ask, BrokerId, CancelRequest, ClientOrderId, Command, ExecType, ExecutionReport,
    ExecutionRow, Fill, NewOrder, OrderKind, OrderRow, PositionRow, Price, Quantity, Query,
    QueryId, ReplaceRequest, RequestKind, Rows, SendOutcome, SymbolId,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Examinee;
use crate::broker::BrokerSignal;
use crate::children::Children;
use crate::dispatch::{Dispatcher, DispatcherSettings, Released, Said, What};
use crate::kill::KillSwitch;

/// Whatever is expected comes within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// What must not come is waited for as long as this.
const QUIET: Duration = Duration::from_millis(300);

/// Why a case failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

impl Failure {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Returns a failure unless both are equal.
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Result<(), Failure> {
    if found == expected {
        Ok(())
    } else {
        Err(Failure::new(format!("{what}: {found:?}, not {expected:?}")))
    }
}

/// One request of ours.
type Asked = (ClientOrderId, RequestKind);

/// One sitting: the examinee behind a dispatcher of its own.
pub struct Room<'a> {
    pub(super) examinee: &'a mut dyn Examinee,
    dispatcher: Dispatcher,
    said: mpsc::Receiver<Said>,
    pub(super) reports: Vec<ExecutionReport>,
    outcomes: BTreeMap<Asked, Vec<SendOutcome>>,
    requests: Vec<Asked>,
    ups: u32,
    answers: BTreeMap<u64, Vec<(Rows, bool)>>,
    questions: u64,
}

impl<'a> Room<'a> {
    pub(super) fn open(examinee: &'a mut dyn Examinee) -> Self {
        let (to, said) = mpsc::channel(1_024);
        let born = std::time::Instant::now();
        let clock = Arc::new(move || u64::try_from(born.elapsed().as_nanos()).unwrap_or(u64::MAX));
        let settings = DispatcherSettings::new(BrokerId(0), clock);
        let (switch, children) = (KillSwitch::new(false), Arc::new(Children::default()));
        let dispatcher = Dispatcher::spawn(examinee.broker(), settings, &switch, &children, to);
        Self {
            examinee,
            dispatcher,
            said,
            reports: Vec::new(),
            outcomes: BTreeMap::new(),
            requests: Vec::new(),
            ups: 0,
            answers: BTreeMap::new(),
            questions: 0,
        }
    }

    pub(super) async fn close(self) {
        self.dispatcher.close().await;
    }

    fn hear(&mut self, said: Said) {
        match said.what {
            What::Outcome { client_id, request, outcome } => {
                self.outcomes.entry((client_id, request)).or_default().push(outcome);
            }
            What::Page(page) => {
                let answer = self.answers.entry(page.query.number).or_default();
                answer.push((page.rows, page.last));
            }
            What::Signal(BrokerSignal::Report(report)) => self.reports.push(report),
            What::Signal(BrokerSignal::Up) => self.ups += 1,
            What::Signal(_) => {}
        }
    }

    /// Listens until something is there.
    pub(super) async fn until<T>(
        &mut self,
        what: &str,
        mut found: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T, Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = found(self) {
                return Ok(found);
            }
            match timeout_at(end, self.said.recv()).await {
                Ok(Some(said)) => self.hear(said),
                Ok(None) => return Err(Failure::new(format!("{what}: nothing comes any more"))),
                Err(_) => {
                    let heard = &self.reports;
                    return Err(Failure::new(format!("{what} did not come; reports: {heard:?}")));
                }
            }
        }
    }

    /// Listens for a while, for what should not come.
    pub(super) async fn listen(&mut self) {
        let end = Instant::now() + QUIET;
        while let Ok(Some(said)) = timeout_at(end, self.said.recv()).await {
            self.hear(said);
        }
    }

    pub(super) async fn connected(&mut self) -> Result<(), Failure> {
        self.until("the connection", |room| (room.ups > 0).then_some(())).await
    }

    /// Breaks the connection and waits until it stands again; false where there is none.
    pub(super) async fn reconnect(&mut self) -> Result<bool, Failure> {
        let before = self.ups;
        let Some(cut) = self.examinee.cut() else { return Ok(false) };
        cut.await;
        self.until("the new connection", |room| (room.ups > before).then_some(true)).await
    }

    async fn send(
        &mut self,
        command: Command,
        id: ClientOrderId,
        request: RequestKind,
    ) -> Result<SendOutcome, Failure> {
        self.requests.push((id, request));
        let sent = self.requests.iter().filter(|asked| **asked == (id, request)).count();
        self.dispatcher.send(&[Released { command, decided_mono_ns: u64::MAX, seq: 0 }]);
        self.until("an outcome", |room| {
            let outcomes = room.outcomes.get(&(id, request))?;
            outcomes.get(sent - 1).copied()
        })
        .await
    }

    pub(super) async fn submit(&mut self, order: &NewOrder) -> Result<SendOutcome, Failure> {
        self.send(Command::Submit(*order), order.client_id, RequestKind::Submit).await
    }

    pub(super) async fn cancel(&mut self, id: ClientOrderId) -> Result<SendOutcome, Failure> {
        let (symbol, _) = self.examinee.market();
        let request = CancelRequest { client_id: id, broker: BrokerId(0), symbol };
        self.send(Command::Cancel(request), id, RequestKind::Cancel).await
    }

    pub(super) async fn replace(
        &mut self,
        order: &NewOrder,
        kind: OrderKind,
        quantity: Quantity,
    ) -> Result<(ClientOrderId, SendOutcome), Failure> {
        let old = order.client_id;
        let new_client_id = ClientOrderId { attempt: old.attempt + 1, ..old };
        let request = ReplaceRequest {
            client_id: old,
            new_client_id,
            broker: BrokerId(0),
            symbol: order.symbol,
            kind,
            quantity,
        };
        let command = Command::Replace(request);
        let outcome = self.send(command, new_client_id, RequestKind::Replace).await?;
        Ok((new_client_id, outcome))
    }

    /// Waits for a report on an order.
    pub(super) async fn report(
        &mut self,
        id: ClientOrderId,
        what: &str,
        wanted: impl Fn(ExecType) -> bool,
    ) -> Result<ExecutionReport, Failure> {
        let found = |room: &Self| {
            room.reports.iter().find(|r| r.client_id == id && wanted(r.exec)).copied()
        };
        self.until(what, found).await
    }

    /// Waits until this many shares of an order were reported as filled.
    pub(super) async fn filled(
        &mut self,
        id: ClientOrderId,
        quantity: Quantity,
    ) -> Result<(), Failure> {
        let enough = |room: &Self| (room.fills(id) >= quantity).then_some(());
        self.until("the fill", enough).await?;
        same("shares filled", self.fills(id), quantity)
    }

    fn fills(&self, id: ClientOrderId) -> Quantity {
        let of_order = self.reports.iter().filter(|report| report.client_id == id);
        of_order.filter_map(fill_of).fold(Quantity::ZERO, |sum, fill| sum.plus(fill.quantity))
    }

    async fn ask(&mut self, ask: Ask) -> Result<Vec<Rows>, Failure> {
        self.questions += 1;
        let number = self.questions;
        let id = QueryId { epoch: 1, number };
        let query = Query { id, broker: BrokerId(0), ask };
        let command = Command::Query(query);
        self.dispatcher.send(&[Released { command, decided_mono_ns: u64::MAX, seq: 0 }]);
        self.until("an answer", |room| {
            let pages = room.answers.get(&number)?;
            let whole = pages.last().is_some_and(|(_, last)| *last);
            whole.then(|| pages.iter().map(|(rows, _)| rows.clone()).collect())
        })
        .await
    }

    pub(super) async fn orders(&mut self, ask: Ask) -> Result<Vec<OrderRow>, Failure> {
        let mut all = Vec::new();
        for rows in self.ask(ask).await? {
            let Rows::Orders(rows) = rows else { return Err(no_answer(&rows)) };
            all.extend(rows);
        }
        Ok(all)
    }

    /// Returns the broker's row of one order.
    pub(super) async fn order(&mut self, id: ClientOrderId) -> Result<Option<OrderRow>, Failure> {
        Ok(self.orders(Ask::Order(id)).await?.first().copied())
    }

    pub(super) async fn executions(&mut self) -> Result<Vec<ExecutionRow>, Failure> {
        let mut all = Vec::new();
        for rows in self.ask(Ask::Executions { since: Default::default() }).await? {
            let Rows::Executions(rows) = rows else { return Err(no_answer(&rows)) };
            all.extend(rows);
        }
        Ok(all)
    }

    /// Returns the net shares of the market's symbol.
    pub(super) async fn position(&mut self) -> Result<Quantity, Failure> {
        let symbol: SymbolId = self.examinee.market().0;
        let mut all: Vec<PositionRow> = Vec::new();
        for rows in self.ask(Ask::Positions).await? {
            let Rows::Positions(rows) = rows else { return Err(no_answer(&rows)) };
            all.extend(rows);
        }
        let held = all.iter().filter(|row| row.symbol == Some(symbol));
        Ok(held.fold(Quantity::ZERO, |sum, row| sum.plus(row.quantity)))
    }

    pub(super) async fn account(&mut self) -> Result<AccountRow, Failure> {
        match self.ask(Ask::Account).await?.first() {
            Some(Rows::Account(row)) => Ok(*row),
            other => Err(Failure::new(format!("no account: {other:?}"))),
        }
    }

    pub(super) async fn trade(&mut self, price: Price, most: Quantity) {
        self.examinee.trade(price, most).await;
    }

    /// Each request had exactly one outcome.
    pub(super) fn one_outcome_each(&self) -> Result<(), Failure> {
        for asked in &self.requests {
            let sent = self.requests.iter().filter(|other| *other == asked).count();
            let had = self.outcomes.get(asked).map_or(0, Vec::len);
            same(&format!("outcomes of {asked:?}"), had, sent)?;
        }
        Ok(())
    }
}

/// Returns the execution of a report.
pub(super) fn fill_of(report: &ExecutionReport) -> Option<Fill> {
    if let ExecType::Trade(fill) = report.exec { Some(fill) } else { None }
}

fn no_answer(rows: &Rows) -> Failure {
    Failure::new(format!("no answer: {rows:?}"))
}
