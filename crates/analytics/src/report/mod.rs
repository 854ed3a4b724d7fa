//! The report as a JSON document (contract.md section 5, TP21).
//!
//! [`Report::build`] makes it from a [`ReportInput`]; HTML, text and CSV are rendered from the
//! document alone, so a stored JSON report renders again at any time. Money, prices and quantities
//! are decimal strings, ratios are numbers, times are RFC 3339 in UTC, `null` is no value.
//!
//! Invariant: `gross_pnl - fees = net_pnl` in the summary, and `net_pnl` is the change of equity
//! without external payments.

mod build;
mod input;
mod rows;

use std::collections::BTreeMap;

use model::{Cash, Date};
use serde::{Deserialize, Serialize};

use crate::metrics::{
    Breakdowns, ExecutionMetrics, ExposureMetrics, ResamplingMetrics, SeriesMetrics, TradeMetrics,
};
pub use input::{OpenPosition, ReportInput, StrategyFacts};
pub use rows::{Direction, FillRow, FillSide, OpenPositionRow, TradeRow};

/// Version of the document's shape; a change that is not an addition raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// What kind of run a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Historical data and simulated fills.
    #[default]
    Backtest,
    /// Live data and simulated fills.
    Paper,
    /// A real account.
    Live,
}

/// The data of the run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct DataFacts {
    /// Symbols in the order of the run.
    pub symbols: Vec<String>,
    /// First session.
    pub from: Option<Date>,
    /// Last session.
    pub to: Option<Date>,
    /// Bars delivered.
    pub bars: u64,
    /// Ticks delivered.
    pub ticks: u64,
    /// Sessions.
    pub sessions: u64,
}

/// The key figures.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// E0.
    pub start_equity: Option<Cash>,
    /// Equity at the last close.
    pub end_equity: Option<Cash>,
    /// Change of equity without external payments; open positions count at their mark.
    pub net_pnl: Cash,
    /// The same before fees.
    pub gross_pnl: Cash,
    /// All fees: of closed trades, of open positions, and the account's charges (TK5-TK8).
    pub fees: Cash,
    /// External payments.
    pub flows: Cash,
    /// Dividends received less those paid: a part of `gross_pnl` that is in no trade.
    pub dividends: Cash,
    /// Closed trades.
    pub trades: u64,
    /// Orders sent.
    pub orders: u64,
    /// Fills received.
    pub fills: u64,
    /// Positions still open.
    pub open_positions: u64,
    /// Winners over all trades (TP15).
    pub win_rate: Option<f64>,
    /// Wins over losses in money (TP15).
    pub profit_factor: Option<f64>,
    /// Mean net per trade (TP15).
    pub expectancy: Option<Cash>,
    /// Mean R per trade (TP16).
    pub expectancy_r: Option<f64>,
    /// Growth over the whole run (TP2).
    pub total_return: Option<f64>,
    /// Growth per 252 sessions (TP2).
    pub annual_return: Option<f64>,
    /// Growth per 365.25 calendar days: `cagr_calendar` of TP2.
    pub cagr: Option<f64>,
    /// Standard deviation per year (TP3).
    pub volatility: Option<f64>,
    /// Sharpe ratio per year (TP4).
    pub sharpe: Option<f64>,
    /// Sortino ratio per year (TP5).
    pub sortino: Option<f64>,
    /// Calmar ratio (TP7).
    pub calmar: Option<f64>,
    /// Deepest drawdown, a negative fraction (TP6).
    pub max_drawdown: Option<f64>,
    /// True when annualised figures rest on fewer than 63 days (TP2).
    pub short_sample: bool,
    /// True when there are fewer than 30 trades (TP20).
    pub few_trades: bool,
}

/// Every TP figure; the families are merged into one flat object.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// Of the daily series (TP1-TP12).
    #[serde(flatten)]
    pub series: SeriesMetrics,
    /// Of the closed trades (TP14-TP18).
    #[serde(flatten)]
    pub trades: TradeMetrics,
    /// Exposure and costs (TP13).
    #[serde(flatten)]
    pub exposure: ExposureMetrics,
    /// Slippage (TP19).
    #[serde(flatten)]
    pub execution: ExecutionMetrics,
    /// Bootstrap and Monte Carlo (TP20).
    #[serde(flatten)]
    pub resampling: ResamplingMetrics,
    /// Trades by strategy, symbol, time and so on (TP19).
    pub breakdowns: Breakdowns,
}

/// One strategy of the run.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StrategyRow {
    /// Effective parameters.
    pub parameters: BTreeMap<String, String>,
    /// Positions still open.
    pub open_positions: u64,
    /// Statistics of its closed trades.
    #[serde(flatten)]
    pub trades: TradeMetrics,
}

