//! The fill rules: what one order does next in a bar (TF2-TF7).
//!
//! Prices are turned so that every order reads as a buy: for sells all prices are negated, so the
//! high becomes the low and "at or above" stays "at or above". The functions here are pure; taking
//! the earliest event of all orders, sizes and prices after slippage are left to
//! [`Exchange`](super::Exchange).
//!
//! Invariant: an order that slips is filled at its base or worse, any other exactly at its limit
//! or at an auction's price, and none beyond its limit.

use model::{Bar, OrderKind, OrderRole, Price, Side, TimeInForce};

use super::config::{FillMode, LimitFill};
use super::order::Working;
use crate::random::mix;

/// A bar whose prices are turned for one side of the market.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turned {
    sign: i64,
    open: i64,
    high: i64,
    low: i64,
}

impl Turned {
    fn new(bar: &Bar, side: Side) -> Self {
        let (open, high, low) = (bar.open.raw(), bar.high.raw(), bar.low.raw());
        if side.is_buy() {
            Self { sign: 1, open, high, low }
        } else {
            Self { sign: -1, open: -open, high: -low, low: -high }
        }
    }

    fn turn(&self, price: Price) -> i64 {
        self.sign * price.raw()
    }

    fn back(&self, turned: i64) -> Price {
        Price::from_raw(self.sign * turned)
    }
}

/// The assumed course of prices within a bar, and how far it has been walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// Open, first extreme, second extreme, close; `None` where no course is assumed.
    points: Option<[i64; 4]>,
    /// Where the walk is.
    pub(super) at: Place,
    /// An entry was filled inside the bar (TF7).
    pub(super) entered_inside: bool,
}

/// A place in the course of a bar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// At the open: the whole bar is still to come.
    Open,
    /// Inside, on a leg between two points, at a price.
    Inside {
        /// Leg 0 to 2; always 0 without a course.
        leg: u8,
        /// Price reached, before slippage.
        price: i64,
    },
    /// At the close.
    Close,
}

impl Course {
    /// Begins a bar in a mode (TF6).
    pub(super) fn new(bar: &Bar, mode: FillMode) -> Self {
        let (open, high, low, close) =
            (bar.open.raw(), bar.high.raw(), bar.low.raw(), bar.close.raw());
        let high_first = [open, high, low, close];
        let points = match mode {
            FillMode::Ohlc => Some(high_first),
            // The nearer extreme first; a tie goes to the high.
            FillMode::Adaptive if high - open <= open - low => Some(high_first),
            FillMode::Adaptive => Some([open, low, high, close]),
            _ => None,
        };
        Self { points, at: Place::Open, entered_inside: false }
    }
}

/// How the price of a fill is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pricing {
    /// Base plus slippage against us, not beyond `cap`.
    Slipped {
        /// Price before slippage.
        base: Price,
        /// The order's limit.
        cap: Option<Price>,
    },
    /// Exactly this price: a limit, an auction, or the close in a comparison convention.
    Exact(Price),
    /// No fill in this bar: a stop-limit was touched beyond its limit (TF5).
    Touched,
}

impl Pricing {
    fn base(self) -> Option<Price> {
        match self {
            Self::Slipped { base, .. } | Self::Exact(base) => Some(base),
            Self::Touched => None,
        }
    }
}

/// The next event of one order. Events sort by place in the bar, then by rank: entries before
/// stops before limits, which is the pessimistic order (TF6), then by arrival.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Event {
    pub(super) key: (u8, i64, u8, u64),
    pub(super) place: Place,
    pub(super) pricing: Pricing,
}

/// Options that matching reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) mode: FillMode,
    pub(super) limit_fill: LimitFill,
}

