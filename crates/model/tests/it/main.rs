//! The exchange's dated data against published tables and worked examples.

#![allow(clippy::disallowed_methods, reason = "tests read expected values from files")]

mod calendar;
mod costs;
mod settlement;
mod support;
mod ticks;
