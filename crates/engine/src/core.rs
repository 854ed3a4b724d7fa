//! The only owner of [`Books`]: reports go in through `observe`, decisions through `emit`.
//!
//! `emit` folds at once, so the next decision in the same event sees the reservation
//! (journal.md 2). Nothing else has `&mut Books`.

use model::record::{Value, Writer};
use model::{ExecType as E, ExecutionReport, Timestamp};
use twox_hash::xxhash3_128::Hasher as XxHash3_128;

use crate::books::{Books, Seen};
use crate::fact::Fact;
use crate::input::{BrokerEvent, Input};
use crate::output::Outputs;
use crate::risk_manager::Gate;

/// Books with their two ways in, and the running hash of all decisions.
pub(crate) struct Core {
    books: Books,
    hasher: XxHash3_128,
    /// What is not hashed yet: the hash is of one long text, and takes large pieces faster.
    pending: Writer,
}

/// Bytes that are hashed at once.
const PIECE: usize = 16 * 1024;

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("books", &self.books).finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(books: Books) -> Self {
        Self { books, hasher: XxHash3_128::new(), pending: Writer::new() }
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

    /// Puts another gate in the place of the present one, before the first input.
    pub(crate) fn change_gate(&mut self, change: impl FnOnce(Gate) -> Gate) {
        self.books.change_gate(change);
    }

    /// Takes a decision in and passes it on.
    pub(crate) fn emit(&mut self, fact: Fact, out: &mut Outputs) {
        self.books.fold(&fact);
        // What only informs is no decision; a trade follows from its fills, which are hashed.
        let informs = matches!(
            fact,
            Fact::Alert(_) | Fact::Triggered(_) | Fact::TradeClosed(_) | Fact::Reply(_)
        );
        if !informs {
            self.hash(&fact);
        }
        out.push(fact);
    }

    /// Takes an input in.
    pub(crate) fn observe(&mut self, input: &Input, now: Timestamp, seen: &mut Seen) {
        if let Input::Broker { event, .. } = input {
            match event {
                BrokerEvent::Report(report) => {
                    let exec = &report.exec;
                    if matches!(exec, E::Trade(_) | E::Correct { .. } | E::Bust { .. }) {
                        // How a broker names the order decides nothing (decision 0004).
                        match report.broker_id {
                            None => self.hash(report),
                            Some(_) => self.hash(&ExecutionReport { broker_id: None, ..*report }),
                        }
                    }
                }
                BrokerEvent::Charge { kind, fee } => {
                    self.hash(kind);
                    self.hash(fee);
                }
                // They change what is decided, which is hashed.
                BrokerEvent::Outcome { .. }
                | BrokerEvent::Page(_)
                | BrokerEvent::Account(_)
                | BrokerEvent::ActionBooked { .. } => {}
            }
        }
        self.books.observe(input, now, seen);
    }

    /// Takes a recorded decision in without passing it on.
    pub(crate) fn adopt(&mut self, fact: &Fact) {
        self.books.fold(fact);
    }

    fn hash(&mut self, value: &impl Value) {
        self.pending.field(1, value);
        if self.pending.bytes().len() >= PIECE {
            self.hasher.write(self.pending.bytes());
            self.pending.clear();
        }
    }

    /// Returns the hash of every decision, order and fill so far: equal for equal inputs on every
    /// machine and build.
    pub(crate) fn decision_hash(&self) -> u128 {
        let mut hasher = self.hasher.clone();
        hasher.write(self.pending.bytes());
        hasher.finish_128()
    }
}
