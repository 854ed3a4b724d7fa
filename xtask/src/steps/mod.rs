//! The steps of `cargo xtask test`, one file per family. The list is in [`suite`](crate::suite).

pub(crate) mod checks;
pub(crate) mod debian;
pub(crate) mod deny;
pub(crate) mod e2e;
pub(crate) mod runners;
