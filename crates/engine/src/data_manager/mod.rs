//! Market data inside the core: validation, minutes from prints, session state and shared
//! indicators per symbol, the choice of a source and the age of what it says.
//!
//! Sockets, providers and back-fill live in the shell. Invariants: only closed bars in ascending
//! order reach a strategy (TB1, F24); a value that is not usable changes nothing and is counted
//! (F25); a missing minute has no bar (TB4).

mod bad_prints;
mod feeds;
mod gaps;
mod minutes;
mod needs;
mod policy;
mod sourcing;
mod symbol_state;
mod tape;
pub(crate) mod watching;

use std::sync::Arc;

use model::exchange::{Segment, Session};
use model::{
    Bar, BarFault, CorporateAction, Halt, MINUTE_NS, Price, Quote, SymbolDay, SymbolId, Timestamp,
    Trade,
};

use self::sourcing::{is_at, middle};

pub use bad_prints::{PrintFilter, WINDOW};
pub use feeds::{Agreement, DataDoubt, Feed, Feeds, Stale};
pub use minutes::{Minute, Minutes};
pub use needs::Needs;
pub use policy::{DataPolicy, SourcePolicy, Staleness};
pub use symbol_state::{RECENT_BARS, SegmentStats, SymbolState};
pub use tape::{PrintFault, Tape};

/// The state of all symbols.
#[derive(Clone, Debug)]
pub struct DataManager {
    symbols: Vec<SymbolState>,
    minutes: Minutes,
    feeds: Feeds,
    policy: DataPolicy,
    /// Data is live: its sources and its age are watched.
    watched: bool,
    needs: Needs,
    refused: u64,
}

impl DataManager {
    /// Makes the state of `symbols` symbols of which nothing is known.
    pub fn new(symbols: usize, needs: Needs) -> Self {
        Self {
            symbols: vec![SymbolState::default(); symbols],
            minutes: Minutes::new(symbols),
            feeds: Feeds::new(symbols, 1),
            policy: DataPolicy::default(),
            watched: false,
            needs,
            refused: 0,
        }
    }

    /// Holds data to other rules than those of stored data.
    pub fn with_policy(self, policy: DataPolicy) -> Self {
        let feeds = Feeds::new(self.symbols.len(), policy.sources.len());
        Self { feeds, watched: policy.staleness.is_some(), policy, ..self }
    }

    /// Returns the rules that data is held to.
    pub fn policy(&self) -> &DataPolicy {
        &self.policy
    }

    /// Returns when the oldest minute in progress must be closed; the end of time when there is
    /// none (TB1).
    #[inline]
    pub fn minute_due(&self) -> Timestamp {
        self.minutes.pending().plus_nanos(self.policy.bar_grace_ns)
    }

    /// Returns true when the oldest minute in progress has ended and is complete before its grace
    /// is over: every symbol has had a later print (TB1).
    pub(crate) fn is_minute_complete(&self, now: Timestamp) -> bool {
        self.minutes.pending() <= now && self.minutes.all_later()
    }

    /// Takes the bar of a symbol out of the oldest minute in progress.
    pub(crate) fn close_minute(&mut self, symbol: SymbolId) -> Option<Bar> {
        self.minutes.close(symbol)
    }

    /// Goes on to the minute after the oldest one.
    pub(crate) fn next_minute(&mut self) {
        self.minutes.next();
    }

    /// Returns the state of all symbols, by [`SymbolId`].
    #[inline]
    pub fn symbols(&self) -> &[SymbolState] {
        &self.symbols
    }

    /// Returns the state of one symbol; `None` for an unknown one.
    #[inline]
    pub fn symbol(&self, symbol: SymbolId) -> Option<&SymbolState> {
        self.symbols.get(symbol.index())
    }

    /// Returns how many events were refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Begins a session for all symbols.
    pub fn begin_day(&mut self) {
        self.symbols.iter_mut().for_each(SymbolState::begin_day);
        self.feeds.begin_day();
    }

    /// Checks a bar and takes it in; returns its segment.
    ///
    /// In line with its caller: most of it is copying the few numbers of a bar.
    #[inline(always)]
    pub fn accept_bar(
        &mut self,
        symbol: SymbolId,
        bar: &Bar,
        session: Option<&Session>,
        now: Timestamp,
        backfilled: bool,
    ) -> Result<Segment, BarFault> {
        let needs = self.needs;
        let Some(state) = self.symbols.get_mut(symbol.index()) else {
            return Err(self.refuse(symbol, BarFault::OffCalendar));
        };
        let checked = if state.gapped && !backfilled {
            Err(BarFault::InAGap)
        } else {
            check(bar, state, session, now)
        };
        match checked {
            Ok(segment) => {
                let mark = state.mark;
                state.update(bar, segment, needs);
                if self.watched {
                    if state.tape.heard >= bar.end() {
                        // A print after the bar's minute is younger than its close.
                        state.mark = mark;
                    }
                    self.feeds.note_bar(self.feeds.active(symbol), symbol, bar);
                }
                Ok(segment)
            }
            Err(fault) => Err(self.refuse(symbol, fault)),
        }
    }