/// Returns what `order` does next in the bar, if anything.
pub(super) fn next_event(
    order: &Working,
    bar: &Bar,
    course: &Course,
    rules: Rules,
) -> Option<Event> {
    let turned = Turned::new(bar, order.side);
    let kind = order.effective_kind();
    if order.time_in_force == TimeInForce::Cls {
        return None; // Filled by `Exchange::close_session`.
    }
    if kind == OrderKind::Market && fills_at_close(rules.mode) {
        let pricing = Pricing::Slipped { base: bar.close, cap: None };
        return Some(Event { key: (9, 0, 3, order.sequence), place: Place::Close, pricing });
    }
    if course.at == Place::Open
        && let Some(pricing) = at_open(order, kind, &turned)
    {
        return Some(Event { key: (0, 0, 0, order.sequence), place: Place::Open, pricing });
    }
    if order.time_in_force == TimeInForce::Opg || course.at == Place::Close {
        return None;
    }
    let reach = limit_reach(order, kind, bar, &turned, rules.limit_fill);
    let rank = match (order.role, kind) {
        (OrderRole::Entry, _) => 0,
        (_, OrderKind::Limit { .. }) => 2,
        _ => 1,
    };
    match course.points {
        None => {
            let pricing = inside(order, kind, &turned, course, reach)?;
            // A limit that the market has passed fills at its own price; the market is elsewhere.
            let reached = pricing.base().unwrap_or(bar.open).max(bar.low).min(bar.high);
            let place = Place::Inside { leg: 0, price: reached.raw() };
            Some(Event { key: (1, 0, rank, order.sequence), place, pricing })
        }
        Some(points) => {
            let walk = Walk::new(points, course.at, turned.sign);
            let (leg, distance, at, pricing) = on_course(kind, &turned, &walk, reach)?;
            let price = turned.sign * at;
            let key = (leg + 1, distance, rank, order.sequence);
            Some(Event { key, place: Place::Inside { leg, price }, pricing })
        }
    }
}

/// Returns true for the conventions in which a market order fills at a close.
pub(super) fn fills_at_close(mode: FillMode) -> bool {
    matches!(mode, FillMode::SameClose | FillMode::NextClose)
}

/// Events at the open: TF2, TF3 and TF5 with a gap, TF4 on the first live bar or beyond the limit.
fn at_open(order: &Working, kind: OrderKind, turned: &Turned) -> Option<Pricing> {
    let open = turned.open;
    let base = turned.back(open);
    let opening_auction = order.time_in_force == TimeInForce::Opg;
    match kind {
        // TF12: without official auction prices the auction is the open of the first bar.
        OrderKind::Market if opening_auction => Some(Pricing::Exact(base)),
        OrderKind::Market => Some(Pricing::Slipped { base, cap: None }),
        OrderKind::Stop { stop } | OrderKind::StopLimit { stop, .. } => {
            let stop = turned.turn(stop);
            // An open equal to the level is not beyond it (TF6); yet the first print does
            // trigger an entry, and all of the bar comes after that (TF7).
            let beyond = open > stop || (order.role == OrderRole::Entry && open == stop);
            if !beyond {
                return None;
            }
            let cap = kind.limit();
            let too_far = cap.is_some_and(|limit| open > turned.turn(limit));
            Some(if too_far { Pricing::Touched } else { Pricing::Slipped { base, cap } })
        }
        OrderKind::Limit { limit } => {
            let level = turned.turn(limit);
            if opening_auction {
                return (open <= level).then_some(Pricing::Exact(base));
            }
            if order.fresh && !order.is_bracket_child() {
                return (open <= level).then_some(Pricing::Slipped { base, cap: Some(limit) });
            }
            // A resting order gets no price improvement, except in an auction.
            let price = if order.auction { base } else { limit };
            (open < level).then_some(Pricing::Exact(price))
        }
    }
}

/// Events inside the bar when no course is assumed: what the range reaches, worst first.
fn inside(
    order: &Working,
    kind: OrderKind,
    turned: &Turned,
    course: &Course,
    reach: i64,
) -> Option<Pricing> {
    match kind {
        OrderKind::Market => None,
        OrderKind::Stop { stop } | OrderKind::StopLimit { stop, .. } => {
            let level = turned.turn(stop);
            let base = match course.at {
                // Set behind the market inside the bar: it fires at once, at the worse price.
                Place::Inside { price, .. } if order.joined => level.max(turned.sign * price),
                _ => level,
            };
            (turned.high >= level).then(|| at_stop(kind, turned.back(base), turned))
        }
        OrderKind::Limit { limit } => {
            // TF7: the target may lie before the entry.
            let blocked = course.entered_inside && order.role.is_exit();
            (turned.low <= reach && !blocked).then_some(Pricing::Exact(limit))
        }
    }
}

/// The pricing of a stop that is touched inside the bar at its own price (TF3, TF5).
fn at_stop(kind: OrderKind, base: Price, turned: &Turned) -> Pricing {
    let cap = kind.limit();
    let too_far = cap.is_some_and(|limit| turned.turn(base) > turned.turn(limit));
    if too_far { Pricing::Touched } else { Pricing::Slipped { base, cap } }
}

/// The part of the course still to come, turned for one side.
struct Walk {
    points: [i64; 4],
    leg: u8,
    price: i64,
}

