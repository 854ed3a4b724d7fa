//! Performance metrics and reports (rules TP1-TP28 of trading.md).
//!
//! [`metrics`] computes every figure from the daily equity and the closed trades, [`report`] is the
//! JSON document of contract.md section 5, [`html`], [`text`] and [`csv`] render that document and
//! nothing else. Trades come from the engine's performance tracker through [`model::ClosedTrade`];
//! files, clocks and configuration belong to the callers.
//!
//! Invariant: equal inputs give equal bytes on every machine (TP21); the report's `timing` alone
//! may differ between two runs. A figure that has no value is `null` and a dash, never 0 or NaN.
//!
//! ```
//! use analytics::report::{Report, ReportInput};
//! use model::Cash;
//!
//! let usd = |dollars| Cash::from_dollars(dollars).unwrap();
//! let input = ReportInput {
//!     equity: vec![
//!         ("2025-06-02".parse().unwrap(), usd(100_000)),
//!         ("2025-06-03".parse().unwrap(), usd(99_000)),
//!     ],
//!     ..ReportInput::default()
//! };
//! let report = Report::build(&input);
//! assert_eq!(report.summary.max_drawdown, Some(-0.01));
//! assert_eq!(report.summary.sharpe, None); // one return has no spread
//! assert!(report.to_json().contains("\"net_pnl\": \"-1000.00\""));
//! ```

pub mod csv;
mod format;
pub mod html;
mod math;
pub mod metrics;
pub mod normal;
mod random;
pub mod report;
mod stats;
pub mod text;
