//! The six queues of the system as one pure bounded type, with what happens when one is full
//! (design.md 3, F42).
//!
//! `trade_signals` lives inside one `apply`
//! ([`strategy_engine`](crate::strategy_engine)); the others stand between the core and the
//! threads around it, so their depth reaches the core only as an input. Locks and waking are the
//! shell's.
//!
//! Invariant: memory is bounded (I15); an item is either taken, or given back to the caller, or
//! counted as dropped or conflated; nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;

/// The default room of each queue.
pub const DEFAULT_CAPACITY: usize = 1_000;

/// The names of the six queues, as in metrics and status.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum QueueName {
    /// Providers to core.
    MarketData,
    /// Strategies to risk, inside one event.
    TradeSignals,
    /// Core to brokers.
    OrderCommands,
    /// Core to alert delivery.
    RiskAlerts,
    /// Core to storage and dashboard.
    PerformanceUpdates,
    /// Operators and supervisors to core.
    SystemEvents,
}

impl QueueName {
    /// All queues, in the order of their definition.
    pub const ALL: [Self; 6] = [
        Self::MarketData,
        Self::TradeSignals,
        Self::OrderCommands,
        Self::RiskAlerts,
        Self::PerformanceUpdates,
        Self::SystemEvents,
    ];

    /// Returns the name in JSON and as a label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MarketData => "market_data",
            Self::TradeSignals => "trade_signals",
            Self::OrderCommands => "order_commands",
            Self::RiskAlerts => "risk_alerts",
            Self::PerformanceUpdates => "performance_updates",
            Self::SystemEvents => "system_events",
        }
    }
}

/// What a queue has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QueueStatus {
    /// Items in it now.
    pub depth: usize,
    /// Room in items.
    pub capacity: usize,
    /// Most items at once so far.
    pub high_water: usize,
    /// Items that were dropped or refused.
    pub dropped: u64,
    /// Items that a newer one of the same key replaced.
    pub conflated: u64,
}

/// An item that belongs to a key, such as a symbol.
pub trait Keyed {
    /// The key.
    type Key: Ord + Copy + Debug;

    /// Returns the item's key.
    fn key(&self) -> Self::Key;
}

/// An item for which room is reserved: cancels and exits, kill.
pub trait Urgent {
    /// Returns true when the item may use the reserved room.
    fn is_urgent(&self) -> bool;
}

/// How a queue stores its items and what it does when it is full.
pub trait Policy<T> {
    /// What the pusher is told.
    type Pushed;
    /// What the taker gets.
    type Out;

    /// Takes an item in, or not.
    fn push(&mut self, item: T, status: &mut QueueStatus) -> Self::Pushed;

    /// Gives the next item.
    fn pop(&mut self) -> Option<Self::Out>;

    /// Returns how many items there are.
    fn depth(&self) -> usize;
}

/// A bounded queue with its counters.
#[derive(Clone, Debug)]
pub struct Bounded<P> {
    policy: P,
    status: QueueStatus,
}

impl<P> Bounded<P> {
    /// Makes an empty queue with room for `capacity` items, at least one.
    pub fn new(policy: P, capacity: usize) -> Self {
        Self { policy, status: QueueStatus { capacity: capacity.max(1), ..Default::default() } }
    }

    /// Returns what the queue has seen.
    pub fn status(&self) -> QueueStatus {
        self.status
    }

    /// Takes an item in as the policy says.
    pub fn push<T>(&mut self, item: T) -> P::Pushed
    where
        P: Policy<T>,
    {
        let pushed = self.policy.push(item, &mut self.status);
        self.status.depth = self.policy.depth();
        self.status.high_water = self.status.high_water.max(self.status.depth);
        pushed
    }

    /// Gives the next item.
    pub fn pop<T>(&mut self) -> Option<P::Out>
    where
        P: Policy<T>,
    {
        let out = self.policy.pop();
        self.status.depth = self.policy.depth();
        out
    }
}

/// Refuses what finds no room and gives it back (`trade_signals`).
#[derive(Clone, Debug)]
pub struct Reject<T> {
    items: VecDeque<T>,
}

impl<T> Default for Reject<T> {
    fn default() -> Self {
        Self { items: VecDeque::new() }
    }
}

impl<T> Policy<T> for Reject<T> {
    type Pushed = Result<(), T>;
    type Out = T;

    fn push(&mut self, item: T, status: &mut QueueStatus) -> Result<(), T> {
        if self.items.len() >= status.capacity {
            status.dropped += 1;
            return Err(item);
        }
        self.items.push_back(item);
        Ok(())
    }

    fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    fn depth(&self) -> usize {
        self.items.len()
    }
}

/// Keeps the newest item of each key (`performance_updates`, quotes of `market_data`); what finds
/// no room under a new key is dropped and counted, whoever takes catches up from the journal.
#[derive(Clone, Debug)]
pub struct Conflate<T: Keyed> {
    order: VecDeque<T::Key>,
    newest: BTreeMap<T::Key, T>,
}

impl<T: Keyed> Default for Conflate<T> {
    fn default() -> Self {
        Self { order: VecDeque::new(), newest: BTreeMap::new() }
    }
}

impl<T: Keyed> Policy<T> for Conflate<T> {
    /// True when the item is in the queue.
    type Pushed = bool;
    type Out = T;

    fn push(&mut self, item: T, status: &mut QueueStatus) -> bool {
        let key = item.key();
        if let Some(older) = self.newest.get_mut(&key) {
            *older = item;
            status.conflated += 1;
            return true;
        }
        if self.order.len() >= status.capacity {
            status.dropped += 1;
            return false;
        }
        self.order.push_back(key);
        self.newest.insert(key, item);
        true
    }

    fn pop(&mut self) -> Option<T> {
        let key = self.order.pop_front()?;
        self.newest.remove(&key)
    }

    fn depth(&self) -> usize {
        self.order.len()
    }
}

/// Drops nothing: what finds no room is given back to the caller, who waits or closes the gate;
/// urgent items have room of their own (`order_commands`, `system_events`).
#[derive(Clone, Debug)]
pub struct Reserve<T> {
    items: VecDeque<T>,
    reserved: usize,
}

impl<T> Reserve<T> {
    /// Makes a policy with `reserved` of the queue's room for urgent items.
    pub fn new(reserved: usize) -> Self {
        Self { items: VecDeque::new(), reserved }
    }
}

impl<T: Urgent> Policy<T> for Reserve<T> {
    /// The item comes back when there is no room for it: it is not lost, nor counted as dropped.
    type Pushed = Result<(), T>;
    type Out = T;

    fn push(&mut self, item: T, status: &mut QueueStatus) -> Result<(), T> {
        let room = if item.is_urgent() {
            status.capacity
        } else {
            status.capacity.saturating_sub(self.reserved)
        };
        if self.items.len() >= room {
            return Err(item);
        }
        self.items.push_back(item);
        Ok(())
    }

    fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    fn depth(&self) -> usize {
        self.items.len()
    }
}

/// An item that takes up a later one of its key.
pub trait TakesUp: Keyed + Urgent {
    /// Becomes the later item, and still counts what it was.
    fn take_up(&mut self, later: Self);
}

/// Never drops an urgent item: one that finds no room is given back, and the caller has it
/// elsewhere. An ordinary item is taken up by the one of its key that waits, and dropped and
/// counted where there is none and no room (`risk_alerts`).
#[derive(Clone, Debug)]
pub struct Coalesce<T: Keyed> {
    items: BTreeMap<u64, T>,
    /// Where the ordinary item of each key waits.
    places: BTreeMap<T::Key, u64>,
    next: u64,
}

impl<T: Keyed> Default for Coalesce<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), places: BTreeMap::new(), next: 0 }
    }
}

impl<T: TakesUp> Policy<T> for Coalesce<T> {
    /// The urgent item for which there is no room.
    type Pushed = Result<(), T>;
    type Out = T;

    fn push(&mut self, item: T, status: &mut QueueStatus) -> Result<(), T> {
        let full = self.items.len() >= status.capacity;
        if item.is_urgent() {
            if full {
                return Err(item);
            }
        } else {
            let place = self.places.get(&item.key());
            if let Some(waiting) = place.and_then(|place| self.items.get_mut(place)) {
                waiting.take_up(item);
                status.conflated += 1;
                return Ok(());
            }
            if full {
                status.dropped += 1;
                return Ok(());
            }
            self.places.insert(item.key(), self.next);
        }
        self.items.insert(self.next, item);
        self.next += 1;
        Ok(())
    }

    fn pop(&mut self) -> Option<T> {
        let (_, item) = self.items.pop_first()?;
        if !item.is_urgent() {
            self.places.remove(&item.key());
        }
        Some(item)
    }

    fn depth(&self) -> usize {
        self.items.len()
    }
}

