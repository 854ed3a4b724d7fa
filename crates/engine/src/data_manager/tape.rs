//! The prints of one symbol as they come: which of them count (F24, F25, C29).
//!
//! Invariant: a print that does not count changes no bar, no mark and no indicator.

use model::{Timestamp, Trade, record};

use super::bad_prints::PrintFilter;

/// How far a print's own time may lie ahead of the engine's: the skew of clocks that still passes
/// the clock gate (C30).
const SKEW_NS: i64 = model::SECOND_NS;

/// Why a print does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PrintFault {
    /// The price or the size is zero or negative.
    #[error("not_positive")]
    NotPositive,
    /// Its time lies more than a second ahead of the engine's.
    #[error("from_the_future")]
    FromTheFuture,
    /// Its sequence number is not above that of the print before.
    #[error("repeated_sequence")]
    Repeated,
    /// Its minute is closed.
    #[error("out_of_order")]
    OutOfOrder,
    /// Outside 04:00-20:00 New York, on a day without a session, or of an unknown symbol.
    #[error("off_calendar")]
    OffCalendar,
    /// A late, odd-lot or derivative print sets no price (C29).
    #[error("condition")]
    Condition,
    /// Far from the prints before it and confirmed by nothing (C29).
    #[error("far_from_the_median")]
    Suspect,
}

/// What is known of a symbol's prints.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tape {
    /// Engine time at which the last print came that counted.
    pub heard: Timestamp,
    /// The newest time of a print that counted.
    time: Timestamp,
    /// Its number; 0 where the source numbers nothing.
    sequence: u32,
    filter: PrintFilter,
}

impl Default for Tape {
    fn default() -> Self {
        Self {
            heard: Timestamp::MIN,
            time: Timestamp::MIN,
            sequence: 0,
            filter: PrintFilter::default(),
        }
    }
}

impl Tape {
    /// Judges a print by itself and by the ones before it; `confirmed` says whether a quote or
    /// another source has its price.
    #[inline]
    pub(super) fn check(
        &mut self,
        trade: &Trade,
        now: Timestamp,
        confirmed: impl FnOnce() -> bool,
    ) -> Result<(), PrintFault> {
        if !trade.price.is_positive() || !trade.size.is_positive() {
            return Err(PrintFault::NotPositive);
        }
        if trade.time > now.plus_nanos(SKEW_NS) {
            return Err(PrintFault::FromTheFuture);
        }
        if trade.sequence != 0 && !self.is_next(trade.sequence) {
            return Err(PrintFault::Repeated);
        }
        if !trade.conditions.sets_price() {
            return Err(PrintFault::Condition);
        }
        if self.filter.accept(trade.price, confirmed) { Ok(()) } else { Err(PrintFault::Suspect) }
    }

    /// Forgets what only the source before knew: another one numbers its prints differently.
    pub(super) fn change_source(&mut self) {
        self.sequence = 0;
    }

    /// Sequence numbers are the low 32 bits of the source's: they may wrap around.
    #[inline]
    fn is_next(&self, sequence: u32) -> bool {
        self.sequence == 0 || (sequence.wrapping_sub(self.sequence) as i32) > 0
    }

    /// Notes a print that counts; true when none before it was made later: it is the mark.
    #[inline]
    pub(super) fn note(&mut self, trade: &Trade, now: Timestamp) -> bool {
        self.heard = now;
        self.sequence = trade.sequence;
        let newest = trade.time >= self.time;
        self.time = self.time.max(trade.time);
        newest
    }
}

record!(Tape { 1: heard, 2: time, 3: sequence, 4: filter });

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Conditions, Price, Quantity};

    fn print(sequence: u32) -> Trade {
        Trade {
            time: Timestamp::from_nanos(100),
            price: Price::from_raw(1),
            size: Quantity::from_raw(1),
            sequence,
            conditions: Conditions::REGULAR,
        }
    }

    /// F25, F24, C29: what a print must be to count; a second of skew is the boundary.
    #[test]
    fn prints_that_do_not_count() {
        let now = Timestamp::from_nanos(50);
        let check = |trade: Trade| Tape::default().check(&trade, now, || false);
        assert_eq!(check(print(0)), Ok(()));
        let zero = Trade { price: Price::ZERO, ..print(0) };
        let negative = Trade { price: Price::from_raw(-1), ..print(0) };
        let nothing = Trade { size: Quantity::ZERO, ..print(0) };
        for trade in [zero, negative, nothing] {
            assert_eq!(check(trade), Err(PrintFault::NotPositive));
        }
        let edge = Trade { time: now.plus_nanos(SKEW_NS), ..print(0) };
        let beyond = Trade { time: now.plus_nanos(SKEW_NS + 1), ..print(0) };
        assert_eq!((check(edge), check(beyond)), (Ok(()), Err(PrintFault::FromTheFuture)));
        for conditions in [Conditions::LATE, Conditions::ODD_LOT, Conditions::DERIVATIVE] {
            let conditions = conditions.and(Conditions::BUYER);
            let trade = Trade { conditions, ..print(0) };
            assert_eq!(check(trade), Err(PrintFault::Condition), "{conditions:?}");
        }
    }

    /// F24: a repeated or older number is dropped, also where the numbers wrap around.
    #[test]
    fn repeated_numbers_are_dropped() {
        let now = Timestamp::from_nanos(100);
        let mut tape = Tape::default();
        for (sequence, expected) in [
            (u32::MAX - 1, true),
            (u32::MAX - 1, false),
            (u32::MAX, true),
            (u32::MAX - 1, false),
            (1, true),
            (1, false),
            (2, true),
        ] {
            let taken = tape.check(&print(sequence), now, || false).is_ok();
            assert_eq!(taken, expected, "number {sequence}");
            if taken {
                tape.note(&print(sequence), now);
            }
        }
    }
}
