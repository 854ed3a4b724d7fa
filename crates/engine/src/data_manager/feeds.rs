//! Sources of market data: which one counts for a symbol, and how fresh it is (C28, R11).
//!
//! Every event of every source is noted here; only those of a symbol's active source reach its
//! bars, quotes and marks. Invariants: a source with adjusted prices is never active; a switch
//! happens only between prices that agree.

use model::{Bar, Ppm, Price, SourceId, SymbolId, Timestamp, record};

use super::policy::{DataPolicy, Staleness};

/// What a source last said of a symbol.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Feed {
    /// Its last price: a print, the middle of a quote, or the close of a bar.
    pub price: Price,
    /// When it came; for a bar, the bar's end.
    pub at: Timestamp,
    /// It came as a bar.
    pub bar: bool,
}

impl Default for Feed {
    fn default() -> Self {
        Self { price: Price::ZERO, at: Timestamp::MIN, bar: false }
    }
}

impl Feed {
    /// Returns how far the feed is beyond its limit: `(limit, age)` in nanoseconds, `None` while
    /// it is fresh.
    pub fn staleness(&self, limits: &Staleness, now: Timestamp) -> Option<Stale> {
        let limit_ns = if self.bar { limits.bar_ns } else { limits.symbol_ns };
        let age_ns = now.since(self.at);
        (age_ns > limit_ns).then_some(Stale { limit_ns, age_ns })
    }
}

/// Data older than its limit (C28).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stale {
    /// The limit in nanoseconds.
    pub limit_ns: i64,
    /// The age in nanoseconds.
    pub age_ns: i64,
}

/// Why a symbol's data must not open a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataDoubt {
    /// It is too old (C28).
    Stale(Stale),
    /// Its source is unofficial (R11).
    Unofficial,
}

/// How two sources stand to each other in a symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Agreement {
    /// One of them has nothing fresh to compare.
    Unknown,
    /// Within the limit.
    Agree,
    /// Beyond it.
    Differ,
}

/// The sources of all symbols.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    /// By source, then symbol.
    feeds: Vec<Feed>,
    symbols: usize,
    /// When each source last said anything.
    heard: Vec<Timestamp>,
    /// Each symbol's active source.
    active: Vec<SourceId>,
}

impl Feeds {
    pub(super) fn new(symbols: usize, sources: usize) -> Self {
        let sources = sources.max(1);
        Self {
            feeds: vec![Feed::default(); symbols * sources],
            symbols,
            heard: vec![Timestamp::MIN; sources],
            active: vec![SourceId(0); symbols],
        }
    }

    /// Returns how many sources there are.
    pub fn count(&self) -> usize {
        self.heard.len()
    }

    /// Returns the source that counts for a symbol.
    #[inline]
    pub fn active(&self, symbol: SymbolId) -> SourceId {
        self.active.get(symbol.index()).copied().unwrap_or_default()
    }

    /// Returns what a source last said of a symbol.
    pub fn feed(&self, source: SourceId, symbol: SymbolId) -> Feed {
        let within = symbol.index() < self.symbols;
        let index = usize::from(source.0) * self.symbols + symbol.index();
        self.feeds.get(index).filter(|_| within).copied().unwrap_or_default()
    }

    /// Returns when a source last said anything.
    pub fn heard(&self, source: SourceId) -> Timestamp {
        self.heard.get(usize::from(source.0)).copied().unwrap_or(Timestamp::MIN)
    }

    /// Notes that a source is alive.
    #[inline]
    pub(super) fn note_alive(&mut self, source: SourceId, now: Timestamp) {
        if let Some(heard) = self.heard.get_mut(usize::from(source.0)) {
            *heard = now;
        }
    }

    /// Notes a price of a source.
    #[inline]
    pub(super) fn note(&mut self, source: SourceId, symbol: SymbolId, feed: Feed) {
        let index = usize::from(source.0) * self.symbols + symbol.index();
        if symbol.index() >= self.symbols || !feed.price.is_positive() {
            return;
        }
        if let Some(place) = self.feeds.get_mut(index) {
            *place = feed;
        }
    }

