//! The kill switch: one line that opening orders pass, and a lane of its own to each broker
//! (journal.md 13 K1, K2).
//!
//! Whoever engages it needs no core, disk or inbox: the line is shut first, then each broker's task
//! is woken and cancels the entry orders of its own table.
//!
//! Invariant: when [`engage`](KillSwitch::engage) has returned, no byte of an opening order of its
//! scope leaves until it is released (I8).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use model::{BrokerId, ClientOrderId, SymbolId};
use tokio::sync::Notify;

/// What is stopped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KillScope {
    /// Everything.
    All,
    /// One symbol at all brokers.
    Symbol(SymbolId),
    /// One broker.
    Broker(BrokerId),
    /// These orders, those of a strategy: they are cancelled. What the strategy opens later is
    /// stopped by the core, which alone knows whose an order is.
    Orders(Vec<ClientOrderId>),
}

impl KillScope {
    /// Returns true when an entry order belongs to the scope.
    pub(crate) fn covers(&self, broker: BrokerId, symbol: SymbolId, id: ClientOrderId) -> bool {
        match self {
            Self::All => true,
            Self::Symbol(of) => *of == symbol,
            Self::Broker(of) => *of == broker,
            Self::Orders(ids) => {
                ids.iter().any(|of| of.number == id.number && of.epoch == id.epoch)
            }
        }
    }
}

/// What may not open.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    all: bool,
    symbols: Vec<SymbolId>,
    brokers: Vec<BrokerId>,
}

impl Blocked {
    /// Returns true when an opening order may not leave.
    pub(crate) fn blocks(&self, broker: BrokerId, symbol: SymbolId) -> bool {
        self.all || self.symbols.contains(&symbol) || self.brokers.contains(&broker)
    }
}

/// The way to one broker's task: what it shall cancel, in one slot.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    wanted: Mutex<Vec<KillScope>>,
    pub(crate) woken: Notify,
}

impl Lane {
    /// Takes what shall be cancelled.
    pub(crate) fn take(&self) -> Vec<KillScope> {
        std::mem::take(&mut *self.wanted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The kill switch of all brokers; one for the process.
#[derive(Debug)]
pub struct KillSwitch {
    blocked: RwLock<Blocked>,
    entries_blocked: AtomicBool,
    fenced: AtomicBool,
    lanes: Mutex<Vec<Arc<Lane>>>,
    born: Instant,
    /// When it was engaged last, in nanoseconds after `born`.
    engaged_at: AtomicU64,
}

impl KillSwitch {
    /// Makes the switch; `engaged` when entries are to stay blocked from the last run (C31).
    pub fn new(engaged: bool) -> Arc<Self> {
        Arc::new(Self {
            blocked: RwLock::new(Blocked { all: engaged, ..Blocked::default() }),
            entries_blocked: AtomicBool::new(engaged),
            fenced: AtomicBool::new(false),
            lanes: Mutex::default(),
            born: Instant::now(),
            engaged_at: AtomicU64::new(0),
        })
    }

    /// Stops opening in a scope and has its entry orders cancelled. It may be called from any
    /// thread, any number of times; it waits for no more than an adapter's hand-over to its socket.
    pub fn engage(&self, scope: KillScope) {
        self.engaged_at.store(self.age_ns(), Ordering::Release);
        if scope == KillScope::All {
            // First, for whoever looks at the flag alone.
            self.entries_blocked.store(true, Ordering::SeqCst);
        }
        let mut blocked = self.blocked.write().unwrap_or_else(PoisonError::into_inner);
        match &scope {
            KillScope::All => blocked.all = true,
            KillScope::Symbol(symbol) => blocked.symbols.push(*symbol),
            KillScope::Broker(broker) => blocked.brokers.push(*broker),
            KillScope::Orders(_) => {}
        }
        drop(blocked);
        for lane in self.lanes.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            lane.wanted.lock().unwrap_or_else(PoisonError::into_inner).push(scope.clone());
            lane.woken.notify_one();
        }
    }

    /// Lets a scope open again: the core says so when a person resumed it.
    pub fn release(&self, scope: &KillScope) {
        let mut blocked = self.blocked.write().unwrap_or_else(PoisonError::into_inner);
        match scope {
            KillScope::All => {
                *blocked = Blocked::default();
                self.entries_blocked.store(false, Ordering::SeqCst);
            }
            KillScope::Symbol(symbol) => blocked.symbols.retain(|of| of != symbol),
            KillScope::Broker(broker) => blocked.brokers.retain(|of| of != broker),
            KillScope::Orders(_) => {}
        }
    }

    /// Returns true while a scope is stopped; of single orders always, nobody lets them open again.
    pub(crate) fn is_in_force(&self, scope: &KillScope) -> bool {
        let blocked = self.hold();
        match scope {
            KillScope::All => blocked.all,
            KillScope::Symbol(symbol) => blocked.symbols.contains(symbol),
            KillScope::Broker(broker) => blocked.brokers.contains(broker),
            KillScope::Orders(_) => true,
        }
    }

    /// Returns true while everything is stopped.
    pub fn is_engaged(&self) -> bool {
        self.entries_blocked.load(Ordering::SeqCst)
    }

    /// Lets nothing leave any more but the cancels of the switch: the lock or the epoch is lost
    /// (I16). There is no way back in this process.
    pub fn fence(&self) {
        self.fenced.store(true, Ordering::SeqCst);
    }

    /// Returns true when the process is fenced.
    pub fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::SeqCst)
    }

