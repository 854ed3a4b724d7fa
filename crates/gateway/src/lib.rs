//! What every broker and market-data provider promises, and what stands between them and the core:
//! the last point before the wire, pacing, reconnecting, and the one exam that all adapters pass.
//!
//! [`Dispatcher`] carries released commands to one [`Broker`] and everything it says back.
//! [`KillSwitch`] stops all opening at once and cancels what opens, without the core. An adapter
//! knows one vendor's wire; it decides nothing.
//!
//! Invariant: each request handed over ends in exactly one of four outcomes, and only evidence of
//! non-acceptance is a refusal (I10).

mod broker;
mod children;
mod direct;
mod dispatch;
pub mod exam;
mod kill;
mod provider;
mod reconnect;

pub use broker::{Answer, Broker, BrokerSignal, Unavailable};
pub use children::Children;
pub use direct::{DirectStop, cancel_entries};
pub use dispatch::{
    Clock, DispatchStatus, Dispatcher, DispatcherSettings, Latencies, Released, Said, Standing,
    What,
};
pub use kill::{KillScope, KillSwitch};
pub use provider::{FeedSignal, FeedSink, MarketDataProvider, ProviderStatus, ReferenceSource};
pub use reconnect::{Backoff, SILENCE, Silent, within};
