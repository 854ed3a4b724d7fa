//! The one gate: the list of controls in order, and the permission it gives.
//!
//! Only this module builds [`Approved`]; an order without it cannot become an intent.

use model::record::{DecodeError, Reader, Writer};
use model::{
    BrokerId, ExecutionReport, NewOrder, OrderKind, Price, Quantity, Side, StrategyId, SymbolId,
    Timestamp,
};

use super::block::Block;
use super::control_id::ControlId;
use super::controls::{self, Control, Interest};
use super::limit_change::PendingRaise;
use super::limits::Limits;
use super::market_view::MarketView;
use super::promotion::Stage;
use super::rejection::Rejection;
use super::trigger::{Trigger, Triggers};
use super::worst_case::WorstCase;
use crate::books::Books;
use crate::fact::{Cancel, DayRoll, Intent, Replace, SlotKey};

/// An entry as the gate sees it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Proposal {
    /// Whose entry it is.
    pub strategy: StrategyId,
    /// What is to be traded.
    pub symbol: SymbolId,
    /// Where the order would go.
    pub broker: BrokerId,
    /// Buy or sell short.
    pub side: Side,
    /// Kind and prices.
    pub kind: OrderKind,
    /// Worst price at which it may trade.
    pub worst_price: Price,
    /// Shares; zero while no size was found.
    pub quantity: Quantity,
    /// Minimum price increment.
    pub tick: Price,
    /// When it is proposed.
    pub now: Timestamp,
    /// From when on and until when positions may be opened; `None` outside a session.
    pub opening: Option<(Timestamp, Timestamp)>,
    /// It takes the place of a working entry of the same slot, or of an attempt that ended at
    /// another broker.
    pub replaces: bool,
    /// The market in the symbol.
    pub market: MarketView,
}

impl Proposal {
    /// Names the slot of the proposal.
    pub fn slot(&self) -> SlotKey {
        SlotKey { strategy: self.strategy, symbol: self.symbol }
    }
}

