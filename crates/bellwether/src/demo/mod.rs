//! The demo: its system on a data directory of its own, and what it shows of it, the story as it
//! happens and why nothing more was traded.

pub(crate) mod listener;
pub(crate) mod story;
pub(crate) mod system;
pub(crate) mod tally;
