//! The orderly stop (F50): entries are cancelled, and what brokers say to that still enters the
//! journal, for a few seconds at most.

use std::time::{Duration, Instant};

use model::OrderState;

use super::Live;

/// How long the loop waits for cancelled entries: the whole stop takes ten seconds at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// A stop under way.
#[derive(Debug)]
pub(super) struct Stopping {
    since: Instant,
}

impl Stopping {
    pub(super) fn new() -> Self {
        Self { since: Instant::now() }
    }
}

impl Live {
    /// Returns true when the core was stopped and no entry is left that a broker may still say
    /// something about, or the patience is over.
    pub(super) fn is_stopped(&self) -> bool {
        let Some(stopping) = &self.stopping else { return false };
        let open = |order: &&engine::order_manager::Order| {
            !order.state.is_terminal()
                && order.state != OrderState::Unknown
                && !order.request.role.is_exit()
        };
        let waits = self.sequencer.engine().books().orders().iter().any(|order| open(&order));
        !waits || stopping.since.elapsed() >= PATIENCE
    }
}
