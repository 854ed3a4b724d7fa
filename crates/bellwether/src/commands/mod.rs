//! The commands, one file each: flags, what is done, and how the answer is written.

pub(crate) mod backtest;
pub(crate) mod backup;
pub(crate) mod calendar;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod guard;
pub(crate) mod journal;
pub(crate) mod operating;
pub(crate) mod reading;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod state;
pub(crate) mod strategies;
pub(crate) mod tokens;
pub(crate) mod venue;
