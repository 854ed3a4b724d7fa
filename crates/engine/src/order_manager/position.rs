//! A position of one strategy in one symbol, with its plan and its exit group.
//!
//! One stop for the whole open quantity, at most one target, at most one close (design.md 6).
//! Fills change it through [`Position::book`]; which exit orders should exist is decided in
//! [`exits`](super::exits).

use arrayvec::ArrayVec;
use model::{
    BrokerId, Cash, ExecId, ExitReason, GroupId, OrderNumber, OrderRole, Ppm, Price, Quantity,
    Side, SplitRatio, Timestamp, TradeFill, record,
};

use super::order::{Order, OrderList};
use crate::ledger::Totals;
use crate::strategy_engine::{Direction, Plan, TargetAt};

/// A target with its price and shares, known once the entry is done (TS7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PlacedTarget {
    /// Where it lies.
    pub price: Price,
    /// Shares to close there.
    pub quantity: Quantity,
}

/// A fill as booked, with the id under which it may be corrected or cancelled later (F12).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BookedFill {
    /// The broker's id of the execution.
    pub exec_id: ExecId,
    /// Why it reduced the position; `None` for an entry.
    pub exit: Option<ExitReason>,
    /// The fill; a part of the execution when the rest went beyond the position.
    pub fill: TradeFill,
    /// It is no execution but a split (F27): the shares held before it become new ones. Its fill
    /// holds the difference, at no price.
    pub split: Option<SplitRatio>,
    /// Number of splits before it: its quantity is in the shares after so many.
    pub era: u16,
}

impl BookedFill {
    /// Makes the entry of a split at a time.
    pub fn of_split(ratio: SplitRatio, time: Timestamp) -> Self {
        let fill = TradeFill { time, ..TradeFill::default() };
        Self { split: Some(ratio), fill, ..Self::default() }
    }

    /// Where the fill belongs in its position: what was entered comes before what was exited, each
    /// in order of time, in whatever order the reports arrive (F10); splits divide the eras.
    fn place(&self) -> (u16, bool, bool, Timestamp, &ExecId) {
        (self.era, self.split.is_none(), self.exit.is_some(), self.fill.time, &self.exec_id)
    }

    /// Splits the fill at `within` shares; the fee is shared by quantity, nothing is lost.
    fn split(&self, within: Quantity) -> (Self, Self) {
        let fee = self.fill.fee.share_of(within, self.fill.quantity).unwrap_or(self.fill.fee);
        let part = |quantity, fee| Self { fill: TradeFill { quantity, fee, ..self.fill }, ..*self };
        let rest = self.fill.quantity.minus(within);
        (part(within, fee), part(rest, self.fill.fee.minus(fee)))
    }

    /// Returns the fill in the shares after splits that came later; what rounding the price moves is
    /// in the fee, so that the cash stays what it was.
    pub fn after_splits<'a>(self, splits: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut after = self;
        for split in splits {
            let Some(ratio) = split.split else { continue };
            let value = after.value();
            let fill = &mut after.fill;
            fill.time = fill.time.max(split.fill.time);
            fill.quantity = ratio.quantity(fill.quantity);
            fill.price = ratio.price(fill.price);
            let moved = value.minus(fill.price.notional(fill.quantity).unwrap_or(value));
            let moved = if fill.side.is_buy() { moved } else { moved.negated() };
            fill.fee = fill.fee.plus(moved);
        }
        after
    }

    /// Adds another part of the same execution.
    fn join(&mut self, part: &Self) {
        self.fill.quantity = self.fill.quantity.plus(part.fill.quantity);
        self.fill.fee = self.fill.fee.plus(part.fill.fee);
    }

    /// Returns the value of its shares, above zero.
    pub fn value(&self) -> Cash {
        // Whoever books a fill has checked that its value is within range.
        self.fill.price.notional(self.fill.quantity).unwrap_or(Cash::ZERO)
    }
}

