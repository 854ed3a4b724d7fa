//! The paper broker from outside: its book over cuts, and the broker in process.

mod book;
mod memory;
mod support;
