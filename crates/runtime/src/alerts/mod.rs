//! Alerts on their way to people (queue `risk_alerts`, C35).
//!
//! The core decides what is worth an alert; here it is brought to somebody. [`Alerter`] is the
//! giving end: the journal's writer gives what was released, supervisors give what needs no core.
//! The courier is a thread of its own behind it, which hands one notice after the other to a
//! [`Deliver`] and asks again for critical ones that nobody acknowledges. How a notice reaches a
//! person is the deliverer's business; [`LogDelivery`] writes it into the log.
//!
//! Invariants: who gives never waits (F41); a critical alert that is in the journal is delivered at
//! least once, over a full queue and over a crash (decision 0106).

mod alerter;
mod courier;
mod cursor;
mod log;
mod notice;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use engine::queues::DEFAULT_CAPACITY;

pub use alerter::Alerter;
pub use log::LogDelivery;
pub use notice::Notice;

pub(crate) use courier::{Courier, CourierParts};

/// How long a critical alert may stay without an acknowledgement before it is told again (C35).
const ESCALATE_AFTER: Duration = Duration::from_secs(60);

/// Brings notices to people. It may take its time: nothing but later notices waits for it.
pub trait Deliver: Send + Sync + Debug {
    /// Delivers one notice. One that was delivered may come again after a crash, with the same id.
    ///
    /// # Errors
    /// Why it was not delivered: it is tried again, with growing pauses.
    fn deliver(&self, notice: &Notice) -> Result<(), Undelivered>;
}

/// Why a notice was not delivered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an alert could not be delivered: {0}")]
pub struct Undelivered(pub String);

/// How alerts are delivered in a run.
#[derive(Clone, Debug)]
pub struct AlertSettings {
    /// Room of `risk_alerts`.
    pub capacity: usize,
    /// How long a critical alert may stay without an acknowledgement.
    pub escalate_after: Duration,
    /// Who brings them to people.
    pub deliver: Arc<dyn Deliver>,
}

impl Default for AlertSettings {
    /// Into the log.
    fn default() -> Self {
        let deliver = Arc::new(LogDelivery);
        Self { capacity: DEFAULT_CAPACITY, escalate_after: ESCALATE_AFTER, deliver }
    }
}
