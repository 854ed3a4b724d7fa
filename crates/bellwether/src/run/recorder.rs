//! Listens to a run for what the report needs beside its result: prices at which orders were
//! decided, circumstances of entries, fills of positions that stay open (TP19).

use std::collections::BTreeMap;

use analytics::metrics::{FillQuality, TradeContext};
use engine::lifecycle::State;
use engine::{Engine, Fact, GateChange, Intent};
use model::{ClosedTrade, OrderNumber, OrderRole, Price, StrategyId, SymbolId, TradeFill};

/// What was noted.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// The price of each order's decision: its trigger, else the mark.
    decided: BTreeMap<OrderNumber, Price>,
    /// Circumstances by entry order.
    entries: BTreeMap<OrderNumber, TradeContext>,
    /// Circumstances by trade.
    contexts: BTreeMap<u64, TradeContext>,
    /// Fills and first protective stop of the positions open at the end.
    open: BTreeMap<(StrategyId, SymbolId), (Vec<TradeFill>, Option<Price>)>,
}

impl Recorder {
    /// Hears a fact.
    pub(crate) fn fact(&mut self, engine: &Engine, fact: &Fact) {
        match fact {
            Fact::Intent(intent) => self.intent(engine, intent),
            Fact::Replace(replace) => {
                if let Some(stop) = replace.request.kind.stop() {
                    self.decided.insert(replace.request.client_id.number, stop);
                }
            }
            Fact::TradeClosed(trade) => {
                let entry = trade.fills.first().map(|fill| fill.order.number);
                if let Some(context) = entry.and_then(|number| self.entries.remove(&number)) {
                    self.contexts.insert(trade.id, context);
                }
            }
            // The last input of a run stops it: what is open then stays open.
            Fact::Gate(GateChange::Lifecycle(State::Stopping)) => self.keep_open(engine),
            _ => {}
        }
    }

    fn intent(&mut self, engine: &Engine, intent: &Intent) {
        let order = &intent.order;
        let Some(state) = engine.data().symbol(order.symbol) else { return };
        let number = order.client_id.number;
        // A target is filled at its limit or better; against the mark it has no slippage.
        if order.role != OrderRole::Target {
            self.decided.insert(number, order.kind.stop().unwrap_or(state.mark));
        }
        if order.role == OrderRole::Entry
            && let Some(session) = engine.session()
        {
            let before = state.prev_close(session).map(Price::to_f64).filter(|&price| price > 0.0);
            let open = (state.rth.bars > 0).then(|| state.rth.first.open.to_f64());
            let minute = session.minutes_since_open(state.last.start);
            let context = TradeContext {
                gap: open.zip(before).map(|(open, before)| open / before - 1.0),
                rvol: state.rvol_rth(session, minute),
            };
            self.entries.insert(number, context);
        }
    }

    fn keep_open(&mut self, engine: &Engine) {
        let books = engine.books();
        for &key in books.active() {
            if let Some(position) = books.position(key) {
                let fills = position.fills.iter().map(|booked| booked.fill).collect();
                let kept = (fills, position.initial_stop);
                self.open.insert((key.strategy, key.symbol), kept);
            }
        }
    }

    /// Returns the fills of a position that stayed open.
    pub(crate) fn open_fills(&self, strategy: StrategyId, symbol: SymbolId) -> Vec<TradeFill> {
        self.open.get(&(strategy, symbol)).map(|(fills, _)| fills.clone()).unwrap_or_default()
    }

    /// Returns the protective stop that was sent with the entry of a position that stayed open.
    pub(crate) fn open_stop(&self, strategy: StrategyId, symbol: SymbolId) -> Option<Price> {
        self.open.get(&(strategy, symbol))?.1
    }

    /// Returns the circumstances of trades.
    pub(crate) fn contexts(&self) -> BTreeMap<u64, TradeContext> {
        self.contexts.clone()
    }

    /// Returns every fill with the price at which it was decided.
    pub(crate) fn executions(&self, trades: &[ClosedTrade]) -> Vec<FillQuality> {
        let open = self.open.values().flat_map(|(fills, _)| fills);
        let fills = trades.iter().flat_map(|trade| &trade.fills).chain(open);
        fills
            .map(|fill| FillQuality {
                side: fill.side,
                quantity: fill.quantity,
                price: fill.price,
                decision_price: self.decided.get(&fill.order.number).copied(),
                arrival_price: None,
            })
            .collect()
    }
}
