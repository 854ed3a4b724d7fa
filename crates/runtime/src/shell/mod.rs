//! Everything around the core of one process, put together in its order and taken apart again.
//!
//! [`raise`] makes inbox, emergency stop, lists, journal writer, sequencer, watchdog and the writer
//! of snapshots out of an opened data directory. What drives the core is the caller's choice: the
//! live loop ([`go_live`](Shell::go_live)) or the stepped one. [`Tending`] ends the run in order
//! and says with which exit code (F50).
//!
//! Invariant: the lock is held until the last byte is written; how the run ended is on disk before
//! the lock is given back.

mod brokers;
mod going_live;
mod snapshots;
mod tending;

use std::io;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use engine::queues::QueueName;
use engine::risk_manager::Limits;
use engine::{Engine, Input, LimitChange, Start};
use gateway::{Dispatcher, KillSwitch};
use journal::{Author, Options, StartError};
use model::StrategyId;
use tokio::sync::broadcast;

use crate::alerts::{AlertSettings, Alerter, Courier, CourierParts};
use crate::clock::Clock;
use crate::front::Front;
use crate::handle::{Handle, Parts};
use crate::inbox::{Inbox, InboxConfig, SystemEvent};
use crate::kill::KillKeeper;
use crate::live::Around;
use crate::outlet::LiveOutlet;
use crate::projection::{Counts, Projection, project};
use crate::recovery::{Foundry, Place};
use crate::release::release_queue;
use crate::sequencer::Sequencer;
use crate::startup::Opened;
use crate::view::{Lists, Run};
use crate::watchdog::Watchdog;

pub use brokers::Brokers;
pub(crate) use going_live::as_configured;
pub use going_live::{GoLiveError, Market, Running};
pub use snapshots::SnapshotRule;
pub use tending::{Finished, Tending};

use snapshots::SnapshotWriter;
use tending::Held;

/// Released records that a slow follower may be behind.
const FOLLOWERS: usize = 4_096;

/// The sizes and paces of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Journal and snapshots.
    pub place: Place,
    /// Who writes the journal.
    pub author: Author,
    /// Length of a segment in bytes.
    pub segment_bytes: u64,
    /// Bytes that may wait for the disk.
    pub ring_bytes: usize,
    /// Room of the inbox.
    pub inbox: InboxConfig,
    /// Room of `performance_updates`.
    pub performance_updates: usize,
    /// Room of `risk_alerts`, and who delivers.
    pub alerts: AlertSettings,
    /// How often the view is published.
    pub update_every: Duration,
    /// When snapshots are written.
    pub snapshots: SnapshotRule,
    /// The market is not a clock's: the disk's room is not watched, either.
    pub watch_space: bool,
}

/// What the drive of the core is made of.
#[derive(Debug)]
pub struct CoreParts {
    /// The engine with its journal.
    pub sequencer: Sequencer,
    /// Where everything comes in.
    pub inbox: Inbox,
    /// Where views go.
    pub front: Front,
    /// What surrounds the core.
    pub around: Around,
}

/// A process that is ready to be driven.
#[derive(Debug)]
pub struct Shell {
    /// What drives the core.
    pub core: CoreParts,
    /// The way in for everybody else.
    pub handle: Handle,
    /// What is to be said first.
    pub start: Start,
    /// Strategies that are no longer in the configuration.
    pub retired: Vec<StrategyId>,
    /// Engine time, where the core follows the wall clock.
    pub clock: Clock,
    /// What ends the run.
    pub tending: Tending,
}

