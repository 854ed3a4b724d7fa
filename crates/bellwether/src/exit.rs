//! How a command ends: the exit codes of contract.md section 2, and failures that say what, where,
//! why and what to do.

use std::fmt;
use std::io;

use catalog::CatalogError;

use crate::terminal::{self, ERROR, HINT};

/// An exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// The answer is "no".
    No = 1,
    /// Wrong use, an unknown strategy or parameter named on the command line included.
    Usage = 64,
    /// Corrupt data.
    Corrupt = 65,
    /// An input is not there.
    Missing = 66,
    /// A required service does not answer.
    Unavailable = 69,
    /// An internal fault.
    Internal = 70,
    /// Another instance holds the lock.
    Locked = 73,
    /// The operating system refused.
    Io = 74,
    /// The configuration is not usable.
    Config = 78,
}

impl Exit {
    /// Returns the exit of a code that another crate names by the same contract.
    pub(crate) fn from_code(code: u8) -> Self {
        let known = [
            Self::Done,
            Self::No,
            Self::Usage,
            Self::Corrupt,
            Self::Missing,
            Self::Unavailable,
            Self::Locked,
            Self::Io,
            Self::Config,
        ];
        known.into_iter().find(|exit| *exit as u8 == code).unwrap_or(Self::Internal)
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Exit,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// Makes a failure from an error, whose causes are printed with it.
    pub(crate) fn new(code: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into(), hint: None }
    }

    fn message(code: Exit, message: impl fmt::Display) -> Self {
        Self::new(code, anyhow::Error::msg(message.to_string()))
    }

    /// Wrong use of the command line.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::message(Exit::Usage, message)
    }

    /// An input is not there.
    pub(crate) fn missing(message: impl fmt::Display) -> Self {
        Self::message(Exit::Missing, message)
    }

    /// The answer is "no".
    pub(crate) fn refused(message: impl fmt::Display) -> Self {
        Self::message(Exit::No, message)
    }

    /// A required service does not answer.
    pub(crate) fn unavailable(message: impl fmt::Display) -> Self {
        Self::message(Exit::Unavailable, message)
    }

    /// Corrupt data.
    pub(crate) fn corrupt(message: impl fmt::Display) -> Self {
        Self::message(Exit::Corrupt, message)
    }

    /// A paper book that cannot be opened: damage, or the file system's refusal.
    pub(crate) fn of_book(error: paper::OpenError) -> Self {
        Self::new(if error.is_damage() { Exit::Corrupt } else { Exit::Io }, error)
    }

    /// The configuration is not usable.
    pub(crate) fn config(message: impl fmt::Display) -> Self {
        Self::message(Exit::Config, message)
    }

    /// A fault of the program.
    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        Self::message(Exit::Internal, message)
    }

    /// A file operation failed.
    pub(crate) fn io(what: impl fmt::Display, error: io::Error) -> Self {
        Self::new(Exit::Io, anyhow::Error::new(error).context(what.to_string()))
    }

    /// Adds what the user can do about it.
    pub(crate) fn hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }

    /// Returns the failure in words, with its causes.
    pub(crate) fn text(&self) -> String {
        format!("{:#}", self.error)
    }

    /// Returns the exit code.
    pub(crate) fn code(&self) -> Exit {
        self.code
    }

    /// Prints the failure to stderr; nothing for a reader of stdout that went away.
    pub(crate) fn print(&self) {
        if self.code == Exit::Done {
            return;
        }
        let (error, hint) = (ERROR, HINT);
        terminal::complain(&format!("{error}error:{error:#} {:#}", self.error));
        if let Some(text) = &self.hint {
            terminal::complain(&format!("{hint}hint:{hint:#} {text}"));
        }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self::new(Exit::from_code(error.exit_code()), error)
    }
}

impl From<io::Error> for Failure {
    /// Takes an error of writing to stdout: when the reader (`head`) has gone, that is no fault.
    fn from(error: io::Error) -> Self {
        let gone = error.kind() == io::ErrorKind::BrokenPipe;
        let code = if gone { Exit::Done } else { Exit::Io };
        Self::new(code, anyhow::Error::new(error).context("write to the standard output"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// contract.md section 2: a reader that stops reading is no failure of ours.
    #[test]
    fn closed_pipe_is_quiet() {
        let gone = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.code(), Exit::Done);
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.code(), Exit::Io);
    }

    /// Codes of other crates keep their meaning; one that the contract does not have is a fault.
    #[test]
    fn codes_of_other_crates() {
        for code in [0, 1, 64, 65, 66, 69, 70, 73, 74, 78] {
            assert_eq!(Exit::from_code(code) as u8, code);
        }
        assert_eq!(Exit::from_code(3), Exit::Internal);
    }
}
