//! What leaves, and when: every output waits until its group is durable (journal.md 6).
//!
//! The core thread files what follows from a group under the group's last sequence; the journal's
//! writer calls [`Release::advance`] after each sync, and everything up to the durable sequence
//! goes out: what it means for the emergency stop, then commands, then what is told, each in order.
//! The one exception, cancels of entries that may go ahead of the disk, never
//! comes through here: the gateway's kill switch sends them from its own table.
//!
//! Invariant: nothing leaves before `durable_seq` reached the end of its group, and nothing
//! overtakes (I2, I6).

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use engine::strategy_engine::Decision;
use engine::{Fact, Input};
use model::{Command, Timestamp};
use tokio::sync::oneshot;

/// A group that is durable, for everything that follows the core: lists, stream, alerts.
#[derive(Clone, PartialEq, Debug)]
pub struct Released {
    /// Sequence of its first record.
    pub seq: u64,
    /// Sequence of its last record.
    pub end_seq: u64,
    /// Engine time.
    pub time: Timestamp,
    /// What came in.
    pub input: Input,
    /// What was decided.
    pub facts: Vec<Fact>,
    /// Evaluations that led to nothing; they are not in the journal and only inform.
    pub evaluations: Vec<Decision>,
}

/// A command whose intent is durable.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ReleasedCommand {
    /// What is to be sent.
    pub command: Command,
    /// The boot-time clock when it was decided, in nanoseconds: the age that R3 bounds.
    pub decided_ns: i64,
    /// The last sequence of its group.
    pub seq: u64,
}

/// What an instruction's giver is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The last sequence of the instruction's group.
    pub seq: u64,
    /// It survives a crash from here on.
    pub durable: bool,
    /// What was asked for holds now or is under way.
    pub done: bool,
    /// What was done, or why not, in words.
    pub text: String,
}

/// Where released things go. Each call comes on the journal's writer thread and must not wait.
pub trait Outlet: Send {
    /// A group is durable: what it means for the line that opening orders pass, before the commands
    /// of groups that follow leave.
    fn heed(&mut self, record: &Released);

    /// Commands may leave: all of those that became durable together.
    fn commands(&mut self, commands: &[ReleasedCommand]);

    /// A group with something to tell is durable.
    fn record(&mut self, record: &Arc<Released>);

    /// The journal is dead: nothing is let out any more (J6).
    fn dead(&mut self, reason: &str);
}

/// What follows from one group, before it is durable.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) end_seq: u64,
    pub(crate) decided_ns: i64,
    pub(crate) commands: Vec<Command>,
    pub(crate) record: Option<Arc<Released>>,
    pub(crate) reply: Option<(oneshot::Sender<Receipt>, Receipt)>,
}

/// The core's end of the queue. What waits in it is bounded by the journal's ring: a group that
/// finds no room there is not decided.
#[derive(Debug)]
pub struct Releases {
    to: Sender<Pending>,
}

impl Releases {
    pub(crate) fn file(&self, pending: Pending) {
        // The other end goes away with the writer thread only, and then nothing may leave.
        let _ = self.to.send(pending);
    }
}

/// The writer's end of the queue.
pub struct Release {
    from: Receiver<Pending>,
    next: Option<Pending>,
    /// What became durable together. The memory is kept.
    due: Vec<Pending>,
    commands: Vec<ReleasedCommand>,
    outlet: Box<dyn Outlet>,
}

impl std::fmt::Debug for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Release").field("next", &self.next).finish_non_exhaustive()
    }
}

/// Makes the two ends of the queue between deciding and leaving.
pub fn release_queue(outlet: Box<dyn Outlet>) -> (Releases, Release) {
    let (to, from) = mpsc::channel();
    (Releases { to }, Release { from, next: None, due: Vec::new(), commands: Vec::new(), outlet })
}

