//! What is fed between two deadlines: halts and the bars of a minute.

use super::{Driver, Host, Venue};
use engine::{Input, MarketEvent};
use model::exchange::{Segment, Session};
use model::{Cash, Halt, SourceId, SymbolId, Timestamp};

impl<H: Host> Driver<'_, H> {
    /// Feeds halts and their ends before `until`.
    #[inline]
    pub(super) fn feed_halts(&mut self, until: Timestamp) {
        if self.next_halt_at < until {
            self.feed_due_halts(until);
        }
    }

    #[cold]
    fn feed_due_halts(&mut self, until: Timestamp) {
        while self.next_halt_at < until {
            let Some((index, halt)) = self.next_halt() else { return };
            let symbol = SymbolId(index as u32);
            self.advance(halt.time, true);
            if self.ended {
                return;
            }
            self.host.venue_mut().halt(symbol, halt.halted);
            let event = MarketEvent::Halt { symbol, halt };
            self.apply(halt.time, Input::Market { source: SourceId(0), event });
            self.settle(halt.time);
            if let Some(cursor) = self.cursors.get_mut(index) {
                cursor.halt += 1;
            }
            self.find_next_halt();
        }
    }

    pub(super) fn find_next_halt(&mut self) {
        self.next_halt_at = self.next_halt().map_or(Timestamp::MAX, |(_, halt)| halt.time);
    }

    fn next_halt(&self) -> Option<(usize, Halt)> {
        let halts = self.cursors.iter().zip(self.data.symbols()).enumerate();
        halts
            .filter_map(|(index, (cursor, data))| Some((index, *data.halts.get(cursor.halt)?)))
            .min_by_key(|(_, halt)| halt.time)
    }

    pub(super) fn run_minute(&mut self, start: Timestamp, end: Timestamp, session: &Session) {
        let rth = session.segment(start) == Some(Segment::Rth);
        if self.host.venue().has_any_live() {
            self.fill_minute(start, end, rth);
        }
        let mut next_bar_at = Timestamp::MAX;
        let mut index = 0;
        while let Some(cursor) = self.cursors.get_mut(index) {
            let bar = cursor.take(start);
            next_bar_at = next_bar_at.min(cursor.next());
            if let Some(bar) = bar {
                self.result.bars += 1;
                self.apply_bar(end, SymbolId(index as u32), bar);
                if !self.commands.is_empty() {
                    self.settle(end);
                }
            }
            index += 1;
        }
        self.next_bar_at = next_bar_at;
        // Minutes built of prints are closed by the deadline at their end.
        if self.ticks.len() > 0 {
            self.advance(end, true);
        }
        if rth {
            self.note_exposure();
        }
    }

    /// Shows the bars of a minute to the orders that work.
    fn fill_minute(&mut self, start: Timestamp, end: Timestamp, rth: bool) {
        for index in 0..self.cursors.len() {
            let symbol = SymbolId(index as u32);
            if !self.host.venue().has_live(symbol) {
                continue;
            }
            let Some(bar) = self.cursors[index].bar_at(start) else { continue };
            self.host.venue_mut().begin_bar(symbol, bar, rth);
            self.settle(end);
            self.host.venue_mut().end_bar();
            self.settle(end);
        }
    }

    fn note_exposure(&mut self) {
        let exposure = &mut self.result.exposure;
        exposure.minutes += 1;
        let books = self.host.engine().books();
        if books.active().is_empty() {
            return;
        }
        let mut gross = Cash::ZERO;
        for &key in books.active() {
            let mark = self.host.engine().data().symbol(key.symbol).map(|state| state.mark);
            if let (Some(position), Some(mark)) = (books.position(key), mark) {
                gross = gross.plus(position.gross_at(mark));
            }
        }
        if gross.is_zero() {
            return;
        }
        exposure.minutes_in_market += 1;
        let equity = books.day().equity.to_f64();
        if equity > 0.0 {
            let ratio = gross.to_f64() / equity;
            self.gross_sum += ratio;
            exposure.max_gross = exposure.max_gross.max(ratio);
        }
    }
}
