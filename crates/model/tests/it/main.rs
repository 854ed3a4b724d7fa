//! The exchange's dated data against published tables and worked examples.

mod calendar;
mod costs;
mod settlement;
mod support;
mod ticks;
