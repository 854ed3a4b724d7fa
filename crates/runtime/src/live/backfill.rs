//! Missing market data is asked for and brought in: one path for a late start, an upgrade, a lost
//! connection and an overflow (journal.md 8, F24).

use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use gateway::MarketDataProvider;
use model::{MINUTE_NS, MarketEvent, SourceId, SymbolId, Timestamp};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::clock::Clock;
use crate::inbox::Inbox;

/// What is missing: closed minutes of a symbol from a time on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Whom to ask.
    pub source: SourceId,
    /// Whose minutes.
    pub symbol: SymbolId,
    /// From when on.
    pub from: Timestamp,
}

/// Returns since when a symbol's minutes may be missing: its last one, else the session's begin.
pub(super) fn since(engine: &Engine, symbol: SymbolId) -> Timestamp {
    let begin = engine.session().map_or(engine.now(), |session| session.pre_open);
    engine.data().symbol(symbol).map_or(begin, |state| state.last.start.max(begin))
}

/// Fills gaps one after the other until nobody asks any more. A provider that has no answer is
/// asked again; the gap stays open meanwhile, and nothing is opened in its symbol.
pub async fn backfill(
    providers: Vec<Arc<dyn MarketDataProvider>>,
    mut wanted: UnboundedReceiver<Wanted>,
    inbox: Inbox,
    clock: Clock,
) {
    while let Some(want) = wanted.recv().await {
        let Some(provider) = providers.get(usize::from(want.source.0)) else { continue };
        let mut pause = Duration::from_millis(100);
        let bars = loop {
            let now = clock.now();
            let until = now.plus_nanos(-now.nanos().rem_euclid(MINUTE_NS));
            match provider.history(want.symbol, want.from, until).await {
                Ok(bars) => break bars,
                Err(error) => {
                    let (name, symbol) = (provider.name(), want.symbol.0);
                    tracing::warn!(name, symbol, %error, "missing minutes are not to be had yet");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(10));
                }
            }
        };
        let event = |event| engine::Input::Market { source: want.source, event };
        for bar in bars {
            inbox.report(event(MarketEvent::Backfill { symbol: want.symbol, bar })).await;
        }
        inbox.report(event(MarketEvent::BackfillEnd { symbol: want.symbol })).await;
    }
}
