//! Where a value comes from, and what is wrong with one.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

/// Where an effective value comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Origin {
    /// The build.
    #[default]
    Default,
    /// The defaults of a command, such as `demo`.
    Command(&'static str),
    /// A configuration file.
    File {
        /// The file.
        path: Arc<PathBuf>,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
    },
    /// An environment variable.
    Env(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Command(name) => write!(f, "default of {name}"),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

impl Origin {
    /// Returns the origin as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Default => json!({ "kind": "default" }),
            Self::Command(name) => json!({ "kind": "command", "name": name }),
            Self::File { path, line, column } => {
                json!({ "kind": "file", "file": path.display().to_string(), "line": line, "column": column })
            }
            Self::Env(name) => json!({ "kind": "env", "name": name }),
            Self::Flag(name) => json!({ "kind": "flag", "name": name }),
        }
    }
}

/// One thing that is wrong in the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem {
    /// Where it is.
    pub(crate) origin: Origin,
    /// The key; empty for a file that is no TOML.
    pub(crate) key: String,
    /// The value as written, where there is one.
    pub(crate) value: Option<String>,
    /// What is wrong.
    pub(crate) why: String,
    /// What is allowed.
    pub(crate) allowed: Option<String>,
    /// What was probably meant.
    pub(crate) meant: Option<String>,
}

impl Problem {
    /// Makes a problem about a key.
    pub(crate) fn new(origin: Origin, key: impl Into<String>, why: impl Into<String>) -> Self {
        Self { origin, key: key.into(), value: None, why: why.into(), allowed: None, meant: None }
    }

    /// Names the value as written.
    pub(crate) fn value(self, value: impl fmt::Display) -> Self {
        Self { value: Some(value.to_string()), ..self }
    }

    /// Names what is allowed.
    pub(crate) fn allowed(self, allowed: impl Into<String>) -> Self {
        Self { allowed: Some(allowed.into()), ..self }
    }

    /// Names what was probably meant.
    pub(crate) fn meant(self, meant: Option<String>) -> Self {
        Self { meant, ..self }
    }

    /// Returns the problem as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!({
            "origin": self.origin.to_json(),
            "key": self.key,
            "value": self.value,
            "why": self.why,
            "allowed": self.allowed,
            "suggestion": self.meant,
            "message": self.to_string(),
        })
    }
}

impl fmt::Display for Problem {
    /// `bellwether.toml:4:25: risk.max_daily_loss_pct = 5 is out of range; allowed: ...; did you
    /// mean ...?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { path, line, column } => {
                write!(f, "{}:{line}:{column}: ", path.display())?
            }
            Origin::Env(name) => write!(f, "environment variable {name}: ")?,
            Origin::Flag(name) => write!(f, "{name}: ")?,
            Origin::Default | Origin::Command(_) => {}
        }
        if !self.key.is_empty() {
            write!(f, "{}", self.key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.why)?;
        if let Some(allowed) = &self.allowed {
            write!(f, "; allowed: {allowed}")?;
        }
        if let Some(meant) = &self.meant {
            write!(f, "; did you mean {meant}?")?;
        }
        Ok(())
    }
}
