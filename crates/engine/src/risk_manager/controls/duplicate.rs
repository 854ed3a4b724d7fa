//! C15: the same order again within two seconds is a mistake.

use model::record::{DecodeError, Reader, Writer, read};
use model::{OrderKind, OrderRole, Quantity, Side, Timestamp, record};

use super::{Control, Interest};
use crate::books::Books;
use crate::fact::SlotKey;
use crate::risk_manager::{
    ControlId, GateEvent, Limits, Proposal, RejectCode, Rejection, WorstCase,
};

/// Remembers what was sent of late.
#[derive(Debug, Default)]
pub(super) struct Duplicate {
    sent: Vec<Sent>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Sent {
    slot: SlotKey,
    side: Side,
    kind: OrderKind,
    quantity: Quantity,
    time: Timestamp,
}

impl Default for Sent {
    /// The ground on which an encoding is read.
    fn default() -> Self {
        Self {
            slot: SlotKey::default(),
            side: Side::Buy,
            kind: OrderKind::Market,
            quantity: Quantity::ZERO,
            time: Timestamp::MIN,
        }
    }
}

impl Control for Duplicate {
    fn id(&self) -> ControlId {
        ControlId(15)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        let Some(window) = limits.duplicate_window_ns.filter(|_| !limits.test_ceilings) else {
            return Ok(());
        };
        let same = |sent: &&Sent| {
            sent.slot == proposal.slot()
                && sent.side == proposal.side
                && sent.kind == proposal.kind
                && sent.quantity == proposal.quantity
                && proposal.now.since(sent.time) < window
        };
        match self.sent.iter().find(same).filter(|_| !proposal.replaces) {
            Some(sent) => {
                let age = proposal.now.since(sent.time) as f64 / 1e9;
                Err(Rejection::new(RejectCode::Duplicate, window as f64 / 1e9, age))
            }
            None => Ok(()),
        }
    }

    fn observes(&self) -> Interest {
        Interest::Decisions
    }

    fn observe(&mut self, event: &GateEvent<'_>, limits: &Limits) {
        let GateEvent::Approved(intent) = event else { return };
        let Some(window) = limits.duplicate_window_ns else { return };
        if intent.order.role != OrderRole::Entry {
            return;
        }
        self.sent.retain(|sent| intent.time.since(sent.time) < window);
        self.sent.push(Sent {
            slot: SlotKey { strategy: intent.strategy, symbol: intent.order.symbol },
            side: intent.order.side,
            kind: intent.order.kind,
            quantity: intent.order.quantity,
            time: intent.time,
        });
    }

    fn save(&self, writer: &mut Writer) {
        writer.field(1, &self.sent);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        while let Some(field) = reader.next_field()? {
            if field.tag == 1 {
                read(&mut self.sent, &field, "Duplicate")?;
            }
        }
        Ok(())
    }
}

record!(Sent { 1: slot, 2: side, 3: kind, 4: quantity, 5: time });

#[cfg(test)]
mod tests {
    use super::super::testing::{books, entry_intent, proposal, refusal};
    use super::*;
    use crate::fact::Fact;
    use model::SECOND_NS;

    /// Anything that differs is no duplicate, and after exactly 2 s the same order is none.
    #[test]
    fn two_seconds() {
        let mut books = books();
        books.fold(&Fact::Intent(Box::new(entry_intent(100, "10.00"))));
        let check =
            |proposal: &Proposal| refusal("C15", proposal, &WorstCase::default(), &books).is_none();
        let at = |nanos| {
            let now = Timestamp::from_nanos(1_000 + nanos);
            Proposal { now, ..proposal(100, "10.00") }
        };
        assert!(!check(&at(0)) && !check(&at(2 * SECOND_NS - 1)) && check(&at(2 * SECOND_NS)));
        assert!(check(&proposal(101, "10.00")) && check(&proposal(100, "10.01")));
        assert!(check(&Proposal { side: Side::SellShort, ..at(0) }));
        assert!(check(&Proposal { strategy: model::StrategyId(1), ..at(0) }));
        assert!(check(&Proposal { replaces: true, ..at(0) }), "a replacement is no second order");
    }
}
