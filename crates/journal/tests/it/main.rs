//! The journal against a real folder, a failing disk, and every byte of it changed.

mod support;

mod keeping;
mod locking;
mod power;
mod snapshots;
mod surgery;
mod writing;
