//! What can go wrong with market data on disk, in words a user can act on.
//!
//! [`CatalogError`] ends an operation; [`FileError`] ends only the reading of one input file,
//! which is then listed as broken while the others go on (contract.md section 4).

use std::io;
use std::path::PathBuf;

use model::{Date, Symbol};

use crate::Resolution;

/// Why an operation on market data did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A file or folder named by the user is not there.
    #[error("{path}: not found; {hint}")]
    NotFound {
        /// What was looked for.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// A folder is neither a store nor a LEAN folder.
    #[error("{path}: no market data here: a store holds `bars/`, a LEAN folder `equity/usa`")]
    NotAStore {
        /// The folder.
        path: PathBuf,
    },
    /// The store holds no bars of the symbol at this resolution.
    #[error("{symbol} ({resolution}) is not in the store {root}; it holds: {known}")]
    SymbolNotFound {
        /// The symbol.
        symbol: Symbol,
        /// The resolution.
        resolution: Resolution,
        /// The store.
        root: PathBuf,
        /// What the store holds, cut after some names.
        known: String,
    },
    /// There are no bars in the range asked for.
    #[error("no {resolution} bars between {from} and {to} in {root}; see `data list`")]
    NoData {
        /// The resolution.
        resolution: Resolution,
        /// First session asked for.
        from: Date,
        /// Last session asked for.
        to: Date,
        /// The store.
        root: PathBuf,
    },
    /// Nothing to import was found under the paths.
    #[error("{path}: holds nothing to import as {format}; {hint}")]
    NothingToImport {
        /// The path.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A flag is missing or cannot be used.
    #[error("{flag} {value}: {why}")]
    Usage {
        /// The flag.
        flag: &'static str,
        /// Its value, or what is missing.
        value: String,
        /// Why and what to do.
        why: String,
    },
    /// A local time without a zone: nothing is guessed.
    #[error(
        "{file}:{line}: time {value:?} has no zone; state it with --tz, e.g. --tz UTC or --tz America/New_York"
    )]
    NoZone {
        /// The file.
        file: String,
        /// The line, or the row in Parquet.
        line: u64,
        /// The value.
        value: String,
    },
    /// A file without symbols while `--symbol` was not given.
    #[error("{file}: has no symbol column; name its symbol with --symbol")]
    NoSymbol {
        /// The file.
        file: String,
    },
    /// A file of the store does not hold what it must.
    #[error("{path}: {why}; remove the file and import its year again")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// Another process is writing to the store.
    #[error("{root}: another import is writing to this store; try again when it has ended")]
    Locked {
        /// The store.
        root: PathBuf,
    },
    /// The operating system refused.
    #[error("{action} {path}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A Parquet file could not be made.
    #[error("encode {path} as Parquet")]
    Encode {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: parquet::errors::ParquetError,
    },
}

impl CatalogError {
    /// Returns the process exit code of contract.md section 2.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } | Self::NoZone { .. } | Self::NoSymbol { .. } => 64,
            Self::Corrupt { .. } => 65,
            Self::NotFound { .. }
            | Self::NotAStore { .. }
            | Self::SymbolNotFound { .. }
            | Self::NothingToImport { .. }
            | Self::NoData { .. } => 66,
            Self::Encode { .. } => 70,
            Self::Locked { .. } => 73,
            Self::Io { .. } => 74,
        }
    }

    /// Makes the error of a failed system call.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io { action, path: path.into(), source }
    }
}

/// Why nothing of one input file was imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is empty")]
    Empty,
    #[error("column {column} is missing; found {found}; a file without a header needs --columns")]
    MissingColumn { column: &'static str, found: String },
    #[error("holds {found}, which have no {flag}; leave the flag out")]
    TickFlag { found: &'static str, flag: &'static str },
    #[error("holds splits and dividends (columns kind and value); import it with --actions")]
    Actions,
    #[error("column {column} appears twice")]
    ColumnTwice { column: String },
    #[error("line {line} has more than 65536 characters: not a text file of rows")]
    LineTooLong { line: u64 },
    #[error("is not a readable zip: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("must hold one member, it holds {found}")]
    Members { found: usize },
    #[error("member {member} does not belong in this file: expected {expected}")]
    Member { member: String, expected: String },
    #[error("is not a readable Parquet file: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("is not a readable Parquet file: its content makes the reader give up")]
    ParquetContent,
    #[error("column {column} has type {found}; expected {expected}")]
    ColumnType { column: String, found: String, expected: &'static str },
    #[error("is stated as {stated}, but its rows are {found}")]
    Contradiction { stated: Resolution, found: String },
    #[error("cannot tell the resolution from {found}; state it with --resolution")]
    UnknownResolution { found: String },
    #[error("its name must be {expected}")]
    Name { expected: &'static str },
    /// Ends the whole import, not only this file.
    #[error(transparent)]
    Fatal(#[from] CatalogError),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// contract.md section 2: exit codes.
    #[test]
    fn exit_codes_follow_the_contract() {
        let usage = CatalogError::NoSymbol { file: "a.csv".into() };
        let corrupt = CatalogError::Corrupt { path: "x".into(), why: "y".into() };
        let missing = CatalogError::NotAStore { path: "x".into() };
        let locked = CatalogError::Locked { root: "x".into() };
        let io = CatalogError::io("write", "x", io::Error::other("full"));
        let codes = [usage, corrupt, missing, locked, io].map(|error| error.exit_code());
        assert_eq!(codes, [64, 65, 66, 73, 74]);
    }
}