impl Walk {
    fn new(points: [i64; 4], at: Place, sign: i64) -> Self {
        let points = points.map(|point| sign * point);
        match at {
            Place::Open => Self { points, leg: 0, price: points[0] },
            Place::Inside { leg, price } => Self { points, leg, price: sign * price },
            Place::Close => Self { points, leg: 3, price: points[3] },
        }
    }

    /// Returns the legs still to come as (leg, from, to).
    fn legs(&self) -> impl Iterator<Item = (u8, i64, i64)> + '_ {
        (self.leg..3).map(|leg| {
            let at = usize::from(leg);
            let from = if leg == self.leg { self.price } else { self.points[at] };
            (leg, from, self.points[at + 1])
        })
    }

    /// Returns how far into a leg a price lies.
    fn distance(&self, leg: u8, price: i64) -> i64 {
        self.points.get(usize::from(leg)).map_or(0, |from| (price - from).abs())
    }
}

/// Events on an assumed course: the first point at or after the cursor that reaches the order.
fn on_course(
    kind: OrderKind,
    turned: &Turned,
    walk: &Walk,
    reach: i64,
) -> Option<(u8, i64, i64, Pricing)> {
    let here = |at: i64, pricing| (walk.leg, walk.distance(walk.leg, at), at, pricing);
    match kind {
        OrderKind::Market => None,
        OrderKind::Stop { stop } | OrderKind::StopLimit { stop, .. } => {
            let level = turned.turn(stop);
            if walk.price > level && walk.leg < 3 {
                // Set behind the market: it fires at once, at the worse price.
                return Some(here(walk.price, at_stop(kind, turned.back(walk.price), turned)));
            }
            let hit = walk.legs().find(|&(_, from, to)| from <= level && level <= to)?;
            let pricing = at_stop(kind, stop, turned);
            Some((hit.0, walk.distance(hit.0, level), level, pricing))
        }
        OrderKind::Limit { limit } => {
            let level = turned.turn(limit);
            let pricing = Pricing::Exact(limit);
            if walk.price <= reach && walk.leg < 3 {
                return Some(here(walk.price, pricing));
            }
            let hit = walk.legs().find(|&(_, from, to)| to < from && to <= reach)?;
            Some((hit.0, walk.distance(hit.0, level), level, pricing))
        }
    }
}

/// Returns the turned price at or below which a limit order fills (TF4): its limit when a touch is
/// enough, else anything below it.
fn limit_reach(
    order: &Working,
    kind: OrderKind,
    bar: &Bar,
    turned: &Turned,
    limit_fill: LimitFill,
) -> i64 {
    let OrderKind::Limit { limit } = kind else { return i64::MIN };
    let level = turned.turn(limit);
    let touch = match limit_fill {
        LimitFill::Through => false,
        LimitFill::Touch => true,
        LimitFill::TouchProbability { ppm, seed } => {
            let drawn = mix(mix(seed ^ order.sequence) ^ bar.start.nanos().unsigned_abs());
            (drawn % 1_000_000) < ppm.unsigned_abs()
        }
    };
    if touch { level } else { level - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(open: i64, high: i64, low: i64, close: i64) -> Bar {
        let price = Price::from_raw;
        Bar {
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            ..Bar::default()
        }
    }

    /// TF6: the course of each mode; a tie of the distances goes to the high.
    #[test]
    fn courses() {
        let points = |bar: &Bar, mode| Course::new(bar, mode).points;
        let tie = bar(100, 110, 90, 105);
        assert_eq!(points(&tie, FillMode::Adaptive), Some([100, 110, 90, 105]));
        let low_first = bar(95, 110, 90, 105);
        assert_eq!(points(&low_first, FillMode::Adaptive), Some([95, 90, 110, 105]));
        assert_eq!(points(&low_first, FillMode::Ohlc), Some([95, 110, 90, 105]));
        assert_eq!(points(&low_first, FillMode::Conservative), None);
    }

    /// A level equal to the start of the course is reached only when the course moves to it.
    #[test]
    fn a_level_at_the_open_waits_for_its_leg() {
        let bar = bar(100, 110, 90, 105);
        let turned = Turned::new(&bar, Side::Sell);
        let walk = Walk::new([100, 110, 90, 105], Place::Open, -1);
        let stop = OrderKind::Stop { stop: Price::from_raw(100) };
        let (leg, distance, at, _) = on_course(stop, &turned, &walk, 0).unwrap();
        assert_eq!((leg, distance, at), (1, 10, -100));
    }
}
