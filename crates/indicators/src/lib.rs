//! Streaming technical indicators (rules TI*)
