//! Matching against prints and quotes instead of bars (TF13, TF14).
//!
//! A print is a bar of one price at one instant: stops trigger on it, resting limits fill when it
//! trades through them. Where quotes are known, market orders and limits that arrive at or beyond
//! the far side fill at the touch. Orders are live the latency after their time.
//!
//! Invariant: nothing rests or triggers on a quote alone.

use model::{Bar, OrderKind, Price, Quantity, Quote, SymbolId, Timestamp, Trade, Volume, record};

use super::bars::{BarInProgress, Touch};
use super::matching::{Course, Event, Place, Pricing};
use super::order::Working;
use super::{Exchange, FillMode};

/// What orders of a symbol may take of its prints in one minute together (TF10).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    minute: i64,
    /// Shares printed while an order was live.
    printed: u64,
    /// Shares of them that orders took.
    taken: i64,
}

record!(Share { 1: minute, 2: printed, 3: taken });

/// What the touch says of an order.
pub(super) enum AtTouch {
    /// It fills at the far side.
    Event(Event),
    /// It waits.
    Nothing,
    /// The print decides.
    ByPrint,
}

/// Judges an order against the best prices: a market order takes the far side, so does a limit
/// that arrives at or beyond it (TF4's first bar).
pub(super) fn at_touch(order: &Working, touch: &Touch) -> AtTouch {
    let far = if order.side.is_buy() { touch.ask } else { touch.bid };
    let pricing = match order.effective_kind() {
        OrderKind::Market => Pricing::Slipped { base: far, cap: None },
        OrderKind::Limit { limit } if order.fresh && !order.is_bracket_child() => {
            let sign = order.side.sign();
            if sign * far.raw() <= sign * limit.raw() {
                Pricing::Slipped { base: far, cap: Some(limit) }
            } else {
                return AtTouch::Nothing;
            }
        }
        _ if touch.quote_only => return AtTouch::Nothing,
        _ => return AtTouch::ByPrint,
    };
    AtTouch::Event(Event { key: (0, 0, 0, order.sequence), place: Place::Open, pricing })
}

impl Exchange {
    /// Shows a print of a symbol that has orders; [`next_report`](Self::next_report) until `None`,
    /// then [`end_bar`](Self::end_bar), as with a bar.
    pub fn print(&mut self, symbol: SymbolId, trade: &Trade, rth: bool) {
        let bar = instant(trade.time, trade.price, trade.size);
        let Some(bar) = bar.filter(|_| self.takes_ticks(rth)) else { return };
        let Some(state) = self.symbols.get_mut(symbol.index()) else { return };
        let minute = trade.time.nanos().div_euclid(model::MINUTE_NS);
        // A bar of the last price, named by its minute: what closes and auctions look at.
        let start = Timestamp::from_nanos(minute * model::MINUTE_NS);
        state.last = Some(Bar { start, ..bar });
        if self.config.mode == FillMode::NextClose {
            return; // Fills at the end of the minute.
        }
        if state.share.minute != minute {
            state.share = Share { minute, ..Share::default() };
        }
        state.share.printed = state.share.printed.saturating_add(bar.volume.0);
        self.match_instant(symbol, bar, false);
    }

    /// Shows a quote of a symbol. A quote that is crossed, locked or empty tells nothing (C28).
    pub fn quote(&mut self, symbol: SymbolId, quote: &Quote, rth: bool) {
        let Some(state) = self.symbols.get_mut(symbol.index()) else { return };
        state.quote = quote.is_valid().then_some(*quote);
        let bar = instant(quote.time, quote.ask, Quantity::ZERO);
        if let Some(bar) = bar.filter(|_| quote.is_valid() && self.takes_ticks(rth)) {
            self.match_instant(symbol, bar, true);
        }
    }

    /// Ends a minute of prints: in the convention `next_close` orders fill at its last price.
    pub fn end_minute(&mut self, symbol: SymbolId, start: Timestamp, rth: bool) {
        let last = self.symbols.get(symbol.index()).and_then(|state| state.last);
        if let Some(bar) = last.filter(|bar| bar.start == start)
            && self.config.mode == FillMode::NextClose
        {
            self.begin_bar(symbol, &bar, rth);
        }
    }

    fn takes_ticks(&mut self, rth: bool) -> bool {
        if self.current.is_some() {
            self.end_bar();
        }
        rth || self.config.extended_hours
    }

    fn match_instant(&mut self, symbol: SymbolId, bar: Bar, quote_only: bool) {
        if self.book.of_symbol(symbol).is_empty() {
            return;
        }
        let latency = self.config.latency_ns;
        self.book.for_each(symbol, |order| order.enter_instant(bar.start, latency));
        let Some(state) = self.symbols.get(symbol.index()) else { return };
        let (quote, share) = (state.quote, state.share);
        let known = quote.filter(|_| !self.config.mode.is_comparison());
        let limited = !self.config.mode.is_comparison() && !quote_only;
        let part = Volume(share.printed).part_ppm(self.config.participation_ppm);
        self.current = Some(BarInProgress {
            symbol,
            bar,
            course: Course::new(&bar, self.config.mode),
            budget: limited.then_some(part - share.taken),
            ends: bar.start,
            touch: known.map(|quote| Touch { bid: quote.bid, ask: quote.ask, quote_only }),
        });
    }

    /// Notes that orders took shares of a print (TF10).
    pub(super) fn note_taken(&mut self, symbol: SymbolId, quantity: Quantity) {
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            state.share.taken = state.share.taken.saturating_add(quantity.shares());
        }
    }
}

/// Returns the bar of one price at one instant; `None` for a price that is not positive.
fn instant(time: Timestamp, price: Price, size: Quantity) -> Option<Bar> {
    let volume = Volume(size.shares().unsigned_abs());
    let bar = Bar { start: time, open: price, high: price, low: price, close: price, volume };
    price.is_positive().then_some(bar)
}
