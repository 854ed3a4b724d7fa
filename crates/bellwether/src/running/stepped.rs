//! The stepped drive: the paper broker is in the process, and feed and broker are stepped by the
//! time of the data (decision 0095).

use std::sync::Arc;

use backtest::NoSink;
use model::exchange::Calendar;
use paper::Book;
use runtime::clock::{Clock, boot_nanos};
use runtime::shell::{Finished, NoDispatch, raise};
use runtime::stepped::{Course, step};
use tokio::runtime::Runtime;

use super::{Plan, guarding, make_data_dir, not_raised, readiness, signals, watching};
use crate::days;
use crate::exit::{Exit, Failure};
use crate::run::foundry::Drive;

/// Runs until it is stopped.
pub(super) fn run(plan: &Plan<'_>, on: &Runtime) -> Result<Finished, Failure> {
    let _entered = on.enter();
    make_data_dir(plan)?;
    let opened = plan.open(Drive::Stepped, Some(clock(plan)?))?;
    let ready = readiness::Ready::of(&opened, plan.config.running.mode.name());
    let book = Book::open(
        &plan.context.global.data_dir.join("paper"),
        &paper::Settings {
            exchange: plan.setup.exchange.clone(),
            symbols: plan.symbols.clone(),
            cash: plan.setup.cash,
        },
    )
    .map_err(Failure::of_book)?;
    let foundry = Arc::new(plan.foundry.clone());
    let shell = raise(opened, plan.settings(), |engine| plan.names(engine), foundry, NoDispatch)
        .map_err(not_raised)?;
    guarding::tell_the_manager(&shell.tending);
    let handle = shell.handle.clone();
    let server = plan.serve(&handle, on)?;
    let monitor = watching(handle.clone())?;
    let signals = signals::listen(handle.clone(), on)?;
    readiness::announce(plan, ready, handle, server.address(), on);
    let played = step(shell, &course(plan), book, &mut NoSink)
        .map_err(|error| Failure::new(Exit::Corrupt, error))?;
    drop(monitor);
    drop(signals);
    server.stop();
    match played.missing {
        Some(missing) => Err(days::failure(missing)),
        None => Ok(played.finished),
    }
}

/// Returns a clock at the first day's premarket: the journal's last time takes its place.
fn clock(plan: &Plan<'_>) -> Result<Clock, Failure> {
    let calendar: &Calendar = &plan.setup.tables.calendar;
    let first = plan.days.first();
    let session = calendar.session(first).map_err(Failure::missing)?;
    let begin = session.map_or(first.utc_midnight(), |session| session.pre_open);
    Ok(Clock::new(begin, boot_nanos(), 1))
}

/// The days one after the other, and then time that stands still until somebody stops the run.
fn course(plan: &Plan<'_>) -> Course {
    let first = plan.days.first();
    let last = plan.days.last();
    Course {
        days: Arc::clone(&plan.days),
        config: plan.setup.run_config(first, last.unwrap_or(first), true),
        last: None,
        speed: plan.config.data.playback.speed,
        stays: true,
    }
}
