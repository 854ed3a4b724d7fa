//! Prints and quotes of all symbols in order of time, in runs.
//!
//! A run is a stretch of one symbol's prints with no other event before its end, so that the inner
//! loop of a backtest on ticks touches one slice. At one instant quotes come before prints and
//! symbols in order of tickers.

use engine::data_manager::Minute;
use model::{Bar, MINUTE_NS, Quote, SymbolId, Timestamp, Trade};

use crate::data::MarketData;

/// What is next.
pub(crate) enum Run<'a> {
    /// Prints of a symbol, at least one.
    Trades(SymbolId, &'a [Trade]),
    /// One quote of a symbol.
    Quote(SymbolId, &'a Quote),
}

/// The prints and quotes that are not fed yet.
pub(crate) struct TickFeed<'a> {
    streams: Vec<Stream<'a>>,
    /// Time of the earliest of all; the end of time when there is none.
    next_at: Timestamp,
}

struct Stream<'a> {
    symbol: usize,
    trades: &'a [Trade],
    quotes: &'a [Quote],
    /// Bars built of the prints of the session.
    bars: Vec<Bar>,
}

impl Stream<'_> {
    fn trade_at(&self) -> Timestamp {
        self.trades.first().map_or(Timestamp::MAX, |trade| trade.time)
    }

    fn quote_at(&self) -> Timestamp {
        self.quotes.first().map_or(Timestamp::MAX, |quote| quote.time)
    }

    fn next_at(&self) -> Timestamp {
        self.trade_at().min(self.quote_at())
    }
}

impl<'a> TickFeed<'a> {
    pub(crate) fn new(data: &'a MarketData) -> Self {
        let streams = data.symbols().iter().enumerate().filter_map(|(symbol, data)| {
            let (trades, quotes) = (data.trades.as_slice(), data.quotes.as_slice());
            let any = !trades.is_empty() || !quotes.is_empty();
            any.then(|| Stream { symbol, trades, quotes, bars: Vec::new() })
        });
        let mut feed = Self { streams: streams.collect(), next_at: Timestamp::MAX };
        feed.find_next();
        feed
    }

    /// Returns how many symbols have prints or quotes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Returns the symbol at a place among those with prints or quotes.
    pub(crate) fn symbol(&self, place: usize) -> Option<SymbolId> {
        self.streams.get(place).map(|stream| SymbolId(stream.symbol as u32))
    }

    /// Returns when the next print or quote is; the end of time when there is none.
    #[inline]
    pub(crate) fn next_at(&self) -> Timestamp {
        self.next_at
    }

    /// Returns the start of the minute of the next print or quote; the end of time when there is
    /// none.
    #[inline]
    pub(crate) fn next_minute(&self) -> Timestamp {
        // Data of bars alone is the usual case: it pays no division in each minute.
        if self.next_at == Timestamp::MAX {
            return self.next_at;
        }
        let nanos = self.next_at.nanos();
        Timestamp::from_nanos(nanos - nanos.rem_euclid(MINUTE_NS))
    }

    /// Returns the next quote, or the prints from now on that come before `bound` and before any
    /// other symbol's; the first of them is there even when it is not before `bound`.
    pub(crate) fn next_run(&self, bound: Timestamp) -> Option<Run<'a>> {
        let at = self.streams.iter().position(|stream| stream.next_at() == self.next_at)?;
        let stream = self.streams.get(at)?;
        let symbol = SymbolId(stream.symbol as u32);
        if stream.quote_at() == self.next_at {
            return stream.quotes.first().map(|quote| Run::Quote(symbol, quote));
        }
        let others = self.streams.iter().enumerate().filter(|(other, _)| *other != at);
        let others = others.map(|(_, stream)| stream.next_at()).min().unwrap_or(Timestamp::MAX);
        let bound = bound.min(others).min(stream.quote_at());
        let count = stream.trades.partition_point(|trade| trade.time < bound).max(1);
        Some(Run::Trades(symbol, stream.trades.get(..count)?))
    }

    /// Notes that prints of a symbol were fed.
    pub(crate) fn advance_trades(&mut self, symbol: SymbolId, count: usize) {
        if let Some(stream) = self.streams.iter_mut().find(|s| s.symbol == symbol.index()) {
            stream.trades = stream.trades.get(count..).unwrap_or_default();
        }
        self.find_next();
    }

    /// Notes that a quote of a symbol was fed.
    pub(crate) fn advance_quote(&mut self, symbol: SymbolId) {
        if let Some(stream) = self.streams.iter_mut().find(|s| s.symbol == symbol.index()) {
            stream.quotes = stream.quotes.get(1..).unwrap_or_default();
        }
        self.find_next();
    }

    /// Passes over everything before an instant; returns the bars of the prints passed over, by
    /// symbol.
    pub(crate) fn skip_before(&mut self, time: Timestamp) -> Vec<(usize, Vec<Bar>)> {
        let mut passed = Vec::new();
        for stream in &mut self.streams {
            let count = stream.trades.partition_point(|trade| trade.time < time);
            let (before, rest) = stream.trades.split_at(count);
            if !before.is_empty() {
                passed.push((stream.symbol, minute_bars(before)));
            }
            stream.trades = rest;
            let quotes = stream.quotes.partition_point(|quote| quote.time < time);
            stream.quotes = stream.quotes.get(quotes..).unwrap_or_default();
        }
        self.find_next();
        passed
    }

    /// Passes over everything up to an instant within a session, and keeps the bars of it.
    pub(crate) fn go_on_after(&mut self, now: Timestamp) {
        let passed = self.skip_before(now.plus_nanos(1));
        for (symbol, bars) in passed {
            let Some(stream) = self.streams.iter_mut().find(|s| s.symbol == symbol) else {
                continue;
            };
            // The minute in progress is the engine's.
            stream.bars.extend(bars.into_iter().filter(|bar| bar.end() <= now));
        }
    }

    /// Keeps a bar that was built of the prints of the symbol at a place.
    pub(crate) fn keep_bar(&mut self, place: usize, bar: Bar) {
        if let Some(stream) = self.streams.get_mut(place) {
            stream.bars.push(bar);
        }
    }

    /// Takes the bars kept during a session out.
    pub(crate) fn take_bars(&mut self) -> Vec<(usize, Vec<Bar>)> {
        let bars = self.streams.iter_mut().map(|s| (s.symbol, std::mem::take(&mut s.bars)));
        bars.collect()
    }

    fn find_next(&mut self) {
        let next = self.streams.iter().map(Stream::next_at).min();
        self.next_at = next.unwrap_or(Timestamp::MAX);
    }
}

/// Returns the minute bars of ascending prints.
pub fn minute_bars(trades: &[Trade]) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut minute = Minute::default();
    for trade in trades.iter().filter(|trade| trade.conditions.sets_price()) {
        if minute.holds(trade.time) {
            minute.add(trade);
        } else {
            bars.extend(minute.finished());
            minute = Minute::begin(trade);
        }
    }
    bars.extend(minute.finished());
    bars
}
