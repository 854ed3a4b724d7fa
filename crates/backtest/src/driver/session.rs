//! A session from its first minute to its last, and what comes before it: reference data and
//! corporate actions.

use super::{Cursor, Driver, Host, Venue};
use crate::actions::{self, corporate};
use engine::{BrokerEvent, Input};
use model::exchange::Session;
use model::{Date, MINUTE_NS, MarketEvent, Price, SourceId, SymbolId, Timestamp};

impl<H: Host> Driver<'_, H> {
    /// Runs a session, or the rest of it when the core comes from a process that ended within it.
    pub fn run_session(&mut self, session: &Session) {
        self.begin_session(session);
        let mut open = !self.host.venue().has_rolled(session.date);
        while let Some(start) = self.next_start(session).filter(|_| !self.ended) {
            let end = start.plus_nanos(MINUTE_NS);
            if open && end > session.close {
                self.close_session(session);
                open = false;
            }
            if self.ticks.next_at() < end {
                self.feed_ticks(start, end, session);
            }
            self.feed_halts(end);
            self.advance(end, false);
            if self.ended {
                return;
            }
            self.run_minute(start, end, session);
            self.advance(end, true);
            self.keep_built_bars(start);
        }
        if open {
            self.close_session(session);
        }
        self.feed_halts(session.post_close);
        self.advance(session.post_close, true);
        if !self.ended {
            self.end_session(session);
        }
    }

    fn begin_session(&mut self, session: &Session) {
        let engine = self.host.engine();
        // A core that comes from an earlier process may know the day already: then it goes on
        // behind what that process fed.
        let fed = (engine.books().day().session >= session.date).then_some(engine.now());
        let from = engine.now().max(session.pre_open);
        self.host.begin_session(session, from);
        self.host.venue_mut().begin_session(session);
        let previous = self.config.calendar.previous_session(session.date).map(|s| s.date);
        self.result.sessions += 1;
        for index in 0..self.cursors.len() {
            let symbol = SymbolId(index as u32);
            let day = self.references.symbol_day(symbol, session, previous);
            self.host.venue_mut().set_adv(symbol, day.adv20);
            let last = self.last_known(symbol);
            match fed {
                None => self.apply(session.pre_open, Input::Reference(Box::new(day))),
                Some(now) if !self.knows_reference(symbol, session) => {
                    self.apply(now, Input::Reference(Box::new(day)));
                }
                Some(_) => {}
            }
            self.find_place(index, session, fed);
            match fed {
                None => self.announce_actions(symbol, session, previous),
                Some(now) if now <= session.pre_open => {
                    let held = self.host.venue().position(symbol);
                    self.acted.push((symbol, held));
                }
                Some(now) => self.fill_gap(symbol, last, now),
            }
        }
        self.next_bar_at = self.cursors.iter().map(Cursor::next).min().unwrap_or(Timestamp::MAX);
        self.find_next_halt();
        self.ticks.skip_before(session.pre_open);
        if let Some(now) = fed {
            self.ticks.go_on_after(now);
        }
        self.advance(session.pre_open, true);
        for (symbol, held) in std::mem::take(&mut self.acted) {
            let broker = self.config.exchange.broker;
            let event = BrokerEvent::ActionBooked { symbol, held };
            self.apply(session.pre_open, Input::Broker { broker, event });
            self.settle(session.pre_open);
        }
    }

    /// Returns the start of a symbol's last bar that the core's analysis knows.
    fn last_known(&self, symbol: SymbolId) -> Timestamp {
        let state = self.host.engine().data().symbol(symbol);
        state.map_or(Timestamp::MIN, |state| state.last.start)
    }

    fn knows_reference(&self, symbol: SymbolId, session: &Session) -> bool {
        let state = self.host.engine().data().symbol(symbol);
        state.is_some_and(|state| state.reference(session).is_some())
    }

    /// Fills in what the process before fed and the analysis of this one does not know, because it
    /// began cold: nothing is opened by minutes that are over (journal.md 8, F24).
    fn fill_gap(&mut self, symbol: SymbolId, last: Timestamp, now: Timestamp) {
        let Some(fed) = self.cursors.get(symbol.index()).map(Cursor::fed) else { return };
        let missing = fed.get(fed.partition_point(|bar| bar.start <= last)..).unwrap_or_default();
        if missing.is_empty() {
            return;
        }
        let events = [MarketEvent::Gap { symbol, missing: 0 }].into_iter();
        let events = events.chain(missing.iter().map(|&bar| MarketEvent::Backfill { symbol, bar }));
        for event in events.chain([MarketEvent::BackfillEnd { symbol }]) {
            self.apply(now, Input::Market { source: SourceId(0), event });
        }
    }

    /// Finds the first bar and halt of a session that are not fed yet.
    fn find_place(&mut self, index: usize, session: &Session, fed: Option<Timestamp>) {
        let Some(data) = self.data.symbols().get(index) else { return };
        let Some(cursor) = self.cursors.get_mut(index) else { return };
        cursor.begin(session);
        if let Some(now) = fed {
            let state = self.host.engine().data().symbol(SymbolId(index as u32));
            let last = state.map_or(Timestamp::MIN, |state| state.last.start);
            cursor.pass(|bar| bar.start <= last || bar.end() < now);
            // A halt that is told twice changes nothing.
            while data.halts.get(cursor.halt).is_some_and(|halt| halt.time < now) {
                cursor.halt += 1;
            }
        }
    }

    /// Lets the corporate actions happen whose ex-date is the session, or a day without one before
    /// it (F27): the core is told, the exchange restates what it holds.
    fn announce_actions(&mut self, symbol: SymbolId, session: &Session, previous: Option<Date>) {
        let data = self.data;
        let Some(data) = data.symbols().get(symbol.index()) else { return };
        for action in actions::due(data, session, previous) {
            let last = previous.and_then(|date| self.official_close(symbol, date));
            let last = last.unwrap_or_else(|| self.mark(symbol));
            let Ok(happening) = corporate(symbol, action, last) else {
                let (name, date, factor) = (data.symbol, action.date, action.split_ratio);
                self.unusable.push(format!(
                    "{name}: the split of {date} by {factor} is no ratio of whole numbers (F27)"
                ));
                continue;
            };
            for action in happening {
                self.apply(session.pre_open, Input::Action(action));
                let held = self.host.venue_mut().act(&action, session.pre_open);
                self.acted.retain(|(of, _)| *of != symbol);
                self.acted.push((symbol, held));
            }
        }
    }

    pub(super) fn official_close(&self, symbol: SymbolId, date: Date) -> Option<Price> {
        actions::official_close(self.data.symbols().get(symbol.index())?, date)
    }

    pub(super) fn mark(&self, symbol: SymbolId) -> Price {
        self.host.engine().data().symbol(symbol).map_or(Price::ZERO, |state| state.mark)
    }

    /// Returns the earliest start of a bar that is not fed yet, within the session.
    #[inline]
    fn next_start(&self, session: &Session) -> Option<Timestamp> {
        let next = self.next_bar_at.min(self.ticks.next_minute());
        (next < session.post_close).then_some(next)
    }

    fn end_session(&mut self, session: &Session) {
        for (index, data) in self.data.symbols().iter().enumerate() {
            if !data.trades.is_empty() {
                continue;
            }
            self.references.push_session(index, session, self.cursors[index].fed());
        }
        for (index, bars) in self.ticks.take_bars() {
            self.references.push_session(index, session, &bars);
        }
        debug_assert_eq!(self.check(), Ok(()));
    }

    /// Checks the books' invariants and that exchange and engine agree on every position (I3).
    fn check(&self) -> Result<(), String> {
        let books = self.host.engine().books();
        books.check()?;
        for (index, data) in self.data.symbols().iter().enumerate() {
            let symbol = SymbolId(index as u32);
            let held: i64 = books
                .active()
                .iter()
                .filter(|key| key.symbol == symbol)
                .filter_map(|&key| Some(books.position(key)?.signed_qty().raw()))
                .sum();
            let truth = self.host.venue().position(symbol).raw();
            if held != truth {
                return Err(format!("I3: {}: engine {held}, exchange {truth}", data.symbol));
            }
        }
        Ok(())
    }
}
