//! The vocabulary every other crate speaks: identifiers, integer money and prices, times, market
//! data, orders and execution reports, and the exchange's day as dated tables.
//!
//! Nothing here decides anything and nothing here does I/O. Money, prices and quantities are
//! integers in units of 1e-9 (design.md decision 4); arithmetic that can overflow returns
//! `Option`, and every rounding is named.
//!
//! Invariant: no operation on these types panics or wraps for any input.
//!
//! ```
//! use model::{Price, Quantity};
//! let price: Price = "101.25".parse().unwrap();
//! let value = price.notional(Quantity::from_shares(200).unwrap()).unwrap();
//! assert_eq!(value.to_string(), "20250.00");
//! ```

mod action;
mod cash;
mod charge;
mod decimal;
pub mod exchange;
mod ids;
mod market;
mod order;
mod outcome;
mod ppm;
mod price;
mod quantity;
mod query;
pub mod record;
mod reference;
mod report;
mod time;
mod trade;

pub use action::{ActionKind, CorporateAction, SplitRatio};
pub use cash::Cash;
pub use charge::ChargeKind;
pub use decimal::{ParseDecimalError, SCALE};
pub use ids::{
    BrokerId, BrokerOrderId, ClientOrderId, ExecId, GroupId, OrderNumber, OrderRole, ParseIdError,
    SourceId, StrategyId, Symbol, SymbolId,
};
pub use market::{Bands, Bar, BarFault, Breaker, Conditions, Halt, MarketEvent, Quote, Trade};
pub use order::{
    CancelRequest, Command, NewOrder, OrderKind, OrderState, ReplaceRequest, Side, TimeInForce,
};
pub use outcome::{NotSentReason, RejectClass, RequestKind, SendOutcome, UnknownCause};
pub use ppm::Ppm;
pub use price::{Price, Rounding};
pub use quantity::{Quantity, Volume};
pub use query::{AccountRow, Ask, ExecutionRow, OrderRow, Page, PositionRow, Query, QueryId, Rows};
pub use reference::{SymbolDay, VolumeBaseline};
pub use report::{ExecType, ExecutionReport, Fill, RejectReason};
pub use time::{DAY_NS, Date, MINUTE_NS, ParseTimeError, SECOND_NS, Timestamp};
pub use trade::{ClosedTrade, ExitReason, TradeFill};
