//! What can go wrong with tokens.

use std::io;
use std::path::PathBuf;

/// Why a token could not be made, listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A file or folder of the data directory.
    #[error("{action} {path}")]
    File {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The database of tokens.
    #[error("{action} in {path}")]
    Database {
        /// What was attempted.
        action: &'static str,
        /// In which file.
        path: PathBuf,
        /// Why it failed.
        source: rusqlite::Error,
    },
    /// A newer build wrote the database.
    #[error("{path} has version {found}, this build knows {known}: use the build that wrote it")]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest one known.
        known: i64,
    },
    /// A token of that name is valid.
    #[error("a token named {0:?} is in use: revoke it first, or take another name")]
    NameTaken(String),
    /// No valid token has that name.
    #[error("there is no valid token named {0:?}: `tokens list` shows those that are")]
    NoSuchToken(String),
    /// The name is not usable.
    #[error("{0:?} is no name for a token: take 1 to 40 characters of a-z A-Z 0-9 . _ -")]
    BadName(String),
    /// The validity is not allowed.
    #[error("a token is valid for 1 to {max} days, not {0} (S4)", max = super::MAX_DAYS)]
    BadDays(u16),
    /// No randomness.
    #[error("the operating system gives no random numbers")]
    NoRandom,
}
