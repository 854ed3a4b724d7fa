//! The parties of a run as rows: brokers, providers, strategies.

use engine::Engine;
use engine::risk_manager::Scope;
use model::{BrokerId, StrategyId, Timestamp};
use serde::Serialize;

use super::run::{Name, Run};

/// A broker.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct BrokerStatus {
    /// Its name in the configuration.
    #[schema(value_type = String)]
    pub name: Name,
    /// Its session stands, or it needs none.
    pub connected: bool,
    /// Since when that is so.
    #[schema(value_type = Option<String>)]
    pub since: Option<Timestamp>,
    /// New entries go to it.
    pub entries: bool,
    /// Reports that came from it.
    pub reports: u64,
    /// When the books were last compared with it as a whole (C34).
    #[schema(value_type = Option<String>)]
    pub compared: Option<Timestamp>,
    /// Symbols that differed then.
    pub differences: usize,
    /// Open orders there that are not ours (F18).
    pub foreign_orders: usize,
}

/// Returns the brokers in the order of their ids.
pub(super) fn brokers(engine: &Engine, run: &Run) -> Vec<BrokerStatus> {
    let known = engine.books().brokers();
    let row = |(index, name): (usize, &Name)| {
        let id = BrokerId(u8::try_from(index).unwrap_or(u8::MAX));
        let state = known.get(id);
        BrokerStatus {
            name: name.clone(),
            connected: engine.reaches(id),
            since: (state.since > Timestamp::from_nanos(0)).then_some(state.since),
            entries: known.route() == id,
            reports: state.reports,
            compared: state.compared,
            differences: state.differences.len(),
            foreign_orders: state.foreign.len(),
        }
    };
    run.brokers().iter().enumerate().map(row).collect()
}

/// A market-data provider.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct ProviderRow {
    /// Its name in the configuration.
    pub name: String,
    /// Its connection stands.
    pub connected: bool,
    /// Symbols it is subscribed to.
    pub subscribed: usize,
    /// Time of its last event, by its own clock.
    #[schema(value_type = Option<String>)]
    pub last_event: Option<Timestamp>,
    /// How often it had to connect anew.
    pub reconnects: u64,
}

impl ProviderRow {
    /// Names a provider's status.
    pub fn new(name: &str, status: &gateway::ProviderStatus) -> Self {
        Self {
            name: name.to_owned(),
            connected: status.connected,
            subscribed: status.subscribed,
            last_event: status.last_event,
            reconnects: status.reconnects,
        }
    }
}

/// A strategy of the run.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct StrategyRow {
    /// `NAME` or `NAME@tag`.
    #[schema(value_type = Option<String>)]
    pub name: Option<Name>,
    /// How far it has come (C38).
    pub stage: &'static str,
    /// It may open positions as far as it is concerned itself.
    pub enabled: bool,
    /// Why it may not.
    pub blocked_by: Vec<&'static str>,
    /// Its open positions.
    pub positions: usize,
    /// Sum of the R multiples of its trades today.
    pub r_today: f64,
}

/// Returns the strategies in the order of their ids.
pub(super) fn strategies(engine: &Engine, run: &Run) -> Vec<StrategyRow> {
    let books = engine.books();
    let row = |index: usize| {
        let id = StrategyId(u16::try_from(index).unwrap_or(u16::MAX));
        let own = |scope| scope == Scope::Strategy(id);
        let blocks = books.blocks().list().iter().filter(|block| own(block.scope));
        let blocked_by: Vec<&'static str> = blocks.map(|block| block.reason.name()).collect();
        let open = |key: &&engine::SlotKey| key.strategy == id && books.position(**key).is_some();
        StrategyRow {
            name: run.strategy(id),
            stage: books.risk().promotions().of(id).stage.name(),
            enabled: blocked_by.is_empty(),
            blocked_by,
            positions: books.active().iter().filter(open).count(),
            r_today: books.day().r_by_strategy.get(index).copied().unwrap_or_default(),
        }
    };
    (0..engine.strategies().len()).map(row).collect()
}