/// What a ring gives: items in order, and before the next one the gaps that overflow left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ringed<T, K> {
    /// Items of a key were dropped: it opens nothing until they are back-filled (F24).
    Gap {
        /// The key.
        key: K,
        /// How many.
        missed: u64,
    },
    /// The next item.
    Item(T),
}

/// Drops the oldest item and remembers whose it was (bars, prints and halts of `market_data`): the
/// reader of the socket never waits.
#[derive(Clone, Debug)]
pub struct Ring<T: Keyed> {
    items: VecDeque<T>,
    gaps: BTreeMap<T::Key, u64>,
}

impl<T: Keyed> Default for Ring<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), gaps: BTreeMap::new() }
    }
}

impl<T: Keyed> Policy<T> for Ring<T> {
    type Pushed = ();
    type Out = Ringed<T, T::Key>;

    fn push(&mut self, item: T, status: &mut QueueStatus) {
        if self.items.len() >= status.capacity
            && let Some(oldest) = self.items.pop_front()
        {
            *self.gaps.entry(oldest.key()).or_insert(0) += 1;
            status.dropped += 1;
        }
        self.items.push_back(item);
    }

    fn pop(&mut self) -> Option<Ringed<T, T::Key>> {
        if let Some((key, missed)) = self.gaps.pop_first() {
            return Some(Ringed::Gap { key, missed });
        }
        self.items.pop_front().map(Ringed::Item)
    }