/// A charge that belongs to no trade (TK5-TK8).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChargeRow {
    /// The day.
    pub date: Date,
    /// What it is for: `fee_rounding`, `short_borrow`, `margin_interest` ...
    pub kind: String,
    /// The cost.
    pub amount: Cash,
}

/// What the tax lots of a symbol brought in a year, first in first out (C26, TP14).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct TaxLotsRow {
    /// The symbol.
    pub symbol: String,
    /// The year in which the lots were closed.
    pub year: i16,
    /// Closed lots and parts of lots.
    pub parts: u64,
    /// Gains less losses, before the wash-sale rule.
    pub gain: Cash,
    /// Losses that do not count in that year: they are in the basis of shares bought again.
    pub wash_sales_disallowed: Cash,
}

/// One row of the fill-sensitivity table (TF15): the same run under another assumption.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SensitivityRow {
    /// The assumption, for example `slippage 2 ticks`.
    pub case: String,
    /// Its net result.
    pub net_pnl: Cash,
    /// Its closed trades.
    pub trades: u64,
    /// Its Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Its deepest drawdown.
    pub max_drawdown: Option<f64>,
}

/// How long the run took, in seconds of wall time.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Timing {
    /// Loading data.
    pub load_s: Option<f64>,
    /// Running the engine.
    pub engine_s: Option<f64>,
    /// Making the report.
    pub report_s: Option<f64>,
    /// Bars per second of the engine.
    pub bars_per_s: Option<f64>,
}

/// The report.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What kind of run.
    pub kind: RunKind,
    /// Version and commit of the build.
    pub build: String,
    /// Hash of the configuration.
    pub config_hash: String,
    /// The data.
    pub data: DataFacts,
    /// The fill model.
    pub fill: String,
    /// The commission plan.
    pub commission: String,
    /// The slippage.
    pub slippage: String,
    /// True when sizing and caps were off.
    pub limits_off: bool,
    /// True when fees of early dates were taken from the first row of a table (TK7).
    pub fees_extrapolated: bool,
    /// True when auction fills used bars (TF12).
    pub auctions_approximated: bool,
    /// Warnings about the figures, in words.
    pub labels: Vec<String>,
    /// The key figures.
    pub summary: Summary,
    /// All figures.
    pub metrics: Metrics,
    /// Figures by strategy.
    pub per_strategy: BTreeMap<String, StrategyRow>,
    /// Closed trades in order of exit.
    pub trades: Vec<TradeRow>,
    /// Positions left at the end.
    pub open_positions: Vec<OpenPositionRow>,
    /// Terms skipped for want of reference data.
    pub not_checked: Vec<String>,
    /// Equity at the session closes, E0 first.
    pub equity: Vec<(Date, Cash)>,
    /// External payments.
    pub flows: Vec<(Date, Cash)>,
    /// All fees by kind: `fills`, and each kind of charge that occurred.
    pub fees_by_kind: BTreeMap<String, Cash>,
    /// Charges that belong to no trade, in order of date.
    pub charges: Vec<ChargeRow>,
    /// Gains of the tax lots by symbol and year.
    pub tax_lots: Vec<TaxLotsRow>,
    /// Refused intents by reason.
    pub rejections: BTreeMap<String, u64>,
    /// Wanted entries that were not filled, by reason.
    pub missed_entries: BTreeMap<String, u64>,
    /// The fill-sensitivity table.
    pub sensitivity: Vec<SensitivityRow>,
    /// Durations.
    pub timing: Timing,
    /// Hash of all signals, risk decisions, orders and fills.
    pub decision_hash: String,
}

impl Report {
    /// Builds the report of a run.
    pub fn build(input: &ReportInput) -> Self {
        build::build(input)
    }

    /// Returns the document as indented JSON with a final line feed.
    pub fn to_json(&self) -> String {
        // A list that grows by copying costs as much as the writing: a trade takes about a KiB.
        let mut bytes = Vec::with_capacity((self.trades.len() + 64) * 1_100);
        // Writing to memory fails only for maps whose keys are no strings; the report has none.
        let _ = serde_json::to_writer_pretty(&mut bytes, self);
        bytes.push(b'\n');
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// Reads a document.
    pub fn from_json(text: &str) -> Result<Self, ReadReportError> {
        /// The one field that tells whether the others can be read.
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let version: Version = serde_json::from_str(text).map_err(ReadReportError::Syntax)?;
        if version.schema_version != SCHEMA_VERSION {
            return Err(ReadReportError::Version { found: version.schema_version });
        }
        serde_json::from_str(text).map_err(ReadReportError::Syntax)
    }
}

/// Why a text is not a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadReportError {
    /// No JSON, or not of this shape.
    #[error("read the report's JSON")]
    Syntax(#[source] serde_json::Error),
    /// Another version of the shape.
    #[error("read a report of schema version {found}; this build knows {SCHEMA_VERSION}")]
    Version {
        /// The version in the text.
        found: u32,
    },
}
