//! What the driver feeds: a core and an exchange, and whoever stands around them.
//!
//! In a backtest nobody does ([`Plain`]): every question of the driver is answered at compile
//! time. A live shell keeps the pace of a clock, makes each input durable before its commands
//! reach the exchange, and puts in what operators say between two events.

use engine::{BrokerEvent, Command, Engine, Input, Outputs, Sequenced};
use model::exchange::Session;
use model::{
    Bar, CancelRequest, Cash, ChargeKind, CorporateAction, Date, ExecutionReport, NewOrder, Price,
    Quantity, Quote, ReplaceRequest, SymbolId, Timestamp, Trade,
};
use simulator::{Exchange, Night};

/// What the driver is told when it asks to go on.
#[derive(Clone, PartialEq, Debug)]
pub enum Wait {
    /// The time has come.
    Reached,
    /// Before it came, at the time given, somebody said something.
    Said(Timestamp, Box<Input>),
    /// The run is to end here.
    End,
}

/// A core and an exchange with what stands around them.
pub trait Host {
    /// The exchange.
    type Venue: Venue;

    /// Whether [`wait`](Self::wait) is asked at every print, too.
    const PACED: bool;

    /// Returns the core for reading.
    fn engine(&self) -> &Engine;

    /// Returns the exchange.
    fn venue(&self) -> &Self::Venue;

    /// Returns the exchange to be changed.
    fn venue_mut(&mut self) -> &mut Self::Venue;

    /// Lets the core take an input.
    fn apply(&mut self, input: &Sequenced<Input>, out: &mut Outputs);

    /// Waits until a time of the data has come.
    fn wait(&mut self, until: Timestamp) -> Wait;

    /// Says that a session begins, at or after its first instant.
    fn begin_session(&mut self, session: &Session, from: Timestamp);

    /// Makes durable what was applied: commands of it are about to reach the exchange. When it
    /// returns false they must not, and the run ends.
    fn release(&mut self) -> bool;

    /// Answers a command in the place of the exchange: it is not handed over then.
    fn intercept(&mut self, command: &Command) -> Option<BrokerEvent>;
}

/// The exchange of a run.
pub trait Venue {
    /// Takes an order.
    fn submit(&mut self, order: &NewOrder, now: Timestamp);
    /// Takes a replacement.
    fn replace(&mut self, request: &ReplaceRequest, now: Timestamp);
    /// Takes a cancellation.
    fn cancel(&mut self, request: &CancelRequest, now: Timestamp);
    /// Returns what it says next; `None` when it says nothing more for now.
    fn next_report(&mut self) -> Option<ExecutionReport>;
    /// Returns true when the symbol's next bar, print or quote must be shown to it.
    fn has_live(&self, symbol: SymbolId) -> bool;
    /// Returns false when no symbol's next bar must be shown to it: then it is not asked for each.
    fn has_any_live(&self) -> bool {
        true
    }
    /// Shows a bar.
    fn begin_bar(&mut self, symbol: SymbolId, bar: &Bar, rth: bool);
    /// Ends the bar, print or quote that is shown.
    fn end_bar(&mut self);
    /// Shows a print.
    fn print(&mut self, symbol: SymbolId, trade: &Trade, rth: bool);
    /// Shows a quote.
    fn quote(&mut self, symbol: SymbolId, quote: &Quote, rth: bool);
    /// Shows that a minute of prints is over.
    fn end_minute(&mut self, symbol: SymbolId, start: Timestamp, rth: bool);
    /// Begins a session.
    fn begin_session(&mut self, session: &Session);
    /// Tells the mean daily volume of a symbol before a session.
    fn set_adv(&mut self, symbol: SymbolId, adv20: Option<f64>);
    /// Lets a corporate action happen and returns what is held after it (F27).
    fn act(&mut self, action: &CorporateAction, now: Timestamp) -> Quantity;
    /// Stops or starts trading in a symbol.
    fn halt(&mut self, symbol: SymbolId, halted: bool);
    /// Ends the regular session.
    fn close_session(&mut self, now: Timestamp);
    /// Returns what is held.
    fn position(&self, symbol: SymbolId) -> Quantity;
    /// Tells a symbol's official close.
    fn set_close(&mut self, symbol: SymbolId, close: Price);
    /// Ends the day for costs and returns what is charged.
    fn day_roll(&mut self, night: Night) -> Vec<(ChargeKind, Cash)>;
    /// Returns true when the day of a session was ended already, by a process before this one.
    fn has_rolled(&self, session: Date) -> bool;
    /// Returns true when a fee table was asked for a date before its first row (TK7).
    fn fees_extrapolated(&self) -> bool;
    /// Returns how many auction orders were priced from bars (TF12).
    fn auction_estimates(&self) -> u64;
}

