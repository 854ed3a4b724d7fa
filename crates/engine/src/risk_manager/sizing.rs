//! Position size (TS1-TS8): the smallest of several terms, each rounded down to a share.
//!
//! Invariant: what sizing gives, the gate does not refuse for its size (TS3).

use model::{Cash, Price, Quantity, Rounding, record, record_enum};

use super::limits::{Limits, part_of_adv};
use super::rejection::{RejectCode, Rejection};
use crate::strategy_engine::{Plan, Size};

/// The term that bound the size (TS4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum SizingTerm {
    /// A fixed size.
    #[default]
    Fixed,
    /// Risk per trade over the stop distance.
    Risk,
    /// Largest position.
    Position,
    /// Largest order value.
    OrderValue,
    /// Buying power left.
    BuyingPower,
    /// Volume of the last five bars.
    RecentVolume,
    /// Average daily volume.
    Adv,
    /// What is left of the day's risk budget.
    DailyBudget,
    /// Settled cash of a cash account (C25).
    SettledCash,
    /// Largest number of shares of an order.
    Quantity,
    /// What is left of the limits on exposure.
    Exposure,
}

impl SizingTerm {
    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Risk => "risk",
            Self::Position => "position",
            Self::OrderValue => "order_value",
            Self::BuyingPower => "buying_power",
            Self::RecentVolume => "recent_volume",
            Self::Adv => "adv",
            Self::DailyBudget => "daily_budget",
            Self::SettledCash => "settled_cash",
            Self::Quantity => "quantity",
            Self::Exposure => "exposure",
        }
    }
}

/// A size and how it was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sizing {
    /// Shares.
    pub quantity: Quantity,
    /// Distance from the entry reference to the stop.
    pub distance: Option<Price>,
    /// The term that bound it.
    pub binding: SizingTerm,
}

/// What sizing looks at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SizingFacts {
    /// Equity frozen for the day (TS1).
    pub equity: Cash,
    /// Minimum price increment.
    pub tick: Price,
    /// Price at which the entry is worth most (TS1).
    pub worst_price: Price,
    /// Buying power that is free (C09).
    pub buying_power: Cash,
    /// What is left of the limits on gross and net exposure (C08); `None` without any.
    pub exposure_left: Option<Cash>,
    /// Value already held or ordered in this symbol.
    pub in_symbol: Cash,
    /// Shares traded in the last five closed minutes.
    pub recent_volume: u64,
    /// Average daily volume, if known.
    pub adv20: Option<f64>,
    /// Loss of the day so far, realised and after fees; a gain is negative.
    pub realised_loss: Cash,
    /// Settled cash less what is ordered, when only that may be spent (C25).
    pub settled_cash: Option<Cash>,
    /// What is lost if every position closes at its stop.
    pub open_risk: Cash,
    /// What is lost if every working entry fills and closes at its stop.
    pub entry_risk: Cash,
}

/// Returns the size of an entry, or why there is none.
pub fn size(plan: &Plan, limits: &Limits, facts: &SizingFacts) -> Result<Sizing, Rejection> {
    let distance = stop_distance(plan, limits, facts)?;
    let mut best = match plan.size {
        Size::Fixed(quantity) => (quantity.shares(), SizingTerm::Fixed),
        Size::ByRisk { .. } => {
            let risk = facts.equity.times_ppm(limits.risk_per_trade.0);
            let distance = distance.ok_or(Rejection::new(RejectCode::Unprotected, 0.0, 0.0))?;
            (risk.shares_at(distance).unwrap_or(0), SizingTerm::Risk)
        }
    };
    for (shares, term) in caps(limits, facts, distance).into_iter().flatten() {
        if shares < best.0 {
            best = (shares, term);
        }
    }
    let (shares, binding) = best;
    let term = f64::from(binding as u8);
    if shares < limits.min_quantity.max(1) {
        return Err(Rejection::new(RejectCode::SizeTooSmall, limits.min_quantity as f64, term));
    }
    let quantity = Quantity::from_shares(shares).ok_or(Rejection::new(
        RejectCode::OrderInvalid,
        0.0,
        shares as f64,
    ))?;
    if let (Size::ByRisk { .. }, Some(distance), Some(least)) =
        (plan.size, distance, limits.min_risk)
    {
        let risk = distance.notional(quantity).unwrap_or(Cash::ZERO);
        if risk < least {
            return Err(Rejection::new(RejectCode::RiskTooSmall, least.to_f64(), risk.to_f64()));
        }
    }
    Ok(Sizing { quantity, distance, binding })
}

