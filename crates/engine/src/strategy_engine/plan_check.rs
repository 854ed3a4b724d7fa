//! What every plan must be, whatever the market is: a plan that is not shows a broken strategy.
//!
//! What depends on prices and limits (the distance of the stop, sizes, ticks) is judged by sizing
//! (TS2-TS4) and by the gate; such a plan is refused, and that is no fault.

use model::OrderKind;

use super::plan::{Breakeven, Plan, Size, Target, TargetAt, TrailRule};
use crate::data_manager::RECENT_BARS;

/// What is wrong with a plan in itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanFault {
    /// An entry price or the reference is zero or negative.
    #[error("an entry price is not above zero")]
    Price,
    /// The limit of a stop-limit entry lies before its trigger.
    #[error("the limit of the entry lies before its trigger")]
    LimitBeforeTrigger,
    /// The fixed quantity is not a whole number of shares above zero.
    #[error("the quantity is not a whole number of shares above zero")]
    Quantity,
    /// The bounds of the stop distance are negative or crossed.
    #[error("the bounds of the stop distance are negative or crossed")]
    StopBounds,
    /// A target lies at zero or less, its part is not within 0 and 1, or the parts exceed 1.
    #[error("a target is not above zero, or the parts of the targets exceed the position")]
    Target,
    /// The trail or the break-even rule has a number that means nothing.
    #[error("the trail or the break-even rule has a number out of range")]
    Trail,
}

/// One whole, in parts per million.
const WHOLE: i64 = 1_000_000;

impl Plan {
    /// Checks the plan in itself.
    pub fn check(&self) -> Result<(), PlanFault> {
        let prices = [Some(self.reference), self.entry.stop(), self.entry.limit()];
        if prices.into_iter().flatten().any(|price| !price.is_positive()) {
            return Err(PlanFault::Price);
        }
        if let OrderKind::StopLimit { stop, limit } = self.entry
            && self.direction.favour(stop, limit).raw() < 0
        {
            return Err(PlanFault::LimitBeforeTrigger);
        }
        match self.size {
            Size::Fixed(quantity) if !quantity.is_positive() || !quantity.is_whole() => {
                return Err(PlanFault::Quantity);
            }
            Size::ByRisk { min_stop, max_stop } if min_stop.0 < 0 || max_stop < min_stop => {
                return Err(PlanFault::StopBounds);
            }
            Size::Fixed(_) | Size::ByRisk { .. } => {}
        }
        self.check_targets()?;
        let trail = match self.trail.rule {
            TrailRule::Off | TrailRule::Ema9 => true,
            TrailRule::Vwap { closes } => closes > 0,
            TrailRule::LowOf { bars } => (1..RECENT_BARS).contains(&usize::from(bars)),
            TrailRule::Atr { multiple } => multiple.0 > 0,
        };
        let breakeven = !matches!(self.breakeven, Breakeven::AtR(multiple) if multiple.0 <= 0);
        if trail && breakeven { Ok(()) } else { Err(PlanFault::Trail) }
    }

    fn check_targets(&self) -> Result<(), PlanFault> {
        let mut sum = 0_i64;
        for Target { at, fraction } in self.targets.into_iter().flatten() {
            let placed = match at {
                TargetAt::R(multiple) => multiple.0 > 0,
                TargetAt::DayExtreme { extreme, min_r, or_r } => {
                    extreme.is_positive() && min_r.0 >= 0 && or_r.0 > 0
                }
            };
            if !placed || !(1..=WHOLE).contains(&fraction.0) {
                return Err(PlanFault::Target);
            }
            sum += fraction.0;
        }
        // Parts like 0.333333 are rounded one by one.
        if sum > WHOLE + 3 { Err(PlanFault::Target) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy_engine::{Direction, Trail};
    use model::{Ppm, Price, Quantity};

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn plan() -> Plan {
        let target = |r, part| Some(Target { at: TargetAt::R(Ppm(r)), fraction: Ppm(part) });
        Plan {
            entry: OrderKind::StopLimit { stop: price("10.00"), limit: price("10.05") },
            reference: price("10.00"),
            stop: Some(price("9.50")),
            size: Size::ByRisk { min_stop: Ppm(0), max_stop: Ppm(100_000) },
            targets: [target(2_000_000, 500_000), target(3_000_000, 500_000), None],
            trail: Trail { rule: TrailRule::LowOf { bars: 3 }, after_first_target: true },
            ..Plan::default()
        }
    }

    /// C01, F43: each number at its bound and one step beyond.
    #[test]
    fn each_number_is_checked_at_its_bound() {
        use PlanFault as F;
        let check = |change: fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            plan.check()
        };
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|p| p.reference = Price::ZERO), Err(F::Price));
        assert_eq!(check(|p| p.reference = Price::from_raw(1)), Ok(()));
        assert_eq!(check(|p| p.entry = OrderKind::Limit { limit: price("-1") }), Err(F::Price));
        let entry = |limit: &str| OrderKind::StopLimit { stop: price("10"), limit: price(limit) };
        let with_limit = |direction, limit| Plan { direction, entry: entry(limit), ..plan() };
        for (direction, limit, good) in [
            (Direction::Long, "10", true),
            (Direction::Long, "9.99", false),
            (Direction::Short, "10", true),
            (Direction::Short, "10.01", false),
        ] {
            let expected = if good { Ok(()) } else { Err(F::LimitBeforeTrigger) };
            assert_eq!(with_limit(direction, limit).check(), expected, "{direction:?} {limit}");
        }
        let fixed = |raw| Plan { size: Size::Fixed(Quantity::from_raw(raw)), ..plan() };
        assert_eq!(fixed(1_000_000_000).check(), Ok(()));
        for raw in [0, -1_000_000_000, 999_999_999] {
            assert_eq!(fixed(raw).check(), Err(F::Quantity));
        }
        let bounds = |min, max| {
            let size = Size::ByRisk { min_stop: Ppm(min), max_stop: Ppm(max) };
            Plan { size, ..plan() }.check()
        };
        assert_eq!(bounds(5, 5), Ok(()));
        assert_eq!((bounds(6, 5), bounds(-1, 5)), (Err(F::StopBounds), Err(F::StopBounds)));
        assert_eq!(check(|p| p.targets[1].as_mut().unwrap().fraction = Ppm(500_003)), Ok(()));
        let parts = check(|p| p.targets[1].as_mut().unwrap().fraction = Ppm(500_004));
        assert_eq!(parts, Err(F::Target));
        let at_zero = check(|p| p.targets[0].as_mut().unwrap().at = TargetAt::R(Ppm(0)));
        assert_eq!(at_zero, Err(F::Target));
        for (bars, good) in [(0, false), (1, true), (19, true), (20, false)] {
            let trail = Trail { rule: TrailRule::LowOf { bars }, after_first_target: true };
            assert_eq!(Plan { trail, ..plan() }.check().is_ok(), good, "{bars} bars");
        }
        let breakeven = |r| Plan { breakeven: Breakeven::AtR(Ppm(r)), ..plan() }.check();
        assert_eq!((breakeven(1), breakeven(0)), (Ok(()), Err(F::Trail)));
    }
}
