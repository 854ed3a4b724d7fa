//! What waits to become an input: bounded lanes between the threads around the core and the core.
//!
//! Four lanes with four answers to "full" (design.md 3): an emergency stop has reserved room, other
//! system events are given back to their caller, what brokers say makes the adapter wait and is
//! never dropped, market data is conflated or leaves a gap. The core takes them in this order, and
//! market data last.
//!
//! Invariant: a push of market data never waits for the core; memory is bounded (I15, F42).

mod market;
mod pacing;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::queues::{Bounded, QueueStatus, Reserve, Urgent};
use engine::risk_manager::Account;
use engine::{BrokerEvent, Control, Input};
use gateway::{BrokerSignal, FeedSignal, FeedSink, Said, What};
use model::{MarketEvent, SourceId, SymbolId, Timestamp};
use tokio::sync::{Notify, oneshot};

pub use market::{MarketCounts, MarketItem};
pub use pacing::{Admission, Held};

use crate::release::Receipt;
use market::MarketLane;

/// Room of the lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InboxConfig {
    /// Room of `market_data`'s ring, and of its quotes beyond one for each symbol.
    pub market_data: usize,
    /// Room of `system_events`; the reserved room for emergency stops comes on top.
    pub system_events: usize,
    /// Symbols of the run.
    pub symbols: usize,
    /// Shortest time between two admitted quotes of a symbol, in nanoseconds.
    pub quote_interval_ns: i64,
}

/// Room kept for emergency stops, beyond that of other system events.
const KILL_ROOM: usize = 16;
/// What brokers said and the core has not taken: beyond it adapters wait.
const REPORT_ROOM: usize = 4_096;

/// A system event with its caller, who waits for the receipt.
#[derive(Debug)]
pub struct SystemEvent {
    /// What is to be applied.
    pub input: Input,
    /// Whom to tell; `None` for supervisors.
    pub reply: Option<oneshot::Sender<Receipt>>,
}

impl Urgent for SystemEvent {
    fn is_urgent(&self) -> bool {
        match &self.input {
            Input::Control(given) => matches!(given.control, Control::EmergencyStop(_)),
            _ => false,
        }
    }
}

/// What the core takes at once. The memory is kept.
#[derive(Debug, Default)]
pub struct Batch {
    /// Emergency stops first, then other system events, each in the order of their coming.
    pub system: VecDeque<SystemEvent>,
    /// What brokers and connections said.
    pub reports: VecDeque<Input>,
    /// Market data.
    pub market: VecDeque<MarketItem>,
}

impl Batch {
    /// Returns true when there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.system.is_empty() && self.reports.is_empty() && self.market.is_empty()
    }
}

/// The queue is full: the caller tries again later.
#[derive(Debug, thiserror::Error)]
#[error("the queue system_events is full ({capacity}): nothing was taken, try again")]
pub struct Full {
    /// Its room.
    pub capacity: usize,
}

/// The way into the core. Clones share one inbox.
#[derive(Clone, Debug)]
pub struct Inbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    lanes: Mutex<Lanes>,
    bell: Condvar,
    /// Something came that the core takes before market data.
    pressing: AtomicBool,
    room: Notify,
}

#[derive(Debug)]
struct Lanes {
    kills: VecDeque<SystemEvent>,
    system: Bounded<Reserve<SystemEvent>>,
    reports: VecDeque<Input>,
    market: MarketLane,
    waiting: bool,
}

