//! C14: a strategy that enters the same symbol and side again and again is stopped until a person
//! lets it go on.

use model::record::{DecodeError, Reader, Writer, read};
use model::{ExecType, OrderNumber, OrderRole, Timestamp, record};

use super::{Control, Interest};
use crate::books::Books;
use crate::fact::SlotKey;
use crate::risk_manager::{
    BlockReason, ControlId, GateEvent, Limits, Proposal, RejectCode, Rejection, Scope, WorstCase,
};

/// Counts the entries of a window. An entry that was withdrawn without a fill does not count, one
/// that the broker refused does.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Entry {
    number: OrderNumber,
    slot: SlotKey,
    buys: bool,
    filled: bool,
    time: Timestamp,
}

impl Control for Repeated {
    fn id(&self) -> ControlId {
        ControlId(14)
    }

    fn check(&self, proposal: &Proposal, _: &WorstCase, books: &Books) -> Result<(), Rejection> {
        let limits = books.gate().limits();
        let Some(most) = limits.max_repeated_entries.filter(|_| !limits.test_ceilings) else {
            return Ok(());
        };
        let limit = f64::from(most);
        let mut blocks = books.blocks().list().iter();
        let covers = |scope: Scope| scope.holds(proposal.slot(), proposal.broker);
        if blocks.any(|b| b.reason == BlockReason::Repeated && covers(b.scope)) {
            return Err(Rejection::new(RejectCode::Repeated, limit, limit));
        }
        let same = |entry: &&Entry| {
            entry.slot == proposal.slot()
                && entry.buys == proposal.side.is_buy()
                && proposal.now.since(entry.time) < limits.repeat_window_ns
        };
        let count = self.entries.iter().filter(same).count();
        if !proposal.replaces && count as f64 >= limit {
            return Err(Rejection::new(RejectCode::Repeated, limit, count as f64 + 1.0));
        }
        Ok(())
    }

    fn observes(&self) -> Interest {
        Interest::Everything
    }

    fn observe(&mut self, event: &GateEvent<'_>, limits: &Limits) {
        match event {
            GateEvent::Approved(intent) if intent.order.role == OrderRole::Entry => {
                let over = |entry: &Entry| {
                    intent.time.since(entry.time) < limits.repeat_window_ns || !entry.filled
                };
                self.entries.retain(over);
                self.entries.push(Entry {
                    number: intent.order.client_id.number,
                    slot: SlotKey { strategy: intent.strategy, symbol: intent.order.symbol },
                    buys: intent.order.side.is_buy(),
                    filled: false,
                    time: intent.time,
                });
            }
            GateEvent::Report(report) => {
                let number = report.client_id.number;
                match report.exec {
                    ExecType::Trade(_) | ExecType::Rejected(_) => {
                        let of = |entry: &&mut Entry| entry.number == number;
                        if let Some(entry) = self.entries.iter_mut().find(of) {
                            entry.filled = true;
                        }
                    }
                    ExecType::Cancelled | ExecType::Expired => {
                        self.entries.retain(|entry| entry.number != number || entry.filled);
                    }
                    _ => {}
                }
            }
            GateEvent::Lifted(block) if block.reason == BlockReason::Repeated => {
                if let Scope::Strategy(strategy) = block.scope {
                    self.entries.retain(|entry| entry.slot.strategy != strategy);
                }
            }
            _ => {}
        }
    }

    fn save(&self, writer: &mut Writer) {
        writer.field(1, &self.entries);
    }

    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        while let Some(field) = reader.next_field()? {
            if field.tag == 1 {
                read(&mut self.entries, &field, "Repeated")?;
            }
        }
        Ok(())
    }
}

record!(Entry { 1: number, 2: slot, 3: buys, 4: filled, 5: time });

#[cfg(test)]
mod tests {
    use super::super::testing::{entry_intent, proposal, refusal, with_limits};
    use super::*;
    use crate::fact::{Fact, GateChange};
    use crate::risk_manager::Block;
    use model::{ExecutionReport, MINUTE_NS};

    fn enter(books: &mut Books, exec: Option<ExecType>) {
        let number = books.orders().next_number();
        let mut intent = entry_intent(1, "10.00");
        intent.order.client_id.number = number;
        books.fold(&Fact::Intent(Box::new(intent.clone())));
        if let Some(exec) = exec {
            let client_id = intent.order.client_id;
            let report = ExecutionReport { client_id, exec, ..ExecutionReport::default() };
            let event = crate::input::BrokerEvent::Report(report);
            let input = crate::input::Input::Broker { broker: report.broker, event };
            books.observe(&input, intent.time, &mut crate::Seen::default());
        }
    }

    fn check(books: &Books, nanos: i64) -> Option<RejectCode> {
        let now = Timestamp::from_nanos(1_000 + nanos);
        let proposal = Proposal { now, ..proposal(1, "10.00") };
        refusal("C14", &proposal, &WorstCase::default(), books)
    }

    /// Three entries pass, the fourth within 30 minutes does not; what was withdrawn without a
    /// fill does not count, what the broker refused does.
    #[test]
    fn the_fourth_entry_is_refused() {
        let refused = ExecType::Rejected(model::RejectReason::Other);
        let mut books = with_limits(Limits::for_real_orders());
        for exec in [Some(ExecType::Cancelled), None, Some(refused), Some(ExecType::Expired)] {
            enter(&mut books, exec);
            assert_eq!(check(&books, 0), None);
        }
        enter(&mut books, None);
        let window = 30 * MINUTE_NS;
        assert_eq!(check(&books, window - 1), Some(RejectCode::Repeated));
        assert_eq!(check(&books, window), None);
        let short = Proposal { side: model::Side::SellShort, ..proposal(1, "10.00") };
        assert_eq!(refusal("C14", &short, &WorstCase::default(), &books), None, "the other side");
    }

    /// A block holds beyond the window; a person's lift lets the strategy begin anew.
    #[test]
    fn a_lift_begins_anew() {
        let mut books = with_limits(Limits::for_real_orders());
        (0..3).for_each(|_| enter(&mut books, None));
        let block = Block::new(Scope::Strategy(model::StrategyId(0)), BlockReason::Repeated);
        books.fold(&Fact::Gate(GateChange::Block(block)));
        assert_eq!(check(&books, 40 * MINUTE_NS), Some(RejectCode::Repeated));
        books.fold(&Fact::Gate(GateChange::Lift(block)));
        assert_eq!(check(&books, 0), None);
    }
}
