//! The journal against a real folder, a failing disk, and every byte of it changed.

mod support;

mod locking;
mod snapshots;
mod writing;
