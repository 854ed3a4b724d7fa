//! The way in for everything around the core: server, command line, signals, supervisors.
//!
//! A command goes through the inbox and comes back with a receipt when it is durable. An emergency
//! stop does not wait for that: it first goes down a path without core, disk or inbox
//! (journal.md 13), then through the reserved room of the inbox.
//!
//! Invariant: there is one way to command the core; whoever asks for a view reads what the core
//! published and never its memory.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use engine::risk_manager::Scope;
use engine::{Control, Input, Instruction, LimitChange};
use tokio::sync::{broadcast, oneshot, watch};

use crate::front::Beat;
use crate::inbox::{Full, Inbox, MarketCounts, SystemEvent};
use crate::kill::KillKeeper;
use crate::release::{Receipt, Released};
use crate::view::{Lists, Run, View};

/// How long an emergency stop waits for the disk before it says so (K4).
const KILL_WAIT: Duration = Duration::from_secs(1);

/// Why an instruction was not taken, or its fate is not known.
#[derive(Debug, thiserror::Error)]
pub enum InstructError {
    /// The queue is full: nothing was taken.
    #[error(transparent)]
    Full(#[from] Full),
    /// An emergency stop found no room on its way to the core: at the gateway it holds already.
    #[error("the emergency stop holds at the gateway; the core is told as soon as it has room")]
    Waiting,
    /// The core ended before the instruction was durable: look at the state after the next start.
    #[error("the core has ended: whether the instruction was taken shows after the next start")]
    Ended,
}

/// What became of an emergency stop (K4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Killed {
    /// No opening order leaves from now on.
    pub engaged: bool,
    /// It is in the journal and holds over a restart; else the `KILL` file holds it.
    pub durable: bool,
    /// The receipt, when it came in time.
    pub receipt: Option<Receipt>,
}

/// What a handle is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) inbox: Inbox,
    pub(crate) kill: Arc<KillKeeper>,
    pub(crate) run: Arc<Run>,
    pub(crate) view: watch::Receiver<Arc<View>>,
    pub(crate) lists: Arc<RwLock<Lists>>,
    pub(crate) records: broadcast::Sender<Arc<Released>>,
    pub(crate) beat: Arc<Beat>,
}

/// The way in. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Handle {
    parts: Arc<Parts>,
}

impl Handle {
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Gives an instruction and waits until what became of it is durable.
    ///
    /// An emergency stop given here takes the fast path as well, but waits for the disk without a
    /// bound: [`emergency_stop`](Self::emergency_stop) does not.
    ///
    /// # Errors
    /// The queue is full, or the core ended meanwhile.
    pub async fn instruct(&self, given: Instruction) -> Result<Receipt, InstructError> {
        let receipt = match given.control {
            Control::EmergencyStop(scope) => match self.parts.kill.engage(scope, given) {
                Some(receipt) => receipt,
                None => return Err(InstructError::Waiting),
            },
            _ => self.offer(Input::Control(Box::new(given)))?,
        };
        receipt.await.map_err(|_| InstructError::Ended)
    }

    /// Asks for other limits and waits until the answer is durable (C42).
    ///
    /// # Errors
    /// The queue is full, or the core ended meanwhile.
    pub async fn limits(&self, change: LimitChange) -> Result<Receipt, InstructError> {
        let receipt = self.offer(Input::Limits(Box::new(change)))?;
        receipt.await.map_err(|_| InstructError::Ended)
    }

    /// Stops opening at once and cancels entries; waits for the disk for a second at most (K1-K4).
    ///
    /// With the scope `all` nothing of it needs the core; a part of the system is stopped by the
    /// core, ahead of everything else that waits. When the disk does not answer in time, a stop of
    /// everything is kept by the `KILL` file in the data directory.
    pub async fn emergency_stop(&self, scope: Scope, given: Instruction) -> Killed {
        let all = scope == Scope::All;
        let why = format!("{} from {}: {}", given.actor, given.from, given.reason);
        let receipt = match self.parts.kill.engage(scope, given) {
            Some(receipt) => {
                tokio::time::timeout(KILL_WAIT, receipt).await.ok().and_then(Result::ok)
            }
            None => None,
        };
        let durable = receipt.is_some();
        if !durable && all {
            self.keep_kill(why).await;
        }
        Killed { engaged: all || durable, durable, receipt }
    }

    /// Writes the `KILL` file, so that the next start keeps entries blocked.
    async fn keep_kill(&self, why: String) {
        let kill = Arc::clone(&self.parts.kill);
        let written = tokio::task::spawn_blocking(move || kill.keep(&why)).await;
        match written {
            Ok(Ok(())) => tracing::warn!("the emergency stop is kept by the KILL file"),
            Ok(Err(error)) => tracing::error!(%error, "the KILL file cannot be written"),
            Err(error) => tracing::error!(%error, "the KILL file was not written"),
        }
    }

    fn offer(&self, input: Input) -> Result<oneshot::Receiver<Receipt>, Full> {
        let (reply, receipt) = oneshot::channel();
        self.parts.inbox.offer(SystemEvent { input, reply: Some(reply) })?;
        Ok(receipt)
    }

    /// Returns the last published view.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.parts.view.borrow())
    }

    /// Returns where new views are announced.
    pub fn views(&self) -> watch::Receiver<Arc<View>> {
        self.parts.view.clone()
    }

    /// Reads what happened so far.
    pub fn lists<T>(&self, read: impl FnOnce(&Lists) -> T) -> T {
        read(&self.parts.lists.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Follows released records from now on; a slow reader is told how many it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Released>> {
        self.parts.records.subscribe()
    }

    /// Returns what became of all market data that was offered (F42).
    pub fn market_counts(&self) -> MarketCounts {
        self.parts.inbox.market_counts()
    }

    /// Returns the constants of the run, with the names of symbols, strategies and brokers.
    pub fn run(&self) -> &Arc<Run> {
        &self.parts.run
    }

    /// Returns for how long the core's loop has not turned (F44): red from two seconds on.
    pub fn core_silence(&self) -> Duration {
        self.parts.beat.silence()
    }

    /// Returns why the kill line at the gateway is cut; none while it is whole.
    pub fn kill_line(&self) -> Option<String> {
        self.parts.kill.engaged()
    }
}
