//! Minimum price increments of a run's symbols on the current date (TB11).

use model::exchange::TickTable;
use model::{Date, Price, Symbol, SymbolId};

/// The tick table bound to the run's symbols and to a date.
#[derive(Clone, Debug)]
pub struct Ticks {
    table: TickTable,
    symbols: Vec<Symbol>,
    date: Date,
}

impl Default for Ticks {
    /// One cent everywhere.
    fn default() -> Self {
        Self::new(TickTable::us(), Vec::new())
    }
}

impl Ticks {
    /// Binds a table to the symbols of a run.
    pub fn new(table: TickTable, symbols: Vec<Symbol>) -> Self {
        Self { table, symbols, date: Date::default() }
    }

    /// Moves to a session's date.
    pub(crate) fn set_date(&mut self, date: Date) {
        self.date = date;
    }

    /// Calls a symbol by its new ticker from now on (F27).
    pub(crate) fn rename(&mut self, symbol: SymbolId, to: Symbol) {
        if let Some(name) = self.symbols.get_mut(symbol.index()) {
            *name = to;
        }
    }

    /// Returns the ticker of a symbol.
    pub fn symbol(&self, symbol: SymbolId) -> Option<Symbol> {
        self.symbols.get(symbol.index()).copied()
    }

    /// Returns the tick of a symbol at a price; one cent for a symbol that is unknown.
    #[inline]
    pub fn at(&self, symbol: SymbolId, price: Price) -> Price {
        match self.symbols.get(symbol.index()) {
            Some(&symbol) => self.table.tick(symbol, self.date, price),
            None => Price::from_raw(10_000_000),
        }
    }
}
