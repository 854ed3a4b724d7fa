//! The queue `market_data` (design.md 3): one slot a symbol for quotes, where the newest wins, and
//! a ring for everything else, whose overflow becomes a gap of the symbol (F24, F42).
//!
//! Invariant: offered = admitted + conflated + dropped + waiting, for quotes and ring alike.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use engine::queues::{Bounded, Keyed, QueueStatus, Ring, Ringed};
use model::{MarketEvent, Quote, SourceId, SymbolId};

use super::pacing::Admission;
use super::{InboxConfig, symbol_of};

/// One event with its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MarketItem {
    /// Who says so.
    pub source: SourceId,
    /// What was said.
    pub event: MarketEvent,
}

impl Keyed for MarketItem {
    type Key = (SourceId, SymbolId);

    fn key(&self) -> Self::Key {
        (self.source, symbol_of(&self.event).unwrap_or(SymbolId(u32::MAX)))
    }
}

/// What became of the events that were offered. Heartbeats are not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MarketCounts {
    /// Pushed by providers.
    pub offered: u64,
    /// Given to the core; the gaps that overflow left are not among them.
    pub admitted: u64,
    /// Replaced by a newer quote.
    pub conflated: u64,
    /// Lost, each in a gap.
    pub dropped: u64,
    /// Still waiting.
    pub waiting: u64,
}

/// The quotes of one source: a slot for each symbol.
#[derive(Debug, Default)]
struct Slots {
    slots: Vec<Slot>,
    /// Symbols whose quote waits, by the time it may be admitted.
    due: BTreeSet<(i64, u32)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    waiting: Option<Quote>,
    /// When the last one was admitted, by the boot-time clock; 0 for never.
    admitted: i64,
}

#[derive(Debug)]
pub(super) struct MarketLane {
    ring: Bounded<Ring<MarketItem>>,
    quotes: BTreeMap<SourceId, Slots>,
    heartbeats: BTreeSet<SourceId>,
    interval: i64,
    symbols: usize,
    counts: MarketCounts,
    quotes_waiting: usize,
    quotes_high: usize,
    /// The core takes next to nothing and looks by itself a few times a second.
    pressed: bool,
}

impl MarketLane {
    pub(super) fn new(config: &InboxConfig) -> Self {
        Self {
            ring: Bounded::new(Ring::default(), config.market_data),
            quotes: BTreeMap::new(),
            heartbeats: BTreeSet::new(),
            interval: config.quote_interval_ns,
            symbols: config.symbols,
            counts: MarketCounts::default(),
            quotes_waiting: 0,
            quotes_high: 0,
            pressed: false,
        }
    }

    /// Takes an event in; true when the core may want it now.
    pub(super) fn push(&mut self, source: SourceId, event: MarketEvent) -> bool {
        let wanted = match event {
            MarketEvent::Heartbeat => self.heartbeats.insert(source),
            MarketEvent::Quote { symbol, quote } => self.push_quote(source, symbol, quote),
            event => {
                self.counts.offered += 1;
                self.ring.push(MarketItem { source, event });
                true
            }
        };
        wanted && !self.pressed
    }

    fn push_quote(&mut self, source: SourceId, symbol: SymbolId, quote: Quote) -> bool {
        let (symbols, interval) = (self.symbols, self.interval);
        self.counts.offered += 1;
        let of = self.quotes.entry(source).or_default();
        if of.slots.is_empty() {
            of.slots = vec![Slot::default(); symbols];
        }
        let Some(slot) = of.slots.get_mut(symbol.index()) else {
            self.counts.dropped += 1;
            return false;
        };
        if slot.waiting.replace(quote).is_some() {
            self.counts.conflated += 1;
            return false;
        }
        of.due.insert((slot.admitted.saturating_add(interval), symbol.0));
        self.quotes_waiting += 1;
        self.quotes_high = self.quotes_high.max(self.quotes_waiting);
        true
    }

    /// Gives heartbeats, then the ring as far as it is admitted, then quotes that are due.
    pub(super) fn take(
        &mut self,
        to: &mut VecDeque<MarketItem>,
        boot: i64,
        admission: &Admission<'_>,
        most: usize,
    ) {
        self.pressed = !admission.takes_ring();
        while let Some(source) = self.heartbeats.pop_first() {
            to.push_back(MarketItem { source, event: MarketEvent::Heartbeat });
        }
        // Half of the room at least is left to quotes, so that bars do not starve them.
        while admission.takes_ring() && to.len() < most.div_ceil(2) {
            match self.ring.pop() {
                Some(Ringed::Gap { key: (source, symbol), missed }) => {
                    let event = MarketEvent::Gap { symbol, missing: missed };
                    to.push_back(MarketItem { source, event });
                }
                Some(Ringed::Item(item)) => {
                    self.counts.admitted += 1;
                    to.push_back(item);
                }
                None => break,
            }
        }
        let sources: Vec<SourceId> = self.quotes.keys().copied().collect();
        for source in sources {
            self.take_quotes(source, to, boot, admission, most);
        }
    }

    fn take_quotes(
        &mut self,
        source: SourceId,
        to: &mut VecDeque<MarketItem>,
        boot: i64,
        admission: &Admission<'_>,
        most: usize,
    ) {
        let interval = self.interval;
        let Some(of) = self.quotes.get_mut(&source) else { return };
        let mut later = Vec::new();
        while to.len() < most {
            let Some(&(due, index)) = of.due.first().filter(|(due, _)| *due <= boot) else { break };
            of.due.pop_first();
            let Some(slot) = of.slots.get_mut(index as usize) else { continue };
            let wait = admission.quote_interval(index as usize, interval);
            let at = wait.map_or(i64::MAX, |wait| slot.admitted.saturating_add(wait));
            if at > boot {
                later.push((due, index));
                continue;
            }
            let Some(quote) = slot.waiting.take() else { continue };
            slot.admitted = boot;
            self.counts.admitted += 1;
            self.quotes_waiting -= 1;
            let event = MarketEvent::Quote { symbol: SymbolId(index), quote };
            to.push_back(MarketItem { source, event });
        }
        of.due.extend(later);
    }

