//! What a report is built from: facts of the run, its trades and its daily equity.

use std::collections::BTreeMap;

use model::{
    Cash, ChargeKind, ClosedTrade, Date, Price, Quantity, StrategyId, Symbol, SymbolId, Timestamp,
    TradeFill,
};

use super::{RunKind, SensitivityRow, TaxLotsRow, Timing};
use crate::metrics::{Benchmark, ExposureFigures, FillQuality, Resampling, TradeContext, Trials};

/// A strategy instance of the run; its place in the list is its [`StrategyId`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StrategyFacts {
    /// Name of the instance.
    pub name: String,
    /// Effective parameters as text.
    pub parameters: BTreeMap<String, String>,
}

/// A position that is still open at the end.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct OpenPosition {
    /// Whose position it is.
    pub strategy: StrategyId,
    /// What is held.
    pub symbol: SymbolId,
    /// True for long.
    pub long: bool,
    /// Shares held now, above 0.
    pub quantity: Quantity,
    /// Time of the first fill.
    pub entry_time: Timestamp,
    /// Average entry price.
    pub entry_price: Price,
    /// Price it is marked at; none when there is none.
    pub mark: Option<Price>,
    /// The protective stop sent with the entry.
    pub initial_stop: Option<Price>,
    /// The fills so far, partial exits included.
    pub fills: Vec<TradeFill>,
}

/// Everything a report is built from. Fields that a run does not know stay at their default.
#[derive(Clone, Debug, Default)]
pub struct ReportInput {
    /// What kind of run it was.
    pub kind: RunKind,
    /// Version and commit of the build.
    pub build: String,
    /// Hash of the effective configuration, hexadecimal.
    pub config_hash: String,
    /// Hash of all signals, risk decisions, orders and fills, hexadecimal.
    pub decision_hash: String,
    /// Symbols; the place in the list is the [`SymbolId`].
    pub symbols: Vec<Symbol>,
    /// Strategies; the place in the list is the [`StrategyId`].
    pub strategies: Vec<StrategyFacts>,
    /// First session of the run.
    pub from: Option<Date>,
    /// Last session of the run.
    pub to: Option<Date>,
    /// Bars delivered.
    pub bars: u64,
    /// Ticks delivered.
    pub ticks: u64,
    /// Sessions of the run.
    pub sessions: u64,
    /// Orders sent.
    pub orders: u64,
    /// Fills received.
    pub fills: u64,
    /// The fill model in words (`conservative`, `next_open` ...).
    pub fill: String,
    /// The commission plan in words.
    pub commission: String,
    /// The slippage in words.
    pub slippage: String,
    /// Closed trades in any order.
    pub trades: Vec<ClosedTrade>,
    /// Circumstances of trades by id, for the gap and volume breakdowns (TP19).
    pub contexts: BTreeMap<u64, TradeContext>,
    /// Equity at the session closes; E0 first, dated at the session before the first (TP1).
    pub equity: Vec<(Date, Cash)>,
    /// External payments by date, positive when money arrived (TP1).
    pub flows: BTreeMap<Date, Cash>,
    /// Positions still open at the end.
    pub open_positions: Vec<OpenPosition>,
    /// Refused intents by reason.
    pub rejections: BTreeMap<String, u64>,
    /// Entries that were wanted and not filled, by reason (TP19).
    pub missed_entries: BTreeMap<String, u64>,
    /// Terms that were skipped for want of reference data.
    pub not_checked: Vec<String>,
    /// Charges that belong to no trade: rounding, borrow, interest (TK5-TK8).
    pub charges: Vec<(Date, ChargeKind, Cash)>,
    /// Dividends received less those paid, in no trade.
    pub dividends: Cash,
    /// Gains of the tax lots by symbol and year (C26).
    pub tax_lots: Vec<TaxLotsRow>,
    /// True when a trade date lies before the first row of a fee table (TK7).
    pub fees_extrapolated: bool,
    /// True when auction fills used bars for want of official prices (TF12).
    pub auctions_approximated: bool,
    /// True when sizing and caps were off (`--no-risk-limits`).
    pub limits_off: bool,
    /// Exposure by the minute, where the run measured it (TP13).
    pub exposure: Option<ExposureFigures>,
    /// Fills with the prices they are judged by, where the run kept them (TP19).
    pub executions: Vec<FillQuality>,
    /// The benchmark, if one was asked for (TP9).
    pub benchmark: Option<Benchmark>,
    /// Risk-free rate per year (TP3).
    pub risk_free_annual: f64,
    /// The optimiser's record when these parameters come from one (TP12).
    pub trials: Option<Trials>,
    /// Fill-sensitivity table (TF15).
    pub sensitivity: Vec<SensitivityRow>,
    /// How to resample (TP20).
    pub resampling: Resampling,
    /// Durations; the only part that may differ between two runs.
    pub timing: Timing,
}
