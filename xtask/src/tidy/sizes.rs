//! Sizes: of files in bytes (a failure), of source files and functions in lines (a report).
//!
//! A file holds one idea and at most 600 lines before its tests, a function fits a screen.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{Finding, files, source};

const FILE_BYTES_MAX: u64 = 2_000_000;
const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Checks that no file is so big that it makes every clone slow.
pub(super) fn check_bytes(root: &Path, all: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in all {
        let size = fs::metadata(root.join(file))
            .with_context(|| format!("read the size of {}", file.display()))?
            .len();
        if size > FILE_BYTES_MAX {
            findings.push(format!("{}: {size} bytes", file.display()));
        }
    }
    Ok(findings)
}

/// Returns one line for each source file and each function that is longer than agreed.
pub(super) fn report(root: &Path, all: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for file in all.iter().filter(|file| files::has_extension(file, "rs")) {
        let Some(text) = files::read_text(root, file)? else { continue };
        let count = source::lines_before_tests(&text);
        if count > FILE_LINES_MAX {
            lines.push(format!("long file: {}: {count} lines before its tests", file.display()));
        }
        for function in source::functions(&text) {
            if function.lines > FUNCTION_LINES_MAX {
                lines.push(format!(
                    "long function: {}:{}: {} has {} lines",
                    file.display(),
                    function.line,
                    function.name,
                    function.lines
                ));
            }
        }
    }
    Ok(lines)
}
