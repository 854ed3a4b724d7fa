//! Configuration: one typed value from layers (defaults, file, environment, flags), every key
//! with its origin (contract.md sections 2 and 8).
//!
//! [`keys`] is the one table of keys: name, type, range, documentation, and how it reads and
//! writes the typed [`Config`]. [`file`](mod@file) reads TOML with positions, [`layers`] puts the
//! layers on top of each other, [`template`] writes the commented file. Only keys of parts that
//! this build has are known: an accepted key that does nothing is a lie.
//!
//! Invariant: a [`Config`] that was loaded has every value inside its range; what was refused was
//! named with its place, value, allowed range and, where it can be told, what was meant.

mod data_keys;
mod file;
mod keys;
mod layers;
mod limits;
mod problem;
mod risk_keys;
mod run_keys;
mod template;
mod tree;
mod value;

pub(crate) use keys::{KEYS, Key};
pub(crate) use layers::{Effective, Layers, LoadError, allowed, load, load_text};
pub(crate) use limits::limits_from;
pub(crate) use problem::Origin;
pub(crate) use template::template;
pub(crate) use tree::{Config, Environment, LogLevel, System, Transport};

/// The file that is read when none is named.
pub(crate) const DEFAULT_FILE: &str = "bellwether.toml";
