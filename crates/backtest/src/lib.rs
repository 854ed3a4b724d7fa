//! The driver that feeds engine and simulator with historical data.
//!
//! It merges events by time as TF1 says, calls [`engine::Engine::apply`], carries the commands to
//! [`simulator::Exchange`] and its reports back, and collects what happened. No journal, no
//! threads, no I/O: data comes in as values, results go out as values.
//!
//! Invariant: equal data and settings give an equal [`RunResult`], on every machine.

mod actions;
mod data;
mod driver;
mod reference;
mod result;
mod tick_feed;

pub use actions::actions_before;
pub use data::{Action, DataError, MarketData, SymbolData};
pub use driver::{Driver, Host, RunConfig, Venue, Wait, engine_config, exchange, run};
pub use indicators::reference::DailyBar;
pub use reference::symbol_days;
pub use result::{Exposure, NoSink, OpenPosition, RunResult, Sink};
pub use tick_feed::minute_bars;
