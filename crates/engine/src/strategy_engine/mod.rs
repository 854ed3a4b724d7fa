//! Strategies: the trait, what they see, what they want, and why they did or did not trade.
//!
//! The strategies themselves live in crate `strategies`; sizes and permission are the risk
//! manager's, orders the order manager's. Invariant: a strategy changes nothing but its own
//! state; its wishes are carried out, or refused, by others.

mod context;
mod decision;
mod plan;
mod strategy;

pub use context::Context;
pub(crate) use context::{Want, Wishes};
pub use decision::{Decision, Finding, Outcome, Rule, Values};
pub use plan::{Breakeven, Direction, Plan, Size, Target, TargetAt, Trail, TrailRule};
pub use strategy::{Event, RuleInfo, SessionEvent, Strategy};
