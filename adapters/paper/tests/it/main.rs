//! The paper broker from outside: its book over cuts, the broker in process and over TCP, the exam
//! of all brokers, and the faults it makes.

mod book;
mod checkpoint;
mod exam;
mod faults;
mod feed;
mod latency;
mod memory;
mod power;
mod random;
mod support;