/// Returns the distance to the stop after the checks of TS2; `None` for a plan without a stop.
fn stop_distance(
    plan: &Plan,
    limits: &Limits,
    facts: &SizingFacts,
) -> Result<Option<Price>, Rejection> {
    let Some(distance) = plan.stop_distance() else {
        let refused = Rejection::new(RejectCode::Unprotected, 0.0, 0.0);
        return if limits.allow_unprotected { Ok(None) } else { Err(refused) };
    };
    // TS2: rounded outward to the tick.
    let distance = distance.round_to(facts.tick, Rounding::Up);
    let (least, most) = match plan.size {
        Size::ByRisk { min_stop, max_stop } => {
            (plan.reference.times_ppm(min_stop.0), Some(plan.reference.times_ppm(max_stop.0)))
        }
        Size::Fixed(_) => (Price::ZERO, None),
    };
    let least = least.max(Price::ZERO.offset(facts.tick, limits.min_stop_ticks));
    if distance < least {
        let (limit, value) = (least.to_f64(), distance.to_f64());
        return Err(Rejection::new(RejectCode::StopTooNear, limit, value));
    }
    if let Some(most) = most.filter(|&most| distance > most) {
        let (limit, value) = (most.to_f64(), distance.to_f64());
        return Err(Rejection::new(RejectCode::StopTooFar, limit, value));
    }
    Ok(Some(distance))
}

/// Returns the caps of TS3 in whole shares; a cap whose input is missing is `None`.
fn caps(
    limits: &Limits,
    facts: &SizingFacts,
    distance: Option<Price>,
) -> [Option<(i64, SizingTerm)>; 9] {
    let worst = facts.worst_price;
    let by_value = |value: Option<Cash>, term| Some((value?.shares_at(worst).unwrap_or(0), term));
    let position = limits.position_value(facts.equity).map(|v| v.minus(facts.in_symbol));
    let power = limits.buying_power_pct.map(|pct| facts.buying_power.times_ppm(pct.0));
    let recent = limits.max_recent_volume_pct.map(|pct| {
        let shares = model::Volume(facts.recent_volume).part_ppm(pct.0);
        (shares, SizingTerm::RecentVolume)
    });
    let adv = limits
        .max_adv_pct
        .zip(facts.adv20)
        .map(|(pct, adv)| (part_of_adv(adv, pct), SizingTerm::Adv));
    let budget = limits.loss_lines(facts.equity).zip(distance).map(|(lines, distance)| {
        let used = facts.realised_loss.plus(facts.open_risk).plus(facts.entry_risk);
        let left = lines.reduce_only.minus(used);
        (left.shares_at(distance).unwrap_or(0), SizingTerm::DailyBudget)
    });
    [
        by_value(position, SizingTerm::Position),
        by_value(limits.order_value(facts.equity), SizingTerm::OrderValue),
        by_value(power, SizingTerm::BuyingPower),
        by_value(facts.settled_cash, SizingTerm::SettledCash),
        recent,
        adv,
        budget,
        limits.max_order_quantity.map(|shares| (shares, SizingTerm::Quantity)),
        by_value(facts.exposure_left, SizingTerm::Exposure),
    ]
}

record_enum!(SizingTerm {
    0: Fixed,
    1: Risk,
    2: Position,
    3: OrderValue,
    4: BuyingPower,
    5: RecentVolume,
    6: Adv,
    7: DailyBudget,
    8: SettledCash,
    9: Quantity,
    10: Exposure,
});
record!(Sizing { 1: quantity, 2: distance, 3: binding });

