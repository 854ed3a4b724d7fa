//! What follows from a connection that comes or goes, and from the start of a process (F14, F15,
//! journal.md 9).

use model::{BrokerId, Timestamp};

use super::doubt::Doubt;
use super::routing::DOWN_NS;
use super::{outcomes, reconciliation, unheard};
use crate::alert_system::AlertKind;
use crate::desk::Desk;
use crate::input::{LastEnd, Link, Start};
use crate::lifecycle::State;
use crate::risk_manager::{Block, BlockReason, Scope};
use crate::timers::Timer;

/// Acts on a connection whose change is booked already.
pub(crate) fn on_connection(desk: &mut Desk<'_>, link: Link, up: bool) {
    let broker = match link {
        Link::Broker(broker) => broker,
        // Live, another source may stand in: the watch over live data decides (R11, C28).
        Link::Feed(source) if desk.analysis.data.is_watched() => {
            if !up {
                lost(desk, || format!("market-data source {} is not connected", source.0));
                desk.analysis.data.lose_source(source);
            }
            return;
        }
        Link::Feed(source) => {
            // One feed that is left is judged symbol by symbol (C28, R11).
            let block = Block::new(Scope::All, BlockReason::Disconnected);
            if !up {
                lost(desk, || format!("market-data source {} is not connected", source.0));
            }
            if desk.books().brokers().is_without_feed() {
                desk.hold(block, || "no market data: nothing is opened".to_owned());
            } else {
                desk.lift(block);
            }
            return;
        }
    };
    let away = Block::new(Scope::Broker(broker), BlockReason::Disconnected);
    if up {
        // What happened meanwhile is not known yet: the books are compared first (F14).
        if desk.traits(broker).remote {
            reconciliation::closed(desk, broker);
            reconciliation::begin(desk, broker);
            reconciliation::bound_the_wait(desk, broker);
        }
        desk.lift(away);
        resume_open(desk, broker);
    } else {
        lost(desk, || format!("broker {} is not connected", broker.0));
        desk.block(away, || {
            format!("broker {} is not connected: nothing is opened there", broker.0)
        });
        let due = desk.now.plus_nanos(DOWN_NS);
        desk.analysis.timers.set(due, Timer::FailOver(broker));
        resume_open(desk, broker);
    }
}

fn lost(desk: &mut Desk<'_>, message: impl FnOnce() -> String) {
    desk.alert(AlertKind::Disconnected, None, None, message);
}

/// Acts on a start whose effect on the books is observed already.
pub(crate) fn on_start(desk: &mut Desk<'_>, start: &Start, last_time: Timestamp) {
    let count = u8::try_from(desk.analysis.brokers.len()).unwrap_or(u8::MAX);
    for broker in (0..count).map(BrokerId) {
        if desk.traits(broker).remote {
            reconciliation::closed(desk, broker);
        }
    }
    if desk.books().lifecycle() == State::Paused {
        // The state goes back to starting; the pause itself holds until it is lifted.
        let pause = Block::new(Scope::All, BlockReason::Operator);
        desk.block(pause, || "trading was paused when the last run ended".to_owned());
    }
    if start.hold_entries || start.last_end.keeps_entries_blocked() {
        let why = start.last_end.name();
        desk.block(Block::new(Scope::All, BlockReason::Kill), || {
            format!("the last run ended by {why}: entries stay blocked until resumed")
        });
    }
    if start.wall < last_time {
        desk.block(Block::new(Scope::All, BlockReason::Clock), || {
            "the clock is behind the journal's last time: accept it or set it right".to_owned()
        });
    }
    for broker in (0..count).map(BrokerId) {
        resume_open(desk, broker);
    }
}

/// Sets the deadlines of what is open at a broker: questions about doubts, cancels made again.
fn resume_open(desk: &mut Desk<'_>, broker: BrokerId) {
    let brokers = desk.books().brokers();
    let at_broker = brokers.doubts().iter().filter(|doubt| doubt.broker == broker);
    let doubts: Vec<_> = at_broker.map(Doubt::number).collect();
    let retries = brokers.retries.clone();
    for number in doubts {
        outcomes::quarantine(desk, number);
    }
    for retry in retries {
        desk.analysis.timers.set(retry.due.max(desk.now), Timer::Retry(retry.number));
    }
    unheard::resume(desk, broker);
}

impl LastEnd {
    /// Returns true when nothing may be opened until a person resumes (journal.md 13).
    pub const fn keeps_entries_blocked(self) -> bool {
        matches!(self, Self::Fault | Self::JournalDead)
    }
}
