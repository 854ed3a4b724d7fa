//! The deterministic trading core: one state machine without I/O, clock or randomness.
//!
//! Everything outside comes in as an [`Input`] with a sequence number and a time; everything the
//! core wants comes out as facts and commands in [`Outputs`]. Backtest, demo, paper, live and
//! replay differ only in who feeds it and who carries out what it says (design.md decision 1).
//!
//! The folders bear the component names of the source architecture. Start reading at
//! [`Engine::apply`]; the life of an order goes through [`strategy_engine`], [`risk_manager`],
//! [`order_manager`], the broker's reports into [`Books`], and [`performance_tracker`].
//!
//! Invariant: equal inputs give equal facts, on every machine and in every build (I7).

pub mod alert_system;
mod books;
mod core;
pub mod data_manager;
mod desk;
mod engine;
pub mod execution_engine;
mod fact;
mod input;
pub mod ledger;
pub mod lifecycle;
pub mod order_manager;
mod output;
pub mod performance_tracker;
pub mod queues;
pub mod risk_manager;
mod session;
pub mod strategy_engine;
mod timers;

pub use books::{
    Actions, Announced, Anomaly, Books, Day, External, Observed, Refused, Seen, Settled, Slot,
};
pub use engine::{Engine, EngineConfig, Instance};
pub use fact::{
    ActionEffect, Asked, Cancel, DayRoll, ExitWant, Fact, GateChange, Intent, LimitsInForce,
    PositionChange, Replace, Reply, Route, SlotKey, TradeVoided,
};
pub use input::{
    BrokerEvent, Control, Input, Instruction, LastEnd, LimitChange, Link, Resolution, Sequenced,
    Start,
};
pub use model::{Command, MarketEvent, record};
pub use output::Outputs;
pub use session::Ticks;