    /// Opens a lane to one broker's task. While the switch is engaged from the last run, what that
    /// run left is to be cancelled.
    pub(crate) fn lane(&self) -> Arc<Lane> {
        let lane = Arc::new(Lane::default());
        if self.is_engaged() {
            lane.wanted.lock().unwrap_or_else(PoisonError::into_inner).push(KillScope::All);
            lane.woken.notify_one();
        }
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&lane));
        lane
    }

    /// Holds the line as it is while an order is handed to its socket.
    pub(crate) fn hold(&self) -> RwLockReadGuard<'_, Blocked> {
        self.blocked.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the nanoseconds since the switch was engaged last.
    pub(crate) fn since_engaged(&self) -> u64 {
        self.age_ns().saturating_sub(self.engaged_at.load(Ordering::Acquire))
    }

    fn age_ns(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C31: a scope stops itself only, a stop of all stays until it is released, and whoever was
    /// stopped alone is free again with it.
    #[test]
    fn scopes_block_and_release() {
        let switch = KillSwitch::new(false);
        let blocks = |broker, symbol| switch.hold().blocks(BrokerId(broker), SymbolId(symbol));
        switch.engage(KillScope::Symbol(SymbolId(3)));
        assert!(blocks(0, 3) && blocks(1, 3) && !blocks(0, 4) && !switch.is_engaged());
        switch.engage(KillScope::Broker(BrokerId(1)));
        assert!(blocks(1, 4) && !blocks(0, 4));
        switch.release(&KillScope::Symbol(SymbolId(3)));
        assert!(!blocks(0, 3) && blocks(1, 3));
        switch.engage(KillScope::All);
        assert!(blocks(0, 0) && switch.is_engaged());
        switch.release(&KillScope::All);
        assert!(!blocks(1, 3) && !switch.is_engaged());
    }

    #[test]
    fn a_lane_keeps_what_was_wanted() {
        let switch = KillSwitch::new(false);
        let lane = switch.lane();
        switch.engage(KillScope::All);
        switch.engage(KillScope::Broker(BrokerId(0)));
        assert_eq!(lane.take(), [KillScope::All, KillScope::Broker(BrokerId(0))]);
        assert!(lane.take().is_empty() && switch.is_engaged());
        assert_eq!(switch.lane().take(), [KillScope::All], "engaged from the start");
    }
}
