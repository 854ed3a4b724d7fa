//! What the core decides. Facts that fold change [`Books`](crate::Books); the others inform.
//!
//! Outputs are derived from facts, never made beside them, so that a journal of inputs and facts
//! tells everything that left (journal.md 2, 3).

use model::{
    BrokerId, CancelRequest, Cash, ClosedTrade, CorporateAction, Date, ExitReason, GroupId,
    NewOrder, OrderNumber, Price, Quantity, Query, ReplaceRequest, StrategyId, SymbolId, Timestamp,
    record, record_enum,
};

use crate::alert_system::Alert;
use crate::execution_engine::{AttemptClosed, Compared};
use crate::risk_manager::{Block, Limits, LossLevel, PendingRaise, Promoted, Sizing, Trigger};
use crate::strategy_engine::{Decision, Plan};

/// One decision of the core.
#[derive(Clone, PartialEq, Debug)]
pub enum Fact {
    /// An order leaves the core (folds).
    Intent(Box<Intent>),
    /// An order's prices or quantity are to be replaced (folds).
    Replace(Box<Replace>),
    /// An order is to be cancelled (folds).
    Cancel(Cancel),
    /// The gate or the lifecycle changes (folds).
    Gate(GateChange),
    /// A session begins (folds).
    DayRoll(DayRoll),
    /// A trade is complete (folds into the day's counters).
    TradeClosed(Box<ClosedTrade>),
    /// A recorded trade is no more (folds into the day's counters).
    TradeVoided(TradeVoided),
    /// What is wanted of a position's exits (folds).
    Position(PositionChange),
    /// A broker is asked something (folds).
    Query(Asked),
    /// An attempt is closed by decision (folds).
    AttemptClosed(AttemptClosed),
    /// New entries go to another broker (folds).
    Route(Route),
    /// The books were compared with a broker's (folds).
    Compared(Box<Compared>),
    /// A corporate action happens (folds).
    Action(Box<ActionEffect>),
    /// Why an evaluation did or did not lead to an order (informs).
    Decision(Decision),
    /// Something an operator should know (informs).
    Alert(Box<Alert>),
    /// A control acted beside the refusal of an order (folds into its last trigger).
    Triggered(Trigger),
    /// Limits come into force (folds).
    Limits(Box<LimitsInForce>),
    /// A person moved a strategy to another stage (folds).
    Promoted(Promoted),
    /// What became of an instruction of a person or a supervisor (folds into its key).
    Reply(Box<Reply>),
}

/// What became of an instruction: one for each that bears a name or a key (S8).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// Its idempotency key; empty for none.
    pub key: String,
    /// What was asked for holds now or is under way.
    pub done: bool,
    /// What was done, or why not, in words.
    pub text: String,
}

/// The limits from now on, and a raise that waits for its time (C42).
#[derive(Clone, PartialEq, Debug)]
pub struct LimitsInForce {
    /// The limits from now on.
    pub limits: Limits,
    /// What waits.
    pub raise: Option<PendingRaise>,
}

impl Default for LimitsInForce {
    /// The ground on which an encoding is read.
    fn default() -> Self {
        Self { limits: Limits::absent(), raise: None }
    }
}

/// An order with its cause.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Intent {
    /// The order as sent.
    pub order: NewOrder,
    /// Whose order it is.
    pub strategy: StrategyId,
    /// When it was decided.
    pub time: Timestamp,
    /// The plan of an entry.
    pub plan: Option<Plan>,
    /// How an entry's size was found.
    pub sizing: Option<Sizing>,
    /// Why a position is closed.
    pub reason: Option<ExitReason>,
}

/// A replacement with its cause.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Replace {
    /// The request as sent.
    pub request: ReplaceRequest,
    /// When it was decided.
    pub time: Timestamp,
    /// The plan of an entry from then on.
    pub plan: Option<Plan>,
    /// How the new size was found.
    pub sizing: Option<Sizing>,
}

/// A cancellation with its cause.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Cancel {
    /// The request as sent.
    pub request: CancelRequest,
    /// When it was decided.
    pub time: Timestamp,
}

/// A question to a broker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// The question as sent.
    pub query: Query,
    /// When it was asked.
    pub time: Timestamp,
}

/// New entries go to another broker from here on (R6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Route {
    /// Where they go.
    pub to: BrokerId,
    /// When it was decided.
    pub time: Timestamp,
}

