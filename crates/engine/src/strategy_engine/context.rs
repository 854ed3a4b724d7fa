//! What a strategy sees and how it states its wishes.

use model::exchange::Session;
use model::{ExitReason, Price, StrategyId, SymbolDay, SymbolId, Timestamp};

use super::decision::Finding;
use super::isolation::{Budget, Fault};
use super::plan::Plan;
use super::signals::{Want, Wish, Wishes};
use crate::books::Books;
use crate::data_manager::{DataManager, SymbolState};
use crate::fact::SlotKey;
use crate::order_manager::Position;

/// A strategy's window on the core during one evaluation. Every call counts: a strategy that
/// calls far more often than it has symbols is stopped (design.md 6).
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) strategy: StrategyId,
    pub(crate) session: Option<&'a Session>,
    pub(crate) data: &'a DataManager,
    pub(crate) books: &'a Books,
    pub(crate) wishes: &'a mut Wishes,
    pub(crate) record_all: bool,
    pub(crate) budget: Budget,
}

impl<'a> Context<'a> {
    #[inline]
    fn key(&self, symbol: SymbolId) -> SlotKey {
        SlotKey { strategy: self.strategy, symbol }
    }

    /// Returns the engine's time.
    #[inline]
    pub fn now(&self) -> Timestamp {
        self.budget.spend();
        self.now
    }

    /// Returns the session in progress, from 04:00 to 20:00 New York.
    #[inline]
    pub fn session(&self) -> Option<&'a Session> {
        self.budget.spend();
        self.session
    }

    /// Returns how many symbols there are; ids run from 0.
    pub fn symbol_count(&self) -> usize {
        self.budget.spend();
        self.data.symbols().len()
    }

    /// Returns what is known of a symbol today.
    #[inline]
    pub fn symbol(&self, symbol: SymbolId) -> Option<&'a SymbolState> {
        self.budget.spend();
        self.data.symbol(symbol)
    }

    /// Returns the facts about a symbol from before the session.
    pub fn reference(&self, symbol: SymbolId) -> Option<&'a SymbolDay> {
        self.budget.spend();
        self.data.symbol(symbol)?.reference(self.session?)
    }

    /// Returns the minimum price increment of a symbol at a price (TB11).
    #[inline]
    pub fn tick(&self, symbol: SymbolId, price: Price) -> Price {
        self.budget.spend();
        self.books.tick(symbol, price)
    }

    /// Returns the strategy's own position in a symbol.
    #[inline]
    pub fn position(&self, symbol: SymbolId) -> Option<&'a Position> {
        self.budget.spend();
        self.books.position(self.key(symbol))
    }

    /// Returns the plan of the strategy's own working entry in a symbol.
    pub fn working_entry(&self, symbol: SymbolId) -> Option<&'a Plan> {
        self.budget.spend();
        let order = self.books.working_entry(self.key(symbol))?;
        order.terms.as_deref().map(|terms| &terms.plan)
    }

    /// Returns how many positions the strategy has opened in a symbol today.
    pub fn entries_today(&self, symbol: SymbolId) -> u16 {
        self.budget.spend();
        self.books.slot(self.key(symbol)).map_or(0, |slot| slot.entries_today)
    }

    /// Returns the sum of the R multiples of the strategy's trades of today (TG28).
    pub fn day_r(&self) -> f64 {
        self.budget.spend();
        self.books.day().r_by_strategy.get(self.strategy.index()).copied().unwrap_or(0.0)
    }

    /// Returns true when a missing reference value forbids opening (paper and live); in backtest
    /// and demo the term is skipped (design.md 6).
    pub fn requires_reference(&self) -> bool {
        self.budget.spend();
        self.books.gate().limits().require_reference
    }

    /// Asks for an [`Event::Time`](super::Event::Time) at `time`; a time that has passed comes a
    /// millisecond from now.
    pub fn wake_at(&mut self, time: Timestamp) {
        self.budget.spend();
        self.wishes.wake(time);
    }

    /// Wants nothing to change in a symbol.
    // Most evaluations end here: in line, the finding is not even made unless it is recorded.
    #[inline(always)]
    pub fn hold(&mut self, symbol: SymbolId, finding: Finding) {
        self.budget.spend();
        if self.record_all {
            self.note(symbol, Want::Hold, finding);
        }
    }

    // In line as well: a call would have the finding in memory before it is known to be wanted.
    #[inline(always)]
    fn note(&mut self, symbol: SymbolId, want: Want, finding: Finding) {
        self.wishes.list.push(Wish { symbol, want, finding });
    }

    /// Wants no entry to work in a symbol.
    #[inline]
    pub fn no_entry(&mut self, symbol: SymbolId, finding: Finding) {
        self.budget.spend();
        let key = self.key(symbol);
        let works = self.books.slot(key).is_some_and(|slot| slot.entry.is_some());
        if works || self.record_all {
            self.note(symbol, Want::NoEntry, finding);
        }
    }

    /// Wants the plan's entry to work in a symbol.
    pub fn enter(&mut self, symbol: SymbolId, plan: Plan, finding: Finding) {
        self.budget.spend();
        if !self.admits(symbol, &finding) {
            return;
        }
        if let Err(fault) = plan.check() {
            self.wishes.note(Fault::Plan { symbol, fault });
            return;
        }
        self.wishes.enter(symbol, plan, finding);
    }

    /// Wants the position in a symbol to be closed.
    pub fn exit(&mut self, symbol: SymbolId, reason: ExitReason, finding: Finding) {
        self.budget.spend();
        // I14: a number that is not finite stops the strategy, never the exit.
        self.admits(symbol, &finding);
        self.wishes.list.push(Wish { symbol, want: Want::Exit(reason), finding });
    }

    /// Notes what is wrong with a signal in itself.
    fn admits(&mut self, symbol: SymbolId, finding: &Finding) -> bool {
        if self.data.symbol(symbol).is_none() {
            self.wishes.note(Fault::UnknownSymbol(symbol));
            return false;
        }
        if !finding.is_finite() {
            self.wishes.note(Fault::NotFinite(symbol));
            return false;
        }
        true
    }
}
