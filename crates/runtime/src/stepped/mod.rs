//! The stepped mode: the backtest's own driver, fed by the clock of its data (decision 0095).
//!
//! With `system.clock = feed` and the paper broker in process, feed and broker are stepped by the
//! time of the data exactly as a backtest steps them, so that a paper day is the backtest of that
//! day, fill by fill. What stands around the driver is the live shell's: each input goes through the
//! [`Sequencer`](crate::Sequencer), commands reach the book when they are durable, operators are
//! heard between two events, views are published. Nights are skipped.
//!
//! Invariant: the book takes a command only when the group it follows from is durable (I2), and the
//! core takes each report of the book once, over any number of restarts (I4).

mod answers;
mod days;
mod host;
mod venue;

pub use days::{Course, Played, step};
pub use venue::ResumeError;
