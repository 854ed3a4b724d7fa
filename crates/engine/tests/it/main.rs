//! The engine from outside: inputs in, facts and commands out.

#![allow(clippy::disallowed_methods, reason = "tests read expected values from files")]

mod controls;
mod orders;
mod world;