    /// Notes a bar of a source.
    pub(super) fn note_bar(&mut self, source: SourceId, symbol: SymbolId, bar: &Bar) {
        // Where a source sends ticks, bars do not hide that they stopped.
        let feed = self.feed(source, symbol);
        if feed.bar || feed.at == Timestamp::MIN {
            self.note(source, symbol, Feed { price: bar.close, at: bar.end(), bar: true });
        }
    }

    pub(super) fn activate(&mut self, symbol: SymbolId, source: SourceId) {
        if let Some(active) = self.active.get_mut(symbol.index()) {
            *active = source;
        }
    }

    /// Forgets the prices of the day; sources and choices stay.
    pub(super) fn begin_day(&mut self) {
        self.feeds.fill(Feed::default());
    }

    /// Returns true when a source has been silent for too long (C28).
    pub fn is_dead(&self, source: SourceId, limits: &Staleness, now: Timestamp) -> bool {
        now.since(self.heard(source)) > limits.heartbeat_ns
    }

    /// Compares what two sources say of a symbol now.
    pub fn compare(
        &self,
        symbol: SymbolId,
        [one, other]: [SourceId; 2],
        limits: &Staleness,
        most: Ppm,
        now: Timestamp,
    ) -> Agreement {
        let (one, other) = (self.feed(one, symbol), self.feed(other, symbol));
        let fresh = |feed: &Feed| feed.staleness(limits, now).is_none();
        if !fresh(&one) || !fresh(&other) {
            return Agreement::Unknown;
        }
        if agree(one.price, other.price, most) { Agreement::Agree } else { Agreement::Differ }
    }

    /// Returns the source that should count for a symbol now (R11): the primary one where it is
    /// fresh, else its backup; a change only to a fresh source whose price agrees with the last
    /// one of the active source.
    pub fn choose(
        &self,
        symbol: SymbolId,
        policy: &DataPolicy,
        limits: &Staleness,
        now: Timestamp,
    ) -> SourceId {
        let active = self.active(symbol);
        let (primary, backup) = (SourceId(0), SourceId(1));
        let usable = |source: SourceId| {
            usize::from(source.0) < self.count()
                && !policy.source(source).adjusted
                && !self.is_dead(source, limits, now)
                && self.feed(source, symbol).staleness(limits, now).is_none()
        };
        let wanted = match (usable(primary), usable(backup)) {
            (true, _) => primary,
            (false, true) => backup,
            (false, false) => return active,
        };
        let last = self.feed(active, symbol).price;
        let fits =
            !last.is_positive() || agree(last, self.feed(wanted, symbol).price, policy.agreement);
        if wanted == active || fits { wanted } else { active }
    }
}

impl Feeds {
    /// Returns true when a source that is not active has a fresh price like this one (C29).
    pub(super) fn others_confirm(
        &self,
        symbol: SymbolId,
        price: Price,
        policy: &DataPolicy,
        now: Timestamp,
    ) -> bool {
        let Some(limits) = &policy.staleness else { return false };
        let active = self.active(symbol);
        (0..self.count()).filter_map(|at| u8::try_from(at).ok()).map(SourceId).any(|source| {
            let feed = self.feed(source, symbol);
            source != active
                && !policy.source(source).adjusted
                && feed.staleness(limits, now).is_none()
                && agree(price, feed.price, policy.agreement)
        })
    }
}

/// Returns true when `other` is within `most` of `price`.
fn agree(price: Price, other: Price, most: Ppm) -> bool {
    let distance = (i128::from(price.raw()) - i128::from(other.raw())).abs();
    distance * 1_000_000 <= i128::from(price.raw()) * i128::from(most.0)
}

record!(Feed { 1: price, 2: at, 3: bar });
record!(Feeds { 1: feeds, 2: heard, 3: active });

#[cfg(test)]
mod tests {
    use super::super::policy::SourcePolicy;
    use super::*;
    use model::SECOND_NS;

