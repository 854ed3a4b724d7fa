//! Market data on disk: import, the Parquet store with its compact cache, checks and export.
//!
//! [`import`] brings LEAN folders, CSV and Parquet into a [`Store`]; the store gives bars and
//! corporate actions to backtests and demos; [`check`] looks for gaps and oddities; [`export`]
//! writes bars for other programs. Sessions come from [`model::exchange`]; printing, flags and
//! progress bars are the command line's.
//!
//! Invariant: a bar is what its source said or it is not there. Nothing is filled, shifted by a
//! guess or silently dropped: rows = stored + duplicates + conflicts + rejected + skipped.
//!
//! ```no_run
//! use catalog::{ImportOptions, Store, import};
//! use model::exchange::Calendar;
//!
//! let options = ImportOptions {
//!     paths: vec!["minutes.csv".into()],
//!     into: "market".into(),
//!     ..ImportOptions::default()
//! };
//! let report = import(&options, &Calendar::nyse(), &mut |_| {})?;
//! let store = Store::open("market".as_ref())?;
//! for series in report.symbols {
//!     let bars = store.load(series.symbol, series.resolution, series.from, series.to)?;
//!     assert_eq!(bars.len() as u64, series.bars);
//! }
//! # Ok::<(), catalog::CatalogError>(())
//! ```

mod check;
mod check_ticks;
mod columns;
mod error;
mod export;
mod import;
mod open;
mod resolution;
mod store;
mod tick;

pub use check::{CheckReport, Finding, FindingKind, check};
pub use error::CatalogError;
pub use export::{ExportFormat, ExportOptions, ExportReport, export};
pub use import::{
    ActionsReport, BrokenFile, IgnoredColumns, ImportFormat, ImportOptions, ImportReport,
    OnConflict, OnProgress, Progress, Reason, Rejection, Rename, SkippedFiles, Stage, StampSide,
    StoreConflict, import,
};
pub use open::{OpenData, open_data};
pub use resolution::{ParseResolutionError, Resolution};
pub use store::{Action, ActionKind, Listing, Series, Store, TickSeries};
pub use tick::TickKind;
