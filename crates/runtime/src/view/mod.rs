//! What people and programs see of a running system: the shapes of contract.md 5, built from the
//! core and from released records.
//!
//! Two sources. [`View`] is the state at one moment: the core thread builds it every
//! `system.update_frequency_ms` and publishes it whole. [`Lists`] is what happened: it folds
//! released records on a thread of its own, bounded, with cursors. Neither is ever read by the
//! core. Serving them is the work of crate `server`.
//!
//! Invariant: nothing here is shared with the core by a lock; a view is never changed after it was
//! published.

mod account;
mod decisions;
mod happened;
mod health;
mod lists;
mod page;
mod risk;
mod rows;
mod run;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use engine::Engine;
use engine::risk_manager::Limits;
use serde::Serialize;

pub use account::{BrokerStatus, ProviderRow, StrategyRow};
pub use decisions::{DecisionRow, Explained, OrderBrief, explain};
pub use happened::{AlertData, AlertRow, FillRow, TradeFillRow, TradeRow};
pub use health::{ComponentJson, CoreHealth, Health};
pub use lists::Lists;
pub use page::{MAX_PAGE, Page};
pub use risk::{RiskRow, TriggerRow};
pub use rows::{OrderRow, PositionRow};
pub use run::{Build, Name, Run, UnknownName};
pub use status::{Gate, Kill, Market, QueueRow, Status, Surroundings};

/// The state of the system at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// What the system is doing.
    pub status: Status,
    /// What the core found when it asked its own parts.
    #[serde(skip)]
    pub health: CoreHealth,
    /// Open positions.
    pub positions: Vec<PositionRow>,
    /// All open orders and the newest finished ones, newest first.
    pub orders: Vec<OrderRow>,
    /// Every control with its limit and use.
    pub risk: Vec<RiskRow>,
    /// The strategies of the run.
    pub strategies: Vec<StrategyRow>,
    /// The limits in force, on which a change of limits is based.
    #[serde(skip)]
    pub limits: Limits,
}

impl View {
    /// Looks at the core and adds what surrounds it.
    ///
    /// It costs some microseconds for each open order and position; the core thread calls it at
    /// most once in `system.update_frequency_ms`.
    pub fn build(engine: &Engine, run: &Run, around: &Surroundings) -> Arc<Self> {
        let status = Status::of(engine, run, around);
        Arc::new(Self {
            health: CoreHealth::of(engine, around, &status),
            positions: rows::positions(engine, run),
            orders: rows::orders(engine, run),
            risk: risk::rows(engine, run),
            strategies: account::strategies(engine, run),
            limits: engine.books().gate().limits().clone(),
            status,
        })
    }

    /// Returns an order by our id, whatever its attempt.
    pub fn order(&self, id: model::ClientOrderId) -> Option<&OrderRow> {
        let same = |row: &&OrderRow| {
            let known = row.client_id;
            (known.tag, known.epoch, known.number) == (id.tag, id.epoch, id.number)
        };
        self.orders.iter().find(same)
    }
}
