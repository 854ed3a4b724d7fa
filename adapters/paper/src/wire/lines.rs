//! Orders, reports and rows as lines, to and from the types of `model`.
//!
//! Invariant: what does not read back as a whole is `None`; nothing is guessed.

use model::{
    BrokerId, BrokerOrderId, CancelRequest, Cash, ExecId, ExecType, ExecutionReport, ExecutionRow,
    Fill, GroupId, NewOrder, OrderKind, OrderRow, PositionRow, Price, Quantity, ReplaceRequest,
    Symbol, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::names::{self, Tickers};

/// Kind and prices of an order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct KindLine {
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<Price>,
}

impl KindLine {
    fn from(kind: OrderKind) -> Self {
        Self { kind: kind.name().into(), limit: kind.limit(), stop: kind.stop() }
    }

    fn read(&self) -> Option<OrderKind> {
        Some(match (self.kind.as_str(), self.limit, self.stop) {
            ("market", None, None) => OrderKind::Market,
            ("limit", Some(limit), None) => OrderKind::Limit { limit },
            ("stop", None, Some(stop)) => OrderKind::Stop { stop },
            ("stop_limit", Some(limit), Some(stop)) => OrderKind::StopLimit { stop, limit },
            _ => return None,
        })
    }
}

/// A new order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct OrderLine {
    client_id: String,
    symbol: Symbol,
    side: String,
    #[serde(flatten)]
    kind: KindLine,
    quantity: Quantity,
    time_in_force: String,
    role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<u64>,
}

impl OrderLine {
    pub(crate) fn from(order: &NewOrder, tickers: &Tickers) -> Option<Self> {
        Some(Self {
            client_id: order.client_id.to_string(),
            symbol: tickers.name(order.symbol)?,
            side: order.side.name().into(),
            kind: KindLine::from(order.kind),
            quantity: order.quantity,
            time_in_force: names::time_name(order.time_in_force).into(),
            role: order.role.name().into(),
            group: order.group.map(|group| group.0),
        })
    }

    pub(crate) fn read(&self, tickers: &Tickers) -> Option<NewOrder> {
        Some(NewOrder {
            client_id: self.client_id.parse().ok()?,
            broker: BrokerId(0),
            symbol: tickers.id(self.symbol)?,
            side: names::side(&self.side)?,
            kind: self.kind.read()?,
            quantity: self.quantity,
            time_in_force: names::time(&self.time_in_force)?,
            role: names::role(&self.role)?,
            group: self.group.map(GroupId),
        })
    }
}

/// A replacement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct ReplaceLine {
    client_id: String,
    new_client_id: String,
    symbol: Symbol,
    #[serde(flatten)]
    kind: KindLine,
    quantity: Quantity,
}

impl ReplaceLine {
    pub(crate) fn from(request: &ReplaceRequest, tickers: &Tickers) -> Option<Self> {
        Some(Self {
            client_id: request.client_id.to_string(),
            new_client_id: request.new_client_id.to_string(),
            symbol: tickers.name(request.symbol)?,
            kind: KindLine::from(request.kind),
            quantity: request.quantity,
        })
    }

    pub(crate) fn read(&self, tickers: &Tickers) -> Option<ReplaceRequest> {
        Some(ReplaceRequest {
            client_id: self.client_id.parse().ok()?,
            new_client_id: self.new_client_id.parse().ok()?,
            broker: BrokerId(0),
            symbol: tickers.id(self.symbol)?,
            kind: self.kind.read()?,
            quantity: self.quantity,
        })
    }
}

/// A cancellation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct CancelLine {
    client_id: String,
    symbol: Symbol,
}

impl CancelLine {
    pub(crate) fn from(request: &CancelRequest, tickers: &Tickers) -> Option<Self> {
        let symbol = tickers.name(request.symbol)?;
        Some(Self { client_id: request.client_id.to_string(), symbol })
    }

