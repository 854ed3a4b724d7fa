//! What the book knows: orders, executions, positions, the account, and how far it has come.

use model::{
    AccountRow, Cash, ClientOrderId, CorporateAction, Date, ExecutionReport, ExecutionRow,
    OrderRow, PositionRow, Quantity, SymbolId, Timestamp,
};

use super::log::Log;
use super::{Book, BookError, Forgotten};

impl Book {
    /// Returns the order of an id; `None` when it never came.
    ///
    /// # Errors
    /// It may be an order that was forgotten for its age.
    pub fn order(&self, id: ClientOrderId) -> Result<Option<OrderRow>, Forgotten> {
        Ok(self.register.order(id)?.map(|row| self.outward_order(row)))
    }

    /// Returns all orders that are kept: those that are not done, and the newest finished ones.
    pub fn orders(&self) -> Vec<OrderRow> {
        self.register.orders().into_iter().map(|row| self.outward_order(row)).collect()
    }

    /// Returns the orders that are not done.
    pub fn open_orders(&self) -> Vec<OrderRow> {
        let rows = self.register.open_orders().into_iter();
        rows.map(|row| self.outward_order(row)).collect()
    }

    /// Returns the executions at or after a time.
    ///
    /// # Errors
    /// Some of them were forgotten for their age.
    pub fn executions_since(&self, since: Timestamp) -> Result<Vec<ExecutionRow>, Forgotten> {
        let mut rows = self.register.executions_since(since)?;
        for row in &mut rows {
            row.symbol = row.symbol.and_then(|symbol| self.symbols.run(symbol));
        }
        Ok(rows)
    }

    /// Returns the positions that are not flat.
    pub fn positions(&self) -> Vec<PositionRow> {
        let mut rows = self.register.positions();
        for row in &mut rows {
            row.symbol = row.symbol.and_then(|symbol| self.symbols.run(symbol));
        }
        rows
    }

    /// Returns the account's figures: positions count at their last price, and twice the equity may
    /// be held (Regulation T).
    pub fn account(&self) -> AccountRow {
        let (value, gross) = self.register.exposure();
        let cash = self.exchange.cash();
        let equity = cash.plus(value);
        let buying_power = equity.plus(equity).minus(gross).max(Cash::ZERO);
        AccountRow { cash, equity, buying_power }
    }

    /// Returns the account's cash.
    pub fn cash(&self) -> Cash {
        self.exchange.cash()
    }

    /// Returns the net shares of a symbol.
    pub fn position(&self, symbol: SymbolId) -> Quantity {
        self.exchange.position(self.symbols.book(symbol))
    }

    /// Returns how many reports there were since the account was opened.
    pub fn reports(&self) -> u64 {
        self.register.told()
    }

    /// Returns the reports after the first `count`; `None` when they are too old to be kept.
    pub fn reports_after(&self, count: u64) -> Option<Vec<ExecutionReport>> {
        let reports = self.register.reports_after(count)?;
        Some(reports.into_iter().map(|report| self.outward(report)).collect())
    }

    /// Returns the time of the latest call.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns up to when a symbol's market events were taken: after a restart those after it are
    /// shown.
    pub fn fed_until(&self, symbol: SymbolId) -> Timestamp {
        self.fed.get(self.symbols.book(symbol).index()).copied().unwrap_or_default()
    }

    /// Returns [`fed_until`](Self::fed_until) of the first `count` symbols of the run.
    pub fn fed_until_of(&self, count: usize) -> Vec<Timestamp> {
        let ids = 0..u32::try_from(count).unwrap_or(u32::MAX);
        ids.map(|id| self.fed_until(SymbolId(id))).collect()
    }

    /// Returns when the last regular session ended that the book was told of; 1970 without any.
    pub fn closed_until(&self) -> Timestamp {
        self.closed
    }

    /// Returns the last session whose day was ended for costs: it is charged once.
    pub fn last_night(&self) -> Option<Date> {
        self.night
    }

    /// Returns true when a corporate action has happened here: it happens once.
    pub fn has_acted(&self, action: &CorporateAction) -> bool {
        let symbol = self.symbols.book(action.symbol);
        self.acted.contains(&CorporateAction { symbol, ..*action })
    }

    /// Returns true when a fill's date lies before the first row of a fee table (TK7).
    pub fn fees_extrapolated(&self) -> bool {
        self.exchange.fees_extrapolated()
    }

    /// Returns how many auction orders were priced from bars (TF12).
    pub fn auction_estimates(&self) -> u64 {
        self.exchange.auction_estimates()
    }

    /// Puts what was logged on disk.
    ///
    /// # Errors
    /// The log cannot be written, or could not be before.
    pub fn sync(&mut self) -> Result<(), BookError> {
        self.healthy()?;
        self.log.as_mut().map_or(Ok(()), Log::sync)
    }
}
