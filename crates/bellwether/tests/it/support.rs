//! Calls the program in a folder of its own, without the developer's configuration.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder in which the program is called.
pub(crate) struct Desk {
    folder: TempDir,
}

/// What a call left behind.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Calls the program with arguments separated by blanks.
    pub(crate) fn run(&self, arguments: &str) -> Answer {
        self.run_with(arguments, &[])
    }

    /// The same with environment variables.
    pub(crate) fn run_with(&self, arguments: &str, env: &[(&str, &str)]) -> Answer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bellwether"));
        command.args(arguments.split_whitespace()).current_dir(self.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BELLWETHER_") {
                command.env_remove(name);
            }
        }
        command.env_remove("ENVIRONMENT").env_remove("LOG_LEVEL").envs(env.iter().copied());
        Answer::from(command.output().unwrap())
    }

    /// Calls the program with `--json`; it must end with 0.
    pub(crate) fn json(&self, arguments: &str) -> Value {
        let answer = self.run(&format!("{arguments} --json"));
        assert_eq!(answer.code, 0, "{arguments}: {}", answer.stderr);
        answer.document()
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the program was killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Answer {
    /// Returns the one JSON document that stdout must be.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("stdout is not one JSON document: {e}\n{}", self.stdout))
    }

    /// Asserts a refusal: nothing on stdout, the words on stderr.
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}", self.stderr);
        assert_eq!(self.stdout, "");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in: {}", self.stderr);
        }
    }
}

/// Two regular sessions of one-minute bars of one symbol as CSV: a saw-tooth around 50 dollars,
/// so that closes cross the session VWAP many times.
pub(crate) fn saw_tooth(symbol: &str) -> String {
    let mut text = String::from("ts,symbol,open,high,low,close,volume\n");
    // 09:30 New York on 2024-01-03 and 2024-01-04.
    for open in ["2024-01-03T14:30:00Z", "2024-01-04T14:30:00Z"] {
        let open: model::Timestamp = open.parse().unwrap();
        for minute in 0..390_i64 {
            let start = open.plus_nanos(minute * model::MINUTE_NS);
            let cents = |at: i64| 5_000 + (at % 40 - 20).abs() * 3;
            let (first, last) = (cents(minute), cents(minute + 1));
            let price = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
            text.push_str(&format!(
                "{start},{symbol},{},{},{},{},{}\n",
                price(first),
                price(first.max(last) + 1),
                price(first.min(last) - 1),
                price(last),
                1_000 + minute
            ));
        }
    }
    text
}
