//! How market data is judged: what differs between stored data and a live feed.

use model::{MINUTE_NS, Ppm, SECOND_NS, SourceId};

/// The rules that market data is held to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataPolicy {
    /// How long after a minute's end its bars may come, in nanoseconds; timers due at the end of
    /// a minute wait as long (TB1). 3.5 s live, 0 in a backtest; at most a minute.
    pub bar_grace_ns: i64,
    /// From which age on data is stale (C28); `None` for stored data, which has no age.
    pub staleness: Option<Staleness>,
    /// What is known of the sources, by [`SourceId`]; a source that is not listed is official and
    /// raw. The first is the primary one, the second its backup (R11).
    pub sources: Vec<SourcePolicy>,
    /// Largest distance of two sources' prices that still agree (R11).
    pub agreement: Ppm,
    /// Lets unofficial sources open positions (R11).
    pub unofficial_may_open: bool,
}

/// Ages from which on data is stale (C28), in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Staleness {
    /// Age of a symbol's last print or quote, 2 s.
    pub symbol_ns: i64,
    /// Time since the end of a symbol's last bar, where bars are all there is, 90 s.
    pub bar_ns: i64,
    /// Time since anything came from a source, heartbeats included, 5 s.
    pub heartbeat_ns: i64,
    /// How long a symbol may print nothing while its source is alive, 2 minutes, ...
    pub silence_ns: i64,
    /// ... when this many shares were to be expected meanwhile, 10,000.
    pub silence_shares: u32,
}

impl Default for Staleness {
    fn default() -> Self {
        Self {
            symbol_ns: 2 * SECOND_NS,
            bar_ns: 90 * SECOND_NS,
            heartbeat_ns: 5 * SECOND_NS,
            silence_ns: 2 * MINUTE_NS,
            silence_shares: 10_000,
        }
    }
}

/// What is known of one source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourcePolicy {
    /// It is an exchange's or a licensed vendor's feed; others may mark and display only.
    pub official: bool,
    /// Its prices are adjusted for splits or dividends: they are never mixed with raw ones.
    pub adjusted: bool,
}

impl Default for SourcePolicy {
    fn default() -> Self {
        Self { official: true, adjusted: false }
    }
}

impl Default for DataPolicy {
    /// Returns the policy of stored data.
    fn default() -> Self {
        Self {
            bar_grace_ns: 0,
            staleness: None,
            sources: Vec::new(),
            agreement: Ppm(5_000),
            unofficial_may_open: false,
        }
    }
}

impl DataPolicy {
    /// Returns the policy of a live feed.
    pub fn live() -> Self {
        Self {
            bar_grace_ns: 7 * SECOND_NS / 2,
            staleness: Some(Staleness::default()),
            ..Self::default()
        }
    }

    /// Returns what is known of a source.
    pub fn source(&self, source: SourceId) -> SourcePolicy {
        self.sources.get(usize::from(source.0)).copied().unwrap_or_default()
    }
}
