//! No file names a folder of the machine it was written on.

use std::path::{Path, PathBuf};

use super::{Finding, files};

/// Folders that exist on one machine only; written in two parts so that this file passes.
const MACHINE_FOLDERS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Checks every text file.
pub(super) fn check(root: &Path, all: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in all {
        let Some(text) = files::read_text(root, file)? else { continue };
        for (index, line) in text.lines().enumerate() {
            if let Some(folder) = machine_folder(line) {
                findings.push(format!("{}:{}: names {folder}", file.display(), index + 1));
            }
        }
    }
    Ok(findings)
}

/// Returns the machine's folder that `line` names as an absolute path: in `a/b/c` the middle
/// part is no absolute path.
fn machine_folder(line: &str) -> Option<&'static str> {
    let is_absolute = |position: usize| {
        line[..position]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric() && !"._-/$}~*".contains(before))
    };
    MACHINE_FOLDERS
        .into_iter()
        .find(|folder| line.match_indices(folder).any(|(position, _)| is_absolute(position)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_found() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(machine_folder(&format!("in \"{folder}x\"")), Some(folder));
            assert_eq!(machine_folder(&format!("{folder}x")), Some(folder));
            assert_eq!(machine_folder(&format!("see file://{folder}x")), None);
        }
    }

    #[test]
    fn parts_of_relative_paths_are_not() {
        for before in ["..", "target", "$HOME", "~"] {
            assert_eq!(machine_folder(&format!("{before}{}x", MACHINE_FOLDERS[0])), None);
        }
    }
}