/// The host of a backtest: core and exchange, and nothing around them.
pub(super) struct Plain {
    pub(super) engine: Engine,
    pub(super) exchange: Exchange,
}

impl Host for Plain {
    type Venue = Exchange;

    const PACED: bool = false;

    #[inline(always)]
    fn engine(&self) -> &Engine {
        &self.engine
    }

    #[inline(always)]
    fn venue(&self) -> &Exchange {
        &self.exchange
    }

    #[inline(always)]
    fn venue_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    #[inline(always)]
    fn apply(&mut self, input: &Sequenced<Input>, out: &mut Outputs) {
        self.engine.apply(input, out);
    }

    #[inline(always)]
    fn wait(&mut self, _until: Timestamp) -> Wait {
        Wait::Reached
    }

    fn begin_session(&mut self, _session: &Session, _from: Timestamp) {}

    #[inline(always)]
    fn release(&mut self) -> bool {
        true
    }

    #[inline(always)]
    fn intercept(&mut self, _command: &Command) -> Option<BrokerEvent> {
        None
    }
}

impl Venue for Exchange {
    fn submit(&mut self, order: &NewOrder, now: Timestamp) {
        self.submit(order, now);
    }
    fn replace(&mut self, request: &ReplaceRequest, now: Timestamp) {
        self.replace(request, now);
    }
    fn cancel(&mut self, request: &CancelRequest, now: Timestamp) {
        self.cancel(request, now);
    }
    #[inline]
    fn next_report(&mut self) -> Option<ExecutionReport> {
        self.next_report()
    }
    #[inline]
    fn has_live(&self, symbol: SymbolId) -> bool {
        self.has_live(symbol)
    }
    #[inline]
    fn has_any_live(&self) -> bool {
        self.has_any_live()
    }
    fn begin_bar(&mut self, symbol: SymbolId, bar: &Bar, rth: bool) {
        self.begin_bar(symbol, bar, rth);
    }
    fn end_bar(&mut self) {
        self.end_bar();
    }
    fn print(&mut self, symbol: SymbolId, trade: &Trade, rth: bool) {
        self.print(symbol, trade, rth);
    }
    fn quote(&mut self, symbol: SymbolId, quote: &Quote, rth: bool) {
        self.quote(symbol, quote, rth);
    }
    fn end_minute(&mut self, symbol: SymbolId, start: Timestamp, rth: bool) {
        self.end_minute(symbol, start, rth);
    }
    fn begin_session(&mut self, session: &Session) {
        self.begin_session(session);
    }
    fn set_adv(&mut self, symbol: SymbolId, adv20: Option<f64>) {
        self.set_symbol_day(symbol, adv20, None);
    }
    fn act(&mut self, action: &CorporateAction, now: Timestamp) -> Quantity {
        self.act(action, now)
    }
    fn halt(&mut self, symbol: SymbolId, halted: bool) {
        self.halt(symbol, halted);
    }
    fn close_session(&mut self, now: Timestamp) {
        self.close_session(now);
    }
    fn position(&self, symbol: SymbolId) -> Quantity {
        self.position(symbol)
    }
    fn set_close(&mut self, symbol: SymbolId, close: Price) {
        self.set_close(symbol, close);
    }
    fn day_roll(&mut self, night: Night) -> Vec<(ChargeKind, Cash)> {
        self.day_roll(night)
    }
    fn has_rolled(&self, _session: Date) -> bool {
        false
    }
    fn fees_extrapolated(&self) -> bool {
        self.fees_extrapolated()
    }
    fn auction_estimates(&self) -> u64 {
        self.auction_estimates()
    }
}
