//! The exchange's clock: bars, halts and sessions.
//!
//! Invariant: an order's first live bar starts at or after the order's time (TB2), and an
//! amendment comes into force at the start of a bar (TF1).

use model::{Bar, ExecType, OrderKind, Price, SymbolId, TimeInForce, Timestamp};

use super::matching::{Course, Pricing};
use super::order::{BarUse, Working};
use super::{Exchange, FillMode};

/// The bar whose fills are being reported.
#[derive(Clone, Debug)]
pub(super) struct BarInProgress {
    pub(super) symbol: SymbolId,
    pub(super) bar: Bar,
    pub(super) course: Course,
    /// Shares that may still fill in this bar; `None` without a limit (TF10).
    pub(super) budget: Option<i64>,
    /// When it is over: a bar's end, or the instant of a print or quote (TF13).
    pub(super) ends: Timestamp,
    /// Best bid and offer, when the market is known to the tick (TF13).
    pub(super) touch: Option<Touch>,
}

/// The best prices while a print or quote is matched (TF13).
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub(super) bid: Price,
    pub(super) ask: Price,
    /// The event is a quote: nothing was traded, so nothing rests or triggers on it.
    pub(super) quote_only: bool,
}

impl Exchange {
    /// Tells the exchange that a session begins; orders that rested over the break meet its
    /// opening auction (TF4), and stop entries know its first five minutes (TF11).
    pub fn begin_session(&mut self, session: &model::exchange::Session) {
        self.session_open = Some(session.open);
    }

    /// Begins a bar of a symbol. Outside regular hours (`rth` false) nothing fills unless the
    /// configuration allows it (TF1); neither does a bar whose prices are not valid (F25).
    pub fn begin_bar(&mut self, symbol: SymbolId, bar: &Bar, rth: bool) {
        if self.current.is_some() {
            self.end_bar();
        }
        let fills = rth || self.config.extended_hours;
        if !fills || bar.check().is_err() {
            return;
        }
        let Some(state) = self.symbols.get_mut(symbol.index()) else { return };
        state.last = Some(*bar);
        if self.book.of_symbol(symbol).is_empty() {
            return;
        }
        self.book.for_each(symbol, |order| order.enter_bar(bar.start));
        let limited = !self.config.mode.is_comparison();
        self.current = Some(BarInProgress {
            symbol,
            bar: *bar,
            course: Course::new(bar, self.config.mode),
            budget: limited.then(|| bar.volume.part_ppm(self.config.participation_ppm)),
            ends: bar.end(),
            touch: None,
        });
    }

    /// Ends the bar in progress: what could be done at once and was not is cancelled or expires,
    /// touched stop-limits rest as limits from the next bar (TF5).
    pub fn end_bar(&mut self) {
        let Some(BarInProgress { symbol, ends, .. }) = self.current.take() else { return };
        let mut over = false;
        self.book.for_each(symbol, |order| {
            over |= order.bar_use != BarUse::Idle && exec_of_leftover(order).is_some();
        });
        if over {
            self.finish_orders(symbol, ends, |order| {
                exec_of_leftover(order).filter(|_| order.bar_use != BarUse::Idle)
            });
        }
        self.book.for_each(symbol, Working::leave_bar);
    }

    /// Notes that trading in a symbol stops or starts again. Orders that rest when it starts meet
    /// an auction in their next bar (TF4), and stops then fill at its open (TF9).
    pub fn halt(&mut self, symbol: SymbolId, halted: bool) {
        if !halted {
            self.book.for_each(symbol, |order| order.auction = true);
        }
    }

    /// Ends the regular session at `now`: orders for the closing auction fill at the close of the
    /// last bar (TF12), day orders that came before `now` expire (TF1), the others rest until the
    /// next session's opening auction.
    pub fn close_session(&mut self, now: Timestamp) {
        self.end_bar();
        self.session_open = None;
        for index in 0..self.book.symbols() {
            let symbol = SymbolId(u32::try_from(index).unwrap_or(u32::MAX));
            if self.book.of_symbol(symbol).is_empty() {
                continue;
            }
            self.fill_closing_auction(symbol, now);
            self.finish_orders(symbol, now, |order| {
                let stays = order.time_in_force == TimeInForce::Gtc || order.submitted >= now;
                (!stays).then_some(ExecType::Expired)
            });
            self.book.for_each(symbol, |order| order.auction = true);
        }
    }

    /// Fills a market order at the close of the bar on which it was decided, if that bar is of
    /// the same day; otherwise it waits for the close of the next bar.
    pub(super) fn fill_at_last_close(&mut self, slot: u32, now: Timestamp) {
        debug_assert_eq!(self.config.mode, FillMode::SameClose);
        let Some(bar) = self.last_bar_of_day(slot, now) else { return };
        let pricing = Pricing::Slipped { base: bar.close, cap: None };
        self.execute(slot, pricing, &bar, bar.end(), None);
    }

    fn fill_closing_auction(&mut self, symbol: SymbolId, now: Timestamp) {
        let slots: Vec<u32> = self.book.of_symbol(symbol).to_vec();
        for slot in slots {
            let Some(order) = self.book.get(slot) else { continue };
            if order.time_in_force != TimeInForce::Cls || order.submitted >= now {
                continue;
            }
            let (kind, side) = (order.kind, order.side);
            let Some(bar) = self.last_bar_of_day(slot, now) else { continue };
            let allowed = match kind {
                OrderKind::Limit { limit } if side.is_buy() => bar.close <= limit,
                OrderKind::Limit { limit } => bar.close >= limit,
                OrderKind::Market => true,
                OrderKind::Stop { .. } | OrderKind::StopLimit { .. } => false,
            };
            if allowed {
                self.auction_estimates += 1;
                self.execute(slot, Pricing::Exact(bar.close), &bar, bar.end(), None);
            }
        }
    }

    fn last_bar_of_day(&self, slot: u32, now: Timestamp) -> Option<Bar> {
        let symbol = self.book.get(slot)?.symbol;
        let bar = self.symbols.get(symbol.index())?.last?;
        let day = |time: Timestamp| model::exchange::new_york_date(time);
        (bar.end() <= now && day(bar.start) == day(now)).then_some(bar)
    }

    /// Takes out the orders of a symbol for which `exec` has an answer, and reports it.
    pub(super) fn finish_orders(
        &mut self,
        symbol: SymbolId,
        time: Timestamp,
        exec: impl Fn(&Working) -> Option<ExecType>,
    ) {
        let slots: Vec<u32> = self.book.of_symbol(symbol).to_vec();
        for slot in slots {
            let Some(order) = self.book.get(slot) else { continue };
            let (id, cum_qty) = (order.client_id, Some(order.cum_qty));
            if let Some(exec) = exec(order) {
                self.book.remove(slot);
                self.report(id, symbol, exec, cum_qty, time);
            }
        }
    }
}

/// Returns how an order ends whose time in force covers one bar only.
fn exec_of_leftover(order: &Working) -> Option<ExecType> {
    match order.time_in_force {
        TimeInForce::Ioc | TimeInForce::Fok => Some(ExecType::Cancelled),
        TimeInForce::Opg => Some(ExecType::Expired),
        TimeInForce::Day | TimeInForce::Gtc | TimeInForce::Cls => None,
    }
}
