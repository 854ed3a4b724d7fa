//! The watchdog: a thread that needs neither core nor disk, and acts when the core is silent
//! (journal.md 13, C32, F44).
//!
//! After one second it stops opening, after ten it ends the process. A machine that slept or was
//! starved is no silent core: the watchdog knows it by its own lateness.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::Instruction;
use engine::alert_system::Severity;
use engine::risk_manager::Scope;

use crate::alerts::Alerter;
use crate::front::Beat;
use crate::kill::KillKeeper;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(50);
/// Its own lateness from which on a silence proves nothing.
const LATE: Duration = Duration::from_millis(500);
/// A silence from which on nothing is opened.
const SILENT: Duration = Duration::from_secs(1);
/// A silence that ends the process.
const GONE: Duration = Duration::from_secs(10);

/// How often those outside hear that the core turns.
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Somebody outside the process who acts when it is silent: the guard (C32), the service manager.
pub trait Listener: Send + std::fmt::Debug {
    /// The core turned. This never waits.
    fn beat(&mut self);

    /// The process ends in order.
    fn goodbye(&mut self);
}

type Listeners = Arc<Mutex<Vec<Box<dyn Listener>>>>;

/// The running watchdog.
#[derive(Debug)]
pub struct Watchdog {
    stop: Arc<AtomicBool>,
    listeners: Listeners,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts it. `still_ours` says whether the lock is held: without it nothing leaves any more
    /// (I16). `gone` ends the process; it is called once, after ten seconds of silence.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub fn start(
        beat: Arc<Beat>,
        keeper: Arc<KillKeeper>,
        alerter: Alerter,
        still_ours: Box<dyn Fn() -> bool + Send>,
        gone: Box<dyn FnOnce() + Send>,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let listeners = Listeners::default();
        let heard_by = Arc::clone(&listeners);
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            let beside = (&*keeper, &alerter);
            watch(&beat, beside, (&*still_ours, gone), &stopped, &heard_by);
        })?;
        Ok(Self { stop, listeners, thread: Some(thread) })
    }

    /// Lets somebody outside hear the core from now on.
    pub fn listen(&self, listener: Box<dyn Listener>) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }
}

impl Watchdog {
    /// Tells those outside that the run ended in order. Without it they act as if it had died:
    /// entries may be left at a broker.
    pub fn say_goodbye(&self) {
        tell(&self.listeners, |listener| listener.goodbye());
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, was printed; the process is ending.
            let _ = thread.join();
        }
    }
}

fn tell(listeners: &Listeners, say: impl FnMut(&mut Box<dyn Listener>)) {
    listeners.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(say);
}

fn watch(
    beat: &Beat,
    (keeper, alerter): (&KillKeeper, &Alerter),
    (still_ours, gone): (&dyn Fn() -> bool, Box<dyn FnOnce() + Send>),
    stop: &AtomicBool,
    listeners: &Listeners,
) {
    let mut gone = Some(gone);
    let mut told_outside: Option<Instant> = None;
    let (mut told, mut fenced) = (false, false);
    // Silence counts from here on at the earliest: what was before a sleep of the machine proves
    // nothing.
    let mut awake_since = Instant::now();
    let mut last = Instant::now();
    while !stop.load(Ordering::Acquire) {
        std::thread::sleep(EVERY);
        if last.elapsed() > EVERY + LATE {
            awake_since = Instant::now();
        }
        last = Instant::now();
        keeper.tend();
        let silent = !beat.has_ended() && beat.silence() >= SILENT;
        if !silent && told_outside.is_none_or(|at| at.elapsed() >= BEAT_EVERY) {
            told_outside = Some(Instant::now());
            tell(listeners, |listener| listener.beat());
            if !fenced && !still_ours() {
                fenced = true;
                tracing::error!("the lock of the data directory is lost: nothing leaves any more");
                keeper.fence("the lock of the data directory is lost");
                let message = "the lock of the data directory is lost: nothing leaves any more";
                alerter.raise(Severity::Critical, "lock_lost", message);
            }
        }
        if beat.has_ended() {
            continue;
        }
        let silence = beat.silence().min(awake_since.elapsed());
        if silence < SILENT {
            told = false;
        } else if !told {
            told = true;
            tracing::error!("the core does not answer: entries are blocked and cancelled");
            let given = Instruction {
                actor: "watchdog".to_owned(),
                from: "watchdog".to_owned(),
                reason: "the core did not answer for a second".to_owned(),
                ..Instruction::default()
            };
            drop(keeper.engage(Scope::All, given));
            let message = "the core does not answer: entries are blocked and cancelled";
            alerter.raise(Severity::Critical, "core_silent", message);
        }
        if silence >= GONE
            && let Some(gone) = gone.take()
        {
            gone();
        }
    }
}
