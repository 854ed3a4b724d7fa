//! What the API needs of a running system.
//!
//! In a process that trades it is [`runtime::Handle`]; tests put a small core in its place.
//! Invariant: nothing here waits for the core but an instruction's own answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use engine::risk_manager::Scope;
use engine::{Instruction, LimitChange};
use runtime::view::{Lists, Run, View};
use runtime::{Handle, InstructError, Killed, Receipt};

/// An answer that comes later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

impl System for Handle {
    fn run(&self) -> Arc<Run> {
        Arc::clone(Self::run(self))
    }

    fn view(&self) -> Arc<View> {
        Self::view(self)
    }

    fn lists(&self, read: &mut dyn FnMut(&Lists)) {
        Self::lists(self, read);
    }

    fn core_silence(&self) -> Duration {
        Self::core_silence(self)
    }

    fn instruct(&self, given: Instruction) -> Answer<'_, Result<Receipt, InstructError>> {
        Box::pin(Self::instruct(self, given))
    }

    fn limits(&self, change: LimitChange) -> Answer<'_, Result<Receipt, InstructError>> {
        Box::pin(Self::limits(self, change))
    }

    fn emergency_stop(&self, scope: Scope, given: Instruction) -> Answer<'_, Killed> {
        Box::pin(Self::emergency_stop(self, scope, given))
    }
}
