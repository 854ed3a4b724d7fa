//! Market data that was lost before it reached the core (F24, decision 0033).

use model::{MINUTE_NS, SymbolId, Timestamp};

use super::DataManager;

impl DataManager {
    /// Market data of a symbol is missing (F24): its minute in progress is lost, and until the
    /// end of the back-fill only back-filled bars count.
    pub(crate) fn begin_gap(&mut self, symbol: SymbolId, now: Timestamp) {
        self.minutes.discard(symbol);
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            let into = now.nanos().rem_euclid(MINUTE_NS);
            state.gapped = true;
            state.whole_from = now.plus_nanos(MINUTE_NS - into);
        }
    }

    /// Everything that was missing is there.
    pub(crate) fn end_gap(&mut self, symbol: SymbolId) {
        if let Some(state) = self.symbols.get_mut(symbol.index()) {
            state.gapped = false;
        }
    }

    /// Returns true when market data of a symbol is missing.
    pub fn is_gapped(&self, symbol: SymbolId) -> bool {
        self.symbol(symbol).is_some_and(|state| state.gapped)
    }
}
