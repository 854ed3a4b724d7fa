//! The live loop: one thread that feeds the core as things come, in the order of their weight.
//!
//! Emergency stops first, then what operators and supervisors say, then brokers, then deadlines
//! that are due, then market data. The loop also looks around a few times a second: it publishes
//! the view, tells the core of a slow disk or a clock that disagrees, and puts a Mark into the
//! journal when nothing else comes.
//!
//! Invariant: only this thread has the sequencer; it waits for nothing but its inbox, and when the
//! journal has no room it applies nothing at all.

mod backfill;
mod marks;
mod reference;
mod stopping;
mod supervising;

use std::collections::BTreeSet;
use std::time::Duration;

use engine::alert_system::AlertKind;
use engine::{BrokerEvent, Control, Fact, Input};
use journal::Health;
use model::{MarketEvent, SourceId, SymbolId};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock::{Clock, boot_nanos};
use crate::front::Front;
use crate::inbox::{Admission, Batch, Inbox};
use crate::sequencer::{ApplyError, Sequencer};

pub use backfill::{Wanted, backfill};
pub use reference::references;
pub use supervising::{Around, QueueProbe};

pub(crate) use marks::Marks;
use stopping::Stopping;

/// Most market-data events between two looks at what is more pressing.
const MARKET_AT_ONCE: usize = 64;
/// The longest time without a turn of the loop, so that its heartbeat says something.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// What the loop is made of.
#[derive(Debug)]
pub struct LiveParts {
    /// The engine with its journal.
    pub sequencer: Sequencer,
    /// Where everything comes in.
    pub inbox: Inbox,
    /// Engine time.
    pub clock: Clock,
    /// Where views go.
    pub front: Front,
    /// What surrounds the core.
    pub around: Around,
    /// Where missing market data is asked for.
    pub wanted: UnboundedSender<Wanted>,
}

/// How the loop ended.
#[derive(Debug)]
pub enum End {
    /// By a stop, in order; the sequencer is still open.
    Stopped(Box<Sequencer>),
    /// By a fault of the core: entries stay blocked over the next start (exit code 70).
    Fault(ApplyError),
    /// The journal is dead (exit code 74).
    JournalDead(String),
    /// Another process writes on this account (exit code 73).
    OtherWriter(String),
}

/// The loop's state.
#[derive(Debug)]
pub struct Live {
    sequencer: Sequencer,
    inbox: Inbox,
    clock: Clock,
    front: Front,
    around: Around,
    wanted: UnboundedSender<Wanted>,
    batch: Batch,
    /// Symbols that are held or have orders, by id: kept only while the ring is pressed.
    held: Vec<bool>,
    /// Gaps that are being filled.
    filling: BTreeSet<(SourceId, SymbolId)>,
    marks: Marks,
    stopping: Option<Stopping>,
    /// Another process writes on this account, as the core found.
    other_writer: Option<String>,
}

impl Live {
    /// Makes the loop; nothing happens before [`run`](Self::run).
    pub fn new(parts: LiveParts) -> Self {
        let LiveParts { sequencer, inbox, clock, front, around, wanted } = parts;
        Self {
            sequencer,
            inbox,
            clock,
            front,
            around,
            wanted,
            batch: Batch::default(),
            held: Vec::new(),
            filling: BTreeSet::new(),
            marks: Marks::default(),
            stopping: None,
            other_writer: None,
        }
    }

    /// Runs until the core is stopped, or cannot go on.
    pub fn run(mut self) -> End {
        let end = loop {
            match self.turn() {
                Ok(false) => {}
                Ok(true) => break None,
                Err(error) => break Some(error),
            }
        };
        self.front.end();
        match end {
            None => match self.other_writer {
                Some(why) => End::OtherWriter(why),
                None => End::Stopped(Box::new(self.sequencer)),
            },
            Some(ApplyError::Append(error)) => End::JournalDead(error.to_string()),
            Some(fault) => End::Fault(fault),
        }
    }

    /// Turns once; true when the core is stopped and nothing is left to do.
    fn turn(&mut self) -> Result<bool, ApplyError> {
        if self.front.turn() {
            self.look()?;
        }
        if !self.sequencer.has_room() {
            self.wait_for_room()?;
            return Ok(false);
        }
        let pressed = self.sequencer.is_pressed();
        if pressed {
            self.note_held();
        }
        let admission = if pressed { Admission::Held(&self.held) } else { Admission::All };
        self.inbox.take(&mut self.batch, boot_nanos(), &admission, MARKET_AT_ONCE);
        self.apply_system()?;
        self.apply_reports()?;
        self.fire_deadlines()?;
        let idle = self.apply_market()?;
        if self.other_writer.is_some() {
            return Ok(true);
        }
        if self.is_stopped() {
            if self.marks.have_moved() {
                self.mark()?;
            }
            return Ok(true);
        }
        if idle {
            self.rest(pressed)?;
        }
        Ok(false)
    }

    /// Applies one input now.
    fn apply(&mut self, input: Input) -> Result<(), ApplyError> {
        self.sequencer.apply(self.clock.now(), input)?;
        self.marks.moved();
        self.heed_other_writers();
        Ok(())
    }

