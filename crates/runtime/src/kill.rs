//! The emergency stop: engaged without core, disk or inbox, and kept until a resume is durable
//! (journal.md 13).
//!
//! The keeper joins the gateway's switch (K1, K2), the core (K3) and the `KILL` file (K4). A resume
//! is carried out as soon as it is durable: the file is removed before the line opens. A stop that
//! was given meanwhile wins (F46).
//!
//! Invariant: the line is open only when the core's last word on it was a resume, and no emergency
//! stop is on its way to the core (I8).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::risk_manager::{Block, BlockReason, Scope};
use engine::{Control, Fact, GateChange, Input, Instruction};
use gateway::{KillScope, KillSwitch};
use tokio::sync::oneshot;

use crate::inbox::{Inbox, SystemEvent};
use crate::release::{Receipt, Released};

/// The name of the file that keeps an emergency stop.
pub const KILL_FILE: &str = "KILL";

/// Writes the `KILL` file of a data directory: a running process blocks entries and cancels them,
/// the next one starts with entries blocked.
///
/// # Errors
/// The file cannot be written.
pub fn write_kill_file(data_dir: &Path, why: &str) -> io::Result<()> {
    std::fs::write(data_dir.join(KILL_FILE), format!("{why}\n"))
}

/// Keeps the switch, the core and the file together.
#[derive(Debug)]
pub struct KillKeeper {
    switch: Arc<KillSwitch>,
    inbox: Inbox,
    file: Option<PathBuf>,
    /// Held while the file is written or removed; taken before the state's lock, never inside it.
    filing: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    why: Option<String>,
    /// Stops of everything that the core has not made durable yet.
    under_way: u64,
    /// The core lifted the stop of everything.
    lifted: bool,
    /// It was said that the file cannot be removed.
    told: bool,
    /// Stops that found no room in the inbox.
    waiting: Vec<Instruction>,
}