    pub(crate) fn read(&self, tickers: &Tickers) -> Option<CancelRequest> {
        Some(CancelRequest {
            client_id: self.client_id.parse().ok()?,
            broker: BrokerId(0),
            symbol: tickers.id(self.symbol)?,
        })
    }
}

/// One execution.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct FillLine {
    execution_id: String,
    side: String,
    quantity: Quantity,
    price: Price,
    fee: Cash,
}

impl FillLine {
    fn from(fill: &Fill) -> Self {
        Self {
            execution_id: fill.exec_id.as_str().into(),
            side: fill.side.name().into(),
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
        }
    }

    fn read(&self) -> Option<Fill> {
        Some(Fill {
            exec_id: ExecId::new(&self.execution_id)?,
            side: names::side(&self.side)?,
            quantity: self.quantity,
            price: self.price,
            fee: self.fee,
        })
    }
}

/// A report.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct ReportLine {
    client_id: String,
    symbol: Symbol,
    exec: String,
    time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cum_qty: Option<Quantity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_qty: Option<Quantity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fill: Option<FillLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
}

impl ReportLine {
    pub(crate) fn from(report: &ExecutionReport, tickers: &Tickers) -> Option<Self> {
        let mut line = Self {
            client_id: report.client_id.to_string(),
            symbol: tickers.name(report.symbol)?,
            exec: String::new(),
            time: report.time,
            cum_qty: report.cum_qty,
            reason: None,
            order_qty: None,
            fill: None,
            replaces: None,
            order_id: report.broker_id.map(|id| id.to_string()),
        };
        let exec = match report.exec {
            ExecType::Accepted => "accepted",
            ExecType::New => "new",
            ExecType::Trade(fill) => {
                line.fill = Some(FillLine::from(&fill));
                "trade"
            }
            ExecType::Cancelled => "cancelled",
            ExecType::Expired => "expired",
            ExecType::Rejected(reason) => {
                line.reason = Some(reason.name().into());
                "rejected"
            }
            ExecType::PendingCancel => "pending_cancel",
            ExecType::CancelRejected(reason) => {
                line.reason = Some(reason.name().into());
                "cancel_rejected"
            }
            ExecType::PendingReplace => "pending_replace",
            ExecType::Replaced => "replaced",
            ExecType::ReplaceRejected(reason) => {
                line.reason = Some(reason.name().into());
                "replace_rejected"
            }
            ExecType::Restated { order_qty } => {
                line.order_qty = Some(order_qty);
                "restated"
            }
            ExecType::Correct { replaces, fill } => {
                line.replaces = Some(replaces.as_str().into());
                line.fill = Some(FillLine::from(&fill));
                "correct"
            }
            ExecType::Bust { exec_id } => {
                line.replaces = Some(exec_id.as_str().into());
                "bust"
            }
        };
        line.exec = exec.into();
        Some(line)
    }

    pub(crate) fn read(&self, broker: BrokerId, tickers: &Tickers) -> Option<ExecutionReport> {
        let fill = || self.fill.as_ref()?.read();
        let reason = || names::reason(self.reason.as_deref()?);
        let replaces = || ExecId::new(self.replaces.as_deref()?);
        let exec = match self.exec.as_str() {
            "accepted" => ExecType::Accepted,
            "new" => ExecType::New,
            "trade" => ExecType::Trade(fill()?),
            "cancelled" => ExecType::Cancelled,
            "expired" => ExecType::Expired,
            "rejected" => ExecType::Rejected(reason()?),
            "pending_cancel" => ExecType::PendingCancel,
            "cancel_rejected" => ExecType::CancelRejected(reason()?),
            "pending_replace" => ExecType::PendingReplace,
            "replaced" => ExecType::Replaced,
            "replace_rejected" => ExecType::ReplaceRejected(reason()?),
            "restated" => ExecType::Restated { order_qty: self.order_qty? },
            "correct" => ExecType::Correct { replaces: replaces()?, fill: fill()? },
            "bust" => ExecType::Bust { exec_id: replaces()? },
            _ => return None,
        };
        Some(ExecutionReport {
            client_id: self.client_id.parse().ok()?,
            broker,
            // A symbol that the run does not have stays unknown to it (F19).
            symbol: tickers.id(self.symbol).unwrap_or(model::SymbolId(u32::MAX)),
            exec,
            time: self.time,
            cum_qty: self.cum_qty,
            broker_id: self.order_id.as_deref().and_then(BrokerOrderId::new),
        })
    }
}

