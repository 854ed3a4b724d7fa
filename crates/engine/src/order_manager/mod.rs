//! Orders, positions and the difference between what is wanted and what works.
//!
//! Sending, routing and fail-over belong to execution_engine; permission to risk_manager.
//! Invariant: exits of a position are one group that never closes more than is open (I13, C16).

pub(crate) mod actions;
pub mod entries;
pub mod exits;
pub mod order;
pub mod position;
pub(crate) mod protection;
pub(crate) mod rebalancing;
mod restating;
pub(crate) mod trailing;
pub mod transition;

pub use order::{Execution, Order, Replacement, Terms};
pub use position::{BookedFill, Excess, PlacedTarget, Position};
pub use transition::{IllegalTransition, OrderEvent, after};
