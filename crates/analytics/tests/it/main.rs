//! Integration tests of the analytics crate.

#![expect(clippy::disallowed_methods, reason = "tests read files and measure time")]

mod fixture;
mod oracle_returns;
mod oracle_trades;
mod report;
mod support;
