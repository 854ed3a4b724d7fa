//! Which market data is admitted to the sequence, and when (journal.md 1, 5).

/// Symbols that are held or have orders: the core keeps the list.
pub type Held = [bool];

/// What the core takes of market data.
#[derive(Clone, Copy, Debug)]
pub enum Admission<'a> {
    /// Quotes at their interval, everything else at once.
    All,
    /// The journal's ring is more than half full: one quote a second of symbols that are held or
    /// have orders, nothing else.
    Held(&'a Held),
}

/// The interval of quotes while the ring is more than half full, in nanoseconds.
pub(super) const HELD_INTERVAL_NS: i64 = model::SECOND_NS;

impl Admission<'_> {
    /// Returns the shortest time between two quotes of a symbol; `None` when it gets none.
    pub(super) fn quote_interval(&self, symbol: usize, ordinary: i64) -> Option<i64> {
        match self {
            Self::All => Some(ordinary),
            Self::Held(held) => {
                let is_held = held.get(symbol).copied().unwrap_or_default();
                is_held.then_some(HELD_INTERVAL_NS.max(ordinary))
            }
        }
    }

    /// Returns true when bars, prints and halts are taken.
    pub(super) fn takes_ring(&self) -> bool {
        matches!(self, Self::All)
    }
}
