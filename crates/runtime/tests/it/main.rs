//! The runtime from outside: sequencer, recovery, the live loop.

mod alerts;
mod day;
mod golden;
mod keeping;
mod live;
mod load;
mod loss;
mod lying;
mod patient;
mod recovery;
mod rig;
mod stepped;
mod stop_times;
mod stops;
mod support;
mod witness;
