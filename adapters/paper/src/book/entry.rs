//! What the log holds: each call that changes the book, and what came of it.
//!
//! A tag, once given, keeps its meaning: logs of earlier builds are read by later ones.

use model::exchange::Session;
use model::record::{DecodeError, Writer, find};
use model::{
    Bar, CancelRequest, Cash, ChargeKind, CorporateAction, Date, ExecutionReport, NewOrder, Price,
    Quantity, Quote, ReplaceRequest, Symbol, SymbolId, Timestamp, Trade, record_enum,
};

/// One entry. Symbols are numbered as [`Entry::Symbols`] lists them.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Entry {
    /// Nothing more happened in the bar in progress when the book was asked.
    #[default]
    Silent,
    /// The account is opened with this much cash.
    Deposit(Cash),
    /// These symbols are known from now on, beside those before.
    Symbols(Vec<Symbol>),
    /// A session begins.
    Session(Session),
    /// What the slippage model reads of a symbol (TF11).
    SymbolDay {
        /// Whose figures.
        symbol: SymbolId,
        /// Mean daily volume in shares.
        adv20: Option<f64>,
        /// Standard deviation of daily returns.
        sigma_daily: Option<f64>,
    },
    /// An order came.
    Submit {
        /// When.
        time: Timestamp,
        /// The order.
        order: NewOrder,
    },
    /// A replacement came.
    Replace {
        /// When.
        time: Timestamp,
        /// The request.
        request: ReplaceRequest,
    },
    /// A cancellation came.
    Cancel {
        /// When.
        time: Timestamp,
        /// The request.
        request: CancelRequest,
    },
    /// A bar of a symbol with orders began.
    Bar {
        /// Its symbol.
        symbol: SymbolId,
        /// The bar.
        bar: Bar,
        /// Whether it lies in regular hours.
        rth: bool,
    },
    /// The bar, print or quote in progress ended.
    EndBar,
    /// A print of a symbol with orders.
    Print {
        /// Its symbol.
        symbol: SymbolId,
        /// The print.
        trade: Trade,
        /// Whether it lies in regular hours.
        rth: bool,
    },
    /// A quote of a symbol: while it has orders, and the last one before the first of them.
    Quote {
        /// Its symbol.
        symbol: SymbolId,
        /// The quote.
        quote: Quote,
        /// Whether it lies in regular hours.
        rth: bool,
    },
    /// A minute of prints ended.
    EndMinute {
        /// Its symbol.
        symbol: SymbolId,
        /// When the minute began.
        start: Timestamp,
        /// Whether it lies in regular hours.
        rth: bool,
    },
    /// Trading in a symbol stopped or started again.
    Halt {
        /// Its symbol.
        symbol: SymbolId,
        /// True when it stopped.
        halted: bool,
    },
    /// The regular session ended.
    CloseSession {
        /// When.
        time: Timestamp,
    },
    /// The official close of a symbol.
    Close {
        /// Its symbol.
        symbol: SymbolId,
        /// The close.
        price: Price,
    },
    /// The day ended for costs.
    DayRoll {
        /// The session.
        session: Date,
        /// When its trades settle.
        settles: Option<Date>,
        /// Calendar days until the next session.
        days: u32,
    },
    /// The account was charged in the day roll before.
    Charge {
        /// What for.
        kind: ChargeKind,
        /// How much; negative when it is paid back.
        fee: Cash,
    },
    /// A corporate action happened.
    Act {
        /// When.
        time: Timestamp,
        /// The action.
        action: CorporateAction,
    },
    /// Shares held after the action before.
    Held(Quantity),
    /// The book reported this.
    Report(ExecutionReport),
    /// All before it was taken over as it was recorded: other settings or another build went on.
    Adopted,
    /// A piece of the log begins, behind one of this length.
    Piece {
        /// Bytes of the piece before.
        before: u64,
    },
}

record_enum!(Entry {
    0: Silent,
    1: Deposit(Cash),
    2: Symbols(Vec<Symbol>),
    3: Session(Session),
    4: SymbolDay { 1: symbol: SymbolId, 2: adv20: Option<f64>, 3: sigma_daily: Option<f64> },
    5: Submit { 1: time: Timestamp, 2: order: NewOrder },
    6: Replace { 1: time: Timestamp, 2: request: ReplaceRequest },
    7: Cancel { 1: time: Timestamp, 2: request: CancelRequest },
    8: Bar { 1: symbol: SymbolId, 2: bar: Bar, 3: rth: bool },
    9: EndBar,
    10: Print { 1: symbol: SymbolId, 2: trade: Trade, 3: rth: bool },
    11: Quote { 1: symbol: SymbolId, 2: quote: Quote, 3: rth: bool },
    12: EndMinute { 1: symbol: SymbolId, 2: start: Timestamp, 3: rth: bool },
    13: Halt { 1: symbol: SymbolId, 2: halted: bool },
    14: CloseSession { 1: time: Timestamp },
    15: Close { 1: symbol: SymbolId, 2: price: Price },
    16: DayRoll { 1: session: Date, 2: settles: Option<Date>, 3: days: u32 },
    17: Charge { 1: kind: ChargeKind, 2: fee: Cash },
    18: Act { 1: time: Timestamp, 2: action: CorporateAction },
    19: Held(Quantity),
    20: Report(ExecutionReport),
    21: Adopted,
    22: Piece { 1: before: u64 },
});

impl Entry {
    /// Writes the entry's bytes into an empty writer.
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.field(1, self);
    }

    /// Reads an entry.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        find(bytes, 1, "Entry")
    }
}
