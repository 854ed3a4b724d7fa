//! What comes in: everything the core may react to, with a sequence number and a time.
//!
//! Feeds, brokers, timers and operators live outside; whatever they say arrives here as a value
//! (J1). The journal stores these inputs, so their meaning never changes.

use model::{
    Bar, BrokerId, Cash, ExecutionReport, Halt, Quote, SourceId, SymbolDay, SymbolId, Timestamp,
    Trade,
};

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
    /// A broker's report on an order.
    Broker {
        /// Who says so.
        broker: BrokerId,
        /// What was said.
        report: ExecutionReport,
    },
    /// A charge of the broker that belongs to no fill, such as a day's rounding of fees (TK7).
    Charge {
        /// Who charges.
        broker: BrokerId,
        /// What is paid; negative when it is paid back.
        fee: Cash,
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

/// An operator's command (the source's system events).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    /// Stops opening positions; exits go on.
    PauseTrading,
    /// Opens the gate again after a pause or an emergency stop.
    ResumeTrading,
    /// Cancels all entries and keeps the gate shut until resumed; exits stay (C31, `hold`).
    EmergencyStop,
    /// Closes every position through the gate.
    Flatten,
    /// Ends the run: no entries any more, working entries are cancelled.
    Stop,
}
