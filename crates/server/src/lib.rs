//! The HTTP API of a running system, and who may use it (contract.md 6, S1-S8).
//!
//! [`Server`] listens and bounds what comes in; [`auth`] knows who may do what, by [`ACCESS`], one
//! table; the handlers read published views and give instructions through [`System`]. What an
//! instruction means is the core's; pages and the stream come with the dashboard.
//!
//! Invariants: deny by default; stopping is easy, starting is hard (S5); an emergency stop gets
//! through whatever else is going on (S7).

mod access;
mod api;
pub mod auth;
mod body;
mod guard;
mod problem;
mod routes;
mod serve;
mod system;

pub use access::{ACCESS, Access};
pub use api::{ReadLimits, openapi};
pub use problem::Problem;
pub use serve::{ServeError, Server, Settings};
pub use system::{Answer, System};
