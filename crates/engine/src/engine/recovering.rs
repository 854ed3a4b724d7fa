//! Recovery (journal.md 8): books from recorded inputs and facts, without deciding anything; the
//! start of a process, and what one with a cold analysis has to set up again from the books.

use model::Timestamp;
use model::exchange::Session;
use model::record::{DecodeError, Reader};

use super::Engine;
use crate::execution_engine::{self, reconciliation};
use crate::fact::{Fact, GateChange, SlotKey};
use crate::input::{Input, Sequenced, Start};
use crate::lifecycle::State;
use crate::order_manager::{entries, exits, protection};
use crate::output::Outputs;
use crate::timers::Timer;

impl Engine {
    /// Takes the books of a snapshot; analysis stays cold.
    ///
    /// # Errors
    /// The snapshot's bytes cannot be decoded.
    pub fn adopt_books(&mut self, books: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.core.books_from(books)
    }

    /// Takes a recorded input with its facts into the books and decides nothing. The first
    /// `deadline_facts` of them came before the input was taken in
    /// ([`Outputs::deadline_facts`](crate::Outputs)).
    ///
    /// What was decided then stands, whatever this build would decide; analysis stays cold until
    /// the next [`Input::Start`].
    pub fn adopt(&mut self, input: &Sequenced<Input>, facts: &[Fact], deadline_facts: usize) {
        let (before, after) = facts.split_at(deadline_facts.min(facts.len()));
        before.iter().for_each(|fact| self.core.adopt(fact));
        self.now = self.now.max(input.time);
        let seen = self.seen.get_or_insert_default();
        self.core.observe(&input.item, self.now, seen);
        after.iter().for_each(|fact| self.core.adopt(fact));
    }

    /// Returns the hash of books and analysis: equal for the same inputs in every build mode
    /// (journal.md 15).
    pub fn state_hash(&self) -> u128 {
        twox_hash::xxhash3_128::Hasher::oneshot(&model::record::encode(self))
    }

    pub(super) fn on_start(&mut self, start: &Start, last_time: Timestamp, out: &mut Outputs) {
        let mut desk = self.desk(out);
        execution_engine::on_start(&mut desk, start, last_time);
        desk.emit(Fact::Gate(GateChange::Lifecycle(State::Starting)));
        if !self.started {
            self.started = true;
            self.start_cold(out);
        }
        // The gate opens when the brokers' books are compared (F35).
        reconciliation::open_gate(&mut self.desk(out));
    }

    /// Sets up what a session needs when none of it is known: the first start of a process.
    pub(super) fn start_cold(&mut self, out: &mut Outputs) {
        match self.calendar.session_at(self.now) {
            Some(_) => self.begin_session(out),
            None => self.schedule_session_after(self.now),
        }
        if let Some(raise) = self.core.books().gate().pending_raise() {
            self.analysis.timers.set(raise.at, Timer::LimitsRaise);
        }
        // Exits run from the plans in the books: their deadlines are set anew.
        let active: Vec<SlotKey> = self.core.books().active().to_vec();
        for key in active {
            self.set_exit_deadlines(key);
            let mut desk = self.desk(out);
            if let Some(order) = desk.books().working_entry(key) {
                let expires = order.terms.as_deref().and_then(|terms| terms.plan.expires);
                let number = order.request.client_id.number;
                match expires {
                    Some(expires) => {
                        desk.analysis.timers.set(expires, Timer::EntryExpiry(number));
                    }
                    None => entries::watch_age(&mut desk, key, number),
                }
            }
            protection::retry(&mut desk, key);
            exits::settle(&mut desk, key);
        }
    }

    /// Returns true when the books' day counters are those of a session already: a start within
    /// it goes on with them (C10, F35).
    pub(super) fn is_day_open(&self, session: &Session) -> bool {
        self.core.books().day().session == session.date
    }

    /// Sets the deadlines of a position's time rules.
    pub(super) fn set_exit_deadlines(&mut self, key: SlotKey) {
        let Some(position) = self.core.books().position(key) else { return };
        let (plan, opened, group) = (position.plan, position.opened, position.group);
        let minutes = plan.time_stop_minutes.map(i64::from);
        let time_stop = minutes.map(|m| opened.plus_nanos(m * model::MINUTE_NS));
        for time in [time_stop, plan.flat_by].into_iter().flatten() {
            self.analysis.timers.set(time, Timer::Position { slot: key, group });
        }
    }
}
