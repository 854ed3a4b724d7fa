//! The live shell: feeds the core, makes each decision durable, then carries it out.

pub mod view;
