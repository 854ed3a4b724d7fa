//! What the loop looks at a few times a second: the disk, the clock, everything around; what it
//! finds is told to the core as blocks, and shown in the view (C30, F39, J16).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::alert_system::Severity;
use engine::lifecycle::health::Issue;
use engine::queues::{QueueName, QueueStatus};
use engine::risk_manager::{Block, BlockReason, ClockVerdict, Scope, judge_clock};
use engine::{Control, Engine, Input, Instruction};
use gateway::MarketDataProvider;
use journal::{Health, SpaceLevel, SpaceWatch};

use super::Live;
use crate::alerts::Alerter;
use crate::clock::Clock;
use crate::codec::Mark;
use crate::kill::KillKeeper;
use crate::sequencer::ApplyError;
use crate::view::{ProviderRow, Surroundings};

/// How often the room on the disk is looked at.
const SPACE_EVERY: Duration = Duration::from_secs(5);
/// How long the disk must have been fast before opening goes on.
const FAST_FOR: Duration = Duration::from_secs(1);

/// What is said of a disk that fills, and of one that is full.
const DISK_FILLS: &str = "the disk is full within a day at the present rate: make room";
const DISK_FULL: &str = "the disk is almost full: nothing is opened until there is room";

/// Asks a queue outside the core how it is.
pub type QueueProbe = Box<dyn Fn() -> QueueStatus + Send>;

/// What surrounds the core and is looked at from its loop.
pub struct Around {
    /// The market-data providers, by their ids.
    pub providers: Vec<Arc<dyn MarketDataProvider>>,
    /// The queues outside the core.
    pub queues: Vec<(QueueName, QueueProbe)>,
    /// The emergency stop's own path.
    pub kill: Arc<KillKeeper>,
    /// Start-up checks that failed (C33).
    pub start_up: Vec<String>,
    /// Where alerts that need no core go.
    pub alerter: Option<Alerter>,
    /// A feed that is no provider: that of the stepped mode.
    pub(crate) feed: Option<ProviderRow>,
    /// The core's time waits for the disk: a slow one makes it slow, and nothing grows stale
    /// meanwhile (stepped, decision 0095).
    pub waits_for_disk: bool,
    /// The room on the disk; none where the journal lies in a temporary folder.
    pub space: Option<SpaceWatch>,
    mark: Option<(u64, Mark)>,
    space_level: SpaceLevel,
    looked_at_space: Option<Instant>,
    fast_since: Option<Instant>,
    last_mark: Arc<AtomicU64>,
    /// How far the wall clock may be away from engine time because an operator accepted it.
    accepted_skew_ns: i64,
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Around").field("start_up", &self.start_up).finish_non_exhaustive()
    }
}

impl Around {
    /// Puts together what is looked at.
    pub fn new(kill: Arc<KillKeeper>) -> Self {
        Self {
            providers: Vec::new(),
            queues: Vec::new(),
            kill,
            start_up: Vec::new(),
            alerter: None,
            feed: None,
            waits_for_disk: false,
            space: None,
            mark: None,
            space_level: SpaceLevel::Enough,
            looked_at_space: None,
            fast_since: None,
            last_mark: Arc::default(),
            accepted_skew_ns: 0,
        }
    }

    /// Notes the last Mark, for the status.
    pub(crate) fn note_mark(&mut self, seq: u64, mark: Mark) {
        self.mark = Some((seq, mark));
        self.last_mark.store(seq, Ordering::Release);
    }

