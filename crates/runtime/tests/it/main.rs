//! The runtime from outside: sequencer, recovery, the live loop.

mod day;
mod recovery;
mod support;
