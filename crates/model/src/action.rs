//! Corporate actions: splits, cash dividends, changes of name (F27, TB6).
//!
//! What an action does to a quantity, a price and an open order is defined here once, so that
//! the core and the simulated broker restate the same things in the same way. Who holds what is
//! their own matter.
//!
//! Invariant: a price or a quantity in new shares follows from the old one alone, with one named
//! rounding.

use crate::{Cash, Date, OrderKind, Price, Quantity, Rounding, SCALE, Side, Symbol, SymbolId};

/// New shares for old shares: 2 for 1 is a split, 1 for 100 a reverse split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SplitRatio {
    new: u32,
    old: u32,
}

/// Largest number of shares on either side of a ratio.
const MOST_SHARES: u32 = 100_000;

impl SplitRatio {
    /// One for one: nothing changes.
    pub const ONE: Self = Self { new: 1, old: 1 };

    /// Makes a ratio; `None` when a side is zero or above 100,000.
    pub const fn new(new: u32, old: u32) -> Option<Self> {
        if new == 0 || old == 0 || new > MOST_SHARES || old > MOST_SHARES {
            return None;
        }
        Some(Self { new, old })
    }

    /// Finds the ratio of small whole numbers that a decimal factor stands for, such as 3 for 2 of
    /// 1.5 or 1 for 3 of 0.333333; `None` when there is none within one part in 100,000.
    pub fn nearest(factor: f64) -> Option<Self> {
        if !factor.is_finite() || factor <= 0.0 {
            return None;
        }
        // The convergents of the continued fraction are the best small fractions there are.
        let (mut before, mut last) = ((0.0, 1.0), (1.0, 0.0));
        let mut rest = factor;
        for _ in 0..12 {
            let whole = rest.floor();
            let next = (whole * last.0 + before.0, whole * last.1 + before.1);
            (before, last) = (last, next);
            if last.0 > f64::from(MOST_SHARES) || last.1 > f64::from(MOST_SHARES) {
                return None;
            }
            if last.0 > 0.0 && (last.0 / last.1 / factor - 1.0).abs() < 1e-5 {
                return Self::new(last.0 as u32, last.1 as u32);
            }
            rest = 1.0 / (rest - whole);
        }
        None
    }

    /// Returns the new shares.
    pub const fn new_shares(self) -> u32 {
        self.new
    }

    /// Returns the old shares.
    pub const fn old_shares(self) -> u32 {
        self.old
    }

    /// Returns what a quantity of old shares is in new ones, half-even to 1e-9.
    pub fn quantity(self, old: Quantity) -> Quantity {
        Quantity::from_raw(scaled(old.raw(), self.new, self.old))
    }

    /// Returns the whole new shares of a quantity of old ones; the rest is paid in cash.
    pub fn whole(self, old: Quantity) -> Quantity {
        let raw = i128::from(old.raw()) * i128::from(self.new) / i128::from(self.old);
        let whole = raw / i128::from(SCALE) * i128::from(SCALE);
        Quantity::from_raw(i64::try_from(whole).unwrap_or(old.raw()))
    }

    /// Returns what a price of an old share is for a new one, half-even to 1e-9.
    pub fn price(self, old: Price) -> Price {
        Price::from_raw(scaled(old.raw(), self.old, self.new))
    }
}

impl std::fmt::Display for SplitRatio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} for {}", self.new, self.old)
    }
}

/// Returns `raw * times / over`, half-even; a result beyond the range is cut to it.
fn scaled(raw: i64, times: u32, over: u32) -> i64 {
    let limit = if raw < 0 { i64::MIN } else { i64::MAX };
    let numerator = i128::from(raw) * i128::from(times);
    crate::decimal::div_half_even(numerator, i128::from(over)).unwrap_or(limit)
}

/// What an action is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ActionKind {
    /// Old shares become new ones.
    Split {
        /// How many for how many.
        ratio: SplitRatio,
        /// What is paid for one new share where a holding has a fraction; `None`: the last price.
        cash_in_lieu: Option<Price>,
    },
    /// Cash for each share held: longs receive it, shorts pay it.
    Dividend {
        /// Amount per share.
        per_share: Cash,
    },
    /// The ticker changes.
    Rename {
        /// The ticker from the ex-date on.
        to: Symbol,
    },
}

/// One corporate action.
///
/// It is named by symbol, ex-date and the sort of its kind, whoever announces it: the same action
/// from two sources happens once (F27).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CorporateAction {
    /// Whose shares.
    pub symbol: SymbolId,
    /// First session that trades without it; it happens before that session begins.
    pub ex_date: Date,
    /// What it is.
    pub kind: ActionKind,
}

impl CorporateAction {
    /// Returns true when both are the same action, whatever their terms.
    pub fn is_same(&self, other: &Self) -> bool {
        let sort = |kind: &ActionKind| std::mem::discriminant(kind);
        (self.symbol, self.ex_date, sort(&self.kind))
            == (other.symbol, other.ex_date, sort(&other.kind))
    }

    /// Returns a price level in today's terms without rounding to a tick.
    pub fn level(&self, price: Price) -> Price {
        match self.kind {
            ActionKind::Split { ratio, .. } => ratio.price(price),
            ActionKind::Dividend { per_share } => price.minus(Price::from_raw(per_share.raw())),
            ActionKind::Rename { .. } => price,
        }
    }

