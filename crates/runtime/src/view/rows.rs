//! Orders and positions as rows (contract.md 5).

use engine::order_manager::{Order, Position};
use engine::{Books, Engine, External, SlotKey};
use model::{Cash, ClientOrderId, OrderNumber, Price, Quantity, Symbol, Timestamp};
use serde::Serialize;

use super::run::{Name, Run};

/// How many finished orders a view holds beside the open ones.
const FINISHED: usize = 500;

/// An order.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct OrderRow {
    /// Our id; it changes when the order is replaced.
    #[schema(value_type = String)]
    pub client_id: ClientOrderId,
    /// The broker's id, once it has told one.
    pub broker_id: Option<String>,
    /// Where it works.
    #[schema(value_type = Option<String>)]
    pub broker: Option<Name>,
    /// Whose order it is.
    #[schema(value_type = Option<String>)]
    pub strategy: Option<Name>,
    /// What is traded.
    #[schema(value_type = Option<String>)]
    pub symbol: Option<Symbol>,
    /// `buy`, `sell` or `sell_short`.
    pub side: &'static str,
    /// `market`, `limit`, `stop` or `stop_limit`.
    pub kind: &'static str,
    /// `entry`, `stop`, `target` or `close`.
    pub role: &'static str,
    /// Shares ordered.
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// Shares filled.
    #[schema(value_type = String)]
    pub filled_quantity: Quantity,
    /// Worst price to trade at.
    #[schema(value_type = Option<String>)]
    pub limit_price: Option<Price>,
    /// Price that triggers.
    #[schema(value_type = Option<String>)]
    pub stop_price: Option<Price>,
    /// Average price of the shares filled.
    #[schema(value_type = Option<String>)]
    pub average_price: Option<Price>,
    /// Its state.
    pub state: &'static str,
    /// A cancel is under way.
    pub cancel_pending: bool,
    /// A replacement is under way.
    pub replace_pending: bool,
    /// For an exit: the entry order of its position.
    #[schema(value_type = Option<String>)]
    pub parent: Option<ClientOrderId>,
    /// When it was made.
    #[schema(value_type = String)]
    pub created: Timestamp,
    /// When it last changed.
    #[schema(value_type = String)]
    pub updated: Timestamp,
    /// Why a position is closed, for an exit.
    pub reason: Option<&'static str>,
}

impl OrderRow {
    fn of(order: &Order, books: &Books, run: &Run) -> Self {
        let request = &order.request;
        let entry = || books.orders().get(OrderNumber(order.group().0));
        let parent = request.role.is_exit().then(entry).flatten();
        Self {
            client_id: request.client_id,
            broker_id: order.broker_id.as_deref().map(|id| id.as_str().to_owned()),
            broker: run.broker(request.broker),
            strategy: run.strategy(order.strategy),
            symbol: run.symbol(request.symbol),
            side: request.side.name(),
            kind: request.kind.name(),
            role: request.role.name(),
            quantity: request.quantity,
            filled_quantity: order.cum_qty,
            limit_price: request.kind.limit(),
            stop_price: request.kind.stop(),
            average_price: order.cum_value.per_share(order.cum_qty),
            state: order.state.name(),
            cancel_pending: order.cancel_pending,
            replace_pending: order.replace_pending.is_some(),
            parent: parent.map(|entry| entry.request.client_id),
            created: order.created,
            updated: order.updated,
            reason: order.reason.map(model::ExitReason::name),
        }
    }
}

/// Returns all open orders and the newest finished ones, newest first.
pub(super) fn orders(engine: &Engine, run: &Run) -> Vec<OrderRow> {
    let books = engine.books();
    let known: Vec<&Order> = books.orders().iter().collect();
    let mut finished = 0;
    let shown = known.into_iter().rev().filter(|order| {
        finished += usize::from(order.state.is_terminal());
        !order.state.is_terminal() || finished <= FINISHED
    });
    shown.map(|order| OrderRow::of(order, books, run)).collect()
}

/// A position of a strategy, or what is held without one.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct PositionRow {
    /// What is held.
    #[schema(value_type = Option<String>)]
    pub symbol: Option<Symbol>,
    /// Whose position it is; null when no plan of ours explains it (F18).
    #[schema(value_type = Option<String>)]
    pub strategy: Option<Name>,
    /// Shares, negative when short.
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// Average entry price of the open shares.
    #[schema(value_type = Option<String>)]
    pub average_price: Option<Price>,
    /// Price at which it is valued.
    #[schema(value_type = String)]
    pub mark: Price,
    /// Result if it were closed at the mark, before fees.
    #[schema(value_type = String)]
    pub unrealized_pnl: Cash,
    /// Its working protective stop.
    #[schema(value_type = Option<String>)]
    pub stop: Option<Price>,
    /// What is lost if it closes at its stop; its whole value without one.
    #[schema(value_type = String)]
    pub risk: Cash,
    /// Where it is held.
    #[schema(value_type = Option<String>)]
    pub broker: Option<Name>,
    /// When it was opened.
    #[schema(value_type = Option<String>)]
    pub opened: Option<Timestamp>,
}

/// Returns how many positions are open, those without a plan included.
pub(super) fn count_positions(books: &Books) -> usize {
    let own = books.active().iter().filter(|&&key| books.position(key).is_some()).count();
    own + books.externals().iter().filter(|external| !external.quantity.is_zero()).count()
}

/// Returns all open positions, those without a plan last.
pub(super) fn positions(engine: &Engine, run: &Run) -> Vec<PositionRow> {
    let books = engine.books();
    let mark = |symbol| engine.data().symbol(symbol).map_or(Price::ZERO, |state| state.mark);
    let own = books.active().iter().filter_map(|&key| {
        let position = books.position(key)?;
        Some(of_position(books, key, position, mark(key.symbol), run))
    });
    let held = books.externals().iter().filter(|external| !external.quantity.is_zero());
    let held = held.map(|external| of_external(external, mark(external.symbol), run));
    own.chain(held).collect()
}

fn of_position(
    books: &Books,
    key: SlotKey,
    position: &Position,
    mark: Price,
    run: &Run,
) -> PositionRow {
    let value = position.value_at(mark);
    let order = position.stop.and_then(|number| books.orders().get(number));
    let stop = order.and_then(|order| order.request.kind.stop());
    PositionRow {
        symbol: run.symbol(key.symbol),
        strategy: run.strategy(key.strategy),
        quantity: position.signed_qty(),
        average_price: position.cost.per_share(position.signed_qty()),
        mark,
        unrealized_pnl: value.minus(position.cost),
        stop,
        risk: stop.map_or(value.max(value.negated()), |stop| position.risk_to(stop)),
        broker: run.broker(position.broker),
        opened: Some(position.opened),
    }
}

fn of_external(external: &External, mark: Price, run: &Run) -> PositionRow {
    let value = external.value_at(mark);
    let cost = external.totals().cost;
    PositionRow {
        symbol: run.symbol(external.symbol),
        strategy: None,
        quantity: external.quantity,
        average_price: cost.per_share(external.quantity),
        mark,
        unrealized_pnl: value.minus(cost),
        stop: None,
        risk: value.max(value.negated()),
        broker: run.broker(external.broker),
        opened: None,
    }
}
