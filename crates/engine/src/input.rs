//! What comes in: everything the core may react to, with a sequence number and a time.
//!
//! Feeds, brokers, timers and operators live outside; whatever they say arrives here as a value
//! (J1). The journal stores these inputs, so their meaning never changes.

use model::{
    BrokerId, Cash, ChargeKind, ClientOrderId, CorporateAction, ExecutionReport, MarketEvent,
    OrderNumber, Page, Price, Quantity, RequestKind, SendOutcome, SourceId, StrategyId, SymbolDay,
    SymbolId, Timestamp, record, record_enum,
};

use crate::fact::SlotKey;
use crate::risk_manager::{Account, Block, Limits, Scope, Stage};

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
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Input {
    /// A process begins to feed this core (journal.md 9).
    Start(Box<Start>),
    /// A connection came or went.
    Connection {
        /// Whose it is.
        link: Link,
        /// It stands now.
        up: bool,
    },
    /// Time passed and nothing else came by the next deadline.
    #[default]
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
    /// An operator's or a supervisor's command.
    Control(Box<Instruction>),
    /// Facts about a symbol that precede a session.
    Reference(Box<SymbolDay>),
    /// Other limits are wanted (C42).
    Limits(Box<LimitChange>),
    /// A corporate action is announced, before the session of its ex-date (F27).
    Action(CorporateAction),
}

/// Limits that somebody wants, as the shell checked them.
#[derive(Clone, PartialEq, Debug)]
pub struct LimitChange {
    /// All limits as they are wanted; what is stricter holds at once.
    pub limits: Limits,
    /// Whoever wants them may raise limits: the role, a fresh log-in and a reason were checked.
    pub may_raise: bool,
    /// Who wants them: the name of a user or token; empty for a driver.
    pub actor: String,
    /// From where: `cli`, an address.
    pub from: String,
    /// Why.
    pub reason: String,
    /// Idempotency key, as that of an [`Instruction`].
    pub key: String,
}

/// Something that a broker says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BrokerEvent {
    /// A report on an order.
    Report(ExecutionReport),
    /// What became of handing a request over; made by the gateway from the broker's table.
    Outcome {
        /// The id in the request: the order's, or for a replacement the new one.
        client_id: ClientOrderId,
        /// What was requested.
        request: RequestKind,
        /// What became of it.
        outcome: SendOutcome,
    },
    /// One page of an answer.
    Page(Box<Page>),
    /// What it holds after a corporate action, by its own booking (F27).
    ActionBooked {
        /// Whose shares.
        symbol: SymbolId,
        /// Net shares of the account.
        held: Quantity,
    },
    /// A charge that belongs to no fill: borrow, interest, a day's rounding of fees (TK5-TK8).
    Charge {
        /// What it is for.
        kind: ChargeKind,
        /// What is paid; negative when it is paid back.
        fee: Cash,
    },
    /// The broker's figures on the account (C09).
    Account(Account),
}

/// The other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// A broker.
    Broker(BrokerId),
    /// A market-data provider.
    Feed(SourceId),
}

impl Default for Link {
    /// The primary broker.
    fn default() -> Self {
        Self::Broker(BrokerId(0))
    }
}

/// What a process says when it begins to feed a core: replay over many starts needs nothing but
/// the journal (journal.md 9).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Start {
    /// Its fencing epoch (R10).
    pub epoch: u32,
    /// The build.
    pub build: String,
    /// The mode by its name in the configuration.
    pub mode: String,
    /// The full effective configuration without secrets.
    pub config: String,
    /// Hash of the account's id.
    pub account: u64,
    /// The wall clock when engine time was anchored to it (journal.md 11).
    pub wall: Timestamp,
    /// How the run before ended.
    pub last_end: LastEnd,
    /// Entries stay blocked until resumed for a reason outside the journal: a `KILL` file, a crash
    /// loop (journal.md 13, F36).
    pub hold_entries: bool,
    /// The analysis begins cold: another build or configuration, or a difference in the replay of
    /// the run before (journal.md 8). Else it goes on where that run ended.
    pub cold: bool,
}

impl Start {
    /// The start of a run without a journal: backtest and demo.
    pub fn fresh(epoch: u32, mode: &str, time: Timestamp) -> Self {
        Self { epoch, mode: mode.to_owned(), wall: time, ..Self::default() }
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum LastEnd {
    /// There was none.
    #[default]
    None,
    /// In order.
    Orderly,
    /// It was killed or the machine went down.
    Cut,
    /// A fault of the core (exit code 70).
    Fault,
    /// The journal could not be written (exit code 74).
    JournalDead,
}

impl LastEnd {
    /// Returns the end in words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Orderly => "an orderly stop",
            Self::Cut => "a cut",
            Self::Fault => "a fault of the core",
            Self::JournalDead => "a dead journal",
        }
    }
}

/// What an operator knows of an order in doubt (R7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Resolution {
    /// It is not at the broker and never was.
    #[default]
    Dead,
    /// It was filled.
    Filled {
        /// Shares filled in all.
        quantity: Quantity,
        /// At what average price.
        price: Price,
    },
}

/// A command with who gave it and why: the audit trail (S8).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Instruction {
    /// The command.
    pub control: Control,
    /// Who gave it: the name of a user or token, or the supervisor; empty for a driver.
    pub actor: String,
    /// From where: `cli`, an address, `signal`.
    pub from: String,
    /// Why.
    pub reason: String,
    /// Idempotency key, made up by the giver for this one instruction: an instruction whose key
    /// was seen within 24 h changes nothing (F46), except an emergency stop; empty for none. The
    /// shell makes it unique over all givers.
    pub key: String,
    /// How many emergency stops ([`Books::kills`](crate::Books::kills)) had been given when this
    /// was: a resume that was given before the last one lifts nothing, kill wins (F46). `None`
    /// when that is not stated.
    pub kills_seen: Option<u64>,
}

