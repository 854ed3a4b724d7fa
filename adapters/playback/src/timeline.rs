//! The events of one session in the order in which they become known.
//!
//! At one instant: halts, quotes, prints, then the bars that end at it; symbols in order of
//! tickers (TF1).

use backtest::MarketData;
use model::exchange::Session;
use model::{MarketEvent, SymbolId, Timestamp};

/// Returns the events of a session that become known after `since`.
pub(crate) fn timeline(
    data: &MarketData,
    session: &Session,
    since: Timestamp,
) -> Vec<(Timestamp, MarketEvent)> {
    let mut events: Vec<(Timestamp, u8, MarketEvent)> = Vec::new();
    let holds = |time: Timestamp| (session.pre_open..session.post_close).contains(&time);
    for (index, data) in data.symbols().iter().enumerate() {
        let symbol = SymbolId(u32::try_from(index).unwrap_or(u32::MAX));
        let halts = data.halts.iter().filter(|halt| holds(halt.time));
        events.extend(halts.map(|&halt| (halt.time, 0, MarketEvent::Halt { symbol, halt })));
        let quotes = data.quotes.iter().filter(|quote| holds(quote.time));
        events.extend(quotes.map(|&quote| (quote.time, 1, MarketEvent::Quote { symbol, quote })));
        let trades = data.trades.iter().filter(|trade| holds(trade.time));
        events.extend(trades.map(|&trade| (trade.time, 2, MarketEvent::Trade { symbol, trade })));
        let first = data.bars.partition_point(|bar| bar.start < session.pre_open);
        let bars = data.bars.get(first..).unwrap_or_default();
        let bars = bars.iter().take_while(|bar| bar.start < session.post_close);
        events.extend(bars.map(|&bar| (bar.end(), 3, MarketEvent::Bar { symbol, bar })));
    }
    events.retain(|(time, ..)| *time > since);
    // Stable: symbols stay in order.
    events.sort_by_key(|(time, rank, _)| (*time, *rank));
    events.into_iter().map(|(time, _, event)| (time, event)).collect()
}
