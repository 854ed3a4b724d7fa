//! The write-ahead log: records in segments, snapshots, lock and fencing epoch (J*, journal.md).
//!
//! Stores (kind, version, bytes) and never decodes a payload; what the bytes mean is the
//! [`runtime`](../runtime/index.html)'s.
