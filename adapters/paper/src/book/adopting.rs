//! Opening a log that this build or these settings would have filled otherwise: what was reported is
//! taken over as it was (decision 0087).
//!
//! Invariant: what the book told stays told, whatever fills its orders from now on.

use model::{ExecType, NewOrder, Timestamp};
use simulator::Night;

use super::{Book, Entry};

/// An order that came and is not answered yet.
type Waiting = Option<(NewOrder, Timestamp)>;

impl Book {
    /// Takes the entries of a log over.
    pub(super) fn adopt(&mut self, entries: &[Entry]) {
        let mut waiting: Waiting = None;
        for entry in entries {
            self.adopt_entry(entry, &mut waiting);
            self.exchange.let_pass();
        }
        self.in_bar = false;
        self.stirred = false;
        self.register.forget_unanswered();
    }

    fn adopt_entry(&mut self, entry: &Entry, waiting: &mut Waiting) {
        match entry {
            Entry::Submit { time, order } => {
                *waiting = Some((*order, *time));
                self.register.submitted(order);
                self.at(*time);
            }
            Entry::Replace { time, request } => {
                self.register.replacing(request);
                self.at(*time);
            }
            Entry::Cancel { time, .. } => self.at(*time),
            Entry::Report(report) => {
                let mine = waiting.filter(|(order, _)| order.client_id == report.client_id);
                match (report.exec, mine) {
                    (ExecType::New, Some((order, time))) => {
                        self.exchange.adopt_order(&order, time);
                        *waiting = None;
                    }
                    (ExecType::Replaced, _) => {
                        if let Some(request) = self.register.replacement(report.client_id) {
                            self.exchange.adopt_replacement(&request);
                        }
                    }
                    _ => self.exchange.adopt_report(report),
                }
                self.register.reported(report);
            }
            Entry::CloseSession { time } => {
                self.exchange.adopt_close();
                self.closed = self.closed.max(*time);
                self.at(*time);
            }
            Entry::DayRoll { session, settles, days } => {
                let night = Night { session: *session, settles: *settles, days: *days };
                self.exchange.adopt_night(night);
            }
            Entry::Charge { fee, .. } => self.exchange.adopt_charge(*fee),
            // Said by the calls that led to them, or nothing but a question.
            Entry::Silent | Entry::Held(_) | Entry::Adopted | Entry::Piece { .. } => {}
            // The market and the day: the exchange sees them, and nothing comes of it.
            other => drop(self.make(other)),
        }
    }
}
