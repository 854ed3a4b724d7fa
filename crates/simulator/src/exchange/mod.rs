//! The simulated broker and exchange: takes orders, fills them against bars, prints and quotes by
//! the rules TF1-TF14, charges them by TK1-TK7, and reports.
//!
//! The driver shows it each bar of a symbol that has orders, in this order:
//!
//! 1. [`begin_bar`](Exchange::begin_bar), then [`next_report`](Exchange::next_report) until it
//!    returns `None`. Fills come one by one in the order of the bar's course; what the driver
//!    submits in answer to one (a protective stop, a target) is live for the rest of the bar.
//! 2. [`end_bar`](Exchange::end_bar), then `next_report` again until `None`: orders whose time
//!    ran out.
//! 3. Decisions of the closed bar: [`submit`](Exchange::submit), [`cancel`](Exchange::cancel),
//!    [`replace`](Exchange::replace), each answered through `next_report`. They are live in bars
//!    that start at or after their time (TB2), whatever symbol was shown in between.
//!
//! With prints and quotes instead of bars (TF13), [`print`](Exchange::print) and
//! [`quote`](Exchange::quote) take the place of `begin_bar`, and orders are live a latency after
//! their time (TF14). Which decisions are good is the engine's work.
//!
//! Invariants: the fills of an order never exceed its quantity, those of an exit group never its
//! largest member; execution ids are unique and ascending (I4); a fill is never better than the
//! rules allow and never beyond a limit; the same calls give the same reports.

mod actions;
mod adopting;
mod bars;
mod book;
mod config;
mod filling;
mod financing;
mod matching;
mod order;
mod saving;
mod slippage;
mod ticks;

use std::collections::VecDeque;

use model::exchange::FeeAccount;
use model::{
    Bar, CancelRequest, Cash, ClientOrderId, ExecType, ExecutionReport, NewOrder, OrderKind, Price,
    Quantity, RejectReason, ReplaceRequest, Symbol, SymbolId, TimeInForce, Timestamp,
};

pub use config::{ExchangeConfig, ExchangeConfigError, FillMode, LimitFill, ParseFillModeError};
pub use financing::Night;
pub use order::WorkingOrder;
pub use slippage::{Impact, Slippage, SlippageModel, SpreadRow};

use bars::BarInProgress;
use book::{Book, Lookup};
use financing::Settlement;
use order::{BarUse, Working};

/// What the exchange keeps per symbol.
#[derive(Clone, Debug, Default)]
struct SymbolState {
    name: Option<Symbol>,
    adv20: Option<f64>,
    sigma_daily: Option<f64>,
    /// Net shares of all fills.
    position: Quantity,
    /// The official close, once it was told.
    close: Option<Price>,
    /// The last bar shown that could fill orders; of prints, a bar of the last one alone.
    last: Option<Bar>,
    /// The last valid quote (TF13).
    quote: Option<model::Quote>,
    /// What orders may take of the prints of the minute (TF10).
    share: ticks::Share,
}

/// The simulated broker and exchange.
///
/// ```
/// use model::exchange::CommissionPlan;
/// use model::{
///     Bar, BrokerId, ClientOrderId, ExecType, NewOrder, OrderKind, OrderNumber, OrderRole,
///     Quantity, Side, SymbolId, TimeInForce, Timestamp, Volume,
/// };
/// use simulator::{Exchange, ExchangeConfig, FillMode};
///
/// let config = ExchangeConfig::new(FillMode::Conservative, CommissionPlan::IbkrFixed);
/// let mut exchange = Exchange::new(config, 1);
/// let start: Timestamp = "2026-11-25T14:31:00Z".parse().unwrap();
/// let order = NewOrder {
///     client_id: "BW-1-0-0E".parse().unwrap(),
///     broker: BrokerId(0),
///     symbol: SymbolId(0),
///     side: Side::Buy,
///     kind: OrderKind::Market,
///     quantity: Quantity::from_shares(100).unwrap(),
///     time_in_force: TimeInForce::Day,
///     role: OrderRole::Entry,
///     group: None,
/// };
/// exchange.submit(&order, start);
/// let price = |text: &str| text.parse().unwrap();
/// let (open, high, low, close) = (price("10"), price("10.10"), price("9.95"), price("10.05"));
/// let bar = Bar { start, open, high, low, close, volume: Volume(5_000) };
/// exchange.begin_bar(SymbolId(0), &bar, true);
/// assert_eq!(exchange.next_report().unwrap().exec, ExecType::New);
/// let ExecType::Trade(fill) = exchange.next_report().unwrap().exec else { panic!() };
/// // One tick of slippage; the minimum commission and the audit trail fee of 100 shares.
/// assert_eq!((fill.price.to_string(), fill.fee.to_string()), ("10.01".into(), "1.0003".into()));
/// exchange.end_bar();
/// ```
#[derive(Clone, Debug)]
pub struct Exchange {
    config: ExchangeConfig,
    fees: FeeAccount,
    cash: Cash,
    settlement: Settlement,
    book: Book,
    symbols: Vec<SymbolState>,
    reports: VecDeque<ExecutionReport>,
    current: Option<BarInProgress>,
    session_open: Option<Timestamp>,
    arrivals: u64,
    executions: u64,
    auction_estimates: u64,
    log: Option<Vec<ExecutionReport>>,
}

