//! The controls of the gate, one small type per file, in the order in which they are asked.

mod breaker;
mod buying_power;
mod clock;
mod daily_loss;
mod day_trades;
mod drawdown;
mod duplicate;
mod exposure;
mod gate_open;
mod halt;
mod max_positions;
mod message_budget;
mod open_orders;
mod order_quantity;
mod order_rate;
mod order_valid;
mod order_value;
mod position_size;
mod price_collar;
mod promotion;
mod repeated;
mod self_trade;
mod session;
mod settled_cash;
mod short_restriction;
mod short_sale;
mod stale_data;
mod tick;
mod universe;
mod wash_sale;

use std::fmt::Debug;

use model::Cash;
use model::record::{DecodeError, Reader, Writer};

use super::control_id::ControlId;
use super::gate::{GateEvent, Proposal};
use super::limits::Limits;
use super::rejection::Rejection;
use super::worst_case::WorstCase;
use crate::books::Books;

pub(crate) use buying_power::free as free_buying_power;
pub use clock::{ClockVerdict, judge_clock};
pub use day_trades::DayTradeRule;
pub(crate) use drawdown::{judge_equity, judge_streak};
pub(crate) use exposure::left as exposure_left;
pub use message_budget::{MessageBudget, MessageClass};
pub(crate) use price_collar::marketable_limit;
pub use short_sale::mark_sale;

/// What a control wants to know of. Reports are the most frequent event by far, and hardly any
/// control has a use for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interest {
    /// Nothing: it reads the books when it is asked.
    Nothing,
    /// Every event but reports.
    Decisions,
    /// Every event.
    Everything,
}

/// One pre-trade control.
pub trait Control: Debug + Send {
    /// Returns the control's id in safety.md, such as `C07`.
    fn id(&self) -> ControlId;

    /// Refuses a proposal or lets it pass.
    fn check(&self, proposal: &Proposal, worst: &WorstCase, books: &Books)
    -> Result<(), Rejection>;

    /// Returns what the control wants to [`observe`](Self::observe).
    fn observes(&self) -> Interest {
        Interest::Nothing
    }

    /// Learns what happened: once per approved order, change and session, and per report when
    /// the control [`observes`](Self::observes) those, too.
    fn observe(&mut self, _event: &GateEvent<'_>, _limits: &Limits) {}

    /// Returns the part of the limit that the account uses at its worst: 1 is all of it; `None`
    /// when the control has no such number or is off.
    fn usage(&self, _worst: &WorstCase, _books: &Books, _now: model::Timestamp) -> Option<f64> {
        None
    }

    /// Writes the control's state; most controls have none.
    fn save(&self, _writer: &mut Writer) {}

    /// Reads the control's state.
    fn load(&mut self, _reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Returns all controls: permission first, then numbers, so that the reason is the plainest one.
pub fn all() -> Vec<Box<dyn Control>> {
    vec![
        Box::new(gate_open::GateOpen),
        Box::new(promotion::StageReached),
        Box::new(drawdown::Drawdown),
        Box::new(clock::Clock),
        Box::new(session::SessionHours),
        Box::new(breaker::Breaker),
        Box::new(halt::Halt),
        Box::new(stale_data::StaleData),
        Box::new(universe::Universe),
        Box::new(self_trade::SelfTrade),
        Box::new(max_positions::MaxPositions),
        Box::new(daily_loss::DailyLoss),
        Box::new(day_trades::DayTrades),
        Box::new(short_sale::ShortSale),
        Box::new(short_restriction::ShortRestriction),
        Box::new(order_valid::OrderValid),
        Box::new(tick::OnTick),
        Box::new(price_collar::PriceCollar),
        Box::new(order_value::OrderValue),
        Box::new(order_quantity::OrderQuantity),
        Box::new(position_size::PositionSize),
        Box::new(exposure::Exposure),
        Box::new(buying_power::BuyingPower),
        Box::new(settled_cash::SettledCash),
        Box::new(wash_sale::WashSale),
        Box::new(open_orders::OpenOrders),
        Box::<message_budget::Messages>::default(),
        Box::<order_rate::OrderRate>::default(),
        Box::<duplicate::Duplicate>::default(),
        Box::<repeated::Repeated>::default(),
    ]
}

/// Returns a part of a limit; `None` when the limit is nothing.
fn part(value: Cash, limit: Cash) -> Option<f64> {
    (limit > Cash::ZERO).then(|| value.to_f64() / limit.to_f64())
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::fact::Intent;
    use crate::risk_manager::{Gate, MarketView, RejectCode};
    use model::{
        BrokerId, NewOrder, OrderKind, Price, Quantity, Side, StrategyId, SymbolId, Timestamp,
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
            replaces: false,
            market: MarketView { recent_volume: 1_000_000, ..MarketView::default() },
        }
    }

    /// An entry of the slot of [`proposal`] that was approved at its time.
    pub(crate) fn entry_intent(shares: i64, limit: &str) -> Intent {
        let proposal = proposal(shares, limit);
        let order = NewOrder {
            symbol: proposal.symbol,
            broker: proposal.broker,
            side: proposal.side,
            kind: proposal.kind,
            quantity: proposal.quantity,
            ..NewOrder::default()
        };
        Intent { order, strategy: proposal.strategy, time: proposal.now, ..Intent::default() }
    }

    /// Asks one control of the books' gate; a control that is not in its list refuses nothing.
    pub(crate) fn refusal(
        id: &str,
        proposal: &Proposal,
        worst: &WorstCase,
        books: &Books,
    ) -> Option<RejectCode> {
        let mut controls = books.gate().controls().filter(|control| control.id().to_string() == id);
        controls.find_map(|control| control.check(proposal, worst, books).err()).map(|r| r.code)
    }

    /// The gate of tests: without the control that the mutation test takes out.
    #[expect(clippy::disallowed_methods, reason = "`cargo xtask mutants` names a control")]
    pub(crate) fn gate(limits: Limits) -> Gate {
        let without = std::env::var("BELLWETHER_WITHOUT_CONTROL").unwrap_or_default();
        match ControlId::from_name(&without) {
            Some(control) => Gate::new(limits).without(control),
            None => Gate::new(limits),
        }
    }

    /// Books of a running system with 100,000 USD of equity.
    pub(crate) fn books() -> Books {
        with_limits(Limits::default())
    }

    /// The same under other limits.
    pub(crate) fn with_limits(limits: Limits) -> Books {
        use crate::fact::{DayRoll, Fact, GateChange};
        let equity = Cash::from_dollars(100_000).unwrap();
        let mut books = Books::new(2, 2, equity, gate(limits));
        books.fold(&Fact::DayRoll(DayRoll { equity, ..DayRoll::default() }));
        books.fold(&Fact::Gate(GateChange::Lifecycle(crate::lifecycle::State::Running)));
        books
    }
}
