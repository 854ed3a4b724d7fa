//! What the market's own rules forbid at the moment: price bands and limit state (C21), the
//! market-wide breaker (C22), short sales after a fall (C20).
//!
//! Computed from market data. Invariant: what a day before forbids is still known after a
//! restart.

use model::exchange::Session;
use model::{Bands, Breaker, Date, MINUTE_NS, Price, SECOND_NS, SymbolId, Timestamp, record};

/// Nothing is opened before this long after a limit state or a pause is over (C21, C22).
const REOPEN_NS: i64 = 60 * SECOND_NS;
/// Levels 1 and 2 pause nothing within this long of the close: 15:25 on a full day (C22).
const LAST_PAUSE_BEFORE_CLOSE_NS: i64 = 35 * MINUTE_NS;
/// How long levels 1 and 2 pause trading (C22).
const PAUSE_NS: i64 = 15 * MINUTE_NS;
/// The fall from the previous close that restricts short sales, in parts per million (C20).
const SHORT_SALE_FALL_PPM: i64 = 100_000;

/// What holds for one symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct SymbolRules {
    bands: Option<Bands>,
    limit_state_over: Option<Timestamp>,
    short_restricted: Option<Date>,
}

/// What the market's rules forbid at the moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MarketRules {
    symbols: Vec<SymbolRules>,
    paused_until: Option<Timestamp>,
}

impl MarketRules {
    /// Makes the state of `symbols` symbols about which nothing is known.
    pub fn new(symbols: usize) -> Self {
        Self { symbols: vec![SymbolRules::default(); symbols], paused_until: None }
    }

    /// Begins a session: bands and pauses end; a symbol in `fallen` fell so far in the session
    /// before that its short sales are restricted on `date` as well (C20).
    pub fn begin_day(&mut self, date: Date, fallen: impl Fn(SymbolId) -> bool) {
        self.paused_until = None;
        for (index, rules) in self.symbols.iter_mut().enumerate() {
            let restricted = fallen(SymbolId(index as u32)).then_some(date);
            *rules = SymbolRules { short_restricted: restricted, ..SymbolRules::default() };
        }
    }

    /// Notes the bands of a symbol; true when trading stands at one of them from now on.
    pub fn note_bands(&mut self, symbol: SymbolId, bands: Bands) -> bool {
        let Some(rules) = self.symbols.get_mut(symbol.index()) else { return false };
        let before = rules.bands.is_some_and(|known| known.limit_state);
        if before && !bands.limit_state {
            rules.limit_state_over = Some(bands.time);
        }
        rules.bands = Some(bands);
        bands.limit_state && !before
    }

    /// Notes a breaker; true when it pauses trading.
    pub fn note_breaker(&mut self, breaker: Breaker, session: &Session) -> bool {
        let last = session.close.plus_nanos(-LAST_PAUSE_BEFORE_CLOSE_NS);
        let until = match breaker.level {
            1 | 2 if breaker.time < last => Some(breaker.time.plus_nanos(PAUSE_NS)),
            1 | 2 => None,
            // Level 3 and whatever a feed may say beyond it: the rest of the day.
            _ => Some(session.post_close),
        };
        self.paused_until = self.paused_until.max(until);
        until.is_some()
    }

    /// Returns the prices between which a symbol trades, if the feed tells them.
    pub fn bands(&self, symbol: SymbolId) -> Option<(Price, Price)> {
        let bands = self.symbols.get(symbol.index())?.bands?;
        Some((bands.lower, bands.upper))
    }

    /// Returns true in a limit state and within 60 s of its end (C21).
    pub fn in_limit_state(&self, symbol: SymbolId, now: Timestamp) -> bool {
        let Some(rules) = self.symbols.get(symbol.index()) else { return false };
        rules.bands.is_some_and(|bands| bands.limit_state)
            || rules.limit_state_over.is_some_and(|over| now.since(over) < REOPEN_NS)
    }

    /// Returns true while the market is paused and within 60 s of its end (C22).
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.paused_until.is_some_and(|until| now.since(until) < REOPEN_NS)
    }

    /// Returns true when the fall of the session before restricts short sales on `date` (C20).
    pub fn is_short_restricted(&self, symbol: SymbolId, date: Date) -> bool {
        self.symbols.get(symbol.index()).is_some_and(|r| r.short_restricted == Some(date))
    }
}

/// Returns true when a low is 10 % or more under the previous close (C20, Rule 201).
pub(crate) fn restricts_shorts(low: Price, prev_close: Price) -> bool {
    low.is_positive() && low <= prev_close.minus(prev_close.times_ppm(SHORT_SALE_FALL_PPM))
}

record!(SymbolRules { 1: bands, 2: limit_state_over, 3: short_restricted });
record!(MarketRules { 1: symbols, 2: paused_until });

#[cfg(test)]
mod tests {
    use super::*;
    use model::exchange::Calendar;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * SECOND_NS)
    }

    /// C20: exactly 10 % restricts, one tick less does not.
    #[test]
    fn ten_percent_to_the_tick() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        assert!(restricts_shorts(price("9.00"), price("10.00")));
        assert!(!restricts_shorts(price("9.01"), price("10.00")));
        assert!(!restricts_shorts(Price::ZERO, price("10.00")), "no print yet");
    }

    /// C21: in the limit state and until 60 s after it, not one nanosecond longer.
    #[test]
    fn limit_state() {
        let mut rules = MarketRules::new(1);
        let symbol = SymbolId(0);
        let bands =
            |seconds, limit_state| Bands { time: at(seconds), limit_state, ..Bands::default() };
        assert!(!rules.in_limit_state(symbol, at(0)));
        assert!(rules.note_bands(symbol, bands(10, true)), "entries are withdrawn once");
        assert!(!rules.note_bands(symbol, bands(11, true)));
        assert!(rules.in_limit_state(symbol, at(500)));
        rules.note_bands(symbol, bands(20, false));
        assert!(rules.in_limit_state(symbol, at(80).plus_nanos(-1)));
        assert!(!rules.in_limit_state(symbol, at(80)));
    }

    /// C22: 15 minutes before 15:25 (12:25 on a half day), nothing after it, level 3 the rest of
    /// the day.
    #[test]
    fn breaker_levels() {
        let calendar = Calendar::nyse();
        for day in ["2026-06-01", "2026-11-27"] {
            let session = calendar.session(day.parse().unwrap()).unwrap().unwrap();
            let last = session.close.plus_nanos(-35 * MINUTE_NS);
            let paused = |level, time: Timestamp, after: i64| {
                let mut rules = MarketRules::new(0);
                rules.note_breaker(Breaker { time, level }, &session);
                rules.is_paused(time.plus_nanos(after))
            };
            let early = last.plus_nanos(-1);
            for level in [1, 2] {
                assert!(
                    paused(level, early, 16 * MINUTE_NS - 1)
                        && !paused(level, early, 16 * MINUTE_NS)
                );
                assert!(!paused(level, last, 0), "{day} level {level}");
            }
            assert!(paused(3, last, session.post_close.since(last)));
        }
    }
}
