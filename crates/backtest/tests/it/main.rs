//! Runs of the whole core over bars: worked examples, invariants, properties.

mod support;
mod worked;
