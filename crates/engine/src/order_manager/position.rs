//! A position of one strategy in one symbol, with its plan and its exit group.
//!
//! One stop for the whole open quantity, at most one target, at most one close (design.md 6).
//! Fills change it through [`Position::book`]; which exit orders should exist is decided in
//! [`exits`](super::exits).

use model::{
    BrokerId, Cash, ExitReason, GroupId, OrderNumber, Ppm, Price, Quantity, Side, Timestamp,
    TradeFill, record,
};

use super::order::OrderList;
use crate::strategy_engine::{Direction, Plan, TargetAt};

/// A target with its price and shares, known once the entry is done (TS7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlacedTarget {
    /// Where it lies.
    pub price: Price,
    /// Shares to close there.
    pub quantity: Quantity,
}

/// An open position.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Position {
    /// Its exit group: the number of the entry order.
    pub group: GroupId,
    /// Where it is held: its exits go there (R4).
    pub broker: BrokerId,
    /// The plan in force when the entry filled.
    pub plan: Plan,
    /// Shares that the entry was sent for.
    pub planned_qty: Quantity,
    /// Open shares, above zero while the position is open.
    pub quantity: Quantity,
    /// Largest open quantity so far.
    pub max_quantity: Quantity,
    /// Cost of the open shares: positive for long, negative for short.
    pub cost: Cash,
    /// Shares entered.
    pub entered_qty: Quantity,
    /// Value of the shares entered.
    pub entered_value: Cash,
    /// Shares exited.
    pub exited_qty: Quantity,
    /// Value of the shares exited.
    pub exited_value: Cash,
    /// The entry order has ended: R and targets are set.
    pub entry_done: bool,
    /// Distance from the average entry to the initial stop (TS7).
    pub r: Option<Price>,
    /// The protective stop at the first fill, never the moved one (TP16).
    pub initial_stop: Option<Price>,
    /// Targets in the order in which they are reached.
    pub targets: [PlacedTarget; 3],
    /// How many targets there are.
    pub target_count: u8,
    /// How many targets have filled.
    pub targets_done: u8,
    /// The working protective stop.
    pub stop: Option<OrderNumber>,
    /// The working target.
    pub target: Option<OrderNumber>,
    /// The working close.
    pub close: Option<OrderNumber>,
    /// Why the position is being closed: set once, a close stays wanted until flat.
    pub close_reason: Option<ExitReason>,
    /// A broker refused an exit order: it is not sent again by itself, an alarm was raised.
    pub exit_refused: bool,
    /// Time of the first fill.
    pub opened: Timestamp,
    /// Time of the last fill.
    pub last_fill: Timestamp,
    /// Why shares were last closed.
    pub last_exit: Option<ExitReason>,
    /// Signed cash flow of the fills, before fees.
    pub flow: Cash,
    /// Fees of the fills.
    pub fees: Cash,
    /// The fills.
    pub fills: Vec<TradeFill>,
}

impl Position {
    /// Opens a position with its first fill still to be booked.
    pub fn open(
        group: GroupId,
        broker: BrokerId,
        plan: Plan,
        planned_qty: Quantity,
        time: Timestamp,
    ) -> Self {
        let initial_stop = plan.stop;
        Self { group, broker, plan, planned_qty, initial_stop, opened: time, ..Self::default() }
    }

    /// Returns the direction.
    #[inline]
    pub fn direction(&self) -> Direction {
        self.plan.direction
    }

    /// Returns the signed quantity: negative for a short position.
    #[inline]
    pub fn signed_qty(&self) -> Quantity {
        match self.direction() {
            Direction::Long => self.quantity,
            Direction::Short => self.quantity.negated(),
        }
    }

    /// Returns the average entry price, half-even to 1e-9.
    #[inline]
    pub fn entry_price(&self) -> Option<Price> {
        self.entered_value.per_share(self.entered_qty)
    }

    /// Returns the value of the open shares at `mark`, signed like the quantity.
    #[inline]
    pub fn value_at(&self, mark: Price) -> Cash {
        mark.notional(self.signed_qty()).unwrap_or(Cash::ZERO)
    }

    /// Returns what is lost if the position closes at `stop`; zero when that is a gain.
    pub fn risk_to(&self, stop: Price) -> Cash {
        self.cost.minus(self.value_at(stop)).max(Cash::ZERO)
    }

