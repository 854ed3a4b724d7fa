//! A broker whose books the test writes: it answers every question from them.

use model::{
    AccountRow, Ask, BrokerId, Cash, ExecutionRow, Fill, MINUTE_NS, NewOrder, OrderRow, OrderState,
    PositionRow, Rows, SECOND_NS, SymbolId,
};

use crate::world::{Wish, World, breakout, price, shares};

/// What a broker would say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    pub(crate) orders: Vec<OrderRow>,
    pub(crate) executions: Vec<ExecutionRow>,
    pub(crate) positions: Vec<PositionRow>,
    pub(crate) cash: Cash,
    /// Whose books these are.
    pub(crate) broker: BrokerId,
    /// How many questions were answered or are another broker's.
    pub(crate) answered: usize,
}

pub(crate) fn dollars(amount: i64) -> Cash {
    Cash::from_dollars(amount).unwrap()
}

impl Truth {
    pub(crate) fn new() -> Self {
        Self { cash: dollars(100_000), ..Self::default() }
    }

    /// The books of another broker.
    pub(crate) fn at(broker: u8) -> Self {
        Self { broker: BrokerId(broker), ..Self::new() }
    }

    pub(crate) fn holds(&mut self, symbol: u32, quantity: i64, at: &str) {
        let quantity = if quantity < 0 { shares(-quantity).negated() } else { shares(quantity) };
        let value = price(at).notional(quantity).unwrap();
        let symbol = Some(SymbolId(symbol));
        self.positions.retain(|row| row.symbol != symbol);
        self.positions.push(PositionRow { symbol, quantity, value });
    }

    pub(crate) fn works(&mut self, order: &NewOrder, state: OrderState) {
        let client_id = Some(order.client_id);
        self.orders.retain(|row| row.client_id != client_id);
        let (symbol, quantity) = (Some(order.symbol), order.quantity);
        let row = OrderRow { client_id, symbol, quantity, state, ..OrderRow::default() };
        self.orders.push(row);
    }

    /// Books a fill.
    pub(crate) fn executed(&mut self, order: &NewOrder, fill: Fill) {
        let (client_id, symbol) = (Some(order.client_id), Some(order.symbol));
        let time = model::Timestamp::from_nanos(1);
        self.executions.push(ExecutionRow { client_id, symbol, fill, time });
        let value = fill.price.notional(fill.quantity).unwrap();
        let flow = if fill.side.is_buy() { value.negated() } else { value };
        self.cash = self.cash.plus(flow).minus(fill.fee);
    }

    pub(crate) fn rows(&self, ask: Ask) -> Rows {
        match ask {
            Ask::Order(id) => {
                let rows = self.orders.iter().filter(|row| row.client_id == Some(id));
                Rows::Orders(rows.copied().collect())
            }
            Ask::OpenOrders => Rows::Orders(self.orders.clone()),
            Ask::Executions { .. } => Rows::Executions(self.executions.clone()),
            Ask::Positions => Rows::Positions(self.positions.clone()),
            Ask::Account => {
                let (cash, equity, buying_power) = (self.cash, self.cash, self.cash);
                Rows::Account(AccountRow { cash, equity, buying_power })
            }
        }
    }

    /// Answers every question that is open.
    pub(crate) fn answer(&mut self, world: &mut World) {
        while let Some(query) = world.queries.get(self.answered).copied() {
            self.answered += 1;
            if query.broker != self.broker {
                continue;
            }
            world.answer(&query, self.rows(query.ask));
        }
    }

    /// Answers until the end of the minute that begins at `clock`, then lets the strategy enter.
    pub(crate) fn enter(&mut self, world: &mut World, symbol: u32, clock: &str) {
        while world.engine.now() < world.at(clock).plus_nanos(MINUTE_NS) {
            world.pass(5 * SECOND_NS);
            self.answer(world);
        }
        let wish = Wish::Enter(breakout("10.50", "10.55", "10.00"));
        world.bar_with(0, symbol, clock, "10.00", wish);
    }

    /// Lets time pass and answers on the way.
    pub(crate) fn pass(&mut self, world: &mut World, seconds: i64) {
        for _ in 0..seconds {
            world.pass(SECOND_NS);
            self.answer(world);
        }
    }
}
