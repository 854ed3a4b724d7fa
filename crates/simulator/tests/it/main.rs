//! Integration tests of the simulator: the exchange's rules case by case and as properties, and
//! the generated market against the figures it was calibrated on.

#![allow(clippy::disallowed_methods, reason = "tests read expected values from files")]

mod generator;
mod oracle;
mod properties;
mod rules;
mod support;
mod ticks;