impl Release {
    /// Lets out everything whose group ends at or before `durable_seq`. Commands go before all that
    /// is told: a market waits for them. The emergency stop goes before the commands: an entry that
    /// was decided after a resume must find the line open, one that a stop overtook find it shut.
    pub fn advance(&mut self, durable_seq: u64) {
        while let Some(pending) = self.next.take().or_else(|| self.from.try_recv().ok()) {
            if pending.end_seq > durable_seq {
                self.next = Some(pending);
                break;
            }
            let Pending { end_seq: seq, decided_ns, .. } = pending;
            let commands = pending.commands.iter();
            self.commands.extend(commands.map(|&command| ReleasedCommand {
                command,
                decided_ns,
                seq,
            }));
            if let Some(record) = &pending.record {
                self.outlet.heed(record);
            }
            self.due.push(pending);
        }
        if !self.commands.is_empty() {
            self.outlet.commands(&self.commands);
            self.commands.clear();
        }
        for Pending { record, reply, .. } in self.due.drain(..) {
            if let Some(record) = record {
                self.outlet.record(&record);
            }
            if let Some((to, receipt)) = reply {
                // A caller that went away needs no receipt.
                let _ = to.send(Receipt { durable: true, ..receipt });
            }
        }
    }
}

impl journal::Release for Release {
    fn durable(&mut self, seq: u64) {
        self.advance(seq);
    }

    fn dead(&mut self, reason: &str) {
        self.outlet.dead(reason);
    }
}

/// Drops what is released: for tests and for drivers that carry commands out themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutlet;

impl Outlet for NoOutlet {
    fn heed(&mut self, _: &Released) {}

    fn commands(&mut self, _: &[ReleasedCommand]) {}

    fn record(&mut self, _: &Arc<Released>) {}

    fn dead(&mut self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use model::Query;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl Outlet for Log {
        fn heed(&mut self, record: &Released) {
            self.0.lock().unwrap().push(format!("heed {}", record.end_seq));
        }
        fn commands(&mut self, commands: &[ReleasedCommand]) {
            let seqs: Vec<u64> = commands.iter().map(|command| command.seq).collect();
            self.0.lock().unwrap().push(format!("commands {seqs:?}"));
        }
        fn record(&mut self, record: &Arc<Released>) {
            self.0.lock().unwrap().push(format!("record {}", record.end_seq));
        }
        fn dead(&mut self, _: &str) {}
    }

    fn pending(end_seq: u64) -> (Pending, oneshot::Receiver<Receipt>) {
        let (to, from) = oneshot::channel();
        let record = Released {
            seq: end_seq,
            end_seq,
            time: Timestamp::default(),
            input: Input::Time,
            facts: Vec::new(),
            evaluations: Vec::new(),
        };
        let receipt = Receipt { seq: end_seq, durable: false, done: true, text: String::new() };
        let commands = vec![Command::Query(Query::default())];
        let record = Some(Arc::new(record));
        (Pending { end_seq, decided_ns: 0, commands, record, reply: Some((to, receipt)) }, from)
    }

    /// Journal.md 6, C31: nothing leaves before its group is durable, and all of it in order; what
    /// a group means for the emergency stop holds before a command leaves.
    #[test]
    fn waits_for_the_disk() {
        let log = Log::default();
        let (releases, mut release) = release_queue(Box::new(log.clone()));
        let mut receipts = Vec::new();
        for end in [3, 7, 9] {
            let (pending, from) = pending(end);
            releases.file(pending);
            receipts.push(from);
        }
        release.advance(2);
        assert!(log.0.lock().unwrap().is_empty());
        release.advance(8);
        assert_eq!(
            *log.0.lock().unwrap(),
            ["heed 3", "heed 7", "commands [3, 7]", "record 3", "record 7"],
            "the third waits"
        );
        let durable = |from: &mut oneshot::Receiver<Receipt>| from.try_recv().map(|r| r.durable);
        assert_eq!(durable(&mut receipts[0]), Ok(true));
        assert!(durable(&mut receipts[2]).is_err());
        release.advance(9);
        assert_eq!(durable(&mut receipts[2]), Ok(true));
    }
}
