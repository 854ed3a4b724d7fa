//! The deterministic trading core