impl Exchange {
    /// Opens an exchange for the symbols 0 to `symbols - 1`.
    pub fn new(config: ExchangeConfig, symbols: usize) -> Self {
        Self {
            fees: FeeAccount::new(config.commission, config.fees.clone()),
            cash: Cash::ZERO,
            settlement: Settlement::default(),
            book: Book::new(symbols),
            symbols: vec![SymbolState::default(); symbols],
            reports: VecDeque::new(),
            current: None,
            session_open: None,
            arrivals: 0,
            executions: 0,
            auction_estimates: 0,
            log: None,
            config,
        }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &ExchangeConfig {
        &self.config
    }

    /// Adds a symbol behind the others and returns its id.
    pub fn add_symbol(&mut self, name: Symbol) -> SymbolId {
        let id = SymbolId(u32::try_from(self.symbols.len()).unwrap_or(u32::MAX));
        self.symbols.push(SymbolState { name: Some(name), ..SymbolState::default() });
        self.book.add_symbol();
        id
    }

    /// Names a symbol, so that tick sizes assigned to it are found.
    pub fn name_symbol(&mut self, symbol: SymbolId, name: Symbol) {
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            state.name = Some(name);
        }
    }

    /// Sets what the slippage model reads for the coming session (TF11): the mean daily volume in
    /// shares and the standard deviation of daily returns as a fraction.
    pub fn set_symbol_day(
        &mut self,
        symbol: SymbolId,
        adv20: Option<f64>,
        sigma_daily: Option<f64>,
    ) {
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            state.adv20 = adv20;
            state.sigma_daily = sigma_daily;
        }
    }

    /// Takes an order at `now`: it is answered by `New`, or by `Rejected` when it is malformed,
    /// its number was used before, or the opening auction is over.
    pub fn submit(&mut self, order: &NewOrder, now: Timestamp) {
        if let Err(reason) = self.check_order(order, now) {
            if reason != RejectReason::DuplicateId {
                self.book.mark_finished(order.client_id);
            }
            self.report(
                order.client_id,
                order.symbol,
                ExecType::Rejected(reason),
                Some(Quantity::ZERO),
                now,
            );
            return;
        }
        self.arrivals += 1;
        let mut working = Working::new(order, now, self.arrivals);
        let at_close_now =
            order.kind == OrderKind::Market && self.config.mode == FillMode::SameClose;
        let in_bar = self.current.as_ref().is_some_and(|bar| {
            // Nothing comes after the instant of a print within it.
            bar.symbol == order.symbol && bar.ends > bar.bar.start
        });
        if in_bar && (working.joins_bar_in_progress() || at_close_now) {
            working.bar_use = BarUse::Live;
            working.joined = true;
        }
        let slot = self.book.insert(working);
        self.report(order.client_id, order.symbol, ExecType::New, Some(Quantity::ZERO), now);
        if at_close_now && !in_bar {
            self.fill_at_last_close(slot, now);
        }
    }

    /// Takes a cancel request: `Cancelled` at once, or `CancelRejected`.
    pub fn cancel(&mut self, request: &CancelRequest, now: Timestamp) {
        let mut cum_qty = None;
        let exec = match self.book.find(request.client_id) {
            Lookup::Working(slot) => {
                cum_qty = self.book.remove(slot);
                ExecType::Cancelled
            }
            Lookup::Finished => ExecType::CancelRejected(RejectReason::TooLate),
            Lookup::Unknown => ExecType::CancelRejected(RejectReason::UnknownOrder),
        };
        self.report(request.client_id, request.symbol, exec, cum_qty, now);
    }

    /// Takes a replacement: `Replaced` under the new id, live from the symbol's next bar (TF1; a
    /// smaller quantity holds at once), or `ReplaceRejected` under the old id.
    pub fn replace(&mut self, request: &ReplaceRequest, now: Timestamp) {
        match self.check_replacement(request) {
            Ok(slot) => {
                let mut cum_qty = None;
                if let Some(order) = self.book.get_mut(slot) {
                    order.amend(request.kind, request.quantity);
                    order.client_id = request.new_client_id;
                    cum_qty = Some(order.cum_qty);
                }
                let (id, symbol) = (request.new_client_id, request.symbol);
                self.report(id, symbol, ExecType::Replaced, cum_qty, now);
            }
            Err(reason) => {
                let exec = ExecType::ReplaceRejected(reason);
                self.report(request.client_id, request.symbol, exec, None, now);
            }
        }
    }

    /// Returns true when the symbol's next bar must be shown: it has orders, or the convention
    /// fills at the close of the bar on which a decision is taken.
    #[inline]
    pub fn has_live(&self, symbol: SymbolId) -> bool {
        !self.book.of_symbol(symbol).is_empty() || self.config.mode == FillMode::SameClose
    }

    /// Returns true when the next bar of some symbol must be shown.
    #[inline]
    pub fn has_any_live(&self) -> bool {
        !self.book.is_empty() || self.config.mode == FillMode::SameClose
    }

    /// Returns the next report: answers to requests first, then the next fill of the bar in
    /// progress with what it does to its exit group; `None` when there is nothing more for now.
    #[inline]
    pub fn next_report(&mut self) -> Option<ExecutionReport> {
        while self.reports.is_empty() {
            if !self.advance() {
                return None;
            }
        }
        self.reports.pop_front()
    }

    /// Returns true when a fill's date lies before the first row of a fee table (TK7).
    pub fn fees_extrapolated(&self) -> bool {
        self.fees.extrapolated()
    }

    /// Returns how many auction orders were priced from bars for want of official prices (TF12).
    pub fn auction_estimates(&self) -> u64 {
        self.auction_estimates
    }

    /// Returns the working orders, symbol by symbol in order of arrival.
    pub fn orders(&self) -> impl Iterator<Item = WorkingOrder> + '_ {
        self.book.iter().map(WorkingOrder::from)
    }

    /// Returns a working order by our id; `None` when it is done or was never here.
    pub fn order(&self, id: ClientOrderId) -> Option<WorkingOrder> {
        let Lookup::Working(slot) = self.book.find(id) else { return None };
        self.book.get(slot).map(WorkingOrder::from)
    }

    /// Returns the net shares of a symbol's fills.
    pub fn position(&self, symbol: SymbolId) -> Quantity {
        self.symbols.get(symbol.index()).map_or(Quantity::ZERO, |state| state.position)
    }

    /// Sets the number of the next execution id, so that an exchange that takes up where another
    /// one stopped never repeats an id (I4).
    pub fn number_executions_from(&mut self, next: u64) {
        self.executions = next;
    }

    /// Starts to keep all reports of executions, for comparison with what others booked.
    pub fn keep_executions(&mut self) {
        self.log.get_or_insert_default();
    }

    /// Returns the reports of executions kept so far.
    pub fn executions(&self) -> &[ExecutionReport] {
        self.log.as_deref().unwrap_or(&[])
    }

    fn check_order(&self, order: &NewOrder, now: Timestamp) -> Result<(), RejectReason> {
        if self.book.is_used(order.client_id) {
            return Err(RejectReason::DuplicateId);
        }
        let quantity = order.quantity;
        let known = order.symbol.index() < self.book.symbols();
        if !known || !quantity.is_positive() || !quantity.is_whole() || !prices_valid(order.kind) {
            return Err(RejectReason::Invalid);
        }
        let opg_late = self.session_open.is_some_and(|open| now >= open);
        if order.time_in_force == TimeInForce::Opg && opg_late {
            return Err(RejectReason::MarketClosed);
        }
        Ok(())
    }

    fn check_replacement(&self, request: &ReplaceRequest) -> Result<u32, RejectReason> {
        let slot = match self.book.find(request.client_id) {
            Lookup::Working(slot) => slot,
            Lookup::Finished => return Err(RejectReason::TooLate),
            Lookup::Unknown => return Err(RejectReason::UnknownOrder),
        };
        let (old, new) = (request.client_id, request.new_client_id);
        let next_attempt = new.number == old.number && new.epoch == old.epoch;
        if !next_attempt || new.attempt <= old.attempt {
            return Err(RejectReason::Invalid);
        }
        if !request.quantity.is_whole() || !prices_valid(request.kind) {
            return Err(RejectReason::Invalid);
        }
        // A total at or below what is filled asks for something that is already over.
        match self.book.get(slot) {
            Some(order) if request.quantity > order.cum_qty => Ok(slot),
            _ => Err(RejectReason::TooLate),
        }
    }

    fn report(
        &mut self,
        id: ClientOrderId,
        symbol: SymbolId,
        exec: ExecType,
        cum_qty: Option<Quantity>,
        time: Timestamp,
    ) {
        let broker = self.config.broker;
        self.reports.push_back(ExecutionReport {
            client_id: id,
            broker,
            symbol,
            exec,
            time,
            cum_qty,
            broker_id: None,
        });
    }
}

fn prices_valid(kind: OrderKind) -> bool {
    let valid = |price: Option<model::Price>| price.is_none_or(|price| price.is_positive());
    valid(kind.limit()) && valid(kind.stop())
}
