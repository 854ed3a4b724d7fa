//! Isolation: a strategy that fails is found out here and stopped alone (F43, design.md 6).
//!
//! Five things are a fault: a panic, more calls of the context than an event may need, more
//! signals or pending wake-ups than the queue of signals holds, a number that is not finite, and
//! a plan that is no plan. The engine blocks a strategy at fault and calls it no more; its exits
//! run from the plans in the books. What a strategy does without calling the context (a bare
//! endless loop) is for the watchdog outside (C32), its time on the wall for a supervisor, who
//! says so with [`Control::Block`](crate::Control::Block).
//!
//! Invariant: nothing that a strategy does unwinds beyond this file.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use model::SymbolId;
use thiserror::Error;

use super::context::Context;
use super::plan_check::PlanFault;
use super::strategy::{Event, Strategy};
use crate::queues::DEFAULT_CAPACITY;

/// Room of the queue of trade signals: entries that one evaluation may state, and wake-ups that a
/// strategy may have pending (design.md 3).
pub const SIGNAL_ROOM: usize = DEFAULT_CAPACITY;

/// Calls of the context that one evaluation may make, and for each symbol of the run some more.
const CALLS: u32 = 1_000;
const CALLS_PER_SYMBOL: u32 = 32;

/// Shortest distance of a wake-up that was asked for a time that has passed.
pub(crate) const SHORTEST_WAKE_NS: i64 = 1_000_000;

/// Why a strategy is stopped.
#[derive(Clone, PartialEq, Debug, Error)]
pub(crate) enum Fault {
    /// It panicked.
    #[error("it panicked: {0}")]
    Panic(String),
    /// It called its context too often in one evaluation.
    #[error("it called its context more than {allowed} times in one evaluation")]
    OverBudget { allowed: u32 },
    /// It stated more entries in one evaluation than the queue holds.
    #[error("it stated {stated} entries in one evaluation, {SIGNAL_ROOM} are allowed")]
    Flood { stated: u64, first: SymbolId },
    /// It asked for too many wake-ups.
    #[error("it has more than {SIGNAL_ROOM} wake-ups pending")]
    Wakes,
    /// A number of a wish is NaN or infinite.
    #[error("a number behind its wish for symbol {} is not finite", .0.0)]
    NotFinite(SymbolId),
    /// It named a symbol that the run does not have.
    #[error("it named symbol {}, which the run does not have", .0.0)]
    UnknownSymbol(SymbolId),
    /// It stated a plan that cannot be carried out.
    #[error("its plan for symbol {} is not valid: {fault}", .symbol.0)]
    Plan { symbol: SymbolId, fault: PlanFault },
}

/// Returns how many calls of the context one evaluation of a run with so many symbols may make.
pub(crate) fn allowed_calls(symbols: usize) -> u32 {
    let symbols = u32::try_from(symbols).unwrap_or(u32::MAX);
    CALLS.saturating_add(CALLS_PER_SYMBOL.saturating_mul(symbols))
}

/// Counts the calls of one evaluation and ends it when they run out.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u32>,
}

/// What an evaluation unwinds with when its calls have run out.
struct CallsRanOut;

impl Budget {
    /// Allows so many calls.
    #[inline]
    pub(crate) fn new(allowed: u32) -> Self {
        Self { left: Cell::new(allowed) }
    }

    /// Counts one call.
    #[inline]
    pub(crate) fn spend(&self) {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => run_out(),
        }
    }
}

/// Unwinds to [`evaluate`], past the strategy and without the message of a panic.
#[cold]
fn run_out() -> ! {
    resume_unwind(Box::new(CallsRanOut))
}

/// Lets a strategy evaluate an event; an error means that it broke off and must not be called
/// again: its state may be torn.
#[inline]
pub(crate) fn evaluate(
    strategy: &mut dyn Strategy,
    ctx: &mut Context<'_>,
    event: Event<'_>,
) -> Result<(), Fault> {
    let allowed = ctx.budget.left.get();
    catch_unwind(AssertUnwindSafe(|| strategy.on_event(ctx, event)))
        .map_err(|payload| explain(payload, allowed))
}

/// Makes a strategy new: it forgets all that it knew.
pub(crate) fn prepare_anew(strategy: &mut dyn Strategy, symbols: usize) -> Result<(), Fault> {
    catch_unwind(AssertUnwindSafe(|| strategy.prepare(symbols)))
        .map_err(|payload| explain(payload, 0))
}

#[cold]
fn explain(payload: Box<dyn Any + Send>, allowed: u32) -> Fault {
    if payload.is::<CallsRanOut>() {
        return Fault::OverBudget { allowed };
    }
    let text = match payload.downcast_ref::<&str>() {
        Some(text) => Some((*text).to_owned()),
        None => payload.downcast_ref::<String>().cloned(),
    };
    if text.is_none() {
        // A payload of the strategy's own type may panic again when it is dropped.
        std::mem::forget(payload);
    }
    Fault::Panic(text.unwrap_or_else(|| "without a message".to_owned()))
}
