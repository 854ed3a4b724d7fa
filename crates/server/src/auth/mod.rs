//! Who may do what: roles and API tokens (S4, S5).
//!
//! Tokens live in `DATA_DIR/auth.db`, hashed; users come with the log-in pages. A running system
//! checks them in memory, so that stopping it never waits for a disk or a lock of the file (C31).
//! Invariants: a token's text is shown once and stored nowhere; what is not allowed is refused.

mod cli_token;
mod error;
mod role;
mod store;
mod token;

pub use cli_token::{CLI_TOKEN_FILE, ensure_cli_token};
pub use error::AuthError;
pub use role::{Role, UnknownRole};
pub use store::{AUTH_FILE, Auth, Principal, TokenRow};
pub use token::{DEFAULT_DAYS, MAX_DAYS, Secret};