    /// A newer epoch of ours at the broker ends this process: it is fenced, the other one writes
    /// (I16, journal.md 10).
    fn heed_other_writers(&mut self) {
        let mut alerts = self.sequencer.outputs().facts.iter().filter_map(|fact| match fact {
            Fact::Alert(alert) if alert.kind == AlertKind::OtherWriter => Some(alert),
            _ => None,
        });
        if let Some(alert) = alerts.next() {
            self.around.kill.fence(&alert.message);
            self.other_writer = Some(alert.message.clone());
        }
    }

    fn apply_system(&mut self) -> Result<(), ApplyError> {
        while self.sequencer.has_room()
            && let Some(event) = self.batch.system.pop_front()
        {
            if let Input::Control(given) = &event.input {
                match given.control {
                    Control::Stop => self.stopping = Some(Stopping::new()),
                    Control::AcceptClock(_) => self.accept_clock(),
                    _ => {}
                }
            }
            self.sequencer.apply_for(self.clock.now(), event.input, event.reply)?;
            self.marks.moved();
        }
        Ok(())
    }

    fn apply_reports(&mut self) -> Result<(), ApplyError> {
        while self.sequencer.has_room()
            && let Some(mut input) = self.batch.reports.pop_front()
        {
            if let Input::Broker { event: BrokerEvent::Account(account), .. } = &mut input {
                account.time = self.clock.now();
            }
            let feed = match &input {
                Input::Connection { link: engine::Link::Feed(source), up: true } => Some(*source),
                Input::Market { source, event: MarketEvent::BackfillEnd { symbol } } => {
                    self.filling.remove(&(*source, *symbol));
                    None
                }
                _ => None,
            };
            self.apply(input)?;
            // What came while a feed was away is not known: it is asked for (F14, F24).
            if let Some(source) = feed {
                self.open_gaps(source)?;
            }
        }
        Ok(())
    }

    fn fire_deadlines(&mut self) -> Result<(), ApplyError> {
        let now = self.clock.now();
        if self.sequencer.has_room()
            && self.sequencer.engine().next_deadline().is_some_and(|next| next <= now)
        {
            self.apply(Input::Time)?;
        }
        Ok(())
    }

    /// Applies market data until something more pressing comes; true when nothing is left of it.
    fn apply_market(&mut self) -> Result<bool, ApplyError> {
        while let Some(item) = self.batch.market.pop_front() {
            if let MarketEvent::Gap { symbol, .. } = item.event {
                self.want(item.source, symbol);
            }
            self.apply(Input::Market { source: item.source, event: item.event })?;
            if self.inbox.is_pressing() || !self.sequencer.has_room() {
                return Ok(false);
            }
        }
        Ok(self.batch.is_empty())
    }

    /// Waits for the next thing: an input, a deadline, a look around.
    fn rest(&mut self, pressed: bool) -> Result<(), ApplyError> {
        if self.marks.is_due() {
            return self.mark();
        }
        let view = self.front.next_view().saturating_sub(boot_nanos()).max(0);
        let mut longest = LONGEST_WAIT.min(Duration::from_nanos(view.unsigned_abs()));
        if let Some(next) = self.sequencer.engine().next_deadline() {
            longest = longest.min(self.clock.until(next));
        }
        let admission = if pressed { Admission::Held(&self.held) } else { Admission::All };
        self.inbox.wait(&admission, longest);
        Ok(())
    }

    /// The journal has no room: nothing is applied until the disk has taken something.
    fn wait_for_room(&mut self) -> Result<(), ApplyError> {
        let durable = self.sequencer.durable();
        if let Health::Dead { reason } = durable.health() {
            return Err(journal::AppendError::Dead { reason }.into());
        }
        // An error is a time-out or a death, which the next turn sees.
        let _ = durable.wait_for(durable.seq() + 1, Duration::from_millis(10));
        Ok(())
    }

    fn note_held(&mut self) {
        let engine = self.sequencer.engine();
        self.held.clear();
        self.held.resize(engine.data().symbols().len(), false);
        for key in engine.books().active() {
            if let Some(place) = self.held.get_mut(key.symbol.index()) {
                *place = true;
            }
        }
    }

    /// Asks for a symbol's missing market data, unless that is under way.
    fn want(&mut self, source: SourceId, symbol: SymbolId) {
        if self.filling.insert((source, symbol)) {
            let from = backfill::since(self.sequencer.engine(), symbol);
            // Without a receiver the process ends.
            let _ = self.wanted.send(Wanted { source, symbol, from });
        }
    }

    /// Opens a gap of every symbol: a late start, an upgrade and a lost connection warm up on one
    /// path (journal.md 8).
    fn open_gaps(&mut self, source: SourceId) -> Result<(), ApplyError> {
        if self.sequencer.engine().session().is_none() {
            return Ok(());
        }
        let count = u32::try_from(self.sequencer.engine().data().symbols().len());
        for symbol in (0..count.unwrap_or(0)).map(SymbolId) {
            while !self.sequencer.has_room() {
                self.wait_for_room()?;
            }
            self.want(source, symbol);
            let event = MarketEvent::Gap { symbol, missing: 0 };
            self.apply(Input::Market { source, event })?;
        }
        Ok(())
    }

    fn mark(&mut self) -> Result<(), ApplyError> {
        let (seq, mark) = self.sequencer.mark()?;
        self.marks.made();
        self.around.note_mark(seq, mark);
        Ok(())
    }
}
