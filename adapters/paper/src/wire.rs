//! What goes over the socket between the paper broker and its clients: one JSON object a line.
//!
//! Client order ids, tickers and numbers are plain text, so that a tracer or a person can read a
//! conversation. Money and shares are decimal strings. A request bears a number, and its answer the
//! same one; reports and heartbeats come unasked. A list says how many rows it should have, so that
//! a part of one is never taken for all of it (F17).

mod lines;
mod names;

use model::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use lines::{
    CancelLine, ExecutionLine, OrderLine, OrderRowLine, PositionLine, ReplaceLine, ReportLine,
};
pub(crate) use names::{Tickers, charge, outcome_from, outcome_to};

/// A request of a client.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Its number, unique on the connection.
    pub(crate) id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub(crate) what: Asked,
}

/// What a client asks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Asked {
    /// Take an order.
    Submit(OrderLine),
    /// Replace one.
    Replace(ReplaceLine),
    /// Cancel one.
    Cancel(CancelLine),
    /// One order by its id.
    Order {
        /// The id.
        client_id: String,
    },
    /// All orders that are not done.
    OpenOrders,
    /// Executions at or after a time.
    Executions {
        /// The time.
        since: Timestamp,
    },
    /// All positions.
    Positions,
    /// The account.
    Account,
}

/// What the broker says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Message {
    /// The connection is ready: every report from now on comes over it.
    Hello {
        /// The broker's clock.
        time: Timestamp,
    },
    /// What became of a request.
    Outcome {
        /// The request.
        id: u64,
        /// `accepted`, `rejected` or `unknown`.
        outcome: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Orders.
    Orders {
        /// The request.
        id: u64,
        /// How many rows the answer has.
        total: usize,
        /// The rows.
        rows: Vec<OrderRowLine>,
    },
    /// Executions.
    Executions {
        /// The request.
        id: u64,
        /// How many rows the answer has.
        total: usize,
        /// The rows.
        rows: Vec<ExecutionLine>,
    },
    /// Positions.
    Positions {
        /// The request.
        id: u64,
        /// How many rows the answer has.
        total: usize,
        /// The rows.
        rows: Vec<PositionLine>,
    },
    /// The account's figures.
    Account {
        /// The request.
        id: u64,
        /// Cash.
        cash: model::Cash,
        /// Equity.
        equity: model::Cash,
        /// What may be bought.
        buying_power: model::Cash,
    },
    /// The request failed; whether it was carried out is not said.
    Failed {
        /// The request.
        id: u64,
        /// Why.
        error: String,
    },
    /// A report.
    Report(ReportLine),
    /// A charge that belongs to no fill.
    Charge {
        /// What for.
        kind: String,
        /// What is paid; negative when it is paid back.
        fee: model::Cash,
    },
    /// The broker lives.
    Heartbeat {
        /// Its clock.
        time: Timestamp,
    },
}

impl Message {
    /// Returns the request that is answered; `None` for what comes unasked.
    pub(crate) fn answers(&self) -> Option<u64> {
        match self {
            Self::Outcome { id, .. }
            | Self::Orders { id, .. }
            | Self::Executions { id, .. }
            | Self::Positions { id, .. }
            | Self::Account { id, .. }
            | Self::Failed { id, .. } => Some(*id),
            Self::Hello { .. } | Self::Report(_) | Self::Charge { .. } | Self::Heartbeat { .. } => {
                None
            }
        }
    }
}

/// Writes a line.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    // Strings and numbers alone: there is nothing that could not be written.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}