    fn depth(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item: (key, number, urgent).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    struct Item(u8, u64, bool);

    impl Keyed for Item {
        type Key = u8;
        fn key(&self) -> u8 {
            self.0
        }
    }

    impl Urgent for Item {
        fn is_urgent(&self) -> bool {
            self.2
        }
    }

    /// xorshift64*: the seed is in each assertion's message.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n
        }
    }

    fn walk(seed: u64, mut step: impl FnMut(&mut Random, Item, bool)) {
        let mut random = Random(seed * 2 + 1);
        for number in 0..2_000 {
            let (key, urgent) = (random.below(12) as u8, random.below(4) == 0);
            let take = random.below(5) < 2;
            step(&mut random, Item(key, number, urgent), take);
        }
    }

    /// F42, I15: whatever comes, a queue never grows beyond its room, and each item is taken,
    /// given back, dropped or conflated, exactly once.
    #[test]
    fn every_item_is_accounted_for() {
        for seed in 1..20 {
            for capacity in [1_usize, 3, 8] {
                let mut reject = Bounded::new(Reject::default(), capacity);
                let (mut pushed, mut taken, mut given_back) = (0_u64, 0_u64, 0_u64);
                walk(seed, |_, item, take| {
                    pushed += 1;
                    given_back += u64::from(reject.push(item).is_err());
                    taken += u64::from(take && reject.pop().is_some());
                    let status = reject.status();
                    assert!(status.depth <= capacity && status.high_water <= capacity);
                    assert_eq!(status.dropped, given_back, "seed {seed}");
                    assert_eq!(pushed, taken + given_back + status.depth as u64, "seed {seed}");
                });

                let mut conflate = Bounded::new(Conflate::default(), capacity);
                let (mut pushed, mut taken) = (0_u64, 0_u64);
                let mut newest = [None; 12];
                walk(seed, |_, item, take| {
                    pushed += 1;
                    if conflate.push(item) {
                        newest[usize::from(item.0)] = Some(item.1);
                    }
                    if take && let Some(out) = conflate.pop() {
                        taken += 1;
                        let expected = newest[usize::from(out.0)].take();
                        assert_eq!(expected, Some(out.1), "seed {seed}: the newest wins");
                    }
                    let status = conflate.status();
                    assert!(status.depth <= capacity, "seed {seed}");
                    let gone = status.dropped + status.conflated;
                    assert_eq!(pushed, taken + gone + status.depth as u64, "seed {seed}");
                });
            }
        }
    }

    /// Design.md 3: never dropped; ordinary items leave the reserved room to cancels, exits and
    /// kill; order is kept.
    #[test]
    fn urgent_items_have_room_of_their_own() {
        for seed in 1..20 {
            let (capacity, reserved) = (8, 3);
            let mut queue = Bounded::new(Reserve::new(reserved), capacity);
            let mut inside: VecDeque<Item> = VecDeque::new();
            walk(seed, |_, item, take| {
                let room = if item.2 { capacity } else { capacity - reserved };
                let fits = inside.len() < room;
                assert_eq!(queue.push(item), if fits { Ok(()) } else { Err(item) }, "seed {seed}");
                if fits {
                    inside.push_back(item);
                }
                if take {
                    assert_eq!(queue.pop(), inside.pop_front(), "seed {seed}");
                }
                assert_eq!((queue.status().depth, queue.status().dropped), (inside.len(), 0));
            });
        }
        let mut full = Bounded::new(Reserve::new(1), 2);
        assert_eq!(full.push(Item(0, 1, false)), Ok(()));
        assert_eq!(full.push(Item(0, 2, false)), Err(Item(0, 2, false)), "one short of full");
        assert_eq!(full.push(Item(0, 3, true)), Ok(()));
        assert_eq!(full.push(Item(0, 4, true)), Err(Item(0, 4, true)));
    }

    /// F24, F42: a ring never refuses; a gap is told before the next item, with its key and count.
    #[test]
    fn a_ring_tells_its_gaps_first() {
        for seed in 1..20 {
            let capacity = 4;
            let mut ring = Bounded::new(Ring::default(), capacity);
            let mut last = [None; 12];
            let (mut pushed, mut taken, mut missed_sum) = (0_u64, 0_u64, 0_u64);
            walk(seed, |_, item, take| {
                ring.push(item);
                pushed += 1;
                let mut left = u32::from(take);
                while left > 0 {
                    left -= 1;
                    match ring.pop() {
                        Some(Ringed::Gap { missed, .. }) => {
                            missed_sum += missed;
                            left += 1;
                        }
                        Some(Ringed::Item(out)) => {
                            taken += 1;
                            assert!(last[usize::from(out.0)] < Some(out.1), "seed {seed}: order");
                            last[usize::from(out.0)] = Some(out.1);
                        }
                        None => {}
                    }
                }
                assert!(ring.status().depth <= capacity, "seed {seed}");
            });
            while let Some(out) = ring.pop() {
                match out {
                    Ringed::Gap { missed, .. } => missed_sum += missed,
                    Ringed::Item(_) => taken += 1,
                }
            }
            assert_eq!(missed_sum, ring.status().dropped, "seed {seed}: no silent loss");
            assert_eq!(pushed, taken + missed_sum, "seed {seed}");
        }
    }

    impl TakesUp for Item {
        fn take_up(&mut self, later: Self) {
            self.1 = later.1;
        }
    }

    /// Design.md 3, `risk_alerts`: an urgent item is in the queue or with its giver, never gone;
    /// ordinary ones of a key are one, and each is taken, conflated or counted as dropped.
    #[test]
    fn urgent_items_are_given_back_and_ordinary_ones_coalesce() {
        for seed in 1..20 {
            let mut queue = Bounded::new(Coalesce::default(), 4);
            let (mut pushed, mut taken, mut given_back) = (0_u64, 0_u64, 0_u64);
            let mut urgent: VecDeque<Item> = VecDeque::new();
            walk(seed, |_, item, take| {
                pushed += 1;
                match queue.push(item) {
                    Ok(()) if item.2 => urgent.push_back(item),
                    Ok(()) => {}
                    Err(back) => {
                        assert!(back.2 && back == item, "seed {seed}: only urgent ones come back");
                        given_back += 1;
                    }
                }
                if take && let Some(out) = queue.pop() {
                    taken += 1;
                    if out.2 {
                        assert_eq!(
                            Some(out),
                            urgent.pop_front(),
                            "seed {seed}: in order, as given"
                        );
                    }
                }
                let status = queue.status();
                assert!(status.depth <= 4, "seed {seed}");
                let gone = status.dropped + status.conflated + given_back;
                assert_eq!(pushed, taken + gone + status.depth as u64, "seed {seed}");
            });
        }
        let mut queue = Bounded::new(Coalesce::default(), 2);
        for item in [Item(1, 1, false), Item(1, 2, false), Item(2, 3, true), Item(3, 4, false)] {
            assert_eq!(queue.push(item), Ok(()));
        }
        assert_eq!(queue.push(Item(2, 5, true)), Err(Item(2, 5, true)));
        assert_eq!((queue.status().conflated, queue.status().dropped), (1, 1));
        assert_eq!(queue.pop(), Some(Item(1, 2, false)), "the newest, at the first one's place");
    }

    #[test]
    fn the_six_names() {
        let names: Vec<&str> = QueueName::ALL.iter().map(|queue| queue.name()).collect();
        assert_eq!(
            names,
            [
                "market_data",
                "trade_signals",
                "order_commands",
                "risk_alerts",
                "performance_updates",
                "system_events"
            ]
        );
    }
}
