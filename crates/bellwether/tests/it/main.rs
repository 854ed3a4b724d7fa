//! The program as its users have it: flags, exit codes, JSON and files (contract.md 2, 3, 5).

mod backtest;
mod bad_input;
mod clients;
mod commands;
mod config;
mod demo;
mod journal;
mod loss;
mod run;
mod serving;
mod support;
mod venue;
mod without_core;
