//! Integration tests of the analytics crate.

mod oracle_returns;
mod oracle_trades;
mod support;
