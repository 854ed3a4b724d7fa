//! The way of commands to a broker, and of everything it says to the core: one task per broker.
//!
//! `door` lets commands in on the thread that let them out, `lanes` keeps the order of each order, `last_point` checks each command once more, `table` knows
//! what the kill switch has to cancel, `questions` cuts answers into pages, `task` is the loop.
//!
//! Invariant: a released submit, replacement or cancel gives exactly one outcome; what a broker
//! says is passed on in its order and never dropped.

mod door;
mod lanes;
mod last_point;
mod questions;
mod stats;
mod table;
mod task;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use engine::queues::QueueStatus;
use model::{BrokerId, ClientOrderId, Command, Page, Quantity, RequestKind, SendOutcome, SymbolId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::broker::{Broker, BrokerSignal};
use crate::children::Children;
use crate::kill::KillSwitch;
use door::{Door, Hall};
use stats::Stats;

pub use stats::{DispatchStatus, Latencies};

/// A command that may leave: the group that holds it is on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Released {
    /// The command.
    pub command: Command,
    /// When it was decided, in nanoseconds of the boot-time clock.
    pub decided_mono_ns: u64,
    /// Sequence of its fact in the journal.
    pub seq: u64,
}

/// Something for the core.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Whose broker it is about.
    pub broker: BrokerId,
    /// What it is.
    pub what: What,
}

/// What a broker said, or what became of handing something to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// What became of a request.
    Outcome {
        /// The id in the request: the order's, or for a replacement the new one.
        client_id: ClientOrderId,
        /// What was requested.
        request: RequestKind,
        /// What became of it.
        outcome: SendOutcome,
    },
    /// A page of an answer.
    Page(Page),
    /// What the broker said unasked.
    Signal(BrokerSignal),
}

/// An entry order that an earlier run left at the broker: the kill switch knows it from the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Its id.
    pub client_id: ClientOrderId,
    /// Its symbol.
    pub symbol: SymbolId,
    /// Shares ordered.
    pub quantity: Quantity,
    /// Shares filled.
    pub filled: Quantity,
}

/// Nanoseconds of the boot-time clock: it goes on while the machine sleeps, and never back.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How a dispatcher works.
#[derive(Clone)]
pub struct DispatcherSettings {
    /// The broker's id in the run.
    pub broker: BrokerId,
    /// Commands that may wait.
    pub capacity: usize,
    /// How many of them only cancels, exits and questions may take.
    pub reserved: usize,
    /// How long a call may take before its outcome is unknown.
    pub call_timeout: Duration,
    /// The boot-time clock.
    pub clock: Clock,
    /// Messages a minute where the configuration says less than the broker (C13).
    pub messages_per_minute: Option<u32>,
    /// How many reports of this broker the core has counted so far: pages name that count
    /// (journal.md 12).
    pub reports: u64,
    /// What earlier runs left at the broker and is not known to have ended.
    pub standing: Vec<Standing>,
}

impl DispatcherSettings {
    /// Makes the defaults for a broker: room for 1,000 commands, a quarter of it reserved, ten
    /// seconds a call.
    pub fn new(broker: BrokerId, clock: Clock) -> Self {
        Self {
            broker,
            capacity: 1_000,
            reserved: 250,
            call_timeout: Duration::from_secs(10),
            clock,
            messages_per_minute: None,
            reports: 0,
            standing: Vec::new(),
        }
    }
}

impl fmt::Debug for DispatcherSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatcherSettings").field("broker", &self.broker).finish_non_exhaustive()
    }
}

/// The way to one broker.
#[derive(Debug)]
pub struct Dispatcher {
    door: Arc<Door>,
    stats: Arc<Stats>,
    task: JoinHandle<()>,
}

impl Dispatcher {
    /// Starts the task of a broker on the current tokio runtime: connects it, and says everything
    /// to `said`.
    pub fn spawn(
        broker: Arc<dyn Broker>,
        settings: DispatcherSettings,
        switch: &Arc<KillSwitch>,
        children: &Arc<Children>,
        said: mpsc::Sender<Said>,
    ) -> Self {
        let hall = Arc::new(Hall::default());
        let stats = Arc::new(Stats::new(settings.capacity, settings.reserved));
        let task = task::Task::new(broker, settings, switch, children, &hall, said, &stats);
        let door = Arc::new(Door::new(hall, task.run()));
        Self { task: tokio::spawn(Arc::clone(&door).run()), door, stats }
    }

    /// Takes commands that are let out together: a cancel among them withdraws its own submit. When
    /// the task rests, the first ones have left when this returns. It never waits: an entry that
    /// finds the room taken comes back as not sent, everything else has room of its own.
    pub fn send(&self, released: &[Released]) {
        self.door.push(released.iter().map(|&released| {
            let opens = last_point::opens(&released.command);
            if self.stats.admit(opens) {
                task::Incoming::Command(released)
            } else {
                task::Incoming::NoRoom(released)
            }
        }));
    }

    /// Returns how the queue and the calls are.
    pub fn status(&self) -> DispatchStatus {
        self.stats.status()
    }

    /// Returns the state of the queue `order_commands`.
    pub fn queue(&self) -> QueueStatus {
        self.stats.queue()
    }

    /// Takes nothing more, waits for the calls under way and ends the task.
    pub async fn close(mut self) {
        self.door.close();
        // The task ends by itself; an error would be its panic, which the runtime reports.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.door.close();
    }
}
