//! Deadlines: what the core wants to be woken for, in (time, order of asking) order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::{BrokerId, GroupId, OrderNumber, StrategyId, Timestamp, record, record_enum};

use crate::fact::SlotKey;

/// What a deadline is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Timer {
    /// A session begins (04:00 New York).
    #[default]
    SessionBegin,
    /// The regular session opens.
    SessionOpen,
    /// Opening positions ends (C23).
    OpeningEnds,
    /// Positions must be flat (C23).
    FlatBeforeClose,
    /// The regular session closes.
    SessionClose,
    /// A strategy asked for it.
    Wake(StrategyId),
    /// A position's time rules are due.
    Position {
        /// Where it is.
        slot: SlotKey,
        /// Which one it is.
        group: GroupId,
    },
    /// An entry's time is over.
    EntryExpiry(OrderNumber),
    /// A broker is asked about an order in doubt.
    AskOrder(OrderNumber),
    /// An order has been in doubt for long.
    DoubtAlarm(OrderNumber),
    /// A request that failed is made again.
    Retry(OrderNumber),
    /// A broker has been away for so long that entries may go to another one (R6).
    FailOver(BrokerId),
    /// An entry may be stale (C17).
    EntryAge(OrderNumber),
    /// A raise of limits may be due (C42).
    LimitsRaise,
    /// The books are compared with a broker's (C34).
    Compare(BrokerId),
    /// Live data is looked at (C28).
    DataCheck,
    /// An execution that a broker counts may still be missing (F13).
    Unheard(OrderNumber),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Deadline {
    time: Timestamp,
    id: u64,
    timer: Timer,
}

impl Timer {
    /// Returns true for what waits at the end of a minute until the minute is closed (TB1):
    /// what looks at bars. A session begins before its first bar, and brokers know no bars.
    const fn waits_for_bars(self) -> bool {
        matches!(
            self,
            Self::SessionOpen
                | Self::OpeningEnds
                | Self::FlatBeforeClose
                | Self::SessionClose
                | Self::Wake(_)
                | Self::Position { .. }
                | Self::EntryExpiry(_)
        )
    }
}

/// The deadlines that are set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Deadline>>,
    next_id: u64,
    /// Nanoseconds after the end of a minute within which its bars may come.
    grace_ns: i64,
}

impl Timers {
    /// Makes timers that leave bars a grace (TB1).
    pub(crate) fn new(grace_ns: i64) -> Self {
        Self { grace_ns, ..Self::default() }
    }

    /// Sets a deadline; one at the end of a minute comes after the grace for its bars (TB1).
    pub(crate) fn set(&mut self, time: Timestamp, timer: Timer) {
        let on_minute = time.nanos() % model::MINUTE_NS == 0 && timer.waits_for_bars();
        let time = if on_minute { time.plus_nanos(self.grace_ns) } else { time };
        self.heap.push(Reverse(Deadline { time, id: self.next_id, timer }));
        self.next_id += 1;
    }

    /// Returns the earliest deadline.
    #[inline]
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse(deadline)| deadline.time)
    }

    /// Returns how many wake-ups of a strategy are pending.
    pub(crate) fn wakes(&self, strategy: StrategyId) -> usize {
        let of = |d: &&Reverse<Deadline>| d.0.timer == Timer::Wake(strategy);
        self.heap.iter().filter(of).count()
    }

    /// Forgets the wake-ups of a strategy.
    pub(crate) fn forget_wakes(&mut self, strategy: StrategyId) {
        self.heap.retain(|Reverse(deadline)| deadline.timer != Timer::Wake(strategy));
    }

    /// Takes the earliest deadline out.
    pub(crate) fn pop(&mut self) -> Option<(Timestamp, Timer)> {
        self.heap.pop().map(|Reverse(deadline)| (deadline.time, deadline.timer))
    }
}

impl model::record::Record for Timers {
    fn save(&self, writer: &mut model::record::Writer) {
        // A heap's inner order depends on its history: the encoding is sorted.
        let mut sorted: Vec<Deadline> = self.heap.iter().map(|Reverse(d)| *d).collect();
        sorted.sort_unstable();
        writer.field(1, &sorted);
        writer.field(2, &self.next_id);
    }

    fn load(
        &mut self,
        reader: &mut model::record::Reader<'_>,
    ) -> Result<(), model::record::DecodeError> {
        let mut sorted: Vec<Deadline> = Vec::new();
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => model::record::read(&mut sorted, &field, "Timers")?,
                2 => model::record::read(&mut self.next_id, &field, "Timers")?,
                _ => {}
            }
        }
        self.heap = sorted.into_iter().map(Reverse).collect();
        Ok(())
    }
}

record!(Deadline { 1: time, 2: id, 3: timer });
record_enum!(Timer {
    0: SessionBegin, 1: SessionOpen, 2: OpeningEnds, 3: FlatBeforeClose, 4: SessionClose,
    5: Wake(StrategyId), 6: Position { 1: slot: SlotKey, 2: group: GroupId },
    7: EntryExpiry(OrderNumber), 8: AskOrder(OrderNumber), 9: DoubtAlarm(OrderNumber),
    10: Retry(OrderNumber), 11: FailOver(BrokerId), 12: EntryAge(OrderNumber), 13: LimitsRaise,
    14: Compare(BrokerId), 15: DataCheck, 16: Unheard(OrderNumber),
});

#[cfg(test)]
mod tests {
    use super::*;

    /// TB1: with a grace, what is due at the end of a minute waits for the minute's bars; other
    /// times and the begin of a session do not.
    #[test]
    fn timers_at_the_end_of_a_minute_wait_for_its_bars() {
        let at = |ns: i64| Timestamp::from_nanos(ns);
        let minute = model::MINUTE_NS;
        for (time, timer, expected) in [
            (minute, Timer::SessionOpen, minute + 5),
            (minute + 1, Timer::SessionOpen, minute + 1),
            (minute, Timer::SessionBegin, minute),
        ] {
            let mut timers = Timers::new(5);
            timers.set(at(time), timer);
            assert_eq!(timers.next(), Some(at(expected)), "{timer:?} at {time}");
        }
    }
}
