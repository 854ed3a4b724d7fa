//! The host of the driver: pace, journal, operators, view.

use std::collections::VecDeque;
use std::time::Duration;

use backtest::{Host, Wait};
use engine::{BrokerEvent, Command, Control, Engine, Input, Outputs, Sequenced};
use journal::{AppendError, Health};
use model::exchange::Session;
use model::{NotSentReason, RequestKind, SendOutcome, Timestamp};
use tokio::sync::oneshot;
use tracing::info;

use super::answers::answer;
use super::venue::PaperVenue;
use crate::clock::{Clock, boot_nanos};
use crate::front::Front;
use crate::inbox::{Admission, Batch, Inbox, SystemEvent};
use crate::live::{Around, End, Marks};
use crate::release::Receipt;
use crate::sequencer::{ApplyError, Sequencer};
use crate::view::ProviderRow;

/// How long commands wait for the disk before the journal counts as dead (J6).
const DISK_PATIENCE: Duration = Duration::from_secs(10);
/// The longest time without a turn of the loop, so that its heartbeat says something.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// The name of the feed in the configuration.
const FEED: &str = "playback";

/// What the host is made of.
#[derive(Debug)]
pub(super) struct SteppedParts {
    /// The engine with its journal.
    pub(super) sequencer: Sequencer,
    /// Where operators and supervisors come in.
    pub(super) inbox: Inbox,
    /// Where views go.
    pub(super) front: Front,
    /// What surrounds the core.
    pub(super) around: Around,
    /// The exchange.
    pub(super) venue: PaperVenue,
    /// How many times faster than the wall clock the data's time passes; 0: as fast as it goes.
    pub(super) speed: u32,
}

/// The host: see the [module](super).
#[derive(Debug)]
pub(super) struct Stepped {
    sequencer: Sequencer,
    inbox: Inbox,
    front: Front,
    around: Around,
    venue: PaperVenue,
    speed: u32,
    /// The data's time, from the begin of each session on.
    clock: Option<Clock>,
    batch: Batch,
    /// What the shell itself has to tell the core.
    told: VecDeque<Input>,
    /// Who waits for the receipt of the input that comes next.
    reply: Option<oneshot::Sender<Receipt>>,
    /// The end of the last group that commands follow from.
    decided: u64,
    marks: Marks,
    stopping: bool,
    failed: Option<ApplyError>,
}

impl Stepped {
    /// Makes a host; nothing happens before the driver runs.
    pub(super) fn new(parts: SteppedParts) -> Self {
        let SteppedParts { sequencer, inbox, front, mut around, venue, speed } = parts;
        around.waits_for_disk = true;
        Self {
            sequencer,
            inbox,
            front,
            around,
            venue,
            speed,
            clock: None,
            batch: Batch::default(),
            told: VecDeque::new(),
            reply: None,
            decided: 0,
            marks: Marks::default(),
            stopping: false,
            failed: None,
        }
    }

    /// Puts a Mark into the journal, when the state has changed since the last one.
    pub(super) fn mark(&mut self) {
        if self.failed.is_some() || !self.marks.have_moved() {
            return;
        }
        match self.sequencer.mark() {
            Ok((seq, mark)) => {
                self.marks.made();
                self.around.note_mark(seq, mark);
            }
            Err(error) => self.failed = Some(error),
        }
    }

    /// Ends the run: the last Mark, and how it ended.
    pub(super) fn end(mut self) -> End {
        self.venue.sync();
        self.note_book_failure();
        self.mark();
        self.publish();
        self.front.end();
        match self.failed {
            None => End::Stopped(Box::new(self.sequencer)),
            Some(ApplyError::Append(error)) => End::JournalDead(error.to_string()),
            Some(fault) => End::Fault(fault),
        }
    }

    /// Turns the loop without going on: the heartbeat lives while something else takes its time.
    pub(super) fn turn(&mut self) {
        if self.front.turn() {
            self.look();
        }
    }

    /// Looks around: what the core must know of it is told to it next.
    fn look(&mut self) {
        let durable = self.sequencer.durable();
        if let Health::Dead { reason } = durable.health() {
            self.failed.get_or_insert(AppendError::Dead { reason }.into());
            return;
        }
        if !self.stopping {
            let found = self.around.holds(self.sequencer.engine(), &durable, None);
            self.told.extend(found);
        }
        if self.marks.is_overdue() {
            self.mark();
        }
        self.publish();
    }

    /// Publishes how things are now.
    pub(super) fn publish(&mut self) {
        let engine = self.sequencer.engine();
        self.around.feed = Some(ProviderRow {
            name: FEED.to_owned(),
            connected: true,
            subscribed: engine.data().symbols().len(),
            last_event: Some(engine.now()),
            reconnects: 0,
        });
        let around = self.around.describe(&self.sequencer.durable());
        self.front.publish(engine, &around);
    }

    /// A book that cannot be written is as bad as a dead journal.
    fn note_book_failure(&mut self) {
        if let Some(error) = self.venue.failure() {
            let reason = format!("the paper book failed: {error}");
            self.failed.get_or_insert(AppendError::Dead { reason }.into());
        }
    }

