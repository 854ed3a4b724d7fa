//! The strategy trait: what a strategy author implements, and nothing else.

use std::fmt::Debug;

use model::record::{DecodeError, Reader, Writer};
use model::{Bar, SourceId, SymbolId, Timestamp};

use super::context::Context;
use crate::data_manager::Needs;

/// What a strategy is told.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A minute of a symbol has closed; shared state already includes it.
    Bar {
        /// The symbol.
        symbol: SymbolId,
        /// The bar.
        bar: &'a Bar,
    },
    /// A time that the strategy asked for with [`Context::wake_at`] has come; all minutes that
    /// ended by then are closed (TB1).
    Time(Timestamp),
    /// Trading in a symbol stopped or started again.
    Halt {
        /// The symbol.
        symbol: SymbolId,
        /// True when it stopped.
        halted: bool,
    },
    /// Market data of a symbol comes from another source from now on (R11).
    Source {
        /// The symbol.
        symbol: SymbolId,
        /// The source.
        source: SourceId,
    },
    /// The session reached a mark.
    Session(SessionEvent),
}

/// A mark of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionEvent {
    /// The day begins (04:00 New York): forget yesterday.
    Begin,
    /// The regular session opens.
    Open,
    /// The regular session closes.
    Close,
}

/// A rule of a strategy: decisions refer to it by its index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleInfo {
    /// The rule's id, such as `TG2`.
    pub id: &'static str,
    /// What the rule asks, in a few words.
    pub text: &'static str,
    /// Names of the numbers it looks at.
    pub values: &'static [&'static str],
}

/// A trading strategy. One instance serves all symbols of a run; its state by symbol is a vector.
///
/// A strategy is declarative: at each evaluation it states what it wants per symbol; what works
/// already is kept, the order manager sends the difference only. It sees no clock, no I/O and no
/// other strategy.
pub trait Strategy: Debug + Send {
    /// Returns the rules that decisions refer to by index.
    fn rules(&self) -> &'static [RuleInfo];

    /// Returns the shared indicators that the strategy, or the exits of its plans, read.
    fn needs(&self) -> Needs {
        Needs::NONE
    }

    /// Prepares for `symbols` symbols; called once before the first event.
    fn prepare(&mut self, symbols: usize);

    /// Evaluates an event and states wishes through `ctx`.
    fn on_event(&mut self, ctx: &mut Context<'_>, event: Event<'_>);

    /// Writes the state.
    fn save(&self, writer: &mut Writer);

    /// Reads the state back into a prepared instance.
    fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError>;
}
