//! Corporate actions at the broker: positions, cash, borrowed shares and open orders are restated
//! overnight (F27).
//!
//! Open orders follow FINRA rule 5330 as `model` states it; an order without a whole new share
//! left is cancelled.

use model::{ActionKind, CorporateAction, ExecType, Price, Quantity, Symbol, SymbolId, Timestamp};

use super::Exchange;
use super::filling::general_tick;
use super::order::Working;

impl Exchange {
    /// Lets an action happen before a session begins; returns the account's net shares after it.
    pub fn act(&mut self, action: &CorporateAction, now: Timestamp) -> Quantity {
        let symbol = action.symbol;
        let Some(state) = self.symbols.get_mut(symbol.index()) else { return Quantity::ZERO };
        let last = state.last.map_or(Price::ZERO, |bar| bar.close);
        let held = state.position;
        match action.kind {
            ActionKind::Rename { to } => {
                state.name = Some(to);
                return held;
            }
            ActionKind::Dividend { per_share } => {
                let paid = Price::from_raw(per_share.raw()).notional(held);
                self.cash = self.cash.plus(paid.unwrap_or_default());
            }
            ActionKind::Split { ratio, cash_in_lieu } => {
                state.position = ratio.whole(held);
                let fraction = ratio.quantity(held).minus(state.position);
                let price = cash_in_lieu.unwrap_or(ratio.price(last));
                self.cash = self.cash.plus(price.notional(fraction).unwrap_or_default());
                self.settlement.restate(symbol, |quantity| ratio.quantity(quantity));
            }
        }
        let (name, after) = (state.name, state.position);
        if let Some(bar) = &mut state.last {
            bar.close = action.level(bar.close);
        }
        self.restate_orders(action, symbol, name, now);
        after
    }

    fn restate_orders(
        &mut self,
        action: &CorporateAction,
        symbol: SymbolId,
        name: Option<Symbol>,
        now: Timestamp,
    ) {
        let ticks = &self.config.ticks;
        let tick = |price| match name {
            Some(name) => ticks.tick(name, action.ex_date, price),
            None => general_tick(price),
        };
        self.book.for_each(symbol, |order: &mut Working| {
            let (side, cum) = (order.side, order.cum_qty);
            let quantity = |total: Quantity| cum.plus(action.order_qty(total.minus(cum)));
            order.kind = action.order_kind(side, order.kind, tick);
            order.order_qty = quantity(order.order_qty);
            if let Some(amendment) = &mut order.amendment {
                amendment.kind = action.order_kind(side, amendment.kind, tick);
                amendment.quantity = quantity(amendment.quantity);
            }
        });
        self.finish_orders(symbol, now, |order| order.is_done().then_some(ExecType::Cancelled));
    }
}
