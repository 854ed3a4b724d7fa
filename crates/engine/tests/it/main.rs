//! The engine from outside: inputs in, facts and commands out.

#![allow(clippy::disallowed_types, reason = "a scripted strategy shares its script with the test")]

mod account;
mod actions;
mod bad_input;
mod controls;
mod data;
mod fates;
mod faults;
mod instructions;
mod isolation;
mod limits;
mod orders;
mod outcomes;
mod permutations;
mod random;
mod reconciliation;
mod routing;
mod sums;
mod traps;
mod truth;
mod unheard;
mod walk;
mod world;