/// An order of a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct OrderRowLine {
    pub(crate) client_id: Option<String>,
    pub(crate) symbol: Symbol,
    pub(crate) side: String,
    #[serde(flatten)]
    pub(crate) kind: KindLine,
    pub(crate) quantity: Quantity,
    pub(crate) filled_quantity: Quantity,
    pub(crate) state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<String>,
}

impl OrderRowLine {
    pub(crate) fn from(row: &OrderRow, tickers: &Tickers) -> Option<Self> {
        Some(Self {
            client_id: row.client_id.map(|id| id.to_string()),
            symbol: tickers.name(row.symbol?)?,
            side: row.side.name().into(),
            kind: KindLine::from(row.kind),
            quantity: row.quantity,
            filled_quantity: row.filled,
            state: row.state.name().into(),
            order_id: row.broker_id.map(|id| id.to_string()),
        })
    }

    /// Makes a row of somebody else's order.
    pub(crate) fn foreign(symbol: Symbol, quantity: Quantity) -> Self {
        Self {
            client_id: Some("somebody-else".into()),
            symbol,
            side: "buy".into(),
            kind: KindLine::from(OrderKind::Market),
            quantity,
            filled_quantity: Quantity::ZERO,
            state: "working".into(),
            order_id: None,
        }
    }

    /// Reads a row; an id that is not one of ours belongs to somebody else (F18).
    pub(crate) fn read(&self, tickers: &Tickers) -> Option<OrderRow> {
        Some(OrderRow {
            client_id: self.client_id.as_deref().and_then(|id| id.parse().ok()),
            symbol: tickers.id(self.symbol),
            side: names::side(&self.side)?,
            kind: self.kind.read()?,
            quantity: self.quantity,
            filled: self.filled_quantity,
            state: names::state(&self.state)?,
            broker_id: self.order_id.as_deref().and_then(BrokerOrderId::new),
        })
    }
}

/// An execution of a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct ExecutionLine {
    pub(crate) client_id: Option<String>,
    pub(crate) symbol: Symbol,
    #[serde(flatten)]
    fill: FillLine,
    time: Timestamp,
}

impl ExecutionLine {
    pub(crate) fn from(row: &ExecutionRow, tickers: &Tickers) -> Option<Self> {
        Some(Self {
            client_id: row.client_id.map(|id| id.to_string()),
            symbol: tickers.name(row.symbol?)?,
            fill: FillLine::from(&row.fill),
            time: row.time,
        })
    }

    pub(crate) fn read(&self, tickers: &Tickers) -> Option<ExecutionRow> {
        Some(ExecutionRow {
            client_id: self.client_id.as_deref().and_then(|id| id.parse().ok()),
            symbol: tickers.id(self.symbol),
            fill: self.fill.read()?,
            time: self.time,
        })
    }
}

/// A position of a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct PositionLine {
    pub(crate) symbol: Symbol,
    pub(crate) quantity: Quantity,
    pub(crate) value: Cash,
}

impl PositionLine {
    pub(crate) fn from(row: &PositionRow, tickers: &Tickers) -> Option<Self> {
        let symbol = tickers.name(row.symbol?)?;
        Some(Self { symbol, quantity: row.quantity, value: row.value })
    }

