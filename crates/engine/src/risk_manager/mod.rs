//! Pre-trade risk: decides whether an order may leave the engine, and how large it is.
//!
//! Each control lives in its own file under [`controls`] and reads [`WorstCase`], which counts
//! every open and unknown order as filled (I5). Sizing lives in [`size`].
//!
//! Invariant: an order that only reduces a position is approved in every state (I13, I14).

mod block;
mod control_id;
pub mod controls;
mod daily_loss;
mod gate;
mod history;
pub mod last_point;
mod limit_change;
mod limits;
mod market_rules;
mod market_view;
mod promotion;
mod rate;
mod register;
mod rejection;
mod sizing;
mod status;
mod trigger;
mod worst_case;

pub use block::{Block, BlockReason, Blocks, Scope};
pub use control_id::ControlId;
pub use controls::{
    ClockVerdict, DayTradeRule, MessageBudget, MessageClass, judge_clock, mark_sale,
};
pub(crate) use controls::{
    exposure_left, free_buying_power, judge_equity, judge_streak, marketable_limit,
};
pub use daily_loss::LossLevel;
pub(crate) use daily_loss::level as loss_level;
pub use gate::{Approved, Gate, GateEvent, Proposal, reducing};
pub use history::{Account, RiskHistory, SessionTrades};
pub use limit_change::{PendingRaise, RAISE_DELAY_NS};
pub(crate) use limit_change::{stricter, under_ceilings};
pub use limits::{AccountType, Limits, LossLines};
pub use market_rules::MarketRules;
pub(crate) use market_rules::restricts_shorts;
pub use market_view::MarketView;
pub use promotion::{Promoted, Promotion, Promotions, SMALL_SESSIONS, Stage};
pub use rate::RateLimit;
pub use register::{Home, REGISTER, Registered};
pub use rejection::{RejectCode, Rejection};
pub use sizing::{Sizing, SizingFacts, SizingTerm, size};
pub use status::{ControlStatus, control_status};
pub use trigger::Trigger;
pub use worst_case::WorstCase;
