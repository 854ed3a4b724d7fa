//! Market data comes in: bars, prints, quotes, halts; exits look first, then strategies (TB1, TF1).

use model::{Bar, BarFault, SymbolId, Trade};

use super::Engine;
use crate::alert_system::AlertKind;
use crate::data_manager::PrintFault;
use crate::desk::Analysis;
use crate::order_manager::trailing;
use crate::output::Outputs;
use crate::risk_manager::{Block, BlockReason, Scope};
use crate::strategy_engine::Event;
use model::MarketEvent;

impl Engine {
    /// Takes a bar in. It is in line with [`apply`](Engine::apply), for the bars that come by the
    /// million; the few others come through [`on_single_bar`](Self::on_single_bar).
    #[inline(always)]
    pub(super) fn on_bar(
        &mut self,
        symbol: SymbolId,
        bar: &Bar,
        backfilled: bool,
        out: &mut Outputs,
    ) {
        let Analysis { data, session, .. } = &mut self.analysis;
        if let Err(fault) = data.accept_bar(symbol, bar, session.as_ref(), self.now, backfilled) {
            self.on_bad_bar(symbol, bar, fault, out);
            return;
        }
        if self.core.books().closed().iter().any(|(key, _)| key.symbol == symbol) {
            self.record_trades(Some(symbol), Some(bar), out);
        }
        if self.core.books().is_symbol_active(symbol) {
            trailing::on_bar(&mut self.desk(out), symbol, bar);
            self.judge_loss(out);
        }
        for index in 0..self.strategies.len() {
            self.run_strategy(index, Event::Bar { symbol, bar }, out);
        }
    }

    /// Takes a bar in that was built of prints, or one that was missing.
    #[inline(never)]
    fn on_single_bar(&mut self, symbol: SymbolId, bar: &Bar, backfilled: bool, out: &mut Outputs) {
        self.on_bar(symbol, bar, backfilled, out);
    }

    /// A bar that is not used: said once, where an operator should know.
    #[cold]
    pub(super) fn on_bad_bar(
        &mut self,
        symbol: SymbolId,
        bar: &Bar,
        fault: BarFault,
        out: &mut Outputs,
    ) {
        let kind = match fault {
            // Nothing is wrong with a repetition, and the gap itself was told.
            BarFault::Repeated | BarFault::InAGap => return,
            // TB8: the running session keeps what it acted on; the input is in the journal.
            BarFault::OutOfOrder | BarFault::Corrected => AlertKind::LateData,
            _ => AlertKind::BadData,
        };
        self.desk(out)
            .alert(kind, Some(symbol), None, || format!("bar {} was not used: {fault}", bar.start));
    }

    /// Takes a print in: it moves the mark and its minute; strategies see closed minutes (TB1).
    #[inline]
    pub(super) fn on_trade(&mut self, symbol: SymbolId, trade: &Trade, out: &mut Outputs) {
        let Analysis { data, session, .. } = &mut self.analysis;
        match data.accept_trade(symbol, trade, session.as_ref(), self.now) {
            Ok(complete) => {
                if self.core.books().is_symbol_active(symbol) {
                    trailing::on_print(&mut self.desk(out), symbol, trade.price);
                }
                while complete && self.analysis.data.is_minute_complete(self.now) {
                    self.close_minute(out);
                }
            }
            // Every feed carries prints that set no price: nothing is wrong with them.
            Err(PrintFault::Condition) => {}
            Err(fault) => self.desk(out).alert(AlertKind::BadData, Some(symbol), None, || {
                format!("print of {} at {} was refused: {fault}", trade.time, trade.price)
            }),
        }
    }

    /// Publishes the bars of the oldest minute in progress, symbols in order of tickers (TF1).
    #[cold]
    pub(super) fn close_minute(&mut self, out: &mut Outputs) {
        for index in 0..self.analysis.data.symbols().len() {
            let symbol = SymbolId(index as u32);
            if let Some(bar) = self.analysis.data.close_minute(symbol) {
                self.on_single_bar(symbol, &bar, false, out);
            }
        }
        self.analysis.data.next_minute();
    }

    pub(super) fn on_market(&mut self, event: &MarketEvent, out: &mut Outputs) {
        match event {
            MarketEvent::Quote { symbol, quote } => {
                self.analysis.data.accept_quote(*symbol, quote, self.now);
            }
            MarketEvent::Trade { symbol, trade } => self.on_trade(*symbol, trade, out),
            MarketEvent::Halt { symbol, halt } => {
                self.analysis.data.accept_halt(*symbol, halt);
                if halt.halted {
                    // TG37, C21: entries are withdrawn, exits stay.
                    self.desk(out).cancel_entries(Scope::Symbol(*symbol));
                }
                self.tell_all(Event::Halt { symbol: *symbol, halted: halt.halted }, out);
            }
            MarketEvent::Bands { symbol, bands } => self.on_bands(*symbol, *bands, out),
            MarketEvent::Breaker(breaker) => self.on_breaker(*breaker, out),
            MarketEvent::Bar { symbol, bar } => self.on_single_bar(*symbol, bar, false, out),
            MarketEvent::Heartbeat => {}
            MarketEvent::Gap { symbol, missing } => {
                self.analysis.data.begin_gap(*symbol, self.now);
                let block = Block::new(Scope::Symbol(*symbol), BlockReason::Gap);
                self.desk(out).block(block, || format!("{missing} market-data events are missing"));
            }
            // The block of the gap holds: strategies evaluate and open nothing.
            MarketEvent::Backfill { symbol, bar } => self.on_single_bar(*symbol, bar, true, out),
            MarketEvent::BackfillEnd { symbol } => {
                self.analysis.data.end_gap(*symbol);
                self.desk(out).lift(Block::new(Scope::Symbol(*symbol), BlockReason::Gap));
            }
        }
    }
}