    pub(crate) fn read(&self, tickers: &Tickers) -> PositionRow {
        let symbol = tickers.id(self.symbol);
        PositionRow { symbol, quantity: self.quantity, value: self.value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ClientOrderId, OrderRole, RejectReason, Side, SymbolId, TimeInForce};

    fn tickers() -> Tickers {
        Tickers::new(&["AAA".parse().unwrap(), "BBB".parse().unwrap()])
    }

    fn through<T: Serialize + for<'a> Deserialize<'a>>(line: &T) -> T {
        serde_json::from_slice(&serde_json::to_vec(line).unwrap()).unwrap()
    }

    /// Requests read back as they were, whatever their kind.
    #[test]
    fn requests_read_back() {
        let (limit, stop) = ("9.99".parse().unwrap(), "10.01".parse().unwrap());
        let kinds = [
            OrderKind::Market,
            OrderKind::Limit { limit },
            OrderKind::Stop { stop },
            OrderKind::StopLimit { stop, limit },
        ];
        for kind in kinds {
            let order = NewOrder {
                client_id: "BW-7-42-1X".parse().unwrap(),
                broker: BrokerId(0),
                symbol: SymbolId(1),
                side: Side::SellShort,
                kind,
                quantity: Quantity::from_shares(3).unwrap(),
                time_in_force: TimeInForce::Gtc,
                role: OrderRole::Target,
                group: Some(GroupId(5)),
            };
            let line = OrderLine::from(&order, &tickers()).unwrap();
            assert_eq!(through(&line).read(&tickers()), Some(order));
            let text = serde_json::to_string(&line).unwrap();
            assert!(text.contains(r#""client_id":"BW-7-42-1X""#), "{text}");
        }
        assert_eq!(
            OrderLine::from(&NewOrder { symbol: SymbolId(9), ..NewOrder::default() }, &tickers()),
            None
        );
    }

    /// Reports of every kind read back.
    #[test]
    fn reports_read_back() {
        let fill = Fill {
            exec_id: ExecId::simulated(3),
            side: Side::Buy,
            quantity: Quantity::from_shares(5).unwrap(),
            price: "10.01".parse().unwrap(),
            fee: "1.0003".parse().unwrap(),
        };
        let exec_id = ExecId::simulated(1);
        let order_qty = Quantity::from_shares(2).unwrap();
        let all = [
            ExecType::Accepted,
            ExecType::New,
            ExecType::Trade(fill),
            ExecType::Cancelled,
            ExecType::Expired,
            ExecType::Rejected(RejectReason::BuyingPower),
            ExecType::PendingCancel,
            ExecType::CancelRejected(RejectReason::TooLate),
            ExecType::PendingReplace,
            ExecType::Replaced,
            ExecType::ReplaceRejected(RejectReason::UnknownOrder),
            ExecType::Restated { order_qty },
            ExecType::Correct { replaces: exec_id, fill },
            ExecType::Bust { exec_id },
        ];
        for exec in all {
            let report = ExecutionReport {
                client_id: ClientOrderId { tag: *b"BW\0\0", epoch: 1, ..ClientOrderId::default() },
                broker: BrokerId(2),
                symbol: SymbolId(0),
                exec,
                time: "2026-11-25T14:30:00.000000001Z".parse().unwrap(),
                cum_qty: Some(order_qty),
                broker_id: BrokerOrderId::new("P-12"),
            };
            let line = through(&ReportLine::from(&report, &tickers()).unwrap());
            assert_eq!(line.read(BrokerId(2), &tickers()), Some(report));
        }
    }

    /// F18: what is not ours has no id of ours.
    #[test]
    fn foreign_rows_are_foreign() {
        let line: OrderRowLine = serde_json::from_str(
            r#"{"client_id":"somebody","symbol":"ZZZ","side":"buy","kind":"market","quantity":"5",
                "filled_quantity":"0","state":"working"}"#,
        )
        .unwrap();
        let row = line.read(&tickers()).unwrap();
        assert_eq!((row.client_id, row.symbol), (None, None));
    }
}
