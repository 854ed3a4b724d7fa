//! How market data is judged: what differs between a backtest and a live feed.

use model::SECOND_NS;

/// The rules that market data is held to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataPolicy {
    /// How long after a minute's end its bars may come, in nanoseconds; timers due at the end of
    /// a minute wait as long (TB1). 3.5 s live, 0 in a backtest; at most a minute.
    pub bar_grace_ns: i64,
}

impl Default for DataPolicy {
    /// Returns the policy of stored data.
    fn default() -> Self {
        Self { bar_grace_ns: 0 }
    }
}

impl DataPolicy {
    /// Returns the policy of a live feed.
    pub fn live() -> Self {
        Self { bar_grace_ns: 7 * SECOND_NS / 2 }
    }
}