    /// Returns the prices of an open order after the action (FINRA rule 5330): a split restates
    /// them all; a dividend reduces buy limits and sell stops and leaves the others. Stops round
    /// away from the market, limits never become more aggressive (TB11).
    pub fn order_kind(
        &self,
        side: Side,
        kind: OrderKind,
        tick: impl Fn(Price) -> Price,
    ) -> OrderKind {
        let dividend = match self.kind {
            ActionKind::Rename { .. } => return kind,
            ActionKind::Dividend { .. } => true,
            ActionKind::Split { .. } => false,
        };
        let buy = side.is_buy();
        let moved = |price: Price, rounding, applies: bool| {
            if dividend && !applies {
                return price;
            }
            let level = self.level(price);
            let tick = tick(level);
            level.round_to(tick, rounding).max(tick)
        };
        let (limit_way, stop_way) =
            if buy { (Rounding::Down, Rounding::Up) } else { (Rounding::Up, Rounding::Down) };
        let new_limit = |limit| moved(limit, limit_way, buy);
        let new_stop = |stop| moved(stop, stop_way, !buy);
        match kind {
            OrderKind::Market => OrderKind::Market,
            OrderKind::Limit { limit } => OrderKind::Limit { limit: new_limit(limit) },
            OrderKind::Stop { stop } => OrderKind::Stop { stop: new_stop(stop) },
            OrderKind::StopLimit { stop, limit } => {
                OrderKind::StopLimit { stop: new_stop(stop), limit: new_limit(limit) }
            }
        }
    }

    /// Returns the open quantity of an order after the action: whole shares.
    pub fn order_qty(&self, leaves: Quantity) -> Quantity {
        match self.kind {
            ActionKind::Split { ratio, .. } => ratio.whole(leaves),
            ActionKind::Dividend { .. } | ActionKind::Rename { .. } => leaves,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn action(kind: ActionKind) -> CorporateAction {
        CorporateAction { symbol: SymbolId(0), ex_date: Date::from_days(20_000), kind }
    }

    fn split(new: u32, old: u32) -> CorporateAction {
        let ratio = SplitRatio::new(new, old).unwrap();
        action(ActionKind::Split { ratio, cash_in_lieu: None })
    }

    /// F27: the factors of data files stand for ratios of small numbers.
    #[test]
    fn factors_become_ratios() {
        for (factor, ratio) in [
            (2.0, Some((2, 1))),
            (1.5, Some((3, 2))),
            (0.01, Some((1, 100))),
            (0.333333, Some((1, 3))),
            (1.0005, Some((2001, 2000))),
            (1.333333333, Some((4, 3))),
            (20.0, Some((20, 1))),
            (0.000001, None),
            (0.0, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            let found = SplitRatio::nearest(factor);
            assert_eq!(found.map(|r| (r.new_shares(), r.old_shares())), ratio, "{factor}");
        }
    }

    /// F27: whole shares are kept, the rest is a fraction; signs do not matter.
    #[test]
    fn quantities_are_restated() {
        let ratio = SplitRatio::new(1, 100).unwrap();
        let shares = |n: i64| Quantity::from_shares(n).unwrap();
        assert_eq!(ratio.quantity(shares(250)).to_string(), "2.5");
        assert_eq!(ratio.whole(shares(250)), shares(2));
        assert_eq!(ratio.whole(shares(-250)), shares(-2));
        assert_eq!(ratio.whole(shares(99)), shares(0));
        assert_eq!(ratio.price(price("0.85")), price("85"));
    }

    /// FINRA 5330, TB11: what a split and a dividend do to each kind of order.
    #[test]
    fn orders_are_restated() {
        let cent = |_| price("0.01");
        let dividend = action(ActionKind::Dividend { per_share: "0.255".parse().unwrap() });
        let (limit, stop) = (price("30.01"), price("30.01"));
        for (action, side, kind, expected) in [
            (
                split(3, 2),
                Side::Buy,
                OrderKind::Limit { limit },
                OrderKind::Limit { limit: price("20.00") },
            ),
            (
                split(3, 2),
                Side::Sell,
                OrderKind::Limit { limit },
                OrderKind::Limit { limit: price("20.01") },
            ),
            (
                split(3, 2),
                Side::Sell,
                OrderKind::Stop { stop },
                OrderKind::Stop { stop: price("20.00") },
            ),
            (
                split(3, 2),
                Side::Buy,
                OrderKind::Stop { stop },
                OrderKind::Stop { stop: price("20.01") },
            ),
            (
                dividend,
                Side::Buy,
                OrderKind::Limit { limit },
                OrderKind::Limit { limit: price("29.75") },
            ),
            (
                dividend,
                Side::Sell,
                OrderKind::Stop { stop },
                OrderKind::Stop { stop: price("29.75") },
            ),
            (dividend, Side::Sell, OrderKind::Limit { limit }, OrderKind::Limit { limit }),
            (dividend, Side::Buy, OrderKind::Stop { stop }, OrderKind::Stop { stop }),
        ] {
            assert_eq!(action.order_kind(side, kind, cent), expected, "{action:?} {side:?}");
        }
        assert_eq!(split(1, 100).order_qty(Quantity::from_shares(250).unwrap()).shares(), 2);
    }
}
