//! Session after session.

use std::sync::Arc;
use std::time::Duration;

use backtest::{Driver, Host as _, MarketData, RunConfig, RunResult, Sink};
use engine::{Control, Input, Start};
use model::exchange::{Calendar, Session};
use model::{Date, StrategyId, Timestamp};
use paper::Book;
use playback::{Days, DaysError};
use tracing::error;

use super::host::{Stepped, SteppedParts};
use super::venue::{PaperVenue, ResumeError};
use crate::shell::{CoreParts, Finished, Shell, as_configured};

/// How often the loop turns while a day is loaded.
const TURN: Duration = Duration::from_millis(2);

/// Which sessions are played, and what comes after them.
#[derive(Clone, Debug)]
pub struct Course {
    /// Where the days come from.
    pub days: Arc<dyn Days>,
    /// The settings of the run, those of a backtest of the same days.
    pub config: RunConfig,
    /// The last session, where it is not that of the days.
    pub last: Option<Date>,
    /// How many times faster than the wall clock the data's time passes; 0: as fast as it goes.
    pub speed: u32,
    /// After the last session the run goes on, in time that stands still, until it is stopped.
    pub stays: bool,
}

impl Course {
    fn calendar(&self) -> &Calendar {
        &self.config.calendar
    }

    /// Returns the session in which a core goes on: the first one that is not over, of those there
    /// are.
    fn session_from(&self, now: Timestamp) -> Option<Session> {
        let calendar = self.calendar();
        let mut session = calendar.session(self.days.first()).ok().flatten()?;
        while session.post_close <= now {
            session = calendar.next_session(session.date)?;
        }
        self.is_there(&session).then_some(session)
    }

    /// Returns the last session there is.
    fn last_session(&self) -> Option<Session> {
        let last = [self.last, self.days.last()].into_iter().flatten().min()?;
        self.calendar().session(last).ok().flatten()
    }

    fn next(&self, session: &Session) -> Option<Session> {
        let next = self.calendar().next_session(session.date)?;
        self.is_there(&next).then_some(next)
    }

    fn is_there(&self, session: &Session) -> bool {
        let last = [self.last, self.days.last()].into_iter().flatten().min();
        last.is_none_or(|last| session.date <= last)
    }
}

/// What a run over days has left behind.
#[derive(Debug)]
pub struct Played {
    /// How it ended, with the exit code.
    pub finished: Finished,
    /// What each session left behind, the first one of this process first.
    pub sessions: Vec<RunResult>,
    /// The hash of every decision of this process (contract.md 5).
    pub decision_hash: u128,
    /// A day that could not be loaded ended the run.
    pub missing: Option<DaysError>,
}

/// Steps a shell through the days, on the thread that calls: says the start, plays the sessions
/// that are left, and ends the run in order when it is told to stop or the last one is over.
///
/// # Errors
/// The book does not belong to the core: nothing was begun.
pub fn step(
    shell: Shell,
    course: &Course,
    book: Book,
    sink: &mut dyn Sink,
) -> Result<Played, ResumeError> {
    let Shell { core, start, retired, tending, .. } = shell;
    let CoreParts { sequencer, inbox, front, around } = core;
    let broker = course.config.exchange.broker;
    let heard = sequencer.engine().books().brokers().get(broker).reports;
    let venue = PaperVenue::resume(book, heard, sequencer.engine().now())?;
    let speed = course.speed;
    let host = Stepped::new(SteppedParts { sequencer, inbox, front, around, venue, speed });
    let mut sessions = Vec::new();
    let (host, missing) = play(course, host, (start, retired), sink, &mut sessions);
    let decision_hash = host.engine().decision_hash();
    let finished = tending.finish(host.end());
    Ok(Played { finished, sessions, decision_hash, missing })
}

/// Loads a day beside the loop, whose heartbeat goes on.
fn load(days: &dyn Days, date: Date, host: &mut Stepped) -> Result<MarketData, DaysError> {
    std::thread::scope(|scope| {
        let loading = scope.spawn(|| days.load(date, date));
        while !loading.is_finished() {
            host.turn();
            std::thread::sleep(TURN);
        }
        loading.join().unwrap_or_else(|_| {
            let why = "the days could not be loaded: a fault of the program".to_owned();
            Err(DaysError::Recorded { corrupt: false, why })
        })
    })
}

fn play(
    course: &Course,
    mut host: Stepped,
    begin: (Start, Vec<StrategyId>),
    sink: &mut dyn Sink,
    results: &mut Vec<RunResult>,
) -> (Stepped, Option<DaysError>) {
    let mut begin = Some(begin);
    let now = host.engine().now();
    let mut next = course.session_from(now);
    // When all days are over the core still starts, and hears what is said.
    let over = next.is_none();
    if over {
        next = course.last_session();
    }
    while let Some(session) = next {
        let data = match load(&*course.days, session.date, &mut host) {
            Ok(data) => data,
            Err(why) => {
                error!(date = %session.date, %why, "a day is not there: the run ends");
                return (host, Some(why));
            }
        };
        let mut driver = Driver::new(&data, &course.config, host, sink);
        driver.warm_up(&session);
        if let Some((start, retired)) = begin.take() {
            let time = now.max(session.pre_open.plus_nanos(-1));
            let mode = start.mode.clone();
            driver.feed(time, Input::Start(Box::new(start)));
            for input in as_configured(driver.host().engine(), &mode, &retired) {
                driver.feed(time, input);
            }
        }
        if !over {
            driver.run_session(&session);
        }
        next = course.next(&session).filter(|_| !over && !driver.has_ended());
        if next.is_none() && !driver.has_ended() {
            match course.stays {
                true => driver.idle(),
                false => {
                    // The last look at the system while it runs.
                    driver.host_mut().publish();
                    driver.feed(session.post_close, Input::from(Control::Stop));
                }
            }
        }
        let (result, back) = driver.finish();
        host = back;
        results.push(result);
        host.mark();
    }
    (host, None)
}
