//! What a venue does for an exit group by itself; the rest is the core's: cancel, confirmed, send
//! (design.md 6 ExitGroup; venues.md 1.3, 1.4).

/// What a venue can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VenueCapabilities {
    /// Members of an exit group may work side by side for the whole position, and a fill of one
    /// reduces the others at the venue. Without it the exits of a position never add up to more
    /// than is open.
    pub reduce_group: bool,
    /// A protective stop may work while the rest of its entry still does, so that it follows
    /// every partial fill. Without it the rest of the entry is cancelled at the first partial
    /// fill, and the stop goes out when that is confirmed.
    pub children_follow_partial_fills: bool,
    /// A working order's prices and quantity can be replaced. Without it an order is cancelled,
    /// and the new one goes out when that is confirmed.
    pub replace: bool,
}

impl VenueCapabilities {
    /// The simulated exchange: it does everything.
    pub const SIMULATED: Self =
        Self { reduce_group: true, children_follow_partial_fills: true, replace: true };
    /// A venue that does nothing by itself: one exit at a time, no replacement.
    pub const BARE: Self =
        Self { reduce_group: false, children_follow_partial_fills: false, replace: false };
}

impl Default for VenueCapabilities {
    fn default() -> Self {
        Self::SIMULATED
    }
}
