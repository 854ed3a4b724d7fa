//! What the demo shows: its market, the story as it happens, why nothing more was traded, and the
//! health of the components.

pub(crate) mod health;
pub(crate) mod listener;
pub(crate) mod story;
pub(crate) mod tally;
