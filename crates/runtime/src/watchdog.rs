//! The watchdog: a thread that needs neither core nor disk, and acts when the core is silent
//! (journal.md 13, C32, F44).
//!
//! After one second it stops opening, after ten it ends the process. A machine that slept or was
//! starved is no silent core: the watchdog knows it by its own lateness.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::Instruction;
use engine::risk_manager::Scope;

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

/// The running watchdog.
#[derive(Debug)]
pub struct Watchdog {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts it. `gone` ends the process; it is called once, after ten seconds of silence.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub fn start(
        beat: Arc<Beat>,
        keeper: Arc<KillKeeper>,
        gone: Box<dyn FnOnce() + Send>,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || watch(&beat, &keeper, gone, &stopped))?;
        Ok(Self { stop, thread: Some(thread) })
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

fn watch(beat: &Beat, keeper: &KillKeeper, gone: Box<dyn FnOnce() + Send>, stop: &AtomicBool) {
    let mut gone = Some(gone);
    let mut told = false;
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
        }
        if silence >= GONE
            && let Some(gone) = gone.take()
        {
            gone();
        }
    }
}
