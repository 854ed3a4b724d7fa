//! Rows of what happened: fills, trades, alerts (contract.md 5).

use engine::alert_system::Alert;
use model::{
    BrokerId, Cash, ClientOrderId, ClosedTrade, ExecId, ExecutionReport, ExecutionRow, Fill, Price,
    Quantity, Symbol, Timestamp,
};
use serde::Serialize;

use super::run::{Name, Run};

/// One execution of an order.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct FillRow {
    /// The broker's id of the execution.
    pub execution_id: String,
    /// Our id of the order.
    #[schema(value_type = Option<String>)]
    pub client_id: Option<ClientOrderId>,
    /// Where it was executed.
    #[schema(value_type = Option<String>)]
    pub broker: Option<Name>,
    /// What was traded.
    #[schema(value_type = Option<String>)]
    pub symbol: Option<Symbol>,
    /// `buy`, `sell` or `sell_short`.
    pub side: &'static str,
    /// Shares.
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// Price.
    #[schema(value_type = String)]
    pub price: Price,
    /// Commission and fees.
    #[schema(value_type = String)]
    pub fee: Cash,
    /// When it was executed, by the broker's clock.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// Where in the journal it came in.
    pub seq: u64,
    #[serde(skip)]
    #[schema(ignore)]
    key: (BrokerId, ExecId),
    /// Ascending within the list: its cursor.
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) number: u64,
}

impl FillRow {
    /// A fill that a report told.
    pub(super) fn of(report: &ExecutionReport, fill: &Fill, seq: u64, run: &Run) -> Self {
        let symbol = run.symbol(report.symbol);
        Self::new(report.broker, Some(report.client_id), symbol, fill, report.time, seq, run)
    }

    /// A fill that was found by asking.
    pub(super) fn found(broker: BrokerId, row: &ExecutionRow, seq: u64, run: &Run) -> Self {
        let symbol = row.symbol.and_then(|symbol| run.symbol(symbol));
        Self::new(broker, row.client_id, symbol, &row.fill, row.time, seq, run)
    }

    fn new(
        broker: BrokerId,
        client_id: Option<ClientOrderId>,
        symbol: Option<Symbol>,
        fill: &Fill,
        time: Timestamp,
        seq: u64,
        run: &Run,
    ) -> Self {
        Self {
            execution_id: fill.exec_id.as_str().to_owned(),
            client_id,
            broker: run.broker(broker),
            symbol,
            side: fill.side.name(),
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
            time,
            seq,
            key: (broker, fill.exec_id),
            number: 0,
        }
    }

    pub(super) fn key(&self) -> (BrokerId, ExecId) {
        self.key
    }
}

/// A trade from flat to flat.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct TradeRow {
    /// Ascending in order of closing.
    pub id: u64,
    /// Whose trade it was.
    #[schema(value_type = Option<String>)]
    pub strategy: Option<Name>,
    /// What was traded.
    #[schema(value_type = Option<String>)]
    pub symbol: Option<Symbol>,
    /// `long` or `short`.
    pub side: &'static str,
    /// Largest position held.
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// First fill.
    #[schema(value_type = String)]
    pub entry_time: Timestamp,
    /// Average entry price.
    #[schema(value_type = String)]
    pub entry_price: Price,
    /// Last fill.
    #[schema(value_type = String)]
    pub exit_time: Timestamp,
    /// Average exit price.
    #[schema(value_type = String)]
    pub exit_price: Price,
    /// Why the last part was closed.
    pub exit_reason: &'static str,
    /// The protective stop sent with the entry.
    #[schema(value_type = Option<String>)]
    pub initial_stop: Option<Price>,
    /// Planned risk.
    #[schema(value_type = Option<String>)]
    pub risk_planned: Option<Cash>,
    /// Risk taken.
    #[schema(value_type = Option<String>)]
    pub risk_taken: Option<Cash>,
    /// Cash flow of the fills before fees.
    #[schema(value_type = String)]
    pub gross_pnl: Cash,
    /// Fees of the fills.
    #[schema(value_type = String)]
    pub fees: Cash,
    /// Cash flow of the fills minus fees.
    #[schema(value_type = String)]
    pub net_pnl: Cash,
    /// Net result over risk taken.
    pub r_multiple: Option<f64>,
    /// Largest adverse move per share.
    #[schema(value_type = String)]
    pub mae: Price,
    /// Largest favourable move per share.
    #[schema(value_type = String)]
    pub mfe: Price,
    /// The fills in order.
    pub fills: Vec<TradeFillRow>,
}

impl TradeRow {
    pub(super) fn of(trade: &ClosedTrade, run: &Run) -> Self {
        let fills = trade.fills.iter().map(|fill| TradeFillRow {
            time: fill.time,
            side: fill.side.name(),
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
            order: fill.order,
        });
        Self {
            id: trade.id,
            strategy: run.strategy(trade.strategy),
            symbol: run.symbol(trade.symbol),
            side: if trade.long { "long" } else { "short" },
            quantity: trade.quantity,
            entry_time: trade.entry_time,
            entry_price: trade.entry_price,
            exit_time: trade.exit_time,
            exit_price: trade.exit_price,
            exit_reason: trade.exit_reason.name(),
            initial_stop: trade.initial_stop,
            risk_planned: trade.risk_planned,
            risk_taken: trade.risk_taken,
            gross_pnl: trade.gross_pnl,
            fees: trade.fees,
            net_pnl: trade.net_pnl,
            r_multiple: trade.r_multiple,
            mae: trade.mae,
            mfe: trade.mfe,
            fills: fills.collect(),
        }
    }
}

/// A fill of a trade.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct TradeFillRow {
    /// When it was executed.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// `buy`, `sell` or `sell_short`.
    pub side: &'static str,
    /// Shares.
    #[schema(value_type = String)]
    pub quantity: Quantity,
    /// Price.
    #[schema(value_type = String)]
    pub price: Price,
    /// Commission and fees.
    #[schema(value_type = String)]
    pub fee: Cash,
    /// The order it belongs to.
    #[schema(value_type = String)]
    pub order: ClientOrderId,
}

/// An alert.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct AlertRow {
    /// Its place in the journal: unique and ascending over all starts.
    pub id: u64,
    /// When it was raised.
    #[schema(value_type = String)]
    pub time: Timestamp,
    /// `info`, `warning` or `critical`.
    pub severity: &'static str,
    /// What it is about.
    pub kind: &'static str,
    /// What happened, in a sentence.
    pub message: String,
    /// What it concerns.
    pub data: AlertData,
    /// How often the same alert came since it was raised before, this time included.
    pub count: u32,
    /// Who has acknowledged it.
    pub acknowledged_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>)]
    pub acknowledged: Option<Timestamp>,
}

/// What an alert concerns.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct AlertData {
    /// The symbol.
    #[schema(value_type = Option<String>)]
    pub symbol: Option<Symbol>,
    /// The strategy.
    #[schema(value_type = Option<String>)]
    pub strategy: Option<Name>,
}

impl AlertRow {
    pub(super) fn of(id: u64, alert: &Alert, run: &Run) -> Self {
        Self {
            id,
            time: alert.time,
            severity: alert.severity.name(),
            kind: alert.kind.name(),
            message: alert.message.clone(),
            data: AlertData {
                symbol: alert.symbol.and_then(|symbol| run.symbol(symbol)),
                strategy: alert.strategy.and_then(|strategy| run.strategy(strategy)),
            },
            count: alert.repeated.saturating_add(1),
            acknowledged_by: None,
            acknowledged: None,
        }
    }
}
