//! Runs of the whole core over bars: worked examples, invariants, properties.

#![allow(clippy::disallowed_methods, reason = "tests read expected values from files")]

mod support;
mod worked;
