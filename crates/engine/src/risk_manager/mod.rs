//! Pre-trade risk: decides whether an order may leave the engine, and how large it is.
//!
//! Each control lives in its own file under [`controls`] and reads [`WorstCase`], which counts
//! every open and unknown order as filled (I5). Sizing lives in [`size`].
//!
//! Invariant: an order that only reduces a position is approved in every state (I13, I14).

mod block;
pub mod controls;
mod daily_loss;
mod gate;
mod limits;
mod rejection;
mod sizing;
mod worst_case;

pub use block::{Block, BlockReason, Blocks, Scope};
pub use daily_loss::LossLevel;
pub(crate) use daily_loss::level as loss_level;
pub use gate::{Approved, Gate, GateEvent, Proposal, reducing};
pub use limits::{AccountType, Limits, LossLines};
pub use rejection::{RejectCode, Rejection};
pub use sizing::{Sizing, SizingFacts, SizingTerm, size};
pub use worst_case::WorstCase;
