//! Streaming technical indicators (rules TI1-TI19) and the reference data of a session (TB6, TB7).
//!
//! Each indicator takes one value or one bar per `update` and allocates nothing after its
//! construction. All of them answer `value()` (a value or none), `count()` (values or bars used),
//! `warm_up()` (values or bars needed before the first value) and `reset()` (TI19), and save and
//! load their whole state, parameters included, through [`model::record!`]. Which bars belong to
//! which session and when a day begins is the caller's knowledge: indicators of a day are told by
//! `reset` or `start_day`. Bar validity is the data manager's matter; aggregation to longer bars
//! (TB9) and every decision live in `engine`.
//!
//! Invariant: a published value is finite, whatever the input and whatever state was loaded.
//! Values beyond [`INPUT_LIMIT`], infinities and NaN are ignored as if they had not come. Only
//! `+ - * /` and `sqrt` are used, in a fixed order, so equal inputs give equal bits everywhere.
//! Periods are in bars (TB4: bars that exist) and are clamped to 1..=[`MAX_PERIOD`].
//!
//! ```
//! use indicators::{Ema, SessionVwap};
//! use model::{Bar, Volume};
//!
//! let mut ema = Ema::new(3);
//! assert_eq!(ema.update(1.0), None);
//! assert_eq!(ema.update(2.0), None);
//! assert_eq!(ema.update(6.0), Some(3.0)); // seeded with the mean of the first three (TI2)
//! assert_eq!(ema.update(5.0), Some(4.0));
//!
//! let price = |text: &str| text.parse().unwrap();
//! let bar = Bar {
//!     high: price("10.30"),
//!     low: price("10.00"),
//!     close: price("10.00"),
//!     volume: Volume(500),
//!     ..Bar::default()
//! };
//! let mut vwap = SessionVwap::new();
//! vwap.update(&bar);
//! assert!((vwap.value().unwrap() - 10.10).abs() < 1e-12);
//! ```

mod adx;
mod aggregate;
mod averages;
mod cci;
mod deviation;
mod extremes;
mod gap;
mod guard;
mod levels;
mod macd;
mod momentum;
mod range;
pub mod reference;
mod rsi;
mod rvol;
mod session;
mod stochastic;
mod volume;
mod vwap;
mod window;

pub use adx::Adx;
pub use aggregate::Aggregator;
pub use averages::{Ema, Rma, Sma, Wma};
pub use cci::Cci;
pub use deviation::{Bollinger, BollingerBands, StdDev};
pub use extremes::{Max, Min};
pub use gap::{Gap, gap_ratio};
pub use guard::{INPUT_LIMIT, MAX_PERIOD};
pub use levels::{HodLod, OpeningRange, PremarketLevels, PremarketRange, PriceRange};
pub use macd::{Macd, MacdValue};
pub use momentum::{Mom, Roc};
pub use range::{Atr, AtrDay, Natr, TrueRange};
pub use rsi::Rsi;
pub use rvol::{NoRvol, Rvol};
pub use stochastic::{Stochastic, StochasticValue, WilliamsR};
pub use volume::{Mfi, Obv};
pub use vwap::{AnchoredVwap, DayVwap, PrevHodVwap, SessionVwap, VwapScope};
