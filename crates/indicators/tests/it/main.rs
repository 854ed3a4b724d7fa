//! Indicators against the oracle files, on random input, and across save and load.

#![allow(clippy::disallowed_methods, reason = "tests read expected values from files")]

mod daily;
mod intraday;
mod oracle;
mod probe;
mod properties;
