//! The HTTP API of a running system, and who may use it (contract.md 6, S1-S8).

pub mod auth;
