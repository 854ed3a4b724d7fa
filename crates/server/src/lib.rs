//! The HTTP API: authentication, control and status (contract.md 6).
