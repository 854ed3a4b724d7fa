//! What comes in: everything the core may react to, with a sequence number and a time.
//!
//! Feeds, brokers, timers and operators live outside; whatever they say arrives here as a value
//! (J1). The journal stores these inputs, so their meaning never changes.

use model::{
    Bar, BrokerId, Cash, ChargeKind, ExecutionReport, Halt, Quote, SourceId, SymbolDay, SymbolId,
    Timestamp, Trade,
};

use crate::risk_manager::{Block, Scope};

/// An item with its place in the one sequence and the engine's time (journal.md 1, 11).
#[derive(Clone, PartialEq, Debug)]
pub struct Sequenced<T> {
    /// Ascending without gaps.
    pub seq: u64,
    /// Engine time; never earlier than that of the item before.
    pub time: Timestamp,
    /// The item.
    pub item: T,
}

/// One input of the core.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// A process begins to feed this core (journal.md 9).
    Start,
    /// Time passed and nothing else came by the next deadline.
    Time,
    /// A market-data event from one source.
    Market {
        /// Who says so.
        source: SourceId,
        /// What was said.
        event: MarketEvent,
    },
    /// What a broker says.
    Broker {
        /// Who says so.
        broker: BrokerId,
        /// What was said.
        event: BrokerEvent,
    },
    /// An operator's command.
    Control(Control),
    /// Facts about a symbol that precede a session.
    Reference(Box<SymbolDay>),
}

/// A market-data event of one symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarketEvent {
    /// A closed minute.
    Bar {
        /// Its symbol.
        symbol: SymbolId,
        /// The minute.
        bar: Bar,
    },
    /// A quote.
    Quote {
        /// Its symbol.
        symbol: SymbolId,
        /// The quote.
        quote: Quote,
    },
    /// A print.
    Trade {
        /// Its symbol.
        symbol: SymbolId,
        /// The print.
        trade: Trade,
    },
    /// A trading pause or its end.
    Halt {
        /// Its symbol.
        symbol: SymbolId,
        /// The pause.
        halt: Halt,
    },
}

/// Something that a broker says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BrokerEvent {
    /// A report on an order.
    Report(ExecutionReport),
    /// A charge that belongs to no fill: borrow, interest, a day's rounding of fees (TK5-TK8).
    Charge {
        /// What it is for.
        kind: ChargeKind,
        /// What is paid; negative when it is paid back.
        fee: Cash,
    },
}

/// A command of an operator or of a supervisor (the source's system events). Each works in every
/// state, at every hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// Stops opening positions; exits go on. For everything this is the state paused, else a
    /// block.
    PauseTrading(Scope),
    /// Lifts a pause, an emergency stop and every other block of the scope that a person may
    /// lift.
    ResumeTrading(Scope),
    /// Cancels entries and keeps the gate shut until resumed; exits stay (C31, `hold`).
    EmergencyStop(Scope),
    /// Closes every position of the scope; the gate's limits on orders hold (C41).
    Flatten(Scope),
    /// A supervisor outside the core found a doubt.
    Block(Block),
    /// A supervisor's doubt is over.
    Lift(Block),
    /// Ends the run: no entries any more, working entries are cancelled.
    Stop,
}
