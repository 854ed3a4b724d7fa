//! The text form of run-time overrides, shared by the dated tables.
//!
//! One entry a line; words are separated by spaces, a reason or source may be in double quotes
//! and may then hold spaces; `#` begins a comment; empty lines are skipped. What the words mean is
//! each table's own matter.

use std::fmt;

/// Why a line of an override text is refused; nothing of that text is taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("override line {line}: {value:?} is not allowed here, expected {expected}")]
pub struct OverrideError {
    /// Line number from 1.
    pub line: usize,
    /// The word or the line at fault, cut after 60 characters.
    pub value: String,
    /// What is allowed there, with an example.
    pub expected: String,
}

/// One line that holds something.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) words: Vec<String>,
}

impl Line {
    /// Makes an error about `value` on this line.
    pub(super) fn error(&self, value: &str, expected: impl fmt::Display) -> OverrideError {
        OverrideError {
            line: self.number,
            value: value.chars().take(60).collect(),
            expected: expected.to_string(),
        }
    }

    /// Makes an error about the whole line.
    pub(super) fn error_of_line(&self, expected: impl fmt::Display) -> OverrideError {
        self.error(&self.words.join(" "), expected)
    }

    /// Reads word `at` as a `T`.
    pub(super) fn parse<T: std::str::FromStr>(
        &self,
        at: usize,
        expected: &str,
    ) -> Result<T, OverrideError> {
        let word = self.words.get(at).ok_or_else(|| self.error_of_line(expected))?;
        word.parse().map_err(|_| self.error(word, expected))
    }
}

/// Splits a text into its lines and words.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, OverrideError> {
    let mut lines = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let words = split(raw).ok_or_else(|| OverrideError {
            line: index + 1,
            value: raw.chars().take(60).collect(),
            expected: "a closing double quote".to_owned(),
        })?;
        if !words.is_empty() {
            lines.push(Line { number: index + 1, words });
        }
    }
    Ok(lines)
}

/// Splits one line; `None` when a quotation does not end.
fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_words_quotes_and_comments() {
        let text = "# all\n\n a  b \"c # d\" # e\n\tf\"g\n";
        let found: Vec<_> =
            lines(text).unwrap().into_iter().map(|line| (line.number, line.words)).collect();
        assert_eq!(found[0], (3, vec!["a".to_owned(), "b".to_owned(), "c # d".to_owned()]));
        assert_eq!(found[1], (4, vec!["f\"g".to_owned()]));
        assert_eq!(lines("a\nb \"c").err().unwrap().line, 2);
    }
}
