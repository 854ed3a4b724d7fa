//! Strategies: the trait, what they see, what they want, and why they did or did not trade.
//!
//! The strategies themselves live in crate `strategies`; sizes and permission are the risk
//! manager's, orders the order manager's. Invariants: a strategy changes nothing but its own state;
//! its wishes are carried out, or refused, by others; one that fails is stopped alone (F43).

mod context;
mod decision;
mod isolation;
mod plan;
mod plan_check;
mod signals;
mod strategy;

pub use context::Context;
pub use decision::{Decision, Finding, Outcome, Rule, Values};
pub use isolation::SIGNAL_ROOM;
pub(crate) use isolation::{
    Budget, Fault, SHORTEST_WAKE_NS, allowed_calls, evaluate, prepare_anew,
};
pub use plan::{Breakeven, Direction, Plan, Size, Target, TargetAt, Trail, TrailRule};
pub use plan_check::PlanFault;
pub(crate) use signals::{SignalCounts, Want, Wishes};
pub use strategy::{Event, RuleInfo, SessionEvent, Strategy};