impl Inbox {
    /// Makes an empty inbox.
    pub fn new(config: &InboxConfig) -> Self {
        let lanes = Lanes {
            kills: VecDeque::new(),
            system: Bounded::new(Reserve::new(KILL_ROOM), config.system_events + KILL_ROOM),
            reports: VecDeque::new(),
            market: MarketLane::new(config),
            waiting: false,
        };
        let shared = Shared {
            lanes: Mutex::new(lanes),
            bell: Condvar::new(),
            pressing: AtomicBool::new(false),
            room: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.shared.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the lanes, then wakes the core if it waits: it must not wake into a held lock.
    fn ring(&self, mut lanes: MutexGuard<'_, Lanes>) {
        let waits = std::mem::take(&mut lanes.waiting);
        drop(lanes);
        if waits {
            self.shared.bell.notify_one();
        }
    }

    /// Offers a system event.
    ///
    /// # Errors
    /// The queue is full; nothing was taken.
    pub fn offer(&self, event: SystemEvent) -> Result<(), Full> {
        let mut lanes = self.lanes();
        let kill = event.is_urgent();
        // The bounded queue judges the room; a kill then overtakes what waits in it.
        if lanes.system.push(event).is_err() {
            return Err(Full { capacity: lanes.system.status().capacity });
        }
        if kill {
            let mut rest: Vec<SystemEvent> = Vec::new();
            while let Some(event) = lanes.system.pop() {
                if event.is_urgent() {
                    lanes.kills.push_back(event);
                } else {
                    rest.push(event);
                }
            }
            for event in rest {
                // It was inside a moment ago: there is room.
                let _ = lanes.system.push(event);
            }
        }
        self.shared.pressing.store(true, Ordering::Release);
        self.ring(lanes);
        Ok(())
    }

    /// Takes what a broker or a connection said; waits while the core is behind, never drops.
    pub async fn report(&self, input: Input) {
        let mut input = Some(input);
        loop {
            let room = self.shared.room.notified();
            {
                let mut lanes = self.lanes();
                if lanes.reports.len() < REPORT_ROOM
                    && let Some(input) = input.take()
                {
                    lanes.reports.push_back(input);
                    self.shared.pressing.store(true, Ordering::Release);
                    self.ring(lanes);
                }
            }
            if input.is_none() {
                return;
            }
            // Woken by the core, or looked at again after a moment: a missed wake costs that much.
            let _ = tokio::time::timeout(Duration::from_millis(10), room).await;
        }
    }

    /// Takes what the gateway says of a broker; waits while the core is behind.
    pub async fn hear(&self, said: Said) {
        if let Some(input) = said_input(said) {
            self.report(input).await;
        }
    }

    /// Takes what is rare and must not be lost, from where nobody may wait: connections, breakers.
    fn note(&self, input: Input) {
        let mut lanes = self.lanes();
        lanes.reports.push_back(input);
        self.shared.pressing.store(true, Ordering::Release);
        self.ring(lanes);
    }

    /// Takes a market-data event; what finds no room is conflated or becomes a gap.
    pub fn market(&self, source: SourceId, event: MarketEvent) {
        if let MarketEvent::Breaker(_) = event {
            self.note(Input::Market { source, event });
            return;
        }
        let mut lanes = self.lanes();
        if lanes.market.push(source, event) {
            self.ring(lanes);
        }
    }

    /// Returns true when something came that goes before market data.
    pub fn is_pressing(&self) -> bool {
        self.shared.pressing.load(Ordering::Acquire)
    }

    /// Moves what waits into `batch`: all system events and reports, and market data as far as it
    /// is admitted at `boot` (nanoseconds of the boot-time clock), at most `most` of it.
    pub fn take(&self, batch: &mut Batch, boot: i64, admission: &Admission<'_>, most: usize) {
        let mut lanes = self.lanes();
        self.shared.pressing.store(false, Ordering::Release);
        batch.system.append(&mut lanes.kills);
        while let Some(event) = lanes.system.pop() {
            batch.system.push_back(event);
        }
        if !lanes.reports.is_empty() {
            batch.reports.append(&mut lanes.reports);
            self.shared.room.notify_waiters();
        }
        if batch.market.is_empty() {
            lanes.market.take(&mut batch.market, boot, admission, most);
        }
    }

    /// Waits until something is there to be taken, at most for `longest`.
    pub fn wait(&self, admission: &Admission<'_>, longest: Duration) {
        let mut lanes = self.lanes();
        let boot = crate::clock::boot_nanos();
        let pressing =
            !lanes.kills.is_empty() || lanes.system.status().depth > 0 || !lanes.reports.is_empty();
        let quiet = match lanes.market.ready_in(boot, admission) {
            _ if pressing => return,
            Some(Duration::ZERO) => return,
            Some(soon) => soon.min(longest),
            None => longest,
        };
        lanes.waiting = true;
        let woken = self.shared.bell.wait_timeout(lanes, quiet);
        let (mut lanes, _) = woken.unwrap_or_else(PoisonError::into_inner);
        lanes.waiting = false;
    }

    /// Returns how `market_data` is: quotes and ring together.
    pub fn market_status(&self) -> QueueStatus {
        self.lanes().market.status()
    }

    /// Returns how `system_events` is.
    pub fn system_status(&self) -> QueueStatus {
        self.lanes().system.status()
    }

    /// Returns what became of all market data that was offered.
    pub fn market_counts(&self) -> MarketCounts {
        self.lanes().market.counts()
    }

    /// Returns where the events of one source go in.
    pub fn feed(&self, source: SourceId) -> Arc<dyn FeedSink> {
        Arc::new(Feed { inbox: self.clone(), source })
    }
}

/// Returns what the gateway says as an input; a heartbeat is none.
fn said_input(said: Said) -> Option<Input> {
    let broker = said.broker;
    let link = engine::Link::Broker(broker);
    let event = match said.what {
        What::Outcome { client_id, request, outcome } => {
            BrokerEvent::Outcome { client_id, request, outcome }
        }
        What::Page(page) => BrokerEvent::Page(Box::new(page)),
        What::Signal(signal) => match signal {
            BrokerSignal::Up => return Some(Input::Connection { link, up: true }),
            BrokerSignal::Down(why) => {
                tracing::warn!(broker = broker.0, why, "a broker is not connected");
                return Some(Input::Connection { link, up: false });
            }
            BrokerSignal::Heartbeat(_) => return None,
            BrokerSignal::Report(report) => BrokerEvent::Report(report),
            BrokerSignal::Account(row) => BrokerEvent::Account(Account {
                buying_power: row.buying_power,
                equity: row.equity,
                cash: row.cash,
                // The core's loop says when it came.
                time: Timestamp::MIN,
            }),
            BrokerSignal::Charge { kind, fee } => BrokerEvent::Charge { kind, fee },
            BrokerSignal::ActionBooked { symbol, held } => {
                BrokerEvent::ActionBooked { symbol, held }
            }
        },
    };
    Some(Input::Broker { broker, event })
}

/// Where a provider pushes.
#[derive(Debug)]
struct Feed {
    inbox: Inbox,
    source: SourceId,
}

impl FeedSink for Feed {
    fn push(&self, signal: FeedSignal) {
        let link = engine::Link::Feed(self.source);
        match signal {
            FeedSignal::Up => self.inbox.note(Input::Connection { link, up: true }),
            FeedSignal::Down(why) => {
                tracing::warn!(source = self.source.0, why, "market data is not connected");
                self.inbox.note(Input::Connection { link, up: false });
            }
            FeedSignal::Event(event) => self.inbox.market(self.source, event),
        }
    }
}

/// Returns the symbol of a market-data event; none for those about a whole source or market.
pub fn symbol_of(event: &MarketEvent) -> Option<SymbolId> {
    match *event {
        MarketEvent::Bar { symbol, .. }
        | MarketEvent::Quote { symbol, .. }
        | MarketEvent::Trade { symbol, .. }
        | MarketEvent::Gap { symbol, .. }
        | MarketEvent::Backfill { symbol, .. }
        | MarketEvent::BackfillEnd { symbol }
        | MarketEvent::Halt { symbol, .. }
        | MarketEvent::Bands { symbol, .. } => Some(symbol),
        MarketEvent::Heartbeat | MarketEvent::Breaker(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use engine::Instruction;
    use engine::risk_manager::Scope;

    use super::*;

    fn inbox(system_events: usize) -> Inbox {
        Inbox::new(&InboxConfig {
            market_data: 8,
            system_events,
            symbols: 4,
            quote_interval_ns: 100_000_000,
        })
    }

    fn event(control: Control) -> SystemEvent {
        let given = Instruction { control, ..Instruction::default() };
        SystemEvent { input: Input::Control(Box::new(given)), reply: None }
    }

    /// F42, F46: a full queue gives ordinary events back; an emergency stop still finds room and
    /// goes first.
    #[test]
    fn kill_has_room_and_goes_first() {
        let inbox = inbox(2);
        for _ in 0..2 {
            inbox.offer(event(Control::Flatten(Scope::All))).unwrap();
        }
        let full = inbox.offer(event(Control::ResumeTrading(Scope::All))).unwrap_err();
        assert!(full.to_string().contains("try again"), "{full}");
        inbox.offer(event(Control::EmergencyStop(Scope::All))).unwrap();
        let mut batch = Batch::default();
        inbox.take(&mut batch, 0, &Admission::All, 10);
        let first = batch.system.pop_front().unwrap();
        assert!(first.is_urgent());
        assert_eq!(batch.system.len(), 2);
    }

    /// F42: what brokers say waits for room and keeps its order.
    #[tokio::test]
    async fn reports_wait_and_are_never_dropped() {
        let inbox = inbox(2);
        let pusher = inbox.clone();
        let total = REPORT_ROOM * 2 + 100;
        let task = tokio::spawn(async move {
            for n in 0..total {
                let symbol = SymbolId(n as u32);
                let held = model::Quantity::ZERO;
                let event = engine::BrokerEvent::ActionBooked { symbol, held };
                pusher.report(Input::Broker { broker: model::BrokerId(0), event }).await;
            }
        });
        let mut batch = Batch::default();
        let mut next = 0;
        while next < total as u32 {
            inbox.take(&mut batch, 0, &Admission::All, 10);
            assert!(batch.reports.len() <= REPORT_ROOM);
            for input in batch.reports.drain(..) {
                let Input::Broker {
                    event: engine::BrokerEvent::ActionBooked { symbol, .. }, ..
                } = input
                else {
                    panic!("another input")
                };
                assert_eq!(symbol.0, next);
                next += 1;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        task.await.unwrap();
    }
}
