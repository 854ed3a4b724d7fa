//! C16: the check at the last point before an order leaves, in code that knows no strategy: what a
//! parent's children have filled and may still fill is never more than the parent.
//!
//! The parent of an entry order is the size that was decided; the parent of exit orders is the
//! position. The members of an exit group stand for one another, so each of them counts alone.

use model::{OrderRole, Quantity};

use crate::books::Books;
use crate::fact::{Fact, Intent, Replace, SlotKey};

/// A child that would exceed its parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Breach {
    /// Whose order it is.
    pub slot: SlotKey,
    /// What the children would come to.
    pub children: Quantity,
    /// What the parent allows.
    pub parent: Quantity,
}

/// Checks a decision against the books before it is taken in; what is no order passes.
///
/// # Errors
/// The order would exceed its parent; it must not leave.
pub fn check(fact: &Fact, books: &Books) -> Result<(), Breach> {
    match fact {
        Fact::Intent(intent) => check_intent(intent, books),
        Fact::Replace(replace) => check_replace(replace, books),
        _ => Ok(()),
    }
}

fn within(slot: SlotKey, children: Quantity, parent: Quantity) -> Result<(), Breach> {
    if children <= parent { Ok(()) } else { Err(Breach { slot, children, parent }) }
}

fn check_intent(intent: &Intent, books: &Books) -> Result<(), Breach> {
    let order = &intent.order;
    let slot = SlotKey { strategy: intent.strategy, symbol: order.symbol };
    if order.role == OrderRole::Entry {
        let decided = intent.sizing.map_or(Quantity::ZERO, |sizing| sizing.quantity);
        // One parent has one child at a time: what works already is a second one.
        let working = books.working_entry(slot).filter(|o| o.request.client_id != order.client_id);
        let live = working.map_or(Quantity::ZERO, |order| order.reserved_qty());
        return within(slot, order.quantity.plus(live), decided);
    }
    let open = books.position(slot).map_or(Quantity::ZERO, |position| position.signed_qty());
    let reduces = order.side.sign() != open.raw().signum();
    let parent = if reduces { open.abs() } else { Quantity::ZERO };
    // A second order of the same role is no member of the group that stands for the first.
    let same = books.position(slot).and_then(|position| position.exit(order.role));
    let live = same.and_then(|number| books.orders().get(number));
    let live = live.map_or(Quantity::ZERO, |order| order.reserved_qty());
    within(slot, order.quantity.plus(live), parent)
}

fn check_replace(replace: &Replace, books: &Books) -> Result<(), Breach> {
    let request = &replace.request;
    let Some(order) = books.orders().get(request.client_id.number) else { return Ok(()) };
    let slot = order.slot();
    if order.request.role == OrderRole::Entry {
        let decided = replace.sizing.map_or(Quantity::ZERO, |sizing| sizing.quantity);
        return within(slot, request.quantity, decided);
    }
    let open = books.position(slot).map_or(Quantity::ZERO, |position| position.quantity);
    within(slot, request.quantity.minus(order.cum_qty), open)
}

#[cfg(test)]
mod tests {
    use super::super::controls::testing::{books, entry_intent};
    use super::*;
    use crate::risk_manager::Sizing;
    use model::{NewOrder, ReplaceRequest, Side};

    fn shares(count: i64) -> Quantity {
        Quantity::from_shares(count).unwrap()
    }

    fn entry(quantity: i64, decided: i64) -> Intent {
        let sizing = Some(Sizing { quantity: shares(decided), ..Sizing::default() });
        Intent { sizing, ..entry_intent(quantity, "10.00") }
    }

    fn passes(fact: &Fact, books: &Books) -> bool {
        check(fact, books).is_ok()
    }

    /// An entry order is at most what was decided, and the only one of its intent.
    #[test]
    fn an_entry_has_one_child() {
        let mut books = books();
        let intent = |intent: Intent| Fact::Intent(Box::new(intent));
        assert!(passes(&intent(entry(100, 100)), &books));
        assert!(!passes(&intent(entry(101, 100)), &books), "a child generator that adds a share");
        books.fold(&intent(entry(100, 100)));
        let mut second = entry(1, 100);
        second.order.client_id.number = books.orders().next_number();
        let breach = check(&intent(second), &books).unwrap_err();
        assert_eq!((breach.children, breach.parent), (shares(101), shares(100)));
    }

    /// A replacement's total is at most what was decided for it.
    #[test]
    fn a_replacement_stays_within_its_decision() {
        let mut books = books();
        books.fold(&Fact::Intent(Box::new(entry(100, 100))));
        let replace = |quantity| {
            let order = books.orders().iter().next().unwrap().request;
            let request = ReplaceRequest {
                client_id: order.client_id,
                new_client_id: order.client_id,
                broker: order.broker,
                symbol: order.symbol,
                kind: order.kind,
                quantity: shares(quantity),
            };
            let sizing = Some(Sizing { quantity: shares(120), ..Sizing::default() });
            Fact::Replace(Box::new(Replace { request, sizing, ..Replace::default() }))
        };
        assert!(passes(&replace(120), &books) && !passes(&replace(121), &books));
    }

    /// Without a position there is nothing that an exit order could be the child of.
    #[test]
    fn an_exit_needs_its_position() {
        let order = NewOrder {
            side: Side::Sell,
            role: OrderRole::Close,
            quantity: shares(1),
            ..NewOrder::default()
        };
        let exit = Fact::Intent(Box::new(Intent { order, ..Intent::default() }));
        assert!(!passes(&exit, &books()));
    }
}
