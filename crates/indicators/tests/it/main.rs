//! Indicators against the oracle files, on random input, and across save and load.

mod daily;
mod intraday;
mod oracle;
mod probe;
mod properties;
