//! The strategies that ship with Bellwether, one file each, and the registry that makes them by
//! name.
//!
//! A strategy sees the core through [`engine::strategy_engine::Context`] only; sizes and limits
//! are the risk manager's. A stranger's crate adds its own strategies to a [`Registry`].
//!
//! ```
//! let registry = strategies::Registry::builtin();
//! let parameters = [("min_bars".to_owned(), "20".to_owned())];
//! assert!(registry.make("vwap_cross", &parameters).is_ok());
//! assert!(registry.make("vwap_crass", &[]).unwrap_err().to_string().contains("vwap_cross"));
//! ```

mod gap_and_go;
mod parameters;
mod registry;
mod storm;
mod time_of_day;
mod vwap_cross;
mod vwap_reclaim;

pub use parameters::{Kind, Parameter, ParameterError, Settings, nearest};
pub use registry::{MakeError, Registry, StrategyInfo};
pub use time_of_day::TimeOfDay;