impl KillKeeper {
    /// Makes a keeper. `why` says that entries stay blocked from the last run; `file` is where a
    /// stop is kept when the disk of the journal does not answer.
    pub fn new(
        switch: Arc<KillSwitch>,
        inbox: Inbox,
        file: Option<PathBuf>,
        why: Option<String>,
    ) -> Self {
        let state = Mutex::new(State { why, ..State::default() });
        Self { switch, inbox, file, filing: Mutex::default(), state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn filing(&self) -> MutexGuard<'_, ()> {
        self.filing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops opening in a scope now and tells the core; the receipt comes when that is durable.
    /// None when the inbox has no room: the core is told later.
    pub fn engage(&self, scope: Scope, given: Instruction) -> Option<oneshot::Receiver<Receipt>> {
        let given = Instruction { control: Control::EmergencyStop(scope), ..given };
        if scope == Scope::All {
            let mut state = self.state();
            state.under_way += 1;
            state.why = Some(in_words(&given));
            // Inside the lock: a release cannot come between.
            self.switch.engage(KillScope::All);
        } else if let Some(part) = part(scope) {
            self.switch.engage(part);
        }
        let (reply, receipt) = oneshot::channel();
        let input = Input::Control(Box::new(given.clone()));
        match self.inbox.offer(SystemEvent { input, reply: Some(reply) }) {
            Ok(()) => Some(receipt),
            Err(_) => {
                self.state().waiting.push(given);
                None
            }
        }
    }

    /// Shuts the line without the core: the journal is dead or the core hangs. Only the next start
    /// opens it.
    pub fn cut(&self, why: &str) {
        let mut state = self.state();
        state.under_way += 1;
        state.why = Some(why.to_owned());
        self.switch.engage(KillScope::All);
    }

    /// Lets nothing leave any more but the switch's own cancels: another process may write (I16).
    pub fn fence(&self, why: &str) {
        self.switch.fence();
        self.cut(why);
    }

    /// Takes note of what the core made durable; called by the writer thread. A resume has opened
    /// the line when this returns, so that nothing that is decided after it finds the line shut.
    pub fn note(&self, record: &Released) {
        if let Input::Control(given) = &record.input
            && given.control == Control::EmergencyStop(Scope::All)
        {
            let mut state = self.state();
            state.under_way = state.under_way.saturating_sub(1);
            state.lifted = false;
        }
        for fact in &record.facts {
            match fact {
                Fact::Gate(GateChange::Lift(Block { scope, reason: BlockReason::Kill })) => {
                    match part(*scope) {
                        _ if *scope == Scope::All => {
                            self.state().lifted = true;
                            self.open();
                        }
                        Some(part) => self.switch.release(&part),
                        None => {}
                    }
                }
                // The core stops everything by itself, too: another writer was seen (I16).
                Fact::Gate(GateChange::Block(Block {
                    scope: Scope::All,
                    reason: BlockReason::Kill,
                })) => {
                    let mut state = self.state();
                    state.lifted = false;
                    state.why.get_or_insert_with(|| "the core stopped opening".to_owned());
                    self.switch.engage(KillScope::All);
                }
                _ => {}
            }
        }
    }

    /// Carries out what was asked for meanwhile; called by the watchdog a few times a second.
    pub fn tend(&self) {
        let waiting = std::mem::take(&mut self.state().waiting);
        for given in waiting {
            let input = Input::Control(Box::new(given.clone()));
            if self.inbox.offer(SystemEvent { input, reply: None }).is_err() {
                self.state().waiting.push(given);
            }
        }
        if self.state().lifted {
            // The file could not be removed, or a stop came between.
            self.open();
        } else if self.engaged().is_none() && self.file_stands() {
            let given = Instruction {
                actor: "supervisor".to_owned(),
                from: "file".to_owned(),
                reason: "a KILL file lies in the data directory".to_owned(),
                ..Instruction::default()
            };
            drop(self.engage(Scope::All, given));
        }
    }

    /// Opens the line when the core's last word was a resume and no stop is under way.
    fn open(&self) {
        let may = |state: &State| state.lifted && state.under_way == 0;
        {
            let _filing = self.filing();
            if !may(&self.state()) {
                return;
            }
            // Not inside the state's lock: a stop must not wait for the disk.
            if let Err(error) = self.remove_file() {
                if !std::mem::replace(&mut self.state().told, true) {
                    tracing::error!(%error, "the KILL file cannot be removed: entries stay blocked");
                }
                return;
            }
        }
        let mut state = self.state();
        // A stop that was given since the look above wins.
        if may(&state) {
            (state.lifted, state.told) = (false, false);
            state.why = None;
            self.switch.release(&KillScope::All);
        }
    }

    /// Returns why the line is shut; none while it is open.
    pub fn engaged(&self) -> Option<String> {
        let why = self.state().why.clone();
        self.switch.is_engaged().then(|| why.unwrap_or_else(|| "the kill switch is set".to_owned()))
    }

    /// Writes the `KILL` file: the disk of the journal did not answer in time.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, why: &str) -> io::Result<()> {
        let _filing = self.filing();
        match &self.file {
            Some(path) => std::fs::write(path, format!("{why}\n")),
            None => Ok(()),
        }
    }

    fn file_stands(&self) -> bool {
        self.file.as_deref().is_some_and(Path::exists)
    }

    fn remove_file(&self) -> io::Result<()> {
        let Some(path) = &self.file else { return Ok(()) };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Returns what the switch can stop by itself: whose an order is, only the core knows.
fn part(scope: Scope) -> Option<KillScope> {
    match scope {
        Scope::All => Some(KillScope::All),
        Scope::Symbol(symbol) => Some(KillScope::Symbol(symbol)),
        Scope::Broker(broker) => Some(KillScope::Broker(broker)),
        Scope::Strategy(_) => None,
    }
}

fn in_words(given: &Instruction) -> String {
    format!("emergency stop by {} from {}: {}", given.actor, given.from, given.reason)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Timestamp;

    use super::*;
    use crate::inbox::{Admission, Batch, InboxConfig};

    fn inbox() -> Inbox {
        Inbox::new(&InboxConfig {
            market_data: 4,
            system_events: 4,
            symbols: 1,
            quote_interval_ns: 0,
        })
    }

    fn record(control: Control, gate: GateChange) -> Released {
        let given = Instruction { control, ..Instruction::default() };
        Released {
            seq: 1,
            end_seq: 2,
            time: Timestamp::default(),
            input: Input::Control(Box::new(given)),
            facts: vec![Fact::Gate(gate)],
            evaluations: Vec::new(),
        }
    }

    const ALL: Block = Block::new(Scope::All, BlockReason::Kill);

    /// I8, F46: the line opens only after a durable resume, and a stop that is on its way wins.
    #[test]
    fn a_stop_under_way_wins_over_a_resume() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(KILL_FILE);
        let (switch, inbox) = (KillSwitch::new(false), inbox());
        let keeper = KillKeeper::new(Arc::clone(&switch), inbox.clone(), Some(file.clone()), None);
        assert!(keeper.engage(Scope::All, Instruction::default()).is_some());
        assert!(switch.is_engaged());
        let stopped = record(Control::EmergencyStop(Scope::All), GateChange::Block(ALL));
        let resumed = record(Control::ResumeTrading(Scope::All), GateChange::Lift(ALL));
        keeper.note(&stopped);
        // Another stop is given before the resume of the first is durable.
        assert!(keeper.engage(Scope::All, Instruction::default()).is_some());
        keeper.note(&resumed);
        keeper.tend();
        assert!(switch.is_engaged(), "the second stop is under way");
        keeper.note(&stopped);
        keeper.tend();
        assert!(switch.is_engaged(), "the core holds the second stop");
        keeper.keep("a test").unwrap();
        keeper.note(&resumed);
        assert!(!switch.is_engaged() && !file.exists(), "the file goes before the line opens");
        assert_eq!(keeper.engaged(), None);
        keeper.tend();
        assert!(!switch.is_engaged(), "a look of the watchdog changes nothing");
    }

    /// K4: while the file cannot be removed the line stays shut, and the watchdog tries again.
    #[test]
    fn a_file_that_stays_keeps_the_line_shut() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(KILL_FILE);
        let (switch, inbox) = (KillSwitch::new(true), inbox());
        let why = Some("the last run".to_owned());
        let keeper = KillKeeper::new(Arc::clone(&switch), inbox, Some(file.clone()), why);
        // A folder is not removed as a file is.
        std::fs::create_dir(&file).unwrap();
        keeper.note(&record(Control::ResumeTrading(Scope::All), GateChange::Lift(ALL)));
        keeper.tend();
        assert!(switch.is_engaged());
        std::fs::remove_dir(&file).unwrap();
        keeper.tend();
        assert!(!switch.is_engaged() && keeper.engaged().is_none());
    }

    /// Journal.md 13: a `KILL` file engages the switch and tells the core.
    #[test]
    fn a_file_stops() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(KILL_FILE);
        let (switch, inbox) = (KillSwitch::new(false), inbox());
        let keeper = KillKeeper::new(Arc::clone(&switch), inbox.clone(), Some(file.clone()), None);
        keeper.tend();
        assert!(!switch.is_engaged());
        std::fs::write(&file, "").unwrap();
        keeper.tend();
        keeper.tend();
        assert!(switch.is_engaged() && keeper.engaged().unwrap().contains("KILL file"));
        let mut batch = Batch::default();
        inbox.take(&mut batch, 0, &Admission::All, 1);
        assert_eq!(batch.system.len(), 1, "the core is told once");
    }
}
