//! What the gate knows of the market when an entry is proposed.

use model::{Price, SECOND_NS, Side, Symbol, SymbolId, Timestamp};

use super::market_rules::restricts_shorts;
use crate::data_manager::DataDoubt;
use crate::desk::Analysis;

/// The age from which a quote no longer counts as the touch (C28).
const FRESH_QUOTE_NS: i64 = 2 * SECOND_NS;

/// The market in one symbol at one instant.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct MarketView {
    /// The ticker; `None` for an unknown symbol.
    pub ticker: Option<Symbol>,
    /// Last price; zero when there was none.
    pub last: Price,
    /// Best bid and offer, if there is a fresh quote.
    pub touch: Option<(Price, Price)>,
    /// Lowest and highest price at which may be traded, if the feed tells (C21).
    pub bands: Option<(Price, Price)>,
    /// Trading in the symbol is halted, or started again less than 60 s ago (C21).
    pub halted: bool,
    /// The best quote stands at a band, or did less than 60 s ago (C21).
    pub limit_state: bool,
    /// The whole market is paused, or started again less than 60 s ago (C22).
    pub paused: bool,
    /// Shares traded in the last five closed minutes.
    pub recent_volume: u64,
    /// Average daily volume, if known.
    pub adv20: Option<f64>,
    /// Whether shares can be borrowed today, if known (C19).
    pub shortable: Option<bool>,
    /// Short sales are restricted today (C20); `None` when the previous close is unknown.
    pub short_restricted: Option<bool>,
    /// A corporate action is pending (C27).
    pub event_pending: bool,
    /// Why the symbol's market data must not open a position (C28, R11).
    pub doubt: Option<DataDoubt>,
}

impl MarketView {
    /// Returns the price that an order of `side` would meet first: the touch, else the last
    /// price; `None` when nothing is known.
    pub fn far_touch(&self, side: Side) -> Option<Price> {
        let touch = self.touch.map(|(bid, ask)| if side.is_buy() { ask } else { bid });
        touch.or(self.last.is_positive().then_some(self.last))
    }
}

impl Analysis {
    /// Returns what is known of the market in a symbol; the books know its ticker.
    pub(crate) fn market_view(&self, symbol: SymbolId, now: Timestamp) -> MarketView {
        let Some(state) = self.data.symbol(symbol) else { return MarketView::default() };
        let day = self.session.as_ref().and_then(|session| state.reference(session));
        let quote = state.quote.filter(|quote| now.since(quote.time) <= FRESH_QUOTE_NS);
        let fallen = day.and_then(|day| Some(restricts_shorts(state.rth.low, day.prev_close?)));
        let before =
            self.session.as_ref().is_some_and(|s| self.rules.is_short_restricted(symbol, s.date));
        MarketView {
            ticker: None,
            last: state.mark,
            touch: quote.map(|quote| (quote.bid, quote.ask)),
            bands: self.rules.bands(symbol),
            halted: state.is_halted_at(now),
            limit_state: self.rules.in_limit_state(symbol, now),
            paused: self.rules.is_paused(now),
            recent_volume: state.recent_volume(),
            adv20: day.and_then(|day| day.adv20),
            shortable: day.and_then(|day| day.shortable),
            short_restricted: if before { Some(true) } else { fallen },
            event_pending: day.is_some_and(|day| day.event_pending),
            doubt: self.data.doubt(symbol, now),
        }
    }
}
