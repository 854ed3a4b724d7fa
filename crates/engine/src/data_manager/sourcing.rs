//! Which source a symbol's data comes from, and whether it may open a position (C28, R11).

use model::{Price, Quote, SourceId, SymbolId, Timestamp, Trade};

use super::DataManager;
use super::feeds::{Agreement, DataDoubt, Feed, Feeds, Stale};
use super::policy::{DataPolicy, Staleness};
use model::MarketEvent;

impl DataManager {
    /// Returns the sources of market data.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Returns true when data is live: its sources and its age are watched.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.watched
    }

    /// Hears an event of a source; true when it counts: the source is the symbol's active one, or
    /// the event is about no price. Prices of other sources are kept for comparison (R11).
    pub(crate) fn hear(&mut self, source: SourceId, event: &MarketEvent, now: Timestamp) -> bool {
        self.feeds.note_alive(source, now);
        let (symbol, price, bar) = match event {
            MarketEvent::Bar { symbol, bar } => (*symbol, bar.close, Some(bar)),
            MarketEvent::Trade { symbol, trade } => (*symbol, trade.price, None),
            MarketEvent::Quote { symbol, quote } if quote.is_valid() => {
                (*symbol, middle(quote), None)
            }
            MarketEvent::Quote { symbol, .. }
            | MarketEvent::Gap { symbol, .. }
            | MarketEvent::Backfill { symbol, .. }
            | MarketEvent::BackfillEnd { symbol } => return source == self.feeds.active(*symbol),
            // Any source may say that trading stops.
            MarketEvent::Halt { .. }
            | MarketEvent::Bands { .. }
            | MarketEvent::Breaker(_)
            | MarketEvent::Heartbeat => return true,
        };
        let adjusted = self.policy.source(source).adjusted;
        if source == self.feeds.active(symbol) {
            return !adjusted;
        }
        match bar {
            _ if adjusted => {}
            Some(bar) => self.feeds.note_bar(source, symbol, bar),
            None => self.feeds.note(source, symbol, Feed { price, at: now, bar: false }),
        }
        false
    }

    /// A source is not connected any more: it is dead until it says something again.
    pub(crate) fn lose_source(&mut self, source: SourceId) {
        self.feeds.note_alive(source, Timestamp::MIN);
    }

    /// Changes a symbol's source when that is due; returns the new one (R11).
    pub(crate) fn switch_source(
        &mut self,
        symbol: SymbolId,
        limits: &Staleness,
        now: Timestamp,
    ) -> Option<SourceId> {
        let chosen = self.feeds.choose(symbol, &self.policy, limits, now);
        if chosen == self.feeds.active(symbol) {
            return None;
        }
        self.feeds.activate(symbol, chosen);
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            // Quotes and sequence numbers are the old source's.
            state.quote = None;
            state.tape.change_source();
        }
        Some(chosen)
    }

    /// Compares the active source of a symbol with the other one, and counts looks at which they
    /// differ in a row.
    pub(crate) fn compare_sources(
        &mut self,
        symbol: SymbolId,
        limits: &Staleness,
        now: Timestamp,
    ) -> (Agreement, u8) {
        let (primary, backup) = (SourceId(0), SourceId(1));
        let pair = [primary, backup];
        let comparable = self.feeds.count() > 1
            && pair.iter().all(|&source| !self.policy.source(source).adjusted);
        let Some(state) = self.symbols.get_mut(symbol.index()).filter(|_| comparable) else {
            return (Agreement::Unknown, 0);
        };
        let agreement = self.feeds.compare(symbol, pair, limits, self.policy.agreement, now);
        match agreement {
            Agreement::Differ => state.disagreeing = state.disagreeing.saturating_add(1),
            Agreement::Agree => state.disagreeing = 0,
            Agreement::Unknown => {}
        }
        (agreement, state.disagreeing)
    }

    /// Returns why a symbol's data must not open a position (C28, R11); `None` for stored data.
    pub fn doubt(&self, symbol: SymbolId, now: Timestamp) -> Option<DataDoubt> {
        let limits = self.policy.staleness.as_ref()?;
        let source = self.feeds.active(symbol);
        if let Some(stale) = self.feeds.feed(source, symbol).staleness(limits, now) {
            return Some(DataDoubt::Stale(stale));
        }
        if self.feeds.is_dead(source, limits, now) {
            let age_ns = now.since(self.feeds.heard(source));
            return Some(DataDoubt::Stale(Stale { limit_ns: limits.heartbeat_ns, age_ns }));
        }
        let official = self.policy.source(source).official || self.policy.unofficial_may_open;
        (!official).then_some(DataDoubt::Unofficial)
    }
}

/// Returns the middle between bid and ask.
pub(super) fn middle(quote: &Quote) -> Price {
    Price::from_raw(quote.bid.raw() + (quote.ask.raw() - quote.bid.raw()) / 2)
}

/// Returns true when a fresh quote confirms a print: it lies between bid and ask, or as far
/// beyond them as two sources' prices may differ (C29).
pub(super) fn is_at(quote: &Quote, trade: &Trade, policy: &DataPolicy) -> bool {
    let limits = policy.staleness.unwrap_or_default();
    let beyond = |price: Price| Price::from_raw(price.raw() / 1_000_000 * policy.agreement.0);
    trade.time.since(quote.time).abs() <= limits.symbol_ns
        && quote.bid.minus(beyond(quote.bid)) <= trade.price
        && trade.price <= quote.ask.plus(beyond(quote.ask))
}
