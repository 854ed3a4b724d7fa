//! Closed trades, as performance_tracker builds them and analytics reads them (TP14-TP17).

use crate::{Cash, ClientOrderId, Price, Quantity, Side, StrategyId, SymbolId, Timestamp};

/// Why a position was closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum ExitReason {
    /// The protective stop at its first price.
    Stop,
    /// The protective stop after it was moved in favour of the position.
    MovedStop,
    /// A profit target.
    Target,
    /// A close beyond the trailing average (TG24).
    Trail,
    /// Closes on the wrong side of VWAP (TV17).
    Vwap,
    /// The favourable move did not come in time (TG25, TV18).
    TimeStop,
    /// The time at which the position must be flat (TG26, TV20).
    FlatBy,
    /// The strategy's own signal.
    #[default]
    Signal,
    /// An operator or a safety rule closed it.
    Flatten,
    /// A fill that no order of ours explains.
    External,
    /// A fraction of a share that a split left was paid in cash (F27).
    CorporateAction,
}

impl ExitReason {
    /// All reasons, in the order of their definition.
    pub const ALL: [Self; 11] = [
        Self::Stop,
        Self::MovedStop,
        Self::Target,
        Self::Trail,
        Self::Vwap,
        Self::TimeStop,
        Self::FlatBy,
        Self::Signal,
        Self::Flatten,
        Self::External,
        Self::CorporateAction,
    ];

    /// Returns the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::MovedStop => "moved_stop",
            Self::Target => "target",
            Self::Trail => "trail",
            Self::Vwap => "vwap",
            Self::TimeStop => "time_stop",
            Self::FlatBy => "flat_by",
            Self::Signal => "signal",
            Self::Flatten => "flatten",
            Self::External => "external",
            Self::CorporateAction => "corporate_action",
        }
    }
}

/// One fill of a trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TradeFill {
    /// When it was executed.
    pub time: Timestamp,
    /// Its side.
    pub side: Side,
    /// Its shares.
    pub quantity: Quantity,
    /// Its price.
    pub price: Price,
    /// Its commission and fees, raw (TK7).
    pub fee: Cash,
    /// The order it belongs to.
    pub order: ClientOrderId,
}

/// One trade: flat to flat per strategy, account and symbol (TP14).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ClosedTrade {
    /// Ascending in order of closing, from 1.
    pub id: u64,
    /// Whose trade it was.
    pub strategy: StrategyId,
    /// What was traded.
    pub symbol: SymbolId,
    /// True for a long trade, false for a short one.
    pub long: bool,
    /// Largest position held.
    pub quantity: Quantity,
    /// Time of the first fill.
    pub entry_time: Timestamp,
    /// Quantity-weighted average entry, half-even to 1e-9.
    pub entry_price: Price,
    /// Time of the last fill.
    pub exit_time: Timestamp,
    /// Quantity-weighted average exit, half-even to 1e-9.
    pub exit_price: Price,
    /// Why the last part was closed.
    pub exit_reason: ExitReason,
    /// The protective stop sent with the entry, never the moved one (TP16).
    pub initial_stop: Option<Price>,
    /// Planned distance to the stop times the planned quantity (TS5).
    pub risk_planned: Option<Cash>,
    /// Actual distance from the average entry to the initial stop times the quantity (TS5).
    pub risk_taken: Option<Cash>,
    /// Signed cash flow of the fills, before fees.
    pub gross_pnl: Cash,
    /// Sum of the fills' fees.
    pub fees: Cash,
    /// Signed cash flow of the fills minus fees, exactly (TP15).
    pub net_pnl: Cash,
    /// Net result over risk taken (TP16); none without a stop.
    pub r_multiple: Option<f64>,
    /// Largest adverse move per share from the average entry, >= 0 (TP17).
    pub mae: Price,
    /// Largest favourable move per share from the average entry, >= 0 (TP17).
    pub mfe: Price,
    /// The fills in order.
    pub fills: Vec<TradeFill>,
}
