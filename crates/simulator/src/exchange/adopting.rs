//! Taking over what another exchange reported, so that an account goes on under other settings or
//! in another build: reports are taken as they are, and nothing is filled again.
//!
//! What an order's reports do not tell is set as if it had not happened: a stop that was touched
//! and has filled nothing waits for its price again, and what a minute's volume allowed is free
//! again. Invariant: working orders, positions, cash and the numbering of executions are what the
//! reports say.

use model::exchange::{Execution, Liquidity, new_york_date};
use model::{
    Cash, ExecType, ExecutionReport, Fill, NewOrder, RejectReason, ReplaceRequest, Timestamp,
};

use super::book::Lookup;
use super::order::Working;
use super::{Exchange, Night};

impl Exchange {
    /// Takes over an order that was accepted at `now`.
    pub fn adopt_order(&mut self, order: &NewOrder, now: Timestamp) {
        if self.check_order(order, Timestamp::MIN).is_ok() {
            self.arrivals += 1;
            self.book.insert(Working::new(order, now, self.arrivals));
        }
    }

    /// Takes over a replacement that came into force.
    pub fn adopt_replacement(&mut self, request: &ReplaceRequest) {
        if let Lookup::Working(slot) = self.book.find(request.client_id)
            && let Some(order) = self.book.get_mut(slot)
        {
            order.amend(request.kind, request.quantity);
            order.client_id = request.new_client_id;
        }
    }

    /// Takes over any other report.
    pub fn adopt_report(&mut self, report: &ExecutionReport) {
        let found = self.book.find(report.client_id);
        let slot = if let Lookup::Working(slot) = found { Some(slot) } else { None };
        match (report.exec, slot) {
            (ExecType::Rejected(reason), None) if reason != RejectReason::DuplicateId => {
                self.book.mark_finished(report.client_id);
            }
            (ExecType::Trade(fill), slot) => self.adopt_fill(slot, &fill, report),
            (ExecType::Cancelled | ExecType::Expired, Some(slot)) => {
                self.book.remove(slot);
            }
            (ExecType::Restated { order_qty }, Some(slot)) => {
                if let Some(order) = self.book.get_mut(slot) {
                    order.order_qty = order_qty;
                    if let Some(amendment) = &mut order.amendment {
                        amendment.quantity = order_qty;
                    }
                }
            }
            _ => {}
        }
    }

    fn adopt_fill(&mut self, slot: Option<u32>, fill: &Fill, report: &ExecutionReport) {
        let (side, quantity, price) = (fill.side, fill.quantity, fill.price);
        self.executions += 1;
        if let Some(order) = slot.and_then(|slot| self.book.get_mut(slot)) {
            order.cum_qty = order.cum_qty.plus(quantity);
            order.triggered |= order.kind.stop().is_some();
            let date = new_york_date(report.time);
            let liquidity = Liquidity::Removed;
            let execution = Execution { date, side, quantity, price, liquidity };
            // The fee is the reported one; what later fills of the order owe follows from it.
            let _ = self.fees.charge(&mut order.commission, &execution);
            if order.is_done()
                && let Some(slot) = slot
            {
                self.book.remove(slot);
            }
        }
        if let Some(state) = self.symbols.get_mut(report.symbol.index()) {
            let signed = if side.is_buy() { quantity } else { quantity.negated() };
            state.position = state.position.plus(signed);
        }
        let value = price.notional(quantity).unwrap_or_default();
        let flow = if side.is_buy() { value.negated() } else { value };
        self.cash = self.cash.plus(flow).minus(fill.fee);
    }

    /// Takes over the end of a regular session: what expired was reported.
    pub fn adopt_close(&mut self) {
        self.session_open = None;
        for index in 0..self.book.symbols() {
            let symbol = model::SymbolId(u32::try_from(index).unwrap_or(u32::MAX));
            self.book.for_each(symbol, |order| order.auction = true);
        }
    }

    /// Takes over the end of a day: what was charged was reported.
    pub fn adopt_night(&mut self, night: Night) {
        let cash = self.cash;
        let _ = self.day_roll(night);
        self.cash = cash;
    }

    /// Takes over a charge.
    pub fn adopt_charge(&mut self, fee: Cash) {
        self.cash = self.cash.minus(fee);
    }

    /// Lets the bar, print or quote in progress pass without fills, and forgets what would have
    /// been reported: it was.
    pub fn let_pass(&mut self) {
        if let Some(current) = self.current.take() {
            self.book.for_each(current.symbol, Working::leave_bar);
        }
        self.reports.clear();
    }
}
