//! The contract of a market-data provider.

use std::sync::Arc;

use model::{Bar, CorporateAction, Date, MarketEvent, Quote, SymbolDay, SymbolId, Timestamp};

use crate::broker::{Answer, Unavailable};

/// A market-data provider.
pub trait MarketDataProvider: Send + Sync {
    /// Returns its name in the configuration: `playback`, `polygon`, `yahoo`, `alpaca`.
    fn name(&self) -> &str;

    /// Wants the events of these symbols, beside those wanted already.
    fn subscribe<'a>(&'a self, symbols: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>>;

    /// Wants the events of these symbols no longer.
    fn unsubscribe<'a>(&'a self, symbols: &'a [SymbolId]) -> Answer<'a, Result<(), Unavailable>>;

    /// Returns the closed minutes that begin in `from..to`, ascending: what a gap is filled with.
    fn history(
        &self,
        symbol: SymbolId,
        from: Timestamp,
        to: Timestamp,
    ) -> Answer<'_, Result<Vec<Bar>, Unavailable>>;

    /// Returns the quote as it stands; `None` where there is none yet.
    fn snapshot(&self, symbol: SymbolId) -> Answer<'_, Result<Option<Quote>, Unavailable>>;

    /// Begins to push what happens: connects, and reconnects for ever with growing pauses (F15).
    fn stream(&self, to: Arc<dyn FeedSink>);

    /// Returns how it is.
    fn status(&self) -> ProviderStatus;
}

/// Where the facts come from that precede a session: previous close, mean volume, baselines
/// (design.md 6).
pub trait ReferenceSource: Send + Sync {
    /// Returns the facts of all symbols before the session of a date. It may take a while: it is
    /// called where waiting hurts nobody.
    ///
    /// # Errors
    /// They are not there.
    fn before(&self, date: Date) -> Result<Vec<SymbolDay>, Unavailable>;

    /// Returns the corporate actions that happen before the session of a date begins (F27). It may
    /// take a while, as the facts may.
    ///
    /// # Errors
    /// They are not known; that there is none is an empty list.
    fn actions(&self, date: Date) -> Result<Vec<CorporateAction>, Unavailable>;
}

/// Takes what a provider says. It never blocks: what finds no room is conflated or becomes a gap
/// (design.md 3, queue `market_data`).
pub trait FeedSink: Send + Sync {
    /// Takes one signal.
    fn push(&self, signal: FeedSignal);
}

/// Something that a provider says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FeedSignal {
    /// The connection stands and the subscriptions are in force.
    Up,
    /// The connection is gone, and why.
    Down(String),
    /// A market-data event. A provider with nothing else to say pushes a heartbeat at least every
    /// five seconds (C28).
    Event(MarketEvent),
}

/// How a provider is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProviderStatus {
    /// Its connection stands.
    pub connected: bool,
    /// Symbols it is subscribed to.
    pub subscribed: usize,
    /// Time of its last event, by its own clock.
    pub last_event: Option<Timestamp>,
    /// How often it had to connect anew.
    pub reconnects: u64,
}