/// What controls are told, once each.
#[derive(Clone, Copy, Debug)]
pub enum GateEvent<'a> {
    /// An order was approved and is an intent now.
    Approved(&'a Intent),
    /// An approved change of an order is under way.
    Replaced(&'a Replace),
    /// A cancel is under way.
    Cancelled(&'a Cancel),
    /// A broker reported.
    Report(&'a ExecutionReport),
    /// A session begins.
    DayRoll(&'a DayRoll),
    /// A block was lifted.
    Lifted(Block),
}

/// An order that may leave the engine. Only the risk manager makes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Approved(NewOrder);

impl Approved {
    /// Returns the order.
    pub fn order(&self) -> &NewOrder {
        &self.0
    }
}

/// The list of controls with the limits in force and what each of them last did.
#[derive(Debug)]
pub struct Gate {
    limits: Limits,
    /// They follow from the limits (C38).
    small: Limits,
    raise: Option<PendingRaise>,
    controls: Vec<Box<dyn Control>>,
    /// The places of those that want to know what happens.
    observers: Vec<usize>,
    /// The places of those among them that want to know of reports, too.
    report_observers: Vec<usize>,
    triggers: Triggers,
}

impl Gate {
    /// Makes the gate with all controls.
    pub fn new(limits: Limits) -> Self {
        let (controls, triggers) = (controls::all(), Triggers::default());
        let (small, observers) = (limits.small(), observers(&controls));
        let report_observers = report_observers(&controls);
        Self { limits, small, raise: None, controls, observers, report_observers, triggers }
    }

    /// Takes a control out of the list; the mutation test shows that its absence is noticed.
    #[doc(hidden)]
    pub fn without(mut self, control: ControlId) -> Self {
        self.controls.retain(|other| other.id() != control);
        self.observers = observers(&self.controls);
        self.report_observers = report_observers(&self.controls);
        self
    }

    /// Returns the limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns the limits on entries of a strategy in a stage (C38).
    pub fn limits_in(&self, stage: Stage) -> &Limits {
        match stage {
            Stage::LiveSmall => &self.small,
            Stage::Backtest | Stage::Paper | Stage::Live => &self.limits,
        }
    }

    /// Returns the raise of limits that waits for its time (C42).
    pub fn pending_raise(&self) -> Option<&PendingRaise> {
        self.raise.as_ref()
    }

    /// Puts limits in force, and the raise that waits (C42).
    pub(crate) fn set_limits(&mut self, limits: Limits, raise: Option<PendingRaise>) {
        self.small = limits.small();
        self.limits = limits;
        self.raise = raise;
    }

    /// Runs every control on a proposal; the first refusal counts.
    pub fn check(
        &self,
        proposal: &Proposal,
        worst: &WorstCase,
        books: &Books,
    ) -> Result<(), Rejection> {
        self.controls.iter().try_for_each(|control| control.check(proposal, worst, books))
    }

    /// Runs every control on a sized order and gives the permission.
    pub fn approve(
        &self,
        proposal: &Proposal,
        worst: &WorstCase,
        books: &Books,
        order: NewOrder,
    ) -> Result<Approved, Rejection> {
        self.check(proposal, worst, books).map(|()| Approved(order))
    }

    /// Tells the controls that want to know what happened.
    pub(crate) fn observe(&mut self, event: &GateEvent<'_>) {
        let observers = match event {
            GateEvent::Report(_) => &self.report_observers,
            _ => &self.observers,
        };
        for &place in observers {
            if let Some(control) = self.controls.get_mut(place) {
                control.observe(event, &self.limits);
            }
        }
    }

    /// Notes that a control acted.
    pub(crate) fn note(&mut self, trigger: Trigger) {
        self.triggers.note(trigger);
    }

    /// Returns when a control last acted and how often it did.
    pub fn last_trigger(&self, control: ControlId) -> Option<(Trigger, u64)> {
        self.triggers.of(control)
    }

    /// Returns the controls in the order in which they are asked.
    pub fn controls(&self) -> impl Iterator<Item = &dyn Control> {
        self.controls.iter().map(|control| &**control)
    }

    /// Returns the ids of the controls in order.
    pub fn control_ids(&self) -> impl Iterator<Item = ControlId> {
        self.controls.iter().map(|control| control.id())
    }
}

fn observers(controls: &[Box<dyn Control>]) -> Vec<usize> {
    places(controls, |interest| interest != Interest::Nothing)
}

fn report_observers(controls: &[Box<dyn Control>]) -> Vec<usize> {
    places(controls, |interest| interest == Interest::Everything)
}

fn places(controls: &[Box<dyn Control>], which: impl Fn(Interest) -> bool) -> Vec<usize> {
    let places = controls.iter().enumerate();
    places.filter(|(_, control)| which(control.observes())).map(|(place, _)| place).collect()
}

impl model::record::Record for Gate {
    fn save(&self, writer: &mut Writer) {
        writer.field(1, &self.limits);
        writer.field(2, &self.raise);
        writer.field(3, &self.triggers);
        for control in &self.controls {
            writer.nested(100 + u32::from(control.id().0), |w| control.save(w));
        }
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        use model::record::read;
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => {
                    self.limits = Limits::absent();
                    read(&mut self.limits, &field, "Gate")?;
                    self.small = self.limits.small();
                }
                2 => read(&mut self.raise, &field, "Gate")?,
                3 => read(&mut self.triggers, &field, "Gate")?,
                tag => {
                    let body = field.blob().unwrap_or_default();
                    let of = |c: &&mut Box<dyn Control>| 100 + u32::from(c.id().0) == tag;
                    // Two controls of one id share its number: at most one of them has a state.
                    if !body.is_empty()
                        && let Some(control) = self.controls.iter_mut().find(of)
                    {
                        control.load(&mut Reader::new(body))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Gives the permission to an order that only reduces a position, in every state (I13, I14); for
/// at most the open quantity, `None` when there is nothing to reduce.
pub fn reducing(order: NewOrder, open: Quantity) -> Option<Approved> {
    let reduces = order.side.sign() != open.raw().signum();
    let quantity = order.quantity.min(open.abs());
    (reduces && quantity.is_positive()).then_some(Approved(NewOrder { quantity, ..order }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I13: a reducing order never increases or flips a position.
    #[test]
    fn reducing_orders_cannot_open() {
        let shares = |n| Quantity::from_shares(n).unwrap();
        let order = |side, quantity| NewOrder { side, quantity, ..NewOrder::default() };
        let sell = reducing(order(Side::Sell, shares(150)), shares(100)).unwrap();
        assert_eq!(sell.order().quantity, shares(100));
        assert!(reducing(order(Side::Buy, shares(1)), shares(100)).is_none());
        assert!(reducing(order(Side::Sell, shares(1)), shares(0)).is_none());
        assert!(reducing(order(Side::Sell, shares(1)), shares(-100)).is_none());
        assert!(reducing(order(Side::Buy, shares(1)), shares(-100)).is_some());
    }
}
