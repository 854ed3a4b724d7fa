//! Listens to the demo's run: tells the story as it happens, and keeps what is printed at its end.

use backtest::Sink;
use engine::lifecycle::State;
use engine::strategy_engine::Decision;
use engine::{Engine, Fact, GateChange};
use model::Symbol;
use runtime::Handle;
use runtime::monitor::Monitor;
use runtime::view::{Health, Status};

use super::story::Story;
use super::tally::Tally;
use crate::exit::Failure;
use crate::run::recorder::Recorder;
use crate::terminal;

/// Everything that is kept of the run.
#[derive(Debug)]
pub(crate) struct Listener {
    /// For the report.
    pub(crate) recorder: Recorder,
    /// Why nothing more was traded.
    pub(crate) tally: Tally,
    /// Health and status, asked just before the run was stopped.
    pub(crate) health: Option<(Health, Status)>,
    story: Option<Story>,
    watched: Option<(Handle, Monitor)>,
    failed: Option<Failure>,
}

impl Listener {
    /// Listens; the story goes to stdout unless it is `quiet`.
    pub(crate) fn new(symbols: Vec<Symbol>, quiet: bool) -> Self {
        Self {
            recorder: Recorder::default(),
            tally: Tally::default(),
            health: None,
            story: (!quiet).then(|| Story::new(symbols)),
            watched: None,
            failed: None,
        }
    }

    /// Tells whether the story could be written.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Watches the system that runs from now on.
    pub(crate) fn watch(&mut self, handle: Handle, monitor: Monitor) {
        self.watched = Some((handle, monitor));
    }

    /// The system has stopped.
    pub(crate) fn rest(&mut self) {
        self.watched = None;
    }

    /// Tells what happened.
    fn tell(&mut self) {
        let Some(story) = &mut self.story else { return };
        for line in story.take_lines() {
            if self.failed.is_none() {
                self.failed = terminal::styled(&line).err();
            }
        }
    }
}

impl Sink for Listener {
    fn fact(&mut self, engine: &Engine, fact: &Fact) {
        self.recorder.fact(engine, fact);
        if let Fact::Decision(decision) = fact {
            self.tally.take(engine, decision);
        }
        // The last input stops the run: until here the core was running.
        if matches!(fact, Fact::Gate(GateChange::Lifecycle(State::Stopping))) {
            let ask = |(handle, monitor): &(Handle, Monitor)| {
                (monitor.health(), handle.view().status.clone())
            };
            self.health = self.watched.as_ref().map(ask);
        }
        if let Some(story) = &mut self.story {
            story.fact(engine, fact);
        }
        self.tell();
    }

    fn evaluation(&mut self, engine: &Engine, decision: &Decision) {
        self.tally.take(engine, decision);
        if let Some(story) = &mut self.story {
            story.tell_fills(engine);
        }
        self.tell();
    }
}
