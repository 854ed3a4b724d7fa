//! The paper book as the driver's exchange.
//!
//! After a restart the book knows how far it was fed and what it has said; the core knows what it
//! has heard, and may be a few events behind the book. What was fed is not fed again, what was said
//! and not heard is said again, each report when the driver comes to its time.

use std::collections::VecDeque;

use backtest::Venue;
use model::exchange::Session;
use model::{
    Bar, CancelRequest, Cash, ChargeKind, CorporateAction, Date, ExecutionReport, NewOrder, Price,
    Quantity, Quote, ReplaceRequest, SymbolId, Timestamp, Trade,
};
use paper::{Book, BookError};
use simulator::Night;

/// A paper book that is stepped.
#[derive(Debug)]
pub(super) struct PaperVenue {
    book: Book,
    /// Said by the book to a process before this one, and not heard by the core.
    unheard: VecDeque<ExecutionReport>,
    /// How far the driver has come.
    shown: Timestamp,
    /// Events up to this time may have been fed by a process before this one.
    resumed: Timestamp,
    failed: Option<BookError>,
}

/// Why a book cannot go on with a core.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The core heard more than the book has said: they are not of the same account.
    #[error(
        "the core has heard {heard} reports, the paper book has made {made}: the journal and the \
         paper folder do not belong together; restore both from one backup"
    )]
    Ahead {
        /// Reports that the core has heard.
        heard: u64,
        /// Reports that the book has made.
        made: u64,
    },
    /// What the core has not heard is no longer kept.
    #[error(
        "the core has heard {heard} of {made} reports of the paper book, which no longer keeps the \
         others; restore journal and paper folder from one backup"
    )]
    Forgotten {
        /// Reports that the core has heard.
        heard: u64,
        /// Reports that the book has made.
        made: u64,
    },
}

impl PaperVenue {
    /// Takes a book up for a core that has heard `heard` of its reports and stands at `now`.
    ///
    /// # Errors
    /// Book and core do not belong together.
    pub(super) fn resume(book: Book, heard: u64, now: Timestamp) -> Result<Self, ResumeError> {
        let made = book.reports();
        if heard > made {
            return Err(ResumeError::Ahead { heard, made });
        }
        let unheard = book.reports_after(heard).ok_or(ResumeError::Forgotten { heard, made })?;
        let resumed = book.now();
        Ok(Self { book, unheard: unheard.into(), shown: now, resumed, failed: None })
    }

    /// Returns the book.
    pub(super) fn book(&self) -> &Book {
        &self.book
    }

    /// Takes out why the book could not go on.
    pub(super) fn failure(&mut self) -> Option<BookError> {
        self.failed.take()
    }

    /// Puts what was logged on disk.
    pub(super) fn sync(&mut self) {
        let result = self.book.sync();
        self.keep(result);
    }

    fn keep<T: Default>(&mut self, result: Result<T, BookError>) -> T {
        result.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            T::default()
        })
    }

    /// Comes to an event of a symbol; true when a process before this one has fed it.
    fn comes_to(&mut self, symbol: SymbolId, time: Timestamp) -> bool {
        self.shown = self.shown.max(time);
        time <= self.resumed && self.book.fed_until(symbol) >= time
    }
}

impl Venue for PaperVenue {
    fn submit(&mut self, order: &NewOrder, now: Timestamp) {
        self.shown = self.shown.max(now);
        self.book.submit(order, now);
    }

    fn replace(&mut self, request: &ReplaceRequest, now: Timestamp) {
        self.shown = self.shown.max(now);
        self.book.replace(request, now);
    }

    fn cancel(&mut self, request: &CancelRequest, now: Timestamp) {
        self.shown = self.shown.max(now);
        self.book.cancel(request, now);
    }

    fn next_report(&mut self) -> Option<ExecutionReport> {
        if self.failed.is_some() {
            return None;
        }
        if let Some(report) = self.unheard.front().copied() {
            // What was said later waits for its time, and whatever comes now waits behind it.
            let due = report.time <= self.shown;
            return due.then(|| self.unheard.pop_front()).flatten();
        }
        let result = self.book.next_report();
        self.keep(result)
    }

    fn has_live(&self, symbol: SymbolId) -> bool {
        self.book.has_live(symbol) || self.unheard.iter().any(|report| report.symbol == symbol)
    }

    fn begin_bar(&mut self, symbol: SymbolId, bar: &Bar, rth: bool) {
        if !self.comes_to(symbol, bar.end()) {
            self.book.begin_bar(symbol, bar, rth);
        }
    }

    fn end_bar(&mut self) {
        self.book.end_bar();
    }

    fn print(&mut self, symbol: SymbolId, trade: &Trade, rth: bool) {
        if !self.comes_to(symbol, trade.time) {
            self.book.print(symbol, trade, rth);
        }
    }

    fn quote(&mut self, symbol: SymbolId, quote: &Quote, rth: bool) {
        if !self.comes_to(symbol, quote.time) {
            self.book.quote(symbol, quote, rth);
        }
    }

    fn end_minute(&mut self, symbol: SymbolId, start: Timestamp, rth: bool) {
        self.book.end_minute(symbol, start, rth);
    }

    fn begin_session(&mut self, session: &Session) {
        self.book.begin_session(session);
    }

    fn set_adv(&mut self, symbol: SymbolId, adv20: Option<f64>) {
        self.book.set_symbol_day(symbol, adv20, None);
    }

    fn act(&mut self, action: &CorporateAction, now: Timestamp) -> Quantity {
        if self.book.has_acted(action) {
            return self.book.position(action.symbol);
        }
        let result = self.book.act(action, now);
        self.keep(result)
    }

    fn halt(&mut self, symbol: SymbolId, halted: bool) {
        self.book.halt(symbol, halted);
    }

    fn close_session(&mut self, now: Timestamp) {
        self.shown = self.shown.max(now);
        self.book.close_session(now);
    }

    fn position(&self, symbol: SymbolId) -> Quantity {
        self.book.position(symbol)
    }

    fn set_close(&mut self, symbol: SymbolId, close: Price) {
        self.book.set_close(symbol, close);
    }

    fn day_roll(&mut self, night: Night) -> Vec<(ChargeKind, Cash)> {
        let result = self.book.day_roll(night);
        self.keep(result)
    }

    fn has_rolled(&self, session: Date) -> bool {
        self.book.last_night().is_some_and(|last| last >= session)
    }

    fn fees_extrapolated(&self) -> bool {
        self.book.fees_extrapolated()
    }

    fn auction_estimates(&self) -> u64 {
        self.book.auction_estimates()
    }
}