/// Why the process cannot be put together (exit code 74).
#[derive(Debug, thiserror::Error)]
pub enum RaiseError {
    /// A thread could not be started.
    #[error("start a thread")]
    Thread(#[source] io::Error),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] StartError),
}

/// The ways to the brokers, as the emergency stop, the inbox and the recovered books need them.
pub trait Dispatch {
    /// Starts the ways, in the order of the brokers' ids.
    fn start(self, switch: &Arc<KillSwitch>, inbox: &Inbox, engine: &Engine) -> Vec<Dispatcher>;
}

/// No ways at all: whoever drives the core carries commands out.
#[derive(Clone, Copy, Debug)]
pub struct NoDispatch;

impl Dispatch for NoDispatch {
    fn start(self, _: &Arc<KillSwitch>, _: &Inbox, _: &Engine) -> Vec<Dispatcher> {
        Vec::new()
    }
}

/// Puts a process together around an opened data directory; the start is not applied yet.
///
/// # Errors
/// A thread cannot be started, or the journal cannot be written.
pub fn raise(
    opened: Opened,
    settings: Settings,
    run: impl FnOnce(&Engine) -> Run,
    foundry: Arc<dyn Foundry>,
    dispatch: impl Dispatch,
) -> Result<Shell, RaiseError> {
    let Opened {
        lock,
        end,
        engine,
        start,
        retired,
        clock,
        tail,
        held,
        limits,
        failed,
        data_dir,
        ..
    } = opened;
    let inbox = Inbox::new(&settings.inbox);
    if let Some(limits) = limits {
        ask_for_limits(&inbox, limits);
    }
    let switch = KillSwitch::new(held.is_some());
    let file = Some(data_dir.join(crate::kill::KILL_FILE));
    let keeper = Arc::new(KillKeeper::new(Arc::clone(&switch), inbox.clone(), file, held));
    let run = Arc::new(run(&engine));
    let dispatchers = Arc::new(dispatch.start(&switch, &inbox, &engine));
    let catch_up = crate::recovery::catch_up(settings.place.clone());
    let build = settings.author.build.clone();
    let past = crate::recovery::retell(settings.place.clone(), Arc::clone(&foundry), build);
    let begin = if tail.last_seq == 0 { 0 } else { tail.last_seq + 1 };
    let Projection { projector, lists, counts, thread: lists_thread } =
        project(Arc::clone(&run), settings.performance_updates, catch_up, past, begin)
            .map_err(RaiseError::Thread)?;
    let courier = Courier::start(CourierParts {
        settings: settings.alerts.clone(),
        run: Arc::clone(&run),
        disk: Arc::clone(&settings.place.disk),
        data_dir: data_dir.clone(),
        catch_up: crate::recovery::catch_up(settings.place.clone()),
        begin,
    })
    .map_err(RaiseError::Thread)?;
    let alerter = courier.alerter();
    let (records, _) = broadcast::channel(FOLLOWERS);
    let outlet = LiveOutlet {
        dispatchers: Arc::clone(&dispatchers),
        batch: Vec::new(),
        keeper: Arc::clone(&keeper),
        projector,
        alerter: alerter.clone(),
        records: records.clone(),
    };
    let (releases, release) = release_queue(Box::new(outlet));
    let options = Options {
        segment_bytes: settings.segment_bytes,
        ring_bytes: settings.ring_bytes,
        ..Options::new(settings.place.journal.clone(), settings.author.clone())
    };
    let disk = Arc::clone(&settings.place.disk);
    let running = journal::start(disk, options, tail, Box::new(release))?;
    let durable = running.durable.clone();
    let mut around = Around::new(Arc::clone(&keeper));
    around.start_up = failed;
    around.space = settings.watch_space.then_some(running.space);
    around.queues = queues(&inbox, &dispatchers, &counts, &alerter);
    around.alerter = Some(alerter.clone());
    let described = around.describe(&durable);
    let (front, view, beat) =
        Front::new(Arc::clone(&run), &engine, &described, settings.update_every);
    let handle = make_handle(&inbox, &keeper, run, view, lists, records, Arc::clone(&beat));
    let snapshots =
        SnapshotWriter::start(&settings, foundry, around.last_mark(), durable, inbox.clone())
            .map_err(RaiseError::Thread)?;
    let held =
        Held { lock: Arc::new(lock), end, data_dir, keeper: Arc::clone(&keeper), dispatchers };
    let watchdog = Watchdog::start(beat, keeper, alerter, held.still_ours(), held.gone())
        .map_err(RaiseError::Thread)?;
    let sequencer = Sequencer::new(engine, running.appender, releases);
    let core = CoreParts { sequencer, inbox, front, around };
    let tending = Tending::new(held, watchdog, snapshots, lists_thread, courier);
    Ok(Shell { core, handle, start, retired, clock, tending })
}

/// Asks for the configuration's limits as soon as the core has started: what is stricter holds at
/// once, what is looser after its time (C42).
fn ask_for_limits(inbox: &Inbox, limits: Limits) {
    let change = LimitChange {
        limits,
        may_raise: true,
        actor: "configuration".to_owned(),
        from: "[risk]".to_owned(),
        reason: "the configuration changed since the last run".to_owned(),
        key: String::new(),
    };
    let event = SystemEvent { input: Input::Limits(Box::new(change)), reply: None };
    if inbox.offer(event).is_err() {
        tracing::error!("the configuration's limits could not be asked for");
    }
}

fn make_handle(
    inbox: &Inbox,
    keeper: &Arc<KillKeeper>,
    run: Arc<Run>,
    view: tokio::sync::watch::Receiver<Arc<crate::view::View>>,
    lists: Arc<RwLock<Lists>>,
    records: broadcast::Sender<Arc<crate::release::Released>>,
    beat: Arc<crate::front::Beat>,
) -> Handle {
    let (inbox, kill) = (inbox.clone(), Arc::clone(keeper));
    Handle::new(Parts { inbox, kill, run, view, lists, records, beat })
}

/// Names the queues outside the core.
fn queues(
    inbox: &Inbox,
    dispatchers: &Arc<Vec<Dispatcher>>,
    counts: &Arc<Counts>,
    alerter: &Alerter,
) -> Vec<(QueueName, crate::live::QueueProbe)> {
    let (market, system) = (inbox.clone(), inbox.clone());
    let (commands, counts) = (Arc::clone(dispatchers), Arc::clone(counts));
    let alerts = alerter.clone();
    vec![
        (QueueName::MarketData, Box::new(move || market.market_status())),
        (QueueName::OrderCommands, Box::new(move || tending::commands(&commands))),
        (QueueName::RiskAlerts, Box::new(move || alerts.status())),
        (QueueName::PerformanceUpdates, Box::new(move || counts.status())),
        (QueueName::SystemEvents, Box::new(move || system.system_status())),
    ]
}