    const X: SymbolId = SymbolId(0);
    const PRIMARY: SourceId = SourceId(0);
    const BACKUP: SourceId = SourceId(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * SECOND_NS)
    }

    fn say(feeds: &mut Feeds, source: SourceId, seconds: i64, price: &str) {
        feeds.note_alive(source, at(seconds));
        let feed = Feed { price: price.parse().unwrap(), at: at(seconds), bar: false };
        feeds.note(source, X, feed);
    }

    fn policy() -> DataPolicy {
        DataPolicy { sources: vec![SourcePolicy::default(); 2], ..DataPolicy::live() }
    }

    fn choose(feeds: &Feeds, policy: &DataPolicy, now: Timestamp) -> SourceId {
        feeds.choose(X, policy, &Staleness::default(), now)
    }

    /// C28: 2 s for ticks, 90 s after a bar's end, 5 s for the source; at the limit is fresh.
    #[test]
    fn ages_at_the_limit() {
        let limits = Staleness::default();
        for (bar, limit) in [(false, 2), (true, 90)] {
            let feed = Feed { price: Price::from_raw(1), at: at(100), bar };
            let edge = at(100 + limit);
            assert_eq!(feed.staleness(&limits, edge), None);
            let stale = feed.staleness(&limits, edge.plus_nanos(1)).unwrap();
            assert_eq!((stale.limit_ns, stale.age_ns), (limit * SECOND_NS, limit * SECOND_NS + 1));
        }
        let mut feeds = Feeds::new(1, 1);
        feeds.note_alive(PRIMARY, at(100));
        assert!(!feeds.is_dead(PRIMARY, &limits, at(105)));
        assert!(feeds.is_dead(PRIMARY, &limits, at(105).plus_nanos(1)));
        assert!(feeds.feed(PRIMARY, X).staleness(&limits, at(100)).is_some(), "nothing came yet");
    }

    /// R11: the backup counts while the primary is stale, and the primary again when it is back.
    #[test]
    fn the_backup_takes_over_and_gives_back() {
        let mut feeds = Feeds::new(1, 2);
        say(&mut feeds, PRIMARY, 100, "50.00");
        say(&mut feeds, BACKUP, 100, "50.01");
        assert_eq!(choose(&feeds, &policy(), at(100)), PRIMARY);
        say(&mut feeds, BACKUP, 103, "50.02");
        assert_eq!(choose(&feeds, &policy(), at(103)), BACKUP);
        feeds.activate(X, BACKUP);
        say(&mut feeds, PRIMARY, 104, "50.03");
        assert_eq!(choose(&feeds, &policy(), at(104)), PRIMARY);
        assert_eq!(choose(&feeds, &policy(), at(200)), BACKUP, "neither is fresh: no change");
    }

    /// R11: half a percent is the boundary; adjusted prices are never mixed with raw ones.
    #[test]
    fn a_switch_needs_agreeing_raw_prices() {
        for (price, expected) in [
            ("100.50", BACKUP),
            ("100.500000001", PRIMARY),
            ("99.50", BACKUP),
            ("99.499999999", PRIMARY),
        ] {
            let mut feeds = Feeds::new(1, 2);
            say(&mut feeds, PRIMARY, 100, "100.00");
            say(&mut feeds, BACKUP, 103, price);
            assert_eq!(choose(&feeds, &policy(), at(103)), expected, "{price}");
            let mut adjusted = policy();
            adjusted.sources[1].adjusted = true;
            assert_eq!(choose(&feeds, &adjusted, at(103)), PRIMARY);
        }
    }

    /// Two sources are compared only while both are fresh.
    #[test]
    fn comparison_needs_two_fresh_prices() {
        let mut feeds = Feeds::new(1, 2);
        let limits = Staleness::default();
        let both = [PRIMARY, BACKUP];
        let compare = |feeds: &Feeds, now| feeds.compare(X, both, &limits, Ppm(5_000), now);
        say(&mut feeds, PRIMARY, 100, "100.00");
        assert_eq!(compare(&feeds, at(100)), Agreement::Unknown);
        say(&mut feeds, BACKUP, 101, "100.50");
        assert_eq!(compare(&feeds, at(102)), Agreement::Agree);
        say(&mut feeds, BACKUP, 102, "100.51");
        assert_eq!(compare(&feeds, at(102)), Agreement::Differ);
        assert_eq!(compare(&feeds, at(103)), Agreement::Unknown);
    }
}