    /// Returns the data's time now, between what the core has seen and `until`; behind the last
    /// session it stands still.
    fn now(&self, until: Timestamp) -> Timestamp {
        let seen = self.sequencer.engine().now();
        if until == Timestamp::MAX {
            return seen;
        }
        let now = self.clock.map_or(seen, |clock| clock.now());
        now.min(until).max(seen)
    }

    /// Returns what somebody says, if anybody does.
    fn said(&mut self, until: Timestamp) -> Option<Wait> {
        if let Some(input) = self.told.pop_front() {
            return Some(Wait::Said(self.now(until), Box::new(input)));
        }
        if self.batch.system.is_empty() && self.inbox.is_pressing() {
            self.inbox.take(&mut self.batch, boot_nanos(), &Admission::All, 0);
        }
        let SystemEvent { input, reply } = self.batch.system.pop_front()?;
        if let Input::Control(given) = &input {
            self.stopping |= given.control == Control::Stop;
        }
        self.reply = reply;
        Some(Wait::Said(self.now(until), Box::new(input)))
    }

    /// Rests until a time of the data, a word of somebody or a look around; true when the time has
    /// come.
    fn rest(&mut self, until: Timestamp) -> bool {
        let left = match self.clock {
            _ if until == Timestamp::MAX => LONGEST_WAIT,
            Some(clock) => clock.until(until),
            None => Duration::ZERO,
        };
        if left.is_zero() {
            return true;
        }
        let view = self.front.next_view().saturating_sub(boot_nanos()).max(0);
        let longest = left.min(LONGEST_WAIT).min(Duration::from_nanos(view.unsigned_abs()));
        self.inbox.wait(&Admission::All, longest);
        false
    }

    /// Waits until the journal has room for whatever follows from the next input.
    fn wait_for_room(&mut self) {
        while self.failed.is_none() && !self.sequencer.has_room() {
            let durable = self.sequencer.durable();
            if let Health::Dead { reason } = durable.health() {
                self.failed.get_or_insert(AppendError::Dead { reason }.into());
            }
            // An error is a time-out or a death, which the next look sees.
            let _ = durable.wait_for(durable.seq() + 1, Duration::from_millis(10));
        }
    }
}

impl Host for Stepped {
    type Venue = PaperVenue;

    const PACED: bool = true;

    fn engine(&self) -> &Engine {
        self.sequencer.engine()
    }

    fn venue(&self) -> &PaperVenue {
        &self.venue
    }

    fn venue_mut(&mut self) -> &mut PaperVenue {
        &mut self.venue
    }

    fn apply(&mut self, input: &Sequenced<Input>, out: &mut Outputs) {
        out.clear();
        self.wait_for_room();
        if self.failed.is_some() {
            return;
        }
        let reply = self.reply.take();
        match self.sequencer.apply_for(input.time, input.item.clone(), reply) {
            Ok(applied) => {
                let from = self.sequencer.outputs();
                out.facts.extend_from_slice(&from.facts);
                out.commands.extend_from_slice(&from.commands);
                out.evaluations.extend_from_slice(&from.evaluations);
                out.deadline_facts = from.deadline_facts;
                if !out.commands.is_empty() {
                    self.decided = applied.end_seq;
                }
                self.marks.moved();
            }
            Err(error) => self.failed = Some(error),
        }
    }

    fn wait(&mut self, until: Timestamp) -> Wait {
        loop {
            self.turn();
            self.note_book_failure();
            if self.failed.is_some() {
                return Wait::End;
            }
            if self.stopping && self.batch.system.is_empty() {
                return Wait::End;
            }
            if let Some(said) = self.said(until) {
                return said;
            }
            if self.rest(until) {
                return Wait::Reached;
            }
        }
    }

    fn begin_session(&mut self, session: &Session, from: Timestamp) {
        info!(date = %session.date, "a session begins");
        // The night before is skipped: the data's time jumps to the session (decision 0095).
        self.clock = (self.speed > 0).then(|| Clock::new(from, boot_nanos(), self.speed));
    }

    fn release(&mut self) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let durable = self.sequencer.durable();
        if durable.seq() >= self.decided {
            return true;
        }
        if let Err(error) = durable.wait_for(self.decided, DISK_PATIENCE) {
            let reason = error.to_string();
            self.failed = Some(AppendError::Dead { reason }.into());
        }
        self.failed.is_none()
    }

    fn intercept(&mut self, command: &Command) -> Option<BrokerEvent> {
        match command {
            Command::Query(query) => Some(answer(self.venue.book(), query)),
            // I8: after the emergency stop no opening order leaves, whatever the core has heard.
            Command::Submit(order)
                if !order.role.is_exit() && self.around.kill.engaged().is_some() =>
            {
                Some(BrokerEvent::Outcome {
                    client_id: order.client_id,
                    request: RequestKind::Submit,
                    outcome: SendOutcome::NotSent(NotSentReason::Killed),
                })
            }
            Command::Submit(_) | Command::Replace(_) | Command::Cancel(_) => None,
        }
    }
}
