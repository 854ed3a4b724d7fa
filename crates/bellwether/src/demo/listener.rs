//! Listens to the demo's run: tells the story at the pace asked for, and keeps what is printed at
//! its end.

use std::time::{Duration, Instant};

use backtest::Sink;
use engine::alert_system::Severity;
use engine::lifecycle::State;
use engine::strategy_engine::{Decision, Outcome};
use engine::{Engine, Fact, GateChange};
use model::Symbol;
use model::exchange::Session;

use super::health::{Counts, Health, probe};
use super::story::Story;
use super::tally::Tally;
use crate::exit::Failure;
use crate::run::recorder::Recorder;
use crate::terminal;

/// Spreads the day's sixteen hours over some seconds of wall time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    started: Instant,
    seconds: f64,
    session: Session,
}

impl Pace {
    /// Begins now.
    pub(crate) fn new(seconds: f64, session: Session) -> Self {
        Self { started: Instant::now(), seconds, session }
    }

    /// Waits until the engine's time is due.
    fn wait(&self, engine: &Engine) {
        let session = &self.session;
        let whole = session.post_close.since(session.pre_open) as f64;
        let part = engine.now().since(session.pre_open) as f64 / whole;
        let due = Duration::from_secs_f64(self.seconds * part.clamp(0.0, 1.0));
        std::thread::sleep(due.saturating_sub(self.started.elapsed()));
    }
}

/// Everything that is kept of the run.
#[derive(Debug)]
pub(crate) struct Listener {
    /// For the report.
    pub(crate) recorder: Recorder,
    /// Why nothing more was traded.
    pub(crate) tally: Tally,
    /// Asked just before the run was stopped.
    pub(crate) health: Option<Health>,
    story: Option<Story>,
    pace: Option<Pace>,
    counts: Counts,
    environment: &'static str,
    failed: Option<Failure>,
}

impl Listener {
    /// Listens; the story goes to stdout unless it is `quiet`.
    pub(crate) fn new(
        symbols: Vec<Symbol>,
        quiet: bool,
        pace: Option<Pace>,
        environment: &'static str,
    ) -> Self {
        Self {
            recorder: Recorder::default(),
            tally: Tally::default(),
            health: None,
            story: (!quiet).then(|| Story::new(symbols)),
            pace,
            counts: Counts::default(),
            environment,
            failed: None,
        }
    }

    /// Tells whether the story could be written.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Waits, then tells what happened.
    fn tell(&mut self, engine: &Engine) {
        if let Some(pace) = &self.pace {
            pace.wait(engine);
        }
        let Some(story) = &mut self.story else { return };
        for line in story.take_lines() {
            if self.failed.is_none() {
                self.failed = terminal::styled(&line).err();
            }
        }
    }

    fn count(&mut self, fact: &Fact) {
        match fact {
            Fact::Intent(_) => self.counts.orders += 1,
            Fact::Alert(alert) if alert.severity == Severity::Critical => self.counts.critical += 1,
            Fact::Decision(decision) if decision.outcome == Outcome::Rejected => {
                self.counts.rejections += 1;
            }
            _ => {}
        }
    }
}

impl Sink for Listener {
    fn fact(&mut self, engine: &Engine, fact: &Fact) {
        self.recorder.fact(engine, fact);
        self.count(fact);
        if let Fact::Decision(decision) = fact {
            self.tally.take(engine, decision);
        }
        // The last input stops the run: until here the core was running.
        if matches!(fact, Fact::Gate(GateChange::Lifecycle(State::Stopping))) {
            let counts = Counts { evaluations: self.tally.evaluations(), ..self.counts };
            self.health = Some(probe(engine, counts, self.environment));
        }
        if let Some(story) = &mut self.story {
            story.fact(engine, fact);
        }
        self.tell(engine);
    }

    fn evaluation(&mut self, engine: &Engine, decision: &Decision) {
        self.tally.take(engine, decision);
        if let Some(story) = &mut self.story {
            story.tell_fills(engine);
        }
        self.tell(engine);
    }
}