impl From<Control> for Input {
    /// A command of a driver, without an audit trail.
    fn from(control: Control) -> Self {
        Self::Control(Box::new(Instruction { control, ..Instruction::default() }))
    }
}

/// A command of an operator or of a supervisor (the source's system events). Each works in every
/// state, at every hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
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
    /// Reduces the positions of the scope to the limits, in slices; entries are cancelled first,
    /// the kill switch takes it back (C41).
    Rebalance(Scope),
    /// A supervisor outside the core found a doubt.
    Block(Block),
    /// A supervisor's doubt is over.
    Lift(Block),
    /// New entries go to this broker (R6).
    Route(BrokerId),
    /// An operator corrects what our books hold at a broker (C34); the shares are moved in kind at
    /// a price, no cash changes hands.
    Adjust {
        /// Where.
        broker: BrokerId,
        /// Which symbol.
        symbol: SymbolId,
        /// Shares to add, negative to take away.
        quantity: Quantity,
        /// At which price they count.
        price: Price,
    },
    /// An operator gives what is held without a plan to a strategy, which may then close it (F18).
    Claim {
        /// Where it is held.
        broker: BrokerId,
        /// Which strategy, in which symbol.
        slot: SlotKey,
    },
    /// An operator says what became of an order in doubt (R7).
    Resolve {
        /// The order.
        order: OrderNumber,
        /// What became of it.
        resolution: Resolution,
    },
    /// A person moves a strategy to another stage, one step up or any down (C38).
    Promote {
        /// Which one.
        strategy: StrategyId,
        /// Where to.
        to: Stage,
    },
    /// Ends the run: no entries any more, working entries are cancelled.
    #[default]
    Stop,
    /// Cancels one entry order; protective and exit orders are never cancelled by hand.
    CancelOrder(OrderNumber),
    /// An operator accepts that engine time is anchored anew to the wall clock (journal.md 11).
    AcceptClock(Timestamp),
    /// A person has seen an alert, named by its place in the journal; the lists of alerts show it.
    Acknowledge(u64),
    /// So many attempts at the API were refused: a wrong token, a role that may not, a foreign page
    /// (S8). The instruction says where the last one came from and what it was.
    AccessRefused(u32),
}

impl Control {
    /// Returns true for what corrects the books on a person's word: it takes the evidence as its
    /// reason (R7, C34).
    pub const fn needs_evidence(self) -> bool {
        matches!(self, Self::Resolve { .. } | Self::Adjust { .. } | Self::Claim { .. })
    }
}

impl Default for LimitChange {
    /// The ground on which an encoding is read.
    fn default() -> Self {
        let text = String::new;
        let (actor, from, reason, key) = (text(), text(), text(), text());
        Self { limits: Limits::absent(), may_raise: false, actor, from, reason, key }
    }
}

impl Default for BrokerEvent {
    /// A placeholder that a decoder overwrites.
    fn default() -> Self {
        Self::Account(Account::default())
    }
}

record_enum!(Input {
    0: Time,
    1: Start(Box<Start>),
    2: Connection { 1: link: Link, 2: up: bool },
    3: Market { 1: source: SourceId, 2: event: MarketEvent },
    4: Broker { 1: broker: BrokerId, 2: event: BrokerEvent },
    5: Control(Box<Instruction>),
    6: Reference(Box<SymbolDay>),
    7: Limits(Box<LimitChange>),
    8: Action(CorporateAction),
});
record!(LimitChange { 1: limits, 2: may_raise, 3: actor, 4: from, 5: reason, 6: key });
record_enum!(BrokerEvent {
    0: Report(ExecutionReport),
    1: Outcome { 1: client_id: ClientOrderId, 2: request: RequestKind, 3: outcome: SendOutcome },
    2: Page(Box<Page>),
    3: ActionBooked { 1: symbol: SymbolId, 2: held: Quantity },
    4: Charge { 1: kind: ChargeKind, 2: fee: Cash },
    5: Account(Account),
});
record_enum!(Link { 0: Broker(BrokerId), 1: Feed(SourceId) });
record!(Start {
    1: epoch,
    2: build,
    3: mode,
    4: config,
    5: account,
    6: wall,
    7: last_end,
    8: hold_entries,
    9: cold,
});
record_enum!(LastEnd { 0: None, 1: Orderly, 2: Cut, 3: Fault, 4: JournalDead });
record_enum!(Resolution { 0: Dead, 1: Filled { 1: quantity: Quantity, 2: price: Price } });
record!(Instruction { 1: control, 2: actor, 3: from, 4: reason, 5: key, 6: kills_seen });
record_enum!(Control {
    0: Stop,
    1: PauseTrading(Scope),
    2: ResumeTrading(Scope),
    3: EmergencyStop(Scope),
    4: Flatten(Scope),
    5: Rebalance(Scope),
    6: Block(Block),
    7: Lift(Block),
    8: Route(BrokerId),
    9: Adjust { 1: broker: BrokerId, 2: symbol: SymbolId, 3: quantity: Quantity, 4: price: Price },
    10: Claim { 1: broker: BrokerId, 2: slot: SlotKey },
    11: Resolve { 1: order: OrderNumber, 2: resolution: Resolution },
    12: Promote { 1: strategy: StrategyId, 2: to: Stage },
    13: CancelOrder(OrderNumber),
    14: AcceptClock(Timestamp),
    15: Acknowledge(u64),
    16: AccessRefused(u32),
});
