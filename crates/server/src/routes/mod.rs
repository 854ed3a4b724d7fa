//! The handlers, one file for each kind.

pub(crate) mod control;
pub(crate) mod giving;
pub(crate) mod operating;
pub(crate) mod probes;
pub(crate) mod reading;
pub(crate) mod tokens;
