//! The live drive: things come when they come; the paper broker is a process of its own.

use std::sync::Arc;

use gateway::MarketDataProvider;
use model::exchange::Calendar;
use model::{BrokerId, SymbolId, Timestamp};
use paper::{TcpBroker, TcpSettings};
use playback::{Anchor, Playback, References};
use runtime::clock::{Clock, boot_nanos, wall};
use runtime::shell::{Brokers, Finished, GoLiveError, Market, raise};
use tokio::runtime::Runtime;

use super::{Plan, guarding, make_data_dir, not_raised, readiness, signals, watching};
use crate::exit::{Exit, Failure};
use crate::run::foundry::Drive;

/// The file that keeps the feed's clock.
const ANCHOR: &str = "playback.anchor";

/// Runs until it is stopped.
pub(super) fn run(plan: &Plan<'_>, address: &str, on: &Runtime) -> Result<Finished, Failure> {
    let _entered = on.enter();
    make_data_dir(plan)?;
    let clock = feed_clock(plan)?;
    let opened = plan.open(Drive::Live, Some(clock))?;
    let ready = readiness::Ready::of(&opened, plan.config.running.mode.name());
    let broker = TcpBroker::new(TcpSettings {
        address: address.to_owned(),
        symbols: plan.symbols.clone(),
        broker: BrokerId(0),
        seed: u64::from(opened.start.epoch),
    });
    let queues = &plan.config.running.queues;
    let capacity = queues.order_commands.unwrap_or(queues.capacity);
    let brokers = Brokers { list: vec![Arc::new(broker)], capacity };
    let foundry = Arc::new(plan.foundry.clone());
    let shell = raise(opened, plan.settings(), |engine| plan.names(engine), foundry, brokers)
        .map_err(not_raised)?;
    guarding::tell_the_manager(&shell.tending);
    guarding::start_guard(plan, &shell.tending);
    let clock = shell.clock;
    // Before the core runs: an address that is taken ends the start, not a run.
    let server = plan.serve(&shell.handle, on)?;
    let running = shell.go_live(market(plan, clock)).map_err(not_alive)?;
    let monitor = watching(running.handle.clone())?;
    let signals = signals::listen(running.handle.clone(), on)?;
    readiness::announce(plan, ready, running.handle.clone(), server.address(), on);
    let finished = running.join();
    drop(monitor);
    drop(signals);
    server.stop();
    Ok(finished)
}

/// Returns the feed's clock: it began at the first day's premarket when the data directory was
/// made, and goes on at its speed whether the process runs or not.
fn feed_clock(plan: &Plan<'_>) -> Result<Clock, Failure> {
    let calendar: &Calendar = &plan.setup.tables.calendar;
    let first = plan.days.first();
    let session = calendar.session(first).map_err(Failure::missing)?;
    let begin = session.map_or(first.utc_midnight(), |session| session.pre_open);
    let path = plan.context.global.data_dir.join(ANCHOR);
    let speed = plan.config.data.playback.speed;
    if speed == 0 {
        return Err(Failure::config(
            "data.playback.speed = 0: as fast as it goes needs brokers.paper.transport = memory",
        ));
    }
    if !plan.context.global.data_dir.is_dir() {
        // The start-up gate refuses it by name; the feed's time does not matter then.
        return Ok(Clock::new(begin, boot_nanos(), speed));
    }
    let anchor =
        Anchor::keep(&path, begin, wall(), speed).map_err(|error| Failure::new(Exit::Io, error))?;
    Ok(Clock::new(anchor.at(wall()), boot_nanos(), speed))
}

/// Plays the days by engine time.
fn market(plan: &Plan<'_>, clock: Clock) -> Market {
    let now = Arc::new(move || -> Timestamp { clock.now() });
    let calendar = Arc::clone(&plan.setup.tables.calendar);
    let references = References::new(Arc::clone(&plan.days), Arc::clone(&calendar));
    let provider = Playback::new(Arc::clone(&plan.days), calendar, now, clock.speed());
    let count = u32::try_from(plan.symbols.len()).unwrap_or(u32::MAX);
    let providers: Vec<Arc<dyn MarketDataProvider>> = vec![Arc::new(provider)];
    Market {
        providers,
        symbols: (0..count).map(SymbolId).collect(),
        references: Some(Arc::new(references)),
    }
}

fn not_alive(error: GoLiveError) -> Failure {
    let code = match &error {
        GoLiveError::Apply(runtime::ApplyError::Fault { .. }) => Exit::Internal,
        GoLiveError::Apply(_) | GoLiveError::Wait(_) | GoLiveError::Thread(_) => Exit::Io,
    };
    Failure::new(code, error)
}
