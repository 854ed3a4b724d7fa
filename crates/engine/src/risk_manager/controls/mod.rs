//! The controls of the gate, one small type per file, in the order in which they are asked.

mod daily_loss;
mod gate_open;
mod halt;
mod max_positions;
mod order_valid;
mod order_value;
mod position_size;
mod session;
mod settled_cash;
mod symbol_taken;
mod tick;
mod wash_sale;

use std::fmt::Debug;

use model::record::{DecodeError, Reader, Writer};

use super::gate::{GateEvent, Proposal};
use super::limits::Limits;
use super::rejection::Rejection;
use super::worst_case::WorstCase;
use crate::books::Books;

/// One pre-trade control.
pub trait Control: Debug + Send {
    /// Returns the control's id in safety.md, such as `C07`.
    fn id(&self) -> &'static str;

    /// Refuses a proposal or lets it pass.
    fn check(&self, proposal: &Proposal, worst: &WorstCase, books: &Books)
    -> Result<(), Rejection>;

    /// Learns what happened: once per approved order, report, and session change.
    fn observe(&mut self, _event: &GateEvent<'_>) {}

    /// Writes the control's state; most controls have none.
    fn save(&self, _writer: &mut Writer) {}

    /// Reads the control's state.
    fn load(&mut self, _reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Returns all controls: permission first, then numbers, so that the reason is the plainest one.
pub fn all(limits: &Limits) -> Vec<Box<dyn Control>> {
    vec![
        Box::new(gate_open::GateOpen),
        Box::new(session::SessionHours),
        Box::new(halt::Halt),
        Box::new(symbol_taken::SymbolTaken { exclusive: limits.exclusive_symbols }),
        Box::new(max_positions::MaxPositions { limit: limits.max_positions }),
        Box::new(daily_loss::DailyLoss),
        Box::new(order_valid::OrderValid),
        Box::new(tick::OnTick),
        Box::new(order_value::OrderValue { limits: limits.clone() }),
        Box::new(position_size::PositionSize { limits: limits.clone() }),
        Box::new(settled_cash::SettledCash { account: limits.account }),
        Box::new(wash_sale::WashSale { block: limits.block_wash_sale_reentry }),
    ]
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::risk_manager::Gate;
    use model::{
        BrokerId, Cash, OrderKind, Price, Quantity, Side, StrategyId, SymbolId, Timestamp,
    };

    pub(crate) fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    pub(crate) fn proposal(shares: i64, limit: &str) -> Proposal {
        Proposal {
            strategy: StrategyId(0),
            symbol: SymbolId(0),
            broker: BrokerId(0),
            side: Side::Buy,
            kind: OrderKind::Limit { limit: price(limit) },
            worst_price: price(limit),
            quantity: Quantity::from_shares(shares).unwrap(),
            tick: price("0.01"),
            now: Timestamp::from_nanos(1_000),
            opening: Some((Timestamp::from_nanos(0), Timestamp::from_nanos(2_000))),
            halted: false,
        }
    }

    /// Books of a running system with 100,000 USD of equity.
    pub(crate) fn books() -> Books {
        use crate::fact::{DayRoll, Fact, GateChange};
        let equity = Cash::from_dollars(100_000).unwrap();
        let mut books = Books::new(2, 2, equity, Gate::new(Limits::default()));
        books.fold(&Fact::DayRoll(DayRoll { equity, ..DayRoll::default() }));
        books.fold(&Fact::Gate(GateChange::Lifecycle(crate::lifecycle::State::Running)));
        books
    }
}