    /// Books a fill of `quantity` shares, at most the open quantity when it reduces; returns the
    /// change of cost for the ledger.
    pub fn book(&mut self, fill: TradeFill, value: Cash, exit: Option<ExitReason>) -> Cash {
        let increases = (fill.side == Side::Buy) == (self.direction() == Direction::Long);
        let signed_value = if fill.side.is_buy() { value } else { value.negated() };
        let change = if increases {
            self.quantity = self.quantity.plus(fill.quantity);
            self.max_quantity = self.max_quantity.max(self.quantity);
            self.entered_qty = self.entered_qty.plus(fill.quantity);
            self.entered_value = self.entered_value.plus(value);
            signed_value
        } else {
            // Named rounding: the removed part of the cost is half-even to 1e-9; the last part
            // takes what is left, so nothing is ever lost.
            let part = self.cost.share_of(fill.quantity, self.quantity).unwrap_or(self.cost);
            self.quantity = self.quantity.minus(fill.quantity);
            self.exited_qty = self.exited_qty.plus(fill.quantity);
            self.exited_value = self.exited_value.plus(value);
            self.last_exit = exit.or(self.last_exit);
            part.negated()
        };
        self.cost = self.cost.plus(change);
        self.flow = self.flow.minus(signed_value);
        self.fees = self.fees.plus(fill.fee);
        self.last_fill = fill.time;
        self.fills.push(fill);
        change
    }

    /// Sets R and the targets from the actual average entry: the entry is done (TS7).
    pub fn finish_entry(&mut self, tick: Price) {
        self.entry_done = true;
        let (Some(entry), direction) = (self.entry_price(), self.direction()) else { return };
        self.r =
            self.initial_stop.map(|stop| direction.favour(stop, entry)).filter(|r| r.raw() > 0);
        let wanted = self.plan.targets;
        for target in wanted.into_iter().flatten() {
            let at = match target.at {
                TargetAt::R(multiple) => self.at_r(entry, multiple),
                TargetAt::DayExtreme { extreme, min_r, or_r } => {
                    let away = direction.favour(entry, extreme);
                    let far_enough = self.r.is_some_and(|r| away >= r.times_ppm(min_r.0));
                    if far_enough { Some(extreme) } else { self.at_r(entry, or_r) }
                }
            };
            let (Some(price), Some(slot)) =
                (at, self.targets.get_mut(usize::from(self.target_count)))
            else {
                continue;
            };
            // TB11: a target never becomes more aggressive by rounding.
            let rounding = match direction {
                Direction::Long => model::Rounding::Up,
                Direction::Short => model::Rounding::Down,
            };
            let shares = (self.entered_qty.shares() as i128 * i128::from(target.fraction.0)
                / 1_000_000) as i64;
            let quantity = Quantity::from_shares(shares.max(1)).unwrap_or(self.entered_qty);
            *slot = PlacedTarget { price: price.round_to(tick, rounding), quantity };
            self.target_count += 1;
        }
    }

    /// Returns the price `multiple` R away from the entry in the position's favour.
    fn at_r(&self, entry: Price, multiple: Ppm) -> Option<Price> {
        let distance = self.r?.times_ppm(multiple.0);
        Some(match self.direction() {
            Direction::Long => entry.plus(distance),
            Direction::Short => entry.minus(distance),
        })
    }

    /// Returns the next target that is not filled yet, never for more than is open.
    pub fn next_target(&self) -> Option<PlacedTarget> {
        if self.targets_done >= self.target_count {
            return None;
        }
        let target = self.targets.get(usize::from(self.targets_done))?;
        let quantity = target.quantity.min(self.quantity);
        quantity.is_positive().then_some(PlacedTarget { price: target.price, quantity })
    }

    /// Returns the working exit orders.
    pub fn exits(&self) -> OrderList {
        [self.stop, self.target, self.close].into_iter().flatten().collect()
    }

    /// Forgets an exit order that has ended.
    pub fn unlink(&mut self, number: OrderNumber) {
        for slot in [&mut self.stop, &mut self.target, &mut self.close] {
            if *slot == Some(number) {
                *slot = None;
            }
        }
    }

    /// Returns planned and taken risk in cash (TS5), `None` without a stop.
    pub fn risks(&self) -> Option<(Cash, Cash)> {
        let stop = self.initial_stop?;
        let planned = self.plan.stop_distance()?.notional(self.planned_qty)?;
        let taken = self.direction().favour(stop, self.entry_price()?).abs();
        Some((planned, taken.notional(self.max_quantity)?))
    }
}

record!(PlacedTarget { 1: price, 2: quantity });
record!(Position {
    1: group,
    2: plan,
    3: planned_qty,
    4: quantity,
    5: max_quantity,
    6: cost,
    7: entered_qty,
    8: entered_value,
    9: exited_qty,
    10: exited_value,
    11: entry_done,
    12: r,
    13: initial_stop,
    14: targets,
    15: target_count,
    16: targets_done,
    17: stop,
    18: target,
    19: close,
    20: close_reason,
    21: exit_refused,
    22: opened,
    23: last_fill,
    24: last_exit,
    25: flow,
    26: fees,
    27: fills,
    28: broker,
});