    /// Returns where the sequence of the last Mark is told, for the writer of snapshots.
    pub fn last_mark(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.last_mark)
    }

    /// Looks at everything and describes it.
    pub fn describe(&self, durable: &journal::Durable) -> Surroundings {
        let row = |provider: &Arc<dyn MarketDataProvider>| {
            ProviderRow::new(provider.name(), &provider.status())
        };
        Surroundings {
            last_durable_seq: durable.seq(),
            mark: self.mark.map(|(seq, mark)| (seq, mark.state_hash)),
            kill_line: self.kill.engaged(),
            start_up: self.start_up.clone(),
            queues: self.queues.iter().map(|(name, probe)| (*name, probe())).collect(),
            providers: self.providers.iter().map(row).chain(self.feed.clone()).collect(),
            issues: self.issues(durable),
        }
    }

    fn issues(&self, durable: &journal::Durable) -> Vec<Issue> {
        let mut issues = Vec::new();
        match durable.health() {
            Health::Alive => {}
            Health::Slow { .. } if self.waits_for_disk => {}
            Health::Slow { lasts } => issues.push(Issue::warning(format!(
                "the journal's disk has been slow for {:.1} s: nothing is opened",
                lasts.as_secs_f64()
            ))),
            Health::Dead { reason } => {
                issues.push(Issue::error(format!("the journal is dead: {reason}")));
            }
        }
        match self.space_level {
            SpaceLevel::Enough => {}
            SpaceLevel::Warn => issues.push(Issue::warning(DISK_FILLS.to_owned())),
            SpaceLevel::NoOpening | SpaceLevel::ReduceOnly => {
                issues.push(Issue::error(DISK_FULL.to_owned()));
            }
        }
        issues.extend(self.alerter.iter().flat_map(Alerter::issues));
        issues
    }

    /// Returns true when the disk has room for opening (J16).
    fn has_room(&mut self) -> bool {
        let due = self.looked_at_space.is_none_or(|at| at.elapsed() >= SPACE_EVERY);
        if due && let Some(space) = &self.space {
            self.looked_at_space = Some(Instant::now());
            let before = self.space_level;
            match space.look() {
                Ok(found) => self.space_level = found.level,
                Err(error) => {
                    tracing::error!(%error, "the file system does not say how full it is");
                    self.space_level = SpaceLevel::NoOpening;
                }
            }
            // What blocks opening is told by the core as well; the core may be stuck on that disk.
            if self.space_level > before
                && let Some(alerter) = &self.alerter
            {
                let (severity, message) = match self.space_level {
                    SpaceLevel::Enough | SpaceLevel::Warn => (Severity::Warning, DISK_FILLS),
                    SpaceLevel::NoOpening | SpaceLevel::ReduceOnly => {
                        (Severity::Critical, DISK_FULL)
                    }
                };
                alerter.raise(severity, "disk", message);
            }
        }
        self.space_level < SpaceLevel::NoOpening
    }

    /// Returns true when the disk was fast for a second (J6).
    fn is_fast(&mut self, durable: &journal::Durable) -> bool {
        match durable.health() {
            Health::Alive => {
                let first = self.fast_since.is_none();
                let since = *self.fast_since.get_or_insert_with(Instant::now);
                first || since.elapsed() >= FAST_FOR
            }
            Health::Slow { .. } | Health::Dead { .. } => {
                self.fast_since = Some(Instant::now());
                false
            }
        }
    }

    /// Returns true while engine time and the wall clock agree, or an operator accepted it (C30).
    fn clock_allows_opening(&self, clock: &Clock) -> bool {
        let skew = clock.behind_wall().map(|skew| skew.saturating_sub(self.accepted_skew_ns));
        skew.is_none_or(|skew| judge_clock(skew) != ClockVerdict::Block)
    }
}

impl Around {
    /// Returns what the core must be told: blocks for what is found, lifts for what is over.
    /// `clock` is engine time where that follows the wall clock.
    pub(crate) fn holds(
        &mut self,
        engine: &Engine,
        durable: &journal::Durable,
        clock: Option<&Clock>,
    ) -> Vec<Input> {
        let room = self.has_room();
        let disk = room && (self.waits_for_disk || self.is_fast(durable));
        let agrees = clock.is_none_or(|clock| self.clock_allows_opening(clock));
        let wanted = [
            (BlockReason::Journal, !disk, "the journal's disk is slow or full"),
            (BlockReason::Clock, !agrees, "engine time and the wall clock disagree"),
        ];
        wanted.into_iter().filter_map(|(reason, on, why)| hold(engine, reason, on, why)).collect()
    }

    /// An operator accepts the clocks as they are: engine time goes forward to the wall clock, or
    /// stays ahead of it (journal.md 11).
    fn accept_clock(&mut self, clock: &mut Clock) {
        let Some(behind) = clock.behind_wall() else { return };
        if behind > 0 {
            *clock = Clock::at_wall(Some(clock.now()));
            self.accepted_skew_ns = 0;
        } else {
            self.accepted_skew_ns = behind;
        }
    }
}

/// Blocks everything for a reason of the shell, or lifts that; nothing where it is so already.
fn hold(engine: &Engine, reason: BlockReason, wanted: bool, why: &str) -> Option<Input> {
    let block = Block::new(Scope::All, reason);
    if engine.books().blocks().holds(block) == wanted {
        return None;
    }
    let control = if wanted { Control::Block(block) } else { Control::Lift(block) };
    let reason = if wanted { why.to_owned() } else { "it is over".to_owned() };
    Some(Input::Control(Box::new(Instruction {
        control,
        actor: "supervisor".to_owned(),
        from: "core loop".to_owned(),
        reason,
        ..Instruction::default()
    })))
}

impl Live {
    /// Looks around: tells the core what it must know, and publishes the view.
    pub(super) fn look(&mut self) -> Result<(), ApplyError> {
        let durable = self.sequencer.durable();
        if let Health::Dead { reason } = durable.health() {
            return Err(journal::AppendError::Dead { reason }.into());
        }
        if self.sequencer.has_room() && self.stopping.is_none() {
            let engine = self.sequencer.engine();
            for input in self.around.holds(engine, &durable, Some(&self.clock)) {
                self.apply(input)?;
            }
            if self.marks.is_overdue() {
                self.mark()?;
            }
        }
        let around = self.around.describe(&durable);
        self.front.publish(self.sequencer.engine(), &around);
        Ok(())
    }

    pub(super) fn accept_clock(&mut self) {
        self.around.accept_clock(&mut self.clock);
    }
}
