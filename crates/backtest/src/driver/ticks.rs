//! Prints and quotes inside a minute: each meets the orders that work, then the engine (TF13).

use engine::{Input, MarketEvent};
use model::exchange::{Segment, Session};
use model::{Quote, SourceId, SymbolId, Timestamp, Trade};

use super::{Driver, Host, Venue};
use crate::tick_feed::Run;

impl<H: Host> Driver<'_, H> {
    /// Feeds the prints and quotes of a minute: each meets the orders that work, then the engine.
    pub(super) fn feed_ticks(&mut self, start: Timestamp, end: Timestamp, session: &Session) {
        let rth = session.segment(start) == Some(Segment::Rth);
        while let Some(time) = Some(self.ticks.next_at()).filter(|&time| time < end) {
            self.feed_halts(time.plus_nanos(1));
            self.advance(time, true);
            if self.ended {
                return;
            }
            let deadline = self.host.engine().next_deadline().unwrap_or(Timestamp::MAX);
            let bound = end.min(self.next_halt_at).min(deadline);
            match self.ticks.next_run(bound) {
                Some(Run::Trades(symbol, trades)) => self.feed_trades(symbol, trades, rth),
                Some(Run::Quote(symbol, quote)) => self.feed_quote(symbol, quote, rth),
                None => return,
            }
        }
        for place in 0..self.ticks.len() {
            let Some(symbol) = self.ticks.symbol(place) else { continue };
            if self.host.venue().has_live(symbol) {
                self.host.venue_mut().end_minute(symbol, start, rth);
                self.settle(end);
                self.host.venue_mut().end_bar();
                self.settle(end);
            }
        }
    }

    /// Feeds prints of one symbol until one changes the next deadline.
    fn feed_trades(&mut self, symbol: SymbolId, trades: &[Trade], rth: bool) {
        let deadline = self.host.engine().next_deadline();
        for (fed, trade) in trades.iter().enumerate() {
            if H::PACED {
                self.advance(trade.time, false);
                if self.ended {
                    return;
                }
            }
            if self.host.venue().has_live(symbol) {
                self.host.venue_mut().print(symbol, trade, rth);
                self.settle(trade.time);
                self.host.venue_mut().end_bar();
                self.settle(trade.time);
            }
            self.apply_trade(symbol, trade);
            if !self.commands.is_empty() {
                self.settle(trade.time);
            }
            if self.host.engine().next_deadline() != deadline {
                self.advance_trades(symbol, fed + 1);
                return;
            }
        }
        self.advance_trades(symbol, trades.len());
    }

    fn advance_trades(&mut self, symbol: SymbolId, count: usize) {
        self.ticks.advance_trades(symbol, count);
        self.result.ticks += count as u64;
    }

    fn feed_quote(&mut self, symbol: SymbolId, quote: &Quote, rth: bool) {
        self.host.venue_mut().quote(symbol, quote, rth);
        self.settle(quote.time);
        self.host.venue_mut().end_bar();
        self.settle(quote.time);
        let event = MarketEvent::Quote { symbol, quote: *quote };
        self.apply(quote.time, Input::Market { source: SourceId(0), event });
        self.settle(quote.time);
        self.ticks.advance_quote(symbol);
        self.result.ticks += 1;
    }

    /// Keeps the bars that the engine built of prints, for the reference data of later sessions.
    pub(super) fn keep_built_bars(&mut self, start: Timestamp) {
        for place in 0..self.ticks.len() {
            let state = self
                .ticks
                .symbol(place)
                .and_then(|symbol| self.host.engine().data().symbol(symbol));
            if let Some(bar) = state.map(|state| state.last).filter(|bar| bar.start == start) {
                self.ticks.keep_bar(place, bar);
            }
        }
    }

    /// Applies a print: written into the input of the print before, like a bar.
    #[inline]
    fn apply_trade(&mut self, symbol: SymbolId, trade: &Trade) {
        match &mut self.input.item {
            Input::Market { event: MarketEvent::Trade { symbol: of, trade: place }, .. } => {
                *of = symbol;
                *place = *trade;
            }
            other => {
                let event = MarketEvent::Trade { symbol, trade: *trade };
                *other = Input::Market { source: SourceId(0), event };
            }
        }
        self.apply_input(trade.time);
    }
}
