//! Market data inside the core: validation, session state and shared indicators per symbol.
//!
//! Sockets, providers and back-fill live in the shell. Invariants: only closed bars in ascending
//! order reach a strategy (TB1, F24); a value that is not usable changes nothing and is counted
//! (F25); a missing minute has no bar (TB4).

mod needs;
mod symbol_state;

use std::sync::Arc;

use model::exchange::{Segment, Session};
use model::{Bar, BarFault, Halt, MINUTE_NS, Quote, SymbolDay, SymbolId, Timestamp, Trade};

pub use needs::Needs;
pub use symbol_state::{RECENT_BARS, SegmentStats, SymbolState};

/// The state of all symbols.
#[derive(Clone, Debug)]
pub struct DataManager {
    symbols: Vec<SymbolState>,
    needs: Needs,
    refused: u64,
}

impl DataManager {
    /// Makes the state of `symbols` symbols of which nothing is known.
    pub fn new(symbols: usize, needs: Needs) -> Self {
        Self { symbols: vec![SymbolState::default(); symbols], needs, refused: 0 }
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
    }

    /// Checks a bar and takes it in; returns its segment.
    #[inline]
    pub fn accept_bar(
        &mut self,
        symbol: SymbolId,
        bar: &Bar,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Result<Segment, BarFault> {
        let needs = self.needs;
        let Some(state) = self.symbols.get_mut(symbol.index()) else {
            self.refused += 1;
            return Err(BarFault::OffCalendar);
        };
        match check(bar, state, session, now) {
            Ok(segment) => {
                state.update(bar, segment, needs);
                Ok(segment)
            }
            Err(fault) => {
                state.refused = state.refused.saturating_add(1);
                self.refused += 1;
                Err(fault)
            }
        }
    }

    /// Takes a quote in unless it is crossed, locked or empty (C28).
    pub fn accept_quote(&mut self, symbol: SymbolId, quote: &Quote) -> bool {
        let valid = quote.bid.is_positive()
            && quote.ask > quote.bid
            && quote.bid_size.is_positive()
            && quote.ask_size.is_positive();
        match self.symbols.get_mut(symbol.index()) {
            Some(state) if valid => {
                state.quote = Some(*quote);
                true
            }
            _ => {
                self.refused += 1;
                false
            }
        }
    }

    /// Takes a print in as the symbol's mark unless it is not positive (F25).
    pub fn accept_trade(&mut self, symbol: SymbolId, trade: &Trade) -> bool {
        match self.symbols.get_mut(symbol.index()) {
            Some(state) if trade.price.is_positive() && trade.size.is_positive() => {
                state.mark = trade.price;
                true
            }
            _ => {
                self.refused += 1;
                false
            }
        }
    }

    /// Notes a halt or its end.
    pub fn accept_halt(&mut self, symbol: SymbolId, halt: &Halt) {
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            state.note_halt(halt);
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
        return Err(BarFault::OutOfOrder);
    }
    if bar.end() > now {
        return Err(BarFault::FromTheFuture);
    }
    session.and_then(|session| session.segment(bar.start)).ok_or(BarFault::OffCalendar)
}

impl model::record::Record for DataManager {
    fn save(&self, writer: &mut model::record::Writer) {
        writer.field(1, &self.symbols);
        writer.field(2, &self.refused);
    }

    fn load(
        &mut self,
        reader: &mut model::record::Reader<'_>,
    ) -> Result<(), model::record::DecodeError> {
        while let Some(field) = reader.next_field()? {
            match field.tag {
                1 => model::record::read(&mut self.symbols, &field, "DataManager")?,
                2 => model::record::read(&mut self.refused, &field, "DataManager")?,
                _ => {}
            }
        }
        Ok(())
    }
}