/// A change of what the gate lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GateChange {
    /// The lifecycle moves to another state.
    Lifecycle(crate::lifecycle::State),
    /// The day's loss reached a level (C10).
    Loss(LossLevel),
    /// Opening orders are blocked: kill switch or doubt (C31, I12).
    Block(Block),
    /// A block is lifted.
    Lift(Block),
}

/// A session begins: day counters start anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DayRoll {
    /// The session.
    pub session: Date,
    /// The account's equity for sizing and limits all day (TS1).
    pub equity: Cash,
    /// Orders below this number are finished and may leave the core.
    pub first_order: OrderNumber,
    /// When the session's trades settle; `None` beyond the calendar's years (TC8, TC9).
    pub settles: Option<Date>,
}

/// A recorded trade is no more: one of its executions was corrected or cancelled (F12). What is
/// left of it is recorded anew under another id.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct TradeVoided {
    /// The id of the trade.
    pub trade: u64,
    /// Where it was.
    pub slot: SlotKey,
    /// Its R multiple.
    pub r: Option<f64>,
}

/// What is wanted of a position's exits, where that does not follow from an order alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PositionChange {
    /// Where the position is.
    pub slot: SlotKey,
    /// Which one it is.
    pub group: GroupId,
    /// What is wanted.
    pub want: ExitWant,
}

/// What is wanted of a position's exits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ExitWant {
    /// The position is to be closed, as soon as the orders that stand in the way are gone.
    Close(ExitReason),
    /// It is to be reduced to so many shares; what it holds already takes a reduction back (C41).
    Reduce(Quantity),
    /// Its next target was touched at a venue that holds one exit at a time.
    Target,
    /// A refused exit is to be sent again.
    #[default]
    Retry,
}

/// A corporate action with all that its booking needs (F27).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ActionEffect {
    /// The action.
    pub action: CorporateAction,
    /// When it happens.
    pub time: Timestamp,
    /// What is paid for one new share where a holding has a fraction.
    pub cash_in_lieu: Price,
    /// It was announced after its session: nothing is restated, somebody has to look.
    pub too_late: bool,
}

/// Names the slot of a strategy in a symbol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct SlotKey {
    /// The strategy instance.
    pub strategy: StrategyId,
    /// The symbol.
    pub symbol: SymbolId,
}

record!(Intent { 1: order, 2: strategy, 3: time, 4: plan, 5: sizing, 6: reason });
record!(Replace { 1: request, 2: time, 3: plan, 4: sizing });
record!(Cancel { 1: request, 2: time });
record_enum!(GateChange {
    0: Lifecycle(crate::lifecycle::State),
    1: Loss(LossLevel),
    2: Block(Block),
    3: Lift(Block),
});
record!(DayRoll { 1: session, 2: equity, 3: first_order, 4: settles });
record!(TradeVoided { 1: trade, 2: slot, 3: r });
record!(PositionChange { 1: slot, 2: group, 3: want });
record_enum!(ExitWant { 0: Close(ExitReason), 1: Target, 2: Retry, 3: Reduce(Quantity) });
record!(LimitsInForce { 1: limits, 2: raise });
record!(Reply { 1: key, 2: done, 3: text });
record!(SlotKey { 1: strategy, 2: symbol });
record!(ActionEffect { 1: action, 2: time, 3: cash_in_lieu, 4: too_late });
record!(Asked { 1: query, 2: time });
record!(Route { 1: to, 2: time });
record_enum!(Fact {
    0: Intent(Box<Intent>),
    1: Replace(Box<Replace>),
    2: Cancel(Cancel),
    3: Gate(GateChange),
    4: DayRoll(DayRoll),
    5: TradeClosed(Box<ClosedTrade>),
    6: Decision(Decision),
    7: Alert(Box<Alert>),
    8: TradeVoided(TradeVoided),
    9: Position(PositionChange),
    10: Query(Asked),
    11: AttemptClosed(AttemptClosed),
    12: Route(Route),
    13: Triggered(Trigger),
    14: Limits(Box<LimitsInForce>),
    15: Compared(Box<Compared>),
    16: Action(Box<ActionEffect>),
    17: Promoted(Promoted),
    18: Reply(Box<Reply>),
});

impl Default for Fact {
    /// A placeholder that a decoder overwrites.
    fn default() -> Self {
        Self::Gate(GateChange::default())
    }
}

impl Default for GateChange {
    /// A placeholder that a decoder overwrites.
    fn default() -> Self {
        Self::Lifecycle(crate::lifecycle::State::Stopped)
    }
}
