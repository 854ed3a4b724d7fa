//! Attempts that were refused at the door, told to the core in bundles: they are in the journal and
//! become alerts (S8).
//!
//! Invariant: whatever comes at the door, the core hears of it once in ten seconds at most.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::{Control, Instruction};

use crate::system::System;

/// The pause between two bundles.
const PAUSE: Duration = Duration::from_secs(10);
/// Who says so, in the journal.
const ACTOR: &str = "api";
/// Longest text about an attempt, in characters.
const LONGEST: usize = 200;

/// Collects refused attempts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals {
    bundle: Arc<Mutex<Bundle>>,
}

#[derive(Debug, Default)]
struct Bundle {
    count: u32,
    /// The last attempt: from where, and what.
    last: Option<(SocketAddr, String)>,
    /// A task takes bundles away.
    told: bool,
}

impl Refusals {
    fn bundle(&self) -> MutexGuard<'_, Bundle> {
        self.bundle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an attempt; the core hears of the first one at once, of later ones in bundles. Must be
    /// called on a tokio runtime.
    pub(crate) fn note(&self, system: &Arc<dyn System>, from: SocketAddr, what: &str) {
        let mut bundle = self.bundle();
        bundle.count = bundle.count.saturating_add(1);
        bundle.last = Some((from, what.chars().take(LONGEST).collect()));
        if !std::mem::replace(&mut bundle.told, true) {
            tokio::spawn(tell(self.clone(), Arc::clone(system), PAUSE));
        }
    }

    /// Takes what was collected; none ends the task.
    fn take(&self) -> Option<(u32, SocketAddr, String)> {
        let mut bundle = self.bundle();
        let count = std::mem::take(&mut bundle.count);
        let last = bundle.last.take();
        bundle.told = last.is_some();
        last.map(|(from, what)| (count, from, what))
    }

    /// Puts back what found no room.
    fn put_back(&self, count: u32, from: SocketAddr, what: String) {
        let mut bundle = self.bundle();
        bundle.count = bundle.count.saturating_add(count);
        bundle.last.get_or_insert((from, what));
    }
}

/// Tells the core one bundle after the other, until a pause brought none.
async fn tell(refusals: Refusals, system: Arc<dyn System>, pause: Duration) {
    while let Some((count, from, what)) = refusals.take() {
        let given = Instruction {
            control: Control::AccessRefused(count),
            actor: ACTOR.to_owned(),
            from: from.to_string(),
            reason: what.clone(),
            ..Instruction::default()
        };
        if let Err(error) = system.instruct(given).await {
            tracing::warn!(%error, count, "refused attempts could not be told to the core");
            refusals.put_back(count, from, what);
        }
        tokio::time::sleep(pause).await;
    }
}
