//! The calls of the exchange, logged: requests, the market, the day.

use model::exchange::Session;
use model::{
    Bar, BrokerId, CancelRequest, Cash, ChargeKind, CorporateAction, ExecutionReport, NewOrder,
    Price, Quantity, Quote, ReplaceRequest, SymbolId, Timestamp, Trade,
};
use simulator::Night;

use super::{Book, BookError, Entry};

/// See [`simulator::Exchange`] for what each of them does.
impl Book {
    /// Takes an order.
    pub fn submit(&mut self, order: &NewOrder, now: Timestamp) {
        let symbol = self.symbols.book(order.symbol);
        // The last quote counts for the order that comes now (TF13): it belongs to the log.
        if let Some((quote, rth)) = self.waiting.get_mut(symbol.index()).and_then(Option::take) {
            self.note(&Entry::Quote { symbol, quote, rth });
        }
        let order = NewOrder { symbol, broker: BrokerId(0), ..*order };
        self.call(Entry::Submit { time: now, order });
    }

    /// Takes a cancel request.
    pub fn cancel(&mut self, request: &CancelRequest, now: Timestamp) {
        let symbol = self.symbols.book(request.symbol);
        let request = CancelRequest { symbol, broker: BrokerId(0), ..*request };
        self.call(Entry::Cancel { time: now, request });
    }

    /// Takes a replacement.
    pub fn replace(&mut self, request: &ReplaceRequest, now: Timestamp) {
        let symbol = self.symbols.book(request.symbol);
        let request = ReplaceRequest { symbol, broker: BrokerId(0), ..*request };
        self.call(Entry::Replace { time: now, request });
    }

    /// Returns the next report, once the log that holds it is on disk; `None` when there is nothing
    /// more for now.
    ///
    /// # Errors
    /// The log cannot be written: the report does not leave, and nothing leaves any more.
    pub fn next_report(&mut self) -> Result<Option<ExecutionReport>, BookError> {
        let Some(report) = self.exchange.next_report() else {
            if self.in_bar && self.stirred {
                self.note(&Entry::Silent);
            }
            self.stirred = false;
            self.healthy()?;
            self.checkpoint_if_due(false)?;
            return Ok(None);
        };
        self.note(&Entry::Report(report));
        self.sync()?;
        self.register.reported(&report);
        Ok(Some(self.outward(report)))
    }

    /// Returns true when the symbol's next event must be shown.
    #[inline]
    pub fn has_live(&self, symbol: SymbolId) -> bool {
        self.exchange.has_live(self.symbols.book(symbol))
    }

    /// Begins a bar.
    pub fn begin_bar(&mut self, symbol: SymbolId, bar: &Bar, rth: bool) {
        let symbol = self.symbols.book(symbol);
        if self.exchange.has_live(symbol) {
            self.call(Entry::Bar { symbol, bar: *bar, rth });
        } else {
            self.register.mark(symbol, bar.close);
        }
    }

    /// Ends the bar, print or quote in progress.
    pub fn end_bar(&mut self) {
        if self.in_bar {
            self.call(Entry::EndBar);
        }
    }

    /// Shows a print.
    pub fn print(&mut self, symbol: SymbolId, trade: &Trade, rth: bool) {
        let symbol = self.symbols.book(symbol);
        if self.exchange.has_live(symbol) {
            self.call(Entry::Print { symbol, trade: *trade, rth });
        } else {
            self.register.mark(symbol, trade.price);
        }
    }

    /// Shows a quote.
    pub fn quote(&mut self, symbol: SymbolId, quote: &Quote, rth: bool) {
        let symbol = self.symbols.book(symbol);
        if self.exchange.has_live(symbol) {
            self.call(Entry::Quote { symbol, quote: *quote, rth });
        } else if let Some(waiting) = self.waiting.get_mut(symbol.index()) {
            *waiting = Some((*quote, rth));
            self.exchange.quote(symbol, quote, rth);
        }
    }

    /// Ends a minute of prints.
    pub fn end_minute(&mut self, symbol: SymbolId, start: Timestamp, rth: bool) {
        let symbol = self.symbols.book(symbol);
        if self.exchange.has_live(symbol) {
            self.call(Entry::EndMinute { symbol, start, rth });
        }
    }

    /// Notes that trading in a symbol stops or starts again.
    pub fn halt(&mut self, symbol: SymbolId, halted: bool) {
        let symbol = self.symbols.book(symbol);
        if self.exchange.has_live(symbol) {
            self.call(Entry::Halt { symbol, halted });
        }
    }

    /// Tells that a session begins.
    pub fn begin_session(&mut self, session: &Session) {
        self.call(Entry::Session(*session));
    }

    /// Sets what the slippage model reads for the coming session.
    pub fn set_symbol_day(
        &mut self,
        symbol: SymbolId,
        adv20: Option<f64>,
        sigma_daily: Option<f64>,
    ) {
        let symbol = self.symbols.book(symbol);
        self.call(Entry::SymbolDay { symbol, adv20, sigma_daily });
    }

    /// Ends the regular session.
    pub fn close_session(&mut self, now: Timestamp) {
        self.call(Entry::CloseSession { time: now });
    }

    /// Tells the official close of a symbol's session.
    pub fn set_close(&mut self, symbol: SymbolId, close: Price) {
        let symbol = self.symbols.book(symbol);
        self.call(Entry::Close { symbol, price: close });
    }

    /// Ends the day for costs; returns what the account is charged.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn day_roll(&mut self, night: Night) -> Result<Vec<(ChargeKind, Cash)>, BookError> {
        let Night { session, settles, days } = night;
        let made = self.call(Entry::DayRoll { session, settles, days });
        let charge = |entry: Entry| match entry {
            Entry::Charge { kind, fee } => Some((kind, fee)),
            _ => None,
        };
        self.sync()?;
        self.checkpoint_if_due(true)?;
        Ok(made.into_iter().filter_map(charge).collect())
    }

    /// Lets a corporate action happen; returns the shares held after it.
    ///
    /// # Errors
    /// The log cannot be written.
    pub fn act(&mut self, action: &CorporateAction, now: Timestamp) -> Result<Quantity, BookError> {
        let symbol = self.symbols.book(action.symbol);
        let action = CorporateAction { symbol, ..*action };
        self.call(Entry::Act { time: now, action });
        self.sync()?;
        Ok(self.exchange.position(symbol))
    }
}
