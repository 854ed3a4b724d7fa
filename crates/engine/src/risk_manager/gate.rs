//! The one gate: the list of controls in order, and the permission it gives.
//!
//! Only this module builds [`Approved`]; an order without it cannot become an intent.

use model::record::{DecodeError, Reader, Writer};
use model::{
    BrokerId, ExecutionReport, NewOrder, OrderKind, Price, Quantity, Side, StrategyId, SymbolId,
    Timestamp,
};

use super::controls::{self, Control};
use super::limits::Limits;
use super::rejection::Rejection;
use super::worst_case::WorstCase;
use crate::books::Books;
use crate::fact::{DayRoll, Intent, SlotKey};

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
    /// Trading is halted, or started again less than 60 s ago.
    pub halted: bool,
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
    /// A broker reported.
    Report(&'a ExecutionReport),
    /// A session begins.
    DayRoll(&'a DayRoll),
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

/// The list of controls in force.
#[derive(Debug)]
pub struct Gate {
    limits: Limits,
    controls: Vec<Box<dyn Control>>,
}

impl Gate {
    /// Makes the gate with all controls.
    pub fn new(limits: Limits) -> Self {
        let controls = controls::all(&limits);
        Self { limits, controls }
    }

    /// Returns the limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
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

    /// Tells every control what happened.
    pub fn observe(&mut self, event: &GateEvent<'_>) {
        for control in &mut self.controls {
            control.observe(event);
        }
    }

    /// Returns the ids of the controls in order.
    pub fn control_ids(&self) -> impl Iterator<Item = &'static str> {
        self.controls.iter().map(|control| control.id())
    }

    /// Writes the state of every control.
    pub fn save(&self, writer: &mut Writer) {
        for (index, control) in self.controls.iter().enumerate() {
            writer.nested(index as u32 + 1, |w| control.save(w));
        }
    }

    /// Reads the state of every control.
    pub fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        while let Some(field) = reader.next_field()? {
            let index = field.tag.saturating_sub(1) as usize;
            if let (Some(control), Some(body)) = (self.controls.get_mut(index), field.blob()) {
                control.load(&mut Reader::new(body))?;
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
