//! The report's rows of trades, fills and open positions.

use model::{Cash, ClientOrderId, ClosedTrade, Price, Quantity, Side, Timestamp, TradeFill};
use serde::{Deserialize, Serialize};

use super::OpenPosition;

/// Side of a trade or position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Bought first.
    Long,
    /// Sold first.
    Short,
}

impl Direction {
    fn of(long: bool) -> Self {
        if long { Self::Long } else { Self::Short }
    }

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
        }
    }
}

/// Side of a fill.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FillSide {
    /// Bought.
    Buy,
    /// Sold shares that were held.
    Sell,
    /// Sold short.
    SellShort,
}

/// One fill.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FillRow {
    /// When it was executed.
    pub time: Timestamp,
    /// Its side.
    pub side: FillSide,
    /// Its shares.
    pub quantity: Quantity,
    /// Its price.
    pub price: Price,
    /// Its fees, raw (TK7).
    pub fee: Cash,
    /// Its order.
    pub order: ClientOrderId,
}

impl FillRow {
    fn of(fill: &TradeFill) -> Self {
        Self {
            time: fill.time,
            side: match fill.side {
                Side::Buy => FillSide::Buy,
                Side::Sell => FillSide::Sell,
                Side::SellShort => FillSide::SellShort,
            },
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
            order: fill.order,
        }
    }
}

/// One closed trade (TP14).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TradeRow {
    /// Its number.
    pub id: u64,
    /// Whose trade it was.
    pub strategy: String,
    /// What was traded.
    pub symbol: String,
    /// Long or short.
    pub side: Direction,
    /// Largest position held.
    pub quantity: Quantity,
    /// Time of the first fill.
    pub entry_time: Timestamp,
    /// Average entry.
    pub entry_price: Price,
    /// Time of the last fill.
    pub exit_time: Timestamp,
    /// Average exit.
    pub exit_price: Price,
    /// Why the last part was closed.
    pub exit_reason: String,
    /// Signed cash flow of the fills minus fees (TP15).
    pub net_pnl: Cash,
    /// The same before fees.
    pub gross_pnl: Cash,
    /// Sum of the fills' fees.
    pub fees: Cash,
    /// Net over the initial risk (TP16).
    pub r_multiple: Option<f64>,
    /// Largest adverse move per share (TP17).
    pub mae: Price,
    /// Largest favourable move per share (TP17).
    pub mfe: Price,
    /// The protective stop sent with the entry.
    pub initial_stop: Option<Price>,
    /// Planned risk (TS5).
    pub risk_planned: Option<Cash>,
    /// Risk actually taken (TS5).
    pub risk_taken: Option<Cash>,
    /// The fills in order.
    pub fills: Vec<FillRow>,
}

impl TradeRow {
    /// Makes the row of a trade with the names of its strategy and symbol.
    pub(super) fn of(trade: &ClosedTrade, strategy: String, symbol: String) -> Self {
        Self {
            id: trade.id,
            strategy,
            symbol,
            side: Direction::of(trade.long),
            quantity: trade.quantity,
            entry_time: trade.entry_time,
            entry_price: trade.entry_price,
            exit_time: trade.exit_time,
            exit_price: trade.exit_price,
            exit_reason: trade.exit_reason.name().to_owned(),
            net_pnl: trade.net_pnl,
            gross_pnl: trade.gross_pnl,
            fees: trade.fees,
            r_multiple: trade.r_multiple.filter(|r| r.is_finite()),
            mae: trade.mae,
            mfe: trade.mfe,
            initial_stop: trade.initial_stop,
            risk_planned: trade.risk_planned,
            risk_taken: trade.risk_taken,
            fills: trade.fills.iter().map(FillRow::of).collect(),
        }
    }
}

/// One position that is still open.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OpenPositionRow {
    /// Whose position it is.
    pub strategy: String,
    /// What is held.
    pub symbol: String,
    /// Long or short.
    pub side: Direction,
    /// Shares held.
    pub quantity: Quantity,
    /// Time of the first fill.
    pub entry_time: Timestamp,
    /// Average entry.
    pub entry_price: Price,
    /// Price it is marked at.
    pub mark: Option<Price>,
    /// Result of the shares held at the mark, before fees.
    pub unrealized_pnl: Option<Cash>,
    /// Cash flow of all fills plus value at the mark, less fees.
    pub net_pnl: Option<Cash>,
    /// Fees so far.
    pub fees: Cash,
    /// The protective stop sent with the entry.
    pub initial_stop: Option<Price>,
    /// The fills so far.
    pub fills: Vec<FillRow>,
}

impl OpenPositionRow {
    /// Makes the row of a position with the names of its strategy and symbol.
    pub(super) fn of(position: &OpenPosition, strategy: String, symbol: String) -> Self {
        let signed = |amount: Cash| if position.long { amount } else { amount.negated() };
        let value = position.mark.and_then(|mark| mark.notional(position.quantity)).map(signed);
        let cost = position.entry_price.notional(position.quantity).map(signed);
        let fees: Cash = position.fills.iter().map(|fill| fill.fee).sum();
        let flow: Option<Cash> = position
            .fills
            .iter()
            .map(|fill| {
                let amount = fill.price.notional(fill.quantity)?;
                Some(if fill.side.is_buy() { amount.negated() } else { amount })
            })
            .sum();
        Self {
            strategy,
            symbol,
            side: Direction::of(position.long),
            quantity: position.quantity,
            entry_time: position.entry_time,
            entry_price: position.entry_price,
            mark: position.mark,
            unrealized_pnl: value.zip(cost).map(|(value, cost)| value.minus(cost)),
            net_pnl: value.zip(flow).map(|(value, flow)| value.plus(flow).minus(fees)),
            fees,
            initial_stop: position.initial_stop,
            fills: position.fills.iter().map(FillRow::of).collect(),
        }
    }
}
