//! The only owner of [`Books`]: reports go in through `observe`, decisions through `emit`.
//!
//! `emit` folds at once, so the next decision in the same event sees the reservation
//! (journal.md 2). Nothing else has `&mut Books`.

use model::record::{Value, Writer};
use model::{
    BrokerId, Cash, ChargeKind, ClientOrderId, ExecType, ExecutionReport, OrderNumber, Page, Price,
    RequestKind, SendOutcome, Timestamp,
};
use twox_hash::xxhash3_128::Hasher as XxHash3_128;

use crate::books::{Books, Observed};
use crate::execution_engine::{Answer, Meaning};
use crate::fact::Fact;
use crate::output::Outputs;

/// Books with their two ways in, and the running hash of all decisions.
pub(crate) struct Core {
    books: Books,
    hasher: XxHash3_128,
    scratch: Writer,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("books", &self.books).finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(books: Books) -> Self {
        Self { books, hasher: XxHash3_128::new(), scratch: Writer::new() }
    }

    #[inline]
    pub(crate) fn books(&self) -> &Books {
        &self.books
    }

    /// Restores the books from a snapshot.
    pub(crate) fn books_from(
        &mut self,
        reader: &mut model::record::Reader<'_>,
    ) -> Result<(), model::record::DecodeError> {
        model::record::Record::load(&mut self.books, reader)
    }

    /// Takes a decision in and passes it on.
    pub(crate) fn emit(&mut self, fact: Fact, out: &mut Outputs) {
        self.books.fold(&fact);
        if !matches!(fact, Fact::Alert(_)) {
            self.hash(&fact);
        }
        out.push(fact);
    }

    /// Takes a broker's report in.
    pub(crate) fn observe(
        &mut self,
        report: &ExecutionReport,
        tick: impl Fn(Price) -> Price,
    ) -> Observed {
        if matches!(report.exec, ExecType::Trade(_)) {
            self.hash(report);
        }
        let observed = self.books.observe(report, tick);
        self.books.note_entry(report);
        self.books.review(report.client_id.number);
        observed
    }

    /// Takes a broker's charge in that belongs to no fill (TK5-TK8).
    pub(crate) fn observe_charge(&mut self, kind: ChargeKind, fee: Cash) {
        self.hash(&kind);
        self.hash(&fee);
        self.books.observe_charge(kind, fee);
    }

    /// Takes a report in that a broker sent: it is counted, and what it settles of the order ends.
    pub(crate) fn observe_sent(&mut self, report: &ExecutionReport) {
        self.books.count_report(report);
    }

    /// Takes an outcome in; `None` when it names no known order.
    pub(crate) fn observe_outcome(
        &mut self,
        broker: BrokerId,
        client_id: &ClientOrderId,
        request: RequestKind,
        outcome: SendOutcome,
        now: Timestamp,
    ) -> Option<(OrderNumber, Meaning)> {
        self.books.observe_outcome(broker, client_id, request, outcome, now)
    }

    /// Takes one page of an answer in.
    pub(crate) fn observe_page(&mut self, broker: BrokerId, page: &Page) -> Answer {
        self.books.observe_page(broker, page)
    }

    /// Takes a connection's change in.
    pub(crate) fn observe_connection(&mut self, broker: BrokerId, up: bool, now: Timestamp) {
        self.books.observe_connection(broker, up, now);
    }

    /// Takes a process's start in.
    pub(crate) fn observe_start(&mut self, epoch: u32, now: Timestamp) {
        self.books.observe_start(epoch, now);
    }

    fn hash(&mut self, value: &impl Value) {
        self.scratch.clear();
        self.scratch.field(1, value);
        self.hasher.write(self.scratch.bytes());
    }

    /// Returns the hash of every decision, order and fill so far: equal for equal inputs on every
    /// machine and build.
    pub(crate) fn decision_hash(&self) -> u128 {
        self.hasher.finish_128()
    }
}