    /// Counts what is not used.
    #[cold]
    fn refuse(&mut self, symbol: SymbolId, fault: BarFault) -> BarFault {
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            state.refused = state.refused.saturating_add(1);
        }
        self.refused += 1;
        fault
    }

    /// Takes a quote in unless it is crossed, locked or empty (C28).
    pub fn accept_quote(&mut self, symbol: SymbolId, quote: &Quote, now: Timestamp) -> bool {
        let valid = quote.is_valid();
        match self.symbols.get_mut(symbol.index()) {
            Some(state) if valid => {
                state.quote = Some(*quote);
                if self.watched {
                    let feed = Feed { price: middle(quote), at: now, bar: false };
                    self.feeds.note(self.feeds.active(symbol), symbol, feed);
                }
                true
            }
            _ => {
                self.refused += 1;
                false
            }
        }
    }

    /// Takes a print in: it is the symbol's mark and part of its minute. Returns true when it is
    /// the first of its symbol in a minute.
    ///
    /// # Errors
    /// What makes the print unusable (F24, F25); it is counted and changes nothing.
    #[inline]
    pub fn accept_trade(
        &mut self,
        symbol: SymbolId,
        trade: &Trade,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Result<bool, PrintFault> {
        let Some(state) = self.symbols.get_mut(symbol.index()) else {
            self.refused += 1;
            return Err(PrintFault::OffCalendar);
        };
        let (feeds, policy, quote) = (&self.feeds, &self.policy, state.quote);
        let confirmed = || {
            quote.is_some_and(|quote| is_at(&quote, trade, policy))
                || feeds.others_confirm(symbol, trade.price, policy, now)
        };
        let taken = match state.tape.check(trade, now, confirmed) {
            Ok(()) if self.minutes.extend(symbol, trade) => Ok(false),
            // The rest of a minute with a gap moves the mark and is part of no bar.
            Ok(()) if trade.time < state.whole_from => Ok(false),
            Ok(()) => {
                let over = now.plus_nanos(-self.policy.bar_grace_ns);
                self.minutes.begin(symbol, trade, session, over).map(|()| true)
            }
            Err(fault) => Err(fault),
        };
        match taken {
            Ok(_) => {
                if state.tape.note(trade, now) {
                    state.mark = trade.price;
                }
                if self.watched {
                    let feed = Feed { price: trade.price, at: now, bar: false };
                    self.feeds.note(self.feeds.active(symbol), symbol, feed);
                }
            }
            Err(_) => {
                state.refused = state.refused.saturating_add(1);
                self.refused += 1;
            }
        }
        taken
    }

    /// Notes a halt or its end.
    pub fn accept_halt(&mut self, symbol: SymbolId, halt: &Halt) {
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            state.note_halt(halt);
        }
    }

    /// Restates the last price after a corporate action, unless today's bars have set it (F27).
    pub(crate) fn restate(&mut self, action: &CorporateAction) {
        if let Some(state) = self.symbols.get_mut(action.symbol.index())
            && state.bars == 0
            && !state.mark.is_zero()
        {
            state.mark = action.level(state.mark).max(Price::ZERO);
        }
    }

    /// Takes the facts in that precede a session.
    pub fn accept_reference(&mut self, day: &SymbolDay) {
        if let Some(state) = self.symbols.get_mut(day.symbol.index()) {
            if let (true, Some(close)) = (state.mark.is_zero(), day.prev_close) {
                state.mark = close;
            }
            state.reference = Some(Arc::new(day.clone()));
        }
    }
}

#[inline]
fn check(
    bar: &Bar,
    state: &SymbolState,
    session: Option<&Session>,
    now: Timestamp,
) -> Result<Segment, BarFault> {
    bar.check()?;
    if bar.start.nanos() % MINUTE_NS != 0 {
        return Err(BarFault::NotOnMinute);
    }
    if bar.start <= state.last.start {
        return Err(fault_of_late(bar, state));
    }
    let is_over = bar.end() <= now;
    match session.and_then(|session| session.segment(bar.start)) {
        Some(segment) if is_over => Ok(segment),
        _ if !is_over => Err(BarFault::FromTheFuture),
        _ => Err(BarFault::OffCalendar),
    }
}

/// Returns what is wrong with a bar that is not newer than the last one.
#[cold]
fn fault_of_late(bar: &Bar, state: &SymbolState) -> BarFault {
    let mut known = (0..RECENT_BARS).filter_map(|back| state.bar(back));
    match known.find(|known| known.start == bar.start) {
        Some(known) if known == bar => BarFault::Repeated,
        Some(_) => BarFault::Corrected,
        None => BarFault::OutOfOrder,
    }
}

impl model::record::Record for DataManager {
    fn save(&self, writer: &mut model::record::Writer) {
        writer.field(1, &self.symbols);
        writer.field(2, &self.refused);
        writer.nested(3, |w| self.minutes.save(w));
        writer.nested(4, |w| self.feeds.save(w));
    }

    fn load(
        &mut self,
        reader: &mut model::record::Reader<'_>,
    ) -> Result<(), model::record::DecodeError> {
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => model::record::read(&mut self.symbols, &field, "DataManager")?,
                2 => model::record::read(&mut self.refused, &field, "DataManager")?,
                3 => {
                    let body = field.blob().unwrap_or_default();
                    self.minutes.load(&mut model::record::Reader::new(body))?;
                }
                4 => {
                    let body = field.blob().unwrap_or_default();
                    self.feeds.load(&mut model::record::Reader::new(body))?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
