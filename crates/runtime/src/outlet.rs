//! Where released things go in a live run: commands to the gateway, records to the lists, the
//! stream, the courier of alerts and the keeper of the emergency stop.
//!
//! All of it happens on the journal's writer thread, and none of it waits.

use std::sync::Arc;

use engine::alert_system::Severity;
use gateway::Dispatcher;
use model::{BrokerId, Command};
use tokio::sync::broadcast;

use crate::alerts::Alerter;
use crate::kill::KillKeeper;
use crate::projection::Projector;
use crate::release::{Outlet, Released, ReleasedCommand};

/// The alert of a journal that takes nothing any more.
pub(crate) const JOURNAL_DEAD: &str = "journal_dead";

/// The outlet of a live run.
#[derive(Debug)]
pub(crate) struct LiveOutlet {
    /// The ways to the brokers, by their ids.
    pub(crate) dispatchers: Arc<Vec<Dispatcher>>,
    /// What goes to one of them at once. The memory is kept.
    pub(crate) batch: Vec<gateway::Released>,
    pub(crate) keeper: Arc<KillKeeper>,
    pub(crate) projector: Projector,
    pub(crate) alerter: Alerter,
    pub(crate) records: broadcast::Sender<Arc<Released>>,
}

impl Outlet for LiveOutlet {
    fn heed(&mut self, record: &Released) {
        self.keeper.note(record);
    }

    fn commands(&mut self, commands: &[ReleasedCommand]) {
        for (id, dispatcher) in (0..=u8::MAX).map(BrokerId).zip(self.dispatchers.iter()) {
            let theirs = commands.iter().filter(|released| broker_of(&released.command) == id);
            self.batch.extend(theirs.map(|released| gateway::Released {
                command: released.command,
                decided_mono_ns: u64::try_from(released.decided_ns).unwrap_or(0),
                seq: released.seq,
            }));
            if !self.batch.is_empty() {
                dispatcher.send(&self.batch);
                self.batch.clear();
            }
        }
    }

    fn record(&mut self, record: &Arc<Released>) {
        self.projector.give(record);
        self.alerter.give(record);
        // Nobody follows: that is no fault.
        let _ = self.records.send(Arc::clone(record));
    }

    fn dead(&mut self, reason: &str) {
        tracing::error!(reason, "the journal is dead: entries are blocked and cancelled");
        self.keeper.cut(&format!("the journal is dead: {reason}"));
        let message = format!("the journal is dead, entries are blocked and cancelled: {reason}");
        self.alerter.raise(Severity::Critical, JOURNAL_DEAD, message);
    }
}

fn broker_of(command: &Command) -> BrokerId {
    match command {
        Command::Submit(order) => order.broker,
        Command::Replace(request) => request.broker,
        Command::Cancel(request) => request.broker,
        Command::Query(query) => query.broker,
    }
}
