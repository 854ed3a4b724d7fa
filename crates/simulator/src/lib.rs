//! The simulated exchange: fill models, costs and a seeded market generator.
//!
//! [`Exchange`] is the broker and venue of backtest, demo and paper trading in bar mode; the
//! [`generator`] makes days to trade on. Both are pure: time, data and seeds arrive as values, and
//! equal calls give equal results on every machine. What is traded and why is decided by `engine`
//! and `strategies`; who calls whom, and when, by `backtest` and `runtime`.

pub mod exchange;
pub mod generator;
mod random;

pub use exchange::{
    Exchange, ExchangeConfig, ExchangeConfigError, FillMode, Impact, LimitFill, Night,
    ParseFillModeError, Slippage, SlippageModel, SpreadRow, WorkingOrder,
};
