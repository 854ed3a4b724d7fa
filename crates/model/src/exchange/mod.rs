//! The US equity exchange as dated data: sessions, ticks, fees, settlement (design.md decision 5).
//!
//! Everything that changes from year to year is a table with dates: [`Calendar`] says when the
//! exchange is open (TC1-TC9, C23), [`TickTable`] by how much a price may move (TB11, C05),
//! [`FeeSchedule`] and [`FeeAccount`] what an execution costs (TK1-TK4, TK7), [`FinancingRates`]
//! what a night costs (TK5, TK6),
//! [`settlement_date`] when it settles (TC8). The tables are shipped with the build; each has a
//! `with_overrides` that reads an operator's dated lines on top. Files, and the check that an
//! operator signed them, are left to the shell; blocking orders on unknown days to the risk gate.
//!
//! Invariant: a date about which nothing is known gets no answer (TC9), and no answer depends on
//! the clock or the zone of the machine (TC5).
//!
//! ```
//! use model::exchange::Calendar;
//! let calendar = Calendar::nyse();
//! let session = calendar.session("2026-11-27".parse().unwrap()).unwrap().unwrap();
//! assert_eq!(session.close.to_string(), "2026-11-27T18:00:00Z");
//! assert!(session.early_close);
//! ```

mod calendar;
mod commission;
mod fee_account;
mod fees;
mod financing;
mod holidays;
mod overrides;
mod settlement;
mod ticks;
mod zone;

pub use calendar::{Calendar, CalendarError, Segment, Session};
pub use commission::{CommissionPlan, OrderCommission, ParsePlanError};
pub use fee_account::{Execution, FeeAccount, FillCharges};
pub use fees::{FeeSchedule, Liquidity, RegulatoryFees, VenueFees};
pub use financing::FinancingRates;
pub use overrides::OverrideError;
pub use settlement::settlement_date;
pub use ticks::TickTable;
pub use zone::{LocalTime, from_new_york, new_york_date, new_york_time};
