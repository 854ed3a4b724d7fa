//! What a run leaves behind.

use std::collections::BTreeMap;

use engine::alert_system::Alert;
use engine::ledger::YearTotals;
use engine::strategy_engine::Decision;
use engine::{Engine, Fact};
use model::{
    Cash, ChargeKind, ClosedTrade, Date, Price, Quantity, StrategyId, SymbolId, Timestamp,
};

/// A listener to a run: decision files, progress bars, the demo's story.
pub trait Sink {
    /// Hears every fact as it is decided, with the engine after it.
    fn fact(&mut self, _engine: &Engine, _fact: &Fact) {}

    /// Hears every evaluation that led to nothing, when the run records all.
    fn evaluation(&mut self, _engine: &Engine, _decision: &Decision) {}

    /// Hears how far the run is, once per session.
    fn progress(&mut self, _done: u64, _total: u64) {}
}

/// A listener that hears nothing.
#[derive(Debug, Default)]
pub struct NoSink;

impl Sink for NoSink {}

/// A position left at the end of the data: marked, and in no trade (TF1).
#[derive(Clone, PartialEq, Debug)]
pub struct OpenPosition {
    /// Whose position it is.
    pub strategy: StrategyId,
    /// What is held.
    pub symbol: SymbolId,
    /// Signed shares.
    pub quantity: Quantity,
    /// Average entry price.
    pub entry_price: Price,
    /// When it was opened.
    pub opened: Timestamp,
    /// Official close of the last session, else the last price.
    pub mark: Price,
    /// Result of the open shares if they were closed at the mark, before fees.
    pub unrealized_pnl: Cash,
    /// Result of the shares already closed, before fees.
    pub realized_pnl: Cash,
    /// Fees paid so far.
    pub fees: Cash,
    /// Its working protective stop.
    pub stop: Option<Price>,
}

/// The result of a run. Equal inputs give an equal result on every machine.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RunResult {
    /// Closed trades in order of closing.
    pub trades: Vec<ClosedTrade>,
    /// Equity at each session's close, beginning with the session before the first (TP1).
    pub equity: Vec<(Date, Cash)>,
    /// Positions left at the last session's close.
    pub open_positions: Vec<OpenPosition>,
    /// Refused entries by reason.
    pub rejections: BTreeMap<String, u64>,
    /// Terms that were skipped for want of reference data.
    pub not_checked: Vec<String>,
    /// Orders sent.
    pub orders: u64,
    /// Executions booked.
    pub fills: u64,
    /// Bars fed.
    pub bars: u64,
    /// Prints and quotes fed.
    pub ticks: u64,
    /// Bars, prints and quotes that the engine refused.
    pub refused: u64,
    /// Sessions run.
    pub sessions: u64,
    /// Charges that belong to no fill, by session and kind (TK5-TK7).
    pub charges: Vec<(Date, ChargeKind, Cash)>,
    /// Dividends received less those paid, in no trade (F27).
    pub dividends: Cash,
    /// Gains of the tax lots by symbol and year, with what the wash-sale rule defers (C26).
    pub tax_lots: Vec<(SymbolId, YearTotals)>,
    /// A fee table was asked for a date before its first row (TK7).
    pub fees_extrapolated: bool,
    /// Auction fills at estimated prices (TF12).
    pub auction_estimates: u64,
    /// Alerts raised.
    pub alerts: Vec<Alert>,
    /// Hash of every signal, risk decision, order and fill, as 32 hexadecimal digits.
    pub decision_hash: String,
    /// Equity at the end.
    pub end_equity: Cash,
    /// Minutes of regular sessions with a position, and all of them (TP13).
    pub exposure: Exposure,
}

/// How much of the time and of the equity was at work (TP13).
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Exposure {
    /// Regular minutes with at least one position.
    pub minutes_in_market: u64,
    /// Regular minutes run.
    pub minutes: u64,
    /// Mean of gross exposure over equity, by regular minute.
    pub mean_gross: f64,
    /// Largest gross exposure over equity.
    pub max_gross: f64,
}
