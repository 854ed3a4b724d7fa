//! Integration tests of the catalog: small files written here, and the recorded data.

mod check;
mod csv;
mod export;
mod lean;
mod parquet;
mod real;
mod store;
mod support;
mod ticks;