/// Fills, or parts of them, that go beyond a position.
pub type Excess = Vec<BookedFill>;

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
    /// Shares that may stay, while more are held they are being reduced (C41).
    pub reduce_to: Option<Quantity>,
    /// The roles of exit orders that a broker refused: none of them is sent until the retry is due.
    pub refused: ArrayVec<OrderRole, 3>,
    /// How many exit orders were refused in a row.
    pub refusals: u8,
    /// The next target was touched at a venue that holds one exit at a time: it is being sent.
    pub target_due: bool,
    /// Cash per share paid out since the entry (F27): the entry price for the stop is less by it.
    pub paid_out: Price,
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
    /// The fills: those of the entry, then those of the exits, each in order of time.
    pub fills: Vec<BookedFill>,
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
        Self {
            group,
            broker,
            plan,
            planned_qty,
            initial_stop: plan.stop,
            opened: time,
            // An entry and an exit.
            fills: Vec::with_capacity(2),
            ..Self::default()
        }
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

    /// Returns the value of the open shares at `mark`, whichever the direction.
    #[inline]
    pub fn gross_at(&self, mark: Price) -> Cash {
        mark.notional(self.quantity).unwrap_or(Cash::ZERO)
    }

    /// Returns what is lost if the position closes at `stop`; zero when that is a gain.
    pub fn risk_to(&self, stop: Price) -> Cash {
        self.cost.minus(self.value_at(stop)).max(Cash::ZERO)
    }

    /// Books a fill. What reduces beyond the open quantity is not booked but returned: no position
    /// is ever flipped (I13, F19).
    ///
    /// A fill that belongs before one that is booked is put there, so that the result does not
    /// depend on the order in which reports arrive (F10).
    pub fn book(&mut self, mut booked: BookedFill) -> Excess {
        booked.era = self.era_of(&booked);
        if self.fills.last().is_some_and(|last| booked.place() < last.place()) {
            let place = self.fills.partition_point(|other| other.place() <= booked.place());
            self.fills.insert(place, booked);
            return self.rebuild();
        }
        self.append(booked).into_iter().collect()
    }

    /// Returns how many splits come before a fill.
    fn era_of(&self, booked: &BookedFill) -> u16 {
        let before =
            |other: &&BookedFill| other.split.is_some() && other.fill.time <= booked.fill.time;
        let splits = self.fills.iter().filter(before).count();
        // A split begins its own era.
        u16::try_from(splits).unwrap_or(u16::MAX).saturating_add(u16::from(booked.split.is_some()))
    }

    /// Restates the shares in those after a split: values stay, an open fraction is left (F27).
    fn append_split(&mut self, mut booked: BookedFill, ratio: SplitRatio) {
        if self.fills.is_empty() {
            return;
        }
        let before = self.signed_qty();
        for quantity in [
            &mut self.quantity,
            &mut self.max_quantity,
            &mut self.entered_qty,
            &mut self.exited_qty,
        ] {
            *quantity = ratio.quantity(*quantity);
        }
        let change = self.signed_qty().minus(before);
        booked.fill.side = if change >= Quantity::ZERO { Side::Buy } else { Side::Sell };
        booked.fill.quantity = change.abs();
        self.fills.push(booked);
    }

    fn append(&mut self, booked: BookedFill) -> Option<BookedFill> {
        if let Some(ratio) = booked.split {
            self.append_split(booked, ratio);
            return None;
        }
        let fill = &booked.fill;
        let increases = (fill.side == Side::Buy) == (self.direction() == Direction::Long);
        if !increases && fill.quantity > self.quantity {
            let (within, beyond) = booked.split(self.quantity);
            if within.fill.quantity.is_positive() {
                self.append(within);
            }
            return Some(beyond);
        }
        let value = booked.value();
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
            self.last_exit = booked.exit.or(self.last_exit);
            part.negated()
        };
        self.cost = self.cost.plus(change);
        self.flow = self.flow.minus(signed_value);
        self.fees = self.fees.plus(fill.fee);
        self.last_fill = self.last_fill.max(fill.time);
        self.fills.push(booked);
        None
    }

    /// Computes everything that follows from the fills again; returns what goes beyond.
    fn rebuild(&mut self) -> Excess {
        let fills = std::mem::take(&mut self.fills);
        let opened = fills.first().map_or(self.opened, |first| first.fill.time);
        *self = Self {
            opened,
            quantity: Quantity::ZERO,
            max_quantity: Quantity::ZERO,
            cost: Cash::ZERO,
            entered_qty: Quantity::ZERO,
            entered_value: Cash::ZERO,
            exited_qty: Quantity::ZERO,
            exited_value: Cash::ZERO,
            last_exit: None,
            flow: Cash::ZERO,
            fees: Cash::ZERO,
            last_fill: opened,
            fills: Vec::with_capacity(fills.len()),
            ..std::mem::take(self)
        };
        let parts = fills.iter().enumerate();
        // What goes beyond leaves in the shares of today.
        let beyond = |(at, booked): (usize, &BookedFill)| {
            Some(self.append(*booked)?.after_splits(fills.iter().skip(at)))
        };
        parts.filter_map(beyond).collect()
    }

    /// Takes the execution `without` out as if it had never been, and `parts` in: fills of this
    /// position that went beyond it before, or a correction (F12). Returns what goes beyond now.
    pub fn restate(
        &mut self,
        without: Option<ExecId>,
        parts: impl IntoIterator<Item = BookedFill>,
    ) -> Excess {
        self.fills.retain(|booked| Some(booked.exec_id) != without);
        for part in parts.into_iter().filter(|part| Some(part.exec_id) != without) {
            // Parts of one execution on both sides of a split are in different shares.
            let era = self.era_of(&part);
            let same =
                |booked: &&mut BookedFill| (booked.era, booked.exec_id) == (era, part.exec_id);
            match self.fills.iter_mut().find(same) {
                Some(booked) => booked.join(&part),
                None => self.fills.push(BookedFill { era, ..part }),
            }
        }
        self.fills.sort_unstable_by(|one, other| one.place().cmp(&other.place()));
        self.rebuild()
    }

    /// Returns what the fills did to the account.
    pub fn totals(&self) -> Totals {
        Totals { flow: self.flow, cost: self.cost, fees: self.fees }
    }

    /// Sets R and the targets from the actual average entry: the entry is done (TS7). A late fill
    /// sets them again, until a target has filled.
    pub fn finish_entry(&mut self, tick: Price) {
        self.entry_done = true;
        if self.targets_done > 0 {
            return;
        }
        self.target_count = 0;
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
    #[inline]
    pub fn next_target(&self) -> Option<PlacedTarget> {
        if self.targets_done >= self.target_count {
            return None;
        }
        let target = self.targets.get(usize::from(self.targets_done))?;
        let quantity = target.quantity.min(self.quantity);
        quantity.is_positive().then_some(PlacedTarget { price: target.price, quantity })
    }

    /// Returns the shares that are to go while the rest stays (C41); zero in a full close.
    pub fn excess(&self) -> Quantity {
        match self.reduce_to {
            Some(keep) if self.close_reason.is_none() => {
                self.quantity.minus(keep).max(Quantity::ZERO)
            }
            _ => Quantity::ZERO,
        }
    }

    /// Returns the working exit orders.
    pub fn exits(&self) -> OrderList {
        [self.stop, self.target, self.close].into_iter().flatten().collect()
    }

    /// Returns the working exit of a role.
    pub fn exit(&self, role: OrderRole) -> Option<OrderNumber> {
        match role {
            OrderRole::Stop => self.stop,
            OrderRole::Target => self.target,
            OrderRole::Close => self.close,
            OrderRole::Entry => None,
        }
    }

    /// Forgets an exit order that has ended.
    pub fn unlink(&mut self, number: OrderNumber) {
        for slot in [&mut self.stop, &mut self.target, &mut self.close] {
            if *slot == Some(number) {
                *slot = None;
            }
        }
    }

    /// Returns the executions without the splits between them.
    pub fn executions(&self) -> impl Iterator<Item = &BookedFill> {
        self.fills.iter().filter(|booked| booked.split.is_none())
    }

    /// Returns true when an execution was booked here.
    pub fn knows(&self, id: ExecId) -> bool {
        self.executions().any(|booked| booked.exec_id == id)
    }

    /// Links an exit of the position's group that still lives; false when it is none.
    pub(crate) fn relink(&mut self, number: OrderNumber, order: &Order) -> bool {
        if order.state.is_terminal() || order.group() != self.group {
            return false;
        }
        let place = match order.request.role {
            OrderRole::Stop => &mut self.stop,
            OrderRole::Target => &mut self.target,
            OrderRole::Close => &mut self.close,
            OrderRole::Entry => return false,
        };
        *place = Some(number);
        true
    }

    /// Returns planned and taken risk in cash (TS5), `None` without a stop.
    pub fn risks(&self) -> Option<(Cash, Cash)> {
        let stop = self.initial_stop?;
        let planned = self.plan.stop_distance()?.notional(self.planned_qty)?;
        // A dividend lowers the stop of a long position: the distance is that of the entry.
        let paid = if self.direction() == Direction::Long { self.paid_out } else { Price::ZERO };
        let taken = self.direction().favour(stop, self.entry_price()?.minus(paid)).abs();
        Some((planned, taken.notional(self.max_quantity)?))
    }
}

record!(PlacedTarget { 1: price, 2: quantity });
record!(BookedFill { 1: exec_id, 2: exit, 3: fill, 4: split, 5: era });
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
    21: refused,
    22: opened,
    23: last_fill,
    24: last_exit,
    25: flow,
    26: fees,
    27: fills,
    28: broker,
    29: refusals,
    30: target_due,
    31: paid_out,
    32: reduce_to,
});
