//! What the API needs of a running system.
//!
//! In a process that trades it is the runtime's handle; tests put a small core in its place.
//! Invariant: nothing here waits for the core but an instruction's own answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use engine::risk_manager::Scope;
use engine::{Instruction, LimitChange};
use runtime::Receipt;
use runtime::view::{Lists, Run, View};

/// An answer that comes later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why an instruction was not taken, or its fate is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InstructError {
    /// Nothing was taken.
    #[error("the queue of instructions is full: nothing was taken, try again")]
    Full,
    /// The core ended before the instruction was durable.
    #[error("the core has ended: whether the instruction was taken shows after the next start")]
    Ended,
}

/// What became of an emergency stop (K4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Killed {
    /// No opening order leaves from now on.
    pub engaged: bool,
    /// It is in the journal and holds over a restart; else the `KILL` file holds it.
    pub durable: bool,
    /// The receipt, when it came in time.
    pub receipt: Option<Receipt>,
}

/// A running system, as the API sees it.
pub trait System: Send + Sync + 'static {
    /// Returns the constants of the run.
    fn run(&self) -> Arc<Run>;

    /// Returns the last published view.
    fn view(&self) -> Arc<View>;

    /// Reads what happened so far.
    fn lists(&self, read: &mut dyn FnMut(&Lists));

    /// Returns for how long the core's loop has not turned (F44).
    fn core_silence(&self) -> Duration;

    /// Gives an instruction and waits until what became of it is durable.
    fn instruct(&self, given: Instruction) -> Answer<'_, Result<Receipt, InstructError>>;

    /// Asks for other limits and waits until the answer is durable (C42).
    fn limits(&self, change: LimitChange) -> Answer<'_, Result<Receipt, InstructError>>;

    /// Stops opening at once; waits for the disk for a second at most (K1-K4).
    fn emergency_stop(&self, scope: Scope, given: Instruction) -> Answer<'_, Killed>;
}
