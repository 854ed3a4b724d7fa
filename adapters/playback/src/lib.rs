//! A market-data provider that plays recorded or generated days back.
//!
//! [`Days`] is where the days come from, [`Generated`] the market of a seed. [`Playback`] pushes
//! their events when they are due by the clock it is given, like a live feed: what happened while
//! nobody listened is over, and is there as history only. [`Anchor`] keeps the clock over a
//! restart, [`References`] the facts before each session. The stepped mode (decision 0095) reads the days itself and needs no provider.
//!
//! Invariant: nothing is pushed or told before its time: a minute is known at its end (TB1).
//!
//! ```
//! use model::exchange::Calendar;
//! use playback::{Days, Generated};
//! use std::sync::Arc;
//!
//! let first = "2026-11-24".parse().unwrap();
//! let days = Generated::new(7, first, &[], Arc::new(Calendar::nyse())).unwrap();
//! let data = days.load(first, first).unwrap();
//! assert_eq!(data.symbols().len(), days.symbols().len());
//! ```

mod anchor;
mod days;
mod provider;
mod reference;
mod timeline;

pub use anchor::{Anchor, AnchorError};
pub use days::{Days, DaysError, Generated};
pub use provider::{Now, Playback};
pub use reference::References;
