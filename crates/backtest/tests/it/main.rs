//! Runs of the whole core over bars: worked examples, invariants, properties.

#![allow(clippy::disallowed_methods, reason = "tests read expected values from files")]

mod actions;
mod allocations;
mod conventions;
mod determinism;
mod gate;
mod invariants;
mod mirror;
mod prefix;
mod real;
mod replay;
mod storm;
mod support;
mod ticks;
mod worked;
