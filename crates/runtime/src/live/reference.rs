//! Reference data and corporate actions come in before each session (design.md 6, F27): one for the session in progress or
//! the next one at the start, then one after each close of the evening session.

use std::sync::Arc;
use std::time::Duration;

use engine::Input;
use gateway::{ReferenceSource, Unavailable};
use model::exchange::{Calendar, Session};
use model::{DAY_NS, Timestamp};

use crate::clock::Clock;
use crate::inbox::Inbox;

/// The longest pause between two looks at engine time, which a person may move.
const LONGEST: Duration = Duration::from_secs(1);
/// The pause after a source that had no answer.
const AGAIN: Duration = Duration::from_secs(5);

/// Brings reference data in, session after session, for as long as the process lives.
pub async fn references(
    source: Arc<dyn ReferenceSource>,
    calendar: Arc<Calendar>,
    inbox: Inbox,
    clock: Clock,
) {
    let mut told: Option<Session> = None;
    loop {
        let now = clock.now();
        let Some(session) = session_of(&calendar, now) else { return };
        if told.is_some_and(|told| told.date == session.date) {
            tokio::time::sleep(clock.until(session.post_close).min(LONGEST)).await;
            continue;
        }
        let asked = Arc::clone(&source);
        let ask = move || Ok((asked.before(session.date)?, asked.actions(session.date)?));
        let answer: Result<Result<_, Unavailable>, _> = tokio::task::spawn_blocking(ask).await;
        match answer {
            Ok(Ok((days, actions))) => {
                let (symbols, happening) = (days.len(), actions.len());
                tracing::info!(date = %session.date, symbols, happening, "reference data");
                for day in days {
                    inbox.report(Input::Reference(Box::new(day))).await;
                }
                // One that is known already changes nothing: a restart may say it again.
                for action in actions {
                    inbox.report(Input::Action(action)).await;
                }
                told = Some(session);
            }
            Ok(Err(why)) => {
                tracing::warn!(date = %session.date, %why, "no reference data");
                tokio::time::sleep(AGAIN).await;
            }
            Err(fault) => {
                tracing::error!(%fault, "reference data could not be computed");
                return;
            }
        }
    }
}

/// Returns the session at a time, else the next one.
fn session_of(calendar: &Calendar, now: Timestamp) -> Option<Session> {
    if let Some(session) = calendar.session_at(now).filter(|session| now < session.post_close) {
        return Some(session);
    }
    // The day before in UTC is before the next session everywhere.
    let mut session = calendar.next_session(now.plus_nanos(-DAY_NS).utc_date())?;
    while session.post_close <= now {
        session = calendar.next_session(session.date)?;
    }
    Some(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Design.md 6: within a session it is that one, after its evening the next.
    #[test]
    fn the_session_at_hand() {
        let calendar = Calendar::nyse();
        let date = |time: &str| {
            session_of(&calendar, time.parse().unwrap()).map(|session| session.date.to_string())
        };
        for (time, expected) in [
            ("2026-11-25T08:00:00Z", "2026-11-25"),
            ("2026-11-25T20:00:00Z", "2026-11-25"),
            ("2026-11-26T00:59:59Z", "2026-11-25"),
            ("2026-11-26T01:00:00Z", "2026-11-27"),
            ("2026-11-28T12:00:00Z", "2026-11-30"),
        ] {
            assert_eq!(date(time).as_deref(), Some(expected), "{time}");
        }
    }
}