#[cfg(test)]
mod tests {
    use super::*;
    use model::{OrderKind, Ppm};

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    fn facts() -> SizingFacts {
        SizingFacts {
            equity: Cash::from_dollars(100_000).unwrap(),
            tick: price("0.01"),
            worst_price: Price::ZERO,
            buying_power: Cash::from_dollars(100_000).unwrap(),
            exposure_left: None,
            in_symbol: Cash::ZERO,
            recent_volume: 150_000,
            adv20: Some(900_000.0),
            realised_loss: Cash::ZERO,
            settled_cash: None,
            open_risk: Cash::ZERO,
            entry_risk: Cash::ZERO,
        }
    }

    fn plan(stop: &str, limit: &str, protective: &str) -> Plan {
        Plan {
            entry: OrderKind::StopLimit { stop: price(stop), limit: price(limit) },
            reference: price(stop),
            stop: Some(price(protective)),
            size: Size::ByRisk { min_stop: Ppm(3_000), max_stop: Ppm(50_000) },
            ..Plan::default()
        }
    }

    fn sized(plan: &Plan, facts: &SizingFacts) -> Result<(i64, SizingTerm), RejectCode> {
        let facts = SizingFacts { worst_price: plan.worst_price(), ..*facts };
        size(plan, &Limits::default(), &facts)
            .map(|s| (s.quantity.shares(), s.binding))
            .map_err(|r| r.code)
    }

    /// TG40: risk 1351 binds; TV26: the position cap 393 binds (TS5).
    #[test]
    fn worked_examples() {
        let gap = plan("11.51", "11.56", "11.14");
        assert_eq!(sized(&gap, &facts()), Ok((1351, SizingTerm::Risk)));
        let reclaim = plan("50.79", "50.89", "50.46");
        assert_eq!(sized(&reclaim, &facts()), Ok((393, SizingTerm::Position)));
    }

    /// TS3, TS4: each term can bind, and the smallest sizes are refused.
    #[test]
    fn each_term_binds() {
        let gap = plan("11.51", "11.56", "11.14");
        let with = |change: fn(&mut SizingFacts)| {
            let mut facts = facts();
            change(&mut facts);
            sized(&gap, &facts)
        };
        use SizingTerm as T;
        assert_eq!(with(|f| f.recent_volume = 5_000), Ok((500, T::RecentVolume)));
        assert_eq!(with(|f| f.adv20 = Some(70_000.0)), Ok((700, T::Adv)));
        assert_eq!(with(|f| f.adv20 = None), Ok((1351, T::Risk)));
        let power = |f: &mut SizingFacts| f.buying_power = Cash::from_dollars(1_000).unwrap();
        assert_eq!(with(power), Ok((82, T::BuyingPower)));
        let exposed = |f: &mut SizingFacts| f.exposure_left = Cash::from_dollars(1_000);
        assert_eq!(with(exposed), Ok((86, T::Exposure)));
        let held = |f: &mut SizingFacts| f.in_symbol = Cash::from_dollars(19_000).unwrap();
        assert_eq!(with(held), Ok((86, T::Position)));
        let lost = |f: &mut SizingFacts| f.realised_loss = Cash::from_dollars(3_900).unwrap();
        assert_eq!(with(lost), Ok((270, T::DailyBudget)));
        let settled = |f: &mut SizingFacts| f.settled_cash = Cash::from_dollars(5_000);
        assert_eq!(with(settled), Ok((432, T::SettledCash)));
        let spent = |f: &mut SizingFacts| f.open_risk = Cash::from_dollars(4_000).unwrap();
        assert_eq!(with(spent), Err(RejectCode::SizeTooSmall));
        assert_eq!(with(|f| f.recent_volume = 200), Err(RejectCode::RiskTooSmall));
    }

    /// TS2: distance bounds, and a stop on the wrong side.
    #[test]
    fn stop_distance_is_bounded() {
        use RejectCode as R;
        let at = |protective| sized(&plan("11.51", "11.56", protective), &facts());
        assert_eq!(at("11.48"), Err(R::StopTooNear));
        assert_eq!(at("11.60"), Err(R::StopTooNear));
        assert_eq!(at("10.90"), Err(R::StopTooFar));
        assert!(at("11.47").is_ok());
    }
}