    /// Returns in what time the core finds something here; `None` when nothing waits for it.
    pub(super) fn ready_in(&self, boot: i64, admission: &Admission<'_>) -> Option<Duration> {
        let ring = admission.takes_ring() && self.ring.status().depth > 0;
        if ring || !self.heartbeats.is_empty() {
            return Some(Duration::ZERO);
        }
        let first = self.quotes.values().filter_map(|of| of.due.first()).map(|(due, _)| *due);
        let left = u64::try_from(first.min()?.saturating_sub(boot)).unwrap_or(0);
        match admission {
            Admission::All => Some(Duration::from_nanos(left)),
            // Which of them may come is looked at a few times a second.
            Admission::Held(_) => Some(Duration::from_millis(100).max(Duration::from_nanos(left))),
        }
    }

    pub(super) fn counts(&self) -> MarketCounts {
        let ring = self.ring.status();
        let waiting = (ring.depth + self.quotes_waiting) as u64;
        let dropped = self.counts.dropped + ring.dropped;
        MarketCounts { waiting, dropped, ..self.counts }
    }

    pub(super) fn status(&self) -> QueueStatus {
        let ring = self.ring.status();
        QueueStatus {
            depth: ring.depth + self.quotes_waiting,
            capacity: ring.capacity + self.symbols,
            high_water: ring.high_water + self.quotes_high,
            dropped: self.counts.dropped + ring.dropped,
            conflated: self.counts.conflated,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Bar, Halt, Timestamp};

    use super::*;

    fn lane() -> MarketLane {
        MarketLane::new(&InboxConfig {
            market_data: 4,
            system_events: 1,
            symbols: 3,
            quote_interval_ns: 100,
        })
    }

    fn quote(symbol: u32, time: i64) -> MarketEvent {
        let quote = Quote { time: Timestamp::from_nanos(time), ..Quote::default() };
        MarketEvent::Quote { symbol: SymbolId(symbol), quote }
    }

    fn bar(symbol: u32) -> MarketEvent {
        MarketEvent::Bar { symbol: SymbolId(symbol), bar: Bar::default() }
    }

    fn take(lane: &mut MarketLane, boot: i64, admission: &Admission<'_>) -> Vec<MarketEvent> {
        let mut to = VecDeque::new();
        lane.take(&mut to, boot, admission, 100);
        to.into_iter().map(|item| item.event).collect()
    }

    const ONE: SourceId = SourceId(0);

    /// Journal.md 1: a symbol's quotes are admitted at their interval, the newest of them.
    #[test]
    fn the_newest_quote_at_its_interval() {
        let mut lane = lane();
        assert!(lane.push(ONE, quote(1, 10)));
        assert!(!lane.push(ONE, quote(1, 20)), "conflated");
        assert_eq!(take(&mut lane, 1_000, &Admission::All), [quote(1, 20)]);
        lane.push(ONE, quote(1, 30));
        assert!(take(&mut lane, 1_099, &Admission::All).is_empty());
        let soon = lane.ready_in(1_099, &Admission::All);
        assert_eq!(soon, Some(Duration::from_nanos(1)));
        lane.push(ONE, quote(1, 40));
        assert_eq!(take(&mut lane, 1_100, &Admission::All), [quote(1, 40)]);
        let counts = lane.counts();
        assert_eq!((counts.offered, counts.admitted, counts.conflated), (4, 2, 2));
        lane.push(ONE, quote(7, 50));
        assert_eq!(lane.counts().dropped, 1, "a symbol that is not of the run");
    }

    /// F24, F42: overflow of the ring is told as a gap of its symbol before the next event.
    #[test]
    fn overflow_becomes_a_gap() {
        let mut lane = lane();
        for _ in 0..6 {
            lane.push(ONE, bar(2));
        }
        let events = take(&mut lane, 0, &Admission::All);
        assert_eq!(events.first(), Some(&MarketEvent::Gap { symbol: SymbolId(2), missing: 2 }));
        assert_eq!(events.len(), 5);
        let counts = lane.counts();
        assert_eq!((counts.offered, counts.admitted, counts.dropped), (6, 4, 2));
    }

    /// Journal.md 5: with a ring that is half full only quotes of held symbols come, one a second.
    #[test]
    fn under_pressure_only_what_is_held() {
        let mut lane = lane();
        let halt = Halt { time: Timestamp::default(), halted: true };
        lane.push(ONE, MarketEvent::Halt { symbol: SymbolId(0), halt });
        let second = model::SECOND_NS;
        let held = [false, true, false];
        let admission = Admission::Held(&held);
        for symbol in 0..3 {
            lane.push(ONE, quote(symbol, 1));
        }
        assert_eq!(take(&mut lane, 10 * second, &admission), [quote(1, 1)]);
        lane.push(ONE, quote(1, 2));
        assert!(take(&mut lane, 11 * second - 1, &admission).is_empty());
        assert_eq!(take(&mut lane, 11 * second, &admission), [quote(1, 2)]);
        assert_eq!(take(&mut lane, 11 * second, &Admission::All).len(), 3, "then the rest");
        let counts = lane.counts();
        assert_eq!(counts.offered, counts.admitted + counts.conflated + counts.dropped);
    }
}
