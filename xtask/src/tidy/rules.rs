//! Rule ids cited in comments exist: a comment that cites a rule nobody wrote proves nothing.
//!
//! The ranges are those of the rules themselves; a new rule moves its number here.

use std::path::{Path, PathBuf};

use super::{Finding, files};

/// Prefix and highest number of each family of rules.
///
/// T*: trading (bars, indicators, sizing, gap_and_go, vwap_reclaim, further strategies, fills,
/// costs, performance, calendar). I: invariants, C: controls, R: fail-over, F: faults,
/// J: journal, S: security.
const FAMILIES: [(&str, u32); 16] = [
    ("TB", 11),
    ("TI", 19),
    ("TS", 8),
    ("TG", 40),
    ("TV", 26),
    ("TX", 7),
    ("TF", 16),
    ("TK", 8),
    ("TP", 28),
    ("TC", 10),
    ("I", 18),
    ("C", 42),
    ("R", 11),
    ("F", 50),
    ("J", 17),
    ("S", 12),
];

/// Checks the comments of every Rust file.
pub(super) fn check(root: &Path, all: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in all.iter().filter(|file| files::has_extension(file, "rs")) {
        let Some(text) = files::read_text(root, file)? else { continue };
        for (index, line) in text.lines().enumerate() {
            // Only whole-line comments: a string may hold `//` and anything after it.
            let Some(comment) = line.trim_start().strip_prefix("//") else { continue };
            for id in unknown_ids(comment) {
                findings.push(format!("{}:{}: there is no rule {id}", file.display(), index + 1));
            }
        }
    }
    Ok(findings)
}

/// Returns the words that look like a rule id of a known family but have no such number.
fn unknown_ids(comment: &str) -> Vec<&str> {
    comment
        .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| {
            let digits = word.trim_start_matches(|character: char| character.is_ascii_uppercase());
            let prefix = &word[..word.len() - digits.len()];
            let highest = FAMILIES.iter().find(|(family, _)| *family == prefix);
            let number =
                (1..=2).contains(&digits.len()).then(|| digits.parse::<u32>().ok()).flatten();
            match (highest, number) {
                (Some((_, highest)), Some(number)) => number == 0 || number > *highest,
                _ => false,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_rules_and_other_words_pass() {
        let comment = " TI1-TI19, C05 (TG40); W1 and W2, i64, F_99, SHA256, Q3, T9, TP28's";
        assert_eq!(unknown_ids(comment), [""; 0]);
    }

    #[test]
    fn absent_rules_are_found() {
        assert_eq!(unknown_ids(" see TI20, C43/C00 and TG0"), ["TI20", "C43", "C00", "TG0"]);
    }
}
